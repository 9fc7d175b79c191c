"""What the page's world map shows: the Earth, its coasts, and soundscape layers on them.

Layers are drawn in the Web Mercator projection, as the page's map is, so a layer lies where its
cells are. Values are kept beside, for the question "what is it here?".
"""

from __future__ import annotations

import json
import math
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.errors import OptionError

if TYPE_CHECKING:
    from earwitness.atlas.maps.grid import Region
    from earwitness.verbs.mapping import Mapped

DEEPEST_ZOOM = 4
WANTED_CELLS = 24_000
"""Cells of a map whose step nobody gave: people wait for it."""
_MARBLE_DEG = 180 / 2700
_STEPS = (10.0, 5.0, 3.0, 2.0, 1.5, 1.0, 0.5, 0.25, 0.2, 0.1, _MARBLE_DEG, 0.05, 0.02, 0.01)
_TILE_PX = 256
_EDGE_DEG = 85.0511287798066
_LONGEST_PX = 1600


def step_for(region: Region, cells: int, tiles: str) -> float:
    """Return a step that the imagery is worth and that keeps a map small enough to wait for.

    Parameters
    ----------
    region
        What is mapped.
    cells
        Most of them.
    tiles
        Name of the imagery; the built-in one has pixels of a fifteenth of a degree.

    Examples
    --------
    >>> from earwitness.atlas.maps.grid import Region
    >>> step_for(Region(-180, -90, 180, 90), 24_000, "builtin")
    2.0
    >>> step_for(Region(-10, 38, -9, 39), 24_000, "builtin") == _MARBLE_DEG
    True
    """
    area = region.width_deg * (region.north - region.south)
    finest = _MARBLE_DEG if tiles == "builtin" else 0.0
    fitting = [step for step in _STEPS if step >= finest and area / step**2 <= cells]
    return fitting[-1] if fitting else _STEPS[0]


def mercator(lat_deg: NDArray[np.float64] | float) -> Any:
    """Return Web Mercator's y for latitudes, radians.

    Examples
    --------
    >>> round(float(mercator(_EDGE_DEG)), 6) == round(math.pi, 6)
    True
    """
    lat = np.clip(np.asarray(lat_deg, np.float64), -_EDGE_DEG, _EDGE_DEG)
    return np.log(np.tan(np.pi / 4 + np.radians(lat) / 2))


def latitude(y: NDArray[np.float64] | float) -> Any:
    """Return latitudes, degrees, for Web Mercator's y in radians."""
    return np.degrees(2 * np.arctan(np.exp(np.asarray(y, np.float64))) - np.pi / 2)


