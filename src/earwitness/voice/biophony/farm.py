"""Beasts of the farm: cow, sheep, goat, pig, donkey."""

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
    tube,
    vocal,
)
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "cow",
    Control("pitch_hz", "Hz", 70, 400, 150, "fundamental of the open call"),
    Control("count", "", 1, 20, 1, "cows"),
    source="Padilla de la Torre et al. 2015; Green et al. 2019 (Bos taurus: 80-170 Hz, 1-2 s)",
)
def cow(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return lows that begin with a closed mouth and open: 'mmm-uuh'."""
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 5)):
        pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.12))
        scale = np.exp(rng.normal(0, 0.08))

        def low(r: Rng, pitch: float = pitch, scale: float = scale) -> Samples:
            n = seconds(r.uniform(1.1, 2.3), rate_hz)
            opens = r.uniform(0.2, 0.5)
            f = pitch * curve(n, [0.68, 0.78, 1.0, 1.03, 0.82], [0, opens, opens + 0.15, 0.75, 1])
            f *= r.uniform(0.95, 1.05)
            closed = np.array([210.0, 1000.0, 1900.0, 2700.0, 3600.0, 4500.0])
            wide = np.array([640.0, 1080.0, 2050.0, 2800.0, 3700.0, 4700.0])
            keys = np.linspace(0, 1, 9)
            share = np.clip((keys - opens + 0.1) / 0.25, 0, 1)[:, None]
            share = share * np.where(keys > 0.85, 0.55, 1.0)[:, None]
            mouth = closed ** (1 - share) * wide**share * scale
            muffled = 0.35 + 0.65 * np.interp(np.linspace(0, 1, n), keys, share[:, 0])
            late = np.where(np.linspace(0, 1, n) > r.uniform(0.5, 1.1), 1.0, 0.0)
            return vocal(
                f,
                swell(n, 0.15, 0.2, 0.7) * muffled,
                rate_hz,
                r,
                mouth,
                breath=0.08,
                chaos=np.asarray(0.012 + 0.05 * late * r.uniform()),
                subharmonic=np.asarray(0.4 * late * r.uniform()),
                sharpness=6,
                tilt_hz=700,
                tilt_db=-7.5,
            )

        loud = 1.0 if k == 0 else rng.uniform(0.2, 0.8)
        out += loud * recital(samples, rate_hz, rng, low, 0.7, 3.5, first_s=0.5 + 2 * (k > 0))
    return out


def _bleat(
    r: Rng,
    rate_hz: int,
    pitch: float,
    length: float,
    beat: float,
    depth: float,
    formants: Samples,
    rough: float,
    tilt_db: float,
) -> Samples:
    """Return a bleat: a vowel whose loudness and pitch tremble."""
    n = seconds(length, rate_hz)
    f = pitch * curve(n, [0.92, 1.04, 1.0, 0.88], [0, 0.2, 0.6, 1]) * r.uniform(0.96, 1.04)
    # The beat is uneven a little, so it is no siren.
    angle = 2 * np.pi * beat * np.arange(n) / rate_hz + r.uniform(0, 6)
    angle += 0.5 * np.cumsum(r.standard_normal(64)).repeat(n // 64 + 1)[:n] / 8
    wave = np.sin(angle)
    f = f * (1 + 0.05 * depth * wave)
    loud = swell(n, 0.08, 0.2, 0.6) * (1 - depth * (0.5 - 0.5 * wave))
    mouth = np.array([formants * 0.8, formants, formants, formants * 0.93])
    return vocal(
        f,
        loud,
        rate_hz,
        r,
        mouth,
        breath=0.12,
        chaos=rough,
        subharmonic=r.uniform(0, 0.25),
        sharpness=6,
        tilt_hz=2600,
        tilt_db=tilt_db,
        beak_hz=500,
        shimmer=0.2,
    )


@model(
    "sheep",
    Control("pitch_hz", "Hz", 120, 600, 250, "fundamental; a lamb is higher"),
    Control("tremor_hz", "Hz", 5, 16, 8.5, "beats of the bleat"),
    Control("count", "", 1, 40, 2, "sheep"),
    source="Sèbe et al. 2010; Charlton & Reby 2016; Lieber et al. (Ovis aries: tremor 6-12 Hz)",
)
def sheep(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return bleats 'baa' that tremble, of ewes and sometimes of lambs."""
    press = rng.uniform(-10, -3)  # a soft or a pressed voice

    def baa(r: Rng) -> Samples:
        lamb = r.uniform() < 0.2
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.1)) * (1.5 if lamb else 1)
        formants = np.array([780.0, 1450.0, 2600.0, 3500.0, 4700.0, 6200.0])
        formants *= r.uniform(0.92, 1.1) * (1.15 if lamb else 1)
        length = r.uniform(0.4, 0.8) if lamb else r.uniform(0.7, 1.4)
        return _bleat(
            r,
            rate_hz,
            pitch,
            length,
            c["tremor_hz"] * r.uniform(0.95, 1.05),
            r.uniform(0.2, 0.6),
            formants,
            r.uniform(0.01, 0.05),
            press + r.uniform(-1, 1),
        )

    count = round(c["count"])
    return company(
        samples, rate_hz, rng, baa, count, max(0.25, 0.4 / np.sqrt(count)), bank=8, spread_db=14
    )


