"""Moving sources laid out by gains that follow their direction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from earwitness.space.delay import MovingVoice
from earwitness.space.engine import PAN_EVERY, Moving, Samples
from earwitness.space.filters import Filters
from earwitness.space.lfe import SEND

Gains = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Directions ``(n, 3)`` → gains of every copy, ``(n, copies, channels)``."""


class Copier:
    """Decorrelated copies of a sound that streams.

    Parameters
    ----------
    filters
        Shape ``(copies, taps)``; a single copy is the sound itself, whatever its filter.
    """

    def __init__(self, filters: NDArray[np.float32]) -> None:
        self._filters = Filters(filters) if len(filters) > 1 else None

    @property
    def rests(self) -> bool:
        """Whether nothing rings on of what came before."""
        return self._filters is None or self._filters.rests

    def __call__(self, samples: Samples) -> Samples:
        """Return the copies of the next samples, shape ``(copies, samples)``."""
        return samples[None] if self._filters is None else self._filters(samples[None])


def fades(samples: Samples) -> tuple[Samples, Samples]:
    """Return samples faded out and in over each :data:`PAN_EVERY`, ``(..., pieces, PAN_EVERY)``."""
    count = samples.shape[-1]
    pieces = -(-count // PAN_EVERY)
    padded = np.zeros((*samples.shape[:-1], pieces * PAN_EVERY), dtype=np.float32)
    padded[..., :count] = samples
    shaped = padded.reshape(*samples.shape[:-1], pieces, PAN_EVERY)
    rising = (np.arange(PAN_EVERY) / PAN_EVERY).astype(np.float32)
    incoming = shaped * rising
    return shaped - incoming, incoming


class GainMoving(Moving):
    """A moving source whose channels differ by gains alone.

    Gains are worked out every :data:`PAN_EVERY` samples and go straight from one to the next, so
    nothing clicks and the power is kept.

    Parameters
    ----------
    voice
        The source as it arrives.
    gains
        How directions become gains.
    filters
        Decorrelating filters of the copies, shape ``(copies, taps)``.
    lfe
        Channels of low-frequency effects, which get the sound whatever its direction.
    """

    def __init__(
        self,
        voice: MovingVoice,
        gains: Gains,
        filters: NDArray[np.float32],
        lfe: tuple[int, ...],
    ) -> None:
        self._voice, self._gains, self._lfe = voice, gains, list(lfe)
        self._copier = Copier(filters)

    def add(self, into: Samples, start: int) -> int:
        """Add the next samples; see :class:`~earwitness.space.engine.Moving`."""
        count = into.shape[1]
        samples, places, oldest = self._voice.hear(start, count, PAN_EVERY)
        if self._copier.rests and not samples.any():
            return oldest
        gains = self._gains(places).astype(np.float32)
        for copy, gain in zip(self._copier(samples), gains.transpose(1, 2, 0), strict=True):
            leaving, coming = fades(copy)
            for channel, follow in zip(into, gain, strict=True):
                if follow.any():
                    moved = leaving * follow[:-1, None]
                    moved += coming * follow[1:, None]
                    channel += moved.ravel()[:count]
        into[self._lfe] += np.float32(SEND) * samples
        return oldest
