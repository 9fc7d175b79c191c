"""Spectrograms, mel bands, MFCC: with the conventions of the paper's toolbox.

Frames of 2048 samples every 512, Hann, centred on their time with silence beyond the ends; Slaney's
mel scale with triangles of equal area (Slaney, Auditory Toolbox, 1998).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct, rfft
from scipy.signal.windows import hann

Array = NDArray[np.float64]

FFT, HOP = 2048, 512


def frames(samples: ArrayLike, size: int, hop: int) -> Array:
    """Return centred frames, silence beyond the ends: shape ``(frames, size)``."""
    padded = np.pad(np.asarray(samples, dtype=np.float64), size // 2)
    return np.asarray(sliding_window_view(padded, size)[::hop])


def magnitude(samples: ArrayLike, *, fft: int = FFT, hop: int = HOP) -> Array:
    """Return the magnitudes of the short-time spectrum, shape ``(fft // 2 + 1, frames)``.

    Examples
    --------
    >>> magnitude(np.zeros(5120)).shape
    (1025, 11)
    """
    spectrum = rfft(frames(samples, fft, hop) * hann(fft, sym=False), axis=1)
    return np.asarray(np.abs(spectrum).T)


def decibels(power: ArrayLike, *, range_db: float = 80.0) -> Array:
    """Return ``10 log10`` with a floor at 1e-10 and at ``range_db`` below the loudest value."""
    level = 10.0 * np.log10(np.maximum(1e-10, np.asarray(power, dtype=np.float64)))
    return np.asarray(np.maximum(level, level.max() - range_db))


def _to_hz(mel: Array) -> Array:
    bent = 1000.0 * np.exp(np.log(6.4) / 27.0 * (np.maximum(mel, 15.0) - 15.0))
    return np.where(mel < 15.0, mel * 200.0 / 3.0, bent)


@cache
def mel_filters(rate_hz: int, bands: int = 128, fft: int = FFT) -> Array:
    """Return triangles of equal area up to half the rate, shape ``(bands, fft // 2 + 1)``."""
    top_hz = rate_hz / 2
    top = top_hz / (200.0 / 3.0)
    if top_hz >= 1000.0:
        top = 15.0 + np.log(top_hz / 1000.0) * 27.0 / np.log(6.4)
    edges = _to_hz(np.linspace(0.0, top, bands + 2))
    bins = np.fft.rfftfreq(fft, 1 / rate_hz)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    made = np.maximum(0.0, np.minimum(rising, falling)) * area[:, None]
    made.setflags(write=False)
    return np.asarray(made)


def mel_decibels(samples: ArrayLike, rate_hz: int, *, bands: int = 128) -> Array:
    """Return the mel spectrogram in decibels, shape ``(bands, frames)``."""
    return decibels(mel_filters(rate_hz, bands) @ magnitude(samples) ** 2)


def mfcc(samples: ArrayLike, rate_hz: int, *, count: int = 13) -> Array:
    """Return mel-frequency cepstral coefficients, shape ``(count, frames)``.

    Examples
    --------
    >>> mfcc(np.zeros(5120), 22050).shape
    (13, 11)
    """
    cepstrum = dct(mel_decibels(samples, rate_hz), axis=0, type=2, norm="ortho")
    return np.asarray(cepstrum[:count])


def contrast(samples: ArrayLike, rate_hz: int, *, bands: int = 6, low_hz: float = 200.0) -> Array:
    """Return the octave-band spectral contrast in decibels, shape ``(bands + 1, frames)``.

    Mean of the strongest and of the weakest fiftieth of the magnitudes in each band, their levels
    subtracted. Jiang and others, "Music type classification by spectral contrast feature", 2002.
    """
    spectrum, bins = magnitude(samples), np.fft.rfftfreq(FFT, 1 / rate_hz)
    edges = np.concatenate([[0.0], low_hz * 2.0 ** np.arange(bands + 1)])
    peaks = np.zeros((bands + 1, spectrum.shape[1]))
    valleys = np.zeros_like(peaks)
    for k in range(bands + 1):
        inside = (bins >= edges[k]) & (bins <= edges[k + 1])
        held = np.flatnonzero(inside)
        if k > 0:
            inside[held[0] - 1] = True
        if k == bands:
            inside[held[-1] + 1 :] = True
        part = spectrum[inside]
        if k < bands:
            part = part[:-1]
        few = max(1, int(np.rint(0.02 * inside.sum())))
        part = np.sort(part, axis=0)
        valleys[k], peaks[k] = part[:few].mean(axis=0), part[-few:].mean(axis=0)
    return decibels(peaks) - decibels(valleys)
