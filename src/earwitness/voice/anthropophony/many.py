"""Many people: a crowd, children at play, a café, cheering, applause."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import modes, paced
from earwitness.voice.anthropophony.passing import endless, read
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, effort, hall
from earwitness.voice.anthropophony.talking import Talker, calls, somebody, talk
from earwitness.voice.anthropophony.throat import at_rate, sound
from earwitness.voice.dsp import place, poisson, scatter, slow, unit
from earwitness.voice.model import Control, Samples, model

FAR_HZ = 16000
"""Voices among many are made at this rate: distance and number hide what is above 8 kHz."""

# long-term average spectrum of speech, dB in third octaves: Byrne et al. 1994, table II (combined)
LTASS_HZ = (63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000, 2500,
            3150, 4000, 5000, 6300, 8000, 10000, 12500, 16000)  # fmt: skip
LTASS_DB = (38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7, 53.0,
            52.0, 48.7, 48.1, 46.8, 45.6, 44.5, 44.3, 43.7, 43.4, 41.3, 40.7)  # fmt: skip


def babble(
    samples: int, rate_hz: int, rng: np.random.Generator, count: int, made_up: int = 3
) -> Samples:
    """Return ``count`` people talking at once, at an RMS of 1.

    A few of them are made; the others are those again at other times, pitches and sizes,
    which nobody can tell among so many. Above a few dozen the rest is a murmur with the
    spectrum of Byrne et al. (1994).
    """
    duration = samples / rate_hz
    size = int((duration + 0.5) * FAR_HZ)
    made = []
    for _ in range(min(count, made_up)):
        who = somebody(rng, pause_s=0.35)
        voice = unit(sound(talk(duration + 1, rng, who), rng, FAR_HZ))
        made.append(endless(voice))
    out = np.zeros(size)
    near = min(count, 18)
    at = np.arange(size, dtype=np.float64)
    for k in range(near):
        speed = 1.0 if k < len(made) else float(np.exp(rng.uniform(-0.16, 0.16)))
        begin = rng.uniform(0, len(made[k % len(made)])) if k >= len(made) else 0.0
        distance = float(np.exp(0.5 * abs(rng.standard_normal())))
        out += read(made[k % len(made)], at * speed + begin) / distance
    voices = unit(effort(at_rate(out, FAR_HZ, samples, rate_hz), rate_hz, 10.0, 2500.0))
    if count <= near:
        return voices
    density = [d - 10 * np.log10(0.2316 * f) for f, d in zip(LTASS_HZ, LTASS_DB, strict=True)]
    murmur = coloured(samples, rate_hz, rng, LTASS_HZ, density)
    murmur *= 1 + 0.25 * slow(samples, rate_hz, rng, 4.0)
    share = 1 - near / count
    return np.asarray(np.sqrt(1 - 0.7 * share) * voices + np.sqrt(0.7 * share) * murmur)


@model(
    "crowd",
    Control("count", "", 4, 2000, 40, "people who talk at once"),
    Control("room_s", "s", 0.1, 3, 0.8, "reverberation time"),
    source="Byrne et al. 1994 (spectrum); Farnell 2010",
)
def crowd(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Many people murmur, steps and coughs among them."""
    voices = babble(samples, rate_hz, rng, round(c["count"]))
    out = hall(voices, rate_hz, rng, c["room_s"], 0.9, 3000.0)
    return unit(out) + 0.06 * room_tone(samples, rate_hz, rng)


