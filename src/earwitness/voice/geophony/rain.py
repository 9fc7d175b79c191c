"""Rain and hail on what they fall on.

Near drops are heard one by one, with sizes and rates from :mod:`rainfall`; the many beyond them
are noise of the same spectrum, whose level and brightness follow the rate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.geophony.bubbles import bubble
from earwitness.voice.geophony.rainfall import drops
from earwitness.voice.model import Control, Samples, model

_KINDS = 24
_SOURCE = "Marshall & Palmer 1948; Atlas et al. 1973; Farnell 2010, ch. 37"


def _rate(default: float) -> Control:
    return Control("rain_mm_h", "mm/h", 0.5, 150, default, "rate of rainfall")


def _near(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    rain_mm_h: float,
    area_m2: float,
    sound: Callable[[float], Samples],
    *,
    most: int = 1200,
) -> Samples:
    """Return single drops: ``sound(diameter_mm)`` is made for a few sizes of them."""
    duration = samples / rate_hz
    times, diameter, amplitude = drops(rng, rain_mm_h, area_m2, duration, most=most)
    sizes = np.geomspace(0.5, 5.0, _KINDS // 3)
    # Three of each size, so that no two neighbours are the same.
    grains = [sound(float(size)) for size in sizes for _ in range(3)]
    nearest = np.argmin(np.abs(np.log(diameter[:, None] / sizes[None])), axis=1)
    choice = 3 * nearest + rng.integers(0, 3, len(times))
    out: Samples = dsp.scatter(samples, rate_hz, times, grains, amplitude, choice)
    return out


def _tick(rate_hz: int, rng: np.random.Generator, diameter_mm: float, pitch_hz: float) -> Samples:
    """Return the impact of a drop on something hard and wet: shorter and brighter if smaller."""
    length = max(8, round((0.002 + 0.0025 * diameter_mm) * rate_hz))
    centre = pitch_hz * (2.0 / diameter_mm) ** 0.5 * float(rng.lognormal(0, 0.25))
    noise = dsp.bandpass(
        rng.standard_normal(length), rate_hz, 0.5 * centre, min(2.2 * centre, 20000), order=1
    )
    return dsp.unit(noise * dsp.decaying(length, rate_hz, 0.0002, length / rate_hz))


def _sheet(
    samples: int, rate_hz: int, rng: np.random.Generator, rain_mm_h: float, *, centre_hz: float
) -> Samples:
    """Return the many far drops: a band of noise that fills downwards as drops grow."""
    grown = (rain_mm_h / 10) ** 0.21  # mean diameter goes with R^0.21
    f = centre_hz / grown
    points = [f / 32, f / 16, f / 8, f / 4, f / 2, f, 2 * f, 4 * f, 8 * f]
    low = float(rng.uniform(-20, -9)) + 4 * np.log2(grown)
    levels = [low + 5, low + 3, low, min(low + 2, -9), -4.5, 0, -2, -8, -20]
    noise = dsp.contoured(samples, rate_hz, rng, points, levels)
    squall = dsp.fluctuation(samples, rate_hz, rng, 0.3, 1.0)
    return np.asarray(noise * squall * dsp.fluctuation(samples, rate_hz, rng, 5.0, 0.4))


@model("rain-light", _rate(2.0), source=_SOURCE)
def rain_light(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Light rain: patter of single drops on wet ground over a fine hiss."""
    rain = c["rain_mm_h"]
    pitch = float(rng.uniform(2600, 5000))

    def drop(size: float) -> Samples:
        if rng.uniform() < 0.2:
            return bubble(rate_hz, size * 0.0006, rise=0.15)
        return _tick(rate_hz, rng, size, pitch)

    patter = _near(samples, rate_hz, rng, rain, 1.6, drop)
    hiss = _sheet(samples, rate_hz, rng, rain, centre_hz=float(rng.uniform(2200, 5500)))
    share = float(rng.uniform(0.45, 0.9) * (rain / 2) ** 0.3)
    return dsp.unit(patter) + share * hiss


