"""What looking is made of: a segmenter, a namer, a depth; each replaceable, chosen by name.

Coordinates are pixels of the upright picture, x to the right, y down, (0, 0) the upper left
corner of the upper left pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.media.pictures import Picture as Picture
from earwitness.scene import FREE as FREE
from earwitness.scene import UNNAMED as UNNAMED


@dataclass(frozen=True, eq=False)
class Found:
    """A region of interest.

    Parameters
    ----------
    mask
        bool, shape ``(height, width)``: the region's pixels.
    what
        ``thing`` (countable) or ``stuff`` (water, trees, road).
    score
        How sure the segmenter is, 0 to 1.
    hint
        The segmenter's own label where it has one ("dog", "water"), else empty.
    """

    mask: NDArray[np.bool_]
    what: Literal["thing", "stuff"]
    score: float
    hint: str = ""


@dataclass(frozen=True)
class Name:
    """What a region is taken for.

    Parameters
    ----------
    concept
        Key of a concept in the vocabulary; None where nothing there would sound; :data:`FREE`
        for words that the vocabulary may not know, :data:`UNNAMED` for a picture without words.
    words
        What to ask the voice for ("two dogs barking").
    score
        How sure, 0 to 1.
    """

    concept: str | None
    words: str
    score: float


@dataclass(frozen=True)
class Distance:
    """How far a region is from the camera along its direction, with its uncertainty.

    Parameters
    ----------
    metres
        Best estimate.
    factor
        Uncertainty as a factor at least 1: two thirds of the probability lies between
        ``metres / factor`` and ``metres * factor``.
    """

    metres: float
    factor: float = field(default=2.0)


class Segmenter(Protocol):
    """Picture to regions. Regions may overlap; the largest come first."""

    def segment(self, picture: Picture) -> Sequence[Found]:
        """Return the regions of interest."""
        ...


class Namer(Protocol):
    """Regions to names: one answer for each region, in the same order."""

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return what each region is taken for."""
        ...


class Depth(Protocol):
    """Regions to distances in metres: one answer for each region, in the same order."""

    def distance(
        self,
        picture: Picture,
        found: Sequence[Found],
        names: Sequence[Name],
        *,
        focal_px: float,
    ) -> Sequence[Distance]:
        """Return how far each region is."""
        ...


class Tracker(Protocol):
    """Regions of one frame to where they are in those that follow, in the order of the clip."""

    def begin(self, picture: Picture, masks: Sequence[NDArray[np.bool_]]) -> None:
        """Take what is to be followed from now on: masks of a frame."""
        ...

    def step(self, picture: Picture) -> Sequence[NDArray[np.bool_] | None]:
        """Return where each is in the next frame, or None where it is out of sight."""
        ...
