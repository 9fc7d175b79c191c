"""``earwitness caption``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line


@click.command(
    epilog="""\b
Examples
  earwitness caption tiles/ -o captions.parquet
  earwitness caption tiles/ --model smolvlm --batch 8 -o captions.parquet
  earwitness caption tiles/ --model weights/my-llava --as llava -o captions.parquet
"""
)
@click.argument("tiles", type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="llava",
    show_default=True,
    metavar="NAME|FOLDER",
    help="llava, smolvlm, smolvlm-500m, or a folder with such weights.",
)
@click.option(
    "--as", "kind", default="llava", show_default=True, metavar="NAME", help="What a folder holds."
)
@click.option("--batch", type=int, default=4, show_default=True, help="Images at a time.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--skip-bad", is_flag=True, help="Pass over images that cannot be read.")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    help="A .parquet file. The same command goes on after a stop.",
)
def caption(
    tiles: Path, model: str, kind: str, batch: int, device: str, skip_bad: bool, out: Path
) -> None:
    """Ask a vision-language model what sounds each aerial image of a folder (TILES) suggests.

    Captions are guesses of a model, made with the published prompt; nobody listened.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.captioning import caption_tiles, load_captioner, tiles_in

    tiles_in(tiles)  # say what is wrong with it before anything large is loaded
    captioner = load_captioner(model, name=kind, device=device)
    with progress_line(quiet()) as tell:
        count, bad = caption_tiles(
            tiles, out, captioner=captioner, name=model, batch=batch, skip_bad=skip_bad,
            progress=tell,
        )  # fmt: skip
    if not quiet():
        for key, reason in list(bad.items())[:20]:
            console().print(f"passed over {key}: {reason}")
        console().print(f"{count} captions\nwritten: {out}", soft_wrap=True)
