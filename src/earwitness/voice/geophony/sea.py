"""Waves: the sea, surf on sand and shingle, and the small waves of a lake.

Wave after wave comes with a period that varies little and a height that varies much (Rayleigh, as
for a narrow sea after Pierson & Moskowitz 1964). A breaker roars low as it plunges, then hisses
as its foam of small bubbles dies (Deane & Stokes 2002), and runs up and back.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.geophony.bubbles import population
from earwitness.voice.model import Control, Samples, model

_SOURCE = "Pierson & Moskowitz 1964; Deane & Stokes 2002, breaking waves; Bolin & Åbom 2010, surf"


def _period(default: float, low: float = 3.0, high: float = 16.0) -> Control:
    return Control("period_s", "s", low, high, default, "time from wave to wave")


def arrivals(
    rng: np.random.Generator, period_s: float, duration_s: float, *, variation: float = 0.13
) -> tuple[Samples, Samples]:
    """Return when waves break and how high they are: heights Rayleigh, of unit mean square.

    Waves begin before the sound does, so that it starts amid the sea.
    """
    before = 2.5 * period_s
    times = dsp.renewal(rng, period_s, variation, duration_s + before) - before
    heights = rng.rayleigh(np.sqrt(0.5), len(times))
    # Sets: neighbours are alike (groupiness of a narrow spectrum).
    if len(times) > 2:
        heights[1:] = 0.55 * heights[:-1] + 0.45 * heights[1:]
    return times, np.maximum(heights, 0.25)


def swells(
    samples: int,
    rate_hz: int,
    times_s: Samples,
    heights: Samples,
    rise_s: float,
    fall_s: float,
    *,
    lag_s: float = 0.0,
    power: float = 1.0,
) -> Samples:
    """Return an envelope: for each wave a smooth rise and an exponential fall."""
    control_hz = 100.0
    count = int(np.ceil(samples / rate_hz * control_hz)) + 2
    t = np.arange(count) / control_hz
    out = np.zeros(count)
    for time, height in zip(times_s.tolist(), heights.tolist()):
        x = t - time - lag_s
        up = np.clip((x + rise_s) / rise_s, 0, 1)
        shape = np.sin(0.5 * np.pi * up) ** 2 * np.exp(-np.maximum(x, 0) / fall_s)
        out += height**power * shape
    return np.asarray(np.interp(np.arange(samples) / rate_hz * control_hz, np.arange(count), out))


def _breakers(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    times: Samples,
    heights: Samples,
    *,
    plunge_hz: float,
    rise_s: float,
) -> tuple[Samples, Samples]:
    """Return the plunge (low, abrupt) and the roar (a broad band that follows)."""
    low = dsp.contoured(
        samples,
        rate_hz,
        rng,
        [plunge_hz / 8, plunge_hz / 2, plunge_hz, 2 * plunge_hz, 8 * plunge_hz],
        [-14, -4, 0, -3, -20],
    )
    low *= swells(samples, rate_hz, times, heights, rise_s, 0.9, power=1.6)
    low *= dsp.fluctuation(samples, rate_hz, rng, 7.0, 2.0)
    f = 3.2 * plunge_hz
    roar = dsp.contoured(
        samples, rate_hz, rng, [f / 16, f / 4, f / 2, f, 2 * f, 8 * f], [-22, -7, -2, 0, -4, -21]
    )
    roar *= swells(samples, rate_hz, times, heights, 1.6 * rise_s, 1.7, lag_s=0.25, power=1.2)
    roar *= dsp.fluctuation(samples, rate_hz, rng, 3.0, 1.2)
    return low, roar


def _foam(
    samples: int, rate_hz: int, rng: np.random.Generator, envelope: Samples, *, centre_hz: float
) -> Samples:
    """Return foam: a hiss that darkens as it dies, grained by single bubbles."""
    f = centre_hz
    hiss = dsp.contoured(
        samples, rate_hz, rng, [f / 8, f / 4, f / 2, f, 2 * f, 4 * f], [-26, -13, -4, 0, -3, -10]
    )
    grain = dsp.fluctuation(samples, rate_hz, rng, 40.0, 1.5)
    level = np.maximum(envelope, 0.0)
    times = dsp.poisson_following(rng, 160.0 * level / (level.mean() + 1e-9), rate_hz)
    fizz = population(
        samples,
        rate_hz,
        rng,
        times,
        smallest_m=0.0003,
        largest_m=0.0025,
        exponent=2.0,
        loudness=0.4,
        rise=0.1,
        kinds=24,
    )
    fizz *= np.minimum(level / (level.mean() + 1e-9), 3.0)
    return envelope * hiss * grain + 0.25 * float(level.mean()) * dsp.unit(fizz)


def _sea(
    samples: int, rate_hz: int, rng: np.random.Generator, *, low_hz: float, slope_db: float
) -> Samples:
    """Return the surf further off, all along the shore."""
    far = dsp.coloured(samples, rate_hz, rng, slope_db, low_hz=low_hz, high_hz=5000)
    return far * dsp.fluctuation(samples, rate_hz, rng, 0.12, 1.5)


@model(
    "sea-waves",
    _period(8.5),
    Control("strength", "", 0, 1, 0.5, "0 a slight swell, 1 a storm sea"),
    source=_SOURCE,
)
def sea_waves(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Sea waves: breakers that plunge, roar and leave hissing foam, over the surf beyond."""
    duration, strength = samples / rate_hz, c["strength"]
    out = np.zeros(samples)
    period = c["period_s"]
    for k in range(2):  # the nearest stretch of the shore, then two others, later and weaker
        times, heights = arrivals(rng, period, duration)
        if k == 1:
            more = arrivals(rng, period, duration)
            times, heights = np.append(times, more[0]), np.append(heights, 0.6 * more[1])
        near = 1.0 if k == 0 else float(rng.uniform(0.12, 0.35))
        pitch = float(rng.uniform(90, 190)) * (1.25 - 0.5 * strength)
        low, roar = _breakers(
            samples, rate_hz, rng, times, heights, plunge_hz=pitch, rise_s=0.2 * period**0.7
        )
        wash = swells(
            samples, rate_hz, times, heights, 0.9, 0.28 * period, lag_s=0.9 + 0.05 * period
        )
        foam = _foam(samples, rate_hz, rng, wash, centre_hz=float(rng.uniform(2200, 4500)))
        out += near * ((0.4 + 0.5 * strength) * low + roar + (0.75 - 0.3 * strength) * foam)
    far = _sea(samples, rate_hz, rng, low_hz=120, slope_db=-5.0)
    return dsp.unit(out) + (0.12 + 0.15 * strength) * far


