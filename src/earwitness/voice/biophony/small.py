"""Monkeys, squirrels, bats and the rattlesnake."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.biophony.tract import (
    Samples,
    company,
    curve,
    gaps,
    recital,
    seconds,
    swell,
    vocal,
    whistled,
)
from earwitness.voice.dsp import band_noise, bandpass, place, scatter, slow, unit
from earwitness.voice.model import Control, model

Controls = Mapping[str, float]
Rng = np.random.Generator


@model(
    "monkey",
    Control("pitch_hz", "Hz", 200, 900, 380, "of the hoots"),
    Control("count", "", 1, 12, 2, "animals"),
    source="Marler & Hobbett 1975; Mitani & Brandt 1994 (chimpanzee pant-hoots); Gouzoules 1984",
)
def monkey(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return pant-hoots: hoots that quicken on the breath in and out, and climb to screams."""
    chatters = rng.uniform() < 0.35
    throat = np.array([650.0, 1250.0, 2500.0, 3600.0, 5000.0]) * np.exp(rng.normal(0, 0.06))

    def hoot(r: Rng, tone: float, length: float, rough: float, breath: float) -> Samples:
        n = seconds(length, rate_hz)
        f = tone * curve(n, [0.85, 1.05, 0.95, 0.8]) * r.uniform(0.96, 1.04)
        return vocal(
            f,
            swell(n, 0.2, 0.4),
            rate_hz,
            r,
            throat,
            breath=breath,
            chaos=rough,
            sharpness=4,
            tilt_hz=700 + 1.2 * tone,
            tilt_db=-9,
        )

    def call(r: Rng) -> Samples:
        pitch = c["pitch_hz"] * np.exp(r.normal(0, 0.12))
        parts: list[Samples] = []
        if chatters and r.uniform() < 0.75:
            if r.uniform() < 0.6:  # barks and chatter
                tone = pitch * r.uniform(1.6, 2.6)
                for _ in range(int(r.integers(3, 12))):
                    parts.append(hoot(r, tone, r.uniform(0.05, 0.12), 0.12, 0.3))
                    parts.append(np.zeros(int(r.uniform(0.04, 0.12) * rate_hz)))
            else:  # a scream
                parts.append(hoot(r, pitch * r.uniform(2.5, 3.6), r.uniform(0.4, 0.9), 0.1, 0.2))
            return np.concatenate(parts)
        build = int(r.integers(4, 9))
        for k in range(build):  # hoo, huh, hoo, huh: out and in
            share = (k + 1) / build
            out_s = 0.32 - 0.12 * share
            hoo = hoot(r, pitch * (0.85 + 0.5 * share), out_s * r.uniform(0.9, 1.1), 0.015, 0.1)
            gasp = hoot(r, pitch * (0.7 + 0.5 * share), 0.12, 0.05, 1.2)
            parts += [(0.4 + 0.6 * share) * hoo, np.zeros(int(0.03 * rate_hz))]
            parts += [0.35 * share * gasp, np.zeros(int(0.05 * rate_hz))]
        for _ in range(int(r.integers(1, 4))):  # the climax
            scream = hoot(r, pitch * r.uniform(2.2, 3.2), r.uniform(0.4, 0.9), 0.05, 0.15)
            parts += [1.3 * scream, np.zeros(int(r.uniform(0.06, 0.2) * rate_hz))]
        return np.concatenate(parts)

    count = round(c["count"])
    rate = max(0.18, 0.3 / np.sqrt(count))
    return company(samples, rate_hz, rng, call, count, rate, bank=3, regularity=0.8)


