"""Fans, wind turbines, windmills, vacuum cleaners and washing machines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.boats import lapping
from earwitness.voice.anthropophony.events import modes, paced, turned
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall, lowpass, resonance, through
from earwitness.voice.dsp import place, resonators, sawtooth, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model


@model(
    "ventilation",
    Control("rpm", "1/min", 200, 3600, 1150, "of the fan"),
    Control("blades", "", 3, 24, 7, "of the fan"),
    source="VDI 2081 (fan spectra); blade passing rpm/60 × blades; Farnell 2010",
)
def ventilation(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A fan in a duct: a broad rush that falls with frequency, a faint tone of its blades."""
    low = float(rng.uniform(90, 180))
    rush = coloured(samples, rate_hz, rng, [30, low, 400, 1000, 2500, 6000, 12000],
                    [-6, 0, -5, -11, -19, -31, -46])  # fmt: skip
    rush *= 1 + 0.05 * slow(samples, rate_hz, rng, 1.5)
    hz = c["rpm"] / 60 * c["blades"] * (1 + 0.002 * slow(samples, rate_hz, rng, 0.3))
    turn = 2 * np.pi * turned(hz, samples, rate_hz)
    tone = np.sin(turn) + 0.4 * np.sin(2 * turn) + 0.2 * np.sin(3 * turn)
    hum = np.sin(2 * np.pi * 100.0 * np.arange(samples) / rate_hz)
    rattle = 1 + 0.1 * np.sin(2 * np.pi * turned(c["rpm"] / 60, samples, rate_hz))
    return (rush + 0.22 * tone) * rattle + 0.08 * hum


