"""Explosions: gunshots and fireworks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import paced, puff
from earwitness.voice.anthropophony.many import babble
from earwitness.voice.anthropophony.response import coloured, hall
from earwitness.voice.anthropophony.road import road_hum
from earwitness.voice.dsp import lowpass, place, scatter, unit
from earwitness.voice.model import Control, Samples, model


def friedlander(rate_hz: int, positive_s: float) -> Samples:
    """Return a blast wave: a jump, and a fall below rest: ``(1 - t/T) exp(-t/T)``.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    positive_s
        How long the overpressure lasts.

    Examples
    --------
    >>> wave = friedlander(48000, 0.001)
    >>> int(np.argmax(wave < 0))
    49
    """
    t = np.arange(max(4, int(9 * positive_s * rate_hz))) / rate_hz
    return np.asarray((1 - t / positive_s) * np.exp(-t / positive_s))


def report(
    rate_hz: int, rng: np.random.Generator, positive_s: float, tail_s: float, dull_hz: float
) -> Samples:
    """Return a shot or burst as heard outdoors: the blast, the ground, a tail of reflections."""
    size = int((tail_s * 1.1 + 0.05) * rate_hz)
    out = np.zeros(size)
    blast = friedlander(rate_hz, positive_s)
    place(out, blast, 0, 6.0)
    place(out, -0.5 * blast, int(float(rng.uniform(0.002, 0.006)) * rate_hz), 6.0)
    place(out, puff(rate_hz, rng, 0.0003, 0.012, 200, 7000), 0, 2.2)
    t = np.arange(size) / rate_hz
    rough = coloured(
        size, rate_hz, rng, [40, 120, 400, 1200, 4000, 9000], [-3, 0, -4, -11, -23, -38]
    )
    body = np.exp(-t / (0.12 * tail_s)) + 0.18 * np.exp(-t / (0.3 * tail_s))
    out += 1.4 * rough * body * (1 - np.exp(-t / 0.004))
    # walls, trees and hills answer one by one
    for _ in range(int(rng.integers(4, 10))):
        late = float(rng.uniform(0.05, 0.7)) * tail_s
        echo = lowpass(blast, rate_hz, dull_hz * float(rng.uniform(0.2, 0.7)))
        place(
            out,
            echo,
            int(late * rate_hz),
            3.0 * float(rng.uniform(0.2, 1)) * np.exp(-3 * late / tail_s),
        )
    out = lowpass(out, rate_hz, dull_hz, order=1)
    fade = size // 8
    out[-fade:] *= np.linspace(1, 0, fade)
    return out


@model(
    "gunshot",
    Control("rate_per_min", "1/min", 2, 900, 22, "shots a minute"),
    Control("distance_m", "m", 5, 2000, 60, "distance"),
    Control("positive_ms", "ms", 0.2, 6, 0.6, "overpressure of the muzzle blast"),
    source="Maher 2007 (muzzle blast, 3–5 ms); Friedlander 1946; ISO 17201-1",
)
def gunshot(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Shots: a blast wave and what field, wood and hill send back."""
    duration = samples / rate_hz
    far = c["distance_m"]
    dull = float(np.clip(14000.0 * (60.0 / far) ** 0.6, 500, 16000))
    tail = float(np.clip(0.9 + 0.25 * np.log2(far / 60), 0.5, 3.0))
    # a blast lengthens on its way
    positive = c["positive_ms"] / 1000 * (far / 60) ** 0.25
    shots = [
        report(rate_hz, rng, positive * float(rng.uniform(0.9, 1.1)), tail, dull) for _ in range(4)
    ]
    period = 60.0 / c["rate_per_min"]
    times = paced(rng, period, duration, 0.4 if period > 0.4 else 0.05)
    if not len(times) or times[0] > 0.6 * duration:
        times = np.append(times, min(0.3, 0.2 * duration))
    out = scatter(samples, rate_hz, times, shots, np.exp(0.1 * rng.standard_normal(len(times))))
    return out + 0.004 * road_hum(samples, rate_hz, rng)


@model(
    "fireworks",
    Control("rate_per_s", "1/s", 0.1, 8, 1.3, "shells a second"),
    Control("distance_m", "m", 30, 2000, 180, "distance"),
    Control("crowd", "", 0, 1, 0.25, "people who watch"),
    source="Farnell 2010, ch. 38; Friedlander 1946; Maher 2007",
)
def fireworks(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Shells thump out, whistle up, burst, and crackle away."""
    duration = samples / rate_hz
    far = c["distance_m"]
    dull = float(np.clip(1800.0 * (180.0 / far) ** 0.6, 250, 9000))
    bursts = [
        report(rate_hz, rng, 0.0022 * float(rng.uniform(0.6, 2.2)), 1.3, dull) for _ in range(4)
    ]
    snaps = [
        puff(rate_hz, rng, 0.0002, float(rng.uniform(0.002, 0.006)), 1200, 11000) for _ in range(6)
    ]
    out = np.zeros(samples)
    clock = -float(rng.uniform(0, 1.0))
    while clock < duration:
        rise = float(rng.uniform(0.8, 1.6))
        if rng.random() < 0.5:
            place(out, friedlander(rate_hz, 0.006), round(clock * rate_hz), 1.5)
        if rng.random() < 0.4:
            place(out, _whistling(rate_hz, rng, rise), round(clock * rate_hz), 0.3)
        loud = float(np.exp(0.5 * rng.standard_normal()))
        place(out, bursts[int(rng.integers(4))], round((clock + rise) * rate_hz), loud)
        if rng.random() < 0.55:
            count = int(rng.integers(30, 140))
            when = clock + rise + 0.3 + rng.gamma(2.5, 0.35, count)
            inside = when < duration
            gains = rng.uniform(0.05, 0.4, int(inside.sum())) * loud
            out += scatter(samples, rate_hz, when[inside], snaps, gains)
        clock += float(rng.exponential(1.0 / c["rate_per_s"])) + 0.05
    out = hall(out, rate_hz, rng, 2.0, 0.25, 1500.0)
    if c["crowd"] > 0:
        out += 0.12 * c["crowd"] * babble(samples, rate_hz, rng, 8, 2)
    return unit(out) + 0.02 * road_hum(samples, rate_hz, rng)


def _whistling(rate_hz: int, rng: np.random.Generator, length_s: float) -> Samples:
    """Return the whistle of a rocket: it falls as the tube empties and the rocket leaves."""
    size = int(length_s * rate_hz)
    t = np.linspace(0, 1, size)
    start, end = float(rng.uniform(2600, 3800)), float(rng.uniform(900, 1900))
    hz = start * (end / start) ** t * (1 + 0.01 * np.sin(2 * np.pi * 30 * t))
    tone = np.sin(2 * np.pi * np.cumsum(hz) / rate_hz)
    rush = coloured(size, rate_hz, rng, [600, 2000, 6000], [-6, 0, -8])
    return np.asarray((tone + 0.35 * rush) * np.sin(np.pi * t**0.6) ** 0.8)
