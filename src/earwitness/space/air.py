"""What air takes from a sound on its way: absorption after ISO 9613-1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.scene import Air

FARTHEST_M = 10_000.0
"""Absorption is that of this distance for all that is farther away."""

_REFERENCE_K = 293.15
_TRIPLE_POINT_K = 273.16
_REFERENCE_KPA = 101.325


def absorption_db_per_m(frequency_hz: ArrayLike, air: Air) -> NDArray[np.float64]:
    """Return the attenuation coefficient of pure tones in air.

    Parameters
    ----------
    frequency_hz
        Shape ``(...)``, 0 and more.
    air
        Temperature, humidity, pressure.

    Returns
    -------
    ndarray, shape ``(...)``
        dB per metre (ISO 9613-1:1993, formulas 3 to 5 and B.2, B.3).

    Examples
    --------
    Table 1 of ISO 9613-1 at 20 °C and 70 %: 4.98 dB/km at 1 kHz, 76.6 dB/km at the third-octave
    band of 8 kHz, whose exact middle is 7943 Hz.

    >>> air = Air(temperature_c=20, humidity_percent=70)
    >>> (1000 * absorption_db_per_m([1000, 7943.28], air)).round(1)
    array([ 5. , 76.6])
    """
    square = np.square(np.asarray(frequency_hz, dtype=np.float64))
    kelvin = air.temperature_c + 273.15
    warmth = kelvin / _REFERENCE_K
    pressure = air.pressure_kpa / _REFERENCE_KPA
    saturation = 10 ** (-6.8346 * (_TRIPLE_POINT_K / kelvin) ** 1.261 + 4.6151)
    water = air.humidity_percent * saturation / pressure  # molar concentration, percent
    oxygen_hz = pressure * (24 + 4.04e4 * water * (0.02 + water) / (0.391 + water))
    nitrogen_hz = (
        pressure * warmth**-0.5 * (9 + 280 * water * np.exp(-4.170 * (warmth ** (-1 / 3) - 1)))
    )
    classical = 1.84e-11 / pressure * warmth**0.5
    oxygen = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + square / oxygen_hz)
    nitrogen = 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + square / nitrogen_hz)
    return np.asarray(
        8.686 * square * (classical + warmth**-2.5 * (oxygen + nitrogen)), dtype=np.float64
    )


def air_response(
    distance_m: ArrayLike, rate_hz: int, transform: int, air: Air
) -> NDArray[np.float32]:
    """Return the real, zero-phase frequency response of air for given distances.

    Parameters
    ----------
    distance_m
        Shape ``(n,)``, metres; what lies beyond :data:`FARTHEST_M` counts as there.
    rate_hz
        Sampling rate.
    transform
        Length of the Fourier transform that it is for.
    air
        Temperature, humidity, pressure.

    Returns
    -------
    ndarray, shape ``(n, transform // 2 + 1)``
        Factors from 0 to 1. Zero phase: the diffusion of a pulse in air is almost symmetric, and
        its few milliseconds make no direction wrong.
    """
    distance = np.clip(np.asarray(distance_m, dtype=np.float64), 0.0, FARTHEST_M)
    frequency = np.arange(transform // 2 + 1) * (rate_hz / transform)
    nepers = absorption_db_per_m(frequency, air) * (np.log(10) / 20)
    # Beyond e^-20 (-174 dB) the factor is nothing; the limit keeps exp from denormal numbers.
    factors = np.exp(-np.minimum(np.multiply.outer(distance, nepers), 20.0))
    return np.asarray(factors, dtype=np.float32)


def compact_air_response(
    distance_m: ArrayLike, rate_hz: int, transform: int, air: Air, *, reach: int
) -> NDArray[np.float32]:
    """Return :func:`air_response` of a filter that reaches only so far to both sides.

    Overlap-save needs filters of finite length. The impulse response is cut at ``reach`` samples
    with a half cosine at each end; in ordinary air nothing that could be heard lies there.

    Parameters
    ----------
    distance_m, rate_hz, transform, air
        As in :func:`air_response`.
    reach
        Samples before and after the middle; the filter has ``2 · reach − 1`` taps.

    Returns
    -------
    ndarray, shape ``(n, transform // 2 + 1)``
    """
    design = 4 * reach
    pulse = np.fft.irfft(air_response(distance_m, rate_hz, design, air), n=design, axis=-1)
    lag = np.minimum(np.arange(design), design - np.arange(design))
    edge = np.clip((reach - lag) / (reach / 4), 0.0, 1.0)
    pulse *= np.sin(0.5 * np.pi * edge) ** 2
    long = np.zeros((*pulse.shape[:-1], transform), dtype=np.float32)
    long[..., :reach] = pulse[..., :reach]
    long[..., transform - reach :] = pulse[..., design - reach :]
    return np.ascontiguousarray(np.fft.rfft(long, axis=-1).real, dtype=np.float32)
