"""The files of a map: raster, picture, hexagons, page, film."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness import __version__
from earwitness.atlas.maps.coast import coast_within
from earwitness.atlas.maps.hexagons import write_hexagons
from earwitness.atlas.maps.page import Band, clock, coarser, page, write_page
from earwitness.atlas.maps.raster import write_raster
from earwitness.draw.atlas import Sheet, draw_leading, draw_maps, robust_range
from earwitness.draw.ramp import kinds, ramp
from earwitness.errors import OptionError
from earwitness.media.output import all_beside
from earwitness.verbs.progress import Progress, silent

if TYPE_CHECKING:
    from earwitness.verbs.mapping import Mapped

__all__ = ["KINDS", "check", "clock", "write_map"]

KINDS = ("tif", "png", "parquet", "html", "mp4")
_MOST_PANELS = 48
_DRAWN = 3_000_000


def check(
    out: str | os.PathLike[str] | None, write: Sequence[str], *, hours: bool
) -> tuple[str, ...]:
    """Return which files to write.

    Raises
    ------
    OptionError
        If the name or a kind is wrong.
    """
    if out is None:
        return ()
    strange = [kind for kind in write if kind not in KINDS]
    if strange:
        raise OptionError(f"no file of a map is called {strange[0]!r}; there is {', '.join(KINDS)}")
    if Path(out).suffix.lower() not in (".tif", ".tiff"):
        raise OptionError(
            f"{Path(out).name!r} is no name for a map; give one that ends in .tif (the others "
            f"are written beside it)"
        )
    if "mp4" in write and not hours:
        raise OptionError("a film needs several hours; give them with --hours, such as 0-23")
    return tuple(dict.fromkeys([*write, *(["mp4"] if hours else [])]))


def _finest(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values made coarse enough to be drawn quickly."""
    return coarser(values, _DRAWN * len(values))[0]


def write_map(
    made: Mapped,
    out: Path,
    wanted: Sequence[str],
    *,
    dominant: bool = False,
    progress: Progress = silent,
) -> Mapped:
    """Write the files of a map, all of them or none.

    Parameters
    ----------
    made
        The map.
    out
        The raster's name; the others differ in their ending.
    wanted
        Kinds of file, of :data:`KINDS`.
    dominant
        Write also which query leads where.
    progress
        Told before each file.

    Returns
    -------
    Mapped
        The same with its files.
    """
    with all_beside(out.parent) as folder:
        files = _write_all(made, folder / out.name, wanted, dominant, progress)
    progress("written", 1.0)
    return dataclasses.replace(made, files=tuple(out.with_name(file.name) for file in files))


def _write_all(
    made: Mapped, out: Path, wanted: Sequence[str], dominant: bool, progress: Progress
) -> list[Path]:
    files: list[Path] = []
    count, several = len(made.queries), len(made.queries) > 1
    pixel = max((made.bounds[2] - made.bounds[0]), made.bounds[3] - made.bounds[1]) / 2400
    coast = coast_within(made.bounds, pixel)
    sheet = Sheet(made.bounds, coast, made.notes)
    drawn = _finest(made.values)
    # One bar for all hours of a query, so that hours can be compared.
    spans = [robust_range(drawn[k::count].reshape(-1, drawn.shape[2])) for k in range(count)]
    ranges = [spans[k % count] for k in range(len(made.names))]
    tags = {"software": f"earwitness {__version__}", "notes": " ".join(made.notes)}
    leading = made.leading() if dominant or several else None

    def file(ending: str) -> Path:
        files.append(out.with_name(out.stem + ending))
        progress(f"writing {files[-1].name}", 0.95 + 0.01 * min(4, len(files)))
        return files[-1]

    if "tif" in wanted:
        write_raster(file(out.suffix), made.values, made.names, made.bounds, tags=tags)
        if dominant and leading is not None:
            told = {**tags, **{f"kind {k}": name for k, name in enumerate(made.queries)}}
            write_raster(
                file(".leading.tif"),
                np.where(leading < 0, 255, leading).astype(np.uint8)[None],
                ["leading query"],
                made.bounds,
                tags=told,
                units="kind",
                colours=kinds(count),
            )
    if "png" in wanted:
        most = min(len(made.names), _MOST_PANELS)
        canvas = draw_maps(drawn[:most], made.names[:most], sheet, ranges=ranges[:most])
        canvas.save(file(".png"), small=False)
        if dominant and leading is not None:
            draw_leading(leading, made.queries, sheet).save(file(".leading.png"), small=False)
    if "parquet" in wanted:
        labels = ("leading", leading, made.queries) if dominant and leading is not None else None
        write_hexagons(
            file(".parquet"), made.values, made.names, made.grid, labels=labels, tags=tags
        )
    if "html" in wanted:
        bands = [
            Band(made.queries[k % count], made.hours[k // count], *ranges[k])
            for k in range(len(made.names))
        ]
        write_page(
            file(".html"),
            page(
                made.values,
                bands,
                made.bounds,
                title=_heading(made),
                coast=coast,
                notes=made.notes,
                ramp=ramp(),
                kinds=kinds(count),
                leading=dominant,
            ),
        )
    if "mp4" in wanted:
        from earwitness.draw.film import write_film

        write_film(
            file(".mp4"),
            drawn,
            made.queries,
            [clock(hour) for hour in made.hours],
            sheet,
            spans,
        )
    return files


def _heading(made: Mapped) -> str:
    if len(made.queries) == 1:
        return f"Where would you hear {made.queries[0]}?"
    return f"Where would you hear these {len(made.queries)}?"
