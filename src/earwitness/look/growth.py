"""How much a thing has grown in the picture from one look to the next, by aligning its pixels.

A detector's boxes breathe: their height is right to a tenth or so, which would make a thing at
constant distance come and go by as much. The pixels inside tell its growth to about a hundredth.
A patch is laid onto the later frame by shift and scale (Gauss–Newton on brightness, inverse
compositional, as in Baker & Matthews, IJCV 2004).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]

SIDE_PX = 512
"""Longest side of the frames that are compared."""

LEAST_ALIKE = 0.8
"""Correlation below which nothing is said."""

_GRID = 40
_SURE = 0.95
_COARSE, _COARSELY_ALIKE = 14, 0.5  # cells along a core, least correlation on so coarse a grid
_CORE = 0.5  # of a box: its corners show what is behind
_ROUNDS = 16
_LEAST_PX = 10.0
_MOST_THINGS, _LARGE_PX = 12, 48.0  # what is small or one of a crowd is seldom told apart better


@dataclass(frozen=True)
class _Laid:
    scale: float
    alike: float


def _sample(image: Array, x: Array, y: Array) -> Array:
    out: Array = ndimage.map_coordinates(image, [y, x], order=1, mode="nearest")
    return out


def _lay(reference: Array, box: Box, other: Array, start: Box) -> _Laid:
    """Return by which scale a box's pixels lie in the other frame, beginning at another box."""
    ratio = float(np.sqrt((start[3] - start[1]) / (box[3] - box[1])))
    best = _lay_from(reference, box, other, _middle(start), 1.0)
    # The boxes may differ because the thing grew, or because one of them fits badly.
    if best.alike <= _SURE and abs(np.log(ratio)) >= 0.05:
        best = _likelier(best, _lay_from(reference, box, other, _middle(start), ratio))
    if best.alike <= LEAST_ALIKE:
        # From far beside nothing pulls towards the right place: it is sought first.
        found = _sought(reference, box, other, start)
        if found is not None:
            best = _likelier(best, _lay_from(reference, box, other, found, 1.0))
    return best


def _likelier(one: _Laid, other: _Laid) -> _Laid:
    return one if one.alike >= other.alike else other


def _middle(box: Box) -> tuple[float, float]:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def _sought(reference: Array, box: Box, other: Array, around: Box) -> tuple[float, float] | None:
    """Return where in the other frame, near a box, a box's pixels are likeliest found.

    Normalised correlation on a coarse grid, all places within half the box's size.
    """
    wide, tall = (box[2] - box[0]) * _CORE, (box[3] - box[1]) * _CORE
    cell = max(wide, tall) / _COARSE
    columns, rows = max(4, round(wide / cell)), max(4, round(tall / cell))
    patch = _patch(reference, _middle(box), cell, columns, rows)
    window = _patch(other, _middle(around), cell, 3 * columns, 3 * rows)
    places = np.lib.stride_tricks.sliding_window_view(window, (rows, columns))
    patch = patch - patch.mean()
    spread = places.std(axis=(2, 3)) * patch.std() * patch.size
    alike = np.einsum("ijkl,kl->ij", places, patch) / np.maximum(spread, 1e-9)
    alike[spread < 1.0 * patch.size] = -1.0
    down, right = np.unravel_index(int(alike.argmax()), alike.shape)
    if alike[down, right] < _COARSELY_ALIKE:
        return None
    x, y = _middle(around)
    return x + (float(right) - columns) * cell, y + (float(down) - rows) * cell


def _patch(
    image: Array, middle: tuple[float, float], cell: float, columns: int, rows: int
) -> Array:
    """Return brightness in cells around a point, a little blurred, so that nothing is missed."""
    u, v = np.meshgrid(
        middle[0] + (np.arange(columns) - (columns - 1) / 2) * cell,
        middle[1] + (np.arange(rows) - (rows - 1) / 2) * cell,
    )
    quarter = cell / 4
    return (
        np.asarray(
            sum(
                _sample(image, u + a, v + b)
                for a in (-quarter, quarter)
                for b in (-quarter, quarter)
            )
        )
        / 4
    )


