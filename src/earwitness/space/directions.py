"""Directions as unit vectors in the listener frame, checked once for all gains."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError


def unit(directions: ArrayLike) -> NDArray[np.float64]:
    """Return directions with length 1.

    Parameters
    ----------
    directions
        Vectors of any length, shape ``(n, 3)``, or one of shape ``(3,)``: x front, y left, z up.

    Returns
    -------
    ndarray, shape ``(n, 3)``
        The zero vector, a source inside the head, becomes straight ahead.

    Raises
    ------
    OptionError
        If the shape is another, or a value is not finite.

    Examples
    --------
    >>> unit([[0, 5, 0], [0, 0, 0]])
    array([[0., 1., 0.],
           [1., 0., 0.]])
    """
    vectors = np.atleast_2d(np.asarray(directions, dtype=np.float64))
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise OptionError(f"directions of shape {vectors.shape}; give rows of x, y, z")
    if not np.all(np.isfinite(vectors)):
        raise OptionError("directions that are not finite; give finite x, y, z")
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    # Scaled first, so that neither tiny nor huge vectors lose their direction.
    scaled = np.where(largest > 0, vectors, [1.0, 0.0, 0.0]) / np.where(largest > 0, largest, 1.0)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True), dtype=np.float64)
