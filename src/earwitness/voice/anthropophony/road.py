"""Road traffic: a car idling, cars passing, streets, motorways near and far."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import paced
from earwitness.voice.anthropophony.passing import endless, passed
from earwitness.voice.anthropophony.response import coloured
from earwitness.voice.dsp import highpass, lowpass, poisson, slow, unit
from earwitness.voice.model import Control, Samples, model

OCTAVES_HZ = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)

# CNOSSOS-EU (Directive 2015/996), table F-1: sound power in octaves at 70 km/h and its growth,
# rolling (A + B lg(v/70)) and propulsion (A + B (v - 70)/70), for cars and heavy lorries
ROLLING = {
    "car": ((79.7, 85.7, 84.5, 90.2, 97.3, 93.9, 84.1, 74.3),
            (30.0, 41.5, 38.9, 25.7, 32.5, 37.2, 39.0, 40.0)),
    "lorry": ((87.0, 91.7, 94.1, 100.7, 100.8, 94.3, 87.1, 82.5),
              (30.0, 33.5, 31.3, 25.4, 31.8, 37.1, 38.6, 40.6)),
}  # fmt: skip
PROPULSION = {
    "car": ((94.5, 89.2, 88.0, 85.9, 84.2, 86.9, 83.3, 76.1),
            (-1.3, 7.2, 7.7, 8.0, 8.0, 8.0, 8.0, 8.0)),
    "lorry": ((104.4, 100.6, 101.7, 101.0, 100.1, 95.9, 91.3, 85.3),
              (0.0, 3.0, 4.6, 5.0, 5.0, 5.0, 5.0, 5.0)),
}  # fmt: skip


def vehicle_db(kind: str, speed_m_s: float) -> tuple[Samples, Samples]:
    """Return sound power in octave bands from 63 Hz to 8 kHz, rolling and propulsion, dB.

    Parameters
    ----------
    kind
        ``car`` or ``lorry``.
    speed_m_s
        Speed; the tables hold from 20 to 130 km/h.

    Examples
    --------
    >>> rolling, _ = vehicle_db("car", 70 / 3.6)
    >>> float(rolling[4])
    97.3
    """
    km_h = float(np.clip(3.6 * speed_m_s, 20, 130))
    a, b = (np.array(v) for v in ROLLING[kind])
    p, q = (np.array(v) for v in PROPULSION[kind])
    return a + b * np.log10(km_h / 70), p + q * (km_h - 70) / 70


def densities(octaves_db: Samples) -> list[float]:
    """Return spectral densities in dB from levels in the octaves of :data:`OCTAVES_HZ`."""
    return [float(v) for v in octaves_db - 10 * np.log10(np.array(OCTAVES_HZ) / np.sqrt(2))]


def rolling_noise(
    samples: int, rate_hz: int, rng: np.random.Generator, kind: str, speed_m_s: float
) -> Samples:
    """Return tyre and propulsion noise of a vehicle at a speed, at an RMS of 1."""
    rolling, propulsion = vehicle_db(kind, speed_m_s)
    total = 10 * np.log10(10 ** (rolling / 10) + 10 ** ((propulsion - 4) / 10))
    noise = coloured(samples, rate_hz, rng, OCTAVES_HZ, densities(total))
    return noise * (1 + 0.12 * slow(samples, rate_hz, rng, 6.0))


@model(
    "car",
    Control("rpm", "1/min", 500, 6500, 820, "engine speed"),
    Control("cylinders", "", 1, 12, 4, "cylinders"),
    Control("strength", "", 0, 1, 0.3, "throttle: 0.3 idles, above it revs now and then"),
    source="Farnell 2010, ch. 45; Baldan et al. 2015; Heywood 1988",
)
def car(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A four-stroke engine idles: firing order, unequal cylinders, fan and valves."""
    engine = Engine(
        cylinders=round(c["cylinders"]),
        pipe_m=float(rng.uniform(1.8, 2.8)),
        muffled_hz=float(rng.uniform(250, 450)) * (0.7 + c["strength"]),
        unequal=float(rng.uniform(0.1, 0.2)),
        breath=float(rng.uniform(0.4, 0.9)),
        clatter=float(rng.uniform(0.3, 0.8)),
        clatter_hz=float(rng.uniform(1500, 3000)),
    )
    rpm: Samples | float = c["rpm"]
    if c["strength"] > 0.55:
        rpm = c["rpm"] * (1 + revs(samples, rate_hz, rng, c["strength"]))
    run = engine.run(samples, rate_hz, rng, rpm, wander=0.012)
    fan = coloured(samples, rate_hz, rng, [60, 200, 800, 3000, 9000], [-4, 0, -6, -14, -30])
    # heard from the bonnet rather than the exhaust: the lowest orders are weaker
    return highpass(run, rate_hz, 70.0, order=1) + 0.35 * fan


