"""Work: hammers, drills, saws, building sites, factories."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import modes, paced, puff, turned
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall, lowpass, resonance, through
from earwitness.voice.anthropophony.road import road_hum
from earwitness.voice.anthropophony.vehicles import work
from earwitness.voice.dsp import band_noise, place, resonators, sawtooth, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model


def blow(rate_hz: int, rng: np.random.Generator, hardness: float, size: float = 1.0) -> Samples:
    """Return a hammer's blow: the thing struck rings, the head clicks.

    Parameters
    ----------
    rate_hz, rng
        Rate and chance.
    hardness
        0 a mallet on soft wood, 0.4 a nail in wood, 1 an anvil.
    size
        Of the thing struck; the larger, the lower.
    """
    if hardness > 0.7:  # an anvil or a steel bar: few high modes that ring long
        ratio = np.array([1.0, 1.47, 2.09, 2.56, 3.39, 4.08, 5.61, 7.2])
        hz = 1500.0 / size * ratio * rng.uniform(0.97, 1.03, 8)
        decay = (0.09 + 0.5 * (hardness - 0.7)) * np.array([1, 0.9, 1.2, 0.7, 0.9, 0.5, 0.4, 0.25])
        gains = rng.uniform(0.5, 1.0, 8) * np.array([0.5, 0.7, 0.9, 1, 0.8, 0.8, 0.5, 0.4])
        grain = modes(rate_hz, hz, decay, gains, attack_s=0.00015, longest_s=2.0)
    else:
        ratio = np.array([1.0, 1.58, 2.24, 2.92, 4.1, 6.3, 9.5])
        hz = 210.0 / size * (1 + hardness) * ratio * rng.uniform(0.94, 1.06, 7)
        decay = (0.018 + 0.03 * hardness) * ratio**-0.5
        grain = modes(rate_hz, hz, decay, rng.uniform(0.5, 1, 7) * ratio**-0.25,
                      attack_s=0.0006 - 0.0004 * hardness)  # fmt: skip
    click = puff(rate_hz, rng, 0.0003, 0.004 + 0.004 * hardness, 900, 9000)
    if len(click) > len(grain):
        grain = np.pad(grain, (0, len(click) - len(grain)))
    grain[: len(click)] += (0.5 + 0.5 * hardness) * click
    return grain


@model(
    "hammer",
    Control("rate_per_s", "1/s", 0.5, 6, 1.8, "blows a second"),
    Control("hardness", "", 0, 1, 0.55, "what is struck: 0 soft wood, 0.5 a nail, 1 an anvil"),
    source="Fletcher & Rossing 1998 (bars, plates); Avanzini & Rocchesso 2001 (contact)",
)
def hammer(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Runs of blows with rests between; the pitch of a nail rises as it goes in."""
    duration = samples / rate_hz
    hard = float(np.clip(c["hardness"] + 0.3 * rng.standard_normal(), 0, 1))
    out = np.zeros(samples)
    size = float(rng.uniform(0.75, 1.3))
    blows = [
        blow(rate_hz, np.random.default_rng(rng.integers(1 << 32)), hard, size) for _ in range(6)
    ]
    clock = float(rng.uniform(0, 0.4))
    while clock < duration:
        count = int(rng.integers(5, 14))
        pace = c["rate_per_s"] * float(np.exp(0.1 * rng.standard_normal()))
        for k in range(count):
            force = (0.75 + 0.25 * k / count) * float(np.exp(0.15 * rng.standard_normal()))
            place(out, blows[int(rng.integers(6))], round(clock * rate_hz), force)
            if rng.random() < 0.2:  # the head rebounds
                place(
                    out,
                    blows[k % 6],
                    round((clock + rng.uniform(0.07, 0.14)) * rate_hz),
                    0.2 * force,
                )
            clock += (1 + 0.06 * float(rng.standard_normal())) / pace
        clock += float(rng.uniform(0.2, 1.2))
    return unit(hall(out, rate_hz, rng, 0.7, 0.45, 4000.0)) + 0.015 * room_tone(
        samples, rate_hz, rng
    )


