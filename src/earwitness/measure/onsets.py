"""When something begins to sound: spectral flux and its peaks.

Böck and Widmer, "Maximum filter vibrato suppression for onset detection", DAFx 2013, without the
maximum filter; peaks as in Böck, Krebs and Schedl, ISMIR 2012.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import maximum_filter1d

from earwitness.measure.spectra import FFT, HOP, mel_decibels

Array = NDArray[np.float64]
_ABOVE = 0.07  # of the range of the flux, above its moving mean


def onset_strength(samples: ArrayLike, rate_hz: int) -> Array:
    """Return the mean rise of the mel bands in decibels, one value for each hop of 512 samples."""
    level = mel_decibels(samples, rate_hz)
    rise = np.maximum(0.0, np.diff(level, axis=1)).mean(axis=0)
    # A rise by one hop, seen from the middle of the frame.
    return np.concatenate([np.zeros(1 + FFT // (2 * HOP)), rise])[: level.shape[1]]


def onsets(samples: ArrayLike, rate_hz: int) -> NDArray[np.intp]:
    """Return the frames (of 512 samples) at which something begins.

    Parameters
    ----------
    samples
        Mono, shape ``(samples,)``.
    rate_hz
        Sampling rate.

    Examples
    --------
    >>> click = np.zeros(44100)
    >>> click[22050:22100] = 1.0
    >>> (onsets(click, 44100) * 512 / 44100).round(2)
    array([0.51])
    """
    strength = onset_strength(samples, rate_hz)
    strength = strength - strength.min()
    strength /= strength.max() + np.finfo(np.float32).tiny
    if not strength.any() or not np.isfinite(strength).all():
        return np.zeros(0, dtype=np.intp)
    before_max, wait = (math.ceil(0.03 * rate_hz // HOP),) * 2
    before, after = math.ceil(0.1 * rate_hz // HOP), math.ceil(0.1 * rate_hz // HOP + 1)
    highest = maximum_filter1d(
        strength,
        before_max + 1,
        mode="constant",
        origin=math.ceil(0.5 * (before_max - 1)),
        cval=float(strength.min()),
    )
    total = np.concatenate([[0.0], np.cumsum(strength)])
    here = np.arange(len(strength))
    first, last = np.maximum(0, here - before), np.minimum(len(strength), here + after)
    mean = (total[last] - total[first]) / (last - first)
    peaks: list[int] = []
    for i in np.flatnonzero((strength == highest) & (strength >= mean + _ABOVE)):
        if strength[i] > 0 and (not peaks or i > peaks[-1] + wait):
            peaks.append(int(i))
    return np.array(peaks, dtype=np.intp)