@model(
    "children",
    Control("count", "", 2, 60, 12, "children"),
    Control("strength", "", 0, 1, 0.5, "share of shouts and shrieks"),
    source="Peterson & Barney 1952 (children's formants); Traunmüller & Eriksson 2000 (shouting)",
)
def children(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Children call to each other, shout and shriek in a playground."""
    duration = samples / rate_hz
    size = int((duration + 0.5) * FAR_HZ)
    out = np.zeros(size)
    made = []
    for _ in range(2):
        pitch = 320.0 * float(np.exp(0.15 * rng.standard_normal()))
        who = Talker("child", pitch, float(rng.uniform(0.92, 1.08)), 0.7, 4.2, 1.2)
        made.append(endless(unit(sound(talk(duration + 1, rng, who), rng, FAR_HZ))))
    for _ in range(2):
        rate = 0.35 + 0.7 * c["strength"]
        starts = poisson(rng, rate, duration)
        count = len(starts)
        who = Talker("child", float(rng.uniform(420, 560)), float(rng.uniform(0.9, 1.05)))
        top = rng.uniform(0.0, 0.3 + 0.8 * c["strength"], count)
        curve = np.stack([top - 0.35, top, top - rng.uniform(0.0, 0.5, count)], axis=1)
        track = calls(
            duration + 1, rng, who, starts, rng.uniform(0.25, 1.1, count), curve,
            rng.choice([0, 2, 3, 4, 8], count), rng.uniform(0.4, 1.0, count),
        )  # fmt: skip
        track.rough = 0.025
        made.append(endless(2.2 * np.tanh(unit(sound(track, rng, FAR_HZ)))))
    at = np.arange(size, dtype=np.float64)
    for k in range(max(4, round(c["count"]))):
        voice = made[k % 4]
        speed = 1.0 if k < 4 else float(np.exp(rng.uniform(-0.14, 0.14)))
        begin = 0.0 if k < 4 else rng.uniform(0, len(voice))
        out += read(voice, at * speed + begin) / float(np.exp(0.7 * abs(rng.standard_normal())))
    voices = unit(effort(at_rate(out, FAR_HZ, samples, rate_hz), rate_hz, 17.0, 1800.0))
    out = hall(voices, rate_hz, rng, 0.7, 0.6, 4000.0)
    return unit(out) + 0.04 * room_tone(samples, rate_hz, rng)


@model(
    "cafe",
    Control("count", "", 3, 80, 14, "guests who talk"),
    Control("clinks_per_s", "1/s", 0, 6, 1.2, "cups, spoons and plates"),
    source="Byrne et al. 1994; Farnell 2010 (impacts); Rindel 2010 (eating establishments)",
)
def cafe(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Guests talk, cups clink, now and then the machine hisses steam."""
    duration = samples / rate_hz
    voices = babble(samples, rate_hz, rng, round(c["count"]))
    dishes = [china(rate_hz, rng) for _ in range(10)]
    times = poisson(rng, c["clinks_per_s"], duration)
    # a spoon is put down twice or thrice: what clinks once clinks again soon
    again = times[rng.random(len(times)) < 0.5] + rng.uniform(0.06, 0.25)
    times = np.concatenate([times, again])
    gains = np.exp(0.7 * rng.standard_normal(len(times)))
    clinks = scatter(
        samples, rate_hz, times, dishes, gains, rng.integers(0, len(dishes), len(times))
    )
    out = voices + 0.8 * clinks
    for start in poisson(rng, 0.03, duration):
        length = int(rng.uniform(1.5, 4.0) * rate_hz)
        steam = coloured(length, rate_hz, rng, [300, 2500, 7000, 12000], [-25, 0, -2, -14])
        place(out, 0.35 * steam * np.sin(np.pi * np.linspace(0, 1, length)) ** 0.5,
              int(start * rate_hz))  # fmt: skip
    return unit(hall(out, rate_hz, rng, 0.6, 0.7, 4000.0)) + 0.05 * room_tone(samples, rate_hz, rng)


def china(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return one clink of a cup, plate or glass: a few high modes that ring 50 to 300 ms."""
    low = float(rng.uniform(1100, 3800))
    ratios = np.sort(np.concatenate([[1.0], 1 + 4.5 * rng.random(6)]))
    ring = float(rng.uniform(0.015, 0.09))
    return modes(
        rate_hz, low * ratios, ring / np.sqrt(ratios) * rng.uniform(0.5, 1.4, 7),
        rng.uniform(0.2, 1.0, 7) / ratios**0.5, attack_s=0.0002, longest_s=0.5,
    )  # fmt: skip


@model(
    "cheering",
    Control("count", "", 20, 50000, 3000, "people"),
    Control("strength", "", 0, 1, 0.6, "how wild"),
    source="Traunmüller & Eriksson 2000 (shouted vowels)",
)
def cheering(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A crowd roars in waves, single voices shout, whistle and clap out of it."""
    duration = samples / rate_hz
    size = int((duration + 0.5) * FAR_HZ)
    made = []
    for kind, pitch in (("man", 290.0), ("woman", 420.0), ("man", 340.0)):
        starts = paced(rng, 1.6, duration + 1, 0.5)
        count = len(starts)
        lengths = rng.uniform(0.5, 2.0, count)
        top = rng.uniform(-0.1, 0.35, count)
        curve = np.stack([top - 0.3, top, top - rng.uniform(0.1, 0.5, count)], axis=1)
        who = Talker(kind, pitch * float(rng.uniform(0.9, 1.1)), 1.0)
        track = calls(duration + 1, rng, who, starts, lengths, curve,
                      rng.choice([3, 4, 5, 7, 8], count), rng.uniform(0.5, 1, count))  # fmt: skip
        track.rough = 0.04
        made.append(endless(1.5 * np.tanh(unit(sound(track, rng, FAR_HZ)))))
    at = np.arange(size, dtype=np.float64)
    shouts = np.zeros(size)
    for k in range(18):
        speed = float(np.exp(rng.uniform(-0.2, 0.2)))
        shouts += read(made[k % 3], at * speed + rng.uniform(0, size)) / float(
            np.exp(0.6 * abs(rng.standard_normal()))
        )
    voices = unit(at_rate(shouts, FAR_HZ, samples, rate_hz))
    roar = coloured(
        samples,
        rate_hz,
        rng,
        [150, 400, 800, 1500, 3000, 6000, 10000],
        [-14, -5, 0, -3, -12, -24, -33],
    )
    wave = np.exp(0.35 * slow(samples, rate_hz, rng, 0.25))
    share = float(np.clip(np.log10(c["count"]) / 5, 0.2, 0.9))
    out = (share * roar + (1 - share) * 1.3 * voices) * wave
    for start in poisson(rng, 0.5 * c["strength"], duration):
        out = _whistle(out, rate_hz, rng, float(start))
    clap = applauding(samples, rate_hz, rng, 60.0)
    out = out + (0.12 + 0.2 * c["strength"]) * clap * wave
    return hall(out, rate_hz, rng, 1.2, 0.6, 3500.0)


def _whistle(out: Samples, rate_hz: int, rng: np.random.Generator, start_s: float) -> Samples:
    """Add somebody who whistles through the fingers: 1.5 to 3.5 kHz, up and down."""
    length = int(rng.uniform(0.4, 1.1) * rate_hz)
    t = np.linspace(0, 1, length)
    hz = rng.uniform(1500, 2600) * (1 + rng.uniform(0.1, 0.5) * np.sin(np.pi * t) ** 2)
    tone = np.sin(2 * np.pi * np.cumsum(hz) / rate_hz) * np.sin(np.pi * t) ** 0.5
    place(out, tone, int(start_s * rate_hz), 0.35)
    return out


def applauding(samples: int, rate_hz: int, rng: np.random.Generator, claps_per_s: float) -> Samples:
    """Return claps at random instants, at an RMS of 1."""
    times = poisson(rng, claps_per_s, samples / rate_hz)
    grains = [_clap(rate_hz, rng) for _ in range(16)]
    gains = np.exp(0.5 * rng.standard_normal(len(times)))
    return unit(scatter(samples, rate_hz, times, grains, gains, rng.integers(0, 16, len(times))))


def _clap(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return one clap: noise through the resonance of the cupped hands, over in 10 ms."""
    # Peltola et al. 2007: eight ways to clap; cupped hands ring near 700 Hz, flat ones near 2 kHz
    centre = float(np.exp(rng.uniform(np.log(600), np.log(2600))))
    length = int(0.06 * rate_hz)
    t = np.arange(length) / rate_hz
    noise = rng.standard_normal(length)
    body = coloured(length, rate_hz, rng, [centre / 4, centre / 1.3, centre * 1.3, centre * 5],
                    [-22, 0, 0, -16])  # fmt: skip
    decay = float(rng.uniform(0.004, 0.011))
    grain = (body + 0.15 * noise) * np.exp(-t / decay) * (1 - np.exp(-t / 0.0006))
    return np.asarray(grain / np.sqrt(np.sum(grain**2)) * 10.0)


@model(
    "applause",
    Control("count", "", 1, 5000, 120, "people who clap"),
    Control("rate_per_s", "1/s", 1.5, 6, 3.4, "claps a second of each"),
    source="Peltola, Erkut, Cook & Välimäki 2007 (2.7–3.9 claps/s, eight hand shapes)",
)
def applause(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """People clap, each at their own pace and with their own hands; the many are a rustle."""
    duration = samples / rate_hz
    count = round(c["count"])
    near = min(count, 24)
    out = np.zeros(samples)
    for _ in range(near):
        pace = c["rate_per_s"] * float(np.exp(0.14 * rng.standard_normal()))
        times = paced(rng, 1 / pace, duration, 0.06)
        hands = [_clap(rate_hz, rng)]
        gains = (0.7 + 0.3 * rng.random(len(times))) * np.exp(-0.6 * abs(rng.standard_normal()))
        out += scatter(samples, rate_hz, times, hands, gains)
    if count > near:
        dense = min((count - near) * c["rate_per_s"], 1200.0)
        out = unit(out) + np.sqrt((count - near) / count) * 1.6 * applauding(
            samples, rate_hz, rng, dense
        )
    echo = 0.3 if count < 8 else 0.8
    return unit(hall(out, rate_hz, rng, 0.9, echo, 5000.0)) + 0.01 * room_tone(
        samples, rate_hz, rng
    )
