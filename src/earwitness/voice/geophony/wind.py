"""Wind: turbulence, what it blows against, and the tones that wires, twigs and edges shed.

The speed of the wind follows von Kármán's spectrum (power falls by −5/3 beyond the corner). The
noise of edges is a dipole's: its pressure goes with the cube of the speed (Curle 1955), its
spectrum moves up with the speed at a constant Strouhal number, and a cylinder whistles at
``f = 0.2 u / d`` (Strouhal 1878; Blevins 1990).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model

STROUHAL = 0.2
"""Vortices per diameter that the wind travels, for a cylinder at Reynolds numbers 300 to 10⁵."""

_SALTATION_M_S = 5.5  # wind at eye height from which sand and snow drift (Bagnold 1941; Li 1997)


def aeolian_hz(wind_m_s: float, diameter_m: float) -> float:
    """Return the tone that a wind draws from a cylinder (Strouhal 1878).

    Examples
    --------
    >>> aeolian_hz(10.0, 0.004)
    500.0
    """
    return STROUHAL * wind_m_s / diameter_m


def gusts(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    wind_m_s: float,
    *,
    intensity: float = 0.22,
    length_m: float = 14.0,
) -> Samples:
    """Return the speed of the wind over time, m/s, by von Kármán's spectrum of turbulence.

    Parameters
    ----------
    wind_m_s
        Mean speed.
    intensity
        Standard deviation over mean.
    length_m
        Integral length scale of the eddies; the corner is at ``u / (8.4 L)``.
    """
    corner = wind_m_s / (8.4 * length_m)
    wander = dsp.slow(samples, rate_hz, rng, corner, slope_db=-5.02)
    # A wind never stands still or blows back here: a soft floor at a fifth of the mean.
    speed = 1 + intensity * wander
    return np.asarray(wind_m_s * (0.2 + np.logaddexp(0, 6 * (speed - 0.2)) / 6))


def _blowing(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    speed: Samples,
    mean_m_s: float,
    *,
    centre_hz: float,
    slope_db: float = -11.0,
) -> Samples:
    """Return edge noise: cube of the speed, a spectrum that brightens with it."""
    soft = _edge(samples, rate_hz, rng, centre_hz * 0.6, slope_db - 2.5)
    hard = _edge(samples, rate_hz, rng, centre_hz * 1.7, slope_db + 1.5)
    ratio = speed / mean_m_s
    share = np.clip(0.5 + 0.7 * np.log2(ratio), 0, 1)
    return np.asarray(ratio**3 * (np.sqrt(1 - share) * soft + np.sqrt(share) * hard))


def _edge(
    samples: int, rate_hz: int, rng: np.random.Generator, centre_hz: float, slope_db: float
) -> Samples:
    f = centre_hz * 2.0 ** np.arange(-4, 5)
    low = [-14.0, -9.0, -5.0, -2.0, 0.0]
    high = [slope_db * 0.7 * k if k < 2 else slope_db * (k - 0.6) for k in range(1, 5)]
    return dsp.contoured(samples, rate_hz, rng, f.tolist(), low + high)


def _whistles(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    speed: Samples,
    mean_m_s: float,
    diameters_m: list[float],
    *,
    width: float = 0.06,
) -> Samples:
    """Return Aeolian tones that follow the gusts, each from another thing in the wind."""
    out = np.zeros(samples)
    for diameter in diameters_m:
        centre = aeolian_hz(mean_m_s, diameter)
        # Each thing feels its own eddies beside the gust that all share.
        own = speed * np.exp(0.05 * dsp.slow(samples, rate_hz, rng, 0.8))
        tone = dsp.gliding_noise(
            samples, rate_hz, rng, STROUHAL * own / diameter, max(4.0, width * centre)
        )
        lock = dsp.fluctuation(samples, rate_hz, rng, 0.35, 5.0)  # vortices lock on and let go
        out += tone * np.minimum(lock, 4.0) * (own / mean_m_s) ** 3
    return np.asarray(out / np.sqrt(max(1, len(diameters_m))))


def _drift(samples: int, rate_hz: int, rng: np.random.Generator, speed: Samples) -> Samples:
    """Return the flux of grains that the wind carries: cubic above a threshold (Bagnold 1941)."""
    over = np.maximum(speed - _SALTATION_M_S, 0.0)
    streak = dsp.fluctuation(samples, rate_hz, rng, 4.0, 2.5)
    return np.asarray(over * speed**2 / _SALTATION_M_S**3 * streak)


@model(
    "wind",
    Control("wind_m_s", "m/s", 1, 35, 9, "mean speed of the wind"),
    Control("gustiness", "", 0.05, 0.5, 0.24, "standard deviation of the speed over its mean"),
    source="von Kármán 1948; Curle 1955; Strouhal 1878",
)
def wind(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Wind in the open: rushing, with a faint hollow tone that rises and falls with it."""
    u = c["wind_m_s"]
    speed = gusts(samples, rate_hz, rng, u, intensity=c["gustiness"])
    rush = _blowing(
        samples,
        rate_hz,
        rng,
        speed,
        u,
        centre_hz=float(rng.uniform(170, 420)) * (u / 9) ** 0.6,
        slope_db=float(rng.uniform(-19, -8)),
    )
    sizes = (STROUHAL * 9 / rng.uniform(280, 800, 2)).tolist()
    hollow = _whistles(samples, rate_hz, rng, speed, u, sizes, width=0.22)
    return rush + float(rng.uniform(0.15, 1.1)) * hollow