@model(
    "wind-turbine",
    Control("rpm", "1/min", 5, 30, 16, "of the rotor; three blades pass the tower"),
    Control("wind_m_s", "m/s", 3, 25, 9, "wind"),
    source="Oerlemans & Schepers 2009 (swish: AM at the blade-passing frequency, 400–1000 Hz)",
)
def wind_turbine(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Each blade swishes as it comes down: trailing-edge noise, waxing and waning."""
    passing = c["rpm"] / 60 * 3 * (1 + 0.01 * slow(samples, rate_hz, rng, 0.1))
    turn = turned(passing, samples, rate_hz) + rng.random()
    which = np.floor(turn).astype(np.int64)
    own = (1 + 0.1 * rng.standard_normal(3))[which % 3]
    each = own * (1 + 0.08 * rng.standard_normal(which[-1] + 1))[which]
    part = turn % 1.0
    swish = (0.5 - 0.5 * np.cos(2 * np.pi * part)) ** 1.6 * each
    late = (0.5 - 0.5 * np.cos(2 * np.pi * (part - 0.12))) ** 1.6
    edge = coloured(samples, rate_hz, rng, [100, 250, 550, 1000, 2000, 5000],
                    [-14, -4, 0, -3, -12, -30])  # fmt: skip
    tip = coloured(samples, rate_hz, rng, [600, 1200, 2200, 5000], [-12, 0, -4, -22])
    depth = 0.75
    out = edge * (1 - depth + depth * 2 * swish) + 0.4 * tip * (0.2 + 1.6 * late)
    rumble = coloured(samples, rate_hz, rng, [20, 50, 120, 300], [-2, 0, -5, -22])
    gear_hz = float(rng.uniform(95, 320))
    gear = np.sin(2 * np.pi * turned(gear_hz * passing / passing.mean(), samples, rate_hz))
    wind = coloured(samples, rate_hz, rng, [50, 150, 400, 1200, 4000], [0, -3, -9, -18, -32])
    wind *= np.exp(0.3 * slow(samples, rate_hz, rng, 0.3))
    out = out + 0.35 * rumble * (0.7 + 0.6 * swish) + 0.06 * gear
    return np.asarray(out + 0.03 * c["wind_m_s"] * wind, dtype=np.float64)


@model(
    "windmill",
    Control("rpm", "1/min", 4, 30, 14, "of the sails; four pass the door"),
    Control("creak", "", 0, 1, 0.6, "how dry the wood is"),
    source="stick–slip: Rath & Rocchesso 2005; Serafin 2004; Farnell 2010, ch. 28",
)
def windmill(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Sails swish past, the shaft groans by stick and slip, cogs knock."""
    sails = c["rpm"] / 60 * 4 * (1 + 0.05 * slow(samples, rate_hz, rng, 0.2))
    turn = turned(sails, samples, rate_hz) + rng.random()
    part = turn % 1.0
    swish = (0.5 - 0.5 * np.cos(2 * np.pi * part)) ** 2
    whoosh = coloured(
        samples, rate_hz, rng, [45, 110, 300, 900, 2500, 7000], [-2, 0, -4, -13, -25, -40]
    )
    out = whoosh * (0.25 + 1.1 * swish)
    out += 0.9 * c["creak"] * unit(creaking(samples, rate_hz, rng, 0.5 * c["rpm"] / 60, 55.0))
    cogs = turned(sails * 3, samples, rate_hz)
    times = np.flatnonzero(np.diff(np.floor(cogs)) > 0) / rate_hz
    knocks = [modes(rate_hz, f * np.array([1, 2.1, 3.6, 5.8]), [0.035, 0.025, 0.016, 0.01],
                    [1, 0.8, 0.5, 0.3]) for f in (150.0, 168.0, 190.0)]  # fmt: skip
    gains = np.exp(0.35 * rng.standard_normal(len(times)))
    out += 0.55 * scatter(samples, rate_hz, times, knocks, gains)
    return hall(out, rate_hz, rng, 0.8, 0.3, 2500.0)


def creaking(
    samples: int, rate_hz: int, rng: np.random.Generator, creaks_per_s: float, slips_hz: float
) -> Samples:
    """Return wood that sticks and slips: bursts of small knocks whose rate glides.

    Parameters
    ----------
    samples, rate_hz, rng
        Length, rate, chance.
    creaks_per_s
        How often it creaks.
    slips_hz
        How many slips a second a creak has, about.
    """
    glide = np.exp(0.45 * slow(samples, rate_hz, rng, 1.2))
    phase = turned(slips_hz * glide, samples, rate_hz)
    slips = np.diff(np.floor(phase), prepend=0.0) * np.exp(0.3 * rng.standard_normal(samples))
    gate = np.zeros(samples)
    for start in paced(rng, 1 / max(creaks_per_s, 0.02), samples / rate_hz, 0.35):
        size = (
            int(rng.uniform(0.35, 0.8) / creaks_per_s * min(1.0, creaks_per_s * 2) * rate_hz) + 16
        )
        place(gate, np.sin(np.pi * np.linspace(0, 1, size)) ** 0.7, round(start * rate_hz),
              float(rng.uniform(0.4, 1)))  # fmt: skip
    f = float(rng.uniform(330, 520))
    wood = resonators(
        slips * gate,
        rate_hz,
        f * np.array([1, 1.93, 3.1, 4.6, 7.2]),
        f * np.array([0.12, 0.15, 0.2, 0.3, 0.4]),
        [1, 0.9, 0.8, 0.5, 0.3],
    )
    return np.asarray(wood + 1e-9 * rng.standard_normal(samples))


@model(
    "vacuum-cleaner",
    Control("rpm", "1/min", 12000, 45000, 27000, "of the motor"),
    Control("blades", "", 5, 11, 7, "of the impeller"),
    source="Čudina & Prezelj 2007 (suction units: rotation, blade passing, broad turbulence)",
)
def vacuum_cleaner(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A vacuum cleaner: a rush of air, a whine that rises as the nozzle is blocked."""
    stroke = np.sin(
        2 * np.pi * (turned(0.6 * (1 + 0.2 * slow(samples, rate_hz, rng, 0.3)), samples, rate_hz))
    )
    block = 0.5 + 0.5 * np.tanh(2 * stroke)
    shaft = c["rpm"] / 60 * (1 + 0.012 * block + 0.003 * slow(samples, rate_hz, rng, 1.0))
    turn = 2 * np.pi * turned(shaft, samples, rate_hz)
    whine = np.sin(turn) + 0.5 * np.sin(2 * turn)
    if c["rpm"] / 60 * c["blades"] < 0.45 * rate_hz:
        whine += 0.5 * np.sin(round(c["blades"]) * turn)
    rush = coloured(samples, rate_hz, rng, [60, 150, 350, 800, 1600, 3200, 6000, 11000],
                    [-12, -5, -3, 0, -2, -6, -10, -18])  # fmt: skip
    box = through(
        rush,
        rate_hz,
        lambda f: (
            (0.7 + 0.9 * resonance(f, 620.0, 2.0) + 0.6 * resonance(f, 1900.0, 2.5))
            * lowpass(f, 12000.0)
        ),
    )
    hum = np.sin(2 * np.pi * 100 * np.arange(samples) / rate_hz)
    brush = coloured(samples, rate_hz, rng, [1500, 4000, 9000], [-10, 0, -8]) * np.abs(stroke)
    out = unit(box) * (1 + 0.12 * block) + 0.3 * whine + 0.12 * hum + 0.15 * brush
    return np.asarray(out, dtype=np.float64)


@model(
    "washing-machine",
    Control("rpm", "1/min", 30, 1600, 50, "of the drum: 50 washes, above 400 spins"),
    Control("load", "", 0, 1, 0.5, "how unevenly it lies"),
    source="drum 45–55 1/min washing, 800–1600 spinning (IEC 60456); Farnell 2010",
)
def washing_machine(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A drum turns to and fro and the washing tumbles; or it spins, and the whole box shakes."""
    duration = samples / rate_hz
    t = np.arange(samples) / rate_hz
    hum = (
        np.sin(2 * np.pi * 100 * t)
        + 0.4 * np.sin(2 * np.pi * 200 * t + 1)
        + 0.3 * np.sin(2 * np.pi * 300 * t)
    )
    if c["rpm"] > 300:
        shaft = c["rpm"] / 60 * (1 + 0.004 * slow(samples, rate_hz, rng, 0.3))
        turn = 2 * np.pi * turned(shaft, samples, rate_hz)
        shake = 1 + 0.5 * c["load"] * np.sin(turn)
        motor = sawtooth(shaft * 11.7, rate_hz)
        rush = coloured(
            samples, rate_hz, rng, [40, 120, 350, 900, 2500, 7000], [-2, 0, -2, -5, -14, -28]
        )
        tone = through(motor, rate_hz, lambda f: lowpass(f, 1800.0) * (0.5 + resonance(f, 420, 2)))
        box = resonators(rng.standard_normal(samples) * (shake - 0.6), rate_hz, [58, 140, 310],
                         [15, 40, 80], [1, 0.8, 0.5])  # fmt: skip
        return rush * shake + 0.6 * unit(tone) + 0.6 * unit(box) + 0.1 * hum
    # wash: eleven seconds one way, three of rest, and the other way
    way = (t + 14 * rng.random()) % 14
    on = np.clip(way / 0.8, 0, 1) * np.clip((11 - way) / 0.8, 0, 1)
    per_s = c["rpm"] / 60
    motor = sawtooth(
        np.maximum(130 * on * (1 + 0.01 * slow(samples, rate_hz, rng, 1.0)), 1.0), rate_hz
    )
    tone = through(
        motor,
        rate_hz,
        lambda f: (0.3 + resonance(f, 420, 2) + resonance(f, 900, 2)) * lowpass(f, 2500.0),
    )
    drum = coloured(
        samples, rate_hz, rng, [40, 90, 200, 500, 1500, 5000], [-3, 0, -2, -7, -18, -34]
    )
    tumble = np.zeros(samples)
    for time in paced(rng, 0.5 / per_s, duration, 0.15):
        size = int(rng.uniform(0.1, 0.3) * rate_hz)
        flop = coloured(size, rate_hz, rng, [60, 120, 300, 900, 3000], [-2, 0, -4, -14, -30])
        flop *= np.sin(np.pi * np.linspace(0, 1, size) ** 0.5)
        place(tumble, flop, round(time * rate_hz), float(rng.uniform(0.4, 1.3)))
    slosh = lapping(samples, rate_hz, rng, 60.0)
    turn = 2 * np.pi * turned(per_s, samples, rate_hz)
    wet = np.clip(0.5 + 0.5 * np.sin(turn), 0, 1)
    out = (0.35 * unit(tone) + 0.5 * drum * (0.8 + 0.2 * np.sin(turn)) + 1.2 * tumble) * on
    return (
        out
        + 0.45 * slosh * (0.25 + wet) * (0.2 + on)
        + 0.12 * hum
        + 0.03 * room_tone(samples, rate_hz, rng)
    )
