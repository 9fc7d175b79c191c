"""``earwitness evaluate``: a group whose subcommands are imported when they are asked for."""

from __future__ import annotations

from importlib import import_module

import click

SUBCOMMANDS = {
    "acoustics": ("earwitness.cli.evaluate_measures", "acoustics"),
    "scene": ("earwitness.cli.evaluate_measures", "scene"),
    "set": ("earwitness.cli.evaluate_measures", "set_"),
    "retrieval": ("earwitness.cli.evaluate_retrieval", "retrieval"),
    "codebook": ("earwitness.cli.evaluate_codebook", "codebook"),
}
"""Name → module and the command in it. One line for each; the modules stay unloaded till used."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands."""
        return sorted(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand and give it the options that all commands have."""
        from earwitness.cli.main import with_common_options

        if cmd_name not in SUBCOMMANDS:
            return None
        if cmd_name not in self.commands:
            module, name = SUBCOMMANDS[cmd_name]
            command: click.Command = getattr(import_module(module), name)
            self.commands[cmd_name] = with_common_options(command)
        return self.commands[cmd_name]


@click.group(cls=_LazyGroup)
def evaluate() -> None:
    """Measure: where things are heard, how alike sounds are, what models make of data.

    Every figure of scene, acoustics and set is explained in docs/measures.md, with what it cannot
    tell.
    """