def _lay_from(
    reference: Array, box: Box, other: Array, start: tuple[float, float], scale: float
) -> _Laid:
    wide, tall = (box[2] - box[0]) * _CORE, (box[3] - box[1]) * _CORE
    cells = np.linspace(-0.5, 0.5, _GRID)
    u, v = np.meshgrid(cells * wide, cells * tall)
    middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    patch = _sample(reference, middle[0] + u, middle[1] + v)
    if patch.std() < 3.0:
        return _Laid(1.0, -1.0)
    gy, gx = np.gradient(patch)
    gx, gy = gx / (wide / (_GRID - 1)), gy / (tall / (_GRID - 1))
    # How brightness changes with a shift right, a shift down, and growth.
    steep = np.stack([gx, gy, gx * u + gy * v], axis=-1).reshape(-1, 3)
    shift_x, shift_y = start
    alike = -1.0
    for _ in range(_ROUNDS):
        seen = _sample(other, shift_x + scale * u, shift_y + scale * v)
        error = (seen - seen.mean()) * (patch.std() / max(float(seen.std()), 1.0)) - (
            patch - patch.mean()
        )
        spread = 1.4826 * float(np.median(np.abs(error))) + 3.0
        weight = (np.maximum(0.0, 1 - (error / (4.0 * spread)) ** 2) ** 2).ravel()
        weighted = steep * weight[:, None]
        hessian = weighted.T @ steep
        hessian += 1e-6 * np.trace(hessian) * np.eye(3) + 1e-9 * np.eye(3)
        step = np.linalg.solve(hessian, weighted.T @ error.ravel())
        factor = float(np.exp(np.clip(step[2], -0.2, 0.2)))
        scale = float(np.clip(scale / factor, 0.3, 3.0))
        shift_x, shift_y = shift_x - scale * step[0], shift_y - scale * step[1]
        if seen.std() > 1.0:
            alike = float(np.corrcoef(patch.ravel(), seen.ravel())[0, 1])
        if abs(step[0]) + abs(step[1]) < 0.02 and abs(step[2]) < 1e-3:
            break
    return _Laid(scale, alike)


def growth(before: Array, its: Box, now: Array, box: Box, *, surer_before: bool) -> float | None:
    """Return the logarithm of how much larger a thing became from one frame to the next.

    Parameters
    ----------
    before, now
        Brightness of both frames, shape ``(h, w)``, of one size.
    its, box
        The thing's box in each, pixels.
    surer_before
        Which of the two boxes fits the thing better: its pixels are what is looked for.

    Returns
    -------
    float or None
        None where the pixels do not tell: too small, too plain, too much changed.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> first = ndimage.gaussian_filter(rng.uniform(0, 255, (120, 160)), 3) * 4
    >>> y, x = np.mgrid[0:120, 0:160].astype(float)
    >>> second = ndimage.map_coordinates(first, [60 + (y - 60) / 1.1, 80 + (x - 80) / 1.1])
    >>> round(growth(first, (50, 30, 110, 90), second, (45, 30, 115, 90), surer_before=True), 2)
    0.1
    """
    if min(its[2] - its[0], its[3] - its[1], box[2] - box[0], box[3] - box[1]) < _LEAST_PX:
        return None
    if surer_before:
        laid = _lay(before, its, now, box)
        return float(np.log(laid.scale)) if laid.alike >= LEAST_ALIKE else None
    laid = _lay(now, box, before, its)
    return -float(np.log(laid.scale)) if laid.alike >= LEAST_ALIKE else None


def paired(before: list[Box], now: list[Box]) -> list[tuple[int, int]]:
    """Return which boxes of two frames may show the same thing: those that lie close, of like size.

    A thing may be paired with several; the track decides later which of them counts.
    """
    pairs = []
    largest = sorted(range(len(now)), key=lambda j: -_area(now[j]))[:_MOST_THINGS]
    for j in sorted(largest):
        box = now[j]
        likely = []
        for i, its in enumerate(before):
            tall = max(box[3] - box[1], its[3] - its[1])
            away = np.hypot(
                (box[0] + box[2] - its[0] - its[2]) / 2, (box[1] + box[3] - its[1] - its[3]) / 2
            )
            ratio = (box[3] - box[1]) / max(its[3] - its[1], 1e-6)
            if away < 2.0 * tall and 0.4 < ratio < 2.5:
                likely.append((away / tall + abs(float(np.log(ratio))), i))
        pairs += [(i, j) for _, i in sorted(likely)[: 2 if _area(box) > _LARGE_PX**2 else 1]]
    return pairs


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
