"""Songbirds: whistles, trills and chirps of the syrinx, syllable by syllable."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Samples,
    company,
    curve,
    recital,
    seconds,
    swell,
    whistled,
)
from earwitness.voice.dsp import bandpass
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator

_CONTOURS: tuple[tuple[float, ...], ...] = (
    (1.0, 1.0, 1.0),
    (1.25, 1.0, 0.8),
    (0.8, 1.0, 1.25),
    (0.85, 1.2, 0.85),
    (1.2, 0.82, 1.15),
    (1.5, 1.0, 0.75, 0.7),
    (0.9, 1.15, 0.85, 1.1),
    (1.0, 1.35, 0.95, 0.9),
)
"""Shapes of a syllable's pitch: flat, falling, rising, arch, hollow, swoop, wave, hook."""


class Syllable:
    """One element of a bird's repertoire, sung a little otherwise each time.

    Parameters
    ----------
    rng
        Draws its shape.
    pitch_hz
        About where it lies.
    duration_s
        About how long.
    warble_hz, warble_depth
        Trill of pitch and amplitude within it.
    noise
        Share of rasp.
    """

    def __init__(
        self,
        rng: Rng,
        pitch_hz: float,
        duration_s: float,
        *,
        width: float = 1.0,
        warble_hz: float = 0.0,
        warble_depth: float = 0.0,
        noise: float = 0.0,
        overtone: float = 0.04,
    ) -> None:
        shape = np.array(_CONTOURS[int(rng.integers(len(_CONTOURS)))]) ** width
        self.points = pitch_hz * shape * np.exp(0.05 * rng.standard_normal(len(shape)))
        self.duration_s = duration_s
        self.warble_hz, self.warble_depth = warble_hz, warble_depth
        self.noise, self.overtone = noise, overtone
        self.peak = rng.uniform(0.5, 1.5)

    def sung(self, rate_hz: int, rng: Rng, stretch: float = 1.0) -> Samples:
        """Return the syllable sung once."""
        n = seconds(self.duration_s * stretch * rng.uniform(0.94, 1.06), rate_hz)
        f = curve(n, (self.points * rng.uniform(0.985, 1.015)).tolist())
        loud = swell(n, rng.uniform(0.12, 0.35), rng.uniform(0.25, 0.5), self.peak)
        if self.warble_depth:
            turn = np.sin(2 * np.pi * self.warble_hz * np.arange(n) / rate_hz + rng.uniform(0, 6))
            f *= 1 + self.warble_depth * turn
            loud *= 0.65 + 0.35 * turn
        if self.noise:
            rough = rng.standard_normal(n // 24 + 2)
            f *= 1 + self.noise * 0.15 * np.interp(np.arange(n) / 24, np.arange(len(rough)), rough)
        return whistled(f, loud, rate_hz, (1.0, self.overtone, self.overtone * 0.3))


def _join(parts: list[tuple[Samples, float]], rate_hz: int) -> Samples:
    """Return sounds one after another, each followed by a rest in seconds."""
    pieces: list[Samples] = []
    for sound, rest in parts:
        pieces += [sound, np.zeros(int(rest * rate_hz))]
    return np.concatenate(pieces)


@model(
    "songbird",
    Control("pitch_hz", "Hz", 1500, 7000, 3900, "middle of the song's range"),
    Control("count", "", 1, 6, 1, "birds"),
    source="Catchpole & Slater, Bird Song, 2008; Zollinger, Podos & Nemeth 2012",
)
def songbird(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return strophes of a bird's own repertoire: syllables in runs, trills and flourishes."""
    out = np.zeros(samples)
    for bird in range(round(c["count"])):
        out += 10 ** (-0.3 * bird * rng.uniform()) * _soloist(samples, rate_hz, rng, c["pitch_hz"])
    return out


def _soloist(samples: int, rate_hz: int, rng: Rng, pitch_hz: float) -> Samples:
    middle = pitch_hz * np.exp(rng.uniform(-0.15, 0.15))
    pace = rng.uniform(0.75, 1.35)
    repertoire = []
    for _ in range(int(rng.integers(7, 14))):
        warbled = rng.uniform() < 0.3
        repertoire.append(
            Syllable(
                rng,
                middle * np.exp(rng.normal(0, 0.28)),
                pace * np.exp(rng.uniform(np.log(0.045), np.log(0.26))),
                width=rng.uniform(0.3, 1.6),
                warble_hz=rng.uniform(25, 90) if warbled else 0.0,
                warble_depth=rng.uniform(0.03, 0.1) if warbled else 0.0,
                noise=rng.uniform(0.1, 0.5) if rng.uniform() < 0.15 else 0.0,
                overtone=rng.uniform(0.01, 0.12),
            )
        )
    repeats = rng.uniform(1.5, 6)

    def strophe(r: Rng) -> Samples:
        parts: list[tuple[Samples, float]] = []
        length, wanted = 0.0, r.uniform(1.3, 3.2)
        while length < wanted:
            syllable = repertoire[int(r.integers(len(repertoire)))]
            rest = r.uniform(0.015, 0.09) * pace
            for _ in range(
                1 + int(r.poisson(repeats * (0.15 if syllable.duration_s > 0.15 else 1)))
            ):
                sound = syllable.sung(rate_hz, r)
                parts.append((sound, rest * r.uniform(0.9, 1.1)))
                length += len(sound) / rate_hz + rest
            parts[-1] = (parts[-1][0], rest + r.uniform(0.02, 0.12))
        return _join(parts, rate_hz)

    return recital(samples, rate_hz, rng, strophe, 0.9, 3.0)


@model(
    "blackbird",
    Control("pitch_hz", "Hz", 1200, 3000, 2050, "middle of the whistled motif"),
    source="Dabelsteen 1984; Hesler et al. 2012 (Turdus merula: 1.5-3 kHz motif, 4-9 kHz twitter)",
)
def blackbird(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return fluted motifs that slide, each ended by a soft high twitter."""
    middle = c["pitch_hz"] * rng.uniform(0.94, 1.06)
    scale = middle * np.exp(np.array([-0.33, -0.22, -0.1, 0.0, 0.12, 0.22, 0.34]))
    motifs = [
        [
            (
                (scale[rng.integers(0, 7, int(rng.integers(1, 4)))]).tolist(),
                float(rng.uniform(0.07, 0.32)),
                float(rng.uniform(0.0, 0.09)),
                float(rng.choice([0.0, 0.0, 0.0, rng.uniform(18, 40)])),
            )
            for _ in range(int(rng.integers(4, 8)))
        ]
        for _ in range(7)
    ]

    def strophe(r: Rng) -> Samples:
        parts: list[tuple[Samples, float]] = []
        for tones, length, rest, trill in motifs[int(r.integers(len(motifs)))]:
            n = seconds(length * r.uniform(0.93, 1.07), rate_hz)
            points = [t * r.uniform(0.985, 1.015) for t in tones for _ in (0, 1)]
            f = curve(n, points)
            loud = swell(n, 0.18, 0.3, 0.7) * r.uniform(0.6, 1)
            if trill:
                f *= 1 + 0.05 * np.sin(2 * np.pi * trill * np.arange(n) / rate_hz)
            parts.append((whistled(f, loud, rate_hz, (1.0, 0.06, 0.02)), rest))
        for _ in range(int(r.integers(2, 9))):
            n = seconds(r.uniform(0.025, 0.09), rate_hz)
            start = r.uniform(3500, 7500)
            f = curve(n, [start, start * r.uniform(0.7, 1.4), start * r.uniform(0.6, 1.2)])
            f *= 1 + 0.06 * np.sin(2 * np.pi * r.uniform(60, 160) * np.arange(n) / rate_hz)
            loud = swell(n, 0.2, 0.4) * r.uniform(0.08, 0.3)
            parts.append((whistled(f, loud, rate_hz, (1.0, 0.1)), r.uniform(0.005, 0.05)))
        return _join(parts, rate_hz)

    return recital(samples, rate_hz, rng, strophe, 1.5, 3.8)


@model(
    "great-tit",
    Control("pitch_hz", "Hz", 2500, 5500, 3700, "lower note"),
    Control("period_s", "s", 0.2, 0.7, 0.4, "of the two notes 'tea-cher'"),
    source="McGregor & Krebs 1982; Slabbekoorn & Peet 2003 (Parus major)",
)
def great_tit(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return strophes of two alternating notes, 'tea-cher tea-cher'."""
    low = c["pitch_hz"] * rng.uniform(0.96, 1.04)
    ratio, first = rng.uniform(1.25, 1.5), rng.uniform(0.25, 0.4)
    bend = rng.uniform(-0.08, 0.05)
    high_first = rng.uniform() < 0.8

    def strophe(r: Rng) -> Samples:
        count = int(r.integers(4, 9))
        period = c["period_s"] * r.uniform(0.99, 1.01)
        out = np.zeros(seconds((count + 0.2) * period, rate_hz))
        for k in range(count):
            notes = [(low * ratio, first, 0.75), (low, 0.9 - first, 1.0)]
            at = k * period
            for pitch, share, loud in notes if high_first else notes[::-1]:
                n = seconds(0.78 * share * period, rate_hz)
                f = curve(n, [pitch * (1 + bend), pitch, pitch * (1 - bend / 2)])
                f *= r.uniform(0.995, 1.005)
                tone = whistled(f, loud * swell(n, 0.15, 0.3, 0.6), rate_hz, (1.0, 0.05, 0.01))
                start = int(at * rate_hz)
                out[start : start + n] += (tone * min(1.0, 0.6 + 0.2 * k))[: len(out) - start]
                at += (share + 0.05) * period
        return out

    return recital(samples, rate_hz, rng, strophe, 1.6, 3.6)


@model(
    "nightingale",
    Control("pitch_hz", "Hz", 1500, 4000, 2600, "middle of the song's range"),
    source="Hultsch & Todt 1989; Kunc, Amrhein & Naguib 2005 (Luscinia megarhynchos)",
)
def nightingale(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return loud songs: whistles that swell, low jugs, hard trills, sharp endings."""
    middle = c["pitch_hz"] * rng.uniform(0.93, 1.07)

    def song(r: Rng) -> Samples:
        parts: list[tuple[Samples, float]] = []
        kind = r.uniform()
        if kind < 0.45:  # the crescendo of whistles
            pitch, count = middle * r.uniform(0.75, 1.5), int(r.integers(4, 9))
            length, slope = r.uniform(0.18, 0.32), r.uniform(0.85, 1.06)
            for k in range(count):
                n = seconds(length * r.uniform(0.97, 1.03), rate_hz)
                f = curve(n, [pitch * 1.04, pitch, pitch * slope])
                loud = swell(n, 0.3, 0.3, 0.8) * (0.15 + 0.85 * (k + 1) / count) ** 1.3
                parts.append((whistled(f, loud, rate_hz), r.uniform(0.04, 0.08)))
        else:  # a soft opening
            for _ in range(int(r.integers(2, 5))):
                opening = Syllable(r, middle * r.uniform(0.8, 2.2), r.uniform(0.04, 0.15))
                parts.append((0.35 * opening.sung(rate_hz, r), r.uniform(0.03, 0.1)))
        kind = r.uniform()
        if kind < 0.35:  # jug-jug-jug
            low, count = middle * r.uniform(0.5, 0.72), int(r.integers(5, 14))
            beat, length = r.uniform(0.085, 0.14), r.uniform(0.04, 0.06)
            jug = Syllable(r, low, length, width=1.2, overtone=0.15)
            rich = Syllable(r, low * 2.6, 0.02, width=1.5)
            for _ in range(count):
                body = jug.sung(rate_hz, r)
                lead = 0.6 * rich.sung(rate_hz, r)
                parts += [(lead, 0.0), (body, beat - length - 0.02)]
        else:  # a trill, or a rattle if it is fast
            pitch = middle * r.uniform(0.7, 1.9)
            beat = np.exp(r.uniform(np.log(0.022), np.log(0.11)))
            trill = Syllable(r, pitch, 0.75 * beat, width=r.uniform(1, 2.4), overtone=0.08)
            for _ in range(int(r.uniform(0.6, 1.5) / beat)):
                parts.append((trill.sung(rate_hz, r), 0.25 * beat))
        if r.uniform() < 0.7:
            ending = Syllable(r, middle * r.uniform(0.8, 2), r.uniform(0.06, 0.2), width=1.6)
            parts.append((ending.sung(rate_hz, r), 0.0))
        return _join(parts, rate_hz)

    return recital(samples, rate_hz, rng, song, 0.8, 2.8)


@model(
    "skylark",
    Control("pitch_hz", "Hz", 2500, 5500, 3700, "middle of the song's range"),
    Control("rate_per_s", "1/s", 4, 14, 8, "syllables"),
    source="Briefer et al. 2008; Csicsáky 1978 (Alauda arvensis: 2-6 kHz, without pause)",
)
def skylark(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return a song flight: quick varied syllables without a pause."""
    middle = c["pitch_hz"] * rng.uniform(0.95, 1.05)
    repertoire = [
        Syllable(
            rng,
            float(np.clip(middle * np.exp(rng.normal(0, 0.2)), 1900, 6500)),
            float(np.exp(rng.uniform(np.log(0.03), np.log(0.16)))),
            width=rng.uniform(0.5, 1.8),
            warble_hz=rng.uniform(30, 110) if rng.uniform() < 0.35 else 0.0,
            warble_depth=rng.uniform(0.02, 0.09),
            overtone=0.03,
        )
        for _ in range(26)
    ]
    out = np.zeros(samples)
    at = 0.02
    while at * rate_hz < samples:
        syllable = repertoire[int(rng.integers(len(repertoire)))]
        loud = 10 ** (rng.uniform(-8, 0) / 20)
        for _ in range(1 + int(rng.poisson(2.2))):
            sound = syllable.sung(rate_hz, rng)
            start = int(at * rate_hz)
            stop = min(samples, start + len(sound))
            if stop <= start:
                break
            out[start:stop] += loud * sound[: stop - start]
            at += max(1.15 * syllable.duration_s, rng.uniform(0.6, 1.4) * 0.9 / c["rate_per_s"])
    return out


@model(
    "sparrow",
    Control("pitch_hz", "Hz", 2500, 6000, 3700, "of the chirp"),
    Control("count", "", 1, 30, 6, "sparrows"),
    Control("rate_per_min", "1/min", 5, 120, 45, "chirps of one bird"),
    source="Nivison 1978; Summers-Smith 1963 (Passer domesticus: chirps 2.5-6 kHz, 0.1 s)",
)
def sparrow(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return chirps of a flock in a hedge, 'chirrup, cheep'."""

    def chirp(r: Rng) -> Samples:
        n = seconds(r.uniform(0.06, 0.15), rate_hz)
        pitch = c["pitch_hz"] * r.uniform(0.85, 1.15)
        if r.uniform() < 0.6:  # chirrup: two arches in one
            points = np.array([0.75, 1.15, 0.8, 1.1, 0.7])
        else:  # cheep
            points = np.array([0.8, 1.2, 1.05, 0.75])
        f = curve(n, (pitch * points * np.exp(r.normal(0, 0.05, len(points)))).tolist())
        beat = 1 + 0.06 * np.sin(2 * np.pi * r.uniform(90, 220) * np.arange(n) / rate_hz)
        loud = swell(n, 0.12, 0.35, 0.7) * (0.75 + 0.25 * beat / 1.06)
        low = whistled(0.5 * f * beat, loud, rate_hz, (0.25, 1.0, 0.3, 0.25, 0.1, 0.06))
        return low + 0.06 * bandpass(rng.standard_normal(n), rate_hz, 2500, 8000) * loud

    return company(
        samples, rate_hz, rng, chirp, round(c["count"]), c["rate_per_min"] / 60, regularity=0.6
    )
