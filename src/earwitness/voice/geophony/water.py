"""Running and falling water: streams, rivers, waterfalls, fountains, drips, and being under it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.geophony.bubbles import bubble, population
from earwitness.voice.model import Control, Samples, model

_VAN_DEN_DOEL = "van den Doel 2005, Physically based models for liquid sounds; Minnaert 1933"
GRAVITY_M_S2 = 9.81


@model(
    "stream",
    Control("strength", "", 0, 1, 0.5, "0 a trickle, 1 a brook in spate"),
    Control("size_m", "m", 0.001, 0.012, 0.005, "radius of the largest bubbles"),
    source=_VAN_DEN_DOEL,
)
def stream(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A stream: babbling bubbles from several small falls over a thin turbulent rush."""
    duration = samples / rate_hz
    flow = c["strength"]
    bright = float(rng.uniform(0.0, 0.4))
    out = np.zeros(samples)
    for _ in range(3):  # little falls, each with its own cavity and its own moods
        mood = dsp.fluctuation(samples, rate_hz, rng, float(rng.uniform(0.8, 4.0)), 5.0 - 2 * flow)
        rate = np.minimum(mood, 5.0) * (25 + 420 * flow**1.5) * float(rng.uniform(0.5, 1.4))
        times = dsp.poisson_following(rng, rate, rate_hz)
        top = c["size_m"] * float(rng.uniform(0.6, 1.3))
        voice = population(
            samples,
            rate_hz,
            rng,
            times,
            smallest_m=0.0002,
            largest_m=top,
            exponent=2.0,
            loudness=bright,
            rise=0.12,
            kinds=30,
        )
        out += float(rng.uniform(0.5, 1.0)) * voice
    # Gurgles: a cavity that fills and empties makes runs of large bubbles close together.
    starts = dsp.poisson(rng, 0.7 + 2.0 * flow, duration)
    runs = [s + np.cumsum(rng.gamma(2.0, 0.012, rng.integers(3, 9))) for s in starts.tolist()]
    times = np.concatenate(runs) if runs else np.zeros(0)
    gurgle = population(
        samples,
        rate_hz,
        rng,
        times,
        smallest_m=0.45 * c["size_m"],
        largest_m=1.7 * c["size_m"],
        exponent=1.5,
        loudness=0.0,
        rise=0.06,
        kinds=16,
    )
    out = dsp.unit(out) + 0.5 * gurgle
    f = float(rng.uniform(500, 1400))
    rush = dsp.contoured(
        samples, rate_hz, rng, [f / 8, f / 4, f / 2, f, 4 * f, 16 * f], [-30, -14, -4, 0, -8, -24]
    )
    rush *= dsp.fluctuation(samples, rate_hz, rng, 2.0, 1.0)
    return out + (0.2 + 0.6 * flow) * rush


