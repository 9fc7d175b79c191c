"""Sounds with a width: a river, a road, applause.

Two ways, both keeping the power:

- *One* sound on several loudspeakers (:func:`spread_gains`, ``coherent=True``): cheap, but the same
  waveform from many directions is heard as a narrow, coloured phantom between them.
- *Several decorrelated copies* of the sound along the arc (:func:`arc`, :func:`copies` and
  :mod:`~earwitness.space.decorrelation`): heard as wide (Potard and Burnett, DAFx 2004). Each
  copy is a point source of its own, so every renderer can play it; the powers add up to that
  of one point.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError
from earwitness.space.directions import unit

Gains = Callable[[NDArray[np.float64]], NDArray[np.float64]]

STEP_DEG = 5.0
"""Distance of the directions at which an arc's gains are sampled."""

COPY_DEG = 40.0
"""Widest part of an arc that one decorrelated copy stands for."""


def copies(spread_deg: float) -> int:
    """Return how many decorrelated copies fill an arc: one for every :data:`COPY_DEG`.

    Parameters
    ----------
    spread_deg
        Width of the arc, 0 to 360.

    Examples
    --------
    >>> copies(0), copies(30), copies(90), copies(360)
    (1, 1, 3, 9)
    """
    return max(1, math.ceil(_checked(spread_deg) / COPY_DEG))


def arc(directions: ArrayLike, spread_deg: float, count: int) -> NDArray[np.float64]:
    """Return directions that share an arc evenly between them.

    The arc is horizontal: the direction turned about the vertical axis. Each of the ``count``
    directions is the middle of its part, so 360° closes without a double.

    Parameters
    ----------
    directions
        Middles of the arcs, shape ``(n, 3)``, any length.
    spread_deg
        Width of the arcs, 0 to 360.
    count
        Parts of each arc.

    Returns
    -------
    ndarray, shape ``(n, count, 3)``
        From right to left, of the length of the directions given.

    Raises
    ------
    OptionError
        If the width is outside 0 to 360, or a direction is not finite.

    Examples
    --------
    >>> from earwitness.scene import frame
    >>> frame.angles(arc([[1.0, 0.0, 0.0]], 90, 3))[0].round(6)
    array([[-30.,   0.,  30.]])
    """
    middle = unit(directions)
    length = np.linalg.norm(np.atleast_2d(np.asarray(directions, dtype=np.float64)), axis=1)
    turn = np.radians(_checked(spread_deg)) * ((np.arange(count) + 0.5) / count - 0.5)
    x, y, z = (middle * np.where(length > 0, length, 1.0)[:, None]).T[:, :, None]
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([x * cos - y * sin, x * sin + y * cos, z + 0.0 * cos], axis=-1)


def spread_gains(
    gains: Gains, directions: ArrayLike, spread_deg: float, *, coherent: bool = True
) -> NDArray[np.float64]:
    """Return the gains of a sound that comes from all along an arc.

    The gains of a point are averaged over the arc. At a spread of 0 they are the point's; at 360
    every part of the circle has the same share.

    Parameters
    ----------
    gains
        Directions ``(n, 3)`` to gains ``(n, channels)``: :meth:`Panner.gains`, or
        :func:`~earwitness.space.ambisonic_gains.sh_gains` of an order.
    directions
        Middles of the arcs, shape ``(n, 3)``.
    spread_deg
        Width of the arcs, 0 to 360.
    coherent
        True where the channels play one waveform: gains are averaged with their sign, then
        scaled. False where each channel plays its own decorrelated copy (loudspeakers only):
        powers are averaged.

    Returns
    -------
    ndarray, shape ``(n, channels)``
        Their squares sum to the mean of the sums of squares of the points, so to 1 for a panner
        whose gains do.

    Raises
    ------
    OptionError
        If the width is outside 0 to 360, or a direction is not finite.

    Examples
    --------
    >>> from earwitness.scene import layout_named
    >>> from earwitness.space.panner import point_source_panner
    >>> quad = point_source_panner(layout_named("quad"))
    >>> spread_gains(quad.gains, [[1.0, 0.0, 0.0]], 360).round(6)
    array([[0.5, 0.5, 0.5, 0.5]])
    """
    middle = unit(directions)
    if _checked(spread_deg) == 0.0:
        return gains(middle)
    # A whole number of steps in each degree of symmetry of the layouts: 360° has 72 of them.
    count = max(3, math.ceil(spread_deg / STEP_DEG))
    points = arc(middle, spread_deg, count)
    each = gains(points.reshape(-1, 3)).reshape(len(middle), count, -1)
    power = (each**2).mean(axis=1)
    if not coherent:
        return np.asarray(np.sqrt(power), dtype=np.float64)
    mean = each.mean(axis=1)
    size = np.linalg.norm(mean, axis=1, keepdims=True)
    return np.asarray(mean * np.sqrt(power.sum(axis=1, keepdims=True)) / size)


def _checked(spread_deg: float) -> float:
    if not 0.0 <= spread_deg <= 360.0:
        raise OptionError(f"a spread of {spread_deg} degrees; give 0 to 360")
    return float(spread_deg)
