"""Water, fat, paper and small machines of a household: each alone, as one stands beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import modes, puff, surge
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall, resonance, through
from earwitness.voice.dsp import (
    fluctuation,
    highpass,
    place,
    poisson,
    poisson_following,
    scatter,
    slow,
    unit,
)
from earwitness.voice.geophony.bubbles import population
from earwitness.voice.model import Control, Samples, model


@model(
    "tap",
    Control("strength", "", 0, 1, 0.5, "0 a thin jet, 1 wide open"),
    Control("filled", "", 0, 1, 0.3, "0 into an empty basin, 1 into a full one: more bubbles"),
    source="van den Doel 2005, Physically based models for liquid sounds; Minnaert 1933",
)
def tap(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A jet hisses in the valve, breaks on the basin, and takes air down where water stands."""
    flow = c["strength"]
    valve = coloured(
        samples, rate_hz, rng, [250, 900, 2500, 6000, 14000], [-18, -8, -2, 0, -12 - 6 * (1 - flow)]
    )
    splash = coloured(samples, rate_hz, rng, [200, 600, 1800, 5000, 12000], [-10, -2, 0, -7, -20])
    splash *= fluctuation(samples, rate_hz, rng, 9.0, 1.6)
    mood = np.minimum(fluctuation(samples, rate_hz, rng, 6.0, 3.0), 4.0)
    times = poisson_following(rng, (80 + 500 * c["filled"]) * (0.4 + flow) * mood, rate_hz)
    air = population(
        samples, rate_hz, rng, times, smallest_m=0.0004, largest_m=0.002 + 0.006 * c["filled"],
        exponent=1.8, loudness=0.3, rise=0.1, kinds=30,
    )  # fmt: skip
    ring = float(rng.uniform(0.85, 1.2))
    basin = through(
        splash,
        rate_hz,
        lambda f: 0.5 + resonance(f, 330 * ring, 6.0) + 0.8 * resonance(f, 870 * ring, 7.0),
        0.1,
    )
    out = 0.5 * valve + (0.5 + 0.6 * flow) * unit(basin) + (0.3 + c["filled"]) * unit(air)
    return hall(out, rate_hz, rng, 0.5, 0.35, 4500.0)


