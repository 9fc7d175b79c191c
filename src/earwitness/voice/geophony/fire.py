"""Fire: the flutter of flames, the hiss of sap, and crackles that come in showers.

After Farnell 2010, ch. 34 (lapping, hissing, crackling), with the low roar of turbulent flames
(Lighthill's monopole; Clavin & Siggia 1991 find a fall of −5/2 in power beyond its peak).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model


@model(
    "fire",
    Control("rate_per_s", "1/s", 0.5, 80, 14, "crackles per second"),
    Control("strength", "", 0, 1, 0.4, "0 embers, 1 a blaze"),
    source="Farnell 2010, ch. 34; Clavin & Siggia 1991, noise of turbulent flames",
)
def fire(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A crackling fire: flames that flutter low, a breathing hiss, pops of splitting wood."""
    strength = c["strength"]
    # A puffing flame of width D flickers at 1.5 / √D Hz (Cetegen & Ahmed 1993).
    width_m = 0.15 + 2.0 * strength**2
    flicker_hz = 1.5 / np.sqrt(width_m)
    lap = dsp.fluctuation(samples, rate_hz, rng, float(flicker_hz), 3.0)
    lap *= dsp.fluctuation(samples, rate_hz, rng, 12.0, 2.0)
    peak = float(rng.uniform(45, 90))
    roar = dsp.contoured(
        samples,
        rate_hz,
        rng,
        [peak / 4, peak / 2, peak, 2 * peak, 4 * peak, 64 * peak],
        [-14, -4, 0, -6, -13.5, -43.5],
    )
    f = float(rng.uniform(3500, 7000))
    hiss = dsp.contoured(
        samples,
        rate_hz,
        rng,
        [f / 16, f / 8, f / 4, f / 2, f, 2 * f, 4 * f],
        [-22, -17, -10, -4, 0, -2, -9],
    )
    breath = dsp.fluctuation(samples, rate_hz, rng, 0.7, 2.5)
    hiss *= breath * np.abs(1 + 0.4 * dsp.slow(samples, rate_hz, rng, 20.0))
    crackle = _crackle(samples, rate_hz, rng, c["rate_per_s"])
    return (
        (0.35 + 1.1 * strength) * float(rng.uniform(0.05, 1.3)) * lap * roar
        + (0.06 + 0.16 * strength) * float(rng.uniform(0.6, 1.4)) * hiss
        + crackle
    )


def _crackle(samples: int, rate_hz: int, rng: np.random.Generator, rate_per_s: float) -> Samples:
    """Return pops: showers of them, a few loud among many weak (a heavy tail)."""
    mood = np.minimum(dsp.fluctuation(samples, rate_hz, rng, 0.6, 5.0), 6.0)
    single = dsp.poisson_following(rng, 0.8 * rate_per_s * mood, rate_hz)
    showers = dsp.poisson(rng, 0.035 * rate_per_s, samples / rate_hz)
    bursts = [
        s + np.cumsum(rng.exponential(float(rng.uniform(0.004, 0.02)), rng.integers(4, 22)))
        for s in showers.tolist()
    ]
    times = np.concatenate([single, *bursts])
    # Pareto-like: most are ticks, some are cracks twenty decibels above.
    gains = np.minimum(rng.pareto(1.9, len(times)) + 0.12, 14.0)
    grains = [_pop(rate_hz, rng) for _ in range(40)]
    out = dsp.scatter(samples, rate_hz, times, grains, gains, rng.integers(0, 40, len(times)))
    return np.asarray(0.9 * out)


def _pop(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return one pop of about unit peak: a snap of 1–8 kHz, sometimes with a woody thud."""
    length = max(24, round(float(rng.lognormal(np.log(0.006), 0.5)) * rate_hz))
    f = float(np.exp(rng.uniform(np.log(900), np.log(7500))))
    noise = dsp.bandpass(rng.standard_normal(length + 16), rate_hz, 0.6 * f, 1.7 * f, order=1)[
        :length
    ]
    sound = noise * dsp.decaying(length, rate_hz, 0.00015, length / rate_hz)
    if rng.uniform() < 0.3:
        wood = float(rng.uniform(180, 700))
        longer = round(0.03 * rate_hz)
        thud = dsp.modes(longer, rate_hz, [wood, 2.4 * wood], [0.03, 0.015], [1.0, 0.5])
        thud *= 0.5 * np.abs(sound).max() / (np.abs(thud).max() + 1e-12)
        thud[: min(length, longer)] += sound[:longer]
        sound = thud
    return np.asarray(sound / (np.abs(sound).max() + 1e-12))