@model(
    "river",
    Control("strength", "", 0, 1, 0.5, "0 a broad slow river, 1 white water"),
    source="Morse 2007, hydraulic noise of rivers; van den Doel 2005",
)
def river(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """A river: a broad steady rush from everywhere, with boils and slaps near by."""
    flow = c["strength"]
    f = float(rng.uniform(350, 800)) * (0.8 + 0.5 * flow)
    points = [f / 16, f / 8, f / 4, f / 2, f, 2 * f, 4 * f, 8 * f, 16 * f]
    levels = [-12, -9, -6, -2, 0, -3.5, -9, -17, -27]
    out = dsp.contoured(samples, rate_hz, rng, points, levels)
    out *= dsp.fluctuation(samples, rate_hz, rng, 0.7, 0.8)
    hiss = dsp.contoured(samples, rate_hz, rng, [500, 1500, 5000, 15000], [-18, 0, -5, -16])
    hiss *= dsp.fluctuation(samples, rate_hz, rng, 1.5, 1.5)
    boils = np.minimum(dsp.fluctuation(samples, rate_hz, rng, 1.0, 3.0), 4.0)
    times = dsp.poisson_following(rng, boils * (150 + 500 * flow), rate_hz)
    near = population(
        samples,
        rate_hz,
        rng,
        times,
        smallest_m=0.0006,
        largest_m=0.012,
        exponent=2.2,
        loudness=0.6,
        rise=0.08,
        kinds=32,
    )
    return out + (0.15 + 0.5 * flow) * hiss + (0.55 - 0.2 * flow) * dsp.unit(near)


@model(
    "waterfall",
    Control("size_m", "m", 1, 100, 10, "height of the fall"),
    Control("strength", "", 0, 1, 0.6, "0 a veil, 1 a cataract"),
    source="Watts et al. 2009, water generated sounds; Deane & Stokes 2002, bubble plumes",
)
def waterfall(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A waterfall: dense broadband thunder, lower the higher the fall and the greater the flow."""
    flow = c["strength"]
    # Plumes of larger drops and faster impacts ring collectively lower.
    impact = np.sqrt(2 * GRAVITY_M_S2 * c["size_m"])
    corner = float(np.clip(6000 / impact / (0.4 + flow), 120, 2500))
    slope = -3.0 - 1.6 * flow - 0.6 * float(rng.uniform(-1, 1))
    body = dsp.coloured(samples, rate_hz, rng, slope, low_hz=corner / 4, high_hz=9000)
    body *= dsp.fluctuation(samples, rate_hz, rng, 1.5, 0.5)
    pound = dsp.coloured(samples, rate_hz, rng, -4.0, low_hz=max(30.0, corner / 8), high_hz=corner)
    pound *= dsp.fluctuation(samples, rate_hz, rng, 6.0, 1.6)
    spray = dsp.contoured(samples, rate_hz, rng, [500, 2000, 6000, 16000], [-18, -3, 0, -7])
    spray *= dsp.fluctuation(samples, rate_hz, rng, 3.0, 0.8)
    return body + (0.2 + 0.5 * flow) * pound + (0.45 - 0.3 * flow) * spray


@model(
    "fountain",
    Control("strength", "", 0, 1, 0.5, "0 a spout, 1 many jets"),
    Control("size_m", "m", 0.2, 10, 1.5, "height from which the water falls"),
    source=_VAN_DEN_DOEL + "; Galbrun & Ali 2013, sounds of water features",
)
def fountain(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """A fountain: jets that break into drops and splash into a basin, bright and even."""
    flow = c["strength"]
    impact = float(np.sqrt(2 * GRAVITY_M_S2 * c["size_m"]))
    sway = dsp.fluctuation(samples, rate_hz, rng, 1.2, 1.0)
    flutter = dsp.fluctuation(samples, rate_hz, rng, 9.0, 1.6)
    f = float(rng.uniform(1600, 3200))
    points = [f / 16, f / 8, f / 4, f / 2, f, 2 * f, 4 * f]
    splash = dsp.contoured(samples, rate_hz, rng, points, [-24, -16, -9, -3, 0, -3, -11])
    out = splash * sway * flutter
    times = dsp.poisson_following(rng, (150 + 900 * flow) * sway, rate_hz)
    drops = population(
        samples,
        rate_hz,
        rng,
        times,
        smallest_m=0.00035,
        largest_m=float(np.clip(0.0016 * impact**0.5, 0.002, 0.008)),
        exponent=1.9,
        loudness=0.5,
        rise=0.1,
        kinds=32,
    )
    taps = dsp.poisson_following(rng, (60 + 300 * flow) * sway, rate_hz)
    slaps = dsp.scatter(
        samples,
        rate_hz,
        taps,
        [_slap(rate_hz, rng) for _ in range(12)],
        rng.lognormal(0, 0.6, len(taps)),
    )
    return (0.35 + 0.5 * flow) * out + dsp.unit(drops) * 0.8 + 0.35 * dsp.unit(slaps)


def _slap(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return one drop's splash on a surface of water: a few milliseconds of bright noise."""
    length = max(8, round(float(rng.uniform(0.003, 0.012)) * rate_hz))
    low = float(rng.uniform(900, 3500))
    noise = dsp.bandpass(rng.standard_normal(length), rate_hz, low, 2.8 * low, order=1)
    return dsp.unit(noise * dsp.decaying(length, rate_hz, 0.0004, length / rate_hz))


@model(
    "drips",
    Control("rate_per_s", "1/s", 0.1, 12, 1.2, "drops per second"),
    Control("size_m", "m", 0.0008, 0.008, 0.0025, "radius of the bubble that a drop draws in"),
    Control("reverberation_s", "s", 0.05, 5, 0.7, "how long the place rings (a cave: 3)"),
    source="Phillips et al. 2018, The sound produced by a dripping tap; Minnaert 1933",
)
def drips(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Dripping water: a faint tick, then the plink of the bubble pinched off below, in its room."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    places = int(rng.integers(1, 4))
    for k in range(places):
        mean_s = places / c["rate_per_s"] * float(rng.uniform(0.8, 1.25))
        radius = c["size_m"] * (1.0 if k == 0 else float(rng.uniform(0.6, 1.6)))
        loud = 1.0 if k == 0 else float(rng.uniform(0.2, 0.6))
        for time in dsp.renewal(rng, mean_s, 0.12 + 0.3 * (k > 0), duration).tolist():
            start = round(time * rate_hz)
            gain = loud * float(rng.lognormal(0, 0.25))
            dsp.place(out, _slap(rate_hz, rng), start, 0.06 * gain)
            # The cavity closes some milliseconds after the impact (Pumphrey & Elmore 1990).
            start += round(float(rng.uniform(0.012, 0.03)) * rate_hz)
            size = radius * float(rng.lognormal(0, 0.10))
            dsp.place(out, bubble(rate_hz, size, rise=float(rng.uniform(0.05, 0.3))), start, gain)
            if rng.uniform() < 0.45:
                start += round(float(rng.uniform(0.02, 0.09)) * rate_hz)
                small = bubble(rate_hz, size * float(rng.uniform(0.35, 0.8)), rise=0.2)
                dsp.place(out, small, start, gain * float(rng.uniform(0.15, 0.6)))
    wet = dsp.reverberation(out, rate_hz, rng, c["reverberation_s"])
    floor = dsp.coloured(samples, rate_hz, rng, -4.0, low_hz=80, high_hz=6000)
    peak = float(np.abs(out).max(initial=0.0)) or 1.0
    return out + 0.5 * wet + 4e-4 * peak * floor


@model(
    "underwater",
    Control("rate_per_s", "1/s", 0, 6, 0.7, "puffs of bubbles per second"),
    Control("strength", "", 0, 1, 0.5, "how rough the surface above is"),
    source="Wenz 1962, Acoustic ambient noise in the ocean; Leighton 1994, The Acoustic Bubble",
)
def underwater(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Under water: a dark murmur that falls as Wenz's curves do, and bubbles that rise by."""
    duration = samples / rate_hz
    murmur = dsp.coloured(samples, rate_hz, rng, -7.0, low_hz=60)
    murmur *= dsp.fluctuation(samples, rate_hz, rng, 0.4, 1.5 + 2 * c["strength"])
    wash = dsp.coloured(samples, rate_hz, rng, -5.0, low_hz=300, high_hz=1500)
    wash *= dsp.fluctuation(samples, rate_hz, rng, 0.25, 4.0)
    times = []
    for start in dsp.poisson(rng, c["rate_per_s"], duration).tolist():
        count = int(rng.integers(5, 40))
        times.append(start + np.sort(rng.gamma(1.6, 0.12, count)))
    puffs = population(
        samples,
        rate_hz,
        rng,
        np.concatenate(times) if times else np.zeros(0),
        smallest_m=0.0018,
        largest_m=0.014,
        exponent=1.8,
        loudness=0.3,
        rise=0.04,
        kinds=36,
    )
    puffs = dsp.lowpass(puffs, rate_hz, 1800, order=1)
    small = population(
        samples,
        rate_hz,
        rng,
        dsp.poisson(rng, 12.0 + 40 * c["strength"], duration),
        smallest_m=0.0006,
        largest_m=0.003,
        exponent=2.5,
        loudness=0.4,
        rise=0.0,
        kinds=16,
    )
    return murmur + (0.1 + 0.3 * c["strength"]) * wash + 0.5 * puffs + 0.02 * small
