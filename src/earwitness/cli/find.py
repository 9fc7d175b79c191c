"""``earwitness find``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich import box
from rich.table import Table

from earwitness.atlas.coordinates import read_degrees
from earwitness.cli.console import console, progress_line
from earwitness.errors import MediaError, OptionError


@click.command(
    epilog="""\b
Examples
  earwitness find "a mountain stream"
  earwitness find recording.wav --region -10,35,30,60
  earwitness find --at 12.9,77.6
  earwitness find --at 12.9,77.6 --hour 5 -o dawn.wav
  earwitness find --at 12.9,77.6 --gallery sounds.gallery --how recordings -o place.wav

Words or a sound give places; --at gives the captions and the sounds of a gallery that fit a place,
and with -o the place's sound made of the best of them.
"""
)
@click.argument("what", required=False)
@click.option("--at", "place", metavar="LAT,LON", help="Captions and sounds that fit this place.")
@click.option("--region", default="world", show_default=True, metavar="W,S,E,N")
@click.option("--date", metavar="DATE", help="2026-07-15, 2026-07 or July.  [default: any]")
@click.option("--hour", type=float, metavar="H", help="Local hour, 0 to 24.  [default: any]")
@click.option("--step", type=float, metavar="DEG", help="Size of a cell.  [default: by the region]")
@click.option("--limit", "-n", default=10, show_default=True, help="How many.")
@click.option(
    "--apart", default=400.0, show_default=True, metavar="KM", help="Least distance of places."
)
@click.option("--tiles", default="builtin", show_default=True, help="Imagery, as for map.")
@click.option("--embedder", default="builtin", show_default=True, help="builtin, or a checkpoint.")
@click.option("--engine", default="local", show_default=True, help="local or ray, as for map.")
@click.option("--workers", type=int, metavar="N", help="How many.  [default: as cores]")
@click.option("--gallery", metavar="FOLDER", help="[default: the one in the user's cache]")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="With --at: a .wav or .flac.")
@click.option(
    "--how",
    type=click.Choice(["captions", "recordings"]),
    default="captions",
    show_default=True,
    help="With -o: voice the best captions, or mix the best recordings.",
)
@click.option("--duration", "-d", default=10.0, show_default=True, help="With -o: seconds.")
@click.option("--seed", default=0, show_default=True, help="With -o: same seed, same samples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--allow-private", is_flag=True, help="Let tiles come from private addresses.")
def find(
    what: str | None,
    place: str | None,
    region: str,
    date: str | None,
    hour: float | None,
    step: float | None,
    limit: int,
    apart: float,
    tiles: str,
    embedder: str,
    engine: str,
    workers: int | None,
    gallery: str | None,
    out: Path | None,
    how: str,
    duration: float,
    seed: int,
    as_json: bool,
    allow_private: bool,
) -> None:
    """Find the places of a sound or of words (WHAT), or the sounds of a place (--at)."""
    from earwitness.cli.main import quiet
    from earwitness.verbs.finding import find_places, hear_at, sound_at

    if (what is None) == (place is None):
        raise OptionError('give either words or a sound, such as "a mountain stream", or --at')
    if place is not None:
        lat, lon = _degrees(place)
        with progress_line(quiet()) as tell:
            heard = hear_at(
                lat,
                lon,
                date=date,
                hour=hour,
                tiles=tiles,
                embedder=embedder,
                gallery=gallery,
                limit=limit,
                allow_private=allow_private,
                progress=tell,
            )
        if as_json:
            print(json.dumps(_told(heard), ensure_ascii=False, indent=1))
        elif not quiet():
            _print_heard(heard)
        if out is not None:
            with progress_line(quiet()) as tell:
                made = sound_at(heard, out, how=how, duration_s=duration, seed=seed, progress=tell)
            if not quiet():
                console(stderr=as_json).print(f"{made}\nwritten: {out}", soft_wrap=True)
        return
    if out is not None:
        raise OptionError("-o writes the sound of a place; give the place with --at")
    assert what is not None
    with progress_line(quiet()) as tell:
        found = find_places(
            _query(what),
            region=region,
            date=date,
            hour=hour,
            step_deg=step,
            tiles=tiles,
            embedder=embedder,
            engine=engine,
            workers=workers,
            gallery=gallery,
            limit=limit,
            apart_km=apart,
            allow_private=allow_private,
            progress=tell,
        )
    if as_json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    table = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    table.add_column("similarity", justify="right")
    table.add_column("latitude", justify="right")
    table.add_column("longitude", justify="right")
    table.add_column("near")
    for one in found:
        table.add_row(f"{one.score:.3f}", f"{one.lat_deg:.2f}", f"{one.lon_deg:.2f}", one.name)
    if not quiet():
        console().print(table)


def _query(what: str) -> str | Path:
    """Return words as they are, and the name of a file of sound as its path."""
    from earwitness.voice.recordings import SUFFIXES

    path = Path(what)
    if path.suffix.lower() in SUFFIXES:
        if not path.is_file():
            raise MediaError(f"there is no sound {path}; give a file, or words")
        return path
    return what


def _degrees(words: str) -> tuple[float, float]:
    where = read_degrees(words)
    if where is None:
        raise OptionError(
            f"{words!r} is no place; give latitude,longitude in degrees, such as 12.9,77.6"
        )
    return where


def _told(heard: object) -> dict[str, object]:
    from earwitness.atlas.gallery.shelves import as_dict
    from earwitness.verbs.finding import HeardAt

    assert isinstance(heard, HeardAt)
    return {
        "lat_deg": heard.lat_deg,
        "lon_deg": heard.lon_deg,
        "captions": [{"score": score, **as_dict(row)} for score, row in heard.captions],
        "recordings": [{"score": score, **as_dict(row)} for score, row in heard.recordings],
    }


def _print_heard(heard: object) -> None:
    from earwitness.verbs.finding import HeardAt

    assert isinstance(heard, HeardAt)
    shown = console()
    if heard.captions:
        table = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
        table.add_column("similarity", justify="right")
        table.add_column("caption")
        table.add_column("from")
        for score, caption in heard.captions:
            table.add_row(f"{score:.3f}", caption.text, f"{caption.source}, {caption.licence}")
        shown.print(table)
    if heard.recordings:
        table = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
        table.add_column("similarity", justify="right")
        table.add_column("sound")
        table.add_column("by")
        table.add_column("length", justify="right")
        for score, row in heard.recordings:
            by = f"{row.author}, {row.licence}"
            table.add_row(f"{score:.3f}", row.title, by, f"{row.duration_s:.1f} s")
        shown.print(table)