@model(
    "wind-trees",
    Control("wind_m_s", "m/s", 1, 30, 6, "mean speed of the wind at the crowns"),
    Control("leaves", "", 0, 1, 0.75, "0 bare twigs and needles, 1 broad leaves"),
    source="Fégeant 1999; Bolin 2009, wind-induced noise of vegetation",
)
def wind_trees(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Wind in trees: leaves that strike each other, crown by crown as the gust goes through."""
    u, leaves = c["wind_m_s"], c["leaves"]
    speed = gusts(samples, rate_hz, rng, u, intensity=0.3, length_m=10.0)
    out = np.zeros(samples)
    centre = float(rng.uniform(2000, 4200))
    for _ in range(3):
        lag = round(float(rng.uniform(0, 2.0)) * rate_hz)
        crown = np.roll(speed, lag) * np.exp(0.12 * dsp.slow(samples, rate_hz, rng, 1.2))
        flutter = dsp.fluctuation(samples, rate_hz, rng, float(rng.uniform(4, 9)), 1.8)
        f = centre * float(rng.uniform(0.8, 1.25))
        points = [f / 16, f / 8, f / 4, f / 2, f, 2 * f, 4 * f]
        levels = [-29.0, -24.0, -15.0, -6.0, 0.0, -4.0, -13.0]
        rustle = dsp.contoured(samples, rate_hz, rng, points, levels)
        out += float(rng.uniform(0.5, 1.0)) * flutter * (crown / u) ** 2.6 * rustle
    out *= 0.25 + leaves
    # Single leaves and twigs that strike nearby: short, dry, brighter than the mass.
    rate = 140 * leaves * (speed / u) ** 2 * u / 6
    times = dsp.poisson_following(rng, rate, rate_hz)
    out += (
        0.9
        * leaves
        * dsp.scatter(
            samples,
            rate_hz,
            times,
            [_leaf(rate_hz, rng) for _ in range(16)],
            rng.lognormal(-0.6, 0.7, len(times)),
            rng.integers(0, 16, len(times)),
        )
    )
    sough = _whistles(
        samples, rate_hz, rng, speed, u, (0.2 * 6 / rng.uniform(450, 1300, 1)).tolist(), width=0.7
    )
    body = _blowing(samples, rate_hz, rng, speed, u, centre_hz=250 * (u / 6) ** 0.5)
    return out + (0.15 + 1.1 * (1 - leaves)) * sough + (0.3 + 0.4 * (1 - leaves)) * body


def _leaf(rate_hz: int, rng: np.random.Generator) -> Samples:
    length = max(8, round(float(rng.uniform(0.004, 0.02)) * rate_hz))
    low = float(rng.uniform(1500, 4500))
    grain = dsp.bandpass(rng.standard_normal(length), rate_hz, low, 3 * low, order=1)
    return dsp.unit(grain * np.hanning(length) ** 0.7)


@model(
    "wind-desert",
    Control("wind_m_s", "m/s", 2, 35, 11, "mean speed of the wind"),
    source="Bagnold 1941, The Physics of Blown Sand; von Kármán 1948",
)
def wind_desert(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Desert wind: a soft low rush over dunes and, above its threshold, the hiss of sand."""
    u = c["wind_m_s"]
    speed = gusts(samples, rate_hz, rng, u, intensity=0.2, length_m=25.0)
    rush = _blowing(
        samples, rate_hz, rng, speed, u, centre_hz=float(rng.uniform(150, 300)) * (u / 11) ** 0.6
    )
    points = [500, 1000, 2000, 4000, 8000, 16000]
    sand = dsp.contoured(samples, rate_hz, rng, points, [-38, -24, -11, -2, 0, -6])
    flux = _drift(samples, rate_hz, rng, speed)
    return rush + 0.13 * float(rng.uniform(0.5, 2.0)) * flux * sand


@model(
    "wind-polar",
    Control("wind_m_s", "m/s", 2, 45, 14, "mean speed of the wind"),
    source="Strouhal 1878; Li & Pomeroy 1997, threshold of drifting snow",
)
def wind_polar(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Polar wind: a steady hollow howl over ice and the thin sizzle of drifting snow."""
    u = c["wind_m_s"]
    speed = gusts(samples, rate_hz, rng, u, intensity=0.16, length_m=35.0)
    rush = _blowing(samples, rate_hz, rng, speed, u, centre_hz=float(rng.uniform(350, 650)))
    sizes = (STROUHAL * 14 / rng.uniform(380, 1100, 3)).tolist()
    howl = _whistles(samples, rate_hz, rng, speed, u, sizes, width=0.1)
    points = [1000, 2000, 4000, 8000, 16000]
    snow = dsp.contoured(samples, rate_hz, rng, points, [-25, -12, -3, 0, -5])
    return 0.7 * rush + 0.8 * howl + 0.01 * _drift(samples, rate_hz, rng, speed) * snow


@model(
    "wind-mountain",
    Control("wind_m_s", "m/s", 2, 45, 13, "mean speed of the wind"),
    Control("size_m", "m", 0.001, 0.03, 0.0045, "diameter of the edges and wires that whistle"),
    source="Strouhal 1878; Blevins 1990, Flow-Induced Vibration",
)
def wind_mountain(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Wind over a ridge: howling and whistling, up and down with every gust."""
    u = c["wind_m_s"]
    speed = gusts(samples, rate_hz, rng, u, intensity=0.26, length_m=18.0)
    rush = _blowing(samples, rate_hz, rng, speed, u, centre_hz=float(rng.uniform(250, 500)))
    sizes = [c["size_m"], c["size_m"] * float(rng.uniform(1.3, 1.9))]
    howl = _whistles(samples, rate_hz, rng, speed, u, sizes, width=0.04)
    return 0.55 * rush + 1.2 * howl


@model(
    "blizzard",
    Control("wind_m_s", "m/s", 8, 50, 22, "mean speed of the wind"),
    source="Li & Pomeroy 1997; Strouhal 1878",
)
def blizzard(
    samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]
) -> Samples:
    """Blizzard: buffets one upon the other, howling, and snow that is driven against all."""
    u = c["wind_m_s"]
    speed = gusts(samples, rate_hz, rng, u, intensity=0.24, length_m=12.0)
    rush = _blowing(samples, rate_hz, rng, speed, u, centre_hz=float(rng.uniform(320, 700)))
    buffet = dsp.coloured(samples, rate_hz, rng, -6.0, low_hz=35, high_hz=160)
    buffet *= (speed / u) ** 2 * dsp.fluctuation(samples, rate_hz, rng, 5.0, 4.0)
    sizes = (STROUHAL * 22 / rng.uniform(420, 1300, 2)).tolist()
    howl = _whistles(samples, rate_hz, rng, speed, u, sizes, width=0.12)
    points = [800, 1600, 3200, 6400, 12800]
    snow = dsp.contoured(samples, rate_hz, rng, points, [-16, -6, 0, -1, -6])
    driven = 0.008 * _drift(samples, rate_hz, rng, speed) * snow
    return rush + 0.5 * buffet + 0.45 * howl + driven