@model(
    "toilet-flush",
    Control("interval_s", "s", 15, 120, 26, "from one flush to the next"),
    source="Fuchs 1993 (noise of sanitary installations); van den Doel 2005 (bubbles)",
)
def toilet_flush(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """The handle knocks, water rushes and swirls, the pipe gulps, the cistern fills again."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    rushing, gulping, filling = np.zeros(samples), np.zeros(samples), np.zeros(samples)
    moment = float(rng.uniform(0.1, 0.6))
    while moment < duration:
        knock = modes(rate_hz, np.array([310, 780, 1700, 3100]) * rng.uniform(0.85, 1.15),
                      [0.03, 0.02, 0.012, 0.008], [1, 0.8, 0.5, 0.3])  # fmt: skip
        place(out, knock, round(moment * rate_hz), 1.2)
        long = float(rng.uniform(2.6, 4.2))
        surge(rushing, rate_hz, moment + 0.15, 0.7, long)
        surge(gulping, rate_hz, moment + long - 0.3, 0.5, 1.6)
        fill = float(rng.uniform(7.0, 12.0))
        surge(filling, rate_hz, moment + 1.5, 1.2, fill)
        moment += c["interval_s"] * float(rng.uniform(0.85, 1.2))
    rush = coloured(samples, rate_hz, rng, [80, 250, 700, 2000, 6000], [-8, -1, 0, -7, -22])
    rush *= fluctuation(samples, rate_hz, rng, 7.0, 2.5)
    times = poisson_following(rng, 25 + 420.0 * (rushing + gulping), rate_hz)
    bubbles = population(
        samples, rate_hz, rng, times, smallest_m=0.0012, largest_m=0.014, exponent=1.7,
        loudness=0.4, rise=0.05, kinds=30,
    )  # fmt: skip
    hiss = coloured(samples, rate_hz, rng, [400, 1500, 4000, 10000], [-16, -4, 0, -14])
    out += rush * rushing + 0.8 * unit(bubbles) * np.minimum(rushing * 0.6 + gulping, 1.2)
    out += 0.16 * hiss * filling + 0.012 * rush
    return hall(out, rate_hz, rng, 0.7, 0.6, 4000.0)


@model(
    "frying",
    Control("strength", "", 0, 1, 0.5, "0 keeping warm, 1 a wet steak in hot fat"),
    source="Farnell 2010 (frying, ch. 34: dense crackle over hiss): water bursts into steam",
)
def frying(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Drops of water burst in hot fat: thousands a second make the hiss, the large ones spit."""
    heat = c["strength"]
    hiss = coloured(samples, rate_hz, rng, [700, 2500, 5500, 10000, 16000], [-16, -4, 0, -3, -12])
    hiss *= fluctuation(samples, rate_hz, rng, 5.0, 2.0)
    mood = np.minimum(fluctuation(samples, rate_hz, rng, 1.2, 4.0), 5.0)
    times = poisson_following(rng, (60 + 500 * heat) * mood, rate_hz)
    spits = [
        puff(rate_hz, rng, 0.00012, float(rng.uniform(0.0006, 0.004)), low, low * 3.0)
        for low in rng.uniform(1200, 6000, 24)
    ]
    gains = np.minimum(rng.pareto(1.6, len(times)) + 0.3, 12.0)
    crackle = scatter(
        samples, rate_hz, times, spits, gains, rng.integers(0, len(spits), len(times))
    )
    pan = float(rng.uniform(0.85, 1.2))
    rung = through(
        crackle, rate_hz, lambda f: 1 + 0.8 * resonance(f, 1450 * pan, 12.0), 0.1
    )  # the pan answers
    return hall((0.6 + 0.5 * heat) * hiss + unit(rung), rate_hz, rng, 0.4, 0.3, 5000.0)


@model(
    "paper",
    Control("activity", "", 0, 1, 0.5, "0 a page turned now and then, 1 crumpled on and on"),
    source="Kramer & Lobkovsky 1996 (crumpling: clicks with energies E^-1.6, 1 ms, no memory)",
)
def paper(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Sheets buckle from facet to facet: each a click; hands move in strokes."""
    duration = samples / rate_hz
    moving = np.zeros(samples)
    for time in poisson(rng, 0.5 + 1.4 * c["activity"], duration):
        long = float(rng.uniform(0.08, 0.5))
        surge(moving, rate_hz, time, long / 2, long, float(rng.uniform(0.4, 1.2)))
    moving = np.minimum(moving, 1.5) * fluctuation(samples, rate_hz, rng, 14.0, 4.0)
    times = poisson_following(rng, 2.0 + (350 + 900 * c["activity"]) * moving, rate_hz)
    clicks = [
        puff(rate_hz, rng, 0.00006, float(rng.uniform(0.0004, 0.0018)), low, low * 4.0)
        for low in rng.uniform(900, 4500, 24)
    ]
    # energies by a power law of -1.6: amplitudes u^(-1/1.2), held below 14
    gains = np.minimum((1 - rng.random(len(times))) ** (-1 / 1.2), 14.0)
    out = scatter(samples, rate_hz, times, clicks, gains, rng.integers(0, len(clicks), len(times)))
    stroke = coloured(samples, rate_hz, rng, [800, 2500, 6000, 14000], [-12, -2, 0, -10])
    out = unit(out) + 0.22 * stroke * moving
    return highpass(hall(out, rate_hz, rng, 0.35, 0.25, 5000.0), rate_hz, 150.0) + 0.01 * (
        room_tone(samples, rate_hz, rng)
    )


@model(
    "sewing-machine",
    Control("rate_per_s", "1/s", 4, 18, 12, "stitches a second; domestic machines reach 18"),
    source="domestic lockstitch machines: 600 to 1100 stitches/min; needle, hook, feed",
)
def sewing_machine(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Seams of some seconds: each stitch three knocks, over a motor that speeds up and slows."""
    duration = samples / rate_hz
    running = np.zeros(samples)
    moment = float(rng.uniform(0.0, 0.4))
    while moment < duration:
        long = float(rng.uniform(1.5, 5.5))
        surge(running, rate_hz, moment, 0.25, long)
        moment += long + 0.5 + float(rng.uniform(0.4, 1.8))
    running = np.minimum(running, 1.0)
    speed = c["rate_per_s"] * running**0.5 * (1 + 0.05 * slow(samples, rate_hz, rng, 1.5))
    turns = np.cumsum(np.maximum(speed, 0.0)) / rate_hz
    knocks = []
    for centre in (420.0, 900.0, 1700.0):
        hz = centre * np.array([1, 1.6, 2.7, 4.4]) * rng.uniform(0.9, 1.1, 4)
        knocks.append(modes(rate_hz, hz, [0.014, 0.01, 0.007, 0.004], [1, 0.8, 0.7, 0.5]))
    out = np.zeros(samples)
    for part, (knock, gain) in enumerate(zip(knocks, (1.0, 0.7, 0.5), strict=True)):
        late = (0.0, 0.31, 0.62)[part]
        marks = np.flatnonzero(np.diff(np.floor(turns + late)) > 0) / rate_hz
        marks = np.maximum(marks + 0.0008 * rng.standard_normal(len(marks)), 0.0)
        out += scatter(samples, rate_hz, marks, [knock], gain * np.exp(
            0.15 * rng.standard_normal(len(marks))), np.zeros(len(marks), dtype=int))  # fmt: skip
    hum = 2 * np.pi * 8.0 * turns
    motor = np.sin(hum) + 0.6 * np.sin(2 * hum + 1.0) + 0.4 * np.sin(5 * hum + 2.0)
    brush = coloured(samples, rate_hz, rng, [300, 1200, 4000, 9000], [-6, 0, -4, -16])
    out = unit(out) + (0.18 * motor + 0.25 * brush) * running
    return hall(out, rate_hz, rng, 0.4, 0.35, 4000.0) + 0.01 * room_tone(samples, rate_hz, rng)


@model(
    "spray",
    Control("events_per_min", "1/min", 4, 60, 22, "how often it is pressed"),
    source="jet noise: a broad hump at a Strouhal number of 0.2 (Tam 1995), here above 5 kHz",
)
def spray(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """An aerosol can: the valve clicks open, a thin jet hisses, and closes."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    pressed = np.zeros(samples)
    click = modes(rate_hz, np.array([1900, 3400, 5600]) * rng.uniform(0.9, 1.1),
                  [0.004, 0.003, 0.002], [1, 0.8, 0.6])  # fmt: skip
    moment = float(rng.uniform(0.1, 0.5))
    while moment < duration:
        long = float(rng.uniform(0.25, 1.6))
        surge(pressed, rate_hz, moment, 0.02, long, float(rng.uniform(0.8, 1.1)))
        for at in (moment, moment + long + 0.03):
            place(out, click, round(at * rate_hz), 0.3)
        moment += long + 60.0 / c["events_per_min"] * float(rng.uniform(0.2, 0.9))
    hump = float(rng.uniform(5000, 8500))
    jet = coloured(samples, rate_hz, rng, [hump / 12, hump / 4, hump, 2.2 * hump], [-26, -9, 0, -5])
    out += jet * pressed * (1 + 0.06 * slow(samples, rate_hz, rng, 30.0))
    return hall(out, rate_hz, rng, 0.35, 0.25, 6000.0) + 0.01 * room_tone(samples, rate_hz, rng)