@model(
    "goat",
    Control("pitch_hz", "Hz", 180, 900, 340, "fundamental; a kid is higher"),
    Control("tremor_hz", "Hz", 6, 18, 11, "beats of the bleat"),
    Control("count", "", 1, 30, 1, "goats"),
    source="Briefer & McElligott 2011; Ruiz-Miranda et al. 1993 (Capra hircus)",
)
def goat(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return bleats 'meh-eh-eh', broken deep by the tremor."""
    own = np.exp(rng.normal(0, 0.1))

    press = rng.uniform(-10, -4)

    def meh(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * own * np.exp(r.normal(0, 0.06))
        formants = np.array([700.0, 1850.0, 2800.0, 3900.0, 5200.0, 6800.0]) * r.uniform(0.93, 1.1)
        return _bleat(
            r,
            rate_hz,
            pitch,
            r.uniform(0.5, 1.1),
            c["tremor_hz"] * r.uniform(0.95, 1.05),
            r.uniform(0.7, 0.95),
            formants,
            r.uniform(0.01, 0.06),
            press + r.uniform(-1, 1),
        )

    count = round(c["count"])
    return company(
        samples, rate_hz, rng, meh, count, max(0.25, 0.42 / np.sqrt(count)), bank=8, spread_db=12
    )


@model(
    "pig",
    Control("pitch_hz", "Hz", 40, 250, 100, "pulses of a grunt"),
    Control("count", "", 1, 30, 3, "pigs"),
    source="Kiley 1972; Garcia et al. 2016 (grunts); Linhart et al. 2015 (squeals; Sus scrofa)",
)
def pig(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return grunts through the snout, snorts, and a squeal now and then."""

    def call(r: Rng) -> Samples:
        pitch, kind = c["pitch_hz"] * np.exp(r.normal(0, 0.18)), r.uniform()
        parts: list[Samples] = []
        if kind < 0.12:  # squeal
            n = seconds(r.uniform(0.4, 1.2), rate_hz)
            f = 1100 * r.uniform(0.7, 1.3) * curve(n, [0.7, 1.1, 1.0, r.uniform(0.6, 1.1)])
            formants = np.array([1300.0, 2500.0, 3700.0, 5200.0, 7000.0]) * r.uniform(0.9, 1.1)
            squeal = vocal(
                f,
                swell(n, 0.12, 0.25, 0.6),
                rate_hz,
                r,
                formants,
                breath=0.2,
                chaos=r.uniform(0.02, 0.12),
                sharpness=4,
                tilt_hz=2500,
            )
            return 0.8 * squeal
        snort = kind > 0.8
        for _ in range(int(r.integers(1, 5))):
            n = seconds(r.uniform(0.1, 0.3), rate_hz)
            f = pitch * curve(n, [0.85, 1.15, 0.9]) * r.uniform(0.9, 1.1)
            formants = np.array([380.0, 1050.0, 1900.0, 2800.0, 4000.0, 5600.0])
            grunt = vocal(
                f,
                swell(n, 0.25, 0.45, 0.8),
                rate_hz,
                r,
                formants * r.uniform(0.85, 1.15),
                breath=1.2 if snort else r.uniform(0.25, 0.6),
                chaos=0.05,
                subharmonic=r.uniform(0, 0.5),
                sharpness=3.5,
                tilt_hz=1600,
                tilt_db=-7,
                beak_hz=350,
                shimmer=0.5,
            )
            parts += [r.uniform(0.5, 1) * grunt, np.zeros(int(r.uniform(0.06, 0.35) * rate_hz))]
        return np.concatenate(parts)

    count = round(c["count"])
    return company(samples, rate_hz, rng, call, count, max(0.25, 0.6 / np.sqrt(count)), bank=14)


@model(
    "donkey",
    Control("pitch_hz", "Hz", 120, 450, 240, "fundamental of the 'haw'"),
    source="Browning & Scheifele 2004 (the bray of Equus asinus); Ripamonti 2008",
)
def donkey(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return brays: a wheezed 'hee' on the breath in, a brassy 'haw' on the breath out."""
    pitch = c["pitch_hz"] * np.exp(rng.normal(0, 0.1))
    throat = 0.3 * np.exp(rng.normal(0, 0.06))

    def bray(r: Rng) -> Samples:
        parts: list[Samples] = []
        cycles = int(r.integers(3, 8))
        for k in range(cycles):
            fresh = np.sin(np.pi * (k + 1) / (cycles + 1)) ** 0.5
            n = seconds(r.uniform(0.38, 0.65), rate_hz)
            high = pitch * r.uniform(2.6, 3.6)
            f = high * curve(n, [0.75, 1.12, 1.0, 0.8])
            hee = vocal(
                f,
                swell(n, 0.2, 0.3),
                rate_hz,
                r,
                np.array([900.0, 1750.0, 2700.0, 3900.0, 5300.0]) * r.uniform(0.93, 1.07),
                breath=0.7,
                chaos=r.uniform(0.05, 0.15),
                sharpness=4,
                tilt_hz=2500,
            )
            parts += [0.4 * fresh * hee, np.zeros(int(r.uniform(0.01, 0.06) * rate_hz))]
            n = seconds(r.uniform(0.55, 1.0), rate_hz)
            f = pitch * curve(n, [0.95, 1.05, 1.0, 0.88]) * r.uniform(0.96, 1.04)
            haw = vocal(
                f,
                swell(n, 0.08, 0.2, 0.6),
                rate_hz,
                r,
                np.array([tube(throat, 8, 0.7), tube(throat, 8, 1.0), tube(throat, 8, 0.4)]),
                breath=0.12,
                chaos=0.03,
                subharmonic=r.uniform(0, 0.45),
                sharpness=5,
                tilt_hz=1500,
                tilt_db=-7,
                beak_hz=350,
                shimmer=0.25,
            )
            parts += [fresh * haw, np.zeros(int(r.uniform(0.02, 0.1) * rate_hz))]
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bray, 1.2, 4.0)
