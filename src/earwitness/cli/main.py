"""The command ``earwitness``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from earwitness import __version__
from earwitness.cli.errors import report, show_warnings_once

_EPILOG = """\b
Examples
  earwitness listen photo.jpg
  earwitness listen street.jpg --prompt "light rain, no traffic" --layout 7.1.4
  earwitness render street.scene --layout binaural
"""


class Group(click.Group):
    """A group whose subcommands all know ``--debug`` and ``--quiet``."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command and give it the common options."""
        super().add_command(with_common_options(cmd), name)


def with_common_options(command: click.Command) -> click.Command:
    """Give a command ``--debug`` and ``--quiet``, once."""
    command.params += [o for o in reversed(_COMMON) if o not in command.params]
    return command


def _remember(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    if value and parameter.name is not None:
        context.find_root().ensure_object(dict)[parameter.name] = True
    return value


_COMMON = (
    click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        is_eager=True,
        help="Show the traceback of an error.",
    ),
    click.Option(
        ["--quiet", "-q"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        is_eager=True,
        help="Print errors only.",
    ),
)


def quiet() -> bool:
    """Return whether the user asked for silence."""
    return bool(click.get_current_context().find_root().ensure_object(dict).get("quiet"))


@click.group(
    cls=Group,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="earwitness")
def earwitness() -> None:
    """Hear what you see: pictures become spatial sound scenes.

    A scene is a folder: scene.json says what sounds from where, each source has its sound in
    stems/. Edit scene.json by hand and render it again.
    """


def _register() -> None:
    from earwitness.cli.caption import caption
    from earwitness.cli.convert import convert
    from earwitness.cli.embed import embed
    from earwitness.cli.evaluate import evaluate
    from earwitness.cli.find import find
    from earwitness.cli.gallery import gallery
    from earwitness.cli.listen import listen
    from earwitness.cli.map import map_command
    from earwitness.cli.models import models
    from earwitness.cli.render import render
    from earwitness.cli.serve import serve
    from earwitness.cli.train import train
    from earwitness.cli.visit import visit
    from earwitness.cli.voice import voice
    from earwitness.cli.world import world

    watched = (listen, render, voice)
    placed = (visit, map_command, find, gallery)
    learned = (train, evaluate, embed, caption, convert, models, world)
    for command in (*watched, *placed, *learned, serve):
        earwitness.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        Words after the program's name; None takes them from the process.

    Returns
    -------
    int
        0 when all went well, 1 on an error, 130 when stopped.
    """
    show_warnings_once()
    state: dict[str, Any] = {}
    try:
        if not earwitness.commands:
            _register()
        result = earwitness.main(
            args=None if arguments is None else list(arguments),
            prog_name="earwitness",
            standalone_mode=False,
            obj=state,
        )
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
        return 0
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (``| head``): nothing is wrong.
        sys.stderr.close()
        return 0
    except (Exception, KeyboardInterrupt) as error:
        return report(error, debug=bool(state.get("debug")))
    return int(result) if isinstance(result, int) else 0


def run() -> None:
    """Run as a program."""
    sys.exit(main())


Command = Callable[..., Any]
