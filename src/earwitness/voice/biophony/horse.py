"""The horse: its whinny and its hooves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Samples,
    curve,
    recital,
    seconds,
    swell,
    tube,
    vocal,
    whistled,
)
from earwitness.voice.dsp import bandpass, lowpass, modes, place, slow, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "horse",
    Control("pitch_hz", "Hz", 300, 1100, 640, "highest of the low fundamental of a whinny"),
    source="Briefer et al. 2015 (two fundamentals); Lemasson et al. 2009 (Equus caballus)",
)
def horse(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return whinnies that rise, shake and fall into a nicker; snorts between."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.12))
    tract_m = 0.42 * np.exp(rng.normal(0, 0.06))

    def whinny(r: Rng) -> Samples:
        n = seconds(r.uniform(1.3, 2.4), rate_hz)
        x = np.linspace(0, 1, n)
        f = pitch * curve(n, [0.6, 0.97, 1.0, 0.82, 0.42], [0, 0.12, 0.35, 0.65, 1])
        f *= r.uniform(0.95, 1.05)
        beat = r.uniform(10, 14)
        shake = np.sin(2 * np.pi * beat * np.arange(n) / rate_hz + 2 * slow(n, rate_hz, r, 2.0))
        depth = np.clip((x - 0.25) / 0.3, 0, 1)
        f *= 1 + 0.045 * depth * shake
        env = swell(n, 0.08, 0.25, 0.8) * (1 - 0.65 * depth * (0.5 - 0.5 * shake))
        shapes = np.array([tube(tract_m, 8, 0.5), tube(tract_m, 8, 0.8), tube(tract_m, 8, -0.2)])
        body = vocal(
            f,
            env,
            rate_hz,
            r,
            shapes,
            breath=0.12,
            chaos=0.03 + 0.1 * x**2,
            sharpness=4,
            tilt_hz=1800,
            tilt_db=-6,
            beak_hz=700,
        )
        # The second fundamental is a whistle of the larynx, not a harmonic of the first.
        high = pitch * r.uniform(2.3, 2.9) * curve(n, [0.75, 1.0, 1.02, 0.9, 0.65])
        high *= 1 + 0.02 * depth * shake
        whistle = whistled(high, env * swell(n, 0.15, 0.5), rate_hz, (1.0, 0.25, 0.1))
        parts = [body + r.uniform(0.2, 0.7) * unit(whistle)]
        if r.uniform() < 0.6:  # the nicker at the end
            m = seconds(r.uniform(0.4, 0.9), rate_hz)
            y = np.linspace(0, 1, m)
            pulse = 0.5 + 0.5 * np.sin(2 * np.pi * r.uniform(11, 15) * np.arange(m) / rate_hz)
            low = 0.22 * pitch * curve(m, [1.1, 0.9])
            shapes = tube(tract_m, 7, -0.4)
            env = pulse**1.5 * (1 - y)
            nicker = vocal(
                low,
                pulse**1.5 * (1 - y),
                rate_hz,
                r,
                tube(tract_m, 7, -0.4),
                breath=0.3,
                chaos=0.05,
            )
            parts.append(0.4 * nicker)
        return np.concatenate(parts)

    def snort(r: Rng) -> Samples:
        n = seconds(r.uniform(0.5, 1.0), rate_hz)
        flap = 0.5 + 0.5 * np.sin(2 * np.pi * r.uniform(22, 32) * np.arange(n) / rate_hz)
        blow = bandpass(r.standard_normal(n), rate_hz, 300, 5000, order=1)
        return np.asarray(0.6 * unit(blow * swell(n, 0.08, 0.6) * (0.3 + 0.7 * flap)))

    def call(r: Rng) -> Samples:
        return snort(r) if r.uniform() < 0.15 else whinny(r)

    return recital(samples, rate_hz, rng, call, 0.7, 3.0)


_GAITS = (
    (0.0, 0.85, (0.0, 0.25, 0.5, 0.75)),  # walk: four beats
    (2.4, 1.35, (0.0, 0.03, 0.5, 0.53)),  # trot: two pairs
    (4.6, 1.65, (0.0, 0.27, 0.3, 0.55)),  # canter: three beats
    (9.0, 2.2, (0.0, 0.12, 0.3, 0.42)),  # gallop: four quick ones
)
"""From which speed in m/s, strides a second there, when the feet fall within a stride."""


def gait(speed_m_s: float) -> tuple[float, tuple[float, ...]]:
    """Return strides a second and the falls of the four feet within a stride.

    Examples
    --------
    >>> gait(1.5)[1]
    (0.0, 0.25, 0.5, 0.75)
    """
    start, strides, falls = [g for g in _GAITS if speed_m_s >= g[0]][-1]
    middle = {0.0: 1.6, 2.4: 3.4, 4.6: 6.0, 9.0: 12.0}[start]
    return strides * (max(speed_m_s, 0.5) / middle) ** 0.35, falls


@model(
    "hooves",
    Control("speed_m_s", "m/s", 0.8, 16, 3.2, "walk, trot, canter, gallop"),
    Control("hardness", "", 0, 1, 0.75, "of the ground: 0 turf, 1 cobbles"),
    Control("count", "", 1, 12, 1, "horses"),
    source="Hildebrand 1965 and Robilliard et al. 2007 (gaits); Farnell 2010 (impacts)",
)
def hooves(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return hoof falls in the rhythm of the gait: a shod clop and the thud of the ground."""
    strides, falls = gait(c["speed_m_s"])
    hard = c["hardness"]
    duration = samples / rate_hz
    out = np.zeros(samples)
    n = seconds(0.16, rate_hz)
    t = np.arange(n) / rate_hz
    for k in range(min(round(c["count"]), 6)):
        pace = strides * (1 if k == 0 else rng.uniform(0.93, 1.07))
        feet = []
        for foot in range(4):
            tone = rng.uniform(750, 1250) * (0.9 if foot % 2 else 1.0)
            feet.append(
                tone * np.array([0.5, 1.0, 1.72, 2.6, 3.9]) * np.exp(rng.normal(0, 0.05, 5))
            )
        loud_k = 1.0 if k == 0 else 10 ** (-rng.uniform(1, 9) / 20)
        at, stride = rng.uniform(0.02, 0.3) * (k > 0), 0
        while at < duration:
            for foot, fall in enumerate(falls):
                clop = modes(
                    n,
                    rate_hz,
                    feet[foot] * np.exp(rng.normal(0, 0.02, 5)),
                    np.array([0.09, 0.11, 0.08, 0.05, 0.03]) * rng.uniform(0.8, 1.2),
                    np.array([0.5, 1.0, 0.7, 0.4, 0.25]) * rng.uniform(0.6, 1.3, 5),
                )
                tap = rng.standard_normal(n) * np.exp(-t / 0.002)
                grit = rng.standard_normal(n) * np.exp(-t / 0.02) * np.minimum(t / 0.003, 1)
                thud = lowpass(rng.standard_normal(n) * np.exp(-t / 0.03), rate_hz, 220)
                step = hard * (0.8 * clop + 0.8 * tap) + 0.25 * grit + (1.3 - hard) * 2.5 * thud
                when = at + (fall + 0.008 * rng.standard_normal()) / pace
                place(out, step, int(when * rate_hz), loud_k * rng.uniform(0.6, 1.0))
            stride += 1
            at += (1 + 0.02 * rng.standard_normal()) / pace
    return out
