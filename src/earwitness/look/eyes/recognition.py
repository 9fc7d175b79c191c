"""EfficientNet-Lite0: the class of a crop, and dense features of a whole picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.look.eyes.network import run
from earwitness.look.eyes.picture import checked, fitted, resized, up_to_stride

CROP = 224  # the side the network was trained at
SIDE = 512  # the longer side for dense features


@dataclass(frozen=True, eq=False)
class Features:
    """Dense features of a picture; every grid covers the whole picture.

    Parameters
    ----------
    stride8, stride16, stride32
        float32 (channels, rows, columns) with 40, 112 and 320 channels.
    """

    stride8: NDArray[np.float32]
    stride16: NDArray[np.float32]
    stride32: NDArray[np.float32]


def _scaled(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Put 0…255 where the network wants it, channels first."""
    return ((pixels - np.float32(127)) / np.float32(128)).transpose(2, 0, 1)


def classify(pixels: NDArray[Any]) -> NDArray[np.float32]:
    """Tell which of ImageNet's classes a crop shows.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3). The crop is squeezed to a square, so cut it close to the thing
        with about a tenth of margin.

    Returns
    -------
    ndarray
        float32 (1000,), probabilities in the order of `IMAGENET_CLASSES`.

    Examples
    --------
    >>> p = classify(np.full((60, 80, 3), 128, np.uint8))
    >>> p.shape, bool(abs(p.sum() - 1) < 1e-5)
    ((1000,), True)
    """
    square = resized(checked(pixels), CROP, CROP)
    dense = run("backbone", _scaled(square), ("logits",))["logits"]
    # The classifier is linear after the average, so it may come before the average as well.
    logits = dense.mean(axis=(1, 2))
    odds = np.exp(logits - logits.max())
    return np.asarray(odds / odds.sum(), np.float32)


def features(pixels: NDArray[Any], *, side: int = SIDE) -> Features:
    """Compute dense features of a whole picture.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    side
        The longer side the picture is resized to; the sides are rounded up to multiples of 32 by
        stretching, so that every grid covers the whole picture.
    """
    array = checked(pixels)
    rows, columns = (up_to_stride(n) for n in fitted(array.shape[0], array.shape[1], side))
    names = ("stride8", "stride16", "stride32")
    found = run("backbone", _scaled(resized(array, columns, rows)), names)
    return Features(*(found[name] for name in names))
