"""The ground: volcanoes, geysers, falling rock."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.geophony.bubbles import population
from earwitness.voice.model import Control, Samples, model

_JET_STROUHAL = 0.19  # where the noise of a jet's large eddies peaks (Tam, Golebiowski & Seiner)


def jet_noise(
    samples: int, rate_hz: int, rng: np.random.Generator, speed_m_s: float, width_m: float
) -> Samples:
    """Return the noise of a turbulent jet: peak at ``0.19 U / D``, similarity shape, unit RMS.

    Falls as f² towards low and as f^−1.4 towards high frequencies, near the spectrum of
    large-scale turbulence of Tam, Golebiowski & Seiner 1996.
    """
    peak = _JET_STROUHAL * speed_m_s / width_m

    def gain(f: Samples) -> Samples:
        x = 1.195 * f / peak  # x² / (1 + x²)^1.7 is largest at 1.195
        power = x**2 / (1 + x**2) ** 1.7
        return np.asarray(np.sqrt(power))

    return dsp.shaped(samples, rate_hz, rng, gain)


@model(
    "volcano",
    Control("rate_per_s", "1/s", 0.02, 2, 0.25, "explosions per second"),
    Control("strength", "", 0, 1, 0.5, "0 tremor, 1 a Plinian jet"),
    source="Matoza et al. 2009, infrasonic jet noise from volcanoes; Woulff & McGetchin 1976",
)
def volcano(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A rumbling volcano: tremor, a deep jet's roar, explosions and stones that come down."""
    duration, strength = samples / rate_hz, c["strength"]
    # Speakers give no infrasound: what is heard is the upper flank of a jet metres wide.
    tremor = dsp.coloured(samples, rate_hz, rng, -7.0, low_hz=28)
    tremor *= dsp.fluctuation(samples, rate_hz, rng, 1.2, 3.0)
    jet = jet_noise(samples, rate_hz, rng, 120 + 250 * strength, float(rng.uniform(0.5, 1.2)))
    jet = dsp.lowpass(jet, rate_hz, float(rng.uniform(900, 2200)), order=1)
    surge = dsp.fluctuation(samples, rate_hz, rng, 0.4, 3.0)
    surge *= dsp.fluctuation(samples, rate_hz, rng, 6.0, 2.0)
    out = tremor + (0.15 + 0.7 * strength) * jet * surge
    times = dsp.poisson(rng, c["rate_per_s"], duration)
    blasts = np.zeros(samples)
    for time in times.tolist():
        gain = float(rng.lognormal(0, 0.5))
        dsp.place(blasts, _blast(rate_hz, rng), round(time * rate_hz), gain)
        falls = time + 0.8 + np.sort(rng.gamma(2.0, 0.8, rng.integers(5, 30)))
        for fall in falls.tolist():
            stone = _rock(rate_hz, rng, float(rng.uniform(0.1, 0.6)))
            dsp.place(blasts, stone, round(fall * rate_hz), 0.1 * float(rng.lognormal(0, 0.7)))
    blasts += 0.6 * dsp.reverberation(blasts, rate_hz, rng, 3.0, damping_hz=300)
    return out + 3.0 * blasts


def _blast(rate_hz: int, rng: np.random.Generator) -> Samples:
    length = round(float(rng.uniform(1.2, 3.0)) * rate_hz)
    low = dsp.coloured(length, rate_hz, rng, -7.5, low_hz=25)
    crack = dsp.coloured(length, rate_hz, rng, -4.0, low_hz=90, high_hz=2500)
    seconds = length / rate_hz
    return np.asarray(
        low * dsp.decaying(length, rate_hz, 0.03, seconds)
        + 0.5 * crack * dsp.decaying(length, rate_hz, 0.006, 0.4 * seconds)
    )


