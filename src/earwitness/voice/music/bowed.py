"""Bowed strings: violin and cello.

Under the bow a string sticks and slips, and drives the bridge with a sawtooth (Helmholtz 1863);
the body's modes and its bridge hill make the tone (Jansson 2002).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model
from earwitness.voice.music.score import draw_key, in_room, line, melody

_SOURCE = "Helmholtz 1863, bowed strings; Jansson 2002, bodies; Fletcher & Sanders 1967, vibrato"


def _bowed(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    c: Mapping[str, float],
    *,
    modes_hz: list[float],
    hill_hz: float,
    attack_s: float,
    vibrato_hz: float,
    slower: float,
) -> Samples:
    duration = samples / rate_hz
    key = draw_key(rng, c["pitch_hz"], "major", "minor", "dorian", "pentatonic")
    notes = melody(
        rng, duration, c["tempo_bpm"], key, lowest=-2, highest=9, legato=0.98, slower=slower
    )
    pitch, level = line(
        samples,
        rate_hz,
        rng,
        notes,
        glide_s=0.045,
        attack_s=attack_s,
        release_s=0.09,
        vibrato_hz=vibrato_hz,
        vibrato_cents=float(rng.uniform(14, 26)),
    )
    string = dsp.sawtooth(pitch, rate_hz)
    # Slips are never alike: aspiration of the bow, stronger as a stroke begins.
    rough = dsp.bandpass(dsp.white(samples, rng), rate_hz, 0.7 * hill_hz, 2.6 * hill_hz, order=1)
    onset = np.maximum(np.gradient(level) * rate_hz * attack_s, 0.0)
    level = level * (1 + 0.05 * dsp.slow(samples, rate_hz, rng, 8.0))
    source = string * level + (0.035 * level + 0.09 * np.minimum(onset, 1.0)) * rough
    f = np.array([*modes_hz, hill_hz * 0.75, hill_hz, hill_hz * 1.35]) * rng.uniform(0.96, 1.04)
    widths = np.concatenate([f[:-3] / 14, f[-3:] / 2.2])
    gains = np.concatenate([np.linspace(1.5, 1.0, len(modes_hz)), [0.9, 1.1, 0.8]])
    body = dsp.resonators(source, rate_hz, f, widths, gains)
    direct = dsp.lowpass(dsp.highpass(source, rate_hz, modes_hz[0] * 0.8), rate_hz, 1.1 * hill_hz)
    dry = dsp.lowpass(body + 0.35 * direct, rate_hz, 3.2 * hill_hz, order=1)
    return in_room(dry, rate_hz, rng, t60_s=0.9, wet=0.3)


@model(
    "violin",
    Control("tempo_bpm", "1/min", 40, 200, 88, "beats per minute"),
    Control("pitch_hz", "Hz", 220, 900, 392, "tonic of the tune"),
    source=_SOURCE,
)
def violin(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A violin playing a melody."""
    return _bowed(
        samples,
        rate_hz,
        rng,
        c,
        modes_hz=[275, 405, 460, 540, 700, 1000, 1350],
        hill_hz=2500,
        attack_s=0.07,
        vibrato_hz=5.9,
        slower=1.0,
    )


@model(
    "cello",
    Control("tempo_bpm", "1/min", 40, 180, 76, "beats per minute"),
    Control("pitch_hz", "Hz", 65, 300, 131, "tonic of the tune"),
    source=_SOURCE,
)
def cello(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A cello playing a slow melody."""
    return _bowed(
        samples,
        rate_hz,
        rng,
        c,
        modes_hz=[102, 170, 205, 290, 400, 560],
        hill_hz=1150,
        attack_s=0.11,
        vibrato_hz=5.3,
        slower=1.25,
    )
