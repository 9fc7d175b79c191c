"""Finite filters on sounds that stream."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray


class Filters:
    """Filters on sounds that stream.

    Parameters
    ----------
    filters
        Shape ``(n, taps)``.
    """

    def __init__(self, filters: NDArray[np.float32]) -> None:
        self._filters = filters
        self._past = np.zeros((1, filters.shape[1] - 1), dtype=np.float32)

    @property
    def rests(self) -> bool:
        """Whether nothing rings on of what came before."""
        return not self._past.any()

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next samples filtered, shape ``(n, samples)``.

        Parameters
        ----------
        samples
            Shape ``(1, samples)``, the same for every filter, or ``(n, samples)``.
        """
        past = np.broadcast_to(self._past, (len(samples), self._past.shape[1]))
        joined = np.concatenate([past, samples], axis=1)
        reach = past.shape[1]
        self._past = joined[:, joined.shape[1] - reach :]
        size = scipy.fft.next_fast_len(joined.shape[1] + reach, real=True)
        spectra = scipy.fft.rfft(self._filters, n=size, axis=1)
        spectra = spectra * scipy.fft.rfft(joined, n=size, axis=1)
        heard = scipy.fft.irfft(spectra, n=size, axis=1)
        return np.asarray(heard[:, reach : reach + samples.shape[1]], dtype=np.float32)
