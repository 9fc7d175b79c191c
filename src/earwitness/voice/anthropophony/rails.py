"""Things on rails: trains, steam locomotives, trams."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import modes, paced, turned
from earwitness.voice.anthropophony.response import coloured, hall, lowpass, resonance, through
from earwitness.voice.anthropophony.road import road_hum
from earwitness.voice.dsp import place, resonators, sawtooth, slow, unit
from earwitness.voice.model import Control, Samples, model

WAGON_M, BOGIES_M, AXLES_M = 24.0, 17.0, 2.5
"""Length of a coach over buffers, between its bogies, between axles of one (UIC-Z coach: 26.4,
19 and 2.5 m; goods wagons are shorter)."""

ROLLING_HZ = (31, 63, 125, 250, 500, 1000, 1600, 2500, 4000, 6300, 10000)
ROLLING_DB = (-8, -6, -8, -8, -5, 0, 0, -3, -10, -20, -34)
"""Wheel and rail roughness heard from beside: ISO 3095 pass-bys peak from 0.8 to 2.5 kHz."""


def axle_times(speed_m_s: float, wagons: int) -> Samples:
    """Return when the axles of a train reach a place, from its first axle on, in seconds.

    Examples
    --------
    >>> t = axle_times(12.5, 2)
    >>> round(float(t[1] - t[0]), 3), round(float(t[4] - t[0]), 3)
    (0.2, 1.92)
    """
    coach = np.array([0.0, AXLES_M, BOGIES_M, BOGIES_M + AXLES_M])
    metres = np.arange(wagons)[:, None] * WAGON_M + coach
    return np.asarray(metres.ravel() / speed_m_s, dtype=np.float64)


def clack(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a wheel over a rail joint: a blow on rail and sleeper."""
    hz = np.array([72.0, 160.0, 390.0, 820.0, 1500.0, 2700.0]) * rng.uniform(0.9, 1.1, 6)
    return modes(rate_hz, hz, [0.05, 0.05, 0.035, 0.03, 0.022, 0.012],
                 [1.0, 0.9, 0.9, 0.7, 0.5, 0.3], attack_s=0.0006)  # fmt: skip


