"""The map as H3 cells in GeoParquet: what GeoPandas, DuckDB and QGIS open as polygons.

Polygons of cells on the ±180° line are cut there in two, and those on a pole are taken down to it,
so that none goes round the Earth the wrong way.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.maps.grid import Grid
from earwitness.errors import OutputError
from earwitness.extras import load
from earwitness.media.output import beside

Ring = list[tuple[float, float]]
"""Corners, longitude first; the first is not repeated."""

_AREA_KM2 = (
    4_357_449.4,
    609_788.4,
    86_801.8,
    12_393.4,
    1_770.3,
    252.9,
    36.13,
    5.161,
    0.7373,
    0.1053,
    0.01505,
    0.00215,
)
"""Mean area of a cell of each resolution (h3geo.org, table of cell statistics)."""

_BLOCK_DEG = 20.0
_ROWS = 50_000


def resolution_for(step_deg: float) -> int:
    """Return the H3 resolution whose cells are nearest in area to a grid's at the equator.

    Examples
    --------
    >>> resolution_for(1.0), resolution_for(0.25)
    (3, 4)
    """
    area = (step_deg * 111.2) ** 2
    return min(range(len(_AREA_KM2)), key=lambda k: abs(math.log(_AREA_KM2[k] / area)))


def rings(boundary: Sequence[tuple[float, float]]) -> list[Ring]:
    """Return a cell's outline as rings that plate carrée draws rightly.

    Parameters
    ----------
    boundary
        Corners in order, latitude first, as H3 gives them.

    Returns
    -------
    list of rings
        One; two for a cell across ±180°.

    Examples
    --------
    >>> [len(ring) for ring in rings([(0, 179), (1, 179), (1, -179), (0, -179)])]
    [4, 4]
    """
    lons = [lon for _, lon in boundary]
    lats = [lat for lat, _ in boundary]
    turned = [lons[0]]
    for lon in lons[1:]:
        turned.append(lon + 360 * round((turned[-1] - lon) / 360))
    around = lons[0] + 360 * round((turned[-1] - lons[0]) / 360) - lons[0]
    if abs(around) > 180:
        # It goes round the pole: down to it along both sides of the map.
        pole = math.copysign(90.0, lats[0])
        corners = sorted(zip(((lon + 180) % 360 - 180 for lon in lons), lats, strict=True))
        first, last = corners[0], corners[-1]
        share = (180 - last[0]) / (first[0] + 360 - last[0])
        edge = last[1] + share * (first[1] - last[1])
        return [[(-180.0, pole), (-180.0, edge), *corners, (180.0, edge), (180.0, pole)]]
    if max(turned) <= 180 and min(turned) >= -180:
        return [list(zip(turned, lats, strict=True))]
    shift = 360 if min(turned) < -180 else 0
    ring = [(lon + shift, lat) for lon, lat in zip(turned, lats, strict=True)]
    west, east = _cut(ring, keep_west=True), _cut(ring, keep_west=False)
    return [part for part in (west, [(lon - 360, lat) for lon, lat in east]) if len(part) >= 3]


def _cut(ring: Ring, *, keep_west: bool) -> Ring:
    """Keep the part of a ring on one side of 180° (Sutherland and Hodgman's clipping)."""
    made: Ring = []
    for (lon0, lat0), (lon1, lat1) in zip(ring, [*ring[1:], ring[0]], strict=True):
        in0, in1 = (lon0 <= 180) == keep_west, (lon1 <= 180) == keep_west
        if in0:
            made.append((lon0, lat0))
        if in0 != in1:
            made.append((180.0, lat0 + (180 - lon0) / (lon1 - lon0) * (lat1 - lat0)))
    return made


def wkb(parts: Sequence[Ring]) -> bytes:
    """Return rings as a well-known binary polygon, or a multipolygon where there are several."""
    polygons = []
    for ring in parts:
        area = sum(
            x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, [*ring[1:], ring[0]], strict=True)
        )
        closed = list(ring) if area > 0 else ring[::-1]
        closed.append(closed[0])
        flat = [value for corner in closed for value in corner]
        polygons.append(struct.pack(f"<BIII{len(flat)}d", 1, 3, 1, len(closed), *flat))
    if len(polygons) == 1:
        return polygons[0]
    return struct.pack("<BII", 1, 6, len(polygons)) + b"".join(polygons)


