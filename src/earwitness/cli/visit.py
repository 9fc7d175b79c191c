"""``earwitness visit``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from earwitness.atlas.coordinates import read_degrees
from earwitness.cli.console import console, progress_line, source_table
from earwitness.cli.options import (
    LAYOUTS_HELP,
    model_options,
    model_settings,
    rendering_options,
)


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples
  earwitness visit 47.3769 8.5417 --date 2026-05-14 --hour 6
  earwitness visit "Lisbon" --prompt "light rain on a winter evening"
  earwitness visit -33.8568 151.2153 --tiles Esri.WorldImagery --radius 200
  earwitness visit --image field.tif
  earwitness visit --image drone.jpg --ground 0.1 --heading 90

\b
Tiles
  builtin        NASA Blue Marble: offline, everywhere, 7 km a pixel: what such places sound like
  sentinel-2     the least cloudy image near --date, 10 m a pixel (sentinel-2:URL: another STAC API)
  NAME           a provider that xyzservices knows, such as Esri.WorldImagery or USGS.USImagery
  https://…      a link with {z}, {x} and {y} (XYZ), {TileMatrix}, {TileRow} and {TileCol} (WMTS)
A provider without a key has terms of use all the same; read them.
""",
)
@click.argument("place", nargs=-1, metavar="[LATITUDE LONGITUDE | TOWN]")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write.  [default: the place's name with .scene, in the current folder]",
)
@click.option("--date", metavar="DATE", help="2026-05-14 or 2026-05.  [default: a day in spring]")
@click.option("--hour", type=float, help="Local hour, 0 to 24.  [default: 9 in the morning]")
@click.option(
    "--tiles", default="builtin", show_default=True, metavar="SOURCE", help="Imagery, see below."
)
@click.option(
    "--radius", type=float, metavar="METRES", help="How far around.  [default: suits the imagery]"
)
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    help="A local picture from above instead: a GeoTIFF in any CRS, or any picture with --ground.",
)
@click.option(
    "--ground", type=float, metavar="METRES", help="Metres per pixel of an --image that has no CRS."
)
@click.option("--bands", metavar="R,G,B", help="Bands of an --image, from 1, such as 4,3,2.")
@click.option(
    "--layout",
    "-l",
    "layouts",
    multiple=True,
    metavar="NAME",
    help=f"Layout to render; may be given several times: {LAYOUTS_HELP}.  "
    "[default: 5.1 and binaural]",
)
@click.option(
    "--duration", "-d", type=float, default=10.0, show_default=True, help="Length, seconds."
)
@click.option("--sources", type=int, metavar="N", help="Most sources.  [default: 12]")
@click.option(
    "--prompt",
    "-p",
    metavar="WORDS",
    help='Weather, time, season, things: "light rain on a winter evening, no traffic".',
)
@click.option(
    "--heading",
    type=float,
    default=0.0,
    show_default=True,
    metavar="DEGREES",
    help="Where you look, clockwise from north.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same samples.")
@click.option(
    "--voice",
    default="synth",
    show_default=True,
    metavar="NAME",
    help="Who makes the sounds: synth, library:FOLDER (your recordings), a model (codi, audioldm2, "
    "stable-audio, tangoflux), or a plug-in's.",
)
@click.option(
    "--embedder",
    default="builtin",
    show_default=True,
    metavar="NAME",
    help="What tells the concepts of coarse imagery: builtin, or a checkpoint.",
)
@click.option(
    "--allow-private",
    is_flag=True,
    help="Let --tiles name a server of the local network or of this machine.",
)
@model_options
@rendering_options
def visit(
    place: tuple[str, ...],
    out: Path | None,
    date: str | None,
    hour: float | None,
    tiles: str,
    radius: float | None,
    image: Path | None,
    ground: float | None,
    bands: str | None,
    layouts: tuple[str, ...],
    duration: float,
    sources: int | None,
    prompt: str | None,
    heading: float,
    seed: int,
    voice: str,
    embedder: str,
    allow_private: bool,
    renderer: str | None,
    loudness: float | None,
    rate: int | None,
    adm: bool,
    **more: Any,
) -> None:
    """Hear a place on Earth: the river from the north-east, the road behind you.

    Give LATITUDE and LONGITUDE in degrees, or a TOWN ("Springfield, USA"). Imagery from above tells
    what is where; each thing is heard from where it is, 1.7 m above the ground in the middle of
    the map. Writes a folder as listen does, with scene.png, a map of what is heard from where.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.visiting import DEFAULT_LAYOUTS
    from earwitness.verbs.visiting import visit as go

    where = parse_place(place)
    settings = model_settings(more)
    folder = out if out is not None else Path(folder_name(where, image))
    with progress_line(quiet()) as tell:
        heard = go(
            where,
            date=date,
            hour=hour,
            tiles=tiles,
            radius_m=radius,
            image=image,
            out=folder,
            layouts=layouts or DEFAULT_LAYOUTS,
            renderer=renderer,
            loudness_lufs=loudness,
            adm=adm,
            allow_private=allow_private,
            progress=tell,
            duration_s=duration,
            sources=sources,
            prompt=prompt,
            seed=seed,
            voice=voice,
            heading_deg=heading,
            ground_m=ground,
            bands=bands,
            embedder=embedder,
            models=settings,
            rate_hz=rate if rate is not None else 48000,
        )
    if not quiet():
        out_console = console()
        out_console.print(f"{heard.scene.origin['name']}", soft_wrap=True)
        out_console.print(source_table(heard.scene, out_console.width))
        out_console.print(f"\n{heard.words}\n")
        out_console.print(
            f"imagery: {heard.scene.origin['imagery']}"
            + (f" ({heard.scene.origin['attribution']})" * bool(heard.scene.origin["attribution"])),
            soft_wrap=True,
        )
        out_console.print(f"written: {folder}", soft_wrap=True)


def parse_place(words: tuple[str, ...]) -> tuple[float, float] | str | None:
    """Return the place that the words of a command line name.

    Examples
    --------
    >>> parse_place(("47.3769", "8.5417")), parse_place(("12.9,", "-77.6"))
    ((47.3769, 8.5417), (12.9, -77.6))
    >>> parse_place(("New", "York")), parse_place(("12.9,77.6",)), parse_place(())
    ('New York', (12.9, 77.6), None)
    >>> parse_place(("48°51'N", "2°21'E"))
    (48.85, 2.35)
    """
    unknown = next((word for word in words if re.match(r"--?[A-Za-z]", word)), None)
    if unknown is not None:
        raise click.NoSuchOption(unknown)
    text = " ".join(words).strip()
    if not text:
        return None
    where = read_degrees(text)
    if where is None and not any(letter.isalpha() for letter in text):
        raise click.UsageError(
            f"{text!r} is no place; give latitude and longitude, such as 47.3769 8.5417, or a town"
        )
    return where or text


def folder_name(where: tuple[float, float] | str | None, image: Path | None) -> str:
    """Return the default name of the folder to write.

    Examples
    --------
    >>> folder_name("São Paulo, Brazil", None), folder_name((47.3769, -8.5), None)
    ('são-paulo-brazil.scene', '47.3769_-8.5.scene')
    """
    if isinstance(where, tuple):
        return f"{where[0]:g}_{where[1]:g}.scene"
    if where is None:
        return f"{image.stem if image is not None else 'place'}.scene"
    return "-".join(re.findall(r"[^\W_]+", where.lower())) + ".scene"
