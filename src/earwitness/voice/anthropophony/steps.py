"""Feet and what rolls under them: footsteps, a skateboard, a bicycle, a ball."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import modes, paced, puff, turned
from earwitness.voice.anthropophony.passing import endless, passed
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall, soft
from earwitness.voice.dsp import band_noise, impulses, place, resonators, slow, unit
from earwitness.voice.model import Control, Samples, model

CADENCE = Control("cadence_hz", "1/s", 1.2, 3.4, 1.9, "steps a second; 1.9 walking, 2.8 running")
CADENCE_SOURCE = "Pachi & Ji 2005 (1.9 steps/s)"


def strides(rng: np.random.Generator, cadence_hz: float, duration_s: float) -> Samples:
    """Return the instants of steps: regular within 3 %, one foot a little late."""
    times = paced(rng, 1.0 / cadence_hz, duration_s, 0.03)
    return times + np.arange(len(times)) % 2 * 0.015 / cadence_hz


@model(
    "footsteps",
    CADENCE,
    Control("hardness", "", 0, 1, 0.6, "of the floor: 0 carpet, 0.4 wood, 0.7 stone, 1 metal"),
    Control("room_s", "s", 0.05, 3, 0.4, "reverberation time"),
    source=f"{CADENCE_SOURCE}; Cook 2002; Nordahl et al. 2010 (heel and toe)",
)
def footsteps(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A heel strikes, the sole follows a tenth of a second later."""
    hard = c["hardness"]
    out = np.zeros(samples)
    ring = float(np.interp(hard, [0, 0.4, 0.7, 1], [0.008, 0.02, 0.009, 0.12]))
    tones = np.array([105.0, 240.0, 520.0, 1050.0, 2100.0, 3800.0]) * rng.uniform(0.85, 1.15, 6)
    tilt = np.array([0.5, 0.6, 0.7, 0.4 + 1.2 * hard, 0.2 + 1.2 * hard, 0.1 + hard])
    for k, time in enumerate(strides(rng, c["cadence_hz"], samples / rate_hz)):
        force = float(np.exp(0.15 * rng.standard_normal()))
        feet = tones * (1.0 + 0.02 * (k % 2)) * (1 + 0.02 * rng.standard_normal(6))
        decay = ring * (200 / feet) ** 0.25 * rng.uniform(0.8, 1.2, 6) * 1.4
        heel = modes(rate_hz, feet, decay, tilt * rng.uniform(0.6, 1.2, 6),
                     attack_s=0.0008 - 0.0005 * hard)  # fmt: skip
        place(out, heel, round(time * rate_hz), force)
        click = puff(rate_hz, rng, 0.0006, 0.006, 600 + 1400 * hard, 2500 + 6000 * hard)
        place(out, click, round(time * rate_hz), 0.8 * force * (0.3 + hard))
        late = time + 0.16 / c["cadence_hz"] + 0.01 * rng.standard_normal()
        toe = puff(rate_hz, rng, 0.004, 0.015, 250, 1500 + 3000 * hard)
        place(out, toe, round(late * rate_hz), 0.22 * force)
        scuff = puff(rate_hz, rng, 0.03, 0.03, 1200, 6000)
        place(out, scuff, round(late * rate_hz), 0.04 * force * rng.random())
    out = hall(unit(out), rate_hz, rng, c["room_s"], 0.3 + 0.3 * hard, 4000.0)
    return unit(out) + 0.015 * room_tone(samples, rate_hz, rng)