@model(
    "train",
    Control("speed_m_s", "m/s", 3, 85, 18, "speed"),
    Control("joints", "", 0, 1, 0.7, "how loud the joints of the rails are; 0 for welded rails"),
    Control("horn", "", 0, 1, 0.35, "share of trains that sound the horn"),
    source="ISO 3095; Thompson 2009 (rolling noise 0.8–2.5 kHz); UIC-Z coach dimensions",
)
def train(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Trains pass: wheels roll and clack over the joints, bogie by bogie, a diesel ahead."""
    duration = samples / rate_hz
    v = c["speed_m_s"]
    out = np.zeros(samples)
    t = np.arange(samples) / rate_hz
    roll = coloured(samples, rate_hz, rng, ROLLING_HZ, ROLLING_DB)
    roll *= 1 + 0.25 * slow(samples, rate_hz, rng, v / WAGON_M * 2)
    rumble = coloured(samples, rate_hz, rng, [20, 40, 90, 250, 800], [-4, 0, -2, -12, -28])
    squeal_hz = float(rng.uniform(1800, 3600))
    squeal = resonators(rng.standard_normal(samples), rate_hz, [squeal_hz, squeal_hz * 1.48],
                        [12, 18], [1, 0.6])  # fmt: skip
    squeal = unit(squeal) * np.clip(slow(samples, rate_hz, rng, 0.4) - 0.6, 0, 1.5)
    knocks = [clack(rate_hz, rng) for _ in range(4)]
    diesel = Engine(cylinders=12, rough=0.05, pipe_m=2.5, muffled_hz=320, clatter=0.2, breath=0.2)
    ahead: Samples | None = None
    clock = -float(rng.uniform(0.0, 0.3)) * duration
    while clock < duration:
        wagons = int(np.clip(rng.integers(5, 14) * v / 18, 4, 60))
        length_s = wagons * WAGON_M / v
        # a line source of length L heard from d: the level follows its visible angle
        nose, tail = v * (t - clock), v * (t - clock - length_s)
        angle = (np.arctan(nose / 9.0) - np.arctan(tail / 9.0)) / np.pi
        out += angle * (roll + 0.7 * rumble + 0.2 * squeal)
        if c["joints"] > 0:
            for k, axle in enumerate(axle_times(v, wagons)):
                gain = c["joints"] * (9.0 if k % 4 in (0, 2) else 7.0)
                strong = gain * float(np.exp(0.12 * rng.standard_normal()))
                place(out, knocks[k % 4], round((clock + axle) * rate_hz), strong)
        if rng.random() < 0.6:
            if ahead is None:
                ahead = diesel.run(samples, rate_hz, rng, float(rng.uniform(700, 1000)))
            out += 0.9 * ahead / np.sqrt(1 + (nose / 14.0) ** 2)
        if rng.random() < c["horn"]:
            place(out, train_horn(rate_hz, rng), round((clock - rng.uniform(1, 4)) * rate_hz), 1.0)
        clock += length_s + float(rng.uniform(4, 9))
    return unit(hall(out, rate_hz, rng, 0.9, 0.3, 3000.0)) + 0.02 * road_hum(samples, rate_hz, rng)


def train_horn(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a train's horn: three reeds of a chord, a long call or two."""
    length = float(rng.uniform(1.2, 3.0))
    size = int(length * rate_hz)
    t = np.arange(size) / rate_hz
    shape = np.clip(t / 0.08, 0, 1) * np.clip((length - t) / 0.2, 0, 1)
    tone = np.zeros(size)
    root = float(rng.uniform(280, 330))
    for ratio in (1.0, 1.19, 1.49):
        hz = root * ratio * (1 + 0.001 * slow(size, rate_hz, rng, 6.0))
        tone += sawtooth(hz, rate_hz, float(rng.random()))
    return np.asarray(
        unit(
            through(
                tone, rate_hz, lambda f: lowpass(f, 2600.0, 2) * (0.4 + resonance(f, 1100.0, 1.0))
            )
        )
        * shape
    )


@model(
    "steam-train",
    Control("speed_m_s", "m/s", 1, 25, 5, "speed"),
    Control("wheel_m", "m", 0.8, 2.2, 1.4, "diameter of the driving wheels"),
    Control("whistle", "", 0, 1, 0.5, "how often the whistle sounds"),
    source="two cylinders, double-acting: 4 exhaust beats a turn (Semmens & Goldfinch 2000)",
)
def steam_train(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Four beats of steam to each turn of the wheels; rods clank, the whistle blows."""
    duration = samples / rate_hz
    speed = c["speed_m_s"] * (1 + 0.05 * slow(samples, rate_hz, rng, 0.1))
    beats = turned(speed * 4 / (np.pi * c["wheel_m"]), samples, rate_hz)
    part = beats % 1.0
    which = np.floor(beats).astype(np.int64)
    gain = (1 + 0.22 * rng.standard_normal(which[-1] + 2)) * np.tile(
        [1.0, 0.8, 0.92, 0.75], which[-1] // 4 + 2
    )[: which[-1] + 2]
    # steam rushes out as the valve opens and the pressure falls away: a sharp rise, a long breath
    puff = (
        np.clip(part / 0.06, 0, 1)
        * np.exp(-np.maximum(part - 0.06, 0) / 0.24)
        * np.abs(gain[which])
    )
    blast = coloured(samples, rate_hz, rng, [50, 110, 300, 700, 1600, 4000, 9000],
                     [-3, 0, -1, -3, -9, -17, -30])  # fmt: skip
    hiss = coloured(samples, rate_hz, rng, [800, 2500, 6000, 12000], [-18, 0, -1, -8])
    out = blast * puff**1.2 + 0.09 * hiss * (0.7 + puff)
    knocks = [modes(rate_hz, np.array([340.0, 910.0, 1720.0, 2900.0]) * k, [0.05, 0.04, 0.03, 0.02],
                    [1, 0.8, 0.6, 0.4]) for k in (0.94, 1.06)]  # fmt: skip
    for k, hit in enumerate(np.flatnonzero(np.diff(which) > 0)):
        if k % 2 == 0:
            place(out, knocks[k // 2 % 2], int(hit), 0.3 * float(rng.uniform(0.5, 1.2)))
    if c["whistle"] > 0:
        for time in paced(rng, 8.0 / c["whistle"] / 2, duration, 0.3):
            place(out, steam_whistle(rate_hz, rng), round((time - 2) * rate_hz), 1.6)
    return hall(out, rate_hz, rng, 1.6, 0.4, 2500.0) + 0.04 * road_hum(samples, rate_hz, rng)


def steam_whistle(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a chime whistle: organ pipes blown by steam, sliding up as the pressure comes."""
    length = float(rng.uniform(0.7, 2.6))
    size = int(length * rate_hz)
    t = np.arange(size) / rate_hz
    shape = np.clip(t / 0.09, 0, 1) * np.clip((length - t) / 0.15, 0, 1)
    bend = 1 - 0.09 * np.exp(-t / 0.07) - 0.07 * np.clip(1 - (length - t) / 0.2, 0, 1)
    root = float(rng.uniform(400, 680))
    out = np.zeros(size)
    for ratio in (1.0, 1.25, 1.5):
        hz = root * ratio * bend * (1 + 0.002 * slow(size, rate_hz, rng, 9.0))
        turn = 2 * np.pi * np.cumsum(hz) / rate_hz
        out += np.sin(turn) + 0.35 * np.sin(2 * turn) + 0.25 * np.sin(3 * turn)
    steam = coloured(size, rate_hz, rng, [700, 2000, 5000, 11000], [-12, 0, -4, -14])
    return np.asarray((0.9 * unit(out) + 0.3 * steam) * shape)


@model(
    "tram",
    Control("speed_m_s", "m/s", 1, 20, 8, "speed"),
    Control("squeal", "", 0, 1, 0.4, "curve squeal"),
    Control("bell", "", 0, 1, 0.5, "how often the gong is rung"),
    source="Thompson 2009 (curve squeal 0.4–5 kHz); gear-mesh tones ∝ speed",
)
def tram(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A tram: motors hum up and down with speed, wheels grind and squeal, the gong rings."""
    duration = samples / rate_hz
    ride = np.clip(0.75 + 0.45 * slow(samples, rate_hz, rng, 0.09), 0.12, 1.4)
    v = c["speed_m_s"] * ride
    roll = coloured(samples, rate_hz, rng, ROLLING_HZ, ROLLING_DB) * ride**1.2
    rumble = coloured(samples, rate_hz, rng, [25, 50, 110, 300, 900], [-4, 0, -2, -10, -26])
    turn = 2 * np.pi * turned(v * 52.0, samples, rate_hz)
    jitter = 1 + 0.15 * slow(samples, rate_hz, rng, 5.0)
    gears = (np.sin(turn) + 0.6 * np.sin(2 * turn + 1) + 0.4 * np.sin(3.02 * turn)) * jitter
    out = roll + 0.8 * rumble * (0.4 + 0.6 * ride) + 0.35 * gears * (0.3 + 0.7 * ride)
    f = float(rng.uniform(1100, 2800))
    wet = resonators(rng.standard_normal(samples), rate_hz, [f, 2.02 * f, 3.07 * f],
                     [8, 14, 25], [1, 0.6, 0.35])  # fmt: skip
    sticks = np.clip(slow(samples, rate_hz, rng, 0.3) - 0.5, 0, 1.2)
    out += 1.6 * c["squeal"] * unit(wet) * sticks
    knock = clack(rate_hz, rng)
    for time in paced(rng, 3.0 * 8 / c["speed_m_s"], duration, 0.6):
        for late in (0.0, 1.8 / c["speed_m_s"]):
            place(out, knock, round((time + late) * rate_hz), 3.0)
    if c["bell"] > 0:
        gong = modes(rate_hz, np.array([1.0, 1.005, 2.7, 5.1, 8.0]) * rng.uniform(800, 1200),
                     [0.35, 0.3, 0.2, 0.12, 0.06], [1, 0.6, 0.9, 0.5, 0.3])  # fmt: skip
        for time in paced(rng, 7.0 / c["bell"] / 2, duration, 0.4):
            for k in range(int(rng.integers(2, 5))):
                place(out, gong, round((time + 0.17 * k) * rate_hz), 1.3)
    return hall(out, rate_hz, rng, 0.8, 0.35, 3000.0) + 0.06 * road_hum(samples, rate_hz, rng)