@model(
    "squirrel",
    Control("pitch_hz", "Hz", 1500, 6000, 3000, "middle of the barks"),
    Control("rate_per_s", "1/s", 2, 14, 6, "barks in a series"),
    source="Lishak 1984; McRae & Green 2014 (Sciurus: kuks, quaas, moans); Horwich 1972",
)
def squirrel(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return scolding: rows of short noisy 'kuk' and drawn 'quaa'."""
    own = np.exp(rng.normal(0, 0.1))

    def bout(r: Rng) -> Samples:
        parts: list[Samples] = []
        beat = 1 / (c["rate_per_s"] * r.uniform(0.8, 1.2))
        for _ in range(int(r.integers(5, 18))):  # kuk kuk kuk
            n = seconds(r.uniform(0.03, 0.06), rate_hz)
            tone = 0.33 * c["pitch_hz"] * own * curve(n, [1.3, 0.8]) * r.uniform(0.9, 1.1)
            formants = c["pitch_hz"] * np.array([0.6, 1.05, 1.7, 2.6]) * r.uniform(0.92, 1.08)
            kuk = vocal(
                tone,
                swell(n, 0.1, 0.7),
                rate_hz,
                r,
                formants,
                breath=0.5,
                chaos=0.1,
                sharpness=3,
                tilt_hz=4000,
                beak_hz=1800,
            )
            parts += [
                r.uniform(0.6, 1) * kuk,
                np.zeros(int(max(0.01, beat - n / rate_hz) * rate_hz)),
            ]
        for _ in range(int(r.integers(0, 4))):  # quaa
            n = seconds(r.uniform(0.25, 0.6), rate_hz)
            tone = 0.3 * c["pitch_hz"] * own * curve(n, [1.2, 1.1, 0.8])
            pulses = 0.55 + 0.45 * np.sin(2 * np.pi * r.uniform(55, 80) * np.arange(n) / rate_hz)
            formants = c["pitch_hz"] * np.array([0.7, 1.2, 1.9, 2.8])
            quaa = vocal(
                tone,
                swell(n, 0.1, 0.4) * pulses,
                rate_hz,
                r,
                formants,
                breath=0.5,
                chaos=0.12,
                sharpness=3,
                tilt_hz=4000,
                beak_hz=1800,
            )
            parts += [0.8 * quaa, np.zeros(int(r.uniform(0.1, 0.4) * rate_hz))]
        return np.concatenate(parts)

    return recital(samples, rate_hz, rng, bout, 0.4, 2.5)


@model(
    "bat",
    Control("pitch_hz", "Hz", 20000, 110000, 48000, "end of the sweep, in the air"),
    Control("rate_per_s", "1/s", 4, 20, 10, "calls while searching"),
    Control("count", "", 1, 20, 2, "bats"),
    source="Griffin 1958; Kalko 1995 (Pipistrellus: 80 to 45 kHz in 5 ms, 10 a second, buzzes)",
)
def bat(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return echolocation sweeps as in the air; below 176 kHz as a bat detector divides them.

    A frequency-dividing detector counts the call down by ten, so it can be heard; social
    squeaks, audible to young ears, are left as they are.
    """
    real = rate_hz >= 176000
    divisor = 1.0 if real else 10.0
    duration = samples / rate_hz
    out = np.zeros(samples)
    for k in range(min(round(c["count"]), 6)):
        end = c["pitch_hz"] * np.exp(rng.normal(0, 0.05)) / divisor
        start = min(1.75 * end, 0.46 * rate_hz)
        loud_k = 1.0 if k == 0 else rng.uniform(0.15, 0.7)
        for onset in gaps(rng, duration, 2.2, 4.5, first_s=0.3 + 1.5 * (k > 0)):
            pass_s = rng.uniform(1.0, 2.6)
            buzz_at = rng.uniform(0.5, 0.9) * pass_s if rng.uniform() < 0.4 else np.inf
            at = 0.0
            while at < pass_s:
                if at > buzz_at:  # the feeding buzz
                    gap = max(0.007, 0.06 * np.exp(-(at - buzz_at) / 0.12))
                    length = 0.002
                    if at > buzz_at + 0.45:
                        buzz_at, gap = np.inf, 0.25
                else:
                    gap, length = (
                        rng.uniform(0.85, 1.15) / c["rate_per_s"],
                        rng.uniform(4, 6.5) / 1e3,
                    )
                n = seconds(length * (1 if real else 2), rate_hz)
                f = curve(n, [start, 1.12 * end, end], [0, 0.45, 1]) * rng.uniform(0.98, 1.02)
                near = np.sin(np.pi * min(1, max(0, at / pass_s))) ** 2 + 0.05
                sweep = whistled(f, swell(n, 0.3, 0.3), rate_hz, (1.0, 0.2, 0.08))
                place(out, sweep, int((onset + at) * rate_hz), loud_k * near)
                at += gap
        for onset in gaps(rng, duration, 1.5, 5.0, first_s=2.0):  # social squeaks
            for j in range(int(rng.integers(2, 6))):
                n = seconds(rng.uniform(0.012, 0.035), rate_hz)
                top = min(rng.uniform(7000, 15000), 0.42 * rate_hz)
                f = curve(n, [top, 0.8 * top, 0.55 * top])
                squeak = whistled(f, swell(n, 0.2, 0.4), rate_hz, (1.0, 0.3))
                place(out, squeak, int((onset + 0.055 * j) * rate_hz), 0.35 * loud_k)
    return out


@model(
    "snake",
    Control("rate_per_s", "1/s", 15, 100, 52, "strokes of the tail"),
    Control("size", "", 0.5, 2, 1, "of the rattle: larger is lower"),
    source="Fenton & Licht 1990; Young & Brown 1995; Martin & Bagby 1972 (Crotalus: 20-100 Hz)",
)
def snake(samples: int, rate_hz: int, rng: Rng, c: Controls) -> Samples:
    """Return the rattle of a rattlesnake: dry broadband strokes in bursts, and a hiss."""
    duration = samples / rate_hz
    low, high = 2500 / c["size"], min(17000 / c["size"], 0.47 * rate_hz)
    low = min(low, 0.2 * rate_hz)
    n = seconds(0.02, rate_hz)
    t = np.arange(n) / rate_hz
    grains = []
    for _ in range(16):
        knock = rng.standard_normal(n) * np.exp(-t / rng.uniform(0.002, 0.005))
        grains.append(unit(bandpass(knock, rate_hz, low, high)))
    bursts = np.zeros(samples)
    rate = np.full(samples, c["rate_per_s"]) * np.exp(0.05 * slow(samples, rate_hz, rng, 1.0))
    at = 0.0
    while at < duration:
        length = rng.uniform(1.5, 6.0)
        first, last = int(at * rate_hz), min(samples, int((at + length) * rate_hz))
        if last - first > 16:
            bursts[first:last] = swell(last - first, min(0.4, 0.25 / length), 0.3 / length)
        at += length + rng.uniform(0.2, 1.5)
    turns = np.cumsum(2 * rate) / rate_hz  # a click at each end of a stroke
    ticks = np.flatnonzero(np.diff(np.floor(turns)) > 0)
    times = ticks / rate_hz + 0.0012 * rng.standard_normal(len(ticks))
    loud = np.where(np.arange(len(ticks)) % 2, 0.55, 1.0) * rng.uniform(0.6, 1, len(ticks))
    rattle = scatter(samples, rate_hz, times, grains, loud, rng.integers(0, 16, len(ticks)))
    hiss = band_noise(samples, rate_hz, rng, min(3000, 0.2 * rate_hz), min(9500, 0.45 * rate_hz))
    breath = np.exp(np.clip(0.9 * slow(samples, rate_hz, rng, 0.3) - 2.3, -6, -0.8))
    return np.asarray(unit(rattle) * (bursts + 0.02) + hiss * breath)
