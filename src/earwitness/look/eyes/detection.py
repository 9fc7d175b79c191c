"""A small detector of the 80 things of COCO, asked three times.

NanoDet (boxes as in Li et al., "Generalized focal loss", 2020) at three sizes, once mirrored. The
passes err on different things, so that what they agree on is right more often; the figures are in
``docs/models/look.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.look.eyes.boxes import Boxes, agreed, joined, with_far
from earwitness.look.eyes.names import COCO_CLASSES
from earwitness.look.eyes.network import run
from earwitness.look.eyes.picture import checked, letterboxed

FLOOR = 0.1  # below this a network's answer is noise
SIDES = ((416, True), (512, False), (640, False))  # longer side, mirrored: measured, 416…960
FAR_SIDE = 1024  # a closer look for small things, worth it where the picture has the pixels
FAR_WORTH = 800
FAR_PART = 0.12  # of the longer side: what counts as small
BINS = 11  # a NanoDet distance is an expectation over 0…10 strides
MOST = 300  # boxes kept of a pass, so that a picture of noise cannot cost minutes


@dataclass(frozen=True)
class Detection:
    """A thing found.

    Parameters
    ----------
    label
        One of `COCO_CLASSES`.
    score
        How sure the passes together are, 0 to 1: the mean of their scores. Above 0.35 nearly nine
        in ten are right.
    box_px
        x0, y0, x1, y1 in picture pixels, within the picture.
    """

    label: str
    score: float
    box_px: tuple[float, float, float, float]


def _strongest(
    kind: NDArray[np.intp], score: NDArray[np.float32], corners: NDArray[np.float64]
) -> Boxes:
    """Keep the strongest boxes of a pass."""
    order = np.argsort(-score, kind="stable")[:MOST]
    return Boxes(corners[order], score[order].astype(np.float64), kind[order])


def _around(
    x: NDArray[np.floating[Any]],
    y: NDArray[np.floating[Any]],
    distance: NDArray[np.float32],
    scale: tuple[float, float],
) -> NDArray[np.float64]:
    """Boxes (N, 4) in picture pixels from centres and distances (4, N: left, up, right, down)."""
    left, up, right, down = distance
    corners = np.stack([x - left, y - up, x + right, y + down], axis=1)
    return np.asarray(corners / np.array(scale + scale), np.float64)


_MEAN = np.array([123.675, 116.28, 103.53], np.float32)  # ImageNet's, RGB
_SPREAD = np.array([58.395, 57.12, 57.375], np.float32)


def _nanodet(pixels: NDArray[np.uint8], side: int, *, mirrored: bool = False) -> Boxes:
    """Read NanoDet: each cell gives class scores and, for four distances, a distribution."""
    image, scale = letterboxed(pixels[:, ::-1] if mirrored else pixels, side)
    # The network was trained on OpenCV's order, blue first. (Its RGB mean and spread above are
    # therefore applied before the flip.) The padding is black before scaling.
    image = ((image - _MEAN) / _SPREAD)[..., ::-1]
    names = tuple(f"{what}{stride}" for stride in (8, 16, 32) for what in ("score", "bins"))
    out = run("nanodet", image.transpose(2, 0, 1), names)
    found = []
    for stride in (8, 16, 32):
        score = out[f"score{stride}"]
        kind, y, x = np.nonzero(score > FLOOR)
        bins = out[f"bins{stride}"][:, y, x].reshape(4, BINS, len(x))
        odds = np.exp(bins - bins.max(axis=1, keepdims=True))
        steps = np.arange(bins.shape[1], dtype=np.float32)[None, :, None]
        distance = (odds * steps).sum(axis=1) / odds.sum(axis=1) * stride
        corners = _around((x + 0.5) * stride, (y + 0.5) * stride, distance, scale)
        found.append(_strongest(kind, score[kind, y, x], corners))
    every = joined(found)
    if mirrored:
        width = pixels.shape[1]
        corners = every.corners[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
        return Boxes(corners, every.score, every.kind)
    return every


def detect(pixels: NDArray[Any], *, threshold: float = 0.35) -> tuple[Detection, ...]:
    """Find the people, animals, vehicles and objects of a picture.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    threshold
        The least score. 0.3 finds more with one in four wrong, 0.4 errs one time in twenty.

    Returns
    -------
    tuple of Detection
        The surest first.

    Examples
    --------
    >>> detect(np.full((120, 160, 3), 200, np.uint8))
    ()
    """
    array = checked(pixels)
    height, width = array.shape[:2]
    longer = max(height, width)
    found = agreed(*(_nanodet(array, side, mirrored=mirrored) for side, mirrored in SIDES))
    if longer >= FAR_WORTH:
        closer = agreed(_nanodet(array, FAR_SIDE), _nanodet(array, FAR_SIDE, mirrored=True))
        found = with_far(found, closer, FAR_PART * longer)
    corners = np.clip(found.corners, 0, np.array([width, height, width, height]))
    size = corners[:, 2:] - corners[:, :2]
    real = (found.score >= threshold) & (size > 0).all(axis=1)
    order = np.argsort(-np.where(real, found.score, -1), kind="stable")[: int(real.sum())]
    return tuple(
        Detection(COCO_CLASSES[int(kind)], float(score), (x0, y0, x1, y1))
        for kind, score, (x0, y0, x1, y1) in zip(
            found.kind[order], found.score[order], corners[order].tolist()
        )
    )
