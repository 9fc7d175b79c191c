"""A drum kit: skins that ring in the modes of a circular membrane, wires and metal."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import in_room

MEMBRANE_RATIOS = (1.0, 1.593, 2.135, 2.295, 2.653, 2.917)
"""Modes of an ideal circular membrane over the first: zeros of Bessel functions (Rayleigh)."""

_KICKS = (
    "x...x...x...x...",
    "x.....x.x.......",
    "x..x..x.x..x....",
    "x.....x...x.....",
    "x.x.....x.x...x.",
)
_SNARES = ("....x.......x...", "....x..x.x..x...", "....x.......x..x", "........x.......")
_HATS = ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "..x...x...x...x.")


def kick(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a bass drum: a tone that falls as the skin slackens, and the beater."""
    length = round(0.35 * rate_hz)
    t = np.arange(length) / rate_hz
    f = 48 + 85 * np.exp(-t / 0.025)
    body = np.sin(dsp.phase(f, rate_hz)) * dsp.decaying(length, rate_hz, 0.001, 0.32)
    click = dsp.bandpass(rng.standard_normal(length), rate_hz, 800, 4500, order=1)
    return np.asarray(body + 0.35 * click * dsp.decaying(length, rate_hz, 0.0004, 0.015))


def snare(rate_hz: int, rng: np.random.Generator, wires_s: float) -> Samples:
    """Return a snare drum: skins and the wires that buzz against the lower one."""
    length = round(0.3 * rate_hz)
    f = 182.0 * np.array([1.0, 1.81, *MEMBRANE_RATIOS[1:4]])  # the heads couple: 182 and 330 Hz
    skin = dsp.modes(length, rate_hz, f, [0.16, 0.12, 0.1, 0.08, 0.08], [1, 0.8, 0.5, 0.3, 0.25])
    wires = dsp.bandpass(rng.standard_normal(length), rate_hz, 1400, 9500, order=1)
    wires *= dsp.decaying(length, rate_hz, 0.001, wires_s)
    return np.asarray(0.8 * skin + 0.65 * wires)


def tom(rate_hz: int, rng: np.random.Generator, pitch_hz: float) -> Samples:
    """Return a tom: the modes of a membrane."""
    length = round(0.6 * rate_hz)
    f = pitch_hz * np.array(MEMBRANE_RATIOS)
    t60 = np.array([0.55, 0.42, 0.3, 0.26, 0.22, 0.2])
    skin = dsp.modes(length, rate_hz, f, t60, [1.0, 0.7, 0.35, 0.3, 0.2, 0.15])
    stick = dsp.bandpass(rng.standard_normal(length), rate_hz, 600, 3000, order=1)
    ends = np.minimum(np.arange(length)[::-1] / (0.02 * rate_hz), 1.0)
    return np.asarray(ends * (skin + 0.3 * stick * dsp.decaying(length, rate_hz, 0.0005, 0.02)))


def cymbal(rate_hz: int, rng: np.random.Generator, t60_s: float, low_hz: float) -> Samples:
    """Return a cymbal or hi-hat: very many modes, as noise, with some that stand out."""
    length = round(min(t60_s * 0.8, 1.6) * rate_hz) + 64
    noise = dsp.highpass(rng.standard_normal(length), rate_hz, low_hz)
    f = rng.uniform(0.5 * low_hz, 2.4 * low_hz, 24)
    metal = dsp.modes(
        length, rate_hz, f, t60_s * rng.uniform(0.5, 1.2, 24), 0.35, rng.uniform(0, 6, 24)
    )
    ends = np.minimum(np.arange(length)[::-1] / (0.02 * rate_hz), 1.0)
    return np.asarray(ends * (noise * dsp.decaying(length, rate_hz, 0.0008, t60_s) + 0.6 * metal))


@model(
    "drums",
    Control("tempo_bpm", "1/min", 50, 220, 104, "beats per minute"),
    Control("swing", "", 0, 0.4, 0.06, "how late the off-beats come, of a sixteenth"),
    source="Rayleigh 1894, membranes; Fletcher & Rossing 1998, ch. 18 and 20",
)
def drums(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A drum kit: a groove with ghost notes, and fills every fourth bar."""
    duration, sixteenth = samples / rate_hz, 15.0 / c["tempo_bpm"]
    bars = int(np.ceil(duration / (16 * sixteenth))) + 1
    draw = rng.integers
    kicks, snares, hats = (p[int(draw(len(p)))] for p in (_KICKS, _SNARES, _HATS))
    toms = [tom(rate_hz, rng, f) for f in (96.0, 128.0, 165.0)]
    wires_s, hat_s = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.06, 0.25))
    kit = {
        "kick": [kick(rate_hz, rng) for _ in range(3)],
        "snare": [snare(rate_hz, rng, wires_s) for _ in range(4)],
        "hat": [cymbal(rate_hz, rng, hat_s * float(rng.uniform(0.8, 1.2)), 6800) for _ in range(5)],
        "open": [cymbal(rate_hz, rng, 0.45, 6500) for _ in range(2)],
        "crash": [cymbal(rate_hz, rng, 1.8, 3800) for _ in range(2)],
    }
    out = np.zeros(samples)
    loud = rng.uniform(0.25, 0.6)

    def hit(name: str, bar: int, step: int, gain: float) -> None:
        late = c["swing"] * sixteenth if step % 2 else 0.0
        at = (16 * bar + step) * sixteenth + late + float(rng.normal(0, 0.0035))
        grains = toms if name == "tom" else kit[name]
        choice = 2 - step * 3 // 16 if name == "tom" else int(draw(len(grains)))
        gain *= float(rng.lognormal(0, 0.12))
        dsp.place(out, grains[choice], round(max(at, 0.0) * rate_hz), gain)

    for bar in range(bars):
        fill = bar % 4 == 3
        for step in range(16):
            accent = 1.0 if step % 4 == 0 else 0.65
            if kicks[step] == "x":
                hit("kick", bar, step, 1.0)
            if fill and step >= 10:
                hit("tom" if rng.uniform() < 0.6 else "snare", bar, step, 0.7)
                continue
            if snares[step] == "x":
                hit("snare", bar, step, 0.85)
            elif rng.uniform() < 0.07:
                hit("snare", bar, step, 0.14)
            if hats[step] == "x":
                opened = step == 14 and rng.uniform() < 0.4
                hit("open" if opened else "hat", bar, step, float(loud) * accent)
        if bar % 4 == 0 and rng.uniform() < 0.6:
            hit("crash", bar, 0, 0.4)
    return in_room(
        out, rate_hz, rng, t60_s=float(rng.uniform(0.25, 0.7)), wet=float(rng.uniform(0.25, 0.8))
    )
