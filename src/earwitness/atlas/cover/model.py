"""The patch model: water, trees, grass, crops, buildings, road, rail, bare ground and snow.

A small network (one hidden layer) on the features of the built-in eyes' backbone, one set of
weights for fine pictures (below :data:`COARSE_M` per pixel) and one for coarse ones. It was trained
on boxes and polygons drawn by hand on real pictures from above, and on places drawn by a program;
``training/atlas/train.py`` makes it again, ``docs/models/cover.md`` says how often it is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from earwitness.look.eyes.picture import checked, resized
from earwitness.look.eyes.recognition import features
from earwitness.look.eyes.stuff import bilinear

PATCH_PX = 16
"""Side of a patch."""

FINE_M = 0.5
"""Metres per pixel at which fine pictures are looked at."""

COARSE_M = 3.0
"""From here on the coarse weights are taken."""


@dataclass(frozen=True, eq=False)
class Cover:
    """How likely each kind is in each patch.

    Parameters
    ----------
    names
        The kinds, S of them.
    probability
        float32 ``(S, rows, columns)``; sums to 1 over S. The grid covers the whole picture.
    patch_m
        Side of a patch on the ground, metres.
    """

    names: tuple[str, ...]
    probability: NDArray[np.float32]
    patch_m: float

    def of(self, name: str) -> NDArray[np.float32]:
        """Return the probability of one kind, float32 ``(rows, columns)``."""
        return np.asarray(self.probability[self.names.index(name)], np.float32)


@dataclass(frozen=True, eq=False)
class Probe:
    """Weights of one network: F features, H hidden, S kinds."""

    inward: NDArray[np.float32]
    inward_bias: NDArray[np.float32]
    outward: NDArray[np.float32]
    outward_bias: NDArray[np.float32]

    def logits(self, cells: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the logits ``(S, …)`` of features ``(F, …)``."""
        flat = cells.reshape(len(cells), -1)
        hidden = np.maximum(self.inward @ flat + self.inward_bias[:, None], 0.0)
        told = self.outward @ hidden + self.outward_bias[:, None]
        return np.asarray(told.reshape(-1, *cells.shape[1:]), np.float32)


@lru_cache(maxsize=1)
def _probes() -> tuple[tuple[str, ...], tuple[Probe, Probe]]:
    """Return the kinds, and the networks for fine and for coarse pictures."""
    with files(__package__).joinpath("cover.npz").open("rb") as file, np.load(file) as data:
        names = tuple(str(name) for name in data["names"])
        parts = ("inward", "inward_bias", "outward", "outward_bias")
        fine, coarse = (
            Probe(*(data[f"{size}_{part}"].astype(np.float32) for part in parts))
            for size in ("fine", "coarse")
        )
        return names, (fine, coarse)


def describe(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the probe is shown of each patch: float32 ``(F, rows, columns)``.

    The backbone's features at three strides, the mean colour, and how much colour varies inside the
    patch. Where in the picture a patch lies is not told: from above no side is up.
    """
    array = checked(pixels)
    seen = features(array, side=max(array.shape[:2]))
    rows, columns = seen.stride16.shape[1:]
    fine = seen.stride8.reshape(-1, rows, 2, columns, 2)
    coarse = bilinear(seen.stride32, rows, columns)
    sub = resized(array, columns * 4, rows * 4).reshape(rows, 4, columns, 4, 3)
    sub = sub.transpose(4, 0, 2, 1, 3).reshape(3, rows, columns, 16) / np.float32(64)
    mean, spread = sub.mean(axis=-1) - np.float32(2), sub.std(axis=-1)
    green = mean[1:2] - (mean[0:1] + mean[2:3]) / 2
    parts = (fine.mean(axis=(2, 4)), seen.stride16, coarse, mean, spread, green, mean.mean(0)[None])
    return np.concatenate((*parts, _tint(mean + 2), _beside(mean))).astype(np.float32)


def _tint(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the shares of red, green and blue and the saturation, whatever the light."""
    total = np.maximum(colour.sum(axis=0), 0.1)
    most = np.maximum(colour.max(axis=0), 0.05)
    return np.concatenate([3 * colour / total, 1 - colour.min(axis=0)[None] / most])


def _beside(mean: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how unlike its neighbours a patch is, at three distances, sorted over directions.

    A road is like two of its eight neighbours, a river or a roof like more, a field like all; which
    way it runs does not matter.
    """
    rows, columns = mean.shape[1:]
    wide = np.pad(
        mean, ((0, 0), (3, 3), (3, 3)), mode="reflect" if min(rows, columns) > 3 else "edge"
    )
    parts = []
    for far in (1, 2, 3):
        unlike = [
            np.sqrt(
                ((wide[:, 3 + dy : 3 + dy + rows, 3 + dx : 3 + dx + columns] - mean) ** 2).sum(0)
            )
            for dy in (-far, 0, far)
            for dx in (-far, 0, far)
            if dx or dy
        ]
        parts.append(np.sort(np.stack(unlike), axis=0))
    return np.concatenate(parts)


def cover(pixels: NDArray[np.uint8], ground_m: float) -> Cover:
    """Tell what covers the ground.

    Parameters
    ----------
    pixels
        uint8 ``(height, width, 3)``, seen from straight above; sides of at least 16 px, best
        multiples of 32.
    ground_m
        Metres per pixel.

    Examples
    --------
    >>> found = cover(np.full((64, 96, 3), 90, np.uint8), 0.5)
    >>> found.probability.shape[1:], found.patch_m, bool(np.allclose(found.probability.sum(0), 1))
    ((4, 6), 8.0, True)
    """
    names, probes = _probes()
    cells = describe(pixels)
    logits = probes[int(ground_m >= COARSE_M)].logits(cells)
    odds = np.exp(logits - logits.max(axis=0))
    patch_m = ground_m * pixels.shape[0] / cells.shape[1]
    return Cover(names, np.asarray(odds / odds.sum(axis=0), np.float32), patch_m)
