"""Whales, dolphins and seals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Caller,
    Samples,
    company,
    curve,
    gaps,
    seconds,
    swell,
    tail,
    vocal,
    whistled,
)
from earwitness.voice.dsp import band_noise, place, slow, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


def _unit_of_song(rate_hz: int, rng: Rng, base: float) -> Caller:
    """Return one unit of a theme, sung alike each time."""
    partials: tuple[float, ...]
    kind = rng.choice(["moan", "cry", "groan", "shriek", "pulses"], p=[0.35, 0.25, 0.15, 0.15, 0.1])
    if kind == "moan":
        shape = (
            base * np.exp(rng.normal(0, 0.3)) * np.array([1, rng.uniform(0.7, 1.4), 0.8])
        ).tolist()
        length, partials, rough = rng.uniform(1.2, 3.0), (1.0, 0.4, 0.2, 0.1, 0.05), 0.01
    elif kind == "cry":
        top = base * rng.uniform(2.5, 6)
        shape = [top * 0.4, top * rng.uniform(0.6, 1), top * rng.uniform(0.8, 1.3)]
        length, partials, rough = rng.uniform(0.6, 1.8), (1.0, 0.5, 0.3, 0.2, 0.1), 0.01
    elif kind == "groan":
        shape = (base * 0.45 * np.array([1.1, 1.0, 0.75])).tolist()
        length, partials, rough = rng.uniform(0.8, 2.0), (1.0, 0.9, 0.7, 0.5, 0.3, 0.2, 0.1), 0.08
    elif kind == "shriek":
        top = base * rng.uniform(5, 10)
        shape = [top * 0.8, top, top * rng.uniform(0.6, 1.2)]
        length, partials, rough = rng.uniform(0.4, 1.0), (1.0, 0.35, 0.15), 0.02
    else:
        shape = [base * 0.9, base * 1.1]
        length, partials, rough = rng.uniform(0.8, 1.6), (1.0, 0.6, 0.3), 0.02
    beat = rng.uniform(6, 22) if kind == "pulses" else rng.uniform(3, 7)
    depth = 0.95 if kind == "pulses" else rng.uniform(0.0, 0.3)

    def sing(r: Rng) -> Samples:
        n = seconds(length * r.uniform(0.92, 1.08), rate_hz)
        f = curve(n, shape) * r.uniform(0.98, 1.02) * np.exp(rough * slow(n, rate_hz, r, 8.0))
        pulse = 0.5 + 0.5 * np.sin(2 * np.pi * beat * np.arange(n) / rate_hz)
        env = swell(n, 0.2, 0.35, 0.8) * (1 - depth * pulse)
        return unit(whistled(f, env, rate_hz, partials))

    return sing


@model(
    "whale",
    Control("pitch_hz", "Hz", 60, 500, 230, "of the moans"),
    source="Payne & McVay 1971; Dunlop et al. 2007; Mercado et al. 2010 (Megaptera: 30-4000 Hz)",
)
def whale(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a humpback's song: themes of moans, cries and groans, sung again and again, echoing.

    After the hierarchy of Payne & McVay: units make a phrase, a phrase repeated a theme.
    """
    out = np.zeros(samples)
    duration = samples / rate_hz
    base = c["pitch_hz"] * np.exp(rng.normal(0, 0.1))
    at = rng.uniform(0.02, 0.5)
    while at < duration:
        theme = [_unit_of_song(rate_hz, rng, base) for _ in range(int(rng.integers(2, 5)))]
        rest = rng.uniform(0.3, 1.0)
        for _ in range(int(rng.integers(2, 5))):
            for sing in theme:
                note = sing(rng)
                place(out, note, int(at * rate_hz), rng.uniform(0.6, 1))
                at += len(note) / rate_hz + rest * rng.uniform(0.85, 1.15)
                if at > duration:
                    break
            if at > duration:
                break
    return tail(out, rate_hz, rng, 2.8, 0.45, low_hz=80, high_hz=3000)


