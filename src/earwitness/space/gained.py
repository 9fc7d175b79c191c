"""Stems whose strength changes with time, as a source's ``gain`` says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earwitness.space.contract import Stem


class GainedStem:
    """A stem times a gain that goes in straight lines from row to row.

    Parameters
    ----------
    stem
        What is read.
    rows
        t_s, factor; times ascending.
    rate_hz
        Sampling rate of the stem.

    Examples
    --------
    >>> class Ones:
    ...     def read(self, samples):
    ...         return np.ones(samples, np.float32)
    >>> GainedStem(Ones(), [(0.0, 0.0), (0.004, 1.0)], 1000).read(6).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """

    def __init__(self, stem: Stem, rows: Sequence[Sequence[float]], rate_hz: int) -> None:
        table = np.asarray(rows, dtype=np.float64)
        self._stem, self._times, self._factors = stem, table[:, 0], table[:, 1]
        self._rate_hz, self._read = rate_hz, 0

    def read(self, samples: int) -> NDArray[np.float32]:
        """Return the next samples, at most so many; none after the end."""
        part = self._stem.read(samples)
        if not part.any():  # most of a long clip's stems is silence
            self._read += len(part)
            return part
        times = (self._read + np.arange(len(part))) / self._rate_hz
        self._read += len(part)
        gain = np.interp(times, self._times, self._factors)
        return np.asarray(part * gain, dtype=np.float32)
