"""Which few of many words explain an image: a sparse, non-negative sum of their embeddings.

Scores of single words say too much: whatever is like snow scores for ice, for polar wind and for
gulls. In a sum the word that fits best leaves nothing for its kin to explain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.6
"""Penalty on squares: two words that fit alike share, instead of one taking all."""

LASSO = 0.6
"""Penalty on sums, as a part of the best word's score: what fits little is left out."""


def explained(images: NDArray[np.floating], words: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how much of each word is in each image.

    Parameters
    ----------
    images
        Embeddings of length 1, shape ``(n, dim)``.
    words
        Embeddings of length 1, shape ``(c, dim)``.

    Returns
    -------
    array, shape (n, c)
        Weights of 0 and more: those that minimise ``|image - weights @ words|²`` plus
        :data:`RIDGE` times their squares and twice :data:`LASSO` times the best score times their
        sum. All zeros where no word scores above 0.

    Notes
    -----
    The elastic net (Zou and Hastie, 2005) for non-negative weights, by Lawson and Hanson's method.

    Examples
    --------
    >>> words = np.eye(4)[:3]
    >>> explained(np.array([[0.8, 0.6, 0.0, 0.0]]), words)[0].round(2).tolist()
    [0.2, 0.08, 0.0]
    """
    from scipy.optimize import nnls

    held, asked = np.asarray(images, np.float64), np.asarray(words, np.float64)
    scores = held @ asked.T
    root = np.linalg.cholesky(asked @ asked.T + RIDGE * np.eye(len(asked)))
    made = np.zeros_like(scores)
    for row, score in enumerate(scores):
        best = float(score.max())
        if best > 0:
            made[row] = nnls(root.T, np.linalg.solve(root, score - LASSO * best))[0]
    return made