@model(
    "footsteps-gravel",
    CADENCE,
    Control("grains_per_s", "1/s", 200, 4000, 1100, "collisions of stones while the foot presses"),
    Control("grain_mm", "mm", 3, 40, 14, "size of the stones"),
    source=f"{CADENCE_SOURCE}; Cook 1997, 2002 (PhISM: stochastic grains)",
)
def footsteps_gravel(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Stones grind and click under heel and sole."""
    force = _rolled(samples, rate_hz, rng, c["cadence_hz"], 0.06, 0.8)
    hit = rng.random(samples) < np.minimum(1.0, force * c["grains_per_s"] / rate_hz)
    grains = np.where(hit, rng.standard_normal(samples) * rng.random(samples) ** 2, 0.0) * force
    # small stones ring high: 1.9 kHz at 14 mm, as their size
    centre = min(1900.0 * (14.0 / c["grain_mm"]) ** 0.7, 0.4 * rate_hz)
    stones = resonators(
        grains, rate_hz, [centre * 0.55, centre, centre * 1.7, centre * 2.6],
        [centre * 0.35, centre * 0.4, centre * 0.5, centre * 0.7], [0.5, 1.0, 0.6, 0.35],
    )  # fmt: skip
    press = band_noise(samples, rate_hz, rng, 120, 700) * force**1.5
    return soft(unit(stones), 8.0) + 0.16 * unit(press) + 0.012 * room_tone(samples, rate_hz, rng)


@model(
    "footsteps-snow",
    CADENCE,
    Control("temperature_c", "°C", -25, 0, -8, "colder snow squeaks"),
    source=f"{CADENCE_SOURCE}; Fontana & Bresin 2003 (crumpling); Farnell 2010, ch. 47",
)
def footsteps_snow(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Snow crumples under the foot: many small breaks, their energy a power law."""
    force = _rolled(samples, rate_hz, rng, c["cadence_hz"], 0.12, 1.0)
    hit = rng.random(samples) < np.minimum(1.0, force * 1800 / rate_hz)
    energy = (1 - rng.random(samples)) ** (-1 / 1.9)  # crumpling: P(E) ~ E^-1.9 and so on
    grains = np.where(hit, np.minimum(energy, 12.0) * rng.choice([-1.0, 1.0], samples), 0.0)
    crumple = resonators(
        grains * force, rate_hz, [130, 300, 620, 1200, 2600],
        [130, 260, 500, 900, 2000], [1.0, 1.0, 0.75, 0.4, 0.15],
    )  # fmt: skip
    cold = float(np.clip((-c["temperature_c"] - 4) / 14, 0, 1))
    creak = impulses(
        samples,
        rate_hz,
        np.cumsum(np.exp(rng.normal(-6.0, 0.25, int(samples / rate_hz * 500)))),
        1.0,
    )
    squeak = (
        resonators(creak, rate_hz, [900, 1750, 2700], [180, 300, 500], [1, 0.7, 0.4]) * force**2
    )
    return (
        soft(unit(crumple), 8.0)
        + 0.45 * cold * unit(squeak)
        + 0.012 * room_tone(samples, rate_hz, rng)
    )


def _rolled(
    samples: int, rate_hz: int, rng: np.random.Generator, cadence_hz: float, heel_s: float,
    contact: float,
) -> Samples:  # fmt: skip
    """Return the force on loose ground: heel then sole, rough from moment to moment."""
    out = np.zeros(samples)
    long = min(0.75, 0.62 / cadence_hz) * contact
    for time in strides(rng, cadence_hz, samples / rate_hz):
        size = max(8, int(long * rate_hz * rng.uniform(0.9, 1.1)))
        t = np.linspace(0, 1, size)
        heel = np.exp(-0.5 * ((t - 0.14) / (heel_s / long / 2)) ** 2)
        toe = np.exp(-0.5 * ((t - 0.55) / 0.16) ** 2)
        step = (heel + rng.uniform(0.55, 1.0) * toe) * np.sin(np.pi * t) ** 0.5
        place(out, step, round(time * rate_hz), float(np.exp(0.15 * rng.standard_normal())))
    rough = np.clip(1 + 0.6 * slow(samples, rate_hz, rng, 30.0), 0.1, 3)
    return np.asarray(out * rough)


@model(
    "bicycle",
    Control("speed_m_s", "m/s", 2, 12, 5, "speed"),
    Control("distance_m", "m", 1, 30, 2.5, "how close it passes"),
    Control("clicks_per_m", "1/m", 4, 25, 11, "pawls of the freewheel"),
    source="freewheel: 18–36 pawl clicks per turn of a 2.1 m wheel; Farnell 2010",
)
def bicycle(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Bicycles pass: the freewheel ticks, the chain whirs, tyres hiss, a bell now and then."""
    duration = samples / rate_hz
    v = c["speed_m_s"]
    phase = turned(v * c["clicks_per_m"] * (1 + 0.02 * slow(samples, rate_hz, rng, 0.5)),
                   samples, rate_hz)  # fmt: skip
    ticks = np.diff(np.floor(phase), prepend=0.0) * (1 + 0.25 * rng.standard_normal(samples))
    coasting = np.clip(1.5 * slow(samples, rate_hz, rng, 0.25) + 1.0, 0, 1)
    pawls = resonators(ticks, rate_hz, [2300, 3900, 5600, 8200], [350, 500, 700, 900],
                       [0.7, 1.0, 0.8, 0.5])  # fmt: skip
    chain = band_noise(samples, rate_hz, rng, 1500, 5000)
    chain *= 1 + 0.5 * np.sin(2 * np.pi * turned(v * 12, samples, rate_hz))
    tyre = coloured(samples, rate_hz, rng, [80, 300, 1000, 4000, 9000], [0, -4, -6, -12, -26])
    ride = endless(unit(pawls) * coasting + 0.35 * chain * (1.1 - coasting) + 0.45 * tyre)
    out = np.zeros(samples)
    for closest in paced(rng, max(5.0, 50.0 / v), duration, 0.2):
        out += passed(ride, rate_hz, samples, float(closest), v, c["distance_m"],
                      int(rng.integers(len(ride))))  # fmt: skip
        if rng.random() < 0.35:
            ping = modes(
                rate_hz, [2200, 4700, 5300, 8100], [0.5, 0.35, 0.25, 0.15], [1, 0.6, 0.4, 0.3]
            )
            for k in range(2):
                place(out, ping, round((closest - 1.6 + 0.16 * k) * rate_hz), 0.4)
    return out + 0.02 * room_tone(samples, rate_hz, rng)


@model(
    "skateboard",
    Control("speed_m_s", "m/s", 1, 10, 4, "speed"),
    Control("joint_m", "m", 0.3, 6, 1.5, "distance between the joints of the pavement"),
    source="Farnell 2010 (rolling); Stoelinga & Chaigne 2007 (rolling sound)",
)
def skateboard(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Hard wheels roar over pavement, clack at its joints, the deck slaps after a jump."""
    duration = samples / rate_hz
    v = c["speed_m_s"] * (1 + 0.12 * slow(samples, rate_hz, rng, 0.2))
    roar = coloured(
        samples, rate_hz, rng, [100, 250, 700, 1500, 4000, 9000], [-8, 0, -1, -5, -14, -26]
    )
    roar *= (v / c["speed_m_s"]) ** 1.5 * (1 + 0.2 * slow(samples, rate_hz, rng, 12.0))
    metres = turned(v, samples, rate_hz)
    knocks = np.zeros(samples)
    for axle_m in (0.0, 0.37):
        hits = np.diff(np.floor((metres - axle_m) / c["joint_m"]), prepend=-1.0)
        hits[0] = 0
        knocks += hits * (1 + 0.3 * rng.standard_normal(samples))
    clack = resonators(
        knocks, rate_hz, [180, 420, 950, 2100], [60, 90, 180, 400], [1, 0.9, 0.7, 0.5]
    )
    out = unit(roar) + 0.9 * unit(clack)
    for time in paced(rng, 6.0, duration, 0.4):
        air = slice(round(time * rate_hz), round((time + 0.45) * rate_hz))
        out[air] *= 0.08
        deck = modes(rate_hz, [170, 390, 810, 1650, 3100], [0.05, 0.04, 0.03, 0.02, 0.01],
                     [1, 1, 0.8, 0.7, 0.5])  # fmt: skip
        place(out, deck, air.start, 5.0)
        place(out, deck, air.stop, 7.0)
    fade = np.exp(0.25 * slow(samples, rate_hz, rng, 0.15))
    return out * fade


@model(
    "ball",
    Control("restitution", "", 0.5, 0.92, 0.78, "speed after a bounce over that before it"),
    Control("height_m", "m", 0.2, 3, 1.2, "height it is dropped from"),
    Control("pitch_hz", "Hz", 60, 400, 130, "lowest ring of the ball"),
    source="intervals shrink by the coefficient of restitution; Farnell 2010, ch. 30",
)
def ball(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A ball bounces, each flight shorter than the one before by the restitution; and again."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    clock = float(rng.uniform(0.0, 0.2))
    while clock < duration:
        height = c["height_m"] * float(rng.uniform(0.85, 1.15))
        for delay, speed in bounces(height, c["restitution"]):
            f = c["pitch_hz"] * (1 + 0.01 * rng.standard_normal())
            hard = speed / 5.0
            # a hollow ball: the skin's low mode and the air inside; the harder, the brighter
            thud = modes(
                rate_hz, f * np.array([1.0, 1.62, 2.4, 3.7, 5.9, 9.3]),
                [0.045, 0.035, 0.028, 0.02, 0.012, 0.008],
                np.array([1.0, 0.8, 0.6, 0.45 * hard, 0.35 * hard, 0.3 * hard]),
                attack_s=0.0015,
            )  # fmt: skip
            place(out, thud, round((clock + delay) * rate_hz), speed)
            slap = puff(rate_hz, rng, 0.0008, 0.006, 500, 4000)
            place(out, slap, round((clock + delay) * rate_hz), 0.35 * speed * hard)
            last = delay
        clock += last + float(rng.uniform(0.5, 1.4))
    return unit(hall(out, rate_hz, rng, 0.8, 0.35, 3500.0)) + 0.006 * room_tone(
        samples, rate_hz, rng
    )


def bounces(height_m: float, restitution: float) -> list[tuple[float, float]]:
    """Return time and speed of every impact of a dropped ball, down to 0.3 m/s.

    Examples
    --------
    >>> hits = bounces(1.0, 0.5)
    >>> round((hits[2][0] - hits[1][0]) / (hits[1][0] - hits[0][0]), 3)
    0.5
    """
    g = 9.81
    speed = float(np.sqrt(2 * g * height_m))
    time = 0.0
    hits = [(time, speed)]
    while speed * restitution > 0.3:
        speed *= restitution
        time += 2 * speed / g
        hits.append((time, speed))
    return hits
