"""Reeds and pipes that sound together: accordion, organ, bagpipes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import Note, chords, draw_key, in_room, line, melody, play

CHANTER_RATIOS = (7 / 8, 1, 9 / 8, 5 / 4, 4 / 3, 3 / 2, 5 / 3, 7 / 4, 2)
"""Just scale of the Highland pipes from low G to high A over low A (MacNeill & Lenihan 1961)."""


@model(
    "accordion",
    Control("tempo_bpm", "1/min", 50, 220, 132, "beats per minute"),
    Control("pitch_hz", "Hz", 165, 600, 294, "tonic of the tune"),
    Control("beating_hz", "Hz", 0, 12, 3.8, "beating of the two reeds of a note, at 440 Hz"),
    source="Llanos-Vázquez et al. 2008, the accordion's reeds; Cottingham 2011",
)
def accordion(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """An accordion: pairs of reeds that beat, a waltz or a march on the basses."""
    duration, beat = samples / rate_hz, 60 / c["tempo_bpm"]
    key = draw_key(rng, c["pitch_hz"], "major", "minor")
    size = len(key.scale)
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=0, highest=11, legato=0.92)
    beats = 3 if rng.uniform() < 0.6 else 4
    for start, degrees in chords(rng, duration, beats * beat, key):
        for k in range(beats):
            low = k == 0 or (beats == 4 and k == 2)
            for degree in [degrees[0] - 2 * size] if low else [d - size for d in degrees]:
                notes.append(
                    Note(start + k * beat, beat * (0.8 if low else 0.4), key.pitch_hz(degree), 0.4)
                )

    def tone(note: Note, length: int) -> Samples:
        t = np.arange(length) / rate_hz
        ends = np.clip(t / 0.018, 0, 1) * np.clip((note.duration_s + 0.035 - t) / 0.035, 0, 1)
        off = 0.5 * c["beating_hz"] * (note.pitch_hz / 440) ** 0.4
        sound = np.zeros(length)
        for shift in (-off, off):
            f = np.full(length, note.pitch_hz + shift)
            sound += dsp.sawtooth(f, rate_hz, float(rng.uniform()))
        return np.asarray(note.velocity * sound * np.sin(0.5 * np.pi * ends) ** 2)

    out = play(samples, rate_hz, notes, tone, ring_s=0.04)
    bellows = 0.8 + 0.2 * np.sin(2 * np.pi * np.arange(samples) / rate_hz / (beats * 2 * beat))
    out *= bellows * (1 + 0.04 * dsp.slow(samples, rate_hz, rng, 3.0))
    out = dsp.lowpass(dsp.highpass(out, rate_hz, 120, order=1), rate_hz, 4200)
    box = dsp.resonators(out, rate_hz, [620, 1250, 2100], [300, 500, 700], [0.6, 0.8, 0.5])
    return in_room(out + box, rate_hz, rng)


@model(
    "organ",
    Control("tempo_bpm", "1/min", 30, 160, 72, "beats per minute"),
    Control("pitch_hz", "Hz", 130, 520, 262, "tonic of the tune"),
    Control("reverberation_s", "s", 0.1, 8, 2.5, "how long the church rings"),
    source="Fletcher & Rossing 1998, ch. 17, flue pipes and registers; Nolle & Finch 1992, chiff",
)
def organ(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A pipe organ: ranks of flue pipes from 16′ to 2′, chiff, chords and a tune in a church."""
    duration, beat = samples / rate_hz, 60 / c["tempo_bpm"]
    key = draw_key(rng, c["pitch_hz"], "major", "minor", "dorian")
    size = len(key.scale)
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=0, highest=9, legato=0.97, rests=0.3)
    for start, degrees in chords(rng, duration, 4 * beat, key):
        own = [degrees[0] - 2 * size, *(d - size for d in degrees)]
        notes += [Note(start, 3.95 * beat, key.pitch_hz(d), 0.4) for d in own]
    # 8′, 4′, 2⅔′, 2′, 16′ and a mixture of two ranks: each with few harmonics of its own.
    ranks = [(1.0, 1.0), (2.0, 0.6), (3.0, 0.3), (4.0, 0.4), (0.5, 0.4), (6.0, 0.3), (8.0, 0.3)]
    drawn = [rank for rank in ranks if rank[0] == 1.0 or rng.uniform() < 0.75]
    pipe = np.array([1.0, 0.5, 0.3, 0.16, 0.1, 0.06])

    def tone(note: Note, length: int) -> Samples:
        t = np.arange(length) / rate_hz
        f, a = [], []
        for ratio, gain in drawn:
            own = note.pitch_hz * ratio * 2 ** (float(rng.normal(0, 1.5)) / 1200)
            f += (own * np.arange(1, 7)).tolist()
            a += (gain * pipe * rng.lognormal(0, 0.2, 6)).tolist()
        sound = dsp.modes(length, rate_hz, f, 1e4, a, rng.uniform(0, 6.28, len(f)))
        start = min(length, round(0.07 * rate_hz))
        chiff = dsp.bandpass(
            rng.standard_normal(start), rate_hz, 1.5 * note.pitch_hz, 6 * note.pitch_hz, order=1
        )
        sound[:start] += 0.35 * chiff * np.hanning(start)
        ends = np.clip(t / 0.045, 0, 1) * np.clip((note.duration_s + 0.06 - t) / 0.06, 0, 1)
        return np.asarray(note.velocity * sound * np.sin(0.5 * np.pi * ends) ** 2)

    dry = play(samples, rate_hz, notes, tone, ring_s=0.07)
    blower = 0.004 * float(np.std(dry)) * dsp.coloured(samples, rate_hz, rng, -5.0, low_hz=100)
    wet = dsp.reverberation(dry, rate_hz, rng, c["reverberation_s"], damping_hz=3500)
    return 0.6 * dry + 0.8 * wet + blower


