"""Warning and calling signals: sirens, horns, bells that ring, telephones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import modes, paced, turned
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import hall, lowpass, resonance, through
from earwitness.voice.anthropophony.road import road_hum
from earwitness.voice.dsp import place, sawtooth, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model

MARTINSHORN_HZ = (440.0, 585.0)
"""The German two-tone horn: a fourth apart, the lower 360 to 630 Hz (DIN 14610)."""


@model(
    "siren",
    Control("kind", "", 0, 3, 0, "0 by chance, 1 two-tone, 2 wail, 3 yelp"),
    Control("pitch_hz", "Hz", 360, 630, 440, "lower tone of the two-tone horn"),
    Control("speed_m_s", "m/s", 0, 30, 0, "speed at which it passes"),
    source="DIN 14610 (440/585 Hz); SAE J1849 (wail 0.17–0.5 Hz, yelp 2.5–4.2 Hz, 650–2000 Hz)",
)
def siren(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A two-tone horn, or an electronic siren that wails and yelps."""
    t = np.arange(samples) / rate_hz
    kind = round(c["kind"]) or int(rng.integers(1, 4))
    if kind == 1:
        pace = (1 + 0.03 * slow(samples, rate_hz, rng, 0.2)) / float(rng.uniform(1.35, 1.65))
        turn = turned(pace, samples, rate_hz) + rng.random()
        high = (turn % 1.0) >= 0.5
        hz = np.where(high, c["pitch_hz"] * MARTINSHORN_HZ[1] / MARTINSHORN_HZ[0], c["pitch_hz"])
        # compressed-air horns speak within some 20 ms
        kernel = max(1, int(0.012 * rate_hz))
        hz = np.convolve(np.pad(hz, kernel, mode="edge"), np.ones(kernel) / kernel, "same")
        hz = hz[kernel:-kernel]
    else:
        rate = float(rng.uniform(0.2, 0.35)) if kind == 2 else float(rng.uniform(2.8, 3.8))
        pace = rate * (1 + 0.03 * slow(samples, rate_hz, rng, 0.2))
        turn = (turned(pace, samples, rate_hz) + rng.random()) % 1.0
        # charging and discharging of a capacitor: quick up, slower down
        up = float(rng.uniform(0.4, 0.6))
        sweep = np.where(turn < up, turn / up, (1 - turn) / (1 - up))
        low, high_hz = float(rng.uniform(580, 720)), float(rng.uniform(1200, 1600))
        hz = low * (high_hz / low) ** sweep
    hz = hz * (1 + 0.002 * slow(samples, rate_hz, rng, 0.7))
    if c["speed_m_s"] > 0:
        x = c["speed_m_s"] * (t - samples / rate_hz / 2)
        toward = -x / np.hypot(x, 8.0)
        hz = hz / (1 - toward * c["speed_m_s"] / 343.0)
    tone = (
        sawtooth(hz, rate_hz)
        if kind == 1
        else np.tanh(3 * np.sin(2 * np.pi * np.cumsum(hz) / rate_hz))
    )
    horn = through(tone, rate_hz, lambda f: (
        lowpass(f, 5000.0, 2) * (0.4 + resonance(f, 900.0, 1.2) + 0.8 * resonance(f, 1800.0, 2.0))
    ))  # fmt: skip
    near = np.exp(0.25 * slow(samples, rate_hz, rng, 0.2))
    if c["speed_m_s"] > 0:
        near = near * 12.0 / np.hypot(x, 12.0)
    out = hall(unit(horn) * near, rate_hz, rng, 1.4, 0.35, 3000.0)
    return out + 0.05 * road_hum(samples, rate_hz, rng)


