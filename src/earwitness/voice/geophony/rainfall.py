"""The statistics of rain: how large the drops are, how fast they fall, how many arrive.

Marshall & Palmer 1948 for the sizes, Atlas et al. 1973 for the fall speeds.
"""

from __future__ import annotations

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Samples

_SIZES_MM = np.geomspace(0.4, 6.0, 128)


def fall_speed_m_s(diameter_mm: Samples) -> Samples:
    """Return the speed at which drops fall, ``9.65 − 10.3 exp(−0.6 D)`` m/s (Atlas et al. 1973)."""
    return np.asarray(np.maximum(9.65 - 10.3 * np.exp(-0.6 * diameter_mm), 0.1))


def flux(rain_mm_h: float) -> tuple[Samples, Samples]:
    """Return drops' diameters in mm and how many of each arrive, per m² and s.

    ``N(D) = 8000 exp(−4.1 R^−0.21 D)`` per m³ and mm (Marshall & Palmer 1948), times the speed.

    Examples
    --------
    Ten times the rain is not ten times the drops: they are larger.

    >>> ratio = flux(50)[1].sum() / flux(5)[1].sum()
    >>> bool(2 < ratio < 4)
    True
    """
    number = 8000 * np.exp(-4.1 * rain_mm_h**-0.21 * _SIZES_MM)
    return _SIZES_MM, number * fall_speed_m_s(_SIZES_MM) * np.gradient(_SIZES_MM)


def drops(
    rng: np.random.Generator,
    rain_mm_h: float,
    area_m2: float,
    duration_s: float,
    *,
    nearest_m: float = 0.4,
    most: int = 4000,
) -> tuple[Samples, Samples, Samples]:
    """Return the drops that fall on the ground around a listener: times, diameters, amplitudes.

    Parameters
    ----------
    rain_mm_h
        Rate of rainfall.
    area_m2
        A disc around the listener's feet, from 1.5 m below the ears outwards.
    nearest_m
        None falls closer than this.
    most
        Per second; beyond it the drops drawn are fewer and stand for several.

    Returns
    -------
    times_s, diameters_mm, amplitudes
        Sorted times; amplitude goes with the momentum and the inverse distance.
    """
    sizes, arriving = flux(rain_mm_h)
    per_s = float(arriving.sum()) * area_m2
    drawn = min(per_s, most)
    times = dsp.poisson(rng, drawn, duration_s)
    diameter = rng.choice(sizes, len(times), p=arriving / arriving.sum())
    radius = np.sqrt(rng.uniform(nearest_m**2, area_m2 / np.pi + nearest_m**2, len(times)))
    momentum = (diameter / 2.0) ** 3 * fall_speed_m_s(diameter) / 6.5
    amplitude = momentum / np.hypot(radius, 1.5) * np.sqrt(per_s / max(drawn, 1e-9))
    # No drop falls into the ear: the loudest are held to some six times the usual.
    usual = float(np.sqrt(np.mean(amplitude**2))) if len(amplitude) else 1.0
    return times, diameter, np.asarray(amplitude / (1 + amplitude / (6 * usual)))
