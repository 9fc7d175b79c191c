"""What the eyes see in one picture, each thing computed once however many parts ask for it."""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from earwitness.look import eyes
from earwitness.look.contract import Picture
from earwitness.look.geometry import Box
from earwitness.look.labels import kinds, masses

FLOOR = 0.2
"""Least score of a detection that is looked at further: what agrees with the classifier may be
right though the detector is unsure."""

_MARGIN = 0.1  # of a box, around a crop


class Sight:
    """The eyes' answers for one picture.

    Parameters
    ----------
    picture
        The picture; best at most about a thousand pixels wide.
    """

    def __init__(self, picture: Picture) -> None:
        # Not the picture itself: that would keep it alive in the table of sights.
        self._pixels = picture.pixels
        self._crops: dict[tuple[int, ...], NDArray[np.float32]] = {}

    @cached_property
    def detections(self) -> tuple[eyes.Detection, ...]:
        """Things of the detector's 80 classes, the surest first."""
        return eyes.detect(self._pixels, threshold=FLOOR)

    @cached_property
    def stuff(self) -> eyes.Stuff:
        """What covers the picture, cell by cell."""
        return eyes.stuff(self._pixels)

    @cached_property
    def covered(self) -> dict[str, float]:
        """Part of the picture that each kind of stuff covers (cells by their likeliest)."""
        likeliest = self.stuff.probability.argmax(axis=0)
        return {name: float((likeliest == i).mean()) for i, name in enumerate(self.stuff.names)}

    @cached_property
    def whole(self) -> NDArray[np.float32]:
        """Probabilities of the classifier's 1000 classes for the whole picture."""
        return eyes.classify(self._pixels)

    @cached_property
    def whole_kinds(self) -> dict[str, float]:
        """Probability of each kind of thing for the whole picture."""
        own = masses(self.whole)[0]
        return {key: float(p) for key, p in zip(kinds(), own)}

    def crop(self, box_px: Box) -> NDArray[np.float32]:
        """Probabilities of the classifier's classes for a box with a tenth around it."""
        height, width = self._pixels.shape[:2]
        x0, y0, x1, y1 = box_px
        across, down = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
        left = int(np.clip(round(x0 - across), 0, width - 1))
        top = int(np.clip(round(y0 - down), 0, height - 1))
        right = int(np.clip(round(x1 + across), left + 1, width))
        bottom = int(np.clip(round(y1 + down), top + 1, height))
        key = (left, top, right, bottom)
        if key not in self._crops:
            self._crops[key] = eyes.classify(self._pixels[top:bottom, left:right])
        return self._crops[key]

    @cached_property
    def brightness(self) -> float:
        """Mean brightness, 0 to 255."""
        return float(self._pixels[::4, ::4].mean())

    def pixels_under(self, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Return the pixels under a mask of the picture, one of sixteen, shape ``(n, 3)``."""
        return self._pixels[::4, ::4][mask[::4, ::4]]

    def under(self, name: str, mask: NDArray[np.bool_]) -> float:
        """Return the mean probability of one kind of stuff under a mask of the picture."""
        small = shrunk(mask, self.stuff.probability.shape[1], self.stuff.probability.shape[2])
        total = float(small.sum())
        return float((self.stuff.of(name) * small).sum() / total) if total > 0 else 0.0


_sights: WeakKeyDictionary[Picture, Sight] = WeakKeyDictionary()


def sight_of(picture: Picture) -> Sight:
    """Return what the eyes see in a picture; the same picture is looked at once."""
    if picture not in _sights:
        _sights[picture] = Sight(picture)
    return _sights[picture]


def shrunk(mask: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.float32]:
    """Return how much of each cell of a grid over the picture a mask covers.

    Examples
    --------
    >>> shrunk(np.eye(4, dtype=bool), 2, 2).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """
    out = mask.astype(np.float32)
    for axis, size in ((0, rows), (1, columns)):
        # Exact area means by differences of the running sum, whatever the sizes.
        length = out.shape[axis]
        running = np.concatenate(
            [np.zeros_like(out.take([0], axis)), np.cumsum(out, axis, dtype=np.float64)], axis
        )
        at = np.linspace(0, length, size + 1)
        low = np.minimum(at.astype(int), length - 1)
        part = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
        sums = running.take(low, axis) * (1 - part) + running.take(low + 1, axis) * part
        out = (np.diff(sums, axis=axis) * size / length).astype(np.float32)
    return out


def grown(grid: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return a grid over the picture, bilinearly for every pixel, float32 ``(height, width)``.

    Examples
    --------
    >>> grown(np.array([[0.0, 1.0]], np.float32), 1, 4).round(2).tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    out = grid
    for axis, size in ((0, height), (1, width)):
        old = out.shape[axis]
        at = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        low = at.astype(int)
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        high = np.minimum(low + 1, old - 1)
        out = out.take(low, axis) * (1 - part) + out.take(high, axis) * part
    return np.asarray(out, np.float32)