@model(
    "geyser",
    Control("period_s", "s", 2, 60, 6, "time from surge to surge"),
    Control("strength", "", 0, 1, 0.6, "0 a steaming pool, 1 a full column"),
    source="Tam, Golebiowski & Seiner 1996, jet noise; Kieffer 1989, Old Faithful",
)
def geyser(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A geyser: steam that surges and hisses, water that boils below and splashes back."""
    duration, strength = samples / rate_hz, c["strength"]
    surge = np.full(samples, 0.25)
    times = dsp.renewal(rng, c["period_s"], 0.3, duration + c["period_s"]) - c["period_s"]
    for time in times.tolist():
        grow = float(rng.uniform(0.3, 0.9))
        hold = time + grow + c["period_s"] * float(rng.uniform(0.2, 0.45))
        end = hold + 0.35 * c["period_s"]
        surge += float(rng.uniform(0.5, 1.2)) * dsp.breakpoints(
            samples, rate_hz, [time, time + grow, hold, end], [0.0, 1.0, 0.7, 0.0]
        )
    puff = dsp.fluctuation(samples, rate_hz, rng, 7.0, 2.2)
    speed = 60.0 + 120.0 * strength
    hiss = jet_noise(samples, rate_hz, rng, speed, float(rng.uniform(0.008, 0.02)))
    roar = jet_noise(samples, rate_hz, rng, speed, float(rng.uniform(0.08, 0.25)))
    steam = surge**2 * puff * (hiss + (0.3 + 0.7 * strength) * roar)
    boil = dsp.poisson_following(rng, 45.0 * (0.5 + surge), rate_hz)
    gurgle = population(
        samples,
        rate_hz,
        rng,
        boil,
        smallest_m=0.003,
        largest_m=0.03,
        exponent=1.6,
        loudness=0.3,
        rise=0.12,
        kinds=24,
    )
    splash = dsp.contoured(samples, rate_hz, rng, [250, 1000, 2500, 8000], [-12, 0, -1, -12])
    lag = min(samples, round(0.9 * rate_hz))
    falling = np.concatenate([np.full(lag, surge[0]), surge])[:samples]
    splash *= falling * dsp.fluctuation(samples, rate_hz, rng, 12.0, 3.0)
    return dsp.unit(steam) + 0.4 * dsp.unit(gurgle) + 0.45 * strength * dsp.unit(splash)


@model(
    "avalanche",
    Control("rate_per_s", "1/s", 5, 400, 60, "blows per second at its height"),
    Control("size_m", "m", 0.03, 2, 0.35, "diameter of the larger rocks"),
    source="Goldsmith 1960, Impact; Hibert et al. 2017, signals of rockfalls",
)
def avalanche(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Falling rocks: knocks and clatter that gather to a rumble, and trickle out."""
    duration = samples / rate_hz
    flow = np.full(samples, 0.12)
    for time in (dsp.renewal(rng, 9.0, 0.4, duration + 9.0) - float(rng.uniform(6, 8))).tolist():
        peak = time + float(rng.uniform(0.8, 2.5))
        flow += float(rng.uniform(0.5, 1.2)) * dsp.breakpoints(
            samples, rate_hz, [time, peak, peak + 1.5, peak + 6.0], [0.0, 1.0, 0.55, 0.0]
        )
    flow *= np.minimum(dsp.fluctuation(samples, rate_hz, rng, 2.0, 2.0), 3.0)
    times = dsp.poisson_following(rng, c["rate_per_s"] * flow, rate_hz)
    # Sizes of fragments follow a power law; the large ones are few.
    kinds = 32
    sizes = np.geomspace(0.06, 1.3, kinds) * c["size_m"]
    numbers = (sizes / sizes[0]) ** -1.3
    choice = rng.choice(kinds, len(times), p=numbers / numbers.sum())
    grains = [_rock(rate_hz, rng, float(size)) * (size / c["size_m"]) ** 0.6 for size in sizes]
    knocks = dsp.scatter(
        samples, rate_hz, times, grains, rng.lognormal(0, 0.45, len(times)), choice
    )
    rumble = dsp.coloured(samples, rate_hz, rng, -5.5, low_hz=45)
    rumble *= flow * dsp.fluctuation(samples, rate_hz, rng, 5.0, 2.0)
    grit = dsp.contoured(samples, rate_hz, rng, [300, 1200, 3500, 12000], [-14, -2, 0, -12])
    grit *= flow * dsp.fluctuation(samples, rate_hz, rng, 25.0, 3.0)
    knocks += 0.35 * dsp.reverberation(knocks, rate_hz, rng, 1.8, damping_hz=900)
    return dsp.unit(knocks) + 0.45 * dsp.unit(rumble) + 0.25 * dsp.unit(grit)


def _rock(rate_hz: int, rng: np.random.Generator, diameter_m: float) -> Samples:
    """Return a rock that strikes rock, about unit peak: lower and longer the larger it is."""
    low = float(np.clip(210.0 / diameter_m**0.75, 60, 4000)) * float(rng.lognormal(0, 0.2))
    length = max(32, round(min(22.0 / low + 0.012, 0.25) * rate_hz))
    f = low * np.cumprod(np.concatenate([[1.0], rng.uniform(1.12, 1.5, 11)]))
    t60 = 16.0 / low * (low / f) ** 0.8
    level = (low / f) ** 0.8 * rng.lognormal(0, 0.4, 12)
    sound = dsp.modes(length, rate_hz, f, t60, level, rng.uniform(0, 6.28, 12))
    grind = dsp.bandpass(rng.standard_normal(length), rate_hz, low, 6 * low, order=1)
    sound += 0.7 * grind * dsp.decaying(length, rate_hz, 0.0005, length / rate_hz)
    sound *= np.minimum(np.arange(length) / (0.0006 * rate_hz), 1.0)
    return np.asarray(sound / (np.abs(sound).max() + 1e-12))
