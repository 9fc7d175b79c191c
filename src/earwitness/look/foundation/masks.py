"""From the answers of a promptable segmenter to regions: grid, stability, no doubles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earwitness.look.contract import Found, Picture
from earwitness.look.geometry import overlap
from earwitness.look.outlines import box_of
from earwitness.look.regions import SOUNDING_STUFF
from earwitness.look.sight import sight_of

Array = NDArray[np.float32]

_STUFF_PART = 0.6  # of a region's pixels, as the probe sees them
_SAME_THING = 0.6  # intersection over union with a detector's box


def point_grid(per_side: int) -> Array:
    """Return an even grid of points over a picture, float32 ``(per_side², 2)`` as x, y in 0 to 1.

    Examples
    --------
    >>> point_grid(2).tolist()
    [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    """
    at = (np.arange(per_side, dtype=np.float32) + 0.5) / per_side
    x, y = np.meshgrid(at, at)
    return np.stack([x.ravel(), y.ravel()], axis=1)


def stability(logits: Array, offset: float = 1.0) -> Array:
    """Return how little masks change when their threshold does, shape ``(n,)``.

    Intersection over union of the masks at ``+offset`` and ``-offset`` (Kirillov et al., "Segment
    Anything", ICCV 2023, appendix B).

    Parameters
    ----------
    logits
        Shape ``(n, height, width)``.
    offset
        How far the threshold is moved to either side.

    Examples
    --------
    >>> sure, unsure = np.array([[9.0, 9.0, -9.0]]), np.array([[9.0, 0.1, -9.0]])
    >>> stability(np.stack([sure, unsure]).astype(np.float32)).tolist()
    [1.0, 0.5]
    """
    low = (logits > -offset).sum(axis=(1, 2))
    high = (logits > offset).sum(axis=(1, 2))
    return np.where(low > 0, high / np.maximum(low, 1), 0.0).astype(np.float32)


def boxes_of(masks: NDArray[np.bool_]) -> Array:
    """Return the boxes of masks as x0, y0, x1, y1, float32 ``(n, 4)``; zeros for empty ones.

    Examples
    --------
    >>> boxes_of(np.array([[[0, 0, 0], [0, 1, 1]]], bool)).tolist()
    [[1.0, 1.0, 3.0, 2.0]]
    """
    count, height, width = masks.shape
    rows, columns = np.any(masks, axis=2), np.any(masks, axis=1)
    found = np.zeros((count, 4), np.float32)
    full = np.any(rows, axis=1)
    found[:, 0], found[:, 1] = columns.argmax(axis=1), rows.argmax(axis=1)
    found[:, 2] = width - columns[:, ::-1].argmax(axis=1)
    found[:, 3] = height - rows[:, ::-1].argmax(axis=1)
    found[~full] = 0
    return found


def suppressed(boxes: Array, scores: Array, limit: float = 0.7) -> list[int]:
    """Return which boxes stay when those that a better one covers are left out, the best first.

    Parameters
    ----------
    boxes
        Shape ``(n, 4)``: x0, y0, x1, y1.
    scores
        Shape ``(n,)``.
    limit
        Intersection over union above which two are the same.

    Examples
    --------
    >>> boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]], np.float32)
    >>> suppressed(boxes, np.array([0.8, 0.9, 0.5], np.float32))
    [1, 2]
    """
    area = np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while left.size:
        best, left = int(left[0]), left[1:]
        kept.append(best)
        wide = np.minimum(boxes[best, 2], boxes[left, 2]) - np.maximum(
            boxes[best, 0], boxes[left, 0]
        )
        tall = np.minimum(boxes[best, 3], boxes[left, 3]) - np.maximum(
            boxes[best, 1], boxes[left, 1]
        )
        both = np.maximum(wide, 0) * np.maximum(tall, 0)
        union = area[best] + area[left] - both
        left = left[both <= limit * np.maximum(union, 1e-9)]
    return kept


def told_apart(
    picture: Picture, masks: Sequence[NDArray[np.bool_]], scores: Sequence[float]
) -> list[Found]:
    """Return regions with what the built-in eyes know of them: thing or stuff, and a hint.

    A model that segments anything does not say what it has found. The probe tells water, trees and
    road from things; a box of the detector that fits gives its label.

    Parameters
    ----------
    picture
        Where they are.
    masks, scores
        bool ``(height, width)`` and 0 to 1, of each.

    Returns
    -------
    list of Found
        The largest first.
    """
    sight = sight_of(picture)
    found = []
    for mask, score in zip(masks, scores, strict=True):
        under = {name: sight.under(name, mask) for name in SOUNDING_STUFF}
        likeliest = max(under, key=lambda name: under[name])
        fitting = [d for d in sight.detections if overlap(d.box_px, box_of(mask)) > _SAME_THING]
        surest = max(fitting, key=lambda d: d.score, default=None)
        if under[likeliest] > _STUFF_PART and surest is None:
            found.append(Found(mask, "stuff", under[likeliest], likeliest))
        else:
            hint = surest.label if surest is not None else ""
            sure = max(score, surest.score) if surest is not None else score
            found.append(Found(mask, "thing", float(np.clip(sure, 0, 1)), hint))
    return sorted(found, key=lambda one: -int(one.mask.sum()))
