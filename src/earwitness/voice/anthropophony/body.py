"""What bodies do without words: snoring, coughing, whistling a tune."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import signal

from earwitness.voice.anthropophony.events import crossings
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import coloured, hall, resonance, through
from earwitness.voice.anthropophony.throat import VOICE_HZ, Track, at_rate, frames_of, sound
from earwitness.voice.dsp import highpass, impulses, phase, place, slow, unit
from earwitness.voice.model import Control, Samples, model

_WHISTLED_HZ = 2 ** (np.array([0, 2, 4, 5, 7, 9, 11, 12]) / 12)


@model(
    "snoring",
    Control("rate_per_min", "1/min", 8, 24, 15, "breaths a minute"),
    Control("pitch_hz", "Hz", 35, 140, 75, "flutter of the soft palate"),
    source="Beck et al. 1995 and Dalmasso & Prota 1996 (pulses; peaks near 140, 500, 1200 Hz)",
)
def snoring(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """The palate flutters while breath is drawn: a train of pulses; letting go is a sigh."""
    out = np.zeros(samples)
    air = coloured(samples, rate_hz, rng, [120, 450, 1100, 2600, 7000], [-12, 0, -4, -14, -34])
    breath = np.zeros(samples)
    period = 60.0 / c["rate_per_min"]
    start = float(rng.uniform(0, 0.3)) * period
    while start < samples / rate_hz:
        drawn = period * float(rng.uniform(0.36, 0.46))
        size = max(64, int(drawn * rate_hz))
        t = np.linspace(0, 1, size)
        effort = np.sin(np.pi * t) ** 0.6
        # the flutter slows as the flow gives out, and misses a beat now and then
        pitch = c["pitch_hz"] * (1.1 - 0.3 * t) * (1 + 0.09 * slow(size, rate_hz, rng, 12.0))
        beats = crossings(np.cumsum(np.maximum(pitch, 8.0)) / rate_hz, rate_hz)
        hard = np.exp(0.45 * rng.standard_normal(len(beats))) * np.interp(
            beats, t * drawn, effort**1.5
        )
        flutter = impulses(size, rate_hz, beats, hard)
        open_ = signal.lfilter([1.0], [1.0, -np.exp(-1 / (0.003 * rate_hz))], flutter)
        first = max(0, round(start * rate_hz))
        last = min(samples, first + size)
        place(out, flutter, first, 1.0)
        breath[first:last] += (0.12 * effort + 0.5 * open_)[: last - first]
        away = int(period * float(rng.uniform(0.3, 0.42)) * rate_hz)
        sigh = 0.1 * np.sin(np.pi * np.linspace(0, 1, away)) ** 1.5
        place(breath, sigh, first + size + round(0.12 * period * rate_hz))
        start += period * float(np.clip(1 + 0.07 * rng.standard_normal(), 0.8, 1.25))
    tuned = rng.uniform(0.9, 1.12, 4)
    nose = through(
        out,
        rate_hz,
        lambda f: (
            resonance(f, 140 * tuned[0], 3.0)
            + 0.8 * resonance(f, 480 * tuned[1], 5.0)
            + 0.4 * resonance(f, 1250 * tuned[2], 6.0)
            + 0.15 * resonance(f, 2500 * tuned[3], 6.0)
        ),
        0.2,
    )
    return hall(unit(nose) + 0.9 * air * breath, rate_hz, rng, 0.35, 0.3, 3000.0) + 0.006 * (
        room_tone(samples, rate_hz, rng)
    )


@model(
    "coughing",
    Control("bouts_per_min", "1/min", 2, 30, 14, "how often it comes over one"),
    Control("pitch_hz", "Hz", 90, 420, 190, "voice at the end of a cough"),
    source="Korpáš et al. 1996: burst of 50 ms, 200 ms of noise, voiced end; 0.3-0.5 s",
)
def coughing(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Air held back bursts out, rushes, and sets the vocal folds going at the end."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    size = float(np.clip(np.sqrt(150.0 / c["pitch_hz"]), 0.75, 1.15))
    formants = np.array([760.0, 1350.0, 2550.0, 3550.0, 4600.0]) / size
    moment = float(rng.uniform(0.1, 0.8))
    while moment < duration:
        strength = 1.0
        for _ in range(int(rng.integers(1, 5))):
            length = float(rng.uniform(0.3, 0.46))
            track = Track.silent(frames_of(length + 0.08), formants, c["pitch_hz"])
            t = np.linspace(0, length + 0.08, len(track.pitch_hz))
            track.rough = 0.06
            track.breath[:] = 9.0 * np.exp(-(((t - 0.03) / 0.035) ** 2)) + 2.2 * (
                np.exp(-t / 0.13) * (t > 0.02)
            )
            track.hiss[:] = 1.1 * np.exp(-(((t - 0.02) / 0.025) ** 2)) + 0.2 * np.exp(-t / 0.12)
            track.hiss_hz[:], track.hiss_q[:] = 2600.0, 0.6
            late = float(rng.uniform(0.5, 0.7)) * length
            track.voiced[:] = float(rng.uniform(0.2, 0.8)) * np.exp(-(((t - late) / 0.06) ** 2))
            track.pitch_hz[:] = c["pitch_hz"] * (1.25 - 0.8 * t)
            grain = sound(track, rng)
            grain[-200:] *= np.linspace(1, 0, 200)
            grain = at_rate(grain, VOICE_HZ, round(len(grain) / VOICE_HZ * rate_hz), rate_hz)
            place(out, grain, round(moment * rate_hz), strength * float(rng.uniform(0.8, 1.2)))
            strength *= float(rng.uniform(0.6, 0.95))
            moment += length + float(rng.uniform(0.05, 0.2))
        moment += 60.0 / c["bouts_per_min"] * float(rng.uniform(0.5, 1.5))
    return hall(out, rate_hz, rng, 0.45, 0.35, 3500.0) + 0.004 * room_tone(samples, rate_hz, rng)


@model(
    "whistling",
    Control("pitch_hz", "Hz", 600, 2400, 1150, "lowest note of the tune"),
    Control("notes_per_s", "1/s", 1, 7, 2.8, "speed of the tune"),
    source="Wilson et al. 1971 (JASA 50: the mouth as a Helmholtz resonator, 0.5 to 4 kHz)",
)
def whistling(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A nearly pure tone that glides from note to note, with vibrato and a little breath."""
    duration = samples / rate_hz
    times, tones, strengths = [0.0], [c["pitch_hz"]], [0.0]
    moment, step = float(rng.uniform(0.05, 0.5)), int(rng.integers(0, 8))
    beat = 1.0 / c["notes_per_s"]
    while moment < duration:
        for _ in range(int(rng.integers(5, 12))):  # a phrase in one breath
            step = int(np.clip(step + rng.choice([-3, -2, -1, -1, 1, 1, 2, 4]), 0, 7))
            length = beat * float(rng.choice([0.5, 1.0, 1.0, 1.5, 2.0]))
            tone = float(c["pitch_hz"] * _WHISTLED_HZ[step])
            loud = float(rng.uniform(0.7, 1.0))
            for at, held in ((0.03, loud), (length - 0.05, 0.85 * loud), (length - 0.01, 0.25)):
                times.append(moment + max(at, 0.0))
                tones.append(tone)
                strengths.append(held)
            moment += length
        times.append(moment + 0.03)
        tones.append(tones[-1])
        strengths.append(0.0)
        moment += float(rng.uniform(0.5, 1.4))
        times.append(moment - 0.02)
        tones.append(tones[-1])
        strengths.append(0.0)
    seconds = np.arange(samples) / rate_hz
    order = np.argsort(times, kind="stable")
    marks = np.array(times)[order]
    pitch = np.exp(np.interp(seconds, marks, np.log(np.array(tones)[order])))
    swing = float(rng.uniform(5.0, 6.2))
    vibrato = 0.009 * np.sin(2 * np.pi * swing * seconds + rng.uniform(0, 6.28))
    pitch *= 1 + vibrato + 0.004 * slow(samples, rate_hz, rng, 6.0)
    strength = np.interp(seconds, marks, np.array(strengths)[order])
    turned = phase(pitch, rate_hz)
    pure = np.sin(turned) + 0.03 * np.sin(2 * turned) + 0.008 * np.sin(3 * turned)
    breath = coloured(samples, rate_hz, rng, [600, 2000, 6000], [-12, 0, -8])
    out = pure * strength * (1 + 0.08 * slow(samples, rate_hz, rng, 20.0))
    out += 0.02 * breath * strength
    return highpass(hall(out, rate_hz, rng, 0.6, 0.4, 5000.0), rate_hz, 200.0) + 0.004 * (
        room_tone(samples, rate_hz, rng)
    )
