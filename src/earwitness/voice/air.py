"""How far a sound is, for mixtures in one stem: what distance does to level, colour and tail.

A scene places its sources in space and its renderer does this exactly (ISO 9613-1). Here words
alone say "distant", and the listener must hear it: the air takes the heights away, the ground and
what stands on it take a little more, and reflections from everywhere blur what is far.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float64]

NEAREST_M = 1.0
_COLOURED_FROM_M = 20.0
_TAIL_FROM_M = 50.0
_TAPS = 257
_BANDS_HZ = np.array([63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0])
_AIR_DB_KM = np.array([0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6])


def absorption_db(frequency_hz: NDArray[np.float64], distance_m: float) -> NDArray[np.float64]:
    """Return what the way takes away beside spreading, in dB.

    The air at 20 °C and 70 % humidity (ISO 9613-2, table 2; as the square of the frequency above
    8 kHz), and low hedges and houses: 3 dB per octave above 1 kHz from 100 m on.

    Parameters
    ----------
    frequency_hz
        Shape ``(n,)``.
    distance_m
        Metres.
    """
    octaves = np.log2(np.maximum(frequency_hz, 1000.0) / 1000.0)
    screen = 3.0 * octaves * min(1.0, distance_m / 100.0)
    axis = np.log(np.clip(frequency_hz, _BANDS_HZ[0], _BANDS_HZ[-1]))
    per_km = np.exp(np.interp(axis, np.log(_BANDS_HZ), np.log(_AIR_DB_KM)))
    per_km = per_km * np.maximum(1.0, frequency_hz / _BANDS_HZ[-1]) ** 2
    return np.asarray(per_km * distance_m / 1000.0 + screen)


def tail(rate_hz: int, distance_m: float, rng: np.random.Generator) -> Samples:
    """Return the impulse response of what is far: the direct sound, then a diffuse decay.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    distance_m
        Metres; the decay is −12 dB of the energy at 50 m and equal to the direct sound at 800 m.
    rng
        Source of chance.

    Returns
    -------
    ndarray, shape ``(samples,)``
        Of energy 1.
    """
    decay_s = 1.2
    count = round(decay_s * rate_hz)
    time_s = np.arange(count) / rate_hz
    noise = rng.standard_normal(count) * 10 ** (-3 * time_s / decay_s)
    noise *= np.minimum(1.0, time_s / 0.03)  # the first reflections come a little later
    share_db = float(np.clip(-12 + 3 * np.log2(max(distance_m, 1.0) / _TAIL_FROM_M), -24, 0))
    noise *= np.sqrt(10 ** (share_db / 10) / np.sum(noise**2))
    noise[0] += 1.0
    return np.asarray(noise / np.sqrt(np.sum(noise**2)))


def from_afar(
    samples: Samples, rate_hz: int, distance_m: float, rng: np.random.Generator
) -> Samples:
    """Return a sound as it comes from a distance: its colour and tail, not its level.

    Parameters
    ----------
    samples
        Shape ``(samples,)``.
    rate_hz
        Sampling rate.
    distance_m
        Metres from the listener; below 20 m nothing changes.
    rng
        Source of chance for the tail.
    """
    if distance_m < _COLOURED_FROM_M:
        return samples
    grid = np.linspace(0.0, rate_hz / 2, 513)
    gain = 10 ** (-np.minimum(absorption_db(grid, distance_m), 80.0) / 20)
    taps = signal.firwin2(_TAPS, grid, gain, fs=rate_hz)
    heard = signal.oaconvolve(samples, taps, mode="same")
    if distance_m >= _TAIL_FROM_M:
        heard = signal.oaconvolve(heard, tail(rate_hz, distance_m, rng))[: len(samples)]
    return np.asarray(heard)