@model("surf-sand", _period(7.5), source=_SOURCE)
def surf_sand(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Surf on sand: a soft break, a long wash up the beach, a thinner hiss back down."""
    duration, period = samples / rate_hz, c["period_s"]
    times, heights = arrivals(rng, period, duration)
    low, roar = _breakers(
        samples,
        rate_hz,
        rng,
        times,
        heights,
        plunge_hz=float(rng.uniform(110, 220)),
        rise_s=0.5,
    )
    up = swells(samples, rate_hz, times, heights, 0.8, 0.16 * period, lag_s=1.2)
    back = swells(
        samples, rate_hz, times, heights, 0.2 * period, 0.14 * period, lag_s=0.55 * period
    )
    rise = _foam(samples, rate_hz, rng, up, centre_hz=float(rng.uniform(1800, 3400)))
    fall = _foam(samples, rate_hz, rng, back, centre_hz=float(rng.uniform(4000, 6500)))
    near = 0.35 * low + 0.65 * roar + rise + 0.4 * fall
    return dsp.unit(near) + 0.16 * _sea(samples, rate_hz, rng, low_hz=150, slope_db=-4.5)


@model(
    "surf-shingle",
    _period(7.0),
    Control("size_m", "m", 0.008, 0.12, 0.035, "diameter of the pebbles"),
    source=_SOURCE + "; Thorne 1986, noise of gravel, f = 200 / D^0.9",
)
def surf_shingle(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Surf on shingle: a heavy crash, then the long rattle of pebbles drawn back down."""
    duration, period = samples / rate_hz, c["period_s"]
    times, heights = arrivals(rng, period, duration)
    low, roar = _breakers(
        samples, rate_hz, rng, times, heights, plunge_hz=float(rng.uniform(100, 180)), rise_s=0.3
    )
    wash = swells(samples, rate_hz, times, heights, 0.5, 0.13 * period, lag_s=0.9)
    foam = _foam(samples, rate_hz, rng, wash, centre_hz=float(rng.uniform(2200, 3800)))
    back = swells(samples, rate_hz, times, heights, 0.2 * period, 0.16 * period, lag_s=0.5 * period)
    flow = back + 0.35 * wash
    knocks = dsp.poisson_following(rng, 1100.0 * flow * (0.035 / c["size_m"]) ** 0.7, rate_hz)
    grains = [pebbles(rate_hz, rng, c["size_m"] * float(rng.lognormal(0, 0.35))) for _ in range(24)]
    level = np.interp(knocks, np.arange(0, samples, 480) / rate_hz, flow[::480])
    gains = rng.lognormal(0, 0.8, len(knocks)) * (0.3 + level)
    rattle = dsp.scatter(samples, rate_hz, knocks, grains, gains, rng.integers(0, 24, len(knocks)))
    crash = dsp.unit(0.6 * low + roar + 0.6 * foam)
    far = _sea(samples, rate_hz, rng, low_hz=150, slope_db=-4.0)
    return crash + 0.75 * dsp.unit(rattle) + 0.12 * far


def pebble_hz(diameter_m: float) -> float:
    """Return where the noise of colliding pebbles peaks (Thorne 1986).

    Examples
    --------
    >>> round(pebble_hz(0.035))
    4087
    """
    return float(200.0 / diameter_m**0.9)


def pebbles(rate_hz: int, rng: np.random.Generator, diameter_m: float) -> Samples:
    """Return the click of two pebbles: a rigid-body pulse with a little ring, of unit RMS."""
    f = min(pebble_hz(diameter_m), 0.4 * rate_hz)
    length = max(16, round(14 / f * rate_hz))
    ring = dsp.modes(
        length,
        rate_hz,
        [f, f * 1.52, f * 0.6],
        [9 / f, 6 / f, 7 / f],
        [1.0, 0.6, 0.4],
        rng.uniform(0, 6, 3),
    )
    return dsp.unit(ring * np.minimum(np.arange(length) * f / rate_hz * 2, 1.0))


@model(
    "lake-lapping",
    _period(1.7, 0.6, 4.0),
    Control("strength", "", 0, 1, 0.4, "0 a ripple, 1 slaps against a hull"),
    source="Minnaert 1933; van den Doel 2005; Pierson & Moskowitz 1964",
)
def lake_lapping(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Water lapping: small waves that slap, gulp air under the edge, and trickle off."""
    duration, strength, period = samples / rate_hz, c["strength"], c["period_s"]
    out = np.zeros(samples)
    for k in range(2):
        times, heights = arrivals(
            rng, period * float(rng.uniform(0.9, 1.15)), duration, variation=0.3
        )
        near = 1.0 if k == 0 else float(rng.uniform(0.3, 0.7))
        f = float(rng.uniform(450, 1000))
        slap = dsp.contoured(
            samples,
            rate_hz,
            rng,
            [f / 4, f / 2, f, 2 * f, 4 * f, 16 * f],
            [-13, -4, 0, -4, -9, -26],
        )
        slap *= swells(samples, rate_hz, times, heights, 0.12, 0.13, power=1.5 + strength)
        slap *= dsp.fluctuation(samples, rate_hz, rng, 25.0, 3.0)
        wash = swells(samples, rate_hz, times, heights, 0.2, 0.3 * period, lag_s=0.15)
        foam = _foam(samples, rate_hz, rng, wash, centre_hz=float(rng.uniform(1600, 3000)))
        gulps = dsp.poisson_following(
            rng, 9 * swells(samples, rate_hz, times, heights, 0.05, 0.25, lag_s=0.08), rate_hz
        )
        glug = population(
            samples,
            rate_hz,
            rng,
            gulps,
            smallest_m=0.0015,
            largest_m=0.010,
            exponent=1.4,
            loudness=0.25,
            rise=0.12,
            kinds=20,
        )
        drops = population(
            samples,
            rate_hz,
            rng,
            dsp.poisson_following(rng, 45 * wash, rate_hz),
            smallest_m=0.0005,
            largest_m=0.003,
            exponent=1.8,
            loudness=0.5,
            rise=0.12,
            kinds=20,
        )
        out += near * ((0.5 + strength) * slap + 0.16 * foam + 0.35 * glug + 0.14 * drops)
    return dsp.unit(out) + 0.05 * _sea(samples, rate_hz, rng, low_hz=150, slope_db=-5.0)
