"""Dog and cat."""

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
)
from earwitness.voice.dsp import bandpass, place, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "dog",
    Control("pitch_hz", "Hz", 200, 1400, 560, "highest of the fundamental of a bark"),
    Control("count", "", 1, 12, 1, "dogs"),
    Control("size", "", 0.4, 2, 1, "of the dog: larger has a longer tract"),
    Control("panting", "", 0, 1, 0, "1: it rests with its mouth open and does not bark"),
    source="Riede & Fitch 1999; Feddersen-Petersen 2000; Yin & McCowan 2004 (0.15-0.3 s barks)",
)
def dog(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return barks in bouts, each an arch of pitch with a harsh start, and a few growls, whines."""
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 6)):
        size = c["size"] * np.exp(rng.normal(0, 0.15 if k == 0 else 0.25))
        pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.18 if k == 0 else 0.25))
        loud = 1.0 if k == 0 else 10 ** (-rng.uniform(0, 10) / 20)
        if c["panting"] >= 0.5:
            out += loud * _panter(samples, rate_hz, rng, size)
            continue
        out += loud * _barker(samples, rate_hz, rng, pitch, size, first_s=0.4 + 1.6 * (k > 0))
    return out


def _panter(samples: int, rate_hz: int, rng: Rng, size: float) -> Samples:
    """Return breaths out and in, three to five a second, with a rest and a lick now and then."""
    out = np.zeros(samples)
    pace = 4.4 * size**-0.3 * rng.uniform(0.85, 1.15)
    tract_hz = 1500 / size
    at, breaths = rng.uniform(0, 0.3), 0
    while at < samples / rate_hz:
        step = 1 / (pace * rng.uniform(0.92, 1.08))
        for share, low, loud in ((0.0, 0.55, 1.0), (0.52, 0.8, rng.uniform(0.45, 0.65))):
            n = seconds(0.46 * step, rate_hz)
            hiss = rng.standard_normal(n)
            breath = bandpass(hiss, rate_hz, low * tract_hz, 3.2 * tract_hz)
            breath = breath + 0.25 * bandpass(hiss, rate_hz, 300, 900)
            place(
                out, unit(breath) * swell(n, 0.35, 0.5), int((at + share * step) * rate_hz),
                loud * rng.uniform(0.8, 1.0),
            )  # fmt: skip
        at, breaths = at + step, breaths + 1
        if breaths > 12 and rng.uniform() < 0.04:
            at, breaths = at + rng.uniform(0.3, 0.9), 0
    return out


def _barker(
    samples: int, rate_hz: int, rng: Rng, pitch: float, size: float, *, first_s: float
) -> Samples:
    length_m = 0.15 * size
    harsh, low_start = rng.uniform(0.02, 0.16), rng.uniform(0.55, 0.8)
    length_s = rng.uniform(0.14, 0.26) * size**0.3
    pause = rng.uniform(0.16, 0.45)
    doubles = rng.uniform() < 0.3

    def bark(r: Rng, effort: float) -> Samples:
        n = seconds(length_s * r.uniform(0.85, 1.15), rate_hz)
        points = [low_start, 1.0, 0.93, 0.5 * (1 + low_start) - 0.15]
        f = pitch * effort * curve(n, points, [0, 0.3, 0.6, 1]) * r.uniform(0.95, 1.05)
        shapes = np.array(
            [tube(length_m, 7, 0.1), tube(length_m * 0.96, 7, 0.9), tube(length_m, 7, 0.2)]
        )
        rough = harsh * r.uniform(0.7, 1.5) * (1 + 1.5 * np.exp(-np.arange(n) / (0.12 * n)))
        return vocal(
            f,
            swell(n, 0.16, 0.6, 0.8),
            rate_hz,
            r,
            shapes,
            breath=0.28,
            chaos=rough,
            subharmonic=r.uniform(0, 0.4),
            sharpness=4.5,
            tilt_hz=800,
            tilt_db=-9,
            beak_hz=400,
            shimmer=0.2,
        )

    def bout(r: Rng) -> Samples:
        parts: list[Samples] = []
        if r.uniform() < 0.08:  # a growl
            n = seconds(r.uniform(0.6, 1.3), rate_hz)
            f = 0.16 * pitch * curve(n, [1.0, 1.15, 0.95]) * r.uniform(0.9, 1.2)
            shapes = tube(length_m, 6, -0.3)
            growl = vocal(
                f, swell(n, 0.3, 0.3), rate_hz, r, shapes, breath=0.3, chaos=0.08, shimmer=0.4
            )
            parts += [0.25 * growl, np.zeros(int(0.1 * rate_hz))]
        effort = r.uniform(0.9, 1.1)
        for _ in range(int(r.choice([1, 2, 2, 3, 3, 4, 5, 7]))):
            sound = bark(r, effort)
            parts += [r.uniform(0.75, 1) * sound]
            if doubles and r.uniform() < 0.6:
                parts += [np.zeros(int(0.06 * rate_hz)), 0.7 * bark(r, 0.92 * effort)]
            parts.append(np.zeros(int(pause * r.uniform(0.75, 1.4) * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bout, 0.4, 3.0, first_s=first_s)


@model(
    "cat",
    Control("pitch_hz", "Hz", 300, 1200, 620, "highest of the fundamental of a miaow"),
    Control("count", "", 1, 6, 1, "cats"),
    source="Nicastro 2004; Schötz & van de Weijer 2014 (Felis catus: 0.5-1 s, 400-800 Hz)",
)
def cat(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return miaows: the mouth opens and closes over an arch of pitch, i-a-o."""
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 4)):
        pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.13))
        scale = np.exp(rng.normal(0, 0.07))
        length = rng.uniform(0.55, 1.0)

        def miaow(
            r: Rng, pitch: float = pitch, scale: float = scale, length: float = length
        ) -> Samples:
            n = seconds(length * r.uniform(0.8, 1.25), rate_hz)
            top = r.uniform(0.3, 0.55)
            shape = [r.uniform(0.68, 0.85), 1.0, 0.93, r.uniform(0.55, 0.78)]
            f = pitch * curve(n, shape, [0, top, top + 0.2, 1]) * r.uniform(0.95, 1.06)
            f *= 1 + 0.008 * np.sin(2 * np.pi * r.uniform(5, 8) * np.arange(n) / rate_hz)
            mouth = np.array(
                [
                    [500.0, 2300.0, 3600.0, 5200.0, 7200.0],  # m, i
                    [850.0, 2500.0, 3700.0, 5300.0, 7400.0],  # e
                    [1350.0, 2150.0, 3600.0, 5200.0, 7300.0],  # a
                    [1150.0, 1700.0, 3400.0, 5000.0, 7000.0],
                    [650.0, 1250.0, 3200.0, 4800.0, 6800.0],  # o, u
                ]
            )
            rough = r.choice([0.0, 0.0, 0.02, 0.06])
            return vocal(
                f,
                swell(n, 0.22, 0.35, 0.7),
                rate_hz,
                r,
                mouth * scale * r.uniform(0.97, 1.03),
                breath=0.06,
                chaos=rough,
                sharpness=6,
                tilt_hz=2000,
                tilt_db=-8,
                beak_hz=900,
            )

        loud = 1.0 if k == 0 else rng.uniform(0.4, 0.9)
        out += loud * recital(samples, rate_hz, rng, miaow, 0.5, 3.2, first_s=0.4 + 2 * (k > 0))
    return out
