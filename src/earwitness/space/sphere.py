"""Directions all around, for a diffuse field made of many small sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.scene.frame import xyz

_RINGS = ((-90, 1), (-60, 6), (-30, 12), (0, 16), (30, 12), (60, 6), (90, 1))
_HALF_DEG = 15.0


def around() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return 54 directions on rings, mirror images of each other, and the share of each.

    Returns
    -------
    directions : ndarray, shape ``(54, 3)``
    shares : ndarray, shape ``(54,)``
        Solid angle of each over the whole sphere; the sum is 1.

    Examples
    --------
    >>> directions, shares = around()
    >>> len(directions), round(float(shares.sum()), 9)
    (54, 1.0)
    """
    places, shares = [], []
    for elevation_deg, count in _RINGS:
        low, high = np.radians(
            np.clip([elevation_deg - _HALF_DEG, elevation_deg + _HALF_DEG], -90, 90)
        )
        places.append(xyz(np.arange(count) * 360.0 / count, elevation_deg))
        shares += [(np.sin(high) - np.sin(low)) / 2 / count] * count
    return np.concatenate(places), np.array(shares)
