"""How loud a source of a given level is at a given distance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.loudness import NOMINAL_LUFS
from earwitness.space.contract import FULL_SCALE_DB

NEAR_M = 0.5
"""Nearest that a source counts as being; from twice that distance on, the law is exactly 1/d."""


def amplitude(level_db: float) -> float:
    """Return the factor that brings a nominal stem to a level, full scale being 120 dB.

    Parameters
    ----------
    level_db
        dB re 20 µPa at 1 m (or at the listener for a bed).

    Examples
    --------
    A nominal stem is at −30 LUFS, so at 90 dB it is used as it is.

    >>> amplitude(90.0)
    1.0
    """
    return float(10 ** ((level_db - FULL_SCALE_DB - NOMINAL_LUFS) / 20))


def effective_m(distance_m: ArrayLike) -> NDArray[np.float64]:
    """Return distances with the near limit: smooth, never below :data:`NEAR_M`.

    Parameters
    ----------
    distance_m
        Shape ``(...)``, metres.

    Returns
    -------
    ndarray, shape ``(...)``
        ``d`` itself from ``2 · NEAR_M`` on; nearer, a parabola that meets it with equal slope.

    Examples
    --------
    >>> effective_m([0.0, 1.0, 10.0])
    array([ 0.5,  1. , 10. ])
    """
    distance = np.asarray(distance_m, dtype=np.float64)
    near = NEAR_M + np.square(np.minimum(distance, 2 * NEAR_M)) / (4 * NEAR_M)
    return np.where(distance >= 2 * NEAR_M, distance, near)


def attenuation(distance_m: ArrayLike) -> NDArray[np.float64]:
    """Return the spherical spreading of pressure, ``1 / d`` re 1 m, with the near limit."""
    return 1.0 / effective_m(distance_m)
