"""Struck strings, plates and tubes: piano, gong, wind chimes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import Note, chords, draw_key, in_room, melody, play

BAR_RATIOS = (1.0, 2.756, 5.404, 8.933, 13.344)
"""Modes of a bar free at both ends, over the first (Rayleigh 1894; Fletcher & Rossing 1998)."""


def piano_inharmonicity(pitch_hz: float) -> float:
    """Return the stiffness coefficient B of a piano's string (after Fletcher 1964, Young 1952).

    Doubles about every 8½ semitones above the middle, and rises again in the bass.

    Examples
    --------
    >>> round(piano_inharmonicity(261.63) * 1e4, 1)
    3.8
    """
    semitones = 12 * np.log2(pitch_hz / 261.63)
    return float(3.5e-4 * 2 ** (semitones / 8.5) + 1.0e-4 * 2 ** (-(semitones + 20) / 12))


def piano_partials_hz(pitch_hz: float, count: int) -> Samples:
    """Return the partials of a stiff string: ``n f0 √(1 + B n²)``."""
    n = np.arange(1, count + 1)
    return np.asarray(n * pitch_hz * np.sqrt(1 + piano_inharmonicity(pitch_hz) * n**2))


def piano_tone(rate_hz: int, rng: np.random.Generator, note: Note, length: int) -> Samples:
    """Return one note of a piano: hammer, two-stage decay of coupled strings, damper."""
    f0 = note.pitch_hz
    count = int(np.clip(5500 / f0, 5, 30))
    f = piano_partials_hz(f0, count)
    n = np.arange(1, count + 1)
    felt_hz = 350.0 + 2600.0 * note.velocity**1.6 + 0.9 * f0
    level = np.abs(np.sin(np.pi * n / 8.3)) / n**0.6 * np.exp(-f / felt_hz)
    level *= rng.lognormal(0, 0.18, count)
    longest = 14.0 * (110.0 / f0) ** 0.55
    t60 = longest / (1 + (f / 1500.0) ** 1.1 + 0.04 * n)
    # Coupled strings fall fast together, then slowly apart, beating (Weinreich 1977).
    pairs = min(count, 8)
    spread = 2 ** (rng.normal(0, 0.35, pairs) / 1200)
    sound = dsp.modes(
        length,
        rate_hz,
        np.concatenate([f, f[:pairs] * spread]),
        np.concatenate([0.45 * t60, 1.6 * t60[:pairs]]),
        np.concatenate([level, 0.28 * level[:pairs]]),
        rng.uniform(0, 0.6, count + pairs),
    )
    thump = min(length, round(0.06 * rate_hz))
    knock = dsp.lowpass(rng.standard_normal(thump), rate_hz, 180 + 0.8 * f0)
    knock *= dsp.decaying(thump, rate_hz, 0.001, 0.06)
    sound[:thump] += 0.35 * float(level.max()) * knock
    t = np.arange(length) / rate_hz
    damped = np.exp(-np.maximum(t - note.duration_s, 0) * 22.0)
    attack = np.minimum(t / 0.0015, 1.0)
    return np.asarray(note.velocity**1.5 * sound * damped * attack / np.sqrt(f0 / 220))


@model(
    "piano",
    Control("tempo_bpm", "1/min", 40, 200, 92, "beats per minute"),
    Control("pitch_hz", "Hz", 110, 700, 262, "tonic of the tune"),
    source="Fletcher 1964 and Young 1952, inharmonicity; Weinreich 1977, coupled strings",
)
def piano(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A piano: a tune over broken chords."""
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "major", "minor", "dorian")
    beat = 60 / c["tempo_bpm"]
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=-1, highest=11, legato=1.1)
    texture = int(rng.integers(4))  # 0 a tune alone, 1 block chords below, else broken chords
    figure = [0, 2, 1, 2] if rng.uniform() < 0.6 else [0, 1, 2, 1]
    for start, degrees in chords(rng, duration, 4 * beat, key):
        if texture == 0:
            break
        steps = 3 if texture == 1 else 8 if c["tempo_bpm"] < 110 else 4
        for k in range(steps):
            step = 0.006 if texture == 1 else 4 * beat / steps
            degree = degrees[figure[k % 4]] - 2 * len(key.scale) + (len(key.scale) if k % 4 else 0)
            notes.append(
                Note(
                    max(0.0, start + k * step + float(rng.normal(0, 0.006))),
                    3.6 * beat if texture == 1 else step * (3.0 if k == 0 else 1.4),
                    key.pitch_hz(degree),
                    float(np.clip(rng.normal(0.42 if k else 0.5, 0.05), 0.1, 0.9)),
                )
            )
    dry = play(samples, rate_hz, notes, lambda n, m: piano_tone(rate_hz, rng, n, m), ring_s=0.3)
    return in_room(dry, rate_hz, rng)


