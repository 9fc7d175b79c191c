"""Where a source is at any time, as the listener sees it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline

from earwitness.scene import Listener, Source
from earwitness.scene.frame import to_listener

CURVED_ROWS = 4
"""From so many rows on, a trajectory is a smooth curve through them and not straight pieces."""

KEYFRAME_S = 0.25
"""Rows no farther apart than this are keyframes, as a tracker gives them: a spline joins them."""


class Path:
    """A trajectory in the listener's frame.

    Two or three rows are joined by straight lines at constant speed, four and more by a cubic
    Hermite curve. Its slopes are those of a cubic spline where rows are keyframes, no farther than
    :data:`KEYFRAME_S` apart: a car on a circle given 30 times a second then has a Doppler shift
    that is right to 93 dB (straight pieces: some 15 dB). Rows farther apart were set by hand; their
    slopes are those of the parabola through each row and its neighbours (Catmull–Rom for uneven
    times), which swings less. Where a row repeats its neighbour's position, the source stands
    still in between. Before the first row, before time 0, and after the last row, the position
    is held.

    Parameters
    ----------
    rows
        t_s, x_m, y_m, z_m, times ascending, shape ``(rows, 4)``, in the scene's frame.
    listener
        Who hears.

    Examples
    --------
    >>> path = Path([[0, 10, 0, 0], [2, 10, 4, 0]], Listener())
    >>> path.at([0.5, 99.0])
    array([[10.,  1.,  0.],
           [10.,  4.,  0.]])
    """

    def __init__(self, rows: ArrayLike, listener: Listener) -> None:
        table = np.asarray(rows, dtype=np.float64)
        self._time = table[:, 0]
        self._place = to_listener(table[:, 1:], np.array(listener.position_m), listener.yaw_deg)
        self.moves = bool(len(table) > 1 and np.any(table[1:, 1:] != table[:-1, 1:]))
        self._slope = self._slopes() if self.moves and len(table) >= CURVED_ROWS else None

    @classmethod
    def of(cls, source: Source, listener: Listener) -> Path:
        """Return the path of a source."""
        return cls(source.trajectory, listener)

    def _slopes(self) -> NDArray[np.float64]:
        """Return the velocity at each row, shape ``(rows, 3)``."""
        time, place = self._time, self._place
        if float(np.diff(time).max()) <= KEYFRAME_S:
            return self._spline_slopes()
        step = np.diff(time)[:, None]
        pace = np.diff(place, axis=0) / step
        slope = np.empty_like(place)
        slope[1:-1] = (pace[:-1] * step[1:] + pace[1:] * step[:-1]) / (step[1:] + step[:-1])
        slope[0] = 2 * pace[0] - slope[1]
        slope[-1] = 2 * pace[-1] - slope[-2]
        still = np.all(place[1:] == place[:-1], axis=1)
        slope[:-1][still] = 0.0
        slope[1:][still] = 0.0
        return slope

    def _spline_slopes(self) -> NDArray[np.float64]:
        """Return the slopes of splines through each run of rows that moves, 0 where it stands."""
        time, place = self._time, self._place
        slope = np.zeros_like(place)
        still = np.all(place[1:] == place[:-1], axis=1)
        ends = np.flatnonzero(np.diff(np.concatenate([[True], still, [True]]).astype(int)))
        for first, last in ends.reshape(-1, 2):
            before: Literal["clamped", "not-a-knot"] = "clamped" if first > 0 else "not-a-knot"
            after: Literal["clamped", "not-a-knot"] = (
                "clamped" if last < len(time) - 1 else "not-a-knot"
            )
            run = slice(first, last + 1)
            slope[run] = CubicSpline(time[run], place[run], bc_type=(before, after))(time[run], 1)
        return slope

    def at(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Return positions at given times, shape ``(n, 3)``, metres in the listener's frame."""
        time = np.maximum(np.asarray(time_s, dtype=np.float64), 0.0)
        if not self.moves:
            return np.broadcast_to(self._place[0], (*time.shape, 3))
        time = np.clip(time, self._time[0], self._time[-1])
        i = np.clip(np.searchsorted(self._time, time, side="right") - 1, 0, len(self._time) - 2)
        step = self._time[i + 1] - self._time[i]
        u = ((time - self._time[i]) / step)[:, None]
        start, end = self._place[i], self._place[i + 1]
        if self._slope is None:
            return np.asarray(start + u * (end - start), dtype=np.float64)
        out, into = self._slope[i] * step[:, None], self._slope[i + 1] * step[:, None]
        move = end - start
        return np.asarray(
            start + u * (out + u * (3 * move - 2 * out - into + u * (out + into - 2 * move))),
            dtype=np.float64,
        )

    def shifted(self, origin_m: ArrayLike) -> Path:
        """Return the same path seen from another place of the listener's frame."""
        moved = object.__new__(Path)
        moved._time, moved._slope, moved.moves = self._time, self._slope, self.moves
        moved._place = self._place - np.asarray(origin_m, dtype=np.float64)
        return moved

    def distance(self, time_s: ArrayLike) -> NDArray[np.float64]:
        """Return distances from the listener at given times, shape ``(n,)``, metres."""
        place = self.at(time_s)
        return np.asarray(np.sqrt(np.einsum("nk,nk->n", place, place)), dtype=np.float64)
