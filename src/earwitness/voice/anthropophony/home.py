"""At home and at the desk: clock, door, kitchen, keyboard, camera."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.airflow import creaking
from earwitness.voice.anthropophony.events import modes, paced, puff
from earwitness.voice.anthropophony.many import china
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall
from earwitness.voice.anthropophony.works import blow
from earwitness.voice.dsp import place, poisson, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model


@model(
    "clock",
    Control("rate_per_s", "1/s", 0.5, 6, 1, "ticks and tocks a second; 4 or 5 for small clocks"),
    Control("size", "", 0.3, 4, 1, "of the case; the larger, the lower"),
    source="seconds pendulum 1 beat/s, alarm clocks 4 (14 400/h); lock, drop, impulse",
)
def clock(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """An escapement: each beat three small knocks within 15 ms, tick unlike tock."""
    period = 1.0 / c["rate_per_s"]
    first = float(rng.random()) * period
    count = int((samples / rate_hz - first) / period) + 1
    # an escapement keeps time: half a millisecond of jitter
    times = first + period * np.arange(max(count, 1)) + 0.0005 * rng.standard_normal(max(count, 1))
    beats = []
    base = (
        np.array([720.0, 1650.0, 2900.0, 4300.0, 6400.0]) / c["size"] * rng.uniform(0.85, 1.15, 5)
    )
    # no two strokes of the pallets are quite alike: five ticks and five tocks, drawn by chance
    for lean in (1.0, 0.88) * 5:
        gains = np.array([0.5, 0.8, 1.0, 0.7, 0.6]) * np.exp(0.25 * rng.standard_normal(5))
        tuned = base * lean * (1 + 0.02 * rng.standard_normal(5))
        knock = modes(rate_hz, tuned, [0.014, 0.01, 0.007, 0.005, 0.004],
                      gains, attack_s=0.0001)  # fmt: skip
        grain = np.zeros(len(knock) + int(0.02 * rate_hz))
        for late, gain in ((0.0, 0.5), (0.005, 1.0), (0.012 * lean, 0.45)):
            late *= 1 + 0.06 * float(rng.standard_normal())
            place(grain, knock, max(0, round(late * rate_hz)), gain * float(rng.uniform(0.8, 1.2)))
        beats.append(grain * (1.0 if lean == 1 else 0.8))
    which = np.arange(len(times)) % 2 + 2 * rng.integers(0, 5, len(times))
    loud = np.exp(0.05 * rng.standard_normal(len(times)))
    out = scatter(samples, rate_hz, times, beats, loud, which)
    room = 0.012 * room_tone(samples, rate_hz, rng)
    return unit(hall(out, rate_hz, rng, 0.4, 0.45, 5000.0)) + room if np.any(out) else room


@model(
    "door",
    Control("events_per_min", "1/min", 2, 30, 9, "how often it is moved"),
    Control("creak", "", 0, 1, 0.7, "how dry the hinge is"),
    source="Farnell 2010, ch. 28 (creaking door); Rath & Rocchesso 2005 (friction)",
)
def door(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A latch clicks, the hinge creaks by stick and slip, the door falls shut."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    moment = float(rng.uniform(0, 0.3))
    while moment < duration:
        latch = modes(rate_hz, np.array([640, 1500, 2700, 4600]) * rng.uniform(0.85, 1.15),
                      [0.02, 0.015, 0.01, 0.006], [0.8, 1, 0.8, 0.5], attack_s=0.0002)  # fmt: skip
        place(out, latch, round(moment * rate_hz), 0.5)
        place(out, latch, round((moment + rng.uniform(0.06, 0.18)) * rate_hz), 0.7)
        length = float(rng.uniform(1.2, 3.0))
        size = int(length * rate_hz)
        hinge = unit(creaking(size, rate_hz, rng, 1.2, float(rng.uniform(50, 160))))
        hinge *= np.sin(np.pi * np.linspace(0, 1, size)) ** 0.4
        place(out, hinge, round((moment + 0.25) * rate_hz), c["creak"])
        moment += 0.3 + length
        if rng.random() < 0.75:
            slam = modes(
                rate_hz,
                np.array([62, 118, 190, 340, 620]) * rng.uniform(0.85, 1.15),
                [0.09, 0.07, 0.05, 0.035, 0.02],
                [1, 1, 0.8, 0.6, 0.4],
                attack_s=0.002,
            )
            hard = float(rng.uniform(0.8, 2.5))
            place(out, slam, round(moment * rate_hz), hard)
            place(
                out, puff(rate_hz, rng, 0.001, 0.03, 150, 3000), round(moment * rate_hz), 0.8 * hard
            )
            place(out, latch, round((moment + 0.012) * rate_hz), 0.9)
        moment += 60.0 / c["events_per_min"] * float(rng.uniform(0.1, 0.5))
    return hall(out, rate_hz, rng, 0.6, 0.4, 3500.0) + 0.01 * room_tone(samples, rate_hz, rng)


@model(
    "kitchen",
    Control("activity", "", 0, 1, 0.5, "how much is going on"),
    Control("water", "", 0, 1, 0.4, "how often the tap runs"),
    source="modal impacts: van den Doel & Pai 1998; Farnell 2010",
)
def kitchen(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Dishes clink, pans ring, a knife chops, the tap runs, fat sizzles."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    dishes = [china(rate_hz, rng) for _ in range(12)]
    times = poisson(rng, 0.8 + 3.0 * c["activity"], duration)
    extra = times[rng.random(len(times)) < 0.6] + rng.uniform(0.05, 0.3)
    times = np.concatenate([times, extra])
    out += scatter(samples, rate_hz, times, dishes, np.exp(0.7 * rng.standard_normal(len(times))),
                   rng.integers(0, 12, len(times)))  # fmt: skip
    for time in poisson(rng, 0.25 + 0.4 * c["activity"], duration):
        f = float(rng.uniform(260, 620))
        pan = modes(rate_hz, f * np.array([1, 1.9, 2.8, 4.1, 5.7, 8.2]),
                    np.array([0.25, 0.3, 0.22, 0.15, 0.1, 0.06]) * rng.uniform(0.3, 1.3),
                    rng.uniform(0.3, 1, 6), attack_s=0.0003, longest_s=1.5)  # fmt: skip
        place(out, pan, round(time * rate_hz), float(rng.uniform(0.5, 1.5)))
    for time in paced(rng, 6.0, duration, 0.4):  # chopping on a board
        for k in range(int(rng.integers(5, 12))):
            moment = time + 0.21 * k + 0.015 * float(rng.standard_normal())
            place(
                out,
                blow(rate_hz, rng, 0.3, 0.9),
                round(moment * rate_hz),
                float(rng.uniform(0.6, 1.2)),
            )
    tap = coloured(
        samples, rate_hz, rng, [150, 500, 1200, 3000, 6000, 12000], [-14, -6, -2, 0, -4, -14]
    )
    on = np.clip(3 * slow(samples, rate_hz, rng, 0.12) - 1.8 + 2.2 * c["water"], 0, 1)
    spit = np.where(rng.random(samples) < 90 / rate_hz, rng.exponential(1.0, samples), 0.0)
    fat = coloured(samples, rate_hz, rng, [1500, 4000, 9000], [-10, 0, -6])
    out += 0.35 * tap * on + 0.06 * fat * (1 + 0.4 * slow(samples, rate_hz, rng, 8.0)) + 0.05 * spit
    return hall(out, rate_hz, rng, 0.5, 0.5, 4000.0) + 0.06 * room_tone(samples, rate_hz, rng)


@model(
    "typing",
    Control("keys_per_s", "1/s", 1, 12, 5.0, "keystrokes a second while typing"),
    Control("hardness", "", 0, 1, 0.4, "0 a laptop, 0.5 a mechanical keyboard, 1 a typewriter"),
    source="Dhakal et al. 2018 (52 words/min, inter-key 240 ms); Zhuang et al. 2009",
)
def typing(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Keys go down and come up, in bursts of words with rests; the space bar is deeper."""
    duration = samples / rate_hz
    hard = c["hardness"]
    out = np.zeros(samples)
    keys = []
    for _ in range(9):
        hz = np.array([380, 900, 1900, 3300, 5200, 7600]) * rng.uniform(0.85, 1.2, 6)
        body = modes(
            rate_hz,
            hz,
            np.array([0.008, 0.006, 0.005, 0.004, 0.003, 0.0025]) * (0.8 + 1.5 * hard),
            np.array([0.6, 0.7, 0.8, 0.9, 0.7, 0.5]) * rng.uniform(0.5, 1, 6),
            attack_s=0.0003,
        )
        click = puff(rate_hz, rng, 0.0003, 0.003, 1500, 9000)
        grain = np.zeros(max(len(body), len(click)))
        grain[: len(body)] += body
        grain[: len(click)] += 0.8 * click
        keys.append(grain)
    space = modes(rate_hz, [190, 420, 980, 2100], [0.014, 0.01, 0.006, 0.004], [1, 0.9, 0.6, 0.4])
    moment = float(rng.uniform(0, 0.3))
    while moment < duration:
        for _ in range(int(rng.integers(2, 9))):
            force = float(np.exp(0.25 * rng.standard_normal()))
            key = keys[int(rng.integers(9))]
            place(out, key, round(moment * rate_hz), force)
            up = moment + float(rng.uniform(0.06, 0.12))
            place(out, key, round(up * rate_hz), 0.3 * force)
            # intervals between keys are log-normal
            moment += float(np.exp(0.35 * rng.standard_normal())) / c["keys_per_s"] * 0.94
        place(out, space, round(moment * rate_hz), 1.1)
        moment += float(rng.gamma(2.0, 0.5)) / c["keys_per_s"]
        if rng.random() < 0.12:
            moment += float(rng.uniform(0.5, 1.6))
            if hard > 0.8:
                bell = modes(rate_hz, [2300, 5100, 8800], [0.3, 0.2, 0.1], [1, 0.6, 0.3])
                place(out, bell, round((moment - 0.4) * rate_hz), 0.8)
    return unit(hall(out, rate_hz, rng, 0.3, 0.3, 5000.0)) + 0.02 * room_tone(samples, rate_hz, rng)


