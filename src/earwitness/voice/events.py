"""Events in time: when they happen by chance, and how thousands of them are added up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

Samples = NDArray[np.float64]


def poisson(rng: np.random.Generator, rate_per_s: float, duration_s: float) -> Samples:
    """Return the sorted times of a Poisson process, seconds from 0 to the duration."""
    count = int(rng.poisson(max(0.0, rate_per_s) * duration_s))
    return np.sort(rng.uniform(0.0, duration_s, count))


def poisson_following(rng: np.random.Generator, rates_per_s: Samples, rate_hz: float) -> Samples:
    """Return the sorted times of a Poisson process whose rate is given for every sample."""
    cumulative = np.cumsum(np.maximum(rates_per_s, 0.0)) / rate_hz
    if not len(cumulative) or cumulative[-1] <= 0:
        return np.zeros(0)
    count = int(rng.poisson(cumulative[-1]))
    drawn = np.sort(rng.uniform(0.0, cumulative[-1], count))
    return np.searchsorted(cumulative, drawn) / rate_hz


def renewal(
    rng: np.random.Generator, mean_s: float, variation: float, duration_s: float
) -> Samples:
    """Return times of events that come about every ``mean_s`` (gamma-distributed gaps).

    Parameters
    ----------
    variation
        Standard deviation over mean of the gaps: 0 a clock, 1 a Poisson process.
    """
    count = int(duration_s / mean_s * (1 + 3 * variation)) + 16
    if variation <= 1e-3:
        gaps = np.full(count, mean_s)
    else:
        shape = 1 / variation**2
        gaps = rng.gamma(shape, mean_s / shape, count)
    times = np.cumsum(gaps) - gaps[0] * rng.uniform()
    return np.asarray(times[times < duration_s])


def impulses(samples: int, rate_hz: float, times_s: ArrayLike, gains: ArrayLike = 1.0) -> Samples:
    """Return impulses at exact times, each shared between the two samples around it."""
    where = np.asarray(times_s, dtype=np.float64) * rate_hz
    gain = np.broadcast_to(np.asarray(gains, dtype=np.float64), where.shape)
    inside = (where >= 0) & (where < samples - 1)
    where, gain = where[inside], gain[inside]
    index = where.astype(np.int64)
    part = where - index
    out = np.bincount(index, gain * (1 - part), samples)
    return np.asarray(out + np.bincount(index + 1, gain * part, samples))


def place(out: Samples, grain: Samples, start: int, gain: float = 1.0) -> None:
    """Add a grain into ``out`` from sample ``start`` on; what lies outside is cut."""
    first, last = max(start, 0), min(start + len(grain), len(out))
    if last > first:
        out[first:last] += gain * grain[first - start : last - start]


def scatter(
    samples: int,
    rate_hz: float,
    times_s: ArrayLike,
    grains: Sequence[Samples],
    gains: ArrayLike = 1.0,
    choice: ArrayLike | None = None,
) -> Samples:
    """Return many events added up: at each time one of a few grains, with its own gain.

    Parameters
    ----------
    times_s, gains
        Of each event.
    grains
        The sounds to choose from; tens of grains serve thousands of events.
    choice
        Index of each event's grain; None: in turn.

    Notes
    -----
    Few events are added by index, many by fast convolution of each grain with its impulses, so
    the cost stays bounded for any rate of events.
    """
    starts = np.asarray(np.asarray(times_s, dtype=np.float64) * rate_hz, dtype=np.int64)
    gain = np.broadcast_to(np.asarray(gains, dtype=np.float64), starts.shape)
    if choice is None:
        which = np.arange(len(starts)) % max(1, len(grains))
    else:
        which = np.broadcast_to(np.asarray(choice, dtype=np.int64), starts.shape)
    out = np.zeros(samples)
    for k, grain in enumerate(grains):
        own = (which == k) & (starts < samples) & (starts > -len(grain))
        count = int(own.sum())
        if count == 0 or len(grain) == 0:
            continue
        # Microseconds of adding one by one against those of a fast convolution.
        if count * (3.0 + 1e-3 * len(grain)) < 0.04 * samples + 200.0:
            for s, g in zip(starts[own].tolist(), gain[own].tolist()):
                place(out, grain, s, g)
        else:
            length = samples + len(grain)
            train = np.bincount(starts[own] + len(grain), gain[own], length)
            out += signal.oaconvolve(train, grain)[len(grain) : length]
    return out
