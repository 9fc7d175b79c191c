"""Whether a sound comes back: the search for a loop that an ear would find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

Samples = NDArray[np.float64]

_RATE_HZ = 8000
_WINDOW_S = 1.5
_NEAREST_S = 3.0


def _whitened(samples: Samples) -> Samples:
    """Return a sound with a flat spectrum, so that noise counts as much as hum."""
    count = fft.next_fast_len(len(samples), real=True)
    spectrum = fft.rfft(samples, count)
    width = max(3, round(40.0 * count / _RATE_HZ))
    size = np.abs(spectrum)
    smooth = np.sqrt(signal.oaconvolve(size**2, np.ones(width) / width, mode="same").clip(1e-30))
    return np.asarray(fft.irfft(spectrum / np.maximum(smooth, 1e-9 * smooth.max()), count))[
        : len(samples)
    ]


def loop(samples: NDArray[np.floating], rate_hz: int, *, windows: int = 16) -> float:
    """Return how like a sound is to itself some time later, at the lag where it is likest.

    Windows of 1.5 s, spread over the sound, are looked for in the whole, 3 s away or more, by the
    normalised cross-correlation of whitened samples (a fingerprint of phases: noise correlates
    with nothing but its own copy). A loop brings all of them back at one lag, so the likeness is
    the mean over the windows at each lag; one note that is struck twice is no loop.

    Parameters
    ----------
    samples
        Mono, shape ``(n,)``, at least 10 s.
    rate_hz
        Sampling rate.
    windows
        How many windows are looked for.

    Returns
    -------
    float
        1 for a copy, about 0.1 for noise that never returns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = rng.standard_normal(40 * 8000)
    >>> loop(noise, 8000) < 0.2, loop(np.tile(noise[:80000], 4), 8000) > 0.9
    (True, True)
    """
    step = max(1, rate_hz // _RATE_HZ)
    slow = signal.decimate(np.asarray(samples, dtype=np.float64), step) if step > 1 else samples
    white = _whitened(np.asarray(slow, dtype=np.float64))
    rate = rate_hz / step
    length, near = round(_WINDOW_S * rate), round(_NEAREST_S * rate)
    square = np.concatenate([[0.0], np.cumsum(white**2)])
    energy = square[length:] - square[:-length]
    # Near silence anything is like anything: only windows and moments that sound count.
    floor = 0.05 * float(np.median(energy[energy > 0])) if (energy > 0).any() else 1.0
    size = fft.next_fast_len(len(white) + length, real=True)
    whole = fft.rfft(white, size)
    total = np.zeros(2 * len(energy) - 1)  # by lag, from -(n - 1) to n - 1
    count = np.zeros(2 * len(energy) - 1)
    for start in np.linspace(0, len(white) - length, windows).astype(int):
        if energy[start] <= floor:
            continue
        window = white[start : start + length]
        cross = fft.irfft(whole * np.conj(fft.rfft(window, size)), size)[: len(energy)]
        like = np.abs(cross) / np.sqrt(np.maximum(energy, floor) * energy[start])
        # Half a millisecond of grace: copies may be shifted by less than a sample at this rate.
        like = ndimage.maximum_filter1d(like, 9)
        first = len(energy) - 1 - start
        total[first : first + len(energy)] += like
        count[first : first + len(energy)] += 1
    middle = len(energy) - 1
    both = total[middle:] + total[middle::-1]
    pairs = count[middle:] + count[middle::-1]
    enough = pairs >= max(3, windows // 3)
    enough[:near] = False
    return float((both[enough] / pairs[enough]).max(initial=0.0))


def envelope_return(samples: NDArray[np.floating], rate_hz: int) -> float:
    """Return the highest autocorrelation of a sound's envelope at 5 s of lag or more.

    Parameters
    ----------
    samples
        Mono, shape ``(n,)``.
    rate_hz
        Sampling rate.

    Returns
    -------
    float
        Of the level in 50 ms steps (dB, without its slow drift), over lags from 5 s to half the
        length. A loop of any length in between gives nearly 1; a steady beat does so too.
    """
    step = max(1, round(0.05 * rate_hz))
    whole = len(samples) // step
    steps = np.asarray(samples[: whole * step], dtype=np.float64).reshape(whole, -1)
    power = np.mean(steps**2, axis=1)
    level = 10 * np.log10(np.maximum(power, 1e-6 * power.max()))
    level = signal.detrend(level)
    count = fft.next_fast_len(2 * whole, real=True)
    auto = fft.irfft(np.abs(fft.rfft(level, count)) ** 2, count)[:whole]
    overlap = np.arange(whole, 0, -1)
    normal = (auto / overlap) / max(auto[0] / whole, 1e-12)
    first = round(5.0 / 0.05)
    return float(normal[first : whole // 2].max(initial=0.0))
