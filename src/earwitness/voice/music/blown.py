"""Wind instruments that play one line: flute, trumpet, saxophone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import draw_key, in_room, line, melody


@model(
    "flute",
    Control("tempo_bpm", "1/min", 40, 200, 88, "beats per minute"),
    Control("pitch_hz", "Hz", 260, 1050, 587, "tonic of the tune"),
    source="Coltman 1968; Verge & Hirschberg 1995, jets in flutes; Fletcher 1975, vibrato",
)
def flute(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A flute: few harmonics, breath in every note, vibrato of loudness more than of pitch."""
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "major", "dorian", "pentatonic", "minor pentatonic")
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=-2, highest=9, legato=0.93)
    pitch, level = line(
        samples,
        rate_hz,
        rng,
        notes,
        glide_s=0.02,
        attack_s=0.05,
        release_s=0.06,
        vibrato_hz=5.2,
        vibrato_cents=8.0,
    )
    beat = np.sin(2 * np.pi * 5.2 * np.arange(samples) / rate_hz)
    flow = level * (1 + 0.12 * beat) * (1 + 0.04 * dsp.slow(samples, rate_hz, rng, 10.0))
    # Blown harder, the higher harmonics grow faster than the tone.
    tones = [
        flow,
        0.55 * flow**1.4,
        0.3 * flow**1.8,
        0.1 * flow**2.2,
        0.06 * flow**2.5,
        0.03 * flow**2.5,
    ]
    out = dsp.harmonics(pitch, rate_hz, tones)
    breath = dsp.white(samples, rng)
    hiss = dsp.bandpass(breath, rate_hz, 1500, 7000, order=1)
    near = dsp.moving_resonator(breath, rate_hz, pitch, 90.0)
    onset = np.minimum(np.maximum(np.gradient(level) * rate_hz * 0.05, 0.0), 1.0)
    air = (0.010 * flow + 0.04 * onset) * hiss + (0.4 * flow + 0.9 * onset) * near
    return in_room(out + air, rate_hz, rng, t60_s=0.9, wet=0.3)


@model(
    "trumpet",
    Control("tempo_bpm", "1/min", 40, 220, 108, "beats per minute"),
    Control("pitch_hz", "Hz", 165, 700, 349, "tonic of the tune"),
    source="Risset & Mathews 1969; Beauchamp 1982; Hirschberg 1996, brassy sounds",
)
def trumpet(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A trumpet: the louder, the brighter, in each note's attack as in the phrase."""
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "major", "mixolydian", "minor")
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=-1, highest=7, legato=0.82)
    pitch, level = line(
        samples,
        rate_hz,
        rng,
        notes,
        glide_s=0.018,
        attack_s=0.045,
        release_s=0.05,
        vibrato_hz=5.5,
        vibrato_cents=11.0,
    )
    lips = dsp.sawtooth(pitch, rate_hz)
    # Steepening on the way through the tube: the corner rises with the pressure.
    corners = (450.0, 1300.0, 3600.0)
    parts = [dsp.lowpass(lips, rate_hz, corner) for corner in corners]
    drive = np.clip(level * (1 + 0.06 * dsp.slow(samples, rate_hz, rng, 9.0)), 0, 1.2)
    place = np.clip(2.4 * drive - 0.2, 0, 2)
    out = sum(
        (np.clip(1 - np.abs(place - k), 0, 1) * part for k, part in enumerate(parts)),
        np.zeros(samples),
    )
    bell = dsp.resonators(out, rate_hz, [1150, 1900], [700, 1100], [1.2, 0.8])
    air = dsp.bandpass(dsp.white(samples, rng), rate_hz, 1500, 6000, order=1)
    cut = dsp.highpass(out, rate_hz, 240, order=1)
    return in_room(drive * (0.7 * cut + bell + 0.008 * air), rate_hz, rng, t60_s=0.8)


@model(
    "saxophone",
    Control("tempo_bpm", "1/min", 40, 220, 100, "beats per minute"),
    Control("pitch_hz", "Hz", 104, 520, 208, "tonic of the tune"),
    source="Benade & Lutgen 1988, the saxophone spectrum; Chen, Smith & Wolfe 2009",
)
def saxophone(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A saxophone: a reed on a cone, all harmonics, broad formants, breath and bent notes."""
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "minor pentatonic", "dorian", "mixolydian")
    notes = melody(rng, duration, c["tempo_bpm"], key, lowest=-1, highest=10, legato=0.9)
    pitch, level = line(
        samples,
        rate_hz,
        rng,
        notes,
        glide_s=0.07,
        attack_s=0.035,
        release_s=0.07,
        vibrato_hz=5.0,
        vibrato_cents=22.0,
    )
    reed = dsp.sawtooth(pitch, rate_hz)
    growl = 1 + 0.1 * dsp.slow(samples, rate_hz, rng, 45.0)
    drive = level * growl
    # A cone radiates fully above its cutoff, some 700–900 Hz for an alto's tone holes.
    dark = dsp.lowpass(reed, rate_hz, 1400, order=1)
    bright = dsp.lowpass(reed, rate_hz, 7000, order=1)
    share = np.clip(level, 0, 1)
    source = drive * ((1 - share) * dark + share * bright)
    breath = dsp.bandpass(dsp.white(samples, rng), rate_hz, 700, 8000, order=1)
    onset = np.minimum(np.maximum(np.gradient(level) * rate_hz * 0.035, 0.0), 1.0)
    source += (0.035 * level + 0.06 * onset) * breath
    shift = float(rng.uniform(0.9, 1.1))
    colour = dsp.resonators(
        source,
        rate_hz,
        np.array([480, 920, 1500, 2700, 3800]) * shift,
        [200, 240, 330, 700, 1000],
        [1.0, 1.0, 1.0, 1.7, 1.6],
    )
    return in_room(colour + 0.5 * source, rate_hz, rng)
