"""Short-time objective intelligibility (STOI).

Taal, Hendriks, Heusdens and Jensen, "An algorithm for intelligibility prediction of time-frequency
weighted noisy speech", IEEE TASLP 19 (2011).
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.signal import resample_poly

from earwitness.errors import OptionError

_RATE_HZ, _FRAME, _FFT, _BANDS, _LOW_HZ = 10_000, 256, 512, 15, 150.0
_SEGMENT, _CLIP, _RANGE_DB = 30, 1.0 + 10 ** (15.0 / 20), 40.0
_EPS = float(np.finfo(np.float64).eps)
TOO_SHORT = 1e-5
"""What comes back where less than 0.4 s is not silent, as in the reference implementation."""

Array = NDArray[np.float64]


@cache
def _bands() -> Array:
    """Return which bins belong to which third of an octave, shape ``(15, 257)``."""
    bins = np.linspace(0, _RATE_HZ, _FFT + 1)[: _FFT // 2 + 1]
    k = np.arange(_BANDS, dtype=np.float64)
    matrix = np.zeros((_BANDS, len(bins)))
    for i in range(_BANDS):
        low, high = _LOW_HZ * 2.0 ** ((2 * k[i] - 1) / 6), _LOW_HZ * 2.0 ** ((2 * k[i] + 1) / 6)
        first, last = (int(np.argmin((bins - edge) ** 2)) for edge in (low, high))
        matrix[i, first:last] = 1.0
    return matrix


def _resampled(samples: Array, rate_hz: int) -> Array:
    shared = math.gcd(rate_hz, _RATE_HZ)
    up, down = _RATE_HZ // shared, rate_hz // shared
    if up == down:
        return samples
    cut = 1.0 / (2 * max(up, down))
    half = int(np.ceil((60.0 - 8) / (28.714 * cut / 10)))
    ideal = 2 * up * cut * np.sinc(2 * cut * np.arange(-half, half + 1))
    taps = np.kaiser(2 * half + 1, 0.1102 * (60.0 - 8.7)) * ideal
    return np.asarray(resample_poly(samples, up, down, window=taps / taps.sum()))


def _frames(samples: Array) -> Array:
    hop = _FRAME // 2
    count = len(range(0, len(samples) - _FRAME, hop))
    if count == 0:
        return np.zeros((0, _FRAME))
    window = np.hanning(_FRAME + 2)[1:-1]
    return np.asarray(sliding_window_view(samples, _FRAME)[::hop][:count] * window)


def _joined(parts: Array) -> Array:
    hop = _FRAME // 2
    out = np.zeros((len(parts) + 1) * hop)
    for half in range(2):
        piece = parts[:, half * hop : (half + 1) * hop].reshape(-1)
        out[half * hop : half * hop + len(piece)] += piece
    return out


def stoi(clean: ArrayLike, other: ArrayLike, rate_hz: int) -> float:
    """Return how intelligible ``other`` is, ``clean`` being the original: about 0 to 1.

    Parameters
    ----------
    clean, other
        Mono, of equal length, shape ``(samples,)``.
    rate_hz
        Sampling rate of both.

    Returns
    -------
    float
        Mean correlation of the envelopes; :data:`TOO_SHORT` where too little is not silent.

    Raises
    ------
    OptionError
        If the lengths differ.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(20000)
    >>> round(stoi(noise, 0.5 * noise, 10000), 6)
    1.0
    """
    x, y = np.asarray(clean, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise OptionError(f"sounds of shapes {x.shape} and {y.shape}; give mono of equal length")
    first, second = _frames(_resampled(x, rate_hz)), _frames(_resampled(y, rate_hz))
    if len(first) == 0:
        return TOO_SHORT
    level = 20 * np.log10(np.linalg.norm(first, axis=1) + _EPS)
    sounds = level > level.max() - _RANGE_DB
    bands = []
    for part in (first, second):
        spectrum = np.fft.rfft(_frames(_joined(part[sounds])), n=_FFT, axis=1)
        bands.append(np.sqrt(_bands() @ (np.abs(spectrum) ** 2).T))
    if bands[0].shape[1] < _SEGMENT:
        return TOO_SHORT
    # Segments: (bands, places, 30 frames).
    a, b = (sliding_window_view(band, _SEGMENT, axis=1) for band in bands)
    gain = np.linalg.norm(a, axis=2, keepdims=True)
    gain = gain / (np.linalg.norm(b, axis=2, keepdims=True) + _EPS)
    b = np.minimum(b * gain, a * _CLIP)
    a, b = (part - part.mean(axis=2, keepdims=True) for part in (a, b))
    a, b = (part / (np.linalg.norm(part, axis=2, keepdims=True) + _EPS) for part in (a, b))
    return float(np.sum(a * b) / (a.shape[0] * a.shape[1]))
