"""Words to the states of a sentence encoder that is part of the package.

The encoder is all-MiniLM-L6-v2 with 26,500 English pieces of words, its weights stored in four
bits. It was trained by others on a thousand million pairs of sentences; that is where knowledge of
words outside the built-in world's captions comes from.

Source: Wang et al., "MiniLM" (NeurIPS 2020); Reimers and Gurevych, "Sentence-BERT" (EMNLP 2019).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.builtin.network import run
from earwitness.atlas.builtin.wordpieces import tokenise

WIDTH = 384


def word_states(texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the states of texts and which of them are words.

    Parameters
    ----------
    texts
        Any number of texts; what follows the 62nd piece of one is not read.

    Returns
    -------
    states : array, shape (n, longest, 384), float32
    mask : array, shape (n, longest), int64
        0 at padding.

    Examples
    --------
    >>> states, mask = word_states(["gulls over the sea"])
    >>> states.shape, int(mask.sum())
    ((1, 7, 384), 7)
    """
    pieces, mask = tokenise(texts)
    if not len(texts):
        return np.zeros((0, 2, WIDTH), np.float32), mask
    states = run("words", {"pieces": pieces, "mask": mask})
    return states, mask
