"""The sea around a place, by the colours of the Blue Marble."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earwitness.atlas.imagery.ground import around
from earwitness.atlas.marble import COLUMNS, DEGREES_PER_PX, GROUND_M, ROWS, marble
from earwitness.atlas.place.areas import areas

LEAST_SEA_KM2 = 150_000.0
"""Smaller water is a lake: Superior has 82,000, the Caspian Sea 370,000."""

_SEA_NEAR_M = 14_500.0


def is_sea(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels of the Blue Marble ``(..., 3)`` are sea or large lakes, by colour."""
    red, green, blue = np.moveaxis(pixels.astype(np.float32), -1, 0)
    return np.asarray((blue > 1.35 * red + 6) & (blue > 1.05 * green))


@cache
def sea() -> NDArray[np.bool_]:
    """Return where the sea is, shape ``(2700, 5400)``: water that goes on far enough."""
    made: NDArray[np.bool_] = np.zeros((ROWS, COLUMNS), np.bool_)
    for first in range(0, ROWS, 300):
        made[first : first + 300] = is_sea(marble()[first : first + 300])
    # Straits of a pixel or two are not seen; what is parted by them belongs together. So kinship is
    # told on blocks of two by two, corners included.
    blocks = made.reshape(ROWS // 2, 2, COLUMNS // 2, 2).sum(axis=(1, 3), dtype=np.int32)
    kin, count = ndimage.label(blocks, np.ones((3, 3), int))
    width = np.cos(np.radians(90.0 - (np.arange(ROWS // 2) * 2 + 1) * DEGREES_PER_PX))
    km2 = blocks * (width * (GROUND_M / 1000.0) ** 2)[:, None]
    large = np.bincount(kin.ravel(), km2.ravel(), minlength=count + 1) >= LEAST_SEA_KM2
    made &= np.repeat(np.repeat(large[kin], 2, axis=0), 2, axis=1)
    made.setflags(write=False)
    return made


def sea_share(lat_deg: float, lon_deg: float, size_px: int = 16) -> float:
    """Return the share of sea within some sixty kilometres."""
    row = round((90.0 - lat_deg) / DEGREES_PER_PX) - size_px // 2
    column = round((lon_deg + 180.0) / DEGREES_PER_PX) - size_px // 2
    step = np.arange(size_px)
    rows = np.clip(row, 0, ROWS - size_px) + step
    return float(sea()[rows[:, None], (column + step) % COLUMNS].mean())


def sea_side(lat_deg: float, lon_deg: float) -> tuple[float, float] | None:
    """Return towards where the sea is, if it is within a pixel or so: bearing and spread, degrees.

    Parameters
    ----------
    lat_deg, lon_deg
        Degrees north and east.

    Returns
    -------
    tuple of float, or None
        The spread is 360 out at sea.
    """
    n, patch_m = 13, 4_000.0
    at = (np.arange(n) - n // 2) * patch_m
    east, south = np.meshgrid(at, at)
    lat, lon = around(lat_deg, lon_deg, east.ravel(), -south.ravel())
    row = np.clip(((90.0 - lat) / DEGREES_PER_PX).astype(int), 0, ROWS - 1)
    column = ((lon + 180.0) / DEGREES_PER_PX).astype(int) % COLUMNS
    wet = sea()[row, column].reshape(n, n)
    near = wet & (np.hypot(east, south) <= 5 * patch_m)
    if not (near & (np.hypot(east, south) <= _SEA_NEAR_M)).any():
        return None
    if wet.mean() > 0.9:
        return 0.0, 360.0
    # The pixel underfoot is land that is too small to be seen; it tells no side.
    near[n // 2, n // 2] = False
    found = areas("sea", near.astype(float), patch_m)
    return (found[0].bearing_deg, found[0].spread_deg) if found else (0.0, 360.0)
