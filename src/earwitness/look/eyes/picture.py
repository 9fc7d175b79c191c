"""Pixels made ready for a network: checked, resized, padded."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.errors import MediaError

STRIDE = 32


def checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the pixels if they are uint8 (height, width, 3) with something in them.

    Raises
    ------
    MediaError
        If they are not.

    Examples
    --------
    >>> checked(np.zeros((4, 5)))
    Traceback (most recent call last):
    ...
    earwitness.errors.MediaError: pixels are float64 (4, 5); expected uint8 (height, width, 3), RGB
    """
    array = np.asarray(pixels)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise MediaError(
            f"pixels are {array.dtype} {array.shape}; expected uint8 (height, width, 3), RGB"
        )
    return array


def resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float32]:
    """Resize to the given sides, float32 (height, width, 3) in 0…255.

    Bicubic, and averaged when made smaller: the filter ImageNet's networks were shown.
    """
    if pixels.shape[:2] == (height, width):
        return pixels.astype(np.float32)
    # Pillow reduces by whole factors first, which keeps huge panoramas quick.
    picture = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (width, height), Image.Resampling.BICUBIC, reducing_gap=3.0
    )
    return np.asarray(picture, np.float32)


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """Scale (height, width) so that the longer side is ``side``; neither falls below 1.

    Examples
    --------
    >>> fitted(600, 800, 400), fitted(1, 5000, 512)
    ((300, 400), (1, 512))
    """
    scale = side / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def up_to_stride(side: int) -> int:
    """Return the next multiple of 32.

    Examples
    --------
    >>> [up_to_stride(n) for n in (1, 32, 33)]
    [32, 32, 64]
    """
    return -(-side // STRIDE) * STRIDE


def letterboxed(
    pixels: NDArray[np.uint8], side: int
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Resize with the shape kept and pad right and below with black to multiples of 32.

    Returns
    -------
    tuple
        float32 (height, width, 3) in 0…255, and the factors (x, y) from picture to result.
    """
    rows, columns = fitted(pixels.shape[0], pixels.shape[1], side)
    out = np.zeros((up_to_stride(rows), up_to_stride(columns), 3), np.float32)
    out[:rows, :columns] = resized(pixels, columns, rows)
    return out, (columns / pixels.shape[1], rows / pixels.shape[0])
