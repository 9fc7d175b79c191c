"""What places, sounds and words are compared with: an embedder, replaceable, chosen by name.

See :func:`earwitness.atlas.embedders.load_embedder`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.scene.sound import Sound


@runtime_checkable
class Embedder(Protocol):
    """Satellite images, sounds and words as unit vectors of one space.

    The dot product of two vectors is their cosine similarity: how well they go together. Rows come
    back in the order given; an empty input gives an array of shape ``(0, dim)``.

    Attributes
    ----------
    name
        What it was loaded as (``builtin``, or the file's name).
    dim
        Length of a vector.
    image_px
        Side of the square crop that :meth:`images` reads, in pixels.
    ground_m
        Metres on the ground per pixel of that crop, at the equator.
    """

    @property
    def name(self) -> str:
        """What it was loaded as."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def image_px(self) -> int:
        """Side of the crop in pixels."""
        ...

    @property
    def ground_m(self) -> float:
        """Metres per pixel of the crop."""
        ...

    def images(
        self,
        pixels: NDArray[np.uint8],
        *,
        lat_deg: ArrayLike | None = None,
        lon_deg: ArrayLike | None = None,
        month: ArrayLike | None = None,
        hour: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Embed satellite images, north up.

        Parameters
        ----------
        pixels : array, shape (n, image_px, image_px, 3), uint8
            RGB.
        lat_deg, lon_deg : array, shape (n,), or a number
            Where their middles are, degrees north and east; None where that is not known.
        month, hour : array, shape (n,), or a number
            Month 1 to 12 and local hour 0 to 24; None where they are not known.

        Returns
        -------
        array, shape (n, dim), float32

        Raises
        ------
        EarwitnessError
            If a shape or a value is outside what is allowed.
        """
        ...

    def sounds(self, sounds: Sequence[Sound]) -> NDArray[np.float32]:
        """Embed sounds: float32, shape (n, dim). Any rate, layout and length."""
        ...

    def texts(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Embed descriptions of sounds in words: float32, shape (n, dim)."""
        ...
