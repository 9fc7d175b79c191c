"""Birds of the farmyard: rooster, hens, ducks, geese, turkeys."""

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
)
from earwitness.voice.dsp import place
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "rooster",
    Control("pitch_hz", "Hz", 500, 1100, 800, "highest of the crow"),
    source="Miller 1978; Marler, Kreith & Willis 1962; Shimmura & Yoshimura 2013 (Gallus gallus)",
)
def rooster(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return crows of four notes, 'cock-a-doodle-doo', the last one long and falling."""
    pitch = c["pitch_hz"] * rng.uniform(0.93, 1.07)
    formants = np.array([950.0, 1900.0, 3000.0, 4300.0, 6000.0]) * rng.uniform(0.9, 1.12)
    pace = rng.uniform(0.88, 1.15)

    def crow(r: Rng) -> Samples:
        notes = (
            (0.22, [0.5, 0.62, 0.58], 0.55, 0.07, 0.12),
            (0.16, [0.72, 0.82, 0.78], 0.7, 0.04, 0.06),
            (0.38, [0.8, 0.98, 0.95], 0.9, 0.05, 0.03),
            (1.05, [0.85, 1.0, 0.97, 0.9, 0.6], 1.0, 0.0, 0.03),
        )
        parts: list[Samples] = []
        for length, shape, loud, rest, rough in notes:
            n = seconds(length * pace * r.uniform(0.93, 1.07), rate_hz)
            f = pitch * curve(n, shape) * r.uniform(0.985, 1.015)
            raw = rough + (0.25 * np.linspace(0, 1, n) ** 6 if length > 1 else 0.0)
            note = vocal(
                f,
                swell(n, 0.12, 0.2 if length < 1 else 0.35, 0.6),
                rate_hz,
                r,
                np.array([formants * 0.9, formants * 1.08, formants * 0.95]),
                breath=0.08,
                chaos=raw,
                sharpness=5,
                tilt_hz=1700,
                tilt_db=-8,
                beak_hz=900,
            )
            parts += [loud * note, np.zeros(int(rest * pace * rate_hz))]
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, crow, 1.5, 3.6)


def _cluck(r: Rng, rate_hz: int, pitch: float, length: float) -> Samples:
    n = seconds(length, rate_hz)
    f = pitch * curve(n, [0.75, 1.15, 0.7], [0, 0.3, 1])
    formants = np.array([850.0, 1700.0, 2700.0, 4000.0, 5800.0]) * r.uniform(0.88, 1.14)
    return vocal(
        f,
        swell(n, 0.15, 0.6),
        rate_hz,
        r,
        formants,
        breath=0.25,
        chaos=r.uniform(0.05, 0.2),
        sharpness=4,
        tilt_hz=1600,
        tilt_db=-8,
        beak_hz=700,
    )


@model(
    "hen",
    Control("pitch_hz", "Hz", 250, 900, 480, "of the cluck"),
    Control("count", "", 1, 40, 4, "hens"),
    source="Collias & Joos 1953; Collias 1987 (Gallus gallus: clucks, cackles, 0.4-4 kHz)",
)
def hen(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return clucks in loose series, drawn-out gakels, and cackles that end in a squawk."""

    def call(r: Rng) -> Samples:
        pitch, kind = c["pitch_hz"] * np.exp(r.normal(0, 0.12)), r.uniform()
        parts: list[Samples] = []
        if kind < 0.65:  # buk buk buk
            gap = r.uniform(0.12, 0.4)
            for _ in range(int(r.integers(2, 8))):
                loud = r.uniform(0.5, 1)
                tone = pitch * r.uniform(0.92, 1.08)
                parts.append(loud * _cluck(r, rate_hz, tone, r.uniform(0.05, 0.11)))
                parts.append(np.zeros(int(gap * r.uniform(0.7, 1.4) * rate_hz)))
        elif kind < 0.85:  # a long questioning croon
            n = seconds(r.uniform(0.4, 1.0), rate_hz)
            f = pitch * 0.85 * curve(n, [0.9, 1.0, 1.15, 0.95])
            formants = np.array([800.0, 1600.0, 2600.0, 4000.0]) * r.uniform(0.9, 1.1)
            env = swell(n, 0.3, 0.3)
            parts.append(0.5 * vocal(f, env, rate_hz, r, formants, breath=0.2, chaos=0.1))
        else:  # buk-buk-buk-bagawk
            for _ in range(int(r.integers(2, 6))):
                parts.append(0.6 * _cluck(r, rate_hz, pitch, r.uniform(0.06, 0.1)))
                parts.append(np.zeros(int(r.uniform(0.08, 0.16) * rate_hz)))
            n = seconds(r.uniform(0.35, 0.6), rate_hz)
            f = 1.9 * pitch * curve(n, [0.55, 1.0, 0.95, 0.7], [0, 0.3, 0.6, 1])
            formants = np.array([1200.0, 2100.0, 3300.0, 4800.0, 6500.0])
            env = swell(n, 0.2, 0.3, 0.7)
            parts.append(
                1.3 * vocal(f, env, rate_hz, r, formants, breath=0.2, chaos=0.2, sharpness=5)
            )
        return np.concatenate(parts)

    count = round(c["count"])
    rate = max(0.3, 0.7 / np.sqrt(count))
    return company(samples, rate_hz, rng, call, count, rate, bank=9, regularity=0.6)


@model(
    "duck",
    Control("pitch_hz", "Hz", 150, 500, 265, "fundamental of the quack"),
    Control("count", "", 1, 30, 2, "ducks"),
    source="Abraham 1974; Lockner & Murrish 1975 (Anas platyrhynchos: decrescendo call)",
)
def duck(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return quacks: falling series of the female mallard and single quacks."""

    def call(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.1))
        series = r.uniform() < 0.7
        count = int(r.integers(4, 10)) if series else int(r.integers(1, 3))
        period = r.uniform(0.27, 0.42)
        formants = np.array([1250.0, 1900.0, 2900.0, 3900.0, 5600.0]) * r.uniform(0.88, 1.12)
        rasp = r.uniform(0.02, 0.22)
        out = np.zeros(int((count + 2) * period * rate_hz))
        for k in range(count):
            n = seconds(r.uniform(0.5, 0.62) * period * (1.15 if k == 1 else 1), rate_hz)
            f = pitch * curve(n, [1.03, 1.06, 0.9]) * (1 - 0.015 * k)
            quack = vocal(
                f,
                swell(n, 0.12, 0.3, 0.5),
                rate_hz,
                r,
                np.array([formants * 0.8, formants * 1.06, formants * 0.9]),
                breath=0.12,
                chaos=rasp,
                sharpness=5,
                tilt_hz=2400,
                tilt_db=-11,
                beak_hz=900,
                shimmer=0.2,
            )
            loud = (0.6 if k == 0 else 1 - 0.75 * (k - 1) / max(count, 4)) * r.uniform(0.85, 1)
            place(out, quack, int(k * period * r.uniform(0.98, 1.02) * rate_hz), loud)
        return out[: int((count + 0.2) * period * rate_hz)]

    count = round(c["count"])
    return company(samples, rate_hz, rng, call, count, max(0.2, 0.4 / np.sqrt(count)), bank=7)


@model(
    "goose",
    Control("pitch_hz", "Hz", 250, 900, 470, "fundamental of the honk"),
    Control("count", "", 1, 40, 5, "geese"),
    source="Würdinger 1970; Whitford 1998 (Anser, Branta: honks that break upward)",
)
def goose(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return honks of a flock: low then a break upward, brassy."""

    def honk(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.12))
        n = seconds(r.uniform(0.2, 0.42), rate_hz)
        turn = r.uniform(0.2, 0.4)
        if r.uniform() < 0.65:  # ah-honk
            points, at = [0.62, 0.66, 1.0, 1.04, 0.85], [0, turn, turn + 0.06, 0.7, 1]
        else:
            points, at = [0.8, 1.0, 0.98, 0.8], [0, 0.2, 0.7, 1]
        f = pitch * curve(n, points, at)
        formants = np.array([900.0, 1500.0, 2500.0, 3500.0, 5000.0]) * r.uniform(0.88, 1.14)
        return vocal(
            f,
            swell(n, 0.12, 0.3, 0.6),
            rate_hz,
            r,
            np.array([formants * 0.85, formants * 1.05, formants * 0.92]),
            breath=0.12,
            chaos=r.uniform(0.0, 0.2),
            subharmonic=r.uniform(0, 0.3),
            sharpness=4.5,
            tilt_hz=1700,
            tilt_db=-9,
            beak_hz=700,
        )

    count = round(c["count"])
    return company(samples, rate_hz, rng, honk, count, max(0.4, 1.6 / np.sqrt(count)), bank=16)


@model(
    "turkey",
    Control("pitch_hz", "Hz", 400, 1100, 720, "highest of the gobble"),
    Control("rate_per_s", "1/s", 8, 18, 12.5, "notes of a gobble"),
    Control("count", "", 1, 12, 2, "turkeys"),
    source="Schleidt 1964; Hale et al. 1969 (Meleagris gallopavo: the gobble)",
)
def turkey(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return gobbles: a second of quick rolled notes that fall; some clucks and yelps between."""

    def note(r: Rng, tone: float, length: float) -> Samples:
        n = seconds(length, rate_hz)
        f = tone * curve(n, [0.6, 1.0, 0.95, 0.55], [0, 0.3, 0.6, 1])
        formants = np.array([850.0, 1600.0, 2600.0, 3800.0]) * r.uniform(0.93, 1.07)
        return vocal(
            f,
            swell(n, 0.2, 0.45),
            rate_hz,
            r,
            formants,
            breath=0.1,
            chaos=0.05,
            sharpness=5,
            beak_hz=700,
        )

    def call(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.08))
        if r.uniform() < 0.85:
            count = int(c["rate_per_s"] * r.uniform(0.8, 1.25))
            period = 1 / c["rate_per_s"]
            out = np.zeros(int((count + 2) * period * rate_hz))
            for k in range(count):
                tone = pitch * (0.8 + 0.2 * min(1, k / 2)) * (1 - 0.3 * k / count)
                loud = min(1.0, 0.5 + 0.25 * k) * (1 - 0.5 * k / count) * r.uniform(0.75, 1)
                at = k * period * (1 + 0.02 * r.standard_normal())
                place(out, note(r, tone, 0.9 * period), int(max(at, 0) * rate_hz), loud)
            return out
        out = np.zeros(int(2.2 * rate_hz))
        for k in range(int(r.integers(2, 6))):
            place(out, note(r, 0.8 * pitch, r.uniform(0.07, 0.16)), int(0.33 * k * rate_hz), 0.6)
        return out

    count = round(c["count"])
    return company(samples, rate_hz, rng, call, count, max(0.22, 0.42 / np.sqrt(count)), bank=6)
