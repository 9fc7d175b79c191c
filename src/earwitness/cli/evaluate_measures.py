"""``earwitness evaluate scene | acoustics | set``: figures that say how good a result is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from earwitness.cli.console import console, progress_line
from earwitness.cli.options import LAYOUTS_HELP, several

if TYPE_CHECKING:
    from earwitness.verbs.results import Table as Results

_PATH: Any = click.Path(path_type=Path)


_out = click.option(
    "--out",
    "-o",
    type=_PATH,
    help="Page of results: a folder (index.html, results.md, results.csv), or one file "
    "ending in .html, .md or .csv.",
)
_space = several(
    click.option(
        "--layout",
        "-l",
        "layouts",
        multiple=True,
        metavar="NAME",
        help=f"Layout to listen in; may be given several times: {LAYOUTS_HELP}.  "
        "[default: foa, 5.1 and binaural]",
    ),
    click.option(
        "--renderer", metavar="NAME", help="Whose directions are measured; any, also a plug-in's."
    ),
    click.option(
        "--method",
        type=click.Choice(["beam", "energy"]),
        default="beam",
        show_default=True,
        help="For loudspeakers: beams at the listener's place, or Gerzon's energy vector.",
    ),
)
_clap = click.option(
    "--clap",
    metavar="WEIGHTS",
    help="Name (clap) or folder of CLAP's weights, for its score; needs earwitness[hub].",
)


def _show(title: str, tables: Sequence[Results], out: Path | None) -> None:
    from earwitness.cli.main import quiet

    if quiet():
        return
    screen = console()
    screen.print(title)
    for name, heads, rows, note in tables:
        made = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD, title=name)
        made.title_justify = made.caption_justify = "left"
        for i, head in enumerate(heads):
            made.add_column(head, justify="right" if i else "left", overflow="fold")
        for row in rows:
            made.add_row(*row)
        made.caption = note or None
        screen.print(made)
    if out is not None:
        screen.print(f"written: {out}", soft_wrap=True)


def _finish(figures: Any, out: Path | None) -> None:
    from earwitness.verbs.results import tables_of, write_results

    if out is not None:
        write_results(figures, out)
    _show(*tables_of(figures), out)


@click.command(
    epilog="""\b
Examples
  earwitness evaluate scene street.scene
  earwitness evaluate scene street.scene --renderer propagation -l 5.1 -l 7.1 --out page/
  earwitness evaluate scene street.scene --sound street.scene/5.1.wav
  earwitness evaluate scene street.scene --picture street.jpg
"""
)
@click.argument("folder", metavar="SCENE", type=_PATH)
@_space
@click.option(
    "--sound",
    type=_PATH,
    metavar="FILE",
    help="Measure this finished file of the scene instead of rendering each source alone: sources "
    "are told apart where one is louder than all others in time and frequency.",
)
@click.option("--sound-layout", metavar="NAME", help="Layout of --sound, if its name is none.")
@click.option(
    "--picture",
    type=_PATH,
    metavar="FILE",
    help="Also the paper's scene-guided protocol: how much a guide that sees this picture would "
    "change the sound.",
)
@click.option(
    "--guide",
    default="builtin",
    show_default=True,
    metavar="NAME",
    help="builtin (a room or open air estimated from the picture), avitar:CHECKPOINT, or a "
    "plug-in's.",
)
@_clap
@click.option(
    "--clip",
    type=str,
    metavar="FOLDER",
    help="CLIP ViT-B/32 (or the name clip-vit-b32), for the CLIP score.",
)
@click.option("--wav2clip", type=str, metavar="FOLDER", help="Wav2CLIP, for the CLIP score.")
@_out
def scene(folder: Path, sound_layout: str | None, out: Path | None, **options: Any) -> None:
    """Angle between what is seen and what is heard in a SCENE, against chance."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.measuring import DEFAULT_LAYOUTS, evaluate_scene

    options["layouts"] = options["layouts"] or DEFAULT_LAYOUTS
    with progress_line(quiet()) as tell:
        figures = evaluate_scene(folder, layout=sound_layout, progress=tell, **options)
    _finish(figures, out)


@click.command(
    epilog="""\b
Examples
  earwitness evaluate acoustics original.wav generated.wav
  earwitness evaluate acoustics a.wav b.wav --out figures.csv
"""
)
@click.argument("original", type=_PATH)
@click.argument("compared", type=_PATH)
@click.option("--layout", metavar="NAME", help="Layout of both, if their names tell none.")
@_out
def acoustics(original: Path, compared: Path, layout: str | None, out: Path | None) -> None:
    """How alike two sounds are: Table 1 of the paper exactly, and mended."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.measuring import evaluate_acoustics

    with progress_line(quiet()) as tell:
        figures = evaluate_acoustics(original, compared, layout=layout, progress=tell)
    _finish(figures, out)


@click.command(
    "set",
    epilog="""\b
Examples
  earwitness evaluate set scenes/ --out page/
  earwitness evaluate set generated/ --against originals/ --out page/
""",
)
@click.argument("folder", type=_PATH)
@click.option(
    "--against",
    type=_PATH,
    metavar="FOLDER",
    help="FOLDER holds sounds, and this one their originals: both sorted by name and paired, "
    "with the distance between the sets.",
)
@_space
@_clap
@_out
def set_(folder: Path, out: Path | None, **options: Any) -> None:
    """Figures of a FOLDER of scenes, or of sounds against others."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.measuring import DEFAULT_LAYOUTS, evaluate_set

    options["layouts"] = options["layouts"] or DEFAULT_LAYOUTS
    with progress_line(quiet()) as tell:
        figures = evaluate_set(folder, progress=tell, **options)
    _finish(figures, out)
