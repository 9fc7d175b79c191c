"""When things happen, and short sounds put in their places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from earwitness.voice.model import Samples

Times = NDArray[np.float64]


def paced(
    rng: np.random.Generator, period_s: float, duration_s: float, spread: float = 0.05
) -> Times:
    """Return instants about a period apart, each interval its own; the first is within a period.

    Parameters
    ----------
    rng
        Chance.
    period_s
        Mean interval.
    duration_s
        None is later.
    spread
        Standard deviation of the intervals as a share of the period.
    """
    count = int(duration_s / period_s * 1.3) + 8
    gaps = period_s * np.clip(1.0 + spread * rng.standard_normal(count), 0.25, 3.0)
    gaps[0] = period_s * rng.random()
    times = np.cumsum(gaps)
    return np.asarray(times[times < duration_s], dtype=np.float64)


def crossings(phase: Samples, rate_hz: int) -> Times:
    """Return the instants in seconds at which a rising phase passes whole numbers."""
    first, last = int(np.ceil(phase[0])), int(np.floor(phase[-1]))
    if last < first:
        return np.zeros(0)
    wholes = np.arange(first, last + 1, dtype=np.float64)
    return np.asarray(np.interp(wholes, phase, np.arange(len(phase))) / rate_hz, dtype=np.float64)


def turned(per_s: Samples | float, samples: int, rate_hz: int) -> Samples:
    """Return the phase, in turns, of something that turns ``per_s`` times a second."""
    if isinstance(per_s, float | int):
        return np.asarray(np.arange(samples) * (float(per_s) / rate_hz), dtype=np.float64)
    return np.asarray(np.cumsum(per_s) / rate_hz, dtype=np.float64)


def place(out: Samples, rate_hz: int, time_s: float, grain: Samples, gain: float = 1.0) -> None:
    """Add a short sound to ``out`` at an instant, what sticks out at the ends being cut off."""
    start = round(time_s * rate_hz)
    low, high = max(0, start), min(len(out), start + len(grain))
    if low < high:
        out[low:high] += gain * grain[low - start : high - start]


def modes(
    rate_hz: int,
    hz: Sequence[float] | Samples,
    decay_s: Sequence[float] | Samples,
    gains: Sequence[float] | Samples,
    *,
    attack_s: float = 0.0004,
    longest_s: float = 4.0,
) -> Samples:
    """Return the sound of a struck body: decaying sines, those above the band left out.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    hz, decay_s, gains
        Of each mode: frequency, time to fall to 1/e, height.
    attack_s
        Time of contact; a soft one is dull as well.
    longest_s
        Cut, faded, after this.
    """
    f, tau, a = (np.asarray(v, dtype=np.float64) for v in (hz, decay_s, gains))
    keep = (f > 0) & (f < 0.45 * rate_hz)
    f, tau, a = f[keep], tau[keep], a[keep]
    if not len(f):
        return np.zeros(1)
    longest = min(longest_s, 7.0 * float(tau.max()))
    grain = np.zeros(max(2, int(longest * rate_hz)))
    for k in range(len(f)):
        # each mode only as long as it lasts
        count = min(len(grain), max(2, int(7.0 * tau[k] * rate_hz)))
        grain[:count] += a[k] * _ringing((-1.0 / tau[k] + 2j * np.pi * f[k]) / rate_hz, count)
    rise = min(len(grain), int(3 * attack_s * rate_hz) + 1)
    grain[:rise] *= 1 - np.exp(-np.arange(rise) / (attack_s * rate_hz))
    fall = max(1, len(grain) // 8)
    grain[-fall:] *= np.linspace(1, 0, fall)
    return grain


def _ringing(step: complex, count: int) -> Samples:
    """Return the imaginary part of ``exp(step n)``: powers of powers, far cheaper than exp."""
    block = 256
    fine = np.exp(step * np.arange(block))
    coarse = np.exp(step * block * np.arange(-(-count // block)))
    both = np.multiply.outer(coarse.real, fine.imag) + np.multiply.outer(coarse.imag, fine.real)
    return np.asarray(both.ravel()[:count], dtype=np.float64)


def puff(
    rate_hz: int,
    rng: np.random.Generator,
    attack_s: float,
    decay_s: float,
    lo_hz: float,
    hi_hz: float,
) -> Samples:
    """Return a burst of band noise that rises and dies exponentially, of unit peak envelope."""
    from scipy import signal

    length = max(8, int((3 * attack_s + 7 * decay_s) * rate_hz))
    t = np.arange(length) / rate_hz
    noise = rng.standard_normal(length)
    nyquist = rate_hz / 2
    low, high = min(lo_hz, 0.6 * nyquist), min(hi_hz, 0.95 * nyquist)
    section = signal.butter(1, [low, max(high, low * 1.2)], "band", fs=rate_hz, output="sos")
    noise = signal.sosfilt(section, noise)
    power = np.sqrt(np.mean(noise * noise)) + 1e-12
    shape = (1 - np.exp(-t / attack_s)) * np.exp(-t / decay_s)
    grain = np.asarray(noise / power * shape / shape.max(), dtype=np.float64)
    fall = max(1, length // 10)
    grain[-fall:] *= np.linspace(1, 0, fall)
    return grain


def swell(samples: int, rate_hz: int, start_s: float, rise_s: float, hold_s: float) -> Samples:
    """Return an envelope that rises, holds, and falls as it rose (raised cosines)."""
    t = np.arange(samples) / rate_hz - start_s
    up = np.clip(t / rise_s, 0, 1)
    down = np.clip((2 * rise_s + hold_s - t) / rise_s, 0, 1)
    return np.asarray(
        0.25 * (1 - np.cos(np.pi * up)) * (1 - np.cos(np.pi * down)), dtype=np.float64
    )


def surge(
    into: Samples, rate_hz: int, start_s: float, rise_s: float, hold_s: float, gain: float = 1.0
) -> None:
    """Add :func:`swell` to an envelope, computed only where it is above nothing."""
    first = round(start_s * rate_hz)
    size = int((2 * rise_s + hold_s) * rate_hz) + 1
    place(into, rate_hz, start_s, swell(size, rate_hz, first / rate_hz - start_s, rise_s, hold_s),
          gain)  # fmt: skip
