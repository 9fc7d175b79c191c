"""Visible motion: how much moves where, and when a motion begins.

Between two frames, once the camera's own turn is taken out, what is left of the difference in
brightness is motion. It is kept on a coarse grid, one byte for each cell and frame, so that an
hour of it is small, and read afterwards along the track of each thing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

Array = NDArray[np.float64]

COLUMNS, ROWS = 32, 18
"""Cells of the grid."""

_NOISE = 4.0  # grey levels: what sensors and codecs make of a still picture
_QUIETEST_RISE = 0.15


class Motion:
    """Collects the motion of a shot, frame by frame."""

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self._grids: list[NDArray[np.uint8]] = []
        self._last: tuple[NDArray[np.uint8], Array] | None = None

    def add(self, time_s: float, grey: NDArray[np.uint8], homography: Array) -> None:
        """Take the next frame.

        Parameters
        ----------
        time_s
            When it is shown.
        grey
            uint8, shape ``(h, w)``.
        homography
            Pixel ``(x, y, 1)`` of this frame → the world's pixel (of the shot's first frame), up
            to scale, shape ``(3, 3)``.
        """
        if self._last is None or self._last[0].shape != grey.shape:
            grid = np.zeros((ROWS, COLUMNS), np.uint8)
        else:
            before, its = self._last
            back: Array = np.linalg.solve(its, homography).astype(np.float64)
            difference = _difference(before, grey, back)
            grid = _cells(difference)
        self.times_s.append(time_s)
        self._grids.append(grid)
        self._last = (grey, homography)

    @property
    def latest(self) -> float:
        """How much moved in the last frame, anywhere, 0 to 1."""
        return float(self._grids[-1].mean()) / 255.0 if self._grids else 0.0

    def along(
        self,
        times_s: Sequence[float],
        boxes: Sequence[tuple[float, float, float, float]],
        inside: slice = slice(None),
    ) -> Array:
        """Return the motion inside a moving box at each frame, 0 to 1, shape ``(frames,)``.

        Parameters
        ----------
        times_s
            When each box was seen, ascending.
        boxes
            x0, y0, x1, y1 as fractions of the frame's width and height.
        inside
            Which of the frames are asked about.
        """
        at = np.asarray(self.times_s)[inside]
        if not len(at):
            return np.zeros(0)
        corners = np.asarray(boxes, dtype=np.float64)
        x0, y0, x1, y1 = (np.interp(at, times_s, corners[:, k]) for k in range(4))
        energy = np.empty(len(at))
        for i, grid in enumerate(self._grids[inside]):
            left = int(np.clip(x0[i] * COLUMNS, 0, COLUMNS - 1))
            right = int(np.clip(np.ceil(x1[i] * COLUMNS), left + 1, COLUMNS))
            top = int(np.clip(y0[i] * ROWS, 0, ROWS - 1))
            bottom = int(np.clip(np.ceil(y1[i] * ROWS), top + 1, ROWS))
            energy[i] = grid[top:bottom, left:right].mean() / 255.0
        return energy


def _difference(before: NDArray[np.uint8], now: NDArray[np.uint8], back: Array) -> Array:
    """Return how brightness differs once the earlier frame is laid over this one."""
    height, width = now.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v, w = np.tensordot(back, np.stack([x, y, np.ones_like(x)]), axes=1)
    u, v = u / w, v / w
    laid = ndimage.map_coordinates(before.astype(np.float64), [v, u], order=1, mode="nearest")
    # An edge laid a fraction of a pixel aside is no motion: the least difference around counts.
    low = ndimage.minimum_filter(laid, 3)
    high = ndimage.maximum_filter(laid, 3)
    seen = now.astype(np.float64)
    away = np.maximum(0.0, np.maximum(low - seen, seen - high))
    inside = (u >= 0) & (v >= 0) & (u <= width - 1) & (v <= height - 1)
    return np.where(inside, np.maximum(0.0, away - _NOISE), 0.0)


def _cells(difference: Array) -> NDArray[np.uint8]:
    rows = np.linspace(0, difference.shape[0], ROWS + 1).astype(int)[:-1]
    columns = np.linspace(0, difference.shape[1], COLUMNS + 1).astype(int)[:-1]
    total = np.add.reduceat(np.add.reduceat(difference, rows, axis=0), columns, axis=1)
    count = difference.size / (ROWS * COLUMNS)
    # The square root keeps small motion apart from none in one byte.
    return np.clip(np.sqrt(total / count / 64.0) * 255.0, 0, 255).astype(np.uint8)


def onsets(times_s: Array, energy: Array, *, least_gap_s: float = 0.2) -> Array:
    """Return when motion begins or quickens, seconds.

    Parameters
    ----------
    times_s
        Shape ``(frames,)``.
    energy
        Motion at each, 0 to 1, shape ``(frames,)``.
    least_gap_s
        Least time between two onsets.

    Returns
    -------
    ndarray, shape ``(onsets,)``
        The frames whose motion rises most, seconds. None in a steady or still picture.
    """
    if len(times_s) < 4:
        return np.zeros(0)
    rise = np.maximum(0.0, np.diff(energy, prepend=energy[0]))
    usual = float(np.percentile(rise, 75))
    spread = float(np.percentile(energy, 95) - np.percentile(energy, 5))
    threshold = max(3.0 * usual, _QUIETEST_RISE * spread, 0.01)
    step = float(np.median(np.diff(times_s)))
    found, _ = signal.find_peaks(
        rise, height=threshold, distance=max(1, round(least_gap_s / max(step, 1e-3)))
    )
    return np.asarray(times_s[found], dtype=np.float64)
