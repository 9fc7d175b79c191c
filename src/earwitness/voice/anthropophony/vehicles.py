"""Vehicles and machines heard by their engines, each from idle to work and back."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import paced, puff, turned
from earwitness.voice.anthropophony.response import coloured
from earwitness.voice.anthropophony.road import rolling_noise
from earwitness.voice.dsp import band_noise, highpass, place, resonators, slow, unit
from earwitness.voice.model import Control, Samples, model


def work(
    samples: int, rate_hz: int, rng: np.random.Generator, period_s: float, low: float,
    rise_s: float = 0.8, fall_s: float = 1.2,
) -> Samples:  # fmt: skip
    """Return how hard an engine works over time, from ``low`` to 1, in pulls of a few seconds."""
    times = [0.0]
    values = [float(rng.uniform(low, 1))]
    clock = 0.0
    while clock < samples / rate_hz + 1:
        hold = period_s * float(rng.uniform(0.3, 0.8))
        top = float(rng.uniform(0.75, 1.0))
        base = low + 0.15 * (1 - low) * float(rng.random())
        rest = period_s * float(rng.uniform(0.15, 0.4))
        for gap, value in ((rise_s, top), (hold, top * 0.97), (fall_s, base), (rest, base)):
            clock += gap * float(rng.uniform(0.7, 1.3))
            times.append(clock)
            values.append(value)
    shift = float(rng.uniform(0, period_s))
    return np.asarray(
        np.interp(np.arange(samples) / rate_hz + shift, np.array(times), np.array(values))
    )


@model(
    "motorcycle",
    Control("rpm", "1/min", 900, 11000, 3600, "engine speed while pulling"),
    Control("cylinders", "", 1, 4, 2, "cylinders"),
    source="Farnell 2010, ch. 45; Heywood 1988 (uneven firing of a V twin)",
)
def motorcycle(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A motorcycle: few cylinders, short pipe, hardly a silencer; it revs and changes gear."""
    pull = work(samples, rate_hz, rng, 3.5, 0.45, 1.2, 0.35)
    engine = Engine(
        cylinders=round(c["cylinders"]),
        unequal=0.28,
        rough=0.1,
        pipe_m=float(rng.uniform(0.8, 1.3)),
        muffled_hz=1100.0,
        breath=0.35,
        clatter=0.18,
        clatter_hz=3200,
        body_hz=(140.0, 330.0, 760.0),
    )
    run = engine.run(samples, rate_hz, rng, c["rpm"] * pull, wander=0.01, load=0.3 + 0.7 * pull)
    return np.tanh(1.3 * run)


