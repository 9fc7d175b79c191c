"""One or a few people: talking, laughing, a baby crying."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import paced
from earwitness.voice.anthropophony.response import coloured, effort, hall
from earwitness.voice.anthropophony.talking import Talker, calls, somebody, talk
from earwitness.voice.anthropophony.throat import VOICE_HZ, at_rate, sound
from earwitness.voice.dsp import place, unit
from earwitness.voice.model import Control, Samples, model

ROOM_HZ = [60.0, 200.0, 800.0, 3000.0, 8000.0]
ROOM_DB = [0.0, -6.0, -16.0, -28.0, -40.0]
"""The quiet of a room: what a microphone hears when nobody speaks."""


def room_tone(samples: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return the quiet of a room at an RMS of 1."""
    return coloured(samples, rate_hz, rng, ROOM_HZ, ROOM_DB)


@model(
    "speech",
    Control("pitch_hz", "Hz", 0, 400, 0, "fundamental of the first voice; 0: by chance"),
    Control("count", "", 1, 6, 2, "people who take turns"),
    Control("syllables_per_s", "1/s", 2.5, 7, 4.6, "speed of talking"),
    source="Peterson & Barney 1952; Klatt 1980; Greenberg et al. 2003",
)
def speech(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """People talk in turns, without words."""
    duration = samples / rate_hz
    count = round(c["count"])
    people = [
        somebody(
            rng,
            c["pitch_hz"] if k == 0 else 0.0,
            syllables_per_s=c["syllables_per_s"] * rng.uniform(0.93, 1.07),
        )
        for k in range(count)
    ]
    out = np.zeros(int((duration + 1) * VOICE_HZ))
    clock, now = 0.0, 0
    while clock < duration:
        length = (
            duration - clock if count == 1 else min(duration - clock, rng.gamma(4.0, 1.1) + 0.8)
        )
        said = unit(sound(talk(length, rng, people[now]), rng))
        fade = min(len(said) // 4, int(0.05 * VOICE_HZ))
        said[:fade] *= np.linspace(0, 1, fade)
        said[-fade:] *= np.linspace(1, 0, fade)
        place(out, said, int(clock * VOICE_HZ), float(np.exp(0.2 * rng.standard_normal())))
        clock += length + float(rng.uniform(-0.2, 0.5))
        now = int(rng.integers(count))
    voices = at_rate(out, VOICE_HZ, samples, rate_hz)
    return hall(
        unit(effort(voices, rate_hz, 9.0, 2500.0)), rate_hz, rng, 0.35, 0.3, 4000.0
    ) + 0.01 * room_tone(samples, rate_hz, rng)


@model(
    "laughter",
    Control("pitch_hz", "Hz", 0, 700, 0, "fundamental; 0: by chance"),
    Control("count", "", 1, 6, 1, "people who laugh"),
    Control("tempo_hz", "1/s", 3.5, 6.5, 5.0, "calls of a bout"),
    source="Bachorowski, Smoski & Owren 2001 (about 5 calls/s; 272 Hz men, 405 Hz women)",
)
def laughter(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Bouts of voiced calls, each with breath before it, falling in pitch and level."""
    duration = samples / rate_hz
    out: Samples = np.zeros(int((duration + 1) * VOICE_HZ))
    for k in range(round(c["count"])):
        kind = "man" if rng.random() < 0.5 else "woman"
        pitch = c["pitch_hz"] if c["pitch_hz"] > 0 and k == 0 else 0.0
        if pitch <= 0:
            pitch = {"man": 272.0, "woman": 405.0}[kind] * float(
                np.exp(0.15 * rng.standard_normal())
            )
        elif pitch > 330:
            kind = "woman"
        who = Talker(kind, pitch, float(rng.uniform(0.92, 1.08)))
        vowel = int(rng.choice([8, 4, 9, 2, 1]))
        starts, lengths, heights, levels = [], [], [], []
        clock = float(rng.uniform(0.0, 0.6))
        while clock < duration:
            count = int(rng.integers(4, 13))
            pace = c["tempo_hz"] * float(np.exp(0.08 * rng.standard_normal()))
            top = float(rng.uniform(0.0, 0.35))
            for i in range(count):
                gap = (1 + 0.035 * i) / pace
                share = i / count
                arch = top - 0.55 * share + 0.06 * rng.standard_normal()
                starts.append(clock + 0.45 * gap)
                lengths.append(0.5 * gap)
                heights.append([arch - 0.1, arch + 0.12, arch - 0.12])
                levels.append((1.0 - 0.75 * share) * rng.uniform(0.8, 1.1))
                clock += gap
            clock += float(rng.gamma(2.5, 0.3)) + 0.25
        track = calls(
            duration, rng, who, np.array(starts), np.array(lengths), np.array(heights),
            np.full(len(starts), vowel), np.array(levels), 0.4 / c["tempo_hz"],
        )  # fmt: skip
        track.rough = 0.03
        track.hiss = 0.1 * track.breath + 0.03 * track.voiced
        place(out, unit(sound(track, rng)), 0)
    voices = at_rate(out, VOICE_HZ, samples, rate_hz)
    return hall(
        unit(effort(voices, rate_hz, 18.0, 1500.0)), rate_hz, rng, 0.4, 0.35, 5000.0
    ) + 0.01 * room_tone(samples, rate_hz, rng)


@model(
    "baby",
    Control("pitch_hz", "Hz", 300, 600, 430, "fundamental of the cry"),
    Control("cries_per_min", "1/min", 15, 60, 42, "cries a minute"),
    Control("strength", "", 0, 1, 0.5, "how desperate: rougher, higher"),
    source="Wasz-Höckert et al. 1968; LaGasse, Neal & Lester 2005 (f0 350–500 Hz, cries of 1 s)",
)
def baby(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Cries of about a second, rising and falling, a gasp between them."""
    duration = samples / rate_hz
    # a tract of 9 cm: resonances at 1, 3 and 5 kHz (quarter wave), wider open than in speech
    who = Talker("child", c["pitch_hz"], float(rng.uniform(0.88, 0.96)), lively=0.3)
    starts = paced(rng, 60.0 / c["cries_per_min"], duration + 2, 0.22)
    starts = np.concatenate([[starts[0] - 60.0 / c["cries_per_min"]], starts])
    gaps = np.diff(starts, append=starts[-1] + 1.4)
    lengths = np.clip(gaps * rng.uniform(0.62, 0.8, len(gaps)), 0.35, 2.6)
    high = 0.09 * rng.standard_normal(len(gaps)) + 0.15 * (c["strength"] - 0.5)
    shape = np.stack([high - 0.3, high, high - 0.4], axis=1)
    track = calls(
        duration, rng, who, starts, lengths, shape, rng.choice([3, 4, 8], len(gaps)),
        rng.uniform(0.75, 1.0, len(gaps)),
    )  # fmt: skip
    gasps = at_gasps(len(track.voiced), starts, lengths, gaps)
    track.breath = track.breath + 0.6 * gasps
    track.hiss = 0.04 * track.voiced
    track.hiss_hz[:] = 5000.0
    track.rough = 0.012 + 0.05 * c["strength"]
    cry = sound(track, rng)
    # a hard cry drives the folds into roughness: the spectrum flattens
    cry = np.tanh(unit(cry) * (0.8 + 1.2 * c["strength"]))
    voice = at_rate(cry, VOICE_HZ, samples, rate_hz)
    return hall(unit(voice), rate_hz, rng, 0.4, 0.3, 5000.0) + 0.008 * room_tone(
        samples, rate_hz, rng
    )


def at_gasps(frames: int, starts: Samples, lengths: Samples, gaps: Samples) -> Samples:
    """Return the breath drawn between cries, frame by frame."""
    out = np.zeros(frames)
    for start, length, gap in zip(starts, lengths, gaps, strict=True):
        a = max(0, int((start + length + 0.35 * (gap - length)) / 0.008))
        b = max(0, int((start + length + 0.9 * (gap - length)) / 0.008))
        if b > a + 2 and a < frames:
            end = min(b, frames)
            out[a:end] = np.sin(np.pi * np.linspace(0, 1, b - a))[: end - a]
    return out