def cells_of(grid: Grid, resolution: int) -> Iterator[str]:
    """Yield the H3 cells whose middle lies within a grid, block by block."""
    h3: Any = load("h3", "atlas", "H3 cells")
    west, south, east, north = grid.bounds
    lats = np.append(np.arange(south, north - 1e-9, _BLOCK_DEG), north)
    lons = np.append(np.arange(west, east - 1e-9, _BLOCK_DEG), east)
    for s, n in itertools.pairwise(lats):
        for w, e in itertools.pairwise(lons):
            for left, right in _within_180(float(w), float(e)):
                corners = [(s, left), (s, right), (n, right), (n, left)]
                yield from h3.polygon_to_cells(h3.LatLngPoly(corners), resolution)


def _within_180(west: float, east: float) -> list[tuple[float, float]]:
    if east <= 180:
        return [(west, east)]
    if west >= 180:
        return [(west - 360, east - 360)]
    return [(west, 180.0), (-180.0, east - 360)]


def write_hexagons(
    path: str | os.PathLike[str],
    values: NDArray[np.float32],
    names: Sequence[str],
    grid: Grid,
    *,
    resolution: int | None = None,
    labels: tuple[str, NDArray[np.int16], Sequence[str]] | None = None,
    tags: Mapping[str, str] | None = None,
) -> int:
    """Write the value under the middle of each H3 cell as GeoParquet, whole or not at all.

    Parameters
    ----------
    path
        The file.
    values
        Shape ``(bands, rows, columns)``.
    names
        Column names.
    grid
        Where the values lie.
    resolution
        H3 resolution, 0 to 11; None takes the one whose cells are as large as the grid's.
    labels
        A column of words more: its name, the word's number at each cell ``(rows, columns)``, -1
        for none, and the words.
    tags
        What the file says of itself.

    Returns
    -------
    int
        Cells written; those without a value are left out.

    Notes
    -----
    Format: GeoParquet 1.1.0; coordinates are longitude and latitude, OGC:CRS84.
    """
    arrow: Any = load("pyarrow", "atlas", "GeoParquet")
    parquet: Any = load("pyarrow.parquet", "atlas", "GeoParquet")
    h3: Any = load("h3", "atlas", "H3 cells")
    resolution = resolution_for(grid.step_deg) if resolution is None else resolution
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Polygon", "MultiPolygon"],
                "orientation": "counterclockwise",
                "edges": "planar",
            }
        },
    }
    columns = [("h3", arrow.string()), ("lat", arrow.float64()), ("lon", arrow.float64())]
    columns += [(name, arrow.float32()) for name in _distinct(names)]
    if labels:
        columns.append((labels[0], arrow.string()))
    columns.append(("geometry", arrow.binary()))
    schema = arrow.schema(columns).with_metadata(
        {"geo": json.dumps(geo), **{f"earwitness:{k}": v for k, v in (tags or {}).items()}}
    )
    flat = values.reshape(len(values), -1)
    written = 0

    def put(file: Any, cells: list[str]) -> int:
        lat, lon = np.array([h3.cell_to_latlng(cell) for cell in cells]).T
        at = grid.find(lat, lon)
        held = np.where(at >= 0, flat[:, at], np.nan)
        there = np.isfinite(held).any(axis=0)
        kept = np.flatnonzero(there)
        rows = [np.array(cells)[kept], lat[kept], lon[kept], *held[:, kept]]
        if labels:
            which = labels[1].ravel()[at[kept]]
            rows.append([labels[2][k] if k >= 0 else None for k in which])
        rows.append([wkb(rings(h3.cell_to_boundary(cells[k]))) for k in kept])
        arrays = [arrow.array(row, kind) for row, (_, kind) in zip(rows, columns, strict=True)]
        file.write_table(arrow.Table.from_arrays(arrays, schema=schema))
        return len(kept)

    with beside(Path(path)) as made:
        try:
            with parquet.ParquetWriter(made, schema, compression="zstd") as file:
                waiting: list[str] = []
                for cell in cells_of(grid, resolution):
                    waiting.append(cell)
                    if len(waiting) >= _ROWS:
                        written += put(file, waiting)
                        waiting = []
                if waiting:
                    written += put(file, waiting)
        except arrow.ArrowException as error:
            raise OutputError(f"{path} cannot be written: {error}; is the disk full?") from error
    return written


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that differ from one another and from the columns that are always there."""
    taken = {"h3", "lat", "lon", "geometry"}
    made = []
    for name in names:
        fresh, n = name, 2
        while fresh in taken:
            fresh, n = f"{name} ({n})", n + 1
        taken.add(fresh)
        made.append(fresh)
    return made
