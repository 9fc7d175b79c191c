"""A short recording made as long as one likes, without a loop and without a beat."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

GRAIN_S = (0.5, 4.0)
_FRAME_S = 0.02
_CANDIDATES = 12


def envelope_db(samples: Samples, rate_hz: int) -> NDArray[np.float64]:
    """Return the level of each 20 ms, dB re the loudest of them, shape ``(frames,)``."""
    frame = max(1, round(_FRAME_S * rate_hz))
    whole = max(1, len(samples) // frame)
    padded = np.resize(samples, whole * frame) if len(samples) < frame else samples[: whole * frame]
    power = np.mean(padded.reshape(whole, -1) ** 2, axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12 * power.max()) / power.max()))


def events(samples: Samples, rate_hz: int) -> list[tuple[int, int]]:
    """Return the stretches in which something sounds, if a recording is of single events.

    Parameters
    ----------
    samples
        Shape ``(n,)``.
    rate_hz
        Sampling rate.

    Returns
    -------
    list of (start, end)
        Samples; empty where the sound goes on all the time (less than a third is quiet).

    Notes
    -----
    Quiet is 30 dB below the loudest 20 ms, for 150 ms or more.
    """
    loud = envelope_db(samples, rate_hz) > -30.0
    if loud.mean() > 2 / 3 and len(samples) > 1.5 * rate_hz:
        return []
    frame = max(1, round(_FRAME_S * rate_hz))
    gap = round(0.15 / _FRAME_S)
    found: list[list[int]] = []
    for i in np.flatnonzero(loud):
        if found and i - found[-1][1] <= gap:
            found[-1][1] = int(i)
        else:
            found.append([int(i), int(i)])
    pad = 2
    return [(max(0, (a - pad) * frame), min(len(samples), (b + 1 + pad) * frame)) for a, b in found]


def _faded(samples: Samples, rise: int, fall: int) -> Samples:
    """Return a copy with sine ends, so that two that overlap keep their power."""
    shaped = samples.copy()
    rise, fall = min(rise, len(shaped) // 2), min(fall, len(shaped) // 2)
    if rise:
        shaped[:rise] *= np.sin(0.5 * np.pi * (np.arange(rise) + 0.5) / rise)
    if fall:
        shaped[-fall:] *= np.cos(0.5 * np.pi * (np.arange(fall) + 0.5) / fall)
    return shaped


def extended(samples: Samples, total: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    """Return a recording at any length.

    A longer recording is cut at a place of chance. A shorter one that goes on all the time is
    woven of grains of 0.5 to 4 s from anywhere in it, each chosen to begin at the level at which
    the last one ends, with equal-power overlaps: lengths and places are of chance, so nothing comes
    back in step. One of single events has them again in other order, with other pauses.

    Parameters
    ----------
    samples
        Shape ``(n,)``.
    total
        Samples to make.
    rate_hz
        Sampling rate.
    rng
        Source of chance.

    Returns
    -------
    ndarray, shape ``(total,)``
    """
    if len(samples) >= total:
        start = int(rng.integers(0, len(samples) - total + 1))
        return samples[start : start + total].copy()
    single = events(samples, rate_hz)
    if single:
        return _retriggered(samples, single, total, rate_hz, rng)
    return _woven(samples, total, rate_hz, rng)


def _retriggered(
    samples: Samples,
    single: list[tuple[int, int]],
    total: int,
    rate_hz: int,
    rng: np.random.Generator,
) -> Samples:
    made = np.zeros(total)
    gaps = [b[0] - a[1] for a, b in pairwise(single)]
    usual = float(np.median(gaps)) if gaps else 1.5 * rate_hz
    usual = float(np.clip(usual, 0.2 * rate_hz, 6 * rate_hz))
    at = int(rng.uniform(0, 0.3) * rate_hz)
    last = -1
    fade = round(0.004 * rate_hz)
    while at < total:
        choice = int(rng.integers(len(single)))
        if choice == last and len(single) > 1:
            choice = (choice + 1) % len(single)
        last = choice
        start, end = single[choice]
        event = _faded(samples[start:end], fade, 4 * fade)
        event = event * 10 ** (rng.uniform(-3, 1) / 20)
        kept = event[: total - at]
        made[at : at + len(kept)] += kept
        at += len(event) + int(usual * np.clip(rng.gamma(3.0, 1 / 3.0), 0.25, 3.0))
    return made


def _woven(samples: Samples, total: int, rate_hz: int, rng: np.random.Generator) -> Samples:
    made = np.zeros(total)
    levels = envelope_db(samples, rate_hz)
    frame = max(1, round(_FRAME_S * rate_hz))

    def level_at(place: int) -> float:
        return float(levels[min(max(place // frame, 0), len(levels) - 1)])

    longest = min(GRAIN_S[1], 0.6 * len(samples) / rate_hz)
    shortest = min(GRAIN_S[0], 0.5 * longest)
    at, overlap = 0, 0
    end_level: float | None = None
    last_start = -len(samples)
    while at < total:
        length = max(64, round(rng.uniform(shortest, longest) * rate_hz))
        length = min(length, len(samples))
        following = int(length * rng.uniform(0.2, 0.35))
        places = rng.integers(0, len(samples) - length + 1, _CANDIDATES)
        cost = np.array(
            [
                (abs(level_at(int(p)) - end_level) if end_level is not None else 0.0)
                # What was just heard is not to be heard again at once.
                + (12.0 if abs(int(p) - last_start) < 0.15 * len(samples) else 0.0)
                for p in places
            ]
        )
        place = last_start = int(places[np.argmin(cost)])
        grain = _faded(samples[place : place + length], overlap, following)
        kept = grain[: total - at]
        made[at : at + len(kept)] += kept
        end_level = level_at(place + length - following)
        at += length - following
        overlap = following
    return made
