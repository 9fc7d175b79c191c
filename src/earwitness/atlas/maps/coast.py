"""Coast lines: Natural Earth 1:50 million, public domain (see NOTICE), within a box."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]


@cache
def coast() -> tuple[Line, ...]:
    """Return every coast line, each (n, 2): degrees east and north.

    Examples
    --------
    >>> len(coast()) > 1000
    True
    """
    with (files("earwitness.atlas.maps") / "coast.npz").open("rb") as stream:
        held = np.load(stream, allow_pickle=False)
        steps, lengths = held["steps"].astype(np.int64), held["lengths"].astype(np.int64)
    ends = np.cumsum(lengths)
    return tuple(
        np.cumsum(steps[end - length : end], axis=0) / (180.0, 360.0)
        for length, end in zip(lengths, ends, strict=True)
    )


def coast_within(bounds: tuple[float, float, float, float], detail_deg: float = 0.0) -> list[Line]:
    """Return the coast lines within a box.

    Parameters
    ----------
    bounds
        West, south, east, north in degrees; east may exceed 180.
    detail_deg
        Leave out points nearer to the one before than this.

    Returns
    -------
    list of arrays (n, 2)
        Parts of lines, with a point more on either side where they leave the box; longitudes run
        on from ``west``.
    """
    west, south, east, north = bounds
    found: list[Line] = []
    for shift in (0.0, 360.0):
        for line in coast():
            lon, lat = line[:, 0] + shift, line[:, 1]
            if lon.max() < west or lon.min() > east or lat.max() < south or lat.min() > north:
                continue
            inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
            wide = inside.copy()
            wide[1:] |= inside[:-1]
            wide[:-1] |= inside[1:]
            moved = np.stack([lon, lat], axis=1)
            for part in np.split(np.arange(len(line)), np.flatnonzero(np.diff(wide)) + 1):
                if wide[part[0]] and len(part) > 1:
                    thin = _thinned(moved[part], detail_deg)
                    if len(thin) > 1:
                        found.append(thin)
    return found


def _thinned(line: Line, detail_deg: float) -> Line:
    if detail_deg <= 0 or len(line) < 3:
        return line
    kept = [0]
    for at in range(1, len(line) - 1):
        if np.abs(line[at] - line[kept[-1]]).max() >= detail_deg:
            kept.append(at)
    return line[[*kept, len(line) - 1]]