@model(
    "drill",
    Control("rpm", "1/min", 600, 4000, 2100, "of the chuck"),
    Control("blows_per_s", "1/s", 0, 60, 0, "of a hammer drill or jackhammer; 0 by chance"),
    source="universal motor: gear mesh and commutator tones; jackhammers 18–30 blows/s (ISO 28927)",
)
def drill(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A drill: it spins up, bites, labours; or a jackhammer's rattle."""
    hammering = c["blows_per_s"] > 0 or rng.random() < 0.4
    pull = work(samples, rate_hz, rng, 3.0, 0.0, 0.25, 0.4)
    on = np.clip(pull * 1.6, 0, 1)
    if hammering:
        per_s = c["blows_per_s"] or float(rng.uniform(18, 32))
        phase = turned(per_s * (1 + 0.02 * slow(samples, rate_hz, rng, 2.0)), samples, rate_hz)
        hits = np.diff(np.floor(phase), prepend=0.0) * np.exp(0.25 * rng.standard_normal(samples))
        steel = resonators(
            hits,
            rate_hz,
            [110, 340, 820, 1600, 2700, 4300],
            [60, 120, 250, 350, 500, 800],
            [1.0, 0.8, 0.9, 1.0, 0.8, 0.6],
        )
        part = phase % 1.0
        air = band_noise(samples, rate_hz, rng, 600, 7000) * np.exp(-part / 0.25)
        engaged = np.clip((pull - 0.25) * 4, 0.0, 1)
        rest = coloured(samples, rate_hz, rng, [50, 150, 600, 3000], [0, -2, -8, -24])
        out = (unit(steel) + 0.55 * air) * engaged + 0.12 * rest
    else:
        bite = np.clip(slow(samples, rate_hz, rng, 0.7) + 0.6, 0, 1.5)
        shaft = c["rpm"] / 60 * (0.35 + 0.65 * on) * (1 - 0.08 * bite)
        motor = sawtooth(shaft * 10.5, rate_hz)
        mesh = sawtooth(shaft * 33.0, rate_hz)
        tone = through(
            motor + 0.8 * mesh,
            rate_hz,
            lambda f: (
                (0.3 + resonance(f, 1100, 1.5) + 0.8 * resonance(f, 2800, 2)) * lowpass(f, 7000.0)
            ),
        )
        cut = coloured(samples, rate_hz, rng, [200, 600, 1800, 4000, 9000], [-8, -2, 0, -4, -16])
        cut *= 1 + 0.4 * np.sin(2 * np.pi * turned(shaft * 2, samples, rate_hz))
        fan = coloured(samples, rate_hz, rng, [300, 1200, 4000, 9000], [-10, 0, -3, -14])
        out = (unit(tone) + 0.35 * fan + 0.8 * bite * cut) * on
    return hall(out, rate_hz, rng, 0.5, 0.35, 4000.0) + 0.02 * room_tone(samples, rate_hz, rng)


@model(
    "saw",
    Control("rate_per_s", "1/s", 0.5, 4, 1.5, "to-and-fro strokes a second"),
    Control("teeth_hz", "1/s", 80, 900, 330, "teeth that pass at full speed"),
    source="hand saw: teeth pitch 4–5 mm at 1–2 m/s; Farnell 2010 (scraping)",
)
def saw(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A hand saw: push and pull, the push louder, teeth heard as a buzz that follows the speed."""
    pace = c["rate_per_s"] * (1 + 0.05 * slow(samples, rate_hz, rng, 0.4))
    turn = turned(pace, samples, rate_hz) + rng.random()
    motion = np.sin(2 * np.pi * turn)
    speed = np.abs(motion)
    push = np.where(motion > 0, 1.0, 0.55)
    effort = np.clip(1 + 0.25 * slow(samples, rate_hz, rng, 1.0), 0.3, 2)
    rest = np.clip(2.5 * slow(samples, rate_hz, rng, 0.13) + 3.0, 0, 1)
    force = speed**1.3 * push * effort * rest
    phase = turned(c["teeth_hz"] * speed, samples, rate_hz)
    bites = np.diff(np.floor(phase), prepend=0.0) * (1 + 0.5 * rng.standard_normal(samples))
    grit = 0.06 * rng.standard_normal(samples) * speed
    drive = bites + grit
    f = float(rng.uniform(0.85, 1.2))
    board = resonators(drive, rate_hz, np.array([420, 950, 1800, 3100, 4800, 7200]) * f,
                       np.array([220, 400, 700, 1000, 1500, 2400]),
                       [0.5, 0.7, 1.0, 0.9, 0.7, 0.5])  # fmt: skip
    rasp = coloured(samples, rate_hz, rng, [300, 900, 2200, 5000, 11000], [-14, -3, 0, -3, -16])
    out = unit(board * force) + 0.8 * unit(rasp * force)
    return hall(out, rate_hz, rng, 0.4, 0.3, 4000.0) + 0.03 * room_tone(samples, rate_hz, rng)


@model(
    "construction",
    Control("activity", "", 0, 1, 0.5, "how busy the site is"),
    source="mixture: BS 5228-1 (plant on sites); Fletcher & Rossing 1998",
)
def construction(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A building site: a digger works, hammers ring, a drill bores, planks fall, a lorry backs."""
    duration = samples / rate_hz
    t = np.arange(samples) / rate_hz
    pull = work(samples, rate_hz, rng, 4.0, 0.5, 0.8, 0.8)
    digger = Engine(
        cylinders=4, pipe_m=1.6, muffled_hz=420, clatter=0.4, clatter_hz=1500, unequal=0.2
    )
    out = 0.6 * digger.run(samples, rate_hz, rng, 1500.0 * pull, load=0.5 + 0.5 * pull)
    bits = np.zeros(samples)
    for _ in range(1 + round(2 * c["activity"])):
        grains = [
            blow(rate_hz, rng, float(rng.choice([0.3, 0.5, 0.9])), float(rng.uniform(0.7, 1.4)))
        ]
        times = paced(rng, float(rng.uniform(0.4, 0.8)), duration, 0.08)
        on = np.sin(2 * np.pi * (times / float(rng.uniform(5, 11)) + rng.random())) > -0.2
        bits += scatter(samples, rate_hz, times[on], grains, rng.uniform(1.0, 2.2, int(on.sum())))
    out += bits
    phase = turned(float(rng.uniform(20, 28)), samples, rate_hz)
    hits = np.diff(np.floor(phase), prepend=0.0) * np.exp(0.25 * rng.standard_normal(samples))
    steel = resonators(
        hits, rate_hz, [340, 820, 1600, 2700], [120, 250, 350, 500], [0.8, 0.9, 1, 0.8]
    )
    out += (
        (0.3 + 0.6 * c["activity"])
        * unit(steel)
        * np.clip(3 * slow(samples, rate_hz, rng, 0.2), 0, 1)
    )
    for time in paced(rng, 7.0 / (0.4 + c["activity"]), duration, 0.5):
        for k in range(int(rng.integers(2, 6))):
            plank = blow(rate_hz, rng, float(rng.uniform(0.1, 0.95)), float(rng.uniform(0.8, 2.0)))
            place(
                out,
                plank,
                round((time + 0.12 * k * rng.random()) * rate_hz),
                float(rng.uniform(0.5, 2)),
            )
    beep_hz = float(rng.uniform(1000, 1300)) * (1 + 0.002 * slow(samples, rate_hz, rng, 0.4))
    backing = np.clip(4 * slow(samples, rate_hz, rng, 0.12) - 2.5, 0, 1)
    gate = np.clip(np.sin(2 * np.pi * t / 1.0) * 30, 0, 1)
    out += 0.25 * np.sin(2 * np.pi * turned(beep_hz, samples, rate_hz)) * gate * backing
    return hall(out, rate_hz, rng, 1.0, 0.4, 3000.0) + 0.05 * road_hum(samples, rate_hz, rng)


@model(
    "factory",
    Control("mains_hz", "Hz", 50, 60, 50, "of the grid; motors hum at twice that"),
    Control("strokes_per_min", "1/min", 5, 240, 70, "of the presses"),
    source="magnetostriction at twice the mains; Farnell 2010, ch. 44; ISO 11200 practice",
)
def factory(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A hall of machines: hum, fans, presses, conveyor rattle, gears that whine."""
    duration = samples / rate_hz
    t = np.arange(samples) / rate_hz
    hum = np.zeros(samples)
    for k, gain in zip((1, 2, 3, 4, 6, 8, 12), (0.3, 1.0, 0.3, 0.6, 0.4, 0.25, 0.12), strict=True):
        hum += (
            gain
            * float(rng.uniform(0.5, 1))
            * np.sin(2 * np.pi * (c["mains_hz"] * k * t + rng.random()))
        )
    broad = coloured(samples, rate_hz, rng, [50, 125, 300, 700, 1500, 4000, 9000],
                     [-2, 0, -2, -4, -9, -20, -36])  # fmt: skip
    out = 0.45 * unit(hum) + broad * (1 + 0.1 * slow(samples, rate_hz, rng, 2.0))
    for _ in range(3):
        hz = float(np.exp(rng.uniform(np.log(250), np.log(2200))))
        whine = np.sin(
            2
            * np.pi
            * turned(hz * (1 + 0.004 * slow(samples, rate_hz, rng, 0.7)), samples, rate_hz)
        )
        out += float(rng.uniform(0.08, 0.3)) * whine * (1 + 0.3 * slow(samples, rate_hz, rng, 3.0))
    for k in range(2):
        pace = c["strokes_per_min"] / 60 * (1.0 if k == 0 else float(rng.uniform(1.6, 3.2)))
        hard = float(rng.uniform(0.2, 0.9))
        grain = blow(rate_hz, rng, hard, 2.0)
        times = paced(rng, 1 / pace, duration, 0.006)
        out += scatter(samples, rate_hz, times, [grain], rng.uniform(0.8, 1.2, len(times)))
        sigh = puff(rate_hz, rng, 0.02, 0.12, 1200, 8000)
        out += 0.5 * scatter(samples, rate_hz, times + 0.35 / pace, [sigh])
    rattle = np.where(rng.random(samples) < 40 / rate_hz, rng.standard_normal(samples), 0.0)
    tin = resonators(rattle, rate_hz, [900, 1900, 3300, 5200], [60, 90, 150, 260], [1, 1, 0.8, 0.5])
    out += 0.25 * unit(tin)
    return hall(out, rate_hz, rng, 1.6, 0.6, 2500.0)