def drawn(
    values: NDArray[np.float32],
    bounds: tuple[float, float, float, float],
    span: tuple[float, float],
) -> Image.Image:
    """Return a layer as a picture in Web Mercator, transparent where nothing is known.

    Parameters
    ----------
    values
        ``(rows, columns)``, north at the top, even steps of latitude.
    bounds
        West, south, east, north, degrees.
    span
        Values of the lowest and the highest colour.
    """
    from earwitness.draw.ramp import painted

    rows, columns = values.shape
    _, south, _, north = bounds
    top, bottom = float(mercator(north)), float(mercator(south))
    scale = max(1, min(8, _LONGEST_PX // max(rows, columns)))
    height = min(_LONGEST_PX, rows * scale)
    y = top + (np.arange(height) + 0.5) / height * (bottom - top)
    row = np.clip(((north - latitude(y)) / (north - south) * rows).astype(int), 0, rows - 1)
    column = np.arange(min(_LONGEST_PX, columns * scale)) * columns
    column = column // min(_LONGEST_PX, columns * scale)
    picked = np.asarray(values)[row[:, None], column[None, :]]
    colours = painted(picked, *span, (0, 0, 0))
    alpha = np.where(np.isfinite(picked), 215, 0).astype(np.uint8)
    return Image.fromarray(np.dstack([colours, alpha]), "RGBA")


def write_layers(mapped: Mapped, folder: Path) -> None:
    """Write a map's values, one picture for each band, and what they mean.

    Parameters
    ----------
    mapped
        The map.
    folder
        Where to.
    """
    from earwitness.draw.atlas import robust_range
    from earwitness.draw.ramp import ramp

    values = np.asarray(mapped.values, np.float32)
    np.save(folder / "values.npy", values)
    count = len(mapped.queries)
    spans = []
    for q in range(count):  # one colour bar for a query at all hours
        low, high = robust_range(values[q::count])
        spans.append((float(low), float(high)))
    west, south, east, north = mapped.bounds
    bounds = (west, max(south, -_EDGE_DEG), east, min(north, _EDGE_DEG))
    for band in range(len(values)):
        drawn(values[band], mapped.bounds, spans[band % count]).save(folder / f"{band}.png")
    stops = ramp()[:: max(1, len(ramp()) // 8)]
    about = {
        "names": list(mapped.names),
        "queries": list(mapped.queries),
        "hours": list(mapped.hours),
        "bounds": list(mapped.bounds),
        "drawn_bounds": list(bounds),
        "rows": int(values.shape[1]),
        "columns": int(values.shape[2]),
        "spans": [list(spans[band % count]) for band in range(len(values))],
        "colours": ["#" + "".join(f"{int(v):02x}" for v in stop) for stop in stops],
        "notes": list(mapped.notes),
    }
    (folder / "map.json").write_text(json.dumps(about, ensure_ascii=False), "utf-8")


def cell(folder: Path, about: dict[str, Any], lat_deg: float, lon_deg: float) -> dict[str, Any]:
    """Return the values of the cell at a place.

    Parameters
    ----------
    folder
        Where :func:`write_layers` wrote.
    about
        What it wrote into ``map.json``.
    lat_deg, lon_deg
        Where.

    Raises
    ------
    OptionError
        If the place is outside the map.
    """
    west, south, east, north = about["bounds"]
    lon = lon_deg + 360.0 * math.ceil((west - lon_deg) / 360.0) if lon_deg < west else lon_deg
    if not (south <= lat_deg <= north and west <= lon <= east):
        raise OptionError(
            f"{lat_deg:g}, {lon_deg:g} is outside this map ({west:g}, {south:g}, {east:g}, "
            f"{north:g}); choose a place within it"
        )
    rows, columns = about["rows"], about["columns"]
    row = min(rows - 1, int((north - lat_deg) / (north - south) * rows))
    column = min(columns - 1, int((lon - west) / (east - west) * columns))
    values = np.load(folder / "values.npy", mmap_mode="r")[:, row, column]
    return {
        "lat_deg": north - (row + 0.5) * (north - south) / rows,
        "lon_deg": west + (column + 0.5) * (east - west) / columns,
        "values": [round(float(v), 5) if np.isfinite(v) else None for v in values],
    }


@lru_cache(maxsize=512)
def earth_tile(zoom: int, x: int, y: int) -> bytes:
    """Return a tile of the Blue Marble as JPEG, 256 px, in the usual scheme of web maps.

    Raises
    ------
    OptionError
        If there is no such tile.
    PluginError
        If the picture of the Earth is not installed.
    """
    from earwitness.atlas.marble import COLUMNS, DEGREES_PER_PX, ROWS, marble

    if not (0 <= zoom <= DEEPEST_ZOOM and 0 <= x < 2**zoom and 0 <= y < 2**zoom):
        raise OptionError(f"there is no tile {zoom}/{x}/{y}; zoom goes from 0 to {DEEPEST_ZOOM}")
    tiles = 2**zoom
    at = (np.arange(_TILE_PX) + 0.5) / _TILE_PX
    lon = (x + at) / tiles * 360.0 - 180.0
    lat = latitude(np.pi - (y + at) / tiles * 2 * np.pi)
    step = max(1, round(COLUMNS / tiles / _TILE_PX))
    row = np.clip(((90.0 - lat) / DEGREES_PER_PX).astype(int), 0, ROWS - 1)
    column = ((lon + 180.0) / DEGREES_PER_PX).astype(int) % COLUMNS
    earth = marble()
    total = np.zeros((_TILE_PX, _TILE_PX, 3), np.uint32)
    few = np.linspace(0, step - 1, min(step, 4)).astype(int)
    for dr in few:  # the mean of some pixels, or far tiles would glitter
        for dc in few:
            rows = np.clip(row + dr - step // 2, 0, ROWS - 1)
            total += earth[rows[:, None], (column + dc - step // 2) % COLUMNS]
    stream = BytesIO()
    pixels = (total // len(few) ** 2).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=82)
    return stream.getvalue()


@cache
def coast_geojson() -> bytes:
    """Return the world's coast lines as GeoJSON, thinned to what a world map shows."""
    from earwitness.atlas.maps.coast import coast

    lines = []
    for line in coast():
        if np.ptp(line[:, 0]) + np.ptp(line[:, 1]) < 0.8:
            continue
        kept = np.concatenate([line[:-1:2], line[-1:]]) if len(line) > 12 else line
        lines.append(np.round(kept, 2).tolist())
    geometry = {"type": "MultiLineString", "coordinates": lines}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    return json.dumps(feature, separators=(",", ":")).encode()
