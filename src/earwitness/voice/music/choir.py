"""A choir that hums."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import Note, chords, draw_key, in_room, line, melody

_VOWELS = {  # formants and bandwidths, Hz; levels (Peterson & Barney 1952; the hum: nasal murmur)
    "mm": ((270, 1000, 2200), (90, 250, 400), (1.0, 0.04, 0.04)),
    "oo": ((320, 800, 2300, 2900), (80, 110, 200, 250), (1.0, 0.55, 0.05, 0.04)),
    "ah": ((700, 1150, 2600, 3000), (110, 120, 200, 250), (1.0, 0.6, 0.16, 0.14)),
}


@model(
    "choir",
    Control("tempo_bpm", "1/min", 30, 120, 54, "beats per minute"),
    Control("pitch_hz", "Hz", 130, 350, 208, "tonic of the sopranos' tune, an octave below them"),
    Control("openness", "", 0, 1, 0.4, "0 lips closed, 0.5 oo, 1 ah"),
    source="Ternström 1993, scatter among choir voices; Peterson & Barney 1952; Sundberg 1987",
)
def choir(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A choir humming in four parts, each of several voices that scatter in pitch and time."""
    duration, beat = samples / rate_hz, 60 / c["tempo_bpm"]
    key = draw_key(rng, c["pitch_hz"], "major", "minor", "dorian")
    size = len(key.scale)
    tune = melody(rng, duration, c["tempo_bpm"], key, lowest=size - 2, highest=size + 5, legato=1.0)
    below = chords(rng, duration, 4 * beat, key)
    parts = [tune]
    for k, drop in ((1, 0), (2, -size), (0, -size)):
        parts.append([Note(s, 4 * beat, key.pitch_hz(d[k] + drop), 0.6) for s, d in below])
    out = np.zeros(samples)
    for notes, singers in zip(parts, (3, 2, 2, 2)):
        for _ in range(singers):  # singers scatter by some 15–20 cents (Ternström 1993)
            own = 2 ** (float(rng.normal(0, 14)) / 1200)
            late = float(rng.uniform(0, 0.08))
            theirs = [
                Note(n.start_s + late, n.duration_s, n.pitch_hz * own, n.velocity) for n in notes
            ]
            pitch, level = line(
                samples,
                rate_hz,
                rng,
                theirs,
                glide_s=0.11,
                attack_s=0.22,
                release_s=0.3,
                vibrato_hz=float(rng.uniform(4.8, 6.2)),
                vibrato_cents=float(rng.uniform(15, 45)),
            )
            out += level * dsp.sawtooth(pitch, rate_hz, float(rng.uniform()))
    out = dsp.lowpass(out, rate_hz, 1200, order=1)
    breath = 0.006 * dsp.white(samples, rng)
    mix = np.zeros(samples)
    opening = c["openness"]
    shares = (max(0.0, 1 - 2 * opening), 1 - abs(2 * opening - 1), max(0.0, 2 * opening - 1))
    for share, (f, widths, gains) in zip(shares, _VOWELS.values()):
        if share > 0:
            mix += share * dsp.resonators(out + breath, rate_hz, f, widths, gains)
    return in_room(mix, rate_hz, rng, t60_s=1.8, wet=0.5)
