"""Church bells: their partials, and how they are tolled, pealed and changed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.events import modes, paced
from earwitness.voice.anthropophony.people import room_tone
from earwitness.voice.anthropophony.response import hall
from earwitness.voice.dsp import place, unit
from earwitness.voice.model import Control, Samples, model

PARTIALS = (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.66, 3.0, 4.0, 5.33, 6.66)
"""Hum, prime, tierce, quint, nominal, deciem, undeciem, duodeciem, and the octave nominals, over
the prime, of a minor-third bell (Rossing & Perrin 1987; Fletcher & Rossing 1998, table 21.1)."""

STRENGTHS = (0.55, 0.6, 0.9, 0.3, 1.0, 0.3, 0.25, 0.6, 0.45, 0.25, 0.12)
DECAYS = (1.0, 0.45, 0.42, 0.2, 0.22, 0.12, 0.1, 0.12, 0.08, 0.05, 0.03)
"""Over the hum's, which rings for many seconds."""


def bell(rate_hz: int, rng: np.random.Generator, prime_hz: float, hum_decay_s: float) -> Samples:
    """Return one stroke of a bell: every partial a pair that beats, as no bell is quite round.

    Parameters
    ----------
    rate_hz, rng
        Rate and chance.
    prime_hz
        Strike note.
    hum_decay_s
        Time in which the hum falls to 1/e.
    """
    ratio = np.array(PARTIALS) * (1 + 0.0015 * rng.standard_normal(len(PARTIALS)))
    split = 1 + rng.uniform(0.0003, 0.0016, len(PARTIALS))
    hz = prime_hz * np.concatenate([ratio, ratio * split])
    gains = np.array(STRENGTHS) * np.exp(0.2 * rng.standard_normal(len(PARTIALS)))
    pair = np.concatenate([gains * 0.75, gains * rng.uniform(0.15, 0.5, len(PARTIALS))])
    decay = hum_decay_s * np.tile(DECAYS, 2)
    ring = modes(rate_hz, hz, decay, pair, attack_s=0.0008, longest_s=min(9.0, 4 * hum_decay_s))
    clang = modes(rate_hz, prime_hz * np.array([7.9, 9.4, 11.1, 13.0, 15.2]), [0.05] * 5,
                  [0.35, 0.3, 0.3, 0.2, 0.2], attack_s=0.0003)  # fmt: skip
    ring[: len(clang)] += clang[: len(ring)]
    return ring


@model(
    "church-bells",
    Control("count", "", 1, 8, 3, "bells"),
    Control("pitch_hz", "Hz", 80, 1500, 330, "strike note of the deepest"),
    Control("period_s", "s", 0.8, 6, 1.9, "between strokes of one bell"),
    source="Rossing & Perrin 1987; Fletcher & Rossing 1998, ch. 21; Hibbert 2008",
)
def church_bells(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Bells swing, each at its own period, so that their order changes without end."""
    duration = samples / rate_hz
    count = round(c["count"])
    scale = 2 ** (np.array([0, 3, 5, 7, 10, 12, 15, 17]) / 12.0)
    out = np.zeros(samples)
    for k in range(count):
        prime = c["pitch_hz"] * float(scale[k])
        decay = float(np.clip(3.2 * (330 / prime) ** 0.5, 0.8, 5.0))
        stroke = bell(rate_hz, rng, prime, decay)
        # the smaller bell swings faster; clappers keep time within 1 %
        period = c["period_s"] * (330 / prime * c["pitch_hz"] / 330) ** 0.25
        times = paced(rng, period, duration + 3, 0.012) - 3
        for time in times:
            place(out, stroke, round(time * rate_hz), float(np.exp(0.1 * rng.standard_normal())))
    out = hall(unit(out) if np.any(out) else out, rate_hz, rng, 2.0, 0.3, 2500.0)
    return out + 0.012 * room_tone(samples, rate_hz, rng)
