"""Stems as renderers read them: from an array, and through a window that slides."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError
from earwitness.space.contract import Stem


class ArrayStem:
    """A stem that lies in memory.

    Parameters
    ----------
    samples
        Mono, shape ``(samples,)``.

    Examples
    --------
    >>> ArrayStem([1, 2, 3]).read(2)
    array([1., 2.], dtype=float32)
    """

    def __init__(self, samples: ArrayLike) -> None:
        self._samples = np.asarray(samples, dtype=np.float32)
        if self._samples.ndim != 1:
            raise OptionError(
                f"a stem of shape {self._samples.shape}; give one dimension: a stem is mono"
            )
        self._read = 0

    def read(self, samples: int) -> NDArray[np.float32]:
        """Return the next samples, at most so many."""
        part = self._samples[self._read : self._read + samples]
        self._read += len(part)
        return part


class Tape:
    """A window on a stem that slides forward; silence before the stem and after it.

    What is not finite in a stem is made silent: one broken sample must not fill every channel.

    Parameters
    ----------
    stem
        It is read in order, once.

    Examples
    --------
    >>> tape = Tape(ArrayStem([1, 2, 3]))
    >>> tape.span(-1, 2), tape.span(1, 5)
    (array([0., 1., 2.], dtype=float32), array([2., 3., 0., 0.], dtype=float32))
    """

    def __init__(self, stem: Stem) -> None:
        self._stem = stem
        self._held = np.zeros(0, dtype=np.float32)
        self._start = 0
        self._over = False

    def _read_to(self, stop: int) -> None:
        end = self._start + len(self._held)
        parts = [self._held]
        while end < stop and not self._over:
            part = np.asarray(self._stem.read(stop - end), dtype=np.float32)
            self._over = len(part) == 0
            if not np.isfinite(part).all():
                part = np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0)
            parts.append(part)
            end += len(part)
        if len(parts) > 1:
            self._held = np.concatenate(parts)

    def span(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return samples ``start`` to ``stop``; neither may lie before what was forgotten."""
        span = np.zeros(max(0, stop - start), dtype=np.float32)
        self.put(span, start)
        return span

    def put(self, into: NDArray[np.float32], start: int) -> None:
        """Write the samples from ``start`` on into an array of zeros, as many as it takes."""
        stop = start + len(into)
        if stop > self._start + len(self._held):
            self._read_to(stop)
        first, last = max(start, self._start), min(stop, self._start + len(self._held))
        if first < last:
            into[first - start : last - start] = self._held[
                first - self._start : last - self._start
            ]

    def forget(self, before: int) -> None:
        """Let go of all samples before one."""
        drop = min(before - self._start, len(self._held))
        if drop > 0:
            self._held = self._held[drop:]
            self._start += drop
