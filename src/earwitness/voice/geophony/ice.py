"""Ice: cracks whose high frequencies outrun the low through a floating sheet.

Bending waves travel at a phase speed that grows with the root of the frequency; a crack at some
hundred metres arrives as a falling chirp, the "pew" of a frozen lake (Ewing & Crary 1934).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Control, Samples, model

YOUNG_PA = 9.0e9
DENSITY_KG_M3 = 917.0
POISSON = 0.33
_SHEAR_M_S = 1900.0  # bending waves never outrun shear waves (Mindlin's limit)


def group_speed_m_s(frequency_hz: Samples, thickness_m: float) -> Samples:
    """Return how fast a band of bending waves travels: twice ``(D/ρh)^¼ (2πf)^½``, bounded."""
    stiffness = YOUNG_PA * thickness_m**3 / (12 * (1 - POISSON**2))
    thin = (
        2 * np.sqrt(2 * np.pi * frequency_hz) * (stiffness / (DENSITY_KG_M3 * thickness_m)) ** 0.25
    )
    return np.asarray(1 / np.sqrt(1 / np.maximum(thin, 1.0) ** 2 + 1 / _SHEAR_M_S**2))


def crack(rate_hz: int, rng: np.random.Generator, distance_m: float, thickness_m: float) -> Samples:
    """Return a crack heard through the sheet, from its first arrival on; about unit peak."""
    seconds = float(np.clip(distance_m / 250.0 + 0.15, 0.25, 3.0))
    length = round(seconds * rate_hz)
    f = np.fft.rfftfreq(2 * length, 1 / rate_hz)
    delay = distance_m * (1 / group_speed_m_s(np.maximum(f, 5.0), thickness_m) - 1 / _SHEAR_M_S)
    turn = -2 * np.pi * np.cumsum(delay) * (f[1] - f[0])
    low = float(rng.uniform(70, 160))
    top = float(rng.uniform(3000, 9000)) * (100 / (distance_m + 60)) ** 0.3
    level = 1 / np.sqrt((1 + (low / np.maximum(f, 1.0)) ** 6) * (1 + (f / top) ** 4))
    level *= (np.maximum(f, 20) / 500) ** -0.4
    # What slower bands lose, by the time they take (internal friction) and by the window's end.
    level *= np.exp(-np.minimum(delay / (0.35 * seconds), 60.0))
    ripple = np.interp(np.log(np.maximum(f, 5)), np.linspace(1, 12, 60), rng.normal(0, 2.0, 60))
    spectrum = level * 10 ** (ripple / 20) * np.exp(1j * turn)
    sound = np.fft.irfft(spectrum, 2 * length)
    sound = np.roll(sound, round(0.003 * rate_hz))[:length]
    sound *= np.minimum(np.arange(length)[::-1] / (0.1 * length), 1.0)
    return np.asarray(sound / (np.abs(sound).max() + 1e-12))


@model(
    "ice",
    Control("rate_per_s", "1/s", 0.05, 6, 0.9, "cracks per second"),
    Control("size_m", "m", 0.03, 2, 0.25, "thickness of the ice"),
    Control("distance_m", "m", 2, 1500, 120, "to the farther cracks, through the ice"),
    source="Ewing & Crary 1934, elastic waves in ice; Mindlin 1951",
)
def ice(samples: int, rate_hz: int, rng: np.random.Generator, c: Mapping[str, float]) -> Samples:
    """Cracking ice: pews of distant cracks, snaps near by, groans of the sheet."""
    duration = samples / rate_hz
    out = np.zeros(samples)
    runs = dsp.poisson(rng, 0.45 * c["rate_per_s"], duration)
    first = [0.04 * duration] if len(runs) == 0 else []
    far = [
        crack(rate_hz, rng, c["distance_m"] * float(rng.lognormal(-0.2, 0.6)), c["size_m"])
        for _ in range(min(8, len(runs) + 1))
    ]
    for time in [*runs.tolist(), *first]:
        for k in range(int(rng.integers(1, 5))):  # one crack sets off others
            start = round((time + k * float(rng.exponential(0.12))) * rate_hz)
            gain = float(rng.lognormal(-0.2, 0.6)) / (1 + 0.6 * k)
            dsp.place(out, far[int(rng.integers(len(far)))], start, gain)
    snaps = dsp.poisson(rng, 2.2 * c["rate_per_s"], duration)
    near = [_snap(rate_hz, rng) for _ in range(16)]
    gains = 0.18 * rng.lognormal(-0.3, 1.0, len(snaps))
    out += dsp.scatter(samples, rate_hz, snaps, near, gains, rng.integers(0, 16, len(snaps)))
    for time in dsp.poisson(rng, 0.12 * c["rate_per_s"] + 0.02, duration).tolist():
        dsp.place(out, _groan(rate_hz, rng), round(time * rate_hz), float(rng.uniform(0.1, 0.35)))
    open_air = dsp.reverberation(out, rate_hz, rng, 1.4, damping_hz=1500)
    wind = dsp.coloured(samples, rate_hz, rng, -6.0, low_hz=60, high_hz=1500)
    wind *= dsp.fluctuation(samples, rate_hz, rng, 0.2, 3.0)
    return out + 0.35 * open_air + 0.004 * wind


def _snap(rate_hz: int, rng: np.random.Generator) -> Samples:
    length = max(32, round(0.03 * rate_hz))
    f = float(rng.uniform(900, 4500))
    ring = dsp.modes(length, rate_hz, [f, 1.7 * f, 2.6 * f], [0.02, 0.012, 0.008], [1, 0.7, 0.5])
    noise = rng.standard_normal(length) * dsp.decaying(length, rate_hz, 0.0002, 0.012)
    sound = ring + noise
    return np.asarray(sound / np.abs(sound).max())


def _groan(rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return stick and slip along a crack: a rough low tone that bends."""
    length = round(float(rng.uniform(0.5, 1.8)) * rate_hz)
    f = float(rng.uniform(45, 130)) * np.exp(
        np.linspace(0, float(rng.uniform(-0.7, 0.5)), length)
        + 0.05 * dsp.slow(length, rate_hz, rng, 12.0)
    )
    buzz = dsp.sawtooth(f, rate_hz) * dsp.fluctuation(length, rate_hz, rng, 15.0, 3.0)
    places = rng.uniform(150, 1300, 4)
    sound = dsp.resonators(buzz, rate_hz, places, 90.0) * np.hanning(length)
    return np.asarray(sound / (np.abs(sound).max() + 1e-12))
