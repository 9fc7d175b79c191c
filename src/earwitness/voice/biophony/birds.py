"""Birds that call rather than sing: cuckoo, crow, gull, owl, pigeon, woodpecker and the like."""

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
    vocal,
    whistled,
)
from earwitness.voice.dsp import bandpass, modes, place, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "cuckoo",
    Control("pitch_hz", "Hz", 500, 800, 667, "first note"),
    Control("interval_semitones", "", 2, 5, 3.4, "fall to the second note"),
    Control("rate_per_min", "1/min", 20, 70, 48, "calls"),
    source="Lei et al. 2005; Møller et al. 2016 (Cuculus canorus: 670 and 540 Hz)",
)
def cuckoo(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return series of two hooted notes, the second about a minor third lower."""
    high = c["pitch_hz"] * rng.uniform(0.985, 1.015)
    low = high * 2 ** (-c["interval_semitones"] / 12)
    period = 60 / c["rate_per_min"]

    def series(r: Rng) -> Samples:
        count = int(r.integers(6, 16))
        out = np.zeros(int((count + 1) * period * 1.1 * rate_hz))
        at = 0.0
        for _ in range(count):
            for pitch, start, length, loud in ((high, 0.0, 0.13, 0.9), (low, 0.30, 0.19, 1.0)):
                n = seconds(length * period / 1.25 * r.uniform(0.96, 1.04), rate_hz)
                f = curve(n, [pitch * 0.93, pitch * 1.01, pitch, pitch * 0.965], [0, 0.2, 0.7, 1])
                tone = whistled(f, swell(n, 0.25, 0.35), rate_hz, (1.0, 0.06, 0.025))
                puff = bandpass(r.standard_normal(n), rate_hz, 0.7 * pitch, 1.4 * pitch)
                tone += 0.04 * puff * swell(n, 0.2, 0.4)
                place(out, tone, int((at + start * period / 1.25) * rate_hz), loud)
            at += period * r.uniform(0.98, 1.02)
        return out[: int(at * rate_hz)]

    return recital(samples, rate_hz, rng, series, 1.0, 3.0)


@model(
    "crow",
    Control("pitch_hz", "Hz", 200, 600, 340, "fundamental of the caw"),
    Control("count", "", 1, 20, 1, "crows"),
    source="Thompson 1982; Mates et al. 2015 (Corvus: 0.2-0.4 s caws in bouts, 1-2 kHz strongest)",
)
def crow(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return bouts of hoarse caws."""
    out = np.zeros(samples)
    for bird in range(min(round(c["count"]), 6)):
        pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.1))
        formants = np.array([1150.0, 1750.0, 2700.0, 4200.0, 6000.0, 8000.0])
        formants *= rng.uniform(0.88, 1.14)
        hoarse, length = rng.uniform(0.06, 0.26), rng.uniform(0.22, 0.4)
        bend = rng.uniform(0.75, 0.95)

        def bout(
            r: Rng,
            pitch: float = pitch,
            formants: Samples = formants,
            hoarse: float = hoarse,
            length: float = length,
            bend: float = bend,
        ) -> Samples:
            count, gap = int(r.integers(2, 6)), r.uniform(0.15, 0.4)
            out = np.zeros(int(count * (1.3 * length + gap) * rate_hz))
            at = 0.0
            for _ in range(count):
                n = seconds(length * r.uniform(0.9, 1.1), rate_hz)
                f = pitch * curve(n, [0.85, 1.05, 1.0, bend], [0, 0.25, 0.6, 1])
                f *= r.uniform(0.96, 1.04)
                caw = vocal(
                    f,
                    swell(n, 0.14, 0.3, 0.7),
                    rate_hz,
                    r,
                    np.array([formants * 0.9, formants * 1.05, formants * 0.92]),
                    breath=0.3,
                    chaos=hoarse * r.uniform(0.6, 1.2),
                    subharmonic=r.uniform(0, 0.5),
                    sharpness=4.5,
                    tilt_hz=2200,
                    tilt_db=-10,
                    beak_hz=1000,
                    shimmer=0.25,
                )
                place(out, caw, int(at * rate_hz), r.uniform(0.8, 1))
                at += n / rate_hz + gap * r.uniform(0.85, 1.15)
            return out[: int(at * rate_hz)]

        loud = 1.0 if bird == 0 else 10 ** (-rng.uniform(3, 16) / 20)
        out += loud * recital(samples, rate_hz, rng, bout, 0.6, 3.5, first_s=0.5 + 2 * (bird > 0))
    return out


