"""``earwitness embed``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line


@click.command(
    epilog="""\b
Examples
  earwitness embed --checkpoint runs/first/averaged.pt --text "waves on a beach" -o words.csv
  earwitness embed --checkpoint builtin --image tile.png --lat 48.2 --lon 16.4 -o place.parquet
  earwitness embed --checkpoint bingmap_withmeta.ckpt --audio dawn.flac --audio port.wav -o t.npz
"""
)
@click.option("--checkpoint", required=True, metavar="FILE|builtin")
@click.option("--image", "images", type=click.Path(path_type=Path), multiple=True)
@click.option("--audio", "sounds", type=click.Path(path_type=Path), multiple=True)
@click.option("--text", "texts", multiple=True, metavar="WORDS")
@click.option("--lat", type=float, help="Of the images, degrees north.")
@click.option("--lon", type=float, help="Of the images, degrees east.")
@click.option("--month", type=int, help="1 to 12.")
@click.option("--hour", type=float, help="Local, 0 to 24.")
@click.option("--text-encoder", metavar="NAME", help="[default: the model's own]")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="A .parquet, .csv or .npz file.",
)
def embed(
    checkpoint: str, images: tuple[Path, ...], sounds: tuple[Path, ...], texts: tuple[str, ...],
    lat: float | None, lon: float | None, month: int | None, hour: float | None,
    text_encoder: str | None, device: str, out: Path,
) -> None:  # fmt: skip
    """Embed images, sounds and words into one space, as a table.

    Products of rows tell how well two things go together. Each option may be given several times.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.embedding import embed as make

    with progress_line(quiet()) as tell:
        count = make(
            checkpoint, out, images=images, sounds=sounds, texts=texts, lat_deg=lat, lon_deg=lon,
            month=month, hour=hour, text_encoder=text_encoder, device=device, progress=tell,
        )  # fmt: skip
    if not quiet():
        console().print(f"{count} row{'s' * (count != 1)}\nwritten: {out}", soft_wrap=True)
