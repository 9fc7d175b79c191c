"""Sounds longer than a model's window: independent windows, overlapped without a beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from earwitness.voice import level
from earwitness.voice.contract import STEM_LUFS
from earwitness.voice.stem import liveliest

Samples = NDArray[np.float64]
Generate = Callable[[Sequence[int]], Sequence[NDArray[np.floating]]]
"""``generate(seeds) -> windows``: one whole window for each seed, shape ``(samples,)``."""

SHORTEST_PART = 0.65
"""Of a window: the least that is used of one that is followed by another."""

OVERLAP_PART = 0.15
"""Of a window: how long neighbours sound together."""


def overlap_of(window: int) -> int:
    """Return for how many samples neighbours sound together."""
    return max(1, round(OVERLAP_PART * window))


def windows(total: int, window: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Return how many samples are used of each window, overlaps included.

    The lengths vary, so that the joints keep no time that could be heard as a beat.

    Parameters
    ----------
    total
        Samples in all.
    window
        Samples that the model makes at a time.
    rng
        For the lengths.

    Examples
    --------
    >>> parts = windows(500, 100, np.random.default_rng(1))
    >>> sum(parts) - 15 * (len(parts) - 1), min(parts) >= 30, max(parts) <= 100
    (500, True, True)
    """
    overlap = overlap_of(window)
    parts: list[int] = []
    left = total
    while left > window:
        length = round(rng.uniform(SHORTEST_PART, 1.0) * window)
        # The last one must be longer than its overlap, to be heard by itself.
        length = min(length, left - overlap)
        parts.append(length)
        left -= length - overlap
    parts.append(left)
    return tuple(parts)


def resampled(samples: NDArray[np.floating], from_hz: int, to_hz: int) -> Samples:
    """Return a sound at another rate, band-limited.

    Examples
    --------
    >>> len(resampled(np.zeros(16000), 16000, 44100))
    44100
    """
    found = np.asarray(samples, dtype=np.float64)
    if from_hz == to_hz:
        return found
    common = gcd(from_hz, to_hz)
    return np.asarray(signal.resample_poly(found, to_hz // common, from_hz // common))


def joined(parts: Sequence[Samples], overlap: int) -> Samples:
    """Return parts one after the other, neighbours overlapped with constant power.

    Parameters
    ----------
    parts
        Each of shape ``(samples,)``, longer than the overlap.
    overlap
        Samples.

    Examples
    --------
    >>> len(joined([np.ones(100), np.ones(80)], 30))
    150
    """
    angle = 0.5 * np.pi * (np.arange(overlap) + 0.5) / max(1, overlap)
    whole = parts[0].copy()
    for part in parts[1:]:
        whole[-overlap:] = whole[-overlap:] * np.cos(angle) + part[:overlap] * np.sin(angle)
        whole = np.concatenate([whole, part[overlap:]])
    return whole


@dataclass(frozen=True)
class Plan:
    """Which windows a sound is made of.

    Parameters
    ----------
    seeds
        Of each window.
    lengths
        Samples that are used of each, overlaps included.
    offsets
        Where in the window the used part begins, 0 (as early as possible) to 1.
    """

    seeds: tuple[int, ...]
    lengths: tuple[int, ...]
    offsets: tuple[float, ...]


def plan(total: int, rate_hz: int, *, window: int, window_hz: int, seed: int) -> Plan:
    """Return the windows that a sound will be made of.

    Parameters
    ----------
    total, rate_hz
        Samples to make, and their rate.
    window, window_hz
        Samples of a window that may be used, and their rate.
    seed
        Everything is drawn from it.
    """
    rng = np.random.default_rng([abs(seed), 0xC0D1])
    needed = -(-total * window_hz // rate_hz) + 1
    lengths = windows(needed, window, rng)
    seeds = tuple(int(s) for s in rng.integers(0, 2**63 - 1, len(lengths)))
    return Plan(seeds, lengths, tuple(rng.uniform(size=len(lengths)).tolist()))


def continued(
    chosen: Plan,
    total: int,
    rate_hz: int,
    generate: Generate,
    *,
    window: int,
    window_hz: int,
    edge: int = 0,
    batch: int = 1,
) -> Samples:
    """Return a sound of any length from a model with a window of one length.

    Parameters
    ----------
    chosen
        From :func:`plan`.
    total, rate_hz
        Samples to make, and their rate.
    generate
        The model: one whole window for each seed.
    window, window_hz
        Samples of a window that may be used, and their rate.
    edge
        Samples at both ends of what the model makes that are not used.
    batch
        Windows to ask for at a time.

    Returns
    -------
    ndarray of float64, shape ``(total,)``
        Every window is at the stems' loudness before they are joined, so that none stands out.
    """
    parts: list[Samples] = []
    alone = len(chosen.seeds) == 1
    for start in range(0, len(chosen.seeds), max(1, batch)):
        some = slice(start, start + max(1, batch))
        made = generate(chosen.seeds[some])
        for whole, length, offset in zip(
            made, chosen.lengths[some], chosen.offsets[some], strict=True
        ):
            usable = np.asarray(whole, dtype=np.float64)[edge : edge + window]
            if alone:
                cut = liveliest(usable, length, window_hz)
            else:
                # Anywhere in the window: what a model likes to do at its start must not return
                # with every joint.
                first = round(offset * (len(usable) - length))
                cut = usable[first : first + length]
            part = level.without_dc(cut, window_hz)
            parts.append(level.at_loudness(part, window_hz, STEM_LUFS))
    result = joined(parts, overlap_of(window))
    return resampled(result, window_hz, rate_hz)[:total]