@model(
    "dolphin",
    Control("pitch_hz", "Hz", 4000, 18000, 8800, "middle of the whistles"),
    Control("count", "", 1, 12, 3, "dolphins"),
    source="Sayigh et al. 2007; Au 1993; Janik & Slater 1998 (Tursiops: 4-20 kHz, clicks)",
)
def dolphin(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return signature whistles that rise and fall, trains of clicks, and creaking buzzes."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    top = 0.44 * rate_hz
    for k in range(min(round(c["count"]), 5)):
        loops = [0.6, 1.25, 0.7] * int(rng.integers(1, 4)) + [rng.uniform(0.7, 1.3)]
        middle = min(c["pitch_hz"] * np.exp(rng.normal(0, 0.15)), 0.65 * top)
        length = rng.uniform(0.5, 1.2)
        loud = 1.0 if k == 0 else rng.uniform(0.2, 0.8)
        for onset in gaps(rng, duration, 1.2, 4.0, first_s=0.3 + 1.5 * (k > 0)):
            n = seconds(length * rng.uniform(0.85, 1.15), rate_hz)
            f = np.minimum(middle * curve(n, [p * rng.uniform(0.95, 1.05) for p in loops]), top)
            note = whistled(f, swell(n, 0.12, 0.15, 0.6), rate_hz, (1.0, 0.15, 0.05))
            place(out, note, int(onset * rate_hz), loud)
        for onset in gaps(rng, duration, 2.0, 5.0, first_s=1.5):
            count = int(rng.integers(15, 90))
            burst = rng.uniform() < 0.35
            pace = rng.uniform(120, 320) if burst else rng.uniform(12, 60)
            spacing = np.geomspace(1, rng.uniform(0.3, 0.9), count) / pace
            n = seconds(0.0012, rate_hz)
            click = rng.standard_normal(n) * np.exp(-np.arange(n) / (0.00012 * rate_hz))
            level = 5.0 * loud * (0.4 if burst else 1.0)
            for t, g in zip(np.cumsum(spacing), np.sin(np.linspace(0.3, 2.9, count))):
                place(out, click, int((onset + t) * rate_hz), level * g * rng.uniform(0.7, 1))
    return out + 0.004 * band_noise(samples, rate_hz, rng, 200, min(8000, top))


@model(
    "seal",
    Control("pitch_hz", "Hz", 120, 600, 290, "fundamental of the bark"),
    Control("count", "", 1, 30, 3, "seals"),
    source="Schusterman & Balliet 1969; Peterson & Bartholomew 1969 (Zalophus: 2-4 barks a second)",
)
def seal(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return barks of a sea lion in long rows, and growls and moans of others."""

    def call(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.13))
        scale = r.uniform(0.9, 1.12)
        if r.uniform() < 0.15:
            n = seconds(r.uniform(0.7, 1.6), rate_hz)
            f = 0.6 * pitch * curve(n, [0.9, 1.1, 0.8])
            formants = np.array([480.0, 1200.0, 2100.0, 3000.0, 4200.0]) * scale
            env = swell(n, 0.2, 0.3)
            return 0.6 * vocal(f, env, rate_hz, r, formants, breath=0.3, chaos=0.08, shimmer=0.4)
        period = r.uniform(0.28, 0.5)
        count = int(r.integers(3, 10))
        out = np.zeros(int((count + 1) * period * rate_hz))
        for k in range(count):
            n = seconds(r.uniform(0.5, 0.65) * period, rate_hz)
            f = pitch * curve(n, [0.8, 1.06, 1.0, 0.75], [0, 0.25, 0.6, 1]) * r.uniform(0.97, 1.03)
            formants = np.array([720.0, 1350.0, 2300.0, 3300.0, 4600.0]) * scale
            bark = vocal(
                f,
                swell(n, 0.12, 0.4, 0.7),
                rate_hz,
                r,
                np.array([formants * 0.8, formants * 1.1, formants * 0.85]),
                breath=0.2,
                chaos=r.uniform(0.02, 0.09),
                subharmonic=r.uniform(0, 0.4),
                sharpness=4.5,
                tilt_hz=900,
                tilt_db=-7,
                shimmer=0.25,
            )
            place(out, bark, int(k * period * r.uniform(0.98, 1.02) * rate_hz), r.uniform(0.8, 1))
        return out

    count = round(c["count"])
    return company(
        samples, rate_hz, rng, call, count, max(0.2, 0.35 / np.sqrt(count)), bank=6, spread_db=15
    )
