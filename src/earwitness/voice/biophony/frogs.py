"""Frogs: species of a pond, each with its own pulse and pitch, in chorus."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Caller,
    Samples,
    company,
    curve,
    seconds,
    swell,
    vocal,
    whistled,
)
from earwitness.voice.dsp import scatter, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


def _pulsed(
    rate_hz: int, r: Rng, length: float, pulses_per_s: float, bands: list[tuple[float, float]]
) -> Samples:
    """Return a note made of short damped pulses: most frogs' croak."""
    n = seconds(length, rate_hz)
    m = seconds(min(0.02, 0.95 / pulses_per_s), rate_hz)
    t = np.arange(m) / rate_hz
    grains = []
    for _ in range(4):
        grain = np.zeros(m)
        for f, gain in bands:
            if f < 0.47 * rate_hz:
                tone = np.sin(2 * np.pi * f * r.uniform(0.98, 1.02) * t + r.uniform(0, 6))
                grain += gain * r.uniform(0.8, 1.2) * tone
        grains.append(grain * np.exp(-3 * t / t[-1]) * np.minimum(1, t / 0.0015))
    count = max(2, int(length * pulses_per_s))
    at = (np.arange(count) + 0.05 * r.standard_normal(count)).clip(0) / pulses_per_s
    note = scatter(n, rate_hz, at, grains, r.uniform(0.8, 1, count), r.integers(0, 4, count))
    return unit(note * swell(n, 0.25, 0.3, 0.7))


def _treefrog(rate_hz: int, rng: Rng, size: float) -> tuple[Caller, float]:
    base = rng.uniform(900, 1150) / size
    pulses = rng.uniform(70, 110)
    beat = rng.uniform(0.16, 0.24)

    def call(r: Rng) -> Samples:
        parts: list[Samples] = []
        for _ in range(int(r.integers(5, 22))):
            bands = [(base, 0.7), (2.05 * base, 1.0), (2.35 * base, 0.4), (3.1 * base, 0.08)]
            parts.append(r.uniform(0.75, 1) * _pulsed(rate_hz, r, 0.6 * beat, pulses, bands))
            parts.append(np.zeros(int(0.4 * beat * r.uniform(0.9, 1.1) * rate_hz)))
        return np.concatenate(parts)

    return call, 0.28


def _marsh_frog(rate_hz: int, rng: Rng, size: float) -> tuple[Caller, float]:
    base = rng.uniform(1300, 1700) / size

    def call(r: Rng) -> Samples:
        bands = [(base, 0.9), (1.55 * base, 1.0), (2.2 * base, 0.3), (0.5 * base, 0.25)]
        parts: list[Samples] = []
        for k in range(int(r.integers(3, 10))):  # ke-ke-ke-ke
            note = _pulsed(rate_hz, r, r.uniform(0.05, 0.07), r.uniform(110, 150), bands)
            parts += [note * min(1, 0.5 + 0.1 * k), np.zeros(int(0.035 * rate_hz))]
        if r.uniform() < 0.4:  # and a croak
            parts.append(_pulsed(rate_hz, r, r.uniform(0.3, 0.6), r.uniform(35, 50), bands))
        return np.concatenate(parts)

    return call, 0.4


def _peeper(rate_hz: int, rng: Rng, size: float) -> tuple[Caller, float]:
    base = rng.uniform(2750, 3050) / size

    def call(r: Rng) -> Samples:
        n = seconds(r.uniform(0.12, 0.2), rate_hz)
        f = base * curve(n, [0.95, 1.0, 1.05]) * r.uniform(0.985, 1.015)
        return 1.4 * whistled(f, swell(n, 0.35, 0.15), rate_hz, (1.0, 0.05))

    return call, 0.8


def _bullfrog(rate_hz: int, rng: Rng, size: float) -> tuple[Caller, float]:
    base = rng.uniform(88, 112) / size
    formants = np.array([230.0, 420.0, 1250.0, 1600.0, 2300.0]) / size

    def call(r: Rng) -> Samples:
        parts: list[Samples] = []
        for _ in range(int(r.integers(1, 5))):  # jug-o-rum
            n = seconds(r.uniform(0.5, 0.8), rate_hz)
            f = base * curve(n, [0.96, 1.03, 1.0])
            env = swell(n, 0.25, 0.3) * (0.75 + 0.25 * np.sin(np.arange(n) / rate_hz * 22))
            parts.append(vocal(f, env, rate_hz, r, formants, breath=0.03, tilt_hz=600))
            parts.append(np.zeros(int(r.uniform(0.2, 0.5) * rate_hz)))
        return np.concatenate(parts)

    return call, 0.16


def _croaker(rate_hz: int, rng: Rng, size: float) -> tuple[Caller, float]:
    base = rng.uniform(500, 800) / size
    pulses = rng.uniform(28, 60)

    def call(r: Rng) -> Samples:
        bands = [(base, 1.0), (1.9 * base, 0.8), (3.0 * base, 0.4), (4.2 * base, 0.15)]
        parts: list[Samples] = []
        for _ in range(int(r.integers(1, 5))):  # ribbit
            for length in (0.09, 0.22):
                parts.append(_pulsed(rate_hz, r, length * r.uniform(0.9, 1.1), pulses * 1.2, bands))
                parts.append(np.zeros(int(0.05 * rate_hz)))
            parts.append(np.zeros(int(r.uniform(0.15, 0.5) * rate_hz)))
        return np.concatenate(parts)

    return call, 0.3


_SPECIES = (_treefrog, _marsh_frog, _croaker, _peeper, _bullfrog)


@model(
    "frogs",
    Control("count", "", 1, 200, 14, "frogs"),
    Control("size", "", 0.5, 2, 1, "of the frogs: larger is lower"),
    source="Gerhardt & Huber 2002; Schneider 1974 (Hyla); Capranica 1965 (bullfrog)",
)
def frogs(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a pond at night: two or three species, each in its band and pulse."""
    count = round(c["count"])
    kinds = rng.permutation(len(_SPECIES))
    # Tree and marsh frogs and the like make most choruses; the deep and the piping join them.
    lead = int(rng.integers(3))
    others = [int(k) for k in kinds if k != lead]
    chosen = [lead, *others[: int(rng.integers(0, 3))]]
    out = np.zeros(samples)
    for place_, kind in enumerate(chosen[: max(1, count)]):
        call, rate = _SPECIES[kind](rate_hz, rng, c["size"])
        share = max(1, round(count / (1.5 if place_ == 0 else 4)))
        share = min(share, 10)
        chorus = company(
            samples, rate_hz, rng, call, share, rate, bank=5, regularity=0.6, spread_db=18
        )
        out += chorus * (1.0 if place_ == 0 else rng.uniform(0.2, 0.8))
    return out