@model(
    "bagpipe",
    Control("tempo_bpm", "1/min", 50, 180, 92, "beats per minute"),
    Control("pitch_hz", "Hz", 400, 520, 474, "low A of the chanter"),
    source="MacNeill & Lenihan 1961, the scale of the Highland bagpipe; Carruthers 1977",
)
def bagpipe(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Bagpipes: three drones that never stop, and a chanter whose notes are cut by grace notes."""
    duration, low_a = samples / rate_hz, c["pitch_hz"]
    beat = 60 / c["tempo_bpm"]
    at, degree = 0.0, 1
    notes: list[Note] = []
    home = (1, 3, 5, 8)
    while at < duration:
        beats = float(rng.choice([0.5, 0.5, 0.75, 0.25, 1.0, 1.5]))
        degree = int(np.clip(degree + rng.choice([-2, -1, 1, 2]), 0, 8))
        if beats >= 1.0:
            degree = home[int(np.argmin([abs(degree - h) for h in home]))]
        for _ in range(int(rng.integers(0, 3))):  # grace notes: 30–50 ms, usually high G, D, E
            grace = float(rng.uniform(0.028, 0.05))
            notes.append(
                Note(at, grace, low_a * CHANTER_RATIOS[int(rng.choice([7, 4, 5, 8]))], 1.0)
            )
            at += grace
        notes.append(Note(at, beats * beat, low_a * CHANTER_RATIOS[degree], 1.0))
        at += beats * beat
    pitch, _ = line(
        samples,
        rate_hz,
        rng,
        notes,
        glide_s=0.006,
        attack_s=0.005,
        release_s=0.02,
        vibrato_cents=0.0,
    )
    bag = 2 ** (4.0 * dsp.slow(samples, rate_hz, rng, 0.6) / 1200)
    chanter = dsp.sawtooth(pitch * bag, rate_hz)
    chanter = dsp.highpass(chanter, rate_hz, 900) * 1.3 + 0.25 * chanter
    chanter = chanter + dsp.resonators(chanter, rate_hz, [1450, 2600], [700, 1200], [0.9, 0.7])
    drones = np.zeros(samples)
    for ratio, gain in ((0.5, 0.8), (0.5 * 2 ** (1.2 / 1200), 0.8), (0.25, 1.0)):
        f = low_a * ratio * bag * 2 ** (2.0 * dsp.slow(samples, rate_hz, rng, 1.5) / 1200)
        drones += gain * dsp.sawtooth(f, rate_hz, float(rng.uniform()))
    drones = dsp.lowpass(dsp.highpass(drones, rate_hz, 160, order=1), rate_hz, 3200, order=1)
    return dsp.lowpass(chanter + 0.55 * drones, rate_hz, 7000)
