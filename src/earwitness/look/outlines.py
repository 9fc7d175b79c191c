"""Masks to the paper's two boxes: axis-aligned, and the minimal enclosing polygon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import LookError
from earwitness.look.geometry import Box

MOST_VERTICES = 12

Points = NDArray[np.float64]


def box_of(mask: NDArray[np.bool_]) -> Box:
    """Return the axis-aligned box of a mask (SEE-2-SOUND, eq. 3), in pixels.

    Parameters
    ----------
    mask
        bool, shape ``(height, width)``, with something in it.

    Examples
    --------
    >>> mask = np.zeros((5, 8), bool)
    >>> mask[1:3, 2:7] = True
    >>> box_of(mask)
    (2.0, 1.0, 7.0, 3.0)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        raise LookError("a region without a pixel; a segmenter must not return empty masks")
    return (
        float(columns[0]),
        float(rows[0]),
        float(columns[-1] + 1),
        float(rows[-1] + 1),
    )


def _cross(o: Points, a: Points, b: Points) -> float:
    return float((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]))


def hull(points: Points) -> Points:
    """Return the convex hull of points, corners only, in order round it.

    Parameters
    ----------
    points
        Shape ``(n, 2)``.

    Returns
    -------
    ndarray, shape ``(m, 2)``

    References
    ----------
    A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", 1979.

    Examples
    --------
    >>> len(hull(np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1.0], [1, 0]])))
    4
    """
    order = np.unique(points.astype(np.float64), axis=0)
    if len(order) < 3:
        return order

    def half(ordered: Points) -> list[Points]:
        chain: list[Points] = []
        for point in ordered:
            while len(chain) > 1 and _cross(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.array(half(order) + half(order[::-1]))


def polygon_area(polygon: Points) -> float:
    """Return the area of a polygon without crossings, px²."""
    x, y = polygon[:, 0], polygon[:, 1]
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def centroid(polygon: Points) -> tuple[float, float]:
    """Return the centre of a polygon's area.

    Examples
    --------
    >>> [round(v, 9) for v in centroid(np.array([[0, 0], [3, 0], [0, 3.0]]))]
    [1.0, 1.0]
    """
    origin = polygon[0]  # near by, for precision
    x, y = (polygon - origin).T
    x1, y1 = np.roll(x, -1), np.roll(y, -1)
    cross = x * y1 - x1 * y
    total = cross.sum()
    if abs(total) < 1e-12:
        middle = polygon.mean(axis=0)
        return float(middle[0]), float(middle[1])
    return (
        float(((x + x1) * cross).sum() / (3 * total) + origin[0]),
        float(((y + y1) * cross).sum() / (3 * total) + origin[1]),
    )


def _without_edge(polygon: Points, i: int) -> tuple[float, Points] | None:
    """Return what it costs to drop edge i → i+1, and the corner that its neighbours then meet in.

    Leaving out an edge, not a corner, keeps everything inside: its two neighbours are prolonged
    until they meet. None where they never do.
    """
    n = len(polygon)
    a, b, c, d = (polygon[(i + k) % n] for k in (-1, 0, 1, 2))
    u, v = b - a, c - d
    det = u[0] * v[1] - u[1] * v[0]
    # Seen from inside, the neighbours must lean towards each other beyond the edge.
    if det >= -1e-9 * float(np.hypot(*u) * np.hypot(*v)):
        return None
    t = ((c - b)[0] * v[1] - (c - b)[1] * v[0]) / det
    corner = b + t * u
    return abs(_cross(b, c, corner)) / 2, corner


def _held(corner: Points, shape: tuple[int, ...]) -> bool:
    x, y = corner
    return bool(0 <= x <= shape[1] and 0 <= y <= shape[0])


def enclosing_polygon(mask: NDArray[np.bool_], *, most: int = MOST_VERTICES) -> Points:
    """Return a small convex polygon with few corners that encloses a mask.

    SEE-2-SOUND, eq. 2, asks for the smallest polygon around the contour. It is found here
    greedily: from the convex hull, edges are left out one by one, each time the one that adds
    the least area. It stays within the picture wherever so few corners allow that.

    Parameters
    ----------
    mask
        bool, shape ``(height, width)``.
    most
        Most corners, at least 4.

    Returns
    -------
    ndarray, shape ``(4 to most, 2)`` (3 where the mask is such)
        x, y in pixels, in order round it.

    Examples
    --------
    >>> mask = np.zeros((9, 9), bool)
    >>> mask[2:5, 3:8] = True
    >>> sorted(enclosing_polygon(mask).tolist())
    [[3.0, 2.0], [3.0, 5.0], [8.0, 2.0], [8.0, 5.0]]
    """
    box_of(mask)
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - mask[rows][:, ::-1].argmax(axis=1)
    ends = np.concatenate([first, last])
    both = np.concatenate([rows, rows])
    points = np.concatenate([np.stack([ends, both], 1), np.stack([ends, both + 1], 1)])
    polygon = hull(points.astype(np.float64))
    while len(polygon) > max(4, most):
        tried = [(_without_edge(polygon, i), i) for i in range(len(polygon))]
        possible = [(one[0], i, one[1]) for one, i in tried if one is not None]
        if not possible:  # of four corners, a parallelogram cannot lose an edge
            break
        # Corners that stay in the picture come first.
        within = [one for one in possible if _held(one[2], mask.shape)]
        _, i, corner = min(within or possible, key=lambda one: one[:2])
        polygon = polygon.copy()
        polygon[i] = corner
        polygon = np.delete(polygon, (i + 1) % len(polygon), axis=0)
    return polygon