@model(
    "horn",
    Control("pitch_hz", "Hz", 250, 600, 405, "lower tone"),
    Control("rate_per_min", "1/min", 2, 60, 16, "honks a minute"),
    source="two-tone disc horns near 400 and 500 Hz (ECE R28; Lemaitre et al. 2007)",
)
def horn(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Car horns: two discs a major third apart, rich in harmonics, honked in short calls."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    base = c["pitch_hz"] * float(np.exp(0.03 * rng.standard_normal()))
    clock = float(rng.uniform(0.0, 0.5))
    period = 60.0 / c["rate_per_min"]
    while clock < duration:
        count = int(rng.choice([1, 1, 2, 2, 3]))
        for _ in range(count):
            length = float(rng.choice([0.18, 0.35, 0.8, 1.6], p=[0.3, 0.35, 0.25, 0.1]))
            honk = _honk(rate_hz, rng, base, length * float(rng.uniform(0.8, 1.2)))
            place(out, honk, round(clock * rate_hz))
            clock += length + float(rng.uniform(0.12, 0.3))
        clock += period * count * float(rng.uniform(0.4, 1.0)) * 0.6
    return hall(out, rate_hz, rng, 1.0, 0.35, 3500.0) + 0.02 * road_hum(samples, rate_hz, rng)


def _honk(rate_hz: int, rng: np.random.Generator, base_hz: float, length_s: float) -> Samples:
    size = int((length_s + 0.08) * rate_hz)
    t = np.arange(size) / rate_hz
    shape = np.clip(t / 0.02, 0, 1) * np.clip((length_s + 0.06 - t) / 0.05, 0, 1)
    rise = 1 - 0.03 * np.exp(-t / 0.015)
    tone = np.zeros(size)
    for ratio in (1.0, 1.25):
        hz = base_hz * ratio * rise * (1 + 0.001 * slow(size, rate_hz, rng, 8.0))
        tone += sawtooth(hz, rate_hz, float(rng.random()))
    ring = through(tone, rate_hz, lambda f: (
        0.3 + resonance(f, 2000.0, 1.5) + 0.8 * resonance(f, 3200.0, 2.5)
    ) * lowpass(f, 6500.0, 2))  # fmt: skip
    return np.asarray(unit(np.tanh(1.2 * unit(ring))) * shape)


@model(
    "railway-crossing",
    Control("rate_per_s", "1/s", 1, 6, 2.2, "strokes a second"),
    Control("pitch_hz", "Hz", 400, 2000, 820, "prime of the gong"),
    source="AREMA 3.2.60 (100–325 strokes/min); partials of a gong: Fletcher & Rossing 1998",
)
def railway_crossing(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """The gong of a level crossing, struck twice a second and more."""
    f = c["pitch_hz"]
    gong = modes(
        rate_hz, f * np.array([1.0, 1.003, 2.32, 2.34, 4.2, 6.5, 9.2]),
        [0.55, 0.5, 0.4, 0.35, 0.22, 0.12, 0.06], [0.8, 0.6, 1.0, 0.7, 0.6, 0.4, 0.25],
        attack_s=0.0003, longest_s=2.0,
    )  # fmt: skip
    times = paced(rng, 1 / c["rate_per_s"], samples / rate_hz, 0.012)
    gains = 1 + 0.12 * rng.standard_normal(len(times))
    out = scatter(samples, rate_hz, times, [gong], gains)
    return hall(unit(out), rate_hz, rng, 0.8, 0.25, 4000.0) + 0.03 * road_hum(samples, rate_hz, rng)


@model(
    "ship-horn",
    Control("pitch_hz", "Hz", 60, 700, 120, "fundamental"),
    Control("blasts_per_min", "1/min", 1, 12, 4, "blasts a minute"),
    source="COLREG 1972, annex III (70–200 Hz for ships above 200 m; blasts of 4–6 s)",
)
def ship_horn(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A ship's horn: a deep reed through a long bell, and the shores that answer."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    period = 60.0 / c["blasts_per_min"]
    second = float(rng.choice([1.0, 1.19, 1.26]))
    clock = float(rng.uniform(0.0, 0.15)) * period - 0.5
    while clock < duration:
        length = min(period * 0.7, float(rng.uniform(3.5, 6.0)))
        place(out, _blast(rate_hz, rng, c["pitch_hz"], second, length), round(clock * rate_hz))
        clock += max(length + 1.0, period * float(rng.uniform(0.8, 1.2)))
    far = hall(out, rate_hz, rng, 3.5, 0.5, 900.0)
    water = road_hum(samples, rate_hz, rng)
    return far + 0.05 * water


def _blast(
    rate_hz: int, rng: np.random.Generator, pitch_hz: float, second: float, length_s: float
) -> Samples:
    size = int((length_s + 0.5) * rate_hz)
    t = np.arange(size) / rate_hz
    speak = np.clip(t / 0.25, 0, 1) ** 1.5 * np.clip((length_s + 0.45 - t) / 0.4, 0, 1)
    bend = 1 - 0.025 * np.exp(-t / 0.12) - 0.03 * (1 - np.clip((length_s + 0.45 - t) / 0.35, 0, 1))
    tone = np.zeros(size)
    for ratio in sorted({1.0, second}):
        hz = pitch_hz * ratio * bend * (1 + 0.0015 * slow(size, rate_hz, rng, 4.0))
        tone += sawtooth(hz, rate_hz, float(rng.random()))
    bell = through(tone, rate_hz, lambda f: lowpass(f, 1500.0 + 4.0 * pitch_hz, 2) * (
        0.5 + resonance(f, 3.1 * pitch_hz, 1.5) + 0.8 * resonance(f, 850.0, 1.0)))  # fmt: skip
    breath = 0.03 * rng.standard_normal(size)
    return np.asarray((unit(bell) + breath) * speak)


@model(
    "telephone",
    Control("pitch_hz", "Hz", 400, 2500, 1150, "lower gong"),
    Control("strokes_per_s", "1/s", 10, 35, 22, "of the clapper"),
    source="W48, Western Electric 500: two gongs struck 20–25 times a second",
)
def telephone(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A telephone with two gongs rings a second or two, and rests."""
    duration = samples / rate_hz
    gongs = [_gong(rate_hz, c["pitch_hz"] * k, 0.28) for k in (1.0, 1.26)]
    times: list[float] = []
    clock = float(rng.uniform(0.0, 0.6))
    on, off = float(rng.uniform(0.9, 2.0)), float(rng.uniform(1.6, 4.0))
    while clock < duration:
        times += list(clock + paced(rng, 1 / c["strokes_per_s"], on, 0.03))
        clock += on + off
    out = scatter(samples, rate_hz, times, gongs, rng.uniform(0.8, 1.2, len(times)))
    out = out if np.any(out) else out + 1e-9
    return hall(unit(out), rate_hz, rng, 0.4, 0.3, 5000.0) + 0.01 * room_tone(samples, rate_hz, rng)


def _gong(rate_hz: int, hz: float, ring_s: float) -> Samples:
    return modes(
        rate_hz, hz * np.array([1.0, 1.004, 2.76, 5.4, 8.9]),
        ring_s * np.array([1.0, 0.9, 0.6, 0.35, 0.2]), [0.8, 0.5, 1.0, 0.6, 0.3],
        attack_s=0.0002, longest_s=2.0,
    )  # fmt: skip


@model(
    "alarm",
    Control("kind", "", 0, 2, 0, "0 by chance, 1 bells of a wind-up clock, 2 electronic beeps"),
    Control("pitch_hz", "Hz", 600, 4200, 2050, "of the beep"),
    Control("rate_per_s", "1/s", 1, 6, 1.0, "groups of beeps a second"),
    source="piezo beepers near 2 kHz; hammer bells: Fletcher & Rossing 1998",
)
def alarm(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """An alarm clock: a hammer between two bells, or beeps in fours."""
    kind = round(c["kind"]) or int(rng.integers(1, 3))
    duration = samples / rate_hz
    if kind == 1:
        bells = [_gong(rate_hz, float(rng.uniform(1900, 2900)) * k, 0.12) for k in (1.0, 1.11)]
        times = paced(rng, 1 / float(rng.uniform(14, 24)), duration, 0.05)
        out = scatter(samples, rate_hz, times, bells, rng.uniform(0.7, 1.2, len(times)))
        rattle = modes(rate_hz, [380, 720, 1300], [0.01, 0.008, 0.006], [1, 0.8, 0.6])
        out += 0.25 * scatter(samples, rate_hz, times, [rattle], rng.uniform(0.5, 1, len(times)))
    else:
        pace = c["rate_per_s"] * (1 + 0.01 * slow(samples, rate_hz, rng, 0.3))
        group = (turned(pace, samples, rate_hz) + 0.3 * rng.random()) % 1.0
        each = group / 0.125
        gate = (group < 0.5) & (each % 1.0 < 0.55)
        kernel = max(1, int(0.003 * rate_hz))
        shape = np.convolve(gate.astype(np.float64), np.ones(kernel) / kernel, "same")
        hz = min(c["pitch_hz"], 0.3 * rate_hz)
        stray = hz * (1 + 0.002 * slow(samples, rate_hz, rng, 0.5))
        square = np.tanh(2.5 * np.sin(2 * np.pi * turned(stray, samples, rate_hz)))
        out = (
            through(square, rate_hz, lambda f: lowpass(f, 9000.0) * (0.2 + resonance(f, hz, 2)))
            * shape
        )
    return hall(unit(out), rate_hz, rng, 0.4, 0.3, 5000.0) + 0.01 * room_tone(samples, rate_hz, rng)