@model(
    "bus",
    Control("rpm", "1/min", 500, 2500, 1250, "engine speed while pulling"),
    Control("stops_per_min", "1/min", 0, 6, 2, "brakes and doors that let off air"),
    source="Farnell 2010, ch. 45; CNOSSOS-EU table F-1 (heavy vehicles)",
)
def bus(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A diesel bus idles and pulls away; its brakes hiss and squeal."""
    return _heavy(samples, rate_hz, rng, c["rpm"], c["stops_per_min"], 240.0, 0.45)


@model(
    "truck",
    Control("rpm", "1/min", 500, 2300, 1350, "engine speed while pulling"),
    Control("stops_per_min", "1/min", 0, 6, 1, "air let off by the brakes"),
    source="Farnell 2010, ch. 45; CNOSSOS-EU table F-1 (heavy vehicles)",
)
def truck(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A lorry's diesel under load: low orders, injector knock, turbocharger, gears."""
    return _heavy(samples, rate_hz, rng, c["rpm"], c["stops_per_min"], 420.0, 0.6)


def _heavy(
    samples: int, rate_hz: int, rng: np.random.Generator, rpm: float, stops_per_min: float,
    muffled_hz: float, knock: float,
) -> Samples:  # fmt: skip
    duration = samples / rate_hz
    pull = work(samples, rate_hz, rng, 5.0, 0.42, 2.5, 0.8)
    engine = Engine(
        cylinders=6, unequal=0.2, pipe_m=3.4, muffled_hz=muffled_hz, breath=0.3,
        clatter=knock, clatter_hz=1500.0, body_hz=(90.0, 210.0, 520.0),
    )  # fmt: skip
    out = engine.run(samples, rate_hz, rng, rpm * pull, load=0.45 + 0.55 * pull)
    tyres = rolling_noise(samples, rate_hz, rng, "lorry", 8.0)
    out += 0.35 * tyres * pull**2
    whine = np.sin(2 * np.pi * turned(rpm * pull * 0.55, samples, rate_hz))
    out += 0.06 * whine * pull**2
    for start in paced(rng, 60.0 / max(stops_per_min, 0.05), duration, 0.4):
        hiss = puff(rate_hz, rng, 0.01, float(rng.uniform(0.1, 0.4)), 1500, 9000)
        place(out, hiss, round(start * rate_hz), 1.0)
        if rng.random() < 0.5:
            length = int(rng.uniform(0.6, 1.4) * rate_hz)
            f = rng.uniform(900, 2600) * (1 + 0.02 * slow(length, rate_hz, rng, 3.0))
            squeal = np.sin(2 * np.pi * np.cumsum(f) / rate_hz)
            squeal *= np.sin(np.pi * np.linspace(0, 1, length)) * 0.25
            place(out, squeal, round((start - 1.6) * rate_hz))
    return out


@model(
    "tractor",
    Control("rpm", "1/min", 400, 2600, 900, "engine speed"),
    Control("cylinders", "", 1, 6, 3, "cylinders"),
    source="Farnell 2010, ch. 45; Heywood 1988",
)
def tractor(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """An old diesel: each firing heard, a pipe straight up, much knocking."""
    engine = Engine(
        cylinders=round(c["cylinders"]), unequal=0.25, rough=0.12, pipe_m=1.5, muffled_hz=700.0,
        breath=0.4, clatter=0.55, clatter_hz=1700.0, body_hz=(110.0, 260.0, 640.0),
    )  # fmt: skip
    pull = 1 + 0.12 * slow(samples, rate_hz, rng, 0.15)
    return np.tanh(1.2 * engine.run(samples, rate_hz, rng, c["rpm"] * np.maximum(pull, 0.6)))


@model(
    "lawn-mower",
    Control("rpm", "1/min", 1800, 4200, 2900, "engine speed; the blade turns with it"),
    source="single-cylinder four-stroke, blade of 2 tips on the crankshaft; Farnell 2010",
)
def lawn_mower(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """One cylinder, a whirling blade, and grass that chokes it now and then."""
    choke = 1 - 0.06 * np.clip(slow(samples, rate_hz, rng, 0.4), 0, 2.5)
    rpm = c["rpm"] * choke
    engine = Engine(
        cylinders=1, unequal=0.0, rough=0.12, pipe_m=0.5, muffled_hz=900.0, breath=0.5,
        clatter=0.35, clatter_hz=2400, body_hz=(230.0, 610.0, 1400.0),
    )  # fmt: skip
    run = engine.run(samples, rate_hz, rng, rpm)
    beat = 1 + 0.5 * np.sin(2 * np.pi * turned(rpm / 30, samples, rate_hz))
    blade = (
        coloured(samples, rate_hz, rng, [100, 300, 900, 2500, 8000], [-6, 0, -3, -9, -24]) * beat
    )
    grass = band_noise(samples, rate_hz, rng, 2000, 9000) * (1.02 - choke) * 6
    return run + 0.75 * blade + 0.25 * grass


@model(
    "chainsaw",
    Control("rpm", "1/min", 2000, 14000, 9000, "engine speed at full throttle"),
    source="single-cylinder two-stroke: one firing a turn; ISO 22868 (idle, full load, racing)",
)
def chainsaw(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A two-stroke that idles, races, and labours in the wood."""
    pull = work(samples, rate_hz, rng, 3.0, 0.32, 0.35, 0.6)
    labour = 1 - 0.14 * np.clip(slow(samples, rate_hz, rng, 0.5), 0, 2) * (pull > 0.7)
    size = max(3, int(0.15 * rate_hz))
    cut = np.cumsum(np.pad(labour, (size, 0), mode="edge"))
    labour = (cut[size:] - cut[:-size]) / size
    rpm = c["rpm"] * pull * labour
    engine = Engine(
        cylinders=1, strokes=2, unequal=0.0, rough=0.1, pipe_m=0.35, muffled_hz=2200.0, breath=0.3,
        clatter=0.2, clatter_hz=3500, body_hz=(420.0, 1100.0, 2300.0),
    )  # fmt: skip
    run = engine.run(samples, rate_hz, rng, rpm, wander=0.015, load=0.35 + 0.65 * pull)
    chain = resonators(rng.standard_normal(samples), rate_hz, [2700, 4300, 6800],
                       [900, 1400, 2200], [1, 0.9, 0.6])  # fmt: skip
    teeth = 1 + 0.6 * np.sin(2 * np.pi * turned(rpm / 60 * 7, samples, rate_hz))
    return np.tanh(1.4 * run) + 0.3 * unit(chain) * teeth * np.clip((pull - 0.4) * 2, 0, 1)


@model(
    "motor-boat",
    Control("rpm", "1/min", 600, 6000, 2600, "engine speed"),
    Control("cylinders", "", 1, 8, 3, "cylinders"),
    Control("speed_m_s", "m/s", 1, 25, 7, "speed through the water"),
    source="Farnell 2010, ch. 45; exhaust under water (Ross 1976)",
)
def motor_boat(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """An outboard engine with its exhaust under water; the hull slaps the waves."""
    duration = samples / rate_hz
    bob = slow(samples, rate_hz, rng, 0.6)
    rpm = c["rpm"] * (1 + 0.02 * bob)
    engine = Engine(
        cylinders=round(c["cylinders"]), strokes=2, unequal=0.15, rough=0.08, pipe_m=0.7,
        muffled_hz=520.0, breath=0.5, clatter=0.25, clatter_hz=2200, body_hz=(150.0, 380.0, 850.0),
    )  # fmt: skip
    run = engine.run(samples, rate_hz, rng, rpm) * np.exp(0.12 * bob)
    wake = coloured(samples, rate_hz, rng, [150, 500, 1500, 5000, 11000], [-8, 0, -4, -12, -26])
    wake *= np.exp(0.3 * slow(samples, rate_hz, rng, 1.5))
    out = run + 0.12 * c["speed_m_s"] ** 0.7 * wake
    for time in paced(rng, 1.1 + 6 / c["speed_m_s"], duration, 0.5):
        slap = puff(rate_hz, rng, 0.008, 0.07, 90, 900)
        place(out, slap, round(time * rate_hz), float(rng.uniform(0.5, 1.6)))
    return highpass(out, rate_hz, 30.0)
