"""``earwitness convert``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console


@click.command(
    epilog="""\b
Examples
  earwitness convert bingmap_withmeta.ckpt bingmap.safetensors
"""
)
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--heads",
    type=int,
    metavar="N",
    help="Heads of the satellite transformer, for files of unusual size.",
)
@click.option(
    "--allow-different",
    is_flag=True,
    help="Convert even where names or shapes are not the model's; they are listed.",
)
def convert(source: Path, target: Path, heads: int | None, allow_different: bool) -> None:
    """Convert a Sat2Sound checkpoint (SOURCE, .ckpt or .pt) to safetensors (TARGET).

    Nothing in the file is run. Every key that is missing, extra or of another shape is named.
    """
    from earwitness.cli.main import quiet
    from earwitness.extras import require

    require("torch", "safetensors", what="converting a checkpoint", extra="train")
    from earwitness.atlas.sat2sound.checkpoint import convert as to_safe

    keys = to_safe(source, target, strict=not allow_different, vit_heads=heads)
    if not quiet():
        console().print(f"keys: {keys}\nwritten: {target}", soft_wrap=True)
