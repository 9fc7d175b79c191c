"""``earwitness gallery``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich import box
from rich.table import Table

from earwitness.cli.console import console, progress_line
from earwitness.cli.main import Group

_embedder = click.option(
    "--embedder", default="builtin", show_default=True, help="builtin, or a checkpoint."
)


@click.group(
    cls=Group,
    epilog="""\b
Examples
  earwitness gallery add sounds.gallery recordings/ captions.txt
  earwitness gallery build sounds.gallery --region world --step 1 --builtin
  earwitness gallery info sounds.gallery
  earwitness find --at 47.4,8.5 --gallery sounds.gallery

A gallery is a LanceDB folder: captions, recordings, and the embeddings of places. The same
commands work on object storage: name it s3://bucket/sounds.gallery.
""",
)
def gallery() -> None:
    """Keep captions, recordings and embeddings of places."""


@gallery.command()
@click.argument("folder")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--caption", "captions", multiple=True, metavar="WORDS", help="May be given again.")
@_embedder
@click.option("--skip-bad", is_flag=True, help="Leave out recordings that cannot be read.")
def add(
    folder: str,
    files: tuple[Path, ...],
    captions: tuple[str, ...],
    embedder: str,
    skip_bad: bool,
) -> None:
    """Add sounds, folders of sounds, .txt (a caption a line) and .csv to the gallery FOLDER.

    A .csv has a column text or file, and may have lat, lon, date, title, author, licence, url.
    What is there already is not embedded again.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.keeping import add_to_gallery

    with progress_line(quiet()) as tell:
        added = add_to_gallery(
            folder,
            files,
            captions=captions,
            embedder=embedder,
            skip_bad=skip_bad,
            progress=tell,
        )
    if not quiet():
        if added.bad:
            console().print(f"{len(added.bad)} left out:")
            for why in added.bad[:20]:
                console().print(f"  {why}", soft_wrap=True)
        console().print(
            f"added: {added.captions} captions, {added.recordings} recordings; "
            f"{added.known} were there"
        )


@gallery.command()
@click.argument("folder")
@click.option("--region", metavar="W,S,E,N", help="Embed the imagery of this region, or of world.")
@click.option("--step", type=float, metavar="DEG", help="Size of a cell.")
@click.option("--date", metavar="DATE", help="2026-07-15, 2026-07 or July.  [default: any]")
@click.option("--hour", type=float, metavar="H", help="Local hour.  [default: any]")
@click.option("--tiles", default="builtin", show_default=True, help="Imagery, as for map.")
@_embedder
@click.option("--engine", default="local", show_default=True, help="local or ray, as for map.")
@click.option("--workers", type=int, metavar="N", help="How many.  [default: as cores]")
@click.option("--builtin", is_flag=True, help="Add the built-in voice's outdoor sounds.")
@click.option("--allow-private", is_flag=True, help="Let tiles come from private addresses.")
def build(
    folder: str,
    region: str | None,
    step: float | None,
    date: str | None,
    hour: float | None,
    tiles: str,
    embedder: str,
    engine: str,
    workers: int | None,
    builtin: bool,
    allow_private: bool,
) -> None:
    """Embed a region and build the indices of the gallery FOLDER."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.keeping import build_gallery

    with progress_line(quiet()) as tell:
        held = build_gallery(
            folder,
            region=region,
            step_deg=step,
            date=date,
            hour=hour,
            tiles=tiles,
            embedder=embedder,
            engine=engine,
            workers=workers,
            builtin=builtin,
            allow_private=allow_private,
            progress=tell,
        )
    if not quiet():
        _print(held)


@gallery.command()
@click.argument("folder")
def info(folder: str) -> None:
    """Say what the gallery FOLDER holds."""
    from earwitness.atlas.gallery import Gallery
    from earwitness.verbs.keeping import gallery_info

    _print(gallery_info(folder))
    size = Gallery(folder).size_bytes()
    if size is not None:
        console().print(f"{size / 1e6:.1f} MB")


def _print(held: Sequence[object]) -> None:
    from earwitness.verbs.keeping import Held

    table = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    table.add_column("what")
    table.add_column("rows", justify="right")
    table.add_column("embedder")
    table.add_column("index")
    for line in held:
        assert isinstance(line, Held)
        table.add_row(line.what, f"{line.rows:,}", line.embedder, "yes" if line.indexed else "no")
    console().print(table)
