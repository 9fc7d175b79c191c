"""``earwitness map``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line
from earwitness.errors import OptionError


@click.command(
    name="map",
    epilog="""\b
Examples
  earwitness map --region -10,35,30,60 --query "sea waves on a beach" -o beach.tif
  earwitness map --query "thunder" --date July -o thunder.tif
  earwitness map --region 95,-12,155,25 --query-audio frogs.wav -o frogs.tif
  earwitness map --dominant --query "city traffic" --query "a forest with birds" -o who.tif
  earwitness map --region -10,35,30,60 --query "birds at dawn" --hours 0-23 -o day.tif

Beside beach.tif come beach.png, beach.parquet (H3 cells, GeoParquet), beach.html (opens from disk,
no network needed: click a cell) and, with --hours, beach.mp4. The first map of a region embeds its
imagery and keeps that in the gallery; the next query takes a second. A map that was stopped goes
on where it was when the command is given again.
""",
)
@click.option(
    "--region",
    default="world",
    show_default=True,
    metavar="W,S,E,N",
    help="Degrees, or world. West above east goes across the ±180° line.",
)
@click.option("--query", "queries", multiple=True, metavar="WORDS", help="May be given again.")
@click.option(
    "--query-audio",
    "sounds",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A sound to look for. May be given again.",
)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="A .tif; others come beside it.")
@click.option("--date", metavar="DATE", help="2026-07-15, 2026-07 or July.  [default: any]")
@click.option("--hour", type=float, metavar="H", help="Local hour, 0 to 24.  [default: any]")
@click.option("--hours", metavar="H-H", help="Several hours, such as 0-23: bands for each, a film.")
@click.option("--utc", is_flag=True, help="Hours are the same moment everywhere, not local.")
@click.option(
    "--dominant",
    is_flag=True,
    help="Map also which query leads where; without --query, of ten that suit the world.",
)
@click.option("--step", type=float, metavar="DEG", help="Size of a cell.  [default: by the region]")
@click.option(
    "--tiles",
    default="builtin",
    show_default=True,
    help="Imagery: builtin, a GeoTIFF, the name of a tile service, a template.",
)
@click.option("--embedder", default="builtin", show_default=True, help="builtin, or a checkpoint.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    help="local: processes of this machine; ray: a Ray cluster (RAY_ADDRESS, or the one here).",
)
@click.option("--workers", type=int, metavar="N", help="How many.  [default: one for each core]")
@click.option(
    "--gallery",
    metavar="FOLDER",
    help="Where embeddings are kept.  [default: in the user's cache]",
)
@click.option(
    "--write",
    default="tif,png,parquet,html",
    show_default=True,
    metavar="KINDS",
    help="Which files; mp4 comes with --hours.",
)
@click.option("--allow-private", is_flag=True, help="Let tiles come from private addresses.")
def map_command(
    region: str,
    queries: tuple[str, ...],
    sounds: tuple[Path, ...],
    out: Path | None,
    date: str | None,
    hour: float | None,
    hours: str | None,
    utc: bool,
    dominant: bool,
    step: float | None,
    tiles: str,
    embedder: str,
    engine: str,
    workers: int | None,
    gallery: str | None,
    write: str,
    allow_private: bool,
) -> None:
    """Map where in a region something would be heard.

    Each cell's satellite image and each query become points of one space; the map shows how near
    they are.
    """
    from earwitness.atlas.maps.asking import WORLD_QUERIES, hours_of
    from earwitness.cli.main import quiet
    from earwitness.verbs.mapping import map_region

    if out is None:
        raise OptionError("no file to write; give one with -o, such as -o beach.tif")
    if dominant and not queries and not sounds:
        queries = WORLD_QUERIES
    with progress_line(quiet()) as tell:
        made = map_region(
            region,
            queries,
            sounds=sounds,
            date=date,
            hour=hour,
            hours=hours_of(hours) if hours else None,
            utc=utc,
            step_deg=step,
            tiles=tiles,
            embedder=embedder,
            engine=engine,
            workers=workers,
            gallery=gallery,
            out=out,
            write=[kind.strip() for kind in write.split(",") if kind.strip()],
            dominant=dominant,
            allow_private=allow_private,
            progress=tell,
        )
    if quiet():
        return
    grid = made.grid
    shown = console()
    shown.print(
        f"{grid.rows} × {grid.columns} cells of {grid.step_deg:g}°, "
        f"{len(made.queries)} quer{'y' if len(made.queries) == 1 else 'ies'}"
    )
    for note in made.notes:
        shown.print(note, soft_wrap=True)
    for file in made.files:
        shown.print(f"written: {file}", soft_wrap=True)
