"""``earwitness evaluate codebook``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line


@click.command(
    epilog="""\b
Examples
  earwitness evaluate codebook --checkpoint runs/first/averaged.pt --data builtin-world -o page.html
"""
)
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, metavar="FILE")
@click.option("--data", required=True, metavar="WHAT", help="As in earwitness train.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True
)
@click.option("--codes", type=int, default=12, show_default=True, help="How many codes.")
@click.option("--code", "chosen", type=int, multiple=True, help="This code; several times.")
@click.option("--text", metavar="NAME", help="Text encoder.  [default: the model's own]")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out.")
@click.option("--out", "-o", type=click.Path(path_type=Path), required=True, help="An HTML file.")
def codebook(
    checkpoint: Path, data: str, split: str, codes: int, chosen: tuple[int, ...],
    text: str | None, device: str, skip_bad: bool, out: Path,
) -> None:  # fmt: skip
    """Draw a page of what codes fire on: images and their patches, sounds, words."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.evaluating import neighbours

    with progress_line(quiet()) as tell:
        found = neighbours(
            checkpoint, data, out, split=split, codes=codes, chosen=chosen, text=text,
            device=device, skip_bad=skip_bad, progress=tell,
        )  # fmt: skip
    if not quiet():
        console().print(f"{found} code{'s' * (found != 1)}\nwritten: {out}", soft_wrap=True)
