"""Harbours and boats: water at a quay, rigging, oars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import modes, paced, puff
from earwitness.voice.anthropophony.response import coloured, hall
from earwitness.voice.anthropophony.signals import _blast
from earwitness.voice.dsp import highpass, place, poisson, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model


def drop(
    rate_hz: int, rng: np.random.Generator, low_hz: float = 500.0, high_hz: float = 2600.0
) -> Samples:
    """Return a bubble: a damped sine that rises as it nears the surface (van den Doel 2005)."""
    f = float(np.exp(rng.uniform(np.log(low_hz), np.log(high_hz))))
    damping = 0.13 * f * 0.9 + 0.0072 * f**1.5 * 0.1
    size = int(min(0.25, 6 / damping) * rate_hz) + 2
    t = np.arange(size) / rate_hz
    rise = float(rng.uniform(0.0, 0.1)) * damping
    grain = np.sin(2 * np.pi * f * (t + rise * t * t / 2)) * np.exp(-damping * t)
    return np.asarray(grain * np.clip(t / 0.001, 0, 1))


def lapping(samples: int, rate_hz: int, rng: np.random.Generator, bubbles_per_s: float) -> Samples:
    """Return water that laps at wood or stone, at an RMS of 1."""
    grains = [drop(rate_hz, rng) for _ in range(24)]
    swell = np.exp(0.9 * slow(samples, rate_hz, rng, 0.6))
    times = poisson(rng, bubbles_per_s, samples / rate_hz)
    level = swell[np.minimum((times * rate_hz).astype(np.int64), samples - 1)]
    gains = level * np.exp(0.6 * rng.standard_normal(len(times)))
    out = scatter(samples, rate_hz, times, grains, gains, rng.integers(0, 24, len(times)))
    wash = (
        coloured(samples, rate_hz, rng, [100, 300, 800, 2500, 8000], [-8, 0, -2, -8, -22]) * swell
    )
    return unit(unit(out) + 0.7 * unit(wash)) if np.any(out) else unit(wash)


def halyards(
    samples: int, rate_hz: int, rng: np.random.Generator, masts: int, wind_m_s: float
) -> Samples:
    """Return halyards that beat on hollow masts, the more the wind blows, at an RMS of 1."""
    duration = samples / rate_hz
    gust = np.exp(0.5 * slow(samples, rate_hz, rng, 0.2))
    out = np.zeros(samples)
    for _ in range(masts):
        f = float(rng.uniform(420, 1500))
        ratio = np.array([1.0, 2.76, 5.4, 8.93, 13.3])  # a free tube bends (Fletcher & Rossing)
        clink = modes(
            rate_hz,
            f * ratio,
            np.array([0.12, 0.09, 0.06, 0.035, 0.02]) * rng.uniform(0.6, 1.4),
            [0.9, 1.0, 0.7, 0.45, 0.3],
            attack_s=0.0002,
        )
        pace = float(rng.uniform(0.35, 1.1)) / np.sqrt(wind_m_s / 7)
        times = paced(rng, pace, duration, 0.3)
        double = times[rng.random(len(times)) < 0.35] + float(rng.uniform(0.07, 0.16))
        times = np.concatenate([times, double])
        times = times[times < duration]
        level = gust[np.minimum((times * rate_hz).astype(np.int64), samples - 1)]
        gains = level * np.exp(0.5 * rng.standard_normal(len(times))) / float(rng.uniform(1, 4))
        out += scatter(samples, rate_hz, times, [clink], gains)
    return unit(out)


@model(
    "sailing-rig",
    Control("wind_m_s", "m/s", 2, 25, 8, "wind"),
    Control("count", "", 1, 30, 7, "masts"),
    source="free tube 1 : 2.76 : 5.40 (Fletcher & Rossing 1998); aeolian tone 0.2 v/d",
)
def sailing_rig(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Halyards clink on masts, wind sings in the stays, water laps."""
    clinks = halyards(samples, rate_hz, rng, round(c["count"]), c["wind_m_s"])
    gust = np.exp(0.35 * slow(samples, rate_hz, rng, 0.25))
    stay = 0.2 * c["wind_m_s"] / 0.006  # a stay of 6 mm
    wind = coloured(
        samples,
        rate_hz,
        rng,
        [60, 200, stay / 1.5, stay, stay * 1.5, stay * 8],
        [0, -4, -14, -9, -15, -36] if stay > 320 else [0, -4, -6, -8, -12, -30],
    )
    return clinks + 0.3 * wind * gust + 0.15 * lapping(samples, rate_hz, rng, 12.0)


