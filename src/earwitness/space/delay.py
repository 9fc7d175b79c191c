"""The way from a moving source: a delay that varies from sample to sample (Doppler).

What is heard at time ``t`` was emitted at ``t_e`` with ``t_e + d(t_e) / c = t``. The emission time
is worked out every 64 samples and joined by a cubic; the stem is read there by a windowed sinc.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from earwitness.scene.frame import SPEED_OF_SOUND_M_S
from earwitness.space.distance import attenuation
from earwitness.space.path import Path
from earwitness.space.stems import Tape

STEP = 64
"""Samples between two points at which emission times and distances are worked out."""

TAPS = 32
_PHASES = 512
_BETA = 9.0
_SLOWEST = 0.1  # of the speed of time: what comes nearer faster than sound is heard in order still


@cache
def _sinc_table() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return windowed sincs for 512 fractions of a sample, and the step from each to the next."""
    fraction = np.arange(_PHASES + 1)[:, None] / _PHASES
    x = np.arange(TAPS)[None, :] - (TAPS // 2 - 1) - fraction
    inside = np.clip(1 - (x / (TAPS // 2)) ** 2, 0.0, None)
    rows = np.sinc(x) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    rows /= rows.sum(axis=1, keepdims=True)
    return rows[:-1].astype(np.float32), np.diff(rows, axis=0).astype(np.float32)


def fractional(delay: NDArray[np.float64], taps: int) -> NDArray[np.float64]:
    """Return filters that delay by a fraction of a sample, besides ``taps // 2 − 1`` whole ones.

    Parameters
    ----------
    delay
        Fractions from 0 to 1, shape ``(n,)``.
    taps
        Length, even.

    Returns
    -------
    ndarray, shape ``(n, taps)``
    """
    x = np.arange(taps)[None, :] - (taps // 2 - 1) - np.asarray(delay)[:, None]
    inside = np.clip(1 - (x / (taps // 2)) ** 2, 0.0, None)
    rows = np.sinc(x) * np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float64)


def read_at(tape: Tape, whole: NDArray[np.int64], part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a stem's values between its samples.

    Parameters
    ----------
    tape
        The stem.
    whole, part
        Sample and fraction of a sample to its right, shape ``(n,)``.

    Returns
    -------
    ndarray, shape ``(n,)``
    """
    first = int(whole.min()) - (TAPS // 2 - 1)
    samples = tape.span(first, int(whole.max()) + TAPS // 2 + 1)
    if not samples.any():
        return np.zeros(len(whole), dtype=np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(samples, TAPS)[
        whole - (first + TAPS // 2 - 1)
    ]
    rows, steps = _sinc_table()
    fine = part * np.float32(_PHASES)
    phase = np.minimum(fine.astype(np.int64), _PHASES - 1)
    value = np.einsum("nk,nk->n", windows, rows[phase])
    value += (fine - phase) * np.einsum("nk,nk->n", windows, steps[phase])
    return np.asarray(value, dtype=np.float32)


class EmissionClock:
    """When what is heard now was emitted.

    Parameters
    ----------
    distance
        Times → distances in metres, for any time; constant before 0.
    step_s
        Time between the points that are asked for.
    lead_s
        Taken off every delay: 0 keeps real delays, the first delay starts at once.
    """

    def __init__(
        self,
        distance: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        step_s: float,
        lead_s: float,
    ) -> None:
        self._distance, self._step, self._lead = distance, step_s, lead_s
        self._emitted = np.zeros(0)
        self._heard = np.zeros(0)
        self._next = 0
        self._latest = -np.inf

    def _reach(self, until_s: float, since_s: float) -> None:
        """Extend the table of emission and arrival so that it covers a span of arrivals."""
        if not len(self._emitted):
            first = (
                since_s + self._lead - float(self._distance(np.zeros(1))[0]) / (SPEED_OF_SOUND_M_S)
            )
            self._next = int(np.floor(min(first, 0.0) / self._step)) - 2
        while not len(self._heard) or self._heard[-1] <= until_s:
            emitted = np.arange(self._next, self._next + 256, dtype=np.float64) * self._step
            self._next += 256
            heard = emitted + self._distance(emitted) / SPEED_OF_SOUND_M_S - self._lead
            # Arrivals must stay in order: whoever outruns the own sound is held to a tenth.
            order = np.maximum.accumulate(np.append(self._latest, heard - _SLOWEST * emitted))[1:]
            self._latest = float(order[-1])
            self._emitted = np.append(self._emitted, emitted)
            self._heard = np.append(self._heard, order + _SLOWEST * emitted)
        keep = max(0, int(np.searchsorted(self._heard, since_s)) - 4)
        self._emitted, self._heard = self._emitted[keep:], self._heard[keep:]

    def at(self, first: int, stop: int) -> NDArray[np.float64]:
        """Return emission times of the points ``first`` to ``stop`` (times ``step_s``).

        Calls go forward, by at most a few points back from where the last one ended.
        """
        time = np.arange(first, stop) * self._step
        self._reach(float(time[-1]), float(time[0]))
        emitted = np.interp(time, self._heard, self._emitted)
        # Straight between the table's points is near; iterating the equation makes it exact,
        # wherever the source is well below the speed of sound (else it would not settle).
        pace = np.diff(self._heard) / np.diff(self._emitted)
        i = np.clip(np.searchsorted(self._heard, time) - 1, 0, len(pace) - 1)
        settles = (pace[i] > 0.3) & (pace[i] < 1.7)
        for _ in range(3):
            closer = time + self._lead - self._distance(emitted) / SPEED_OF_SOUND_M_S
            near = np.abs(closer - emitted) < self._step
            emitted = np.where(settles & near, closer, emitted)
        return np.asarray(emitted, dtype=np.float64)


@cache
def _cubic() -> NDArray[np.float64]:
    """Return Catmull–Rom weights of four points for each sample of a step, shape ``(4, 64)``."""
    u = np.arange(STEP) / STEP
    return 0.5 * np.array(
        [
            -u + 2 * u**2 - u**3,
            2 - 5 * u**2 + 3 * u**3,
            u + 4 * u**2 - 3 * u**3,
            -(u**2) + u**3,
        ]
    )


class MovingVoice:
    """A moving source as it arrives: delayed, attenuated by distance.

    Parameters
    ----------
    path
        Where it is, seen from where it is heard.
    tape
        Its stem (air absorption is in it already).
    rate_hz
        Sampling rate.
    real_delay
        Whether the time that sound travels is kept; else the first sample is heard at once.
    """

    def __init__(self, path: Path, tape: Tape, rate_hz: int, *, real_delay: bool) -> None:
        self._path, self._tape, self._rate = path, tape, rate_hz
        first_s = float(path.distance(np.zeros(1))[0]) / SPEED_OF_SOUND_M_S
        self._clock = EmissionClock(path.distance, STEP / rate_hz, 0.0 if real_delay else first_s)

    def hear(
        self, start: int, count: int, every: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], int]:
        """Return the next samples and the directions they come from.

        Parameters
        ----------
        start, count
            Which samples; ``start`` is a multiple of ``every``.
        every
            Samples from one direction to the next, a multiple of :data:`STEP`.

        Returns
        -------
        samples : ndarray, shape ``(count,)``
        places : ndarray, shape ``(ceil(count / every) + 1, 3)``
            Positions at the start, after ``every`` samples, and so on, in metres.
        oldest : int
            The first sample of the stem that will still be needed.
        """
        pieces = -(-count // every) * (every // STEP)
        first = start // STEP
        emitted = self._clock.at(first - 1, first + pieces + 2)
        place = self._path.at(emitted)
        gain = attenuation(np.linalg.norm(place, axis=1))
        # Read positions relative to the time heard stay small, so that cubics lose no digits.
        offset = emitted * self._rate - np.arange(first - 1, first + pieces + 2) * STEP
        quads = np.lib.stride_tricks.sliding_window_view(np.stack([offset, gain]), 4, axis=1)
        fine = (quads @ _cubic()).reshape(2, -1)[:, :count]
        base = np.floor(fine[0])
        whole = base.astype(np.int64) + np.arange(start, start + count)
        samples = read_at(self._tape, whole, (fine[0] - base).astype(np.float32))
        samples *= fine[1].astype(np.float32)
        oldest = int(np.floor(emitted[-4] * self._rate)) - 2 * STEP - TAPS
        return samples, place[1 : 2 + pieces : every // STEP], oldest
