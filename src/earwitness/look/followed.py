"""A segmenter for the frames of a clip that follows what it has found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.look.contract import Found, Picture, Segmenter, Tracker

_SMALL_PX = 32
_CUT = 0.16
"""Mean difference of two small grey pictures, 0 to 1, above which nothing is followed across."""


class FollowingSegmenter:
    """Things are found in some frames and followed by a tracker through those between.

    Frames must come in the order of the clip.

    Parameters
    ----------
    segmenter
        Who finds.
    tracker
        Who follows.
    every
        After so many frames things are found anew, so that what enters is noticed.
    """

    def __init__(self, segmenter: Segmenter, tracker: Tracker, *, every: int = 6) -> None:
        self.segmenter, self.tracker, self.every = segmenter, tracker, every
        self._things: list[Found] = []
        self._since = 0
        self._last: NDArray[np.float32] | None = None

    def segment(self, picture: Picture) -> Sequence[Found]:
        """Return the regions, the largest first."""
        small = _small(picture)
        cut = self._last is None or float(np.abs(small - self._last).mean()) > _CUT
        self._last = small
        self._since += 1
        if cut or not self._things or self._since >= self.every:
            found = list(self.segmenter.segment(picture))
            self._things = [one for one in found if one.what == "thing"]
            self._since = 0
            if self._things:
                self.tracker.begin(picture, [one.mask for one in self._things])
            return found
        followed = []
        for one, mask in zip(self._things, self.tracker.step(picture), strict=True):
            if mask is not None and mask.any():
                followed.append(Found(mask, "thing", one.score, one.hint))
        return sorted(followed, key=lambda one: -int(one.mask.sum()))


def _small(picture: Picture) -> NDArray[np.float32]:
    grey = Image.fromarray(picture.pixels).convert("L").resize((_SMALL_PX, _SMALL_PX))
    return np.asarray(grey, np.float32) / np.float32(255)
