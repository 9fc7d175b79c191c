"""Degrees, metres, pixels and zooms: the small geometry that all sources share."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_M = 6371008.8
"""Mean radius of the Earth (IUGG)."""

EQUATOR_M = 2.0 * math.pi * 6378137.0
"""Length of Web Mercator's equator."""

TILE_PX = 256
MERCATOR_EDGE_DEG = 85.0511287798066


def around(
    lat_deg: float, lon_deg: float, east_m: ArrayLike, north_m: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the places that lie so many metres east and north of a place.

    Azimuthal equidistant on the sphere: distance and bearing from the middle are true.

    Returns
    -------
    lat_deg, lon_deg : ndarray
        Longitude in [−180, 180).

    Examples
    --------
    Across the pole and across the date line:

    >>> lat, lon = around(89.9, 0.0, 0.0, 22239.0)
    >>> round(float(lat), 2), round(float(lon), 1)
    (89.9, -180.0)
    >>> lat, lon = around(0.0, 179.9, 22239.0, 0.0)
    >>> round(float(lon), 1)
    -179.9
    """
    east, north = np.broadcast_arrays(
        np.asarray(east_m, np.float64), np.asarray(north_m, np.float64)
    )
    arc = np.hypot(east, north) / EARTH_M
    bearing = np.arctan2(east, north)
    lat0, lon0 = math.radians(lat_deg), math.radians(lon_deg)
    sine = math.sin(lat0) * np.cos(arc) + math.cos(lat0) * np.sin(arc) * np.cos(bearing)
    lat = np.arcsin(np.clip(sine, -1.0, 1.0))
    lon = lon0 + np.arctan2(
        np.sin(bearing) * np.sin(arc) * math.cos(lat0), np.cos(arc) - math.sin(lat0) * np.sin(lat)
    )
    return np.degrees(lat), (np.degrees(lon) + 180.0) % 360.0 - 180.0


def grid(size_px: int, ground_m: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres east and north of each pixel's middle, shape ``(n, n)``; row 0 is north."""
    steps = (np.arange(size_px) - (size_px - 1) / 2.0) * ground_m
    east, south = np.meshgrid(steps, steps)
    return east, -south


def ground_resolution_m(zoom: int, lat_deg: float, tile_px: int = TILE_PX) -> float:
    """Return metres per pixel of Web Mercator tiles.

    Examples
    --------
    >>> round(ground_resolution_m(18, 0.0), 2), round(ground_resolution_m(18, 45.0), 2)
    (0.6, 0.42)
    """
    return EQUATOR_M * math.cos(math.radians(lat_deg)) / (tile_px * float(2**zoom))


def zoom_for(ground_m: float, lat_deg: float, *, least: int = 0, most: int = 22) -> int:
    """Return the coarsest zoom whose pixels are no larger than wished; the finest, if none is.

    Examples
    --------
    The same wish needs a lower zoom further from the equator:

    >>> zoom_for(0.6, 0.0), zoom_for(0.6, 62.0)
    (18, 17)
    """
    for zoom in range(least, most + 1):
        if ground_resolution_m(zoom, lat_deg) <= ground_m * 1.001:
            return zoom
    return most


def mercator_px(lat_deg: float, lon_deg: float, zoom: int) -> tuple[float, float]:
    """Return the world pixel of a place: x from the west edge, y from the north edge.

    Examples
    --------
    >>> mercator_px(0.0, 0.0, 0)
    (128.0, 128.0)
    """
    size = TILE_PX * 2**zoom
    y = math.asinh(math.tan(math.radians(lat_deg)))
    return (lon_deg + 180.0) / 360.0 * size, (0.5 - y / (2.0 * math.pi)) * size