@model(
    "harbour",
    Control("wind_m_s", "m/s", 1, 20, 5, "wind"),
    Control("boats_per_min", "1/min", 0, 10, 1.5, "boats that putter by"),
    Control("horns_per_min", "1/min", 0, 4, 0.8, "ship's horns"),
    source="mixture: van den Doel 2005 (bubbles), COLREG annex III, Farnell 2010",
)
def harbour(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Water laps at the quay, ropes creak, a boat putters, a ship's horn sounds far off."""
    duration = samples / rate_hz
    out = lapping(samples, rate_hz, rng, 30.0)
    out += 0.4 * halyards(samples, rate_hz, rng, 4, c["wind_m_s"])
    hum = coloured(samples, rate_hz, rng, [40, 90, 250, 700, 2000], [0, -1, -8, -18, -36])
    out += 0.5 * hum
    putt = Engine(cylinders=1, muffled_hz=300, pipe_m=1.2, breath=0.3, clatter=0.15, rough=0.1)
    t = np.arange(samples) / rate_hz
    motor: Samples | None = None
    for time in poisson(rng, c["boats_per_min"] / 60, duration + 20) - 10:
        if motor is None:
            motor = putt.run(samples, rate_hz, rng, float(rng.uniform(700, 1300)))
        out += 0.8 * motor / (1 + ((t - time) / 6.0) ** 2)
    for time in poisson(rng, c["horns_per_min"] / 60, duration):
        blast = _blast(rate_hz, rng, float(rng.uniform(90, 260)), 1.0, float(rng.uniform(2, 4)))
        place(out, blast, round(time * rate_hz), 0.8)
    for time in paced(rng, 5.0, duration, 0.5):
        place(out, rope(rate_hz, rng), round(time * rate_hz), 0.5)
    return hall(out, rate_hz, rng, 1.5, 0.3, 2500.0)


def rope(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a creak of rope or timber: slips that come faster and slower, each a small knock."""
    length = float(rng.uniform(0.5, 1.4))
    count = int(length * 90)
    pace = 30 + 60 * np.sin(np.pi * np.linspace(0, 1, count)) * rng.uniform(0.5, 1.3)
    times = np.cumsum(1 / pace * (1 + 0.1 * rng.standard_normal(count)))
    times = times[times < length]
    f = float(rng.uniform(250, 700))
    knock = modes(
        rate_hz, f * np.array([1, 2.2, 3.9, 6.1]), [0.012, 0.01, 0.007, 0.005], [1, 0.8, 0.6, 0.3]
    )
    grain = scatter(
        int((length + 0.15) * rate_hz), rate_hz, times, [knock], rng.uniform(0.3, 1, len(times))
    )
    return np.asarray(grain * np.sin(np.pi * np.linspace(0, 1, len(grain))) ** 0.5)


@model(
    "rowing",
    Control("strokes_per_min", "1/min", 12, 44, 24, "strokes a minute"),
    source="rowing cadence 18–40 strokes/min (Kleshnev 2016); bubbles: van den Doel 2005",
)
def rowing(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Oars dip, pull and drip; the rowlocks knock and creak."""
    duration = samples / rate_hz
    period = 60.0 / c["strokes_per_min"]
    out = np.zeros(samples)
    grains = [drop(rate_hz, rng, 350.0, 1800.0) for _ in range(20)]
    for time in paced(rng, period, duration + period, 0.05) - 0.5 * period:
        dip = puff(rate_hz, rng, 0.012, 0.07, 200, 2600)
        place(out, dip, round(time * rate_hz), float(rng.uniform(0.8, 1.2)))
        size = int(0.42 * period * rate_hz)
        pull = coloured(size, rate_hz, rng, [150, 400, 1100, 3500], [-4, 0, -4, -18])
        place(
            out,
            pull * np.sin(np.pi * np.linspace(0, 1, size)) ** 1.5,
            round((time + 0.05) * rate_hz),
            0.4,
        )
        swirl = time + rng.uniform(0.05, 0.55 * period, 26)
        drips = time + 0.5 * period + np.sort(rng.random(9)) * 0.45 * period
        when = np.concatenate([swirl, drips])
        gains = np.concatenate([rng.uniform(0.1, 0.6, 26), rng.uniform(0.05, 0.3, 9)])
        for k, (moment, gain) in enumerate(zip(when, gains, strict=True)):
            place(out, grains[(k * 7) % 20], round(moment * rate_hz), float(gain))
        f = float(rng.uniform(170, 230))
        knock = modes(
            rate_hz, f * np.array([1, 2.3, 4.4, 7.2]), [0.03, 0.02, 0.014, 0.01], [1, 0.9, 0.6, 0.3]
        )
        place(out, knock, round((time + 0.03) * rate_hz), 0.9)
        place(out, knock, round((time + 0.47 * period) * rate_hz), 1.1)
        place(out, rope(rate_hz, rng), round((time + 0.5 * period) * rate_hz), 0.25)
    return highpass(out, rate_hz, 60.0) + 0.12 * lapping(samples, rate_hz, rng, 15.0)
