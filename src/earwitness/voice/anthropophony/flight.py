"""Things that fly: jets, propeller aeroplanes, helicopters, rockets."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice.anthropophony.engine import Engine
from earwitness.voice.anthropophony.events import paced, turned
from earwitness.voice.anthropophony.passing import emission, endless, passed
from earwitness.voice.anthropophony.response import (
    coloured,
    highpass,
    lowpass,
    resonance,
    soft,
    through,
)
from earwitness.voice.dsp import lowpass as dulled
from earwitness.voice.dsp import sawtooth, slow, unit
from earwitness.voice.model import Control, Samples, model


@model(
    "jet",
    Control("speed_m_s", "m/s", 40, 280, 95, "speed"),
    Control("height_m", "m", 60, 10000, 450, "height of the fly-over"),
    Control("flights_per_min", "1/min", 0.5, 10, 2.2, "fly-overs a minute"),
    Control("strength", "", 0, 1, 0.5, "thrust: 0 landing, 1 take-off"),
    source="Smith 1989; Tam et al. 1996 (jet spectra); McAlpine & Fisher 2001 (buzz-saw)",
)
def jet(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A jet flies over: the whine of its fan from ahead, the roar of its jet behind."""
    duration = samples / rate_hz
    thrust = c["strength"]
    # Tam's similarity spectra of jet mixing: rises with 6 dB, falls with 4 to 6 dB per octave
    roar = coloured(samples, rate_hz, rng, [25, 60, 130, 280, 600, 1500, 4000, 9000],
                    [-10, -3, 0, -1, -6, -14, -24, -36])  # fmt: skip
    roar *= 1 + 0.22 * slow(samples, rate_hz, rng, 2.5)
    bright = coloured(samples, rate_hz, rng, [150, 500, 1500, 3500, 7000, 12000],
                      [-12, -3, 0, -3, -9, -18])  # fmt: skip
    period = 60.0 / c["flights_per_min"]
    out = 0.05 * roar
    far = c["height_m"]
    shaft = float(rng.uniform(55, 80)) * (0.75 + 0.5 * thrust)
    blades = int(rng.choice([18, 22, 24]))
    clock = float(rng.uniform(0.25, 0.6)) * min(period, duration)
    if clock > 6:
        clock = 6.0 + float(rng.uniform(0, 3))
    v = c["speed_m_s"]
    while clock < duration + 3:
        sent, range_m = emission(samples, rate_hz, clock, v, far)
        cosine = -v * sent / range_m  # 1 straight ahead, -1 behind
        near = far / range_m
        pitch = 1 / (1 - np.minimum(v / 343.0, 0.9) * cosine)
        turn = 2 * np.pi * turned(shaft * blades * pitch, samples, rate_hz)
        ahead = np.clip(0.5 + 0.8 * cosine, 0.05, 1) ** 2
        fan = np.sin(turn) + 0.5 * np.sin(2 * turn) + 0.3 * np.sin(1.37 * turn)
        air = np.exp(-range_m / 2500.0)
        if thrust > 0.3:
            buzz = sawtooth(shaft * pitch, rate_hz)
            fan += (
                0.7
                * thrust
                * through(
                    buzz, rate_hz, lambda f: resonance(f, shaft * 9, 0.7) * lowpass(f, 3000.0)
                )
            )
        back = 0.35 + np.clip(0.25 - cosine, 0, 1.2)
        # the fan's broadband heard through a comb: ground reflection, gliding as it passes
        out += near * (
            back * (0.5 + thrust) * roar * 1.2
            + ahead * air * (0.45 * fan + 0.55 * bright)
            + 0.25 * air * bright * back
        )
        clock += period * float(rng.uniform(0.8, 1.2))
    return _ground(out, rate_hz, rng)


