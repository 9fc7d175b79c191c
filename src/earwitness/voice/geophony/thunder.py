"""Thunder from the geometry of its channel.

Every short piece of a lightning channel sends an N-shaped pressure wave; what is heard is their
sum, each at the time that its distance gives (Ribner & Roy 1982, Few 1969). So claps come from
stretches seen broadside, rumble from those seen end on, and a strike lasts as long as sound takes
from its nearest to its farthest point. Air takes the high frequencies away (ISO 9613-1).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model

SOUND_M_S = 343.0
_STEP_M = 0.8
_BINS = 7


def absorption_db_per_km(
    frequency_hz: Samples, *, celsius: float = 18.0, humidity: float = 90.0
) -> Samples:
    """Return the loss in air by ISO 9613-1, equations 3 to 5, at sea level.

    Parameters
    ----------
    frequency_hz
        Any shape.
    celsius, humidity
        Of the air; a storm's by default. Relative humidity in percent.

    Examples
    --------
    At 1 kHz, 20 °C and 70 % the standard's table says 4.98 dB/km.

    >>> round(float(absorption_db_per_km(np.array([1000.0]), celsius=20, humidity=70)[0]), 2)
    4.98
    """
    kelvin = celsius + 273.15
    warm = kelvin / 293.15
    vapour = humidity * 10 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    oxygen = 24 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour)
    nitrogen = warm**-0.5 * (9 + 280 * vapour * np.exp(-4.17 * (warm ** (-1 / 3) - 1)))
    f2 = np.asarray(frequency_hz, dtype=np.float64) ** 2
    relaxing = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + f2 / oxygen)
    relaxing += 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + f2 / nitrogen)
    per_m = 8.686 * f2 * (1.84e-11 * warm**0.5 + warm**-2.5 * relaxing)
    return np.asarray(1000 * per_m)


def channel(rng: np.random.Generator, distance_m: float, cloud_m: float) -> NDArray[np.float64]:
    """Return points along a tortuous channel with branches, shape ``(points, 3)``, metres.

    The observer is at the origin, the foot of the channel ``distance_m`` away along x. Directions
    wander by about 16° from one stretch to the next on every scale (Hill 1968).
    """
    main = _path(rng, np.array([distance_m, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]), cloud_m)
    parts = [main]
    for _ in range(int(rng.integers(1, 5))):
        root = main[int(rng.integers(len(main) // 3, len(main)))]
        outward = np.array([*rng.normal(0, 1, 2), -0.6])
        branch = _path(
            rng, root, outward / np.linalg.norm(outward), cloud_m * rng.uniform(0.1, 0.4)
        )
        parts.append(branch[branch[:, 2] > 0])
    # Inside the cloud the channel runs on, nearly level (Few 1970): it is most of the rumble.
    level = np.array([*rng.normal(0, 1, 2), 0.15])
    parts.append(
        _path(rng, main[-1], level / np.linalg.norm(level), cloud_m * rng.uniform(0.3, 1.2))
    )
    return np.concatenate(parts)


def _path(
    rng: np.random.Generator, start: Samples, heading: Samples, length_m: float
) -> NDArray[np.float64]:
    count = max(8, int(length_m / _STEP_M))
    bend = np.zeros((count, 3))
    for scale in (8.0, 40.0, 200.0):  # tortuous on every scale
        knots = max(2, int(length_m / scale) + 2)
        turns = rng.normal(0, 0.28, (knots, 3))
        along = np.linspace(0, knots - 1, count)
        bend += np.stack([np.interp(along, np.arange(knots), turns[:, k]) for k in range(3)], 1)
    steps = heading + bend
    # Even steps would sound at one pitch.
    steps *= rng.exponential(_STEP_M, (count, 1)) / np.linalg.norm(steps, axis=1, keepdims=True)
    return np.asarray(start + np.cumsum(steps, axis=0))


def _n_wave(rate_hz: int, range_m: float) -> Samples:
    """Return the wave of one piece after its way through the air."""
    # Durations grow slowly with the distance (Plooster 1971; Few 1969: peak power 50–200 Hz).
    length = max(64, round(0.06 * rate_hz))
    t = np.arange(length) / rate_hz - 0.004
    wave = np.zeros(length)
    for duration in (0.0003, 0.001, 0.0032):  # the weaker a piece, the shorter its wave
        x = t / (duration * (1 + range_m / 1000.0) ** 0.25)
        wave += np.where((x >= 0) & (x < 1), 1 - 2 * x, 0.0)
    f = np.asarray(np.fft.rfftfreq(2 * length, 1 / rate_hz), dtype=np.float64)
    # Turbulence rounds the shock's edges, the more the longer it travels.
    loss = absorption_db_per_km(f) * range_m / 1000.0
    return np.asarray(
        np.fft.irfft(np.fft.rfft(wave, 2 * length) * 10 ** (-loss / 20), 2 * length)[:length]
    )


def strike(
    samples: int, rate_hz: int, rng: np.random.Generator, distance_m: float, cloud_m: float = 4500.0
) -> Samples:
    """Return the thunder of one flash from the moment its first sound arrives.

    Parameters
    ----------
    distance_m
        To the foot of the channel.
    cloud_m
        Height of the channel.
    """
    points = channel(rng, distance_m, cloud_m)
    ranges = np.linalg.norm(points, axis=1)
    times = (ranges - ranges.min()) / SOUND_M_S
    # Return strokes follow along the same way at some 40–80 ms (Rakov & Uman 2003).
    strokes = [(0.0, 1.0)]
    for _ in range(int(rng.integers(0, 4))):
        strokes.append((strokes[-1][0] + float(rng.gamma(4, 0.015)), float(rng.uniform(0.2, 0.7))))
    # The energy per metre varies along the channel.
    knots = np.arange(0, len(points) + 50, 50)
    power = np.exp(np.interp(np.arange(len(points)), knots, rng.normal(0, 0.5, len(knots))))
    edges = np.geomspace(ranges.min() * 0.999, ranges.max() * 1.001, _BINS + 1)
    out = np.zeros(samples)
    for k in range(_BINS):
        own = (ranges >= edges[k]) & (ranges < edges[k + 1])
        train = np.zeros(samples)
        for delay, gain in strokes:
            # Each stroke heats the channel unevenly anew.
            fresh = gain * power[own] * rng.exponential(1.0, int(own.sum()))
            train += dsp.impulses(samples, rate_hz, times[own] + delay, fresh / ranges[own])
        out += dsp.convolved(train, _n_wave(rate_hz, float(np.sqrt(edges[k] * edges[k + 1]))))
    return out


def _storm(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    c: Mapping[str, float],
    *,
    echo: float,
    longest: float,
) -> Samples:
    duration = samples / rate_hz
    out = np.zeros(samples)
    first = float(rng.uniform(0.02, 0.12)) * min(duration, 10.0)
    later = dsp.renewal(rng, 1 / c["rate_per_s"], 0.35, duration) + 0.6 / c["rate_per_s"]
    for time in [first, *(later + first).tolist()]:
        start = round(time * rate_hz)
        room = min(samples - start, round(longest * rate_hz))
        if room < 32:
            continue
        distance = c["distance_m"] * float(rng.lognormal(0, 0.35))
        sound = strike(room, rate_hz, rng, distance, float(rng.uniform(2500, 6000)))
        answer = dsp.reverberation(sound, rate_hz, rng, 3.5, damping_hz=250.0)
        sound = sound + echo * answer
        ends = np.minimum(np.arange(room)[::-1] / (0.8 * rate_hz), 1.0)
        out[start : start + room] += sound * ends * distance
    # Far-off grumbling and the still air before the storm: never digital silence.
    floor = dsp.coloured(samples, rate_hz, rng, -7.0, low_hz=30, high_hz=1500)
    floor *= dsp.fluctuation(samples, rate_hz, rng, 0.3, 2.0)
    return dsp.unit(out) + 0.012 * floor


_RIBNER = "Ribner & Roy 1982; Few 1969; Hill 1968, tortuosity; ISO 9613-1"


@model(
    "thunder-near",
    Control("distance_m", "m", 60, 3000, 350, "to the foot of the lightning channel"),
    Control("rate_per_s", "1/s", 0.005, 0.5, 0.07, "flashes per second"),
    source=_RIBNER,
)
def thunder_near(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Thunder near by: a tearing crack, claps, and a rumble that rolls away."""
    return _storm(samples, rate_hz, rng, c, echo=0.4, longest=14.0)


@model(
    "thunder-far",
    Control("distance_m", "m", 1500, 20000, 4000, "to the foot of the lightning channel"),
    Control("rate_per_s", "1/s", 0.005, 0.5, 0.08, "flashes per second"),
    source=_RIBNER,
)
def thunder_far(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Distant thunder: low rolling rumble, smoothed by hills and by the air."""
    return _storm(samples, rate_hz, rng, c, echo=1.4, longest=18.0)
