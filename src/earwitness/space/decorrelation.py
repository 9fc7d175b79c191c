"""Filters that make copies of a sound which differ in waveform but not in colour.

Played from several directions, one waveform is heard as a single, coloured phantom; copies with
little correlation are heard as wide or as all around (Kendall, "The decorrelation of audio
signals and its impact on spatial imagery", Computer Music Journal 19(4), 1995; Potard and Burnett,
"Decorrelation techniques for the rendering of apparent sound source width", DAFx 2004).

Kendall's random-phase filters are flat only at the frequencies at which they were designed, and
smear transients evenly over their length. Velvet noise (Alary, Politis and Välimäki, DAFx 2017;
Schlecht et al., DAFx 2018) decays, so transients stay sharp, but colours by some decibels. Here
both aims are met by alternating projections: random noise under a decaying envelope is made flat
in the frequency domain and put back under its envelope, over and over.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LENGTH_S = 0.025
"""Length of the filters: below the echo threshold of clicks and speech."""

_DECAY_S = 0.009
_ROUNDS = 60


def decorrelators(count: int, rate_hz: int, seed: int = 0) -> NDArray[np.float32]:
    """Return filters that decorrelate and hardly colour.

    Parameters
    ----------
    count
        How many filters.
    rate_hz
        Sampling rate.
    seed
        Same seed, same filters; the first filters of a larger set are those of a smaller one.

    Returns
    -------
    ndarray, float32, shape ``(count, taps)``
        Each of energy 1, :data:`LENGTH_S` long. Copies of white noise are correlated by less than
        0.15; at low frequencies (below some 200 Hz) filters this short cannot decorrelate much.

    Examples
    --------
    >>> a, b = decorrelators(2, 48000)
    >>> bool(abs(a @ b) < 0.15), round(float(a @ a), 4), len(a)
    (True, 1.0, 1200)
    """
    taps = max(16, round(LENGTH_S * rate_hz))
    made = [_decorrelator(taps, rate_hz, seed, i) for i in range(count)]
    return np.stack(made) if made else np.zeros((0, taps), np.float32)


@cache
def _decorrelator(taps: int, rate_hz: int, seed: int, index: int) -> NDArray[np.float32]:
    rng = np.random.default_rng([seed, index])
    envelope = np.exp(-np.arange(taps) / (_DECAY_S * rate_hz))
    envelope *= np.minimum(1.0, np.arange(taps, 0, -1) / (0.1 * taps))
    size = 1 << (4 * taps - 1).bit_length()
    filter_ = rng.standard_normal(taps) * envelope
    for _ in range(_ROUNDS):
        spectrum = np.fft.rfft(filter_, size)
        flat = np.fft.irfft(spectrum / np.maximum(np.abs(spectrum), 1e-9), size)[:taps]
        # The envelope bounds how much each tap may hold, and so how far a transient smears.
        bound = 4.0 * envelope / np.sqrt(np.sum(envelope**2))
        filter_ = np.clip(flat, -bound, bound)
    filter_ /= np.linalg.norm(filter_)
    out = filter_.astype(np.float32)
    out.flags.writeable = False
    return out
