"""``map``: where in a region a sound would be heard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.maps.asking import (
    check_hour,
    check_queries,
    embed_queries,
    month_of,
)
from earwitness.atlas.maps.grid import Grid, Region
from earwitness.errors import MapError, OptionError
from earwitness.scene import Sound
from earwitness.verbs.progress import Progress, silent

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

HONEST = (
    "Values are the similarity of a place's image with the query in the embedder's space, not the "
    "level or the likelihood of a sound."
)
BUILTIN_NOTE = (
    "The built-in model learned from labels that are rules over land cover and climate: it shows "
    "what the software does, not acoustic truth."
)


@dataclass(frozen=True)
class Mapped:
    """A soundscape map.

    Parameters
    ----------
    values
        Cosine similarity of each cell with each query, float32 ``(bands, rows, columns)``, north
        at the top; NaN where there is no imagery. Backed by a file where it is large.
    names
        Each band's name: the query, and the hour where several were asked for.
    bounds
        West, south, east, north of the outer edges, degrees; east may exceed 180.
    grid
        The cells.
    queries, hours
        The band of query ``q`` at hour ``h`` is ``h * len(queries) + q``.
    notes
        Whom the imagery is owed to, and what the map is not.
    crs
        Always ``EPSG:4326``.
    files
        What was written.
    """

    values: NDArray[np.float32]
    names: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    grid: Grid
    queries: tuple[str, ...]
    hours: tuple[float | None, ...]
    notes: tuple[str, ...]
    crs: str = "EPSG:4326"
    files: tuple[Path, ...] = field(default=())

    def leading(self, hour: int = 0) -> NDArray[np.int16]:
        """Return the number of the query that leads in each cell, ``(rows, columns)``; -1: none.

        Parameters
        ----------
        hour
            Which of the hours.
        """
        count = len(self.queries)
        made = np.empty(self.values.shape[1:], np.int16)
        for row in range(0, len(made), 1024):
            part = np.asarray(self.values[hour * count : (hour + 1) * count, row : row + 1024])
            there = np.isfinite(part).any(axis=0)
            best = np.where(np.isfinite(part), part, -np.inf).argmax(axis=0)
            made[row : row + 1024] = np.where(there, best, -1)
        return made


def map_region(
    region: tuple[float, float, float, float] | Region | str,
    queries: Sequence[str],
    *,
    sounds: Sequence[Sound | str | os.PathLike[str]] = (),
    date: str | None = None,
    hour: float | None = None,
    hours: Sequence[float] | None = None,
    utc: bool = False,
    step_deg: float | None = None,
    tiles: str = "builtin",
    embedder: str | Embedder = "builtin",
    engine: str = "local",
    workers: int | None = None,
    gallery: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    write: Sequence[str] = ("tif", "png", "parquet", "html"),
    dominant: bool = False,
    allow_private: bool = False,
    progress: Progress = silent,
) -> Mapped:
    """Map where in a region each query would be heard.

    Parameters
    ----------
    region
        West, south, east, north in degrees; ``west > east`` is across ±180°. Its bounds are moved
        outwards to a lattice of cells that is the same for the whole Earth.
    queries
        What to listen for, in words.
    sounds
        More queries: sounds, or files of sound.
    date
        ISO date, or a month; None leaves the month open.
    hour
        Local solar hour, 0 to 24; None leaves it open.
    hours
        Several hours, each with bands of its own, and a film.
    utc
        Let hours be the same moment everywhere instead of the same local hour.
    step_deg
        Degrees from cell to cell, a divisor of 180; None suits the region.
    tiles
        Imagery: ``builtin``, a GeoTIFF, the name of a tile service, or a template.
    embedder
        ``builtin``, a checkpoint, or an embedder.
    engine
        ``local``: processes of this machine. ``ray``: a Ray cluster. Both give the same values.
    workers
        How many; None is one for each core.
    gallery
        Where embeddings are kept, so that the next query needs no imagery and a stopped map goes
        on; None is a folder in the user's cache.
    out
        A ``.tif`` to write; files of the same name with other endings come beside it.
    write
        Which files: of ``tif``, ``png``, ``parquet``, ``html``, ``mp4``.
    dominant
        Write also which query leads where.
    allow_private
        Let imagery come from private addresses.
    progress
        Told how far it is.

    Returns
    -------
    Mapped

    Raises
    ------
    OptionError
        If the region, the step, a query or the time is wrong.
    GalleryError, MapError, PluginError
        If the gallery cannot be used, workers die again and again, an extra is missing.

    Notes
    -----
    Processes are started anew: a script that calls this needs ``if __name__ == "__main__":``, or
    ``workers=1``.

    Examples
    --------
    >>> made = map_region("-10,35,30,60", ["sea waves on a beach"])  # doctest: +SKIP
    >>> made.values.shape  # doctest: +SKIP
    (1, 250, 400)
    """
    from earwitness.atlas.gallery import Gallery, default_gallery
    from earwitness.atlas.gallery.reading import read_sound
    from earwitness.atlas.maps.engines import ENGINES
    from earwitness.atlas.maps.scoring import complete, room, score
    from earwitness.atlas.maps.work import Job
    from earwitness.verbs import map_files

    if engine not in ENGINES:
        raise OptionError(f"no engine is called {engine!r}; choose from {', '.join(ENGINES)}")
    if workers is not None and workers < 1:
        raise OptionError(f"{workers} workers; at least one is needed")
    if hour is not None and hours:
        raise OptionError("give one hour or several hours, not both")
    if isinstance(region, str):
        region = Region.parse(region)
    elif not isinstance(region, Region):
        region = Region(*region)
    grid = Grid.covering(region, step_deg)
    wanted = map_files.check(out, write, hours=bool(hours))
    iso, month = month_of(date)
    times = tuple(check_hour(h) for h in hours) if hours else (check_hour(hour),)
    check_queries(queries, len(sounds))
    job = Job(tiles, embedder, grid.parallels, iso, month, times[0], utc, allow_private)
    ground, model = job.opened()
    heard = [s if isinstance(s, Sound) else read_sound(s) for s in sounds]
    titles = [*queries, *(_title(s, k) for k, s in enumerate(sounds, start=1))]
    asked = embed_queries(model, list(queries), heard)

    kept = Gallery(gallery or default_gallery(), create=True)
    values = room(len(titles) * len(times), grid)
    for k, time in enumerate(times):
        now = Job(tiles, embedder, grid.parallels, iso, month, time, utc, allow_private)

        def tell(stage: str, done: float, k: int = k, time: float | None = time) -> None:
            at = "" if len(times) == 1 or time is None else f", {map_files.clock(time)}"
            progress(stage + at, (k + done) / len(times) * (0.95 if wanted else 1.0))

        layer = complete(kept, now, grid, engine=engine, workers=workers, progress=tell)
        part = values[k * len(titles) : (k + 1) * len(titles)]
        score(layer, grid, asked, part)
        if not any(
            np.isfinite(part[0, row : row + 1024]).any() for row in range(0, grid.rows, 1024)
        ):
            raise MapError(
                f"{tiles!r} has no imagery in this region, or less than half of any crop of "
                f"{model.image_px} × {model.ground_m:g} m; choose another region, or other --tiles"
            )
    names = tuple(
        title if len(times) == 1 or time is None else f"{title}, {map_files.clock(time)}"
        for time in times
        for title in titles
    )
    when = " ".join(
        word
        for word in (
            date or "",
            map_files.clock(times[0]) if len(times) == 1 else "",
            "UTC" if utc and times[0] is not None else "",
        )
        if word
    )
    notes = [ground.attribution + (f". When: {when}" if when else "")]
    notes.append(f"Embedder: {model.name}. {HONEST}")
    if embedder == "builtin":
        notes.append(BUILTIN_NOTE)
    made = Mapped(values, names, grid.bounds, grid, tuple(titles), times, tuple(notes))
    if out is None:
        return made
    return map_files.write_map(made, Path(out), wanted, dominant=dominant, progress=progress)


def _title(sound: Sound | str | os.PathLike[str], number: int) -> str:
    return f"sound {number}" if isinstance(sound, Sound) else Path(sound).name
