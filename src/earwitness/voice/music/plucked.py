"""Plucked strings: guitar and harp."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import Note, chords, draw_key, in_room, melody, play

_SOURCE = "Karplus & Strong 1983; Jaffe & Smith 1983; "


def _damped(sound: Samples, rate_hz: int, note: Note, rate_per_s: float) -> Samples:
    t = np.arange(len(sound)) / rate_hz
    ends = np.minimum(np.arange(len(sound))[::-1] / (0.02 * rate_hz), 1.0)
    return np.asarray(
        note.velocity * sound * ends * np.exp(-np.maximum(t - note.duration_s, 0) * rate_per_s)
    )


@model(
    "guitar",
    Control("tempo_bpm", "1/min", 40, 200, 96, "beats per minute"),
    Control("pitch_hz", "Hz", 82, 330, 147, "tonic of the tune"),
    Control("brightness", "", 0, 1, 0.55, "0 nylon and fingertips, 1 steel and a pick"),
    source=_SOURCE + "Fletcher & Rossing 1998, guitar bodies",
)
def guitar(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A guitar: picked chords with a tune on top."""
    duration, bright = samples / rate_hz, c["brightness"]
    key = draw_key(rng, c["pitch_hz"], "major", "minor", "dorian")
    beat = 60 / c["tempo_bpm"]
    texture = int(rng.integers(4))  # 0 a tune alone, 1 chords alone, else both
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=5, highest=13, legato=1.3)
    if texture == 1:
        notes = []
    bright *= float(rng.uniform(0.6, 1.15))
    pattern = rng.permutation([0, 1, 2, 1, 2, 1, 0, 2]).tolist()
    for start, degrees in chords(rng, duration, 4 * beat, key):
        if texture == 0:
            break
        strummed = rng.uniform() < (0.6 if texture == 1 else 0.3)
        for k in range(8):
            if strummed and k % 4:
                continue
            degree = degrees[0] - len(key.scale) if k in (0, 4) else degrees[pattern[k]]
            at = start + k * beat / 2
            own = [degree, *(d + len(key.scale) for d in degrees)] if strummed else [degree]
            for i, d in enumerate(own):
                notes.append(
                    Note(
                        max(0.0, at + 0.014 * i + float(rng.normal(0, 0.006))),
                        beat * 1.8,
                        key.pitch_hz(d),
                        float(np.clip(rng.normal(0.5, 0.08), 0.1, 1)),
                    )
                )

    def tone(note: Note, length: int) -> Samples:
        sound = dsp.plucked(
            length,
            rate_hz,
            rng,
            note.pitch_hz,
            decay_s=float(np.clip(5.5 * (110 / note.pitch_hz) ** 0.4, 1.0, 8.0)),
            brightness=float(np.clip(bright * (0.75 + 0.5 * note.velocity), 0, 1)),
            position=float(rng.uniform(0.12, 0.25)),
        )
        return _damped(dsp.unit(sound), rate_hz, note, 14.0)

    strings = play(samples, rate_hz, notes, tone, ring_s=0.4)
    # The air of the body, its top plate, and higher plates.
    body = dsp.resonators(
        strings,
        rate_hz,
        [102, 205, 265, 410, 640, 990],
        [22, 26, 35, 45, 80, 140],
        [1.2, 1, 0.5, 0.6, 0.5, 0.4],
    )
    return in_room(strings + 1.6 * body, rate_hz, rng)


@model(
    "harp",
    Control("tempo_bpm", "1/min", 40, 180, 84, "beats per minute"),
    Control("pitch_hz", "Hz", 98, 520, 196, "tonic of the tune"),
    source=_SOURCE + "Le Carrou et al. 2009, the concert harp",
)
def harp(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A harp: flowing broken chords, now and then a glissando, a tune above."""
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "major", "pentatonic", "dorian")
    size, beat = len(key.scale), 60 / c["tempo_bpm"]
    notes = melody(
        rng, duration, c["tempo_bpm"], key, lowest=size - 1, highest=2 * size + 2, legato=1.6
    )
    for start, degrees in chords(rng, duration, 4 * beat, key):
        if rng.uniform() < 0.15:
            count = int(rng.integers(12, 20))
            run = list(range(-size, -size + count))
            steps = [(start + 1.6 * beat * k / count, d) for k, d in enumerate(run)]
        else:
            tones = [degrees[0] - size, degrees[0], degrees[1], degrees[2], degrees[0] + size]
            order = [0, 1, 2, 3, 4, 3, 2, 1]
            steps = [(start + k * beat / 2, tones[i]) for k, i in enumerate(order)]
        for at, degree in steps:
            strength = float(np.clip(rng.normal(0.45, 0.08), 0.1, 1))
            at = max(0.0, at + float(rng.normal(0, 0.008)))
            notes.append(Note(at, 2.5 * beat, key.pitch_hz(degree), strength))

    def tone(note: Note, length: int) -> Samples:
        sound = dsp.plucked(
            length,
            rate_hz,
            rng,
            note.pitch_hz,
            decay_s=float(np.clip(6.5 * (130 / note.pitch_hz) ** 0.5, 1.0, 9.0)),
            brightness=0.22 + 0.25 * note.velocity,
            position=float(rng.uniform(0.38, 0.5)),
        )
        return _damped(dsp.unit(sound), rate_hz, note, 5.0)

    strings = play(samples, rate_hz, notes, tone, ring_s=0.8)
    board = dsp.resonators(strings, rate_hz, [150, 195, 245, 380], [30, 35, 40, 70], 0.6)
    return in_room(strings + board, rate_hz, rng, t60_s=1.2, wet=0.3)