def revs(samples: int, rate_hz: int, rng: np.random.Generator, depth: float) -> Samples:
    """Return how far an engine is revved above its idle: blips of a second or two."""
    out = np.zeros(samples)
    t = np.arange(samples) / rate_hz
    for start in paced(rng, 3.5, samples / rate_hz, 0.4):
        up, down = float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.6, 1.2))
        since = t - start
        blip = np.where(since < up, since / up, np.exp(-(since - up) / down))
        out = np.maximum(out, np.where(since > 0, blip, 0) * float(rng.uniform(0.6, 1.0)))
    return out * 2.2 * depth


def drive_bys(
    samples: int, rate_hz: int, rng: np.random.Generator, times_s: Samples, speed_m_s: float,
    distance_m: float, lorries: float = 0.1, engines: float = 0.5,
) -> Samples:  # fmt: skip
    """Return vehicles that pass at given times, some from the left, some from the right.

    Parameters
    ----------
    samples, rate_hz, rng
        Length, rate, chance.
    times_s
        When each is closest.
    speed_m_s, distance_m
        Mean speed and least distance.
    lorries
        Their share.
    engines
        RMS of the engine against tyres for a car at 50 km/h.
    """
    out = np.zeros(samples)
    sources = {}
    slower = (13.9 / max(speed_m_s, 3.0)) ** 1.2
    size = min(samples, int(7 * rate_hz))
    kinds = np.where(rng.random(len(times_s)) < lorries, "lorry", "car").tolist()
    for kind in sorted(set(kinds)):
        tyres = rolling_noise(size, rate_hz, rng, kind, speed_m_s)
        rpm = float(rng.uniform(1500, 2400)) if kind == "car" else float(rng.uniform(1100, 1500))
        built = (
            Engine(breath=0.3, clatter=0.1, muffled_hz=300)
            if kind == "car"
            else Engine(cylinders=6, pipe_m=3.5, muffled_hz=260, clatter=0.35, clatter_hz=1600)
        )
        share = engines * slower * (1.0 if kind == "car" else 1.8)
        mixed = tyres
        if engines > 0:
            mixed = unit(tyres + share * built.run(size, rate_hz, rng, rpm))
        joined = endless(mixed)
        sources[kind] = (joined, lowpass(joined, rate_hz, 700.0, order=1))
    for time, kind in zip(times_s, kinds, strict=True):
        bright, dull = sources[kind]
        v = speed_m_s * float(np.exp(0.13 * rng.standard_normal()))
        far = distance_m * float(rng.choice([1.0, 1.0, 1.7]))
        # heard while within 7 times the distance, 17 dB below its loudest
        span = 7 * far / v
        a, b = max(0, int((time - span) * rate_hz)), min(samples, int((time + span) * rate_hz))
        if b <= a:
            continue
        gain = (2.2 if kind == "lorry" else 1.0) * float(np.exp(0.25 * rng.standard_normal()))
        sound = passed(bright, rate_hz, b - a, time - a / rate_hz, v, far,
                       int(rng.integers(len(bright))), dull)  # fmt: skip
        edge = min((b - a) // 4, int(0.25 * span * rate_hz))
        if a > 0:
            sound[:edge] *= np.linspace(0, 1, edge)
        if b < samples:
            sound[-edge:] *= np.linspace(1, 0, edge)
        out[a:b] += gain * distance_m / far * sound
    return out


def road_hum(samples: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a town's far traffic: low, and duller than near traffic (air and screens)."""
    hum = coloured(
        samples,
        rate_hz,
        rng,
        [31, 63, 125, 250, 500, 1000, 2000, 4000],
        [-3, 0, -3, -8, -12, -16, -27, -42],
    )
    return hum * np.exp(0.12 * slow(samples, rate_hz, rng, 0.3))


@model(
    "car-pass",
    Control("speed_m_s", "m/s", 3, 60, 16, "speed"),
    Control("distance_m", "m", 2, 100, 6, "how close it passes"),
    Control("rate_per_min", "1/min", 1, 20, 6, "cars a minute"),
    Control("rpm", "1/min", 900, 7000, 2100, "engine speed"),
    source="CNOSSOS-EU (2015/996) table F-1; ISO 362-1; Doppler",
)
def car_pass(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A car comes, passes and goes: tyres with their hump at 1 kHz, engine, Doppler."""
    duration = samples / rate_hz
    v, far = c["speed_m_s"], c["distance_m"]
    tyres = rolling_noise(samples, rate_hz, rng, "car", v)
    engine = Engine(breath=0.25, clatter=0.1, muffled_hz=420).run(samples, rate_hz, rng, c["rpm"])
    share = 0.55 * (16.0 / v) ** 0.8 * (c["rpm"] / 2100)
    mixed = endless(unit(tyres + share * engine))
    dull = lowpass(mixed, rate_hz, 800.0, order=1)
    period = 60.0 / c["rate_per_min"]
    first = float(rng.uniform(0.3, 0.7)) * min(period, duration)
    times = [first]
    while times[-1] < duration + 2:
        times.append(times[-1] + period * float(rng.uniform(0.7, 1.3)))
    out = np.zeros(samples)
    for time in times:
        speed = v * (1.0 if time == first else float(np.exp(0.1 * rng.standard_normal())))
        out += passed(
            mixed, rate_hz, samples, time, speed, far, int(rng.integers(len(mixed))), dull
        )
    return out + 0.015 * road_hum(samples, rate_hz, rng)


@model(
    "traffic",
    Control("rate_per_min", "1/min", 2, 120, 24, "vehicles a minute"),
    Control("speed_m_s", "m/s", 3, 25, 12, "speed"),
    Control("distance_m", "m", 2, 60, 8, "to the nearest lane"),
    source="CNOSSOS-EU table F-1; EN 1793-3 (spectrum); Poisson arrivals (Haight 1963)",
)
def traffic(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A street: vehicles pass one after the other, the town hums behind."""
    duration = samples / rate_hz
    times = poisson(rng, c["rate_per_min"] / 60, duration + 6) - 3
    out = drive_bys(samples, rate_hz, rng, times, c["speed_m_s"], c["distance_m"], 0.12, 0.8)
    near = unit(out) if np.any(out) else out
    return near + 0.35 * road_hum(samples, rate_hz, rng)


@model(
    "traffic-far",
    Control("distance_m", "m", 100, 3000, 600, "to the road"),
    Control("rate_per_min", "1/min", 10, 300, 60, "vehicles a minute"),
    source="EN 1793-3; ISO 9613-1/-2 (air and ground); CNOSSOS-EU",
)
def traffic_far(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Far traffic: a low murmur that swells slowly as lorries go by."""
    far = float(np.clip(c["distance_m"] / 600, 0.2, 5))
    top = 1400.0 / far**0.6
    out = coloured(
        samples, rate_hz, rng,
        [31, 63, 125, 250, 500, top * 0.8, top * 2, top * 5],
        [-2, 0, -3, -8, -13, -15, -28, -52],
    ) if top * 0.8 > 505 else coloured(
        samples, rate_hz, rng, [31, 63, 125, 250, 500, 1000, 2000], [-2, 0, -3, -8, -16, -30, -50]
    )  # fmt: skip
    # passing lorries: their level curve at this distance lasts a minute, those nearer less
    swell = 0.22 * slow(samples, rate_hz, rng, 0.12) + 0.12 * slow(samples, rate_hz, rng, 0.5)
    out *= np.exp(swell * min(1.5, np.sqrt(60 / c["rate_per_min"])))
    hum = Engine(cylinders=6, breath=0.0, clatter=0.0, muffled_hz=160)
    lorry = lowpass(hum.run(samples, rate_hz, rng, float(rng.uniform(1000, 1400))), rate_hz, 220.0)
    return out + 0.3 * lorry * np.clip(slow(samples, rate_hz, rng, 0.08), 0, 2)


@model(
    "motorway",
    Control("rate_per_min", "1/min", 10, 240, 80, "vehicles a minute"),
    Control("speed_m_s", "m/s", 15, 50, 32, "speed"),
    Control("distance_m", "m", 5, 200, 25, "to the nearest lane"),
    source="EN 1793-3 (spectrum); CNOSSOS-EU table F-1 (tyres at speed)",
)
def motorway(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Dense fast traffic: a steady roar of tyres from which single vehicles stand out."""
    duration = samples / rate_hz
    many = c["rate_per_min"] / 60 * (duration + 6)
    times = poisson(rng, min(many, 6.0) / (duration + 6), duration + 6) - 3
    near = drive_bys(samples, rate_hz, rng, times, c["speed_m_s"], c["distance_m"], 0.2, 0.0)
    roar = rolling_noise(samples, rate_hz, rng, "car", c["speed_m_s"])
    roar += 0.8 * rolling_noise(samples, rate_hz, rng, "lorry", min(25.0, c["speed_m_s"]))
    roar = lowpass(roar, rate_hz, 2500.0, order=1) * np.exp(0.15 * slow(samples, rate_hz, rng, 0.4))
    # lorries pulling, and what is beyond: the low bands of EN 1793-3
    roar = unit(roar) + 1.45 * road_hum(samples, rate_hz, rng)
    return unit(near) + 0.8 * roar if np.any(near) else roar
