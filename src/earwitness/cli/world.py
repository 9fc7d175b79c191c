"""``earwitness world``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line


@click.group()
def world() -> None:
    """The built-in world: real images and places, sounds by rule, for training."""


@world.command(
    epilog="""\b
Examples
  earwitness world build world
  earwitness world build small --rows 2000 --clips 12
"""
)
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--rows", type=int, default=48_000, show_default=True, help="Recordings in all, 100 or more."
)
@click.option(
    "--clips",
    type=int,
    default=36,
    show_default=True,
    help="Synthesised clips of each concept, 10 or more.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same world.")
@click.option("--processes", type=int, help="For the synthesiser; all processors by default.")
def build(out: Path, rows: int, clips: int, seed: int, processes: int | None) -> None:
    """Build it as Parquet shards in the folder OUT (needs the extra [world]; some minutes).

    It takes 1.4 GB. Which sounds a place has is decided by rules, not by recordings: see README.md
    in OUT.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.world import build_world

    with progress_line(quiet()) as tell:
        counts = build_world(
            out, rows=rows, clips=clips, seed=seed, processes=processes, progress=tell
        )
    if not quiet():
        told = ", ".join(f"{count} {split}" for split, count in counts.items())
        console().print(f"{told}\nwritten: {out}", soft_wrap=True)