@model("rain-heavy", _rate(40.0), source=_SOURCE)
def rain_heavy(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Heavy rain: a dense roar, with splats near by and water that already runs and bubbles."""
    rain = c["rain_mm_h"]
    pitch = float(rng.uniform(1700, 3600))

    def drop(size: float) -> Samples:
        if rng.uniform() < 0.3:
            return bubble(rate_hz, size * 0.0007, rise=0.15)
        return _tick(rate_hz, rng, size, pitch)

    splats = _near(samples, rate_hz, rng, rain, 5.0, drop, most=2200)
    roar = _sheet(samples, rate_hz, rng, rain, centre_hz=float(rng.uniform(2200, 4800)))
    depth = dsp.coloured(samples, rate_hz, rng, -3.0, low_hz=120, high_hz=900)
    depth *= dsp.fluctuation(samples, rate_hz, rng, 1.0, 1.0)
    share = float(np.clip((rain / 40) ** 0.3, 0.3, 1.6))
    return 0.55 / share * dsp.unit(splats) + share * roar + 0.18 * share * depth


@model("rain-leaves", _rate(8.0), source=_SOURCE + "; Fégeant 1999")
def rain_leaves(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Rain on leaves: soft taps of many sizes, and heavy drops shed from leaf to leaf."""
    rain = c["rain_mm_h"]
    pitch = float(rng.uniform(1100, 2200))

    def tap(size: float) -> Samples:
        length = max(16, round(0.012 * rate_hz))
        f = pitch * (2.0 / size) ** 0.4 * float(rng.lognormal(0, 0.3))
        flap = dsp.modes(length, rate_hz, [f, 2.3 * f], [0.012, 0.006], [0.8, 0.5], 1.0)
        tick = np.pad(_tick(rate_hz, rng, size, 2.2 * f), (0, length))[:length]
        return dsp.unit(flap) + 0.8 * tick

    taps = _near(samples, rate_hz, rng, rain, 3.0, tap)
    times = dsp.poisson(rng, 2.0 + 1.2 * rain**0.7, samples / rate_hz)
    shed = dsp.scatter(
        samples, rate_hz, times, [tap(5.0) for _ in range(12)], rng.lognormal(0, 0.5, len(times))
    )
    hiss = _sheet(samples, rate_hz, rng, rain, centre_hz=float(rng.uniform(2000, 4000)))
    return dsp.unit(taps) + 0.6 * dsp.unit(shed) + float(rng.uniform(0.6, 1.2)) * hiss


@model(
    "rain-roof",
    _rate(15.0),
    Control("ring", "", 0, 1, 0.7, "0 tiles or glass, 1 thin tin"),
    source=_SOURCE + "; Fletcher & Rossing 1998, modes of plates",
)
def rain_roof(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Rain on a roof: drops drum on sheets whose modes ring, louder and longer the thinner."""
    rain, ring = c["rain_mm_h"], c["ring"]
    duration = samples / rate_hz
    out = np.zeros(samples)
    for _ in range(4):  # sheets, each with modes of its own
        times, _, amplitude = drops(rng, rain, 2.0, duration, nearest_m=0.8, most=2500)
        blows = dsp.impulses(samples, rate_hz, times, amplitude * rng.choice([-1, 1], len(times)))
        length = round((0.05 + 0.2 * ring) * rate_hz)
        # A plate's modes lie evenly in frequency (Fletcher & Rossing 1998, ch. 3).
        low = float(rng.uniform(140, 320))
        f = low + np.cumsum(rng.exponential(55 + 60 * (1 - ring), 70))
        t60 = (0.03 + 0.35 * ring) * (low / f) ** 0.55 * rng.lognormal(0, 0.3, len(f))
        tilt = 1 / (1 + (f / (2200 + 1800 * ring)) ** 1.5)
        sheet = dsp.modes(
            length, rate_hz, f, t60, tilt * rng.lognormal(0, 0.5, len(f)), rng.uniform(0, 6, len(f))
        )
        hit = _tick(rate_hz, rng, 2.0, 2500.0)
        sheet[: len(hit)] += (0.5 + 2.5 * (1 - ring)) * hit[:length] * np.std(sheet[: len(hit)])
        out += float(rng.uniform(0.4, 1.0)) * np.asarray(
            dsp.convolved(blows, sheet / np.sqrt(np.sum(sheet**2)))
        )
    hiss = _sheet(samples, rate_hz, rng, rain, centre_hz=float(rng.uniform(2500, 4500)))
    return dsp.unit(out) + 0.22 * hiss


@model("rain-water", _rate(10.0), source="Pumphrey & Elmore 1990; Medwin et al. 1992; " + _SOURCE)
def rain_water(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Rain on water: plips of the bubbles that drops draw in, over their sum from afar."""
    rain = c["rain_mm_h"]

    def plip(size: float) -> Samples:
        # Drops of 0.8–1.1 mm always draw in a bubble of 0.2 mm; larger drops some much larger.
        radius = 0.00022 if 0.8 < size < 1.1 else 0.00035 * size ** float(rng.uniform(0.3, 1.3))
        radius *= float(rng.lognormal(0, 0.3))
        ring = bubble(rate_hz, radius, rise=float(rng.uniform(0.05, 0.25)))
        delay = np.zeros(round(float(rng.uniform(0.004, 0.015)) * rate_hz))
        sound = np.concatenate([delay, ring])
        tick = 0.12 * _tick(rate_hz, rng, size, 4000.0)
        sound[: min(len(tick), len(sound))] += tick[: len(sound)]
        return sound

    plips = _near(samples, rate_hz, rng, rain, 2.2, plip, most=1600)
    wash = _sheet(samples, rate_hz, rng, rain, centre_hz=float(rng.uniform(3500, 6000)))
    return dsp.unit(plips) + float(rng.uniform(0.35, 0.7)) * wash


@model(
    "hail",
    Control("rate_per_s", "1/s", 5, 600, 120, "stones that fall near by per second"),
    Control("size_m", "m", 0.004, 0.04, 0.009, "diameter of the stones"),
    source="Cheng & English 1983, hailstone sizes; Goldsmith 1960, Impact (Hertz contact)",
)
def hail(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Hail: hard stones that strike and bounce, on things that ring and things that do not."""
    squall = dsp.fluctuation(samples, rate_hz, rng, 0.5, 2.0)
    times = dsp.poisson_following(rng, c["rate_per_s"] * np.minimum(squall, 4.0), rate_hz)
    size = c["size_m"] * rng.lognormal(-0.1, 0.3, len(times))
    amplitude = (size / c["size_m"]) ** 2.0 / np.sqrt(rng.uniform(0.1, 1.0, len(times)))
    # Each stone bounces: ice keeps a third of its speed.
    again = times + rng.uniform(0.04, 0.16, len(times))
    third = again + rng.uniform(0.02, 0.07, len(times))
    kinds = 24
    grains = []
    for k in range(kinds):
        contact = 2.2e-4 * (c["size_m"] / 0.009) * float(rng.lognormal(0, 0.2))
        grains.append(_knock(rate_hz, rng, contact, ringing=k % 3 == 0))
    choice = rng.integers(0, kinds, len(times))
    stones = dsp.scatter(
        samples,
        rate_hz,
        np.concatenate([times, again, third]),
        grains,
        np.concatenate([amplitude, 0.3 * amplitude, 0.09 * amplitude]),
        np.concatenate([choice, choice, choice]),
    )
    f = 3200.0 * (0.009 / c["size_m"]) ** 0.4 * float(rng.uniform(0.8, 1.25))
    far = dsp.contoured(
        samples, rate_hz, rng, [f / 16, f / 8, f / 4, f / 2, f, 3 * f], [-24, -16, -9, -3, 0, -9]
    )
    return dsp.unit(stones) + float(rng.uniform(0.25, 0.5)) * far * squall


def _knock(rate_hz: int, rng: np.random.Generator, contact_s: float, *, ringing: bool) -> Samples:
    """Return a hard blow whose spectrum ends where its contact does."""
    length = max(16, round((0.07 if ringing else 0.014) * rate_hz))
    low = float(rng.uniform(500, 1400)) * 2.2e-4 / contact_s
    f = low * np.cumprod(np.concatenate([[1.0], rng.uniform(1.15, 1.6, 9)]))
    heard = 1 / (1 + (f * contact_s * 1.6) ** 4)
    t60 = (0.09 if ringing else 0.014) * (low / f) ** 0.5
    body = dsp.modes(length, rate_hz, f, t60, heard * rng.lognormal(0, 0.4, 10), rng.uniform(0, 6))
    click = dsp.lowpass(rng.standard_normal(length), rate_hz, 0.8 / contact_s)
    click *= dsp.decaying(length, rate_hz, contact_s / 2, 0.006)
    sound = dsp.unit(body) + 0.8 * dsp.unit(click)
    return np.asarray(sound / np.sqrt(length / rate_hz / 0.014))