@model(
    "camera",
    Control("rate_per_min", "1/min", 4, 300, 30, "pictures a minute"),
    Control("shutter_s", "s", 0.004, 1, 0.04, "exposure: between mirror up and mirror down"),
    source="single-lens reflex: mirror, first and second curtain, mirror back, film or motor wind",
)
def camera(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A mirror slaps up, curtains run, the mirror slaps down; the motor winds on."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    f = float(rng.uniform(0.85, 1.2))
    slap = modes(
        rate_hz,
        f * np.array([310, 760, 1500, 2800, 4700]),
        [0.012, 0.01, 0.008, 0.006, 0.004],
        [1, 0.9, 0.9, 0.8, 0.5],
        attack_s=0.0002,
    )
    tick = modes(
        rate_hz,
        f * np.array([2200, 3900, 6100, 9000]),
        [0.005, 0.005, 0.004, 0.003],
        [0.8, 1, 0.9, 0.6],
    )
    winds = rng.random() < 0.7
    for time in paced(rng, 60.0 / c["rate_per_min"], duration, 0.35):
        place(out, slap, round(time * rate_hz), 1.0)
        place(out, puff(rate_hz, rng, 0.0005, 0.008, 1000, 9000), round(time * rate_hz), 0.5)
        place(out, tick, round((time + 0.02) * rate_hz), 0.6)
        end = time + 0.03 + c["shutter_s"]
        place(out, tick, round(end * rate_hz), 0.7)
        place(out, slap, round((end + 0.012) * rate_hz), 0.8)
        if winds:
            size = int(rng.uniform(0.2, 0.5) * rate_hz)
            turn = np.cumsum(
                rng.uniform(380, 520)
                * (0.7 + 0.3 * np.minimum(np.arange(size) / 0.05 / rate_hz, 1))
            )
            whir = np.tanh(2 * np.sin(2 * np.pi * turn / rate_hz)) * 0.12
            whir += 0.1 * coloured(size, rate_hz, rng, [800, 2500, 7000], [-4, 0, -8])
            place(
                out,
                whir * np.sin(np.pi * np.linspace(0, 1, size)) ** 0.3,
                round((end + 0.05) * rate_hz),
            )
    if not np.any(out):
        place(out, slap, samples // 3)
    return unit(hall(out, rate_hz, rng, 0.35, 0.3, 5000.0)) + 0.01 * room_tone(
        samples, rate_hz, rng
    )
