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


@dataclass(frozen=True, eq=False)
class Picture:
    """A still picture, upright, 8-bit RGB.

    Parameters
    ----------
    pixels
        uint8, shape ``(height, width, 3)``.
    focal_35mm
        Focal length as for 35 mm film (36 mm wide), mm, when the file says so.
    name
        The file's name without its folder, for messages and ``origin``.
    """

    pixels: NDArray[np.uint8]
    focal_35mm: float | None = None
    name: str = "picture"

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])


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
        Key of a concept in the vocabulary; None where nothing there would sound.
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
