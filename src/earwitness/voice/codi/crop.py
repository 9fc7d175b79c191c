"""The part of a picture that a region shows, as the published pipeline cuts it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError


def crop_and_fill(pixels: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the rectangle around a region, filled from the whole picture.

    The published pipeline blackens what is outside the mask, cuts to the bounding box of what is
    not black, and then refills every black pixel from the picture: what comes out is the plain
    rectangle. Black pixels on the rim of the mask make it smaller, here too.

    Parameters
    ----------
    pixels
        uint8, shape ``(height, width, 3)``.
    mask
        bool, shape ``(height, width)``.

    Returns
    -------
    ndarray of uint8, shape ``(h, w, 3)``
        A region that is black all over gives its own bounding box; the published program fails.

    Raises
    ------
    OptionError
        If shapes do not fit or the mask is empty.

    Examples
    --------
    >>> picture = np.full((4, 6, 3), 9, dtype=np.uint8)
    >>> region = np.zeros((4, 6), dtype=bool)
    >>> region[1:3, 2] = True
    >>> crop_and_fill(picture, region).shape
    (2, 1, 3)
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or mask.shape != pixels.shape[:2]:
        raise OptionError(
            f"a picture of shape {pixels.shape} and a mask of shape {mask.shape}; "
            "give (height, width, 3) and (height, width)"
        )
    region = np.asarray(mask, dtype=bool)
    if not region.any():
        raise OptionError("an empty mask: there is no region to cut out")
    seen = region & pixels.any(axis=-1)
    if not seen.any():
        seen = region
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
