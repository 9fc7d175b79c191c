"""What has no edges of its own: sky, water, grass, … told for every cell of a grid.

A linear probe (multinomial logistic regression) on the features of EfficientNet-Lite0. It was
trained on boxes drawn by hand on about 145 photographs; ``training/look/train.py`` makes it again
and ``docs/models/look.md`` says how often it is right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.look.eyes.picture import checked, resized
from earwitness.look.eyes.recognition import Features, features


@dataclass(frozen=True, eq=False)
class Stuff:
    """How likely each kind of stuff is at each place.

    Parameters
    ----------
    names
        The kinds, S of them. ``thing`` is whatever is not stuff (animals, people, vehicles);
        ``indoor`` is walls, floors and furniture inside a room.
    probability
        float32 (S, rows, columns); sums to 1 over S. The grid covers the whole picture: cell
        (r, c) spans rows r/rows to (r+1)/rows of its height.
    """

    names: tuple[str, ...]
    probability: NDArray[np.float32]

    def of(self, name: str) -> NDArray[np.float32]:
        """Return the probability of one kind, float32 (rows, columns)."""
        return np.asarray(self.probability[self.names.index(name)], np.float32)


@dataclass(frozen=True, eq=False)
class Probe:
    """The trained weights: ``weight`` float32 (S, F), ``bias`` float32 (S,)."""

    names: tuple[str, ...]
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@lru_cache(maxsize=1)
def _probe() -> Probe:
    with files(__package__).joinpath("stuff.npz").open("rb") as file, np.load(file) as data:
        names = tuple(str(name) for name in data["names"])
        return Probe(names, data["weight"].astype(np.float32), data["bias"].astype(np.float32))


def bilinear(grid: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """Resize (channels, r, c) to (channels, rows, columns), cells taken as squares."""
    out = grid
    for axis, size in ((1, rows), (2, columns)):
        old = out.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, old - 1)
        part = (at - low).astype(np.float32)
        part = part.reshape((-1, 1) if axis == 1 else (1, -1))
        out = out.take(low, axis) * (1 - part) + out.take(high, axis) * part
    return np.asarray(out, np.float32)


def describe(seen: Features, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the probe is shown of each cell: float32 (F, rows, columns), stride 16.

    The features of the three strides, the mean colour, and how far down the cell lies. (Features
    averaged over the whole picture were tried too; they made the probe learn pictures by heart.)
    """
    rows, columns = seen.stride16.shape[1:]
    fine = seen.stride8.reshape(-1, rows, 2, columns, 2).mean(axis=(2, 4))
    coarse = bilinear(seen.stride32, rows, columns)
    colour = resized(pixels, columns, rows).transpose(2, 0, 1) / np.float32(64) - np.float32(2)
    down = np.linspace(-1, 1, rows, dtype=np.float32) if rows > 1 else np.zeros(1, np.float32)
    down = np.broadcast_to(down[None, :, None], (1, rows, columns))
    parts = (fine, seen.stride16, coarse, colour, down, down * down)
    return np.concatenate(parts).astype(np.float32)


def stuff(pixels: NDArray[Any]) -> Stuff:
    """Tell what covers a picture where no thing stands.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).

    Examples
    --------
    >>> found = stuff(np.full((300, 400, 3), 128, np.uint8))
    >>> found.probability.shape[1:], "water" in found.names
    ((24, 32), True)
    """
    array = checked(pixels)
    probe = _probe()
    cells = describe(features(array), array)
    logits = np.tensordot(probe.weight, cells, axes=1) + probe.bias[:, None, None]
    odds = np.exp(logits - logits.max(axis=0))
    return Stuff(probe.names, np.asarray(odds / odds.sum(axis=0), np.float32))
