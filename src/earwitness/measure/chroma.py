"""Chroma: how much of each of the twelve pitch classes sounds, from a constant-Q transform.

Seven octaves from C1 (32.7 Hz), 36 bins each, octave by octave with halved rate (Schörkhuber and
Klapuri, "Constant-Q transform toolbox for music processing", SMC 2010).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import fft, rfft
from scipy.signal.windows import hann

from earwitness.measure.resampling import resample
from earwitness.measure.spectra import FFT, HOP, frames, magnitude

RATE_HZ = 44100
_OCTAVES, _BINS = 7, 36
_C1_HZ = 440.0 * 2.0 ** ((24 - 69) / 12)
_SPARSE = 0.01

Array = NDArray[np.float64]


def tuning(samples: ArrayLike, rate_hz: int) -> float:
    """Return how far pitches lie from the grid of 36 to the octave, in bins, −0.5 to 0.5."""
    strength = magnitude(samples)
    bins = np.fft.rfftfreq(FFT, 1 / rate_hz)
    slope = 0.5 * (strength[2:] - strength[:-2])
    bend = 2 * strength[1:-1] - strength[2:] - strength[:-2]
    shift = slope / (bend + (np.abs(bend) < np.finfo(np.float32).tiny))
    slope, shift = np.pad(slope, ((1, 1), (0, 0))), np.pad(shift, ((1, 1), (0, 0)))
    loud = strength * (strength > 0.1 * strength.max(axis=0))
    edge = np.pad(loud, ((1, 1), (0, 0)), mode="edge")
    peak = (loud > edge[:-2]) & (loud >= edge[2:])
    peak &= ((bins >= 150.0) & (bins < min(4000.0, rate_hz / 2)))[:, None]
    row, column = np.nonzero(peak)
    pitch = (row + shift[row, column]) * rate_hz / FFT
    height = strength[row, column] + 0.5 * slope[row, column] * shift[row, column]
    rings = pitch > 0
    if not rings.any():
        return 0.0
    pitch = pitch[rings & (height >= np.median(height[rings]))]
    rest = np.mod(_BINS * np.log2(pitch / 27.5), 1.0)
    rest[rest >= 0.5] -= 1.0
    edges = np.linspace(-0.5, 0.5, 101)
    counts, _ = np.histogram(rest, edges)
    return float(edges[np.argmax(counts)])


@lru_cache(maxsize=256)
def _basis(rate_hz: float, low_hz: float) -> NDArray[np.complex64]:
    """Return the spectra of one octave of wavelets, shape ``(36, fft // 2 + 1)``."""
    pitch_hz = low_hz * 2.0 ** (np.arange(_BINS) / _BINS)
    q = _quality()
    lengths = q * rate_hz / pitch_hz
    size = int(2.0 ** np.ceil(np.log2(lengths.max())))
    waves = np.zeros((_BINS, size), dtype=np.complex64)
    for i, (length, hz) in enumerate(zip(lengths, pitch_hz)):
        time = np.arange(-length // 2, length // 2)
        wave = np.exp(time * 2j * np.pi * hz / rate_hz) * hann(len(time), sym=False)
        first = (size - len(time)) // 2
        waves[i, first : first + len(time)] = wave / np.abs(wave).sum()
    spectra = fft(waves * (lengths / size)[:, None], axis=1)[:, : size // 2 + 1]
    # The weakest values, one hundredth of the sum, are left out, as in the original.
    heights = np.abs(spectra)
    ordered = np.sort(heights, axis=1)
    part = np.cumsum(ordered / heights.sum(axis=1, keepdims=True), axis=1)
    least = ordered[np.arange(_BINS), np.argmin(part < _SPARSE, axis=1)]
    return np.where(heights >= least[:, None], spectra, 0).astype(np.complex64)


def _quality() -> float:
    step = 2.0 ** (2 / _BINS)
    return float((step + 1) / (step - 1))


def constant_q(samples: ArrayLike) -> Array:
    """Return magnitudes of the constant-Q transform at 44.1 kHz, shape ``(252, frames)``."""
    wave = np.asarray(samples, dtype=np.float32)
    low_hz = _C1_HZ * 2.0 ** (tuning(wave, RATE_HZ) / _BINS)
    rows: list[Array] = []
    rate, hop = float(RATE_HZ), HOP
    for octave in range(_OCTAVES):
        wave = resample(wave, 2, 1, quality="fast") * np.float32(np.sqrt(2.0))
        rate, hop = rate / 2, hop // 2
        octave_hz = low_hz * 2.0 ** (_OCTAVES - 1 - octave)
        basis = _basis(rate, octave_hz)
        spectrum = rfft(frames(wave, 2 * (basis.shape[1] - 1), hop), axis=1).T
        pitch_hz = octave_hz * 2.0 ** (np.arange(_BINS) / _BINS)
        weight = np.sqrt(RATE_HZ / 2 / rate) / np.sqrt(_quality() * RATE_HZ / 2 / pitch_hz)
        rows.insert(0, np.abs(basis @ spectrum) * weight[:, None])
    count = min(row.shape[1] for row in rows)
    return np.concatenate([row[:, :count] for row in rows])


def chroma(samples: ArrayLike) -> Array:
    """Return the chroma at 44.1 kHz, each frame's largest being 1: shape ``(12, frames)``.

    Examples
    --------
    An A fills the tenth pitch class from C.

    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> int(chroma(tone).mean(axis=1).argmax())
    9
    """
    bins = constant_q(samples)
    # Three bins to a pitch class, the middle one in tune.
    classes = np.roll(bins.reshape(_OCTAVES * _BINS, -1), 1, axis=0)
    classes = classes.reshape(_OCTAVES, 12, 3, -1).sum(axis=(0, 2))
    top = classes.max(axis=0)
    return np.asarray(classes / np.where(top < np.finfo(np.float32).tiny, 1.0, top))