def _ground(x: Samples, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Add the reflection from the ground at ear height: the comb known from aeroplanes."""
    delay = max(1, int(float(rng.uniform(0.004, 0.008)) * rate_hz))
    echo = np.zeros_like(x)
    echo[delay:] = x[:-delay] if delay < len(x) else 0.0
    return np.asarray(x + 0.45 * dulled(echo, rate_hz, 2500.0, order=1))


@model(
    "propeller-plane",
    Control("rpm", "1/min", 900, 2900, 2250, "of the propeller"),
    Control("blades", "", 2, 6, 2, "blades"),
    Control("speed_m_s", "m/s", 25, 160, 52, "speed"),
    Control("height_m", "m", 40, 3000, 280, "height of the fly-over"),
    source="Gutin 1948; Farnell 2010, ch. 46 (propellers): harmonics of rpm/60 × blades",
)
def propeller_plane(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A propeller's blades beat the air; its engine fires beside them."""
    rpm = c["rpm"] * (1 + 0.004 * slow(samples, rate_hz, rng, 0.4))
    sources = []
    for k in range(1 if c["blades"] < 4 else 2):
        hz = rpm / 60 * c["blades"] * (1 + 0.004 * k)
        blades = sawtooth(hz, rate_hz, float(rng.random()))
        # each blade is a little its own: harmonics of the shaft between those of the blades
        shaft = sawtooth(rpm / 60 * (1 + 0.004 * k), rate_hz, float(rng.random()))
        sources.append(blades + 0.35 * shaft)
    tone = through(
        np.sum(sources, axis=0), rate_hz, lambda f: lowpass(f, 650.0, 1) * lowpass(f, 2600.0, 2)
    )
    engine = Engine(
        cylinders=4, pipe_m=0.6, muffled_hz=1100.0, breath=0.4, clatter=0.1, unequal=0.2
    )
    air = coloured(
        samples, rate_hz, rng, [60, 150, 400, 1200, 4000, 10000], [-4, 0, -4, -12, -26, -44]
    )
    air *= 1 + 0.25 * slow(samples, rate_hz, rng, 5.0)
    craft = unit(tone) + 0.55 * engine.run(samples, rate_hz, rng, rpm) + 0.4 * air
    out = np.zeros(samples)
    duration = samples / rate_hz
    v, far = c["speed_m_s"], c["height_m"]
    haze = craft
    craft = endless(craft)
    dull = dulled(craft, rate_hz, 600.0, order=1)
    for closest in paced(rng, max(14.0, 5 * far / v), duration + 8, 0.15) - 2:
        out += passed(craft, rate_hz, samples, float(closest), v, far,
                      int(rng.integers(len(craft))), dull, 1500.0)  # fmt: skip
    wobble = np.exp(0.12 * slow(samples, rate_hz, rng, 0.8))
    return _ground((out + 0.03 * haze) * wobble, rate_hz, rng)


@model(
    "helicopter",
    Control("rpm", "1/min", 180, 560, 390, "of the main rotor"),
    Control("blades", "", 2, 6, 2, "of the main rotor"),
    Control("speed_m_s", "m/s", 0, 80, 0, "0: it hovers"),
    source="Leishman 2006, ch. 8; Farnell 2010 (blade passing 11–20 Hz, tail rotor × 5–6)",
)
def helicopter(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """The main rotor slaps, the tail rotor buzzes, the turbine whines above."""
    rpm = c["rpm"] * (1 + 0.006 * slow(samples, rate_hz, rng, 0.3))
    beat = turned(rpm / 60 * c["blades"], samples, rate_hz) + rng.random()
    part = beat % 1.0
    which = np.floor(beat).astype(np.int64)
    own = 1 + 0.12 * rng.standard_normal(round(c["blades"]))
    each = own[which % round(c["blades"])] * (1 + 0.1 * rng.standard_normal(which[-1] + 1)[which])
    # thickness and vortex: a sharp fall and a slower swing back, then air dragged along
    slap = (
        np.exp(-((part - 0.3) ** 2) / 0.0028) - 0.55 * np.exp(-((part - 0.42) ** 2) / 0.012)
    ) * each
    gust = np.exp(-(((part - 0.38) % 1.0 - 0.0) ** 2) / 0.03) + np.exp(-((part - 0.3) ** 2) / 0.02)
    thump = through(slap, rate_hz, lambda f: lowpass(f, 420.0, 1) * (0.6 + resonance(f, 90.0, 0.8)))
    chop = coloured(samples, rate_hz, rng, [60, 150, 400, 900, 2200, 6000, 11000],
                    [-2, 0, -4, -10, -19, -31, -44])  # fmt: skip
    tail = sawtooth(rpm / 60 * 5.3 * 2, rate_hz)
    tail = through(tail, rate_hz, lambda f: lowpass(f, 900.0, 2) * (0.4 + resonance(f, 350.0, 1.0)))
    whine_hz = float(rng.uniform(2300, 4200))
    whine = np.sin(2 * np.pi * turned(rpm / c["rpm"] * whine_hz, samples, rate_hz))
    turbine = coloured(samples, rate_hz, rng, [300, 1200, 4000, 9000], [-12, 0, -5, -18])
    far = np.exp(0.25 * slow(samples, rate_hz, rng, 0.25))
    if c["speed_m_s"] > 0:
        _, range_m = emission(samples, rate_hz, samples / rate_hz / 2, c["speed_m_s"], 80.0)
        far = far * 80.0 / range_m
    strong = 1.0 + 0.3 * slow(samples, rate_hz, rng, 0.4)
    out = (
        1.1 * unit(thump) * np.clip(strong, 0.3, 2)
        + 0.75 * unit(chop * (0.18 + gust * np.abs(each)))
        + 0.28 * unit(tail)
        + 0.03 * whine
        + 0.09 * turbine
    )
    return out * far


@model(
    "rocket",
    Control("strength", "", 0, 1, 0.6, "thrust; the more, the more it crackles"),
    Control("pitch_hz", "Hz", 15, 200, 45, "where the roar is strongest"),
    source="Ffowcs Williams et al. 1975 (crackle: skewed waveforms); McInerny 1996",
)
def rocket(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A launch: a roar as deep as the plume is wide, torn by crackle."""
    f = c["pitch_hz"]
    roar = coloured(samples, rate_hz, rng, [f / 4, f, f * 3, f * 8, f * 25, f * 80, f * 200],
                    [-10, 0, -3, -9, -17, -27, -38])  # fmt: skip
    roar *= np.exp(0.25 * slow(samples, rate_hz, rng, 1.5))
    # crackle: steep compressions, no such rarefactions; the waveform is skewed (Ffowcs Williams
    # et al. 1975 hear it from a skewness of 0.4 on)
    wide = coloured(samples, rate_hz, rng, [40, 200, 600, 2000, 8000], [-6, 0, -4, -14, -30])
    gate = np.clip(slow(samples, rate_hz, rng, 18.0) + 0.3, 0, 3)
    tears = (np.exp(1.1 * np.maximum(wide, 0)) - 1) * gate
    crackle = through(tears, rate_hz, lambda hz: highpass(hz, 120.0))
    hiss = coloured(samples, rate_hz, rng, [500, 2000, 6000, 12000], [-6, 0, -6, -16])
    body = roar + (0.15 + 0.75 * c["strength"]) * soft(unit(crackle), 8.0) + 0.07 * hiss
    return body
