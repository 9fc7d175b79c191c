"""``find``: words or a sound to places; a place to captions and sounds."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gazetteer import where_in_words
from earwitness.atlas.maps.asking import check_hour, embed_queries, month_of
from earwitness.atlas.maps.grid import Grid, Region, centres
from earwitness.errors import GalleryError, MapError, OptionError
from earwitness.scene import Sound
from earwitness.verbs.progress import Progress, silent

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder
    from earwitness.atlas.gallery import Caption, Recording

_EARTH_KM = 6371.0
_MOST = 1000


@dataclass(frozen=True)
class FoundPlace:
    """A place that fits.

    Parameters
    ----------
    score
        Cosine similarity.
    lat_deg, lon_deg
        Middle of the cell.
    name
        Where it is, as a person would say it: by the nearest town.
    """

    score: float
    lat_deg: float
    lon_deg: float
    name: str


@dataclass(frozen=True)
class HeardAt:
    """What fits a place: captions and recordings, best first, each with its cosine similarity."""

    lat_deg: float
    lon_deg: float
    captions: tuple[tuple[float, Caption], ...]
    recordings: tuple[tuple[float, Recording], ...]


def find_places(
    query: str | Sound | os.PathLike[str],
    *,
    region: tuple[float, float, float, float] | Region | str = "world",
    date: str | None = None,
    hour: float | None = None,
    step_deg: float | None = None,
    tiles: str = "builtin",
    embedder: str | Embedder = "builtin",
    engine: str = "local",
    workers: int | None = None,
    gallery: str | os.PathLike[str] | None = None,
    limit: int = 10,
    apart_km: float = 400.0,
    allow_private: bool = False,
    progress: Progress = silent,
) -> list[FoundPlace]:
    """Find the places whose imagery fits words or a sound.

    Parameters
    ----------
    query
        Words; a sound; or the path of a sound file (as a ``Path``).
    region, date, hour, step_deg, tiles, embedder, engine, workers, gallery, allow_private
        As in :func:`earwitness.verbs.mapping.map_region`; what is not yet embedded is, once.
    limit
        How many places.
    apart_km
        How far apart they are at least.
    progress
        Told while imagery is embedded.

    Returns
    -------
    list of FoundPlace
        Best first.
    """
    from earwitness.atlas.gallery import Gallery, default_gallery
    from earwitness.atlas.gallery.reading import read_sound
    from earwitness.atlas.gallery.search import nearest
    from earwitness.atlas.maps.scoring import complete
    from earwitness.atlas.maps.work import Job

    if not 1 <= limit <= _MOST:
        raise OptionError(f"limit is {limit}; allowed is 1 to {_MOST}")
    if not (math.isfinite(apart_km) and apart_km >= 0):
        raise OptionError(f"apart is {apart_km:g} km; give 0 or more")
    if isinstance(region, str):
        region = Region.parse(region)
    elif not isinstance(region, Region):
        region = Region(*region)
    grid = Grid.covering(region, step_deg)
    iso, month = month_of(date)
    job = Job(
        tiles, embedder, grid.parallels, iso, month, check_hour(hour), allow_private=allow_private
    )
    model = job.opened()[1]
    words = [query] if isinstance(query, str) else []
    if isinstance(query, str):
        sounds: list[Sound] = []
    else:
        sounds = [query if isinstance(query, Sound) else read_sound(query)]
    asked = embed_queries(model, words, sounds)[0]
    kept = Gallery(gallery or default_gallery(), create=True)
    layer = complete(kept, job, grid, engine=engine, workers=workers, progress=progress)
    low, high = grid.top * 2 * grid.parallels, (grid.top + grid.rows) * 2 * grid.parallels
    wanted = min(grid.cells, max(200, 40 * limit))
    while True:
        found = nearest(
            layer.rows,
            asked,
            where=kept.where,
            limit=wanted,
            columns=("cell",),
            only=f"cell >= {low} AND cell < {high}",
        )
        numbers = np.array([answer.row["cell"] for answer in found], np.int64)
        scores = np.array([answer.score for answer in found])
        # Rows of zeros are cells without imagery; their similarity is nought by no merit.
        good = (grid.places(numbers) >= 0) & (scores != 0)
        lat, lon = centres(numbers[good], grid.parallels)
        picked = _apart(lat, lon, apart_km, limit)
        if len(picked) >= limit or len(found) < wanted or wanted >= grid.cells:
            break
        wanted = min(grid.cells, 4 * wanted)
    if not good.any():
        raise MapError("there is no imagery in this region; choose another, or other --tiles")
    best = scores[good]
    places = [(float(best[k]), float(lat[k]), float(lon[k])) for k in picked]
    return [FoundPlace(score, y, x, where_in_words(y, x)) for score, y, x in places]


def _apart(
    lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64], apart_km: float, limit: int
) -> list[int]:
    """Return the first places that are so far from all before, in order."""
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    points = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    near = math.cos(min(math.pi, apart_km / _EARTH_KM))
    free = np.ones(len(points), np.bool_)
    picked: list[int] = []
    for k in range(len(points)):
        if free[k]:
            picked.append(k)
            if len(picked) == limit:
                break
            free &= points @ points[k] < near
            free[k] = False
    return picked


def hear_at(
    lat_deg: float,
    lon_deg: float,
    *,
    date: str | None = None,
    hour: float | None = None,
    tiles: str = "builtin",
    embedder: str | Embedder = "builtin",
    gallery: str | os.PathLike[str] | None = None,
    limit: int = 10,
    allow_private: bool = False,
    progress: Progress = silent,
) -> HeardAt:
    """Find the captions and recordings of a gallery that fit a place.

    Parameters
    ----------
    lat_deg, lon_deg
        Degrees north and east.
    date, hour, tiles, embedder, allow_private
        As in :func:`earwitness.verbs.mapping.map_region`.
    gallery
        Where to look. None is the gallery in the user's cache, which is given the captions of the
        built-in voice's outdoor sounds when it has none.
    limit
        How many of each.
    progress
        Told while that gallery is filled.
    """
    from earwitness.atlas.gallery import Caption, Gallery, Recording, default_gallery
    from earwitness.atlas.gallery.shelves import Shelf
    from earwitness.atlas.maps.work import Job, embed_place
    from earwitness.verbs.keeping import fill_captions

    if not (math.isfinite(lat_deg) and -90 <= lat_deg <= 90):
        raise OptionError(f"latitude {lat_deg:g}; allowed is -90 to 90 degrees north")
    if not (math.isfinite(lon_deg) and -360 <= lon_deg <= 360):
        raise OptionError(f"longitude {lon_deg:g}; allowed is -180 to 180 degrees east")
    if not 1 <= limit <= _MOST:
        raise OptionError(f"limit is {limit}; allowed is 1 to {_MOST}")
    iso, month = month_of(date)
    job = Job(tiles, embedder, 180, iso, month, check_hour(hour), allow_private=allow_private)
    model = job.opened()[1]
    lon_deg = (lon_deg + 180) % 360 - 180
    place = embed_place(job, lat_deg, lon_deg)
    held = Gallery(gallery or default_gallery(), create=gallery is None)
    captions, recordings = Shelf(held, Caption), Shelf(held, Recording)
    if gallery is None:
        # The cache's own captions can be made again; a gallery of the user's is left alone.
        if not captions.fits(model):
            held.drop(captions.name)
        fill_captions(held, model, progress=progress)
        captions = Shelf(held, Caption)
    if not captions.count() and not recordings.count():
        raise GalleryError(
            f"the gallery {held.where} holds no captions and no recordings; add some with: "
            f"earwitness gallery add {held.where} FILES"
        )
    for shelf in (captions, recordings):
        shelf.check(model)
    return HeardAt(
        lat_deg,
        lon_deg,
        tuple(captions.nearest(place, limit=limit)),
        tuple(recordings.nearest(place, limit=limit)),
    )


def sound_at(
    heard: HeardAt,
    out: str | os.PathLike[str],
    *,
    how: str = "captions",
    count: int = 3,
    duration_s: float = 10.0,
    seed: int = 0,
    progress: Progress = silent,
) -> str:
    """Make the sound of a place from what was found for it.

    Parameters
    ----------
    heard
        From :func:`hear_at`.
    out
        A ``.wav`` or ``.flac`` file, mono.
    how
        ``captions``: the best captions are voiced by the built-in synthesiser, as the paper does
        with a text-to-audio model. ``recordings``: the best recordings are mixed, each 3 dB below
        the one before.
    count
        How many of them.
    duration_s, seed
        Length; and the seed of the voice.
    progress
        Told while it works.

    Returns
    -------
    str
        What it is made of.
    """
    if how == "captions":
        from earwitness.verbs.speaking import speak

        if not heard.captions:
            raise GalleryError("the gallery holds no captions; add some, or take --how recordings")
        words = ", ".join(caption.text for _, caption in heard.captions[:count])
        return speak(words, out, duration_s=duration_s, seed=seed, progress=progress)
    if how != "recordings":
        raise OptionError(f"no way is called {how!r}; choose captions or recordings")
    if not heard.recordings:
        raise GalleryError("the gallery holds no recordings; add some, or take --how captions")
    used = [recording for _, recording in heard.recordings[:count]]
    _mix(used, Path(out), duration_s)
    return "; ".join(f"{r.title} ({r.author}, {r.licence})" for r in used)


def _mix(recordings: Sequence[Recording], out: Path, duration_s: float) -> None:
    from earwitness.atlas.gallery.reading import READ_HZ, sound_of
    from earwitness.errors import OutputError
    from earwitness.media import beside, write_flac, write_wav
    from earwitness.scene import layout_named

    if out.suffix.lower() not in (".wav", ".flac"):
        raise OutputError(f"{out} ends in {out.suffix!r}; write a .wav or a .flac")
    if not (math.isfinite(duration_s) and 0.1 <= duration_s <= 3600):
        raise OptionError(f"the duration is {duration_s:g} s; allowed is 0.1 to 3600")
    length = round(duration_s * READ_HZ)
    mixed = np.zeros(length, np.float32)
    for k, recording in enumerate(recordings):
        mono = sound_of(recording).samples[0]
        looped = np.resize(mono, length) if len(mono) < length else mono[:length]
        level = float(np.sqrt(np.mean(looped**2)))
        if level > 0:
            mixed += looped * (0.1 / level) * 10 ** (-3 * k / 20)
    peak = float(np.abs(mixed).max())
    if peak > 0.89:
        mixed *= 0.89 / peak
    if out.suffix.lower() == ".flac":
        with beside(out) as made:
            write_flac(made, [mixed], rate_hz=READ_HZ, name=str(out))
    else:
        write_wav(out, [mixed[None]], layout=layout_named("mono"), rate_hz=READ_HZ)
