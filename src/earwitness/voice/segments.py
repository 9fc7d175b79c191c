"""Long sounds without a loop: segments of varied length, each of its own chance, overlapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Render = Callable[[int, int], Samples]
"""``render(index, samples)`` → the segment's samples, shape ``(samples,)``."""

LONGEST_WHOLE_S = 45.0
"""Up to this a sound is one segment."""

SHORTEST_S, LONGEST_S = 20.0, 40.0
OVERLAP_S = 2.0


def lengths(total: int, rate_hz: int, seed: int) -> Iterator[int]:
    """Yield the segments' lengths in samples, overlaps included.

    Parameters
    ----------
    total
        Samples in all.
    rate_hz
        Sampling rate.
    seed
        The lengths depend on it and on nothing else, so a longer request begins alike.

    Examples
    --------
    >>> parts = list(lengths(48000 * 120, 48000, 1))
    >>> sum(parts) - (len(parts) - 1) * 96000 == 48000 * 120
    True
    """
    if total <= LONGEST_WHOLE_S * rate_hz:
        yield total
        return
    rng = np.random.default_rng([abs(seed), 0x5E6])
    overlap = round(OVERLAP_S * rate_hz)
    left = total
    while True:
        length = round(rng.uniform(SHORTEST_S, LONGEST_S) * rate_hz)
        # What would remain must itself be a segment worth the name.
        if left - length < SHORTEST_S / 2 * rate_hz:
            yield left
            return
        yield length
        left -= length - overlap


def overlapped(total: int, rate_hz: int, seed: int, render: Render) -> Iterator[Samples]:
    """Yield a sound of any length in blocks, holding no more than two segments.

    Neighbours overlap by 2 s with gains whose squares add to 1, which keeps the power of
    sounds that owe each other nothing.

    Parameters
    ----------
    total
        Samples in all.
    rate_hz
        Sampling rate.
    seed
        For the lengths.
    render
        Makes each segment.
    """
    overlap = round(OVERLAP_S * rate_hz)
    angle = 0.5 * np.pi * (np.arange(overlap) + 0.5) / max(1, overlap)
    rising, falling = np.sin(angle), np.cos(angle)
    left: Samples | None = None
    upcoming = lengths(total, rate_hz, seed)
    length: int | None = next(upcoming)
    index = 0
    while length is not None:
        following = next(upcoming, None)
        samples = render(index, length)
        if left is not None:
            samples = samples.copy()
            samples[:overlap] = samples[:overlap] * rising + left * falling
        if following is None:
            yield samples
        else:
            yield samples[:-overlap]
            left = samples[-overlap:]
        length = following
        index += 1
