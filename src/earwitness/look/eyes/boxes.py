"""Boxes with a class and a score: overlap, and one list made from two networks' lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Boxes:
    """N boxes of one pass.

    Parameters
    ----------
    corners
        float64 (N, 4): x0, y0, x1, y1 in picture pixels.
    score
        float64 (N,), 0 to 1.
    kind
        int (N,), index into COCO's 80 classes.
    """

    corners: NDArray[np.float64]
    score: NDArray[np.float64]
    kind: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.score)

    def keep(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> Boxes:
        """Return some of the boxes."""
        return Boxes(self.corners[which], self.score[which], self.kind[which])

    @property
    def longer_side(self) -> NDArray[np.float64]:
        """The longer side of each box, (N,)."""
        size = self.corners[:, 2:] - self.corners[:, :2]
        return np.asarray(size.max(axis=1, initial=0.0), np.float64)


def joined(parts: Sequence[Boxes]) -> Boxes:
    """Put lists of boxes one after another."""
    return Boxes(
        np.concatenate([p.corners for p in parts]).reshape(-1, 4),
        np.concatenate([p.score for p in parts]),
        np.concatenate([p.kind for p in parts]),
    )


def _shared(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area common to one box (4,) and each of many (N, 4)."""
    low = np.maximum(one[:2], many[:, :2])
    high = np.minimum(one[2:], many[:, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=1), np.float64)


def _area(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((corners[..., 2:] - corners[..., :2]).prod(axis=-1), np.float64)


def overlap(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of one box (4,) with each of many (N, 4).

    Examples
    --------
    >>> overlap(np.array([0.0, 0, 2, 2]), np.array([[0.0, 0, 2, 1], [5, 5, 6, 6]])).tolist()
    [0.5, 0.0]
    """
    shared = _shared(one, many)
    union = _area(one) + _area(many) - shared
    return shared / np.maximum(union, 1e-9)


def within(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the part of one box's area that lies in each of many."""
    return _shared(one, many) / max(float(_area(one)), 1e-9)


def suppressed(boxes: Boxes, *, same: float = 0.55, other: float = 1.1) -> Boxes:
    """Drop every box that a stronger one of its class (or, past ``other``, of any) overlaps."""
    left = np.argsort(-boxes.score, kind="stable")
    kept: list[int] = []
    while left.size:
        first, left = int(left[0]), left[1:]
        kept.append(first)
        iou = overlap(boxes.corners[first], boxes.corners[left])
        limit = np.where(boxes.kind[left] == boxes.kind[first], same, other)
        left = left[iou <= limit]
    return boxes.keep(np.array(kept, np.intp))


def agreed(*passes: Boxes, same: float = 0.55, other: float = 0.7) -> Boxes:
    """Fuse the boxes of several passes: those of one thing become their mean, weighted by score.

    The score is the mean over all passes, where a pass that did not see the thing counts nothing:
    what one pass alone sees must be sure. After R. Solovyev et al., "Weighted boxes fusion", 2021.
    """
    seen = [suppressed(boxes, same=same) for boxes in passes]
    corners, total, kind = seen[0].corners.copy(), seen[0].score.copy(), seen[0].kind
    for boxes in seen[1:]:
        free = np.ones(len(total), bool)
        alone = np.ones(len(boxes), bool)
        for j in range(len(boxes)):  # the strongest first, as ``suppressed`` leaves them
            iou = np.where(free & (kind == boxes.kind[j]), overlap(boxes.corners[j], corners), 0.0)
            if len(iou) and iou.max() > same:
                i = int(iou.argmax())
                weight = boxes.score[j] / (total[i] + boxes.score[j])
                corners[i] += weight * (boxes.corners[j] - corners[i])
                total[i] += boxes.score[j]
                free[i] = alone[j] = False
        rest = boxes.keep(alone)
        corners = np.concatenate([corners, rest.corners])
        total = np.concatenate([total, rest.score])
        kind = np.concatenate([kind, rest.kind])
    return suppressed(Boxes(corners, total / len(seen), kind), same=same, other=other)


def with_far(near: Boxes, far: Boxes, limit_px: float) -> Boxes:
    """Add what a closer look found: small boxes that are no part of a thing already found."""
    small = far.keep(far.longer_side <= limit_px)
    new = np.ones(len(small), bool)
    sure = near.corners[near.score > 0.3]
    for i, box in enumerate(small.corners):
        known = len(near) and overlap(box, near.corners).max() > 0.4
        part = len(sure) and within(box, sure).max() > 0.7
        new[i] = not (known or part)
    return joined([near, small.keep(new)])