@model(
    "gong",
    Control("rate_per_s", "1/s", 0.02, 1, 0.14, "strokes per second"),
    Control("size_m", "m", 0.3, 1.2, 0.8, "diameter"),
    source="Fletcher & Rossing 1998, ch. 20; Chaigne et al. 2005, nonlinear gongs",
)
def gong(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A gong: a deep stroke whose energy climbs to a shimmer within a second, then dies slowly."""
    duration = samples / rate_hz
    base = 62.0 * 0.8 / c["size_m"] * float(rng.uniform(0.9, 1.15))
    count = 110
    # Modes of a curved plate: lower ones sparse, then about evenly dense.
    f = base * (1 + 1.1 * np.arange(count) ** 1.12 * rng.uniform(0.93, 1.07, count))
    f[1:4] = base * np.array([1.52, 2.01, 2.72]) * rng.uniform(0.98, 1.02, 3)
    bright = float(rng.uniform(700, 1500))
    level = (1 + f / 300.0) ** 0.2 * np.exp(-f / bright) * rng.lognormal(0, 0.5, count)
    t60 = float(rng.uniform(14, 26)) * (1 + f / 500.0) ** -0.7
    climb = np.clip(0.28 * np.log2(f / (3 * base)), 0.003, 0.9) * float(rng.uniform(0.7, 1.3))
    out = np.zeros(samples)
    times = dsp.renewal(rng, 1 / c["rate_per_s"], 0.2, duration)
    times = np.concatenate([[0.03 * min(duration, 10.0)], times[times > 0.5 / c["rate_per_s"]]])
    for time in times.tolist():
        start = round(time * rate_hz)
        strength = float(rng.uniform(0.6, 1.0))
        fresh = level * rng.lognormal(0, 0.15, count) * strength ** (1 + f / 1500.0)
        phases = rng.uniform(0, 2 * np.pi, count)
        # (1 − e^(−t/τ)) e^(−t/T) is one decay less a faster one.
        fast = 1 / (1 / t60 + 1 / (6.9078 * climb))
        sound = dsp.modes(
            samples - start,
            rate_hz,
            np.concatenate([f, f]),
            np.concatenate([t60, fast]),
            np.concatenate([fresh, -fresh]),
            np.concatenate([phases, phases]),
        )
        dsp.place(out, sound, start)
        thud = dsp.modes(round(0.4 * rate_hz), rate_hz, [base, 2.1 * base], [0.5, 0.25], [1.5, 0.8])
        dsp.place(out, thud * np.abs(sound).max(initial=0.0) * 0.4, start)
    return in_room(out, rate_hz, rng, t60_s=1.2)


@model(
    "chimes",
    Control("wind_m_s", "m/s", 0.5, 15, 4, "wind that moves them"),
    Control("pitch_hz", "Hz", 200, 2500, 700, "lowest tube"),
    source="Rayleigh 1894; Fletcher & Rossing 1998, bars and tubes",
)
def chimes(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Wind chimes: free tubes of a pentatonic set, struck in flurries as the wind takes them."""
    duration = samples / rate_hz
    tubes = int(rng.integers(5, 8))
    steps = (0, 2, 4, 7, 9, 12, 14)[:tubes]
    tonic = c["pitch_hz"] * 2 ** (float(rng.uniform(-2, 2)) / 12)
    breeze = np.minimum(dsp.fluctuation(samples, rate_hz, rng, 0.25, 7.0), 6.0)
    times = dsp.poisson_following(rng, 0.22 * c["wind_m_s"] * breeze, rate_hz)
    # The clapper swings: one touch is often followed by another tube's.
    again = times[rng.uniform(size=len(times)) < 0.5]
    times = np.concatenate([[0.02 * duration], times, again + rng.uniform(0.12, 0.4, len(again))])
    grains = []
    length = min(samples, round(3.0 * rate_hz))
    for step in steps:
        f = tonic * 2 ** (step / 12) * np.array(BAR_RATIOS)
        t60 = 4.5 * (500.0 / f) ** 0.5
        spot = np.abs(np.sin(np.pi * np.arange(1, 6) * float(rng.uniform(0.28, 0.42))))
        level = np.array([1.0, 0.85, 0.45, 0.2, 0.08]) * (0.25 + spot)
        twin = 2 ** (float(rng.uniform(2, 7)) / 1200)  # a tube is never quite round: it beats
        ring = dsp.modes(
            length,
            rate_hz,
            np.concatenate([f, f * twin]),
            np.concatenate([t60, t60]),
            np.concatenate([level, 0.4 * level]),
            rng.uniform(0, 6.28, 10),
        )
        ring *= np.minimum(np.arange(length) / (0.0008 * rate_hz), 1.0)
        ring *= np.minimum(np.arange(length)[::-1] / (0.3 * rate_hz), 1.0)
        tap = dsp.highpass(rng.standard_normal(min(length, round(0.004 * rate_hz))), rate_hz, 2500)
        ring[: len(tap)] += 0.06 * tap * np.hanning(len(tap))
        grains.append(ring)
    gains = rng.lognormal(-0.3, 0.5, len(times))
    out = dsp.scatter(samples, rate_hz, times, grains, gains, rng.integers(0, tubes, len(times)))
    return in_room(out, rate_hz, rng, t60_s=0.3, wet=0.1)
