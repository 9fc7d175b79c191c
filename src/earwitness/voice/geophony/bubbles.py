"""Bubbles: what makes water sound.

A bubble of radius ``r`` rings at Minnaert's frequency, ``f r = 3.26 m/s`` in water at the surface
of the earth (Minnaert 1933). It dies by radiation and heat, and as it rises towards the surface
its pitch goes up (van den Doel 2005, *Physically based models for liquid sounds*).
"""

from __future__ import annotations

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Samples

MINNAERT_M_S = 3.26
"""Frequency times radius of an air bubble in water at atmospheric pressure."""


def minnaert_hz(radius_m: float) -> float:
    """Return the frequency at which a bubble rings.

    Examples
    --------
    >>> round(minnaert_hz(0.001))
    3260
    """
    return MINNAERT_M_S / radius_m


def damping_per_s(radius_m: float) -> float:
    """Return a bubble's rate of decay, 1/s: ``0.13/r + 0.0072 r^(−3/2)`` (van den Doel 2005)."""
    return float(0.13 / radius_m + 0.0072 * radius_m**-1.5)


def bubble(rate_hz: int, radius_m: float, *, rise: float = 0.1) -> Samples:
    """Return the sound of one bubble, peak about 1.

    Parameters
    ----------
    radius_m
        Its radius.
    rise
        van den Doel's ξ: the pitch is ``f0 (1 + ξ d t)``, with the damping ``d``. 0 for a bubble
        that stays deep, 0.1 and more for one that breaks through the surface.
    """
    f0, d = minnaert_hz(radius_m), damping_per_s(radius_m)
    if f0 > 0.45 * rate_hz:
        return np.zeros(1)
    t = np.arange(max(8, round(7.0 / d * rate_hz))) / rate_hz
    f = np.minimum(f0 * (1 + rise * d * t), 0.48 * rate_hz)
    # One period of growth as the neck closes: no click of its own.
    grow = 1 - np.exp(-t * f0)
    return np.asarray(grow * np.exp(-d * t) * np.sin(dsp.phase(f, rate_hz)))


def population(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    times_s: Samples,
    *,
    smallest_m: float,
    largest_m: float,
    exponent: float,
    loudness: float = 1.0,
    rise: float = 0.1,
    kinds: int = 40,
    spread: float = 0.7,
) -> Samples:
    """Return many bubbles: radii by a power law, each with its own depth and so its own strength.

    Parameters
    ----------
    times_s
        When each is born.
    smallest_m, largest_m
        Range of radii.
    exponent
        Number of bubbles per radius goes with ``r**-exponent``; Deane & Stokes 2002 found 3/2 below
        and 10/3 above 1 mm for breaking waves.
    loudness
        Amplitude goes with ``r**loudness``.
    rise
        Largest ξ; bubbles take 0 to this.
    kinds
        Different radii that are made.
    spread
        Standard deviation of the logarithm of the strength.
    """
    edges = np.geomspace(smallest_m, largest_m, kinds + 1)
    radii = np.sqrt(edges[1:] * edges[:-1]) * np.exp(rng.normal(0, 0.02, kinds))
    numbers = radii ** (1 - exponent)  # per equal ratio of radii
    grains = [
        bubble(rate_hz, float(r), rise=rise * float(rng.beta(1.0, 2.0))) * (r / 1e-3) ** loudness
        for r in radii
    ]
    choice = rng.choice(kinds, len(times_s), p=numbers / numbers.sum())
    gains = rng.lognormal(0.0, spread, len(times_s))
    return dsp.scatter(samples, rate_hz, times_s, grains, gains, choice)