@model(
    "gull",
    Control("pitch_hz", "Hz", 500, 1300, 850, "fundamental of the cry"),
    Control("count", "", 1, 30, 4, "gulls"),
    source="Tinbergen 1953; Hardouin et al. 2014 (Larus argentatus long call)",
)
def gull(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return long calls that quicken and fall, mews, and short yelps of gulls around."""

    def cry(r: Rng, pitch: float, length: float, drop: float) -> Samples:
        n = seconds(length, rate_hz)
        f = pitch * curve(n, [0.72, 1.12, 1.0, drop], [0, 0.22, 0.55, 1])
        formants = np.array([1400.0, 2600.0, 3900.0, 5600.0, 8000.0]) * r.uniform(0.92, 1.1)
        return vocal(
            f,
            swell(n, 0.15, 0.35, 0.8),
            rate_hz,
            r,
            np.array([formants * 0.85, formants * 1.1, formants * 0.9]),
            breath=0.12,
            chaos=r.uniform(0, 0.12),
            sharpness=4,
            tilt_hz=1700,
            tilt_db=-7,
            beak_hz=900,
        )

    def call(r: Rng) -> Samples:
        pitch, kind = c["pitch_hz"] * np.exp(r.normal(0, 0.12)), r.uniform()
        if kind < 0.4:  # the long call
            count = int(r.integers(4, 10))
            out = np.zeros(int(0.55 * (count + 2) * rate_hz))
            at, gap = 0.0, r.uniform(0.4, 0.5)
            for k in range(count):
                length = r.uniform(0.9, 1.1) * (0.42 if k < 2 else 0.24)
                note = cry(r, pitch * (0.85 if k == 0 else 1.1 - 0.025 * k), length, 0.72)
                place(out, note, int(at * rate_hz), 0.6 + 0.4 * np.sin(np.pi * (k + 1) / count))
                at += gap if k < 2 else gap * 0.75
            return out[: int((at + 0.3) * rate_hz)]
        if kind < 0.7:  # the mew, drawn out
            return cry(r, pitch * 0.9, r.uniform(0.5, 1.1), r.uniform(0.6, 0.85))
        first = cry(r, pitch * 1.15, r.uniform(0.14, 0.25), 0.8)  # kyow, kyow
        rest = np.zeros(int(r.uniform(0.1, 0.25) * rate_hz))
        second = cry(r, pitch * 1.1, r.uniform(0.14, 0.3), 0.75)
        return np.concatenate([first, rest, 0.8 * second])

    count = round(c["count"])
    rate = max(0.22, 0.4 / np.sqrt(count))
    return company(samples, rate_hz, rng, call, count, rate, bank=9, spread_db=16)


@model(
    "owl",
    Control("pitch_hz", "Hz", 200, 1000, 350, "of the hoot"),
    source="Kinstler 2009 (Bubo virginianus: 5 hoots near 350 Hz); Galeotti 1998 (Strix aluco)",
)
def owl(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return rhythms of pure soft hoots: 'hoo hu-hu hoo hoo', or one long and a tremulous."""
    pitch = c["pitch_hz"] * rng.uniform(0.96, 1.04)
    quavers = rng.uniform() < 0.35
    pace = rng.uniform(0.9, 1.15)

    def hoot(r: Rng, length: float, loud: float, tremble: float = 0.0) -> Samples:
        n = seconds(length * pace * r.uniform(0.95, 1.05), rate_hz)
        f = pitch * curve(n, [0.94, 1.0, 0.995, 0.95], [0, 0.25, 0.7, 1]) * r.uniform(0.99, 1.01)
        env = swell(n, 0.25, 0.4)
        if tremble:
            beat = np.sin(2 * np.pi * tremble * np.arange(n) / rate_hz)
            env = env * (0.6 + 0.4 * beat)
            f = f * (1 + 0.015 * beat)
        tone = whistled(f, env, rate_hz, (1.0, 0.07, 0.03, 0.01))
        air = bandpass(r.standard_normal(n), rate_hz, 0.8 * pitch, 2 * pitch)
        return loud * (tone + 0.03 * air * env)

    def phrase(r: Rng) -> Samples:
        if quavers:
            notes = [(0.75, 0.8, 0.0, 0.9), (0.12, 0.4, 0.0, 0.35), (1.5, 1.0, 12.0, 0.0)]
        else:
            notes = [(0.36, 0.85, 0, 0.28), (0.14, 0.75, 0, 0.08), (0.17, 0.8, 0, 0.24)]
            notes += [(0.42, 1.0, 0, 0.38), (0.4, 0.9, 0, 0.0)]
            if r.uniform() < 0.3:
                notes.pop()
        parts = []
        for length, loud, tremble, rest in notes:
            parts.append(hoot(r, length, loud, tremble * r.uniform(0.9, 1.1)))
            parts.append(np.zeros(int(rest * pace * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, phrase, 1.5, 3.5)


@model(
    "pigeon",
    Control("pitch_hz", "Hz", 250, 600, 430, "of the coo"),
    Control("count", "", 1, 12, 2, "pigeons"),
    source="Slabbekoorn & ten Cate 1998; Baptista & Abs 1983 (Columba coos)",
)
def pigeon(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return coos: five breathy notes of the wood pigeon, or the rolling coo of the town."""
    out = np.zeros(samples)
    for bird in range(min(round(c["count"]), 5)):
        pitch = c["pitch_hz"] * rng.uniform(0.92, 1.08)
        rolls = rng.uniform() < 0.45

        def coo(r: Rng, length: float, shape: list[float], roll: float, tone: float) -> Samples:
            n = seconds(length * r.uniform(0.94, 1.06), rate_hz)
            f = tone * curve(n, shape)
            env = swell(n, 0.25, 0.35)
            if roll:
                beat = np.sin(2 * np.pi * roll * np.arange(n) / rate_hz + r.uniform(0, 6))
                env = env * (0.55 + 0.45 * beat)
                f = f * (1 + 0.05 * beat)
            sound = whistled(f, env, rate_hz, (1.0, 0.16, 0.08, 0.03))
            air = bandpass(r.standard_normal(n), rate_hz, 0.7 * tone, 3 * tone)
            return sound + 0.07 * air * env

        def phrase(r: Rng, pitch: float = pitch, rolls: bool = rolls) -> Samples:
            parts: list[Samples] = []
            if rolls:
                for _ in range(int(r.integers(1, 4))):
                    parts.append(coo(r, 0.25, [0.8, 1.0], 0.0, 0.75 * pitch))
                    parts.append(coo(r, r.uniform(0.7, 1.2), [0.95, 1.1, 0.75], 24, 0.8 * pitch))
                    parts.append(np.zeros(int(r.uniform(0.2, 0.5) * rate_hz)))
                return np.concatenate(parts)
            notes = [(0.24, 0.7, 0.14), (0.5, 1.0, 0.12), (0.42, 0.85, 0.16)]
            notes += [(0.2, 0.75, 0.08), (0.34, 0.75, 0.16)]
            for _ in range(int(r.integers(1, 4))):
                for length, loud, rest in notes:
                    shape = [0.92, 1.03, 1.0, 0.93] if loud > 0.9 else [0.94, 0.98, 0.92]
                    parts.append(loud * coo(r, length, shape, 0.0, pitch * (0.9 + 0.1 * loud)))
                    parts.append(np.zeros(int(rest * rate_hz)))
            return np.concatenate(parts)

        loud = 1.0 if bird == 0 else rng.uniform(0.15, 0.7)
        out += loud * recital(samples, rate_hz, rng, phrase, 1.0, 3.5, first_s=0.5 + 2 * (bird > 0))
    return out


@model(
    "woodpecker",
    Control("strikes_per_s", "1/s", 8, 30, 17, "at the start of a drum"),
    Control("pitch_hz", "Hz", 400, 3000, 1150, "main resonance of the trunk"),
    source="Dodenhoff et al. 2001; Zabka 1980; Turner & Natale 2018 (drums 0.6-1.2 s)",
)
def woodpecker(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return drums on a dead trunk: strikes that quicken and fade."""
    tone = c["pitch_hz"] * np.exp(rng.uniform(-0.25, 0.25))
    ratios = np.array([0.52, 1.0, 1.62, 2.4, 3.3, 4.7]) * np.exp(rng.normal(0, 0.06, 6))
    quickening = rng.uniform(1.1, 1.45)
    ring = rng.uniform(0.02, 0.05)

    def drum(r: Rng) -> Samples:
        count = int(max(5, c["strikes_per_s"] * r.uniform(0.55, 1.0)))
        rate = c["strikes_per_s"] * np.geomspace(1, quickening, count)
        at = np.concatenate([[0.0], np.cumsum(1 / rate[:-1])])
        at += 0.0008 * r.standard_normal(count)
        out = np.zeros(int((at[-1] + 0.15) * rate_hz))
        n = seconds(0.12, rate_hz)
        for k, t in enumerate(at):
            hit = modes(
                n,
                rate_hz,
                tone * ratios * np.exp(r.normal(0, 0.015, 6)),
                ring * np.array([1.5, 1.0, 0.8, 0.6, 0.45, 0.3]) * 3,
                np.array([0.5, 1.0, 0.7, 0.5, 0.35, 0.25]) * r.uniform(0.6, 1.3, 6),
            )
            tap = r.standard_normal(n) * np.exp(-np.arange(n) / (0.0015 * rate_hz))
            loud = (0.55 + 0.45 * min(1, k / 3)) * (1 - 0.6 * k / count) * r.uniform(0.85, 1.1)
            place(out, hit + 0.9 * tap, int(max(t, 0) * rate_hz), loud)
        return out

    return recital(samples, rate_hz, rng, drum, 1.2, 4.0)


@model(
    "parrot",
    Control("pitch_hz", "Hz", 600, 2500, 1300, "fundamental of the screech"),
    Control("count", "", 1, 20, 3, "parrots"),
    source="Fernández-Juricic et al. 1998; Bradbury 2003 (Psittacidae: harsh, 1-6 kHz)",
)
def parrot(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return harsh screeches, squawks and chatter of parrots."""

    def call(r: Rng) -> Samples:
        pitch, kind = c["pitch_hz"] * np.exp(r.normal(0, 0.18)), r.uniform()
        formants = np.array([1700.0, 2900.0, 4300.0, 6200.0, 8500.0]) * r.uniform(0.85, 1.15)
        parts: list[Samples] = []
        if kind < 0.5:
            lengths, shape, hoarse = [r.uniform(0.3, 0.75)], [0.75, 1.15, 1.05, 0.8], 0.2
        elif kind < 0.8:
            lengths = r.uniform(0.1, 0.22, int(r.integers(2, 6))).tolist()
            shape, hoarse = [0.7, 1.1, 0.7], 0.12
        else:
            lengths = r.uniform(0.05, 0.1, int(r.integers(5, 12))).tolist()
            shape, hoarse = [1.2, 0.9, 1.2], 0.05
        for length in lengths:
            n = seconds(length, rate_hz)
            f = pitch * curve(n, [s * r.uniform(0.93, 1.07) for s in shape])
            f *= 1 + 0.06 * np.sin(2 * np.pi * r.uniform(40, 90) * np.arange(n) / rate_hz)
            parts.append(
                vocal(
                    f,
                    swell(n, 0.08, 0.25, 0.6),
                    rate_hz,
                    r,
                    formants,
                    breath=0.2,
                    chaos=hoarse * r.uniform(0.5, 1.3),
                    sharpness=4,
                    tilt_hz=3500,
                    beak_hz=1400,
                )
            )
            parts.append(np.zeros(int(r.uniform(0.02, 0.12) * rate_hz)))
        return np.concatenate(parts)

    count = round(c["count"])
    return company(samples, rate_hz, rng, call, count, max(0.25, 0.55 / np.sqrt(count)), bank=12)


@model(
    "eagle",
    Control("pitch_hz", "Hz", 1500, 4000, 2700, "highest of the cry"),
    source="Verner & Lehman 1982 (Haliaeetus leucocephalus); Preston & Beane 1993 (Buteo scream)",
)
def eagle(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return the piping series of an eagle, and the hoarse falling scream of a soaring raptor."""
    pitch = c["pitch_hz"] * rng.uniform(0.93, 1.07)
    screams = rng.uniform() < 0.4

    def call(r: Rng) -> Samples:
        if screams or r.uniform() < 0.25:
            n = seconds(r.uniform(0.9, 1.7), rate_hz)
            f = pitch * curve(n, [0.75, 1.05, 0.97, 0.66], [0, 0.1, 0.4, 1])
            hiss = bandpass(r.standard_normal(n), rate_hz, 0.7 * pitch, 2.4 * pitch)
            rough = 0.03 * np.sin(2 * np.pi * r.uniform(60, 100) * np.arange(n) / rate_hz)
            env = swell(n, 0.06, 0.5)
            tone = whistled(f * (1 + rough), env, rate_hz, (1.0, 0.5, 0.25, 0.12))
            return np.asarray(0.3 * unit(tone) + 0.1 * unit(hiss) * env)
        count = int(r.integers(5, 12))
        out = np.zeros(int(0.3 * (count + 2) * rate_hz))
        at, gap = 0.0, r.uniform(0.14, 0.22)
        for k in range(count):
            n = seconds(r.uniform(0.07, 0.12) * (1.6 if k in (1, 2) else 1), rate_hz)
            top = pitch * (0.85 + 0.15 * np.sin(np.pi * min(1, (k + 1) / 4))) * (1 - 0.012 * k)
            f = top * curve(n, [0.72, 1.05, 0.95, 0.7], [0, 0.3, 0.6, 1]) * r.uniform(0.97, 1.03)
            note = whistled(f, swell(n, 0.2, 0.35), rate_hz, (1.0, 0.3, 0.12, 0.05))
            place(out, note, int(at * rate_hz), 1 - 0.05 * k)
            at += gap * r.uniform(0.9, 1.1) * (1.5 if k in (1, 2) else 1)
        return 0.4 * out[: int((at + 0.1) * rate_hz)]

    return recital(samples, rate_hz, rng, call, 1.0, 3.5)


@model(
    "peacock",
    Control("pitch_hz", "Hz", 500, 1300, 980, "highest of the cry"),
    source="Takahashi & Hasegawa 2008; Yorzinski & Anoop 2013 (Pavo cristatus)",
)
def peacock(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return wailing cries 'may-awe' in series, and now and then short honks."""
    pitch = c["pitch_hz"] * rng.uniform(0.93, 1.07)

    def call(r: Rng) -> Samples:
        cries = r.uniform() < 0.75
        parts: list[Samples] = []
        for _ in range(int(r.integers(1, 5)) if cries else int(r.integers(3, 8))):
            n = seconds(r.uniform(0.75, 1.2) if cries else r.uniform(0.15, 0.25), rate_hz)
            shape = [0.55, 0.72, 1.0, 0.95, 0.6] if cries else [0.6, 0.8, 0.6]
            f = pitch * curve(n, shape) * r.uniform(0.96, 1.04)
            closed = np.array([700.0, 2100.0, 3100.0, 4500.0, 6500.0])
            wide = np.array([1250.0, 2300.0, 3600.0, 5000.0, 7000.0])
            parts.append(
                vocal(
                    f,
                    swell(n, 0.15, 0.3, 0.6),
                    rate_hz,
                    r,
                    np.array([closed, wide * 0.9, wide, closed * 1.2]),
                    breath=0.06,
                    chaos=0.04,
                    sharpness=5,
                    tilt_hz=1800,
                    beak_hz=800,
                )
            )
            parts.append(np.zeros(int(r.uniform(0.15, 0.6 if cries else 0.25) * rate_hz)))
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, call, 0.8, 3.5)
