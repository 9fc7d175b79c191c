"""Loudness and true peak (ITU-R BS.1770-5, EBU R 128), measured while a sound streams by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from earwitness.scene import Layout

SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770, and what a silent sound is said to measure."""

NOMINAL_LUFS = -30.0
"""Integrated loudness of every stem. It leaves 30 dB for the peaks of hammers and hooves."""

OVERSAMPLING = 4
_REACH = 12  # samples to each side that a value between two samples is made from
PEAK_BEFORE, PEAK_AFTER = _REACH - 1, _REACH
"""Samples before and after that :func:`envelope` needs as context."""

_MARGIN = 2 * _REACH - 1
_GROUP = 64  # samples whose neighbourhoods are worked out by one product of matrices
_PIECE = 4096  # samples that are filtered together, small enough for the processor's cache


@cache
def between_filters() -> NDArray[np.float32]:
    """Return the interpolators that find values between samples, shape ``(3, 24)``.

    Row ``i`` gives the value ``(i + 1) / 4`` of a sample after the middle pair's first. A windowed
    sinc, flat within 0.05 dB to 0.4 of the rate (19.2 kHz at 48 kHz); BS.1770-5 Annex 2 asks for at
    least fourfold oversampling and leaves the filter open.
    """
    taps = np.arange(-_REACH + 1, _REACH + 1)
    rows = []
    for i in range(1, OVERSAMPLING):
        x = taps - i / OVERSAMPLING
        row = np.sinc(x) * np.i0(6.0 * np.sqrt(1 - (x / _REACH) ** 2)) / np.i0(6.0)
        rows.append(row / row.sum())
    return np.array(rows, dtype=np.float32)


def peak_bound() -> float:
    """Return by how much, at most, a value between samples exceeds the samples around it."""
    return float(np.abs(between_filters()).sum(axis=1).max())


@cache
def _group_filters() -> NDArray[np.float32]:
    """Return :func:`between_filters` of a group as a matrix, shape ``(64 + 23, 3 · 64)``."""
    table = np.zeros((_GROUP + _MARGIN, OVERSAMPLING - 1, _GROUP), dtype=np.float32)
    for i in range(_GROUP):
        table[i : i + 2 * _REACH, :, i] = between_filters().T
    return table.reshape(_GROUP + _MARGIN, -1)


def _groups(joined: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return groups of samples with their context, shape ``(channels, groups, 64 + 23)``."""
    count = joined.shape[1] - _MARGIN
    missing = -count % _GROUP
    padded = np.pad(joined, ((0, 0), (0, missing)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _GROUP + _MARGIN, axis=1)
    return windows[:, ::_GROUP]


def envelope(joined: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the largest magnitude around each sample: on it or before the next one.

    Parameters
    ----------
    joined
        Samples with context, shape ``(channels, 11 + n + 12)``.

    Returns
    -------
    ndarray, shape ``(channels, n)``
    """
    count = joined.shape[1] - _MARGIN
    groups = _groups(joined)
    values = (groups.reshape(-1, _GROUP + _MARGIN) @ _group_filters()).reshape(
        len(joined), groups.shape[1], OVERSAMPLING - 1, _GROUP
    )
    tops = np.abs(values).max(axis=2).reshape(len(joined), -1)[:, :count]
    on = np.abs(joined[:, _REACH - 1 : _REACH - 1 + count])
    return np.asarray(np.maximum(tops, on), dtype=np.float32)


def k_weighting(rate_hz: int) -> NDArray[np.float64]:
    """Return the K-weighting filter for any rate as second-order sections, shape ``(2, 6)``.

    The analogue prototypes behind BS.1770's 48 kHz coefficients, transformed bilinearly for the
    rate (as libebur128 does); at 48 kHz they are the standard's coefficients.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """
    k = np.tan(np.pi * 1681.974450955533 / rate_hz)
    q, gain = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = gain**0.4996667741545416
    a0 = 1 + k / q + k * k
    shelf = [
        (gain + middle * k / q + k * k) / a0,
        2 * (k * k - gain) / a0,
        (gain - middle * k / q + k * k) / a0,
        1.0,
        2 * (k * k - 1) / a0,
        (1 - k / q + k * k) / a0,
    ]
    k = np.tan(np.pi * 38.13547087602444 / rate_hz)
    q = 0.5003270373238773
    a0 = 1 + k / q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    return np.array([shelf, high_pass])


def channel_weights(layout: Layout) -> NDArray[np.float64]:
    """Return BS.1770-5's weight of each channel, shape ``(channels,)``.

    LFE counts nothing; loudspeakers below 30° of elevation and from 60° to 120° at the side
    count 1.41, all others 1. Of ambisonics, the omnidirectional channel alone is measured.
    """
    if layout.kind == "ambisonics":
        return np.asarray(np.eye(len(layout.channels))[0], dtype=np.float64)
    weights = [
        0.0
        if channel.lfe
        else 1.41
        if abs(channel.elevation_deg) < 30
        and 60 <= abs(channel.azimuth_deg) <= 120
        and layout.kind == "loudspeakers"
        else 1.0
        for channel in layout.channels
    ]
    return np.array(weights)


class Meter:
    """Integrated loudness and true peak of a sound that arrives in blocks.

    Parameters
    ----------
    weights
        Weight of each channel, shape ``(channels,)``.
    rate_hz
        Sampling rate.

    Examples
    --------
    A 1 kHz tone at 0 dBFS in one front channel reads −3.01 LUFS (BS.1770-5, Annex 1).

    >>> meter = Meter([1.0], 48000)
    >>> meter.add(np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)[None])
    >>> round(meter.integrated_lufs, 2)
    -3.01
    """

    def __init__(self, weights: Sequence[float] | NDArray[np.float64], rate_hz: int) -> None:
        self._weights = np.asarray(weights, dtype=np.float64)
        channels = len(self._weights)
        self._sos = k_weighting(rate_hz)
        self._heard = np.flatnonzero(self._weights)
        self._state = np.zeros((len(self._sos), len(self._heard), 2))
        self._step = max(1, round(rate_hz * 0.1))  # 400 ms blocks that overlap by three quarters
        self._left = np.zeros(0)
        self._steps: list[float] = []
        self._tail = np.zeros((channels, _MARGIN), dtype=np.float32)
        self._peak = 0.0
        self._samples = 0
        self._energy = 0.0

    def add(self, block: ArrayLike) -> None:
        """Take the next block, shape ``(channels, samples)``."""
        samples = np.asarray(block, dtype=np.float32)
        for start in range(0, samples.shape[1], _PIECE):
            self._add_piece(samples[:, start : start + _PIECE])

    def _add_piece(self, samples: NDArray[np.float32]) -> None:
        self._samples += samples.shape[1]
        heard = self._heard
        weighted, self._state = signal.sosfilt(
            self._sos, samples[heard].astype(np.float64), axis=-1, zi=self._state
        )
        square = self._weights[heard] @ np.square(weighted, out=weighted)
        self._energy += float(square.sum())
        square = np.concatenate([self._left, square])
        whole = len(square) // self._step
        cut = whole * self._step
        if whole:
            self._steps += square[:cut].reshape(whole, self._step).sum(axis=1).tolist()
        self._left = square[cut:]
        joined = np.concatenate([self._tail, samples], axis=1)
        self._seek_peak(joined)
        self._tail = joined[:, -_MARGIN:]

    def _seek_peak(self, joined: NDArray[np.float32]) -> None:
        """Raise the peak so far to that of new samples, looking closely only where it can be."""
        self._peak = max(self._peak, float(np.abs(joined).max()))
        groups = _groups(joined).reshape(-1, _GROUP + _MARGIN)
        tops = np.abs(groups).max(axis=1) * peak_bound()
        # The loudest first, so that most of the others need not be looked at: no value between
        # samples exceeds the bound, so the result is that of looking everywhere.
        hopeful = np.flatnonzero(tops > self._peak)
        hopeful = hopeful[np.argsort(tops[hopeful])[::-1]]
        for start in range(0, len(hopeful), 32):
            batch = hopeful[start : start + 32]
            if tops[batch[0]] <= self._peak:
                break
            values = groups[batch] @ _group_filters()
            self._peak = max(self._peak, float(values.max()), -float(values.min()))

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness so far, LUFS; −70 for silence.

        A sound shorter than one 400 ms block is measured whole, without gates.
        """
        return self.loudness_after(0.0)

    def loudness_after(self, gain_db: float) -> float:
        """Return the loudness that the sound so far would have after a gain, LUFS.

        It is not just the loudness plus the gain: the absolute gate of −70 LUFS applies to what is
        heard in the end, so that a scene of far and faint things is no silence.

        Parameters
        ----------
        gain_db
            Gain in dB.

        Examples
        --------
        >>> meter = Meter([1.0], 48000)
        >>> meter.add(1e-5 * np.sin(2 * np.pi * 997 * np.arange(96000) / 48000)[None])
        >>> meter.integrated_lufs, round(meter.loudness_after(60.0), 2)
        (-70.0, -43.01)
        """
        gain = 10 ** (gain_db / 10)
        if len(self._steps) < 4:
            power = gain * np.array([self._energy / max(1, self._samples)])
        else:
            steps = np.array(self._steps)
            power = gain * np.convolve(steps, np.ones(4), "valid") / (4 * self._step)
            power = power[power > 10 ** ((SILENCE_LUFS + 0.691) / 10)]
            if power.size:
                power = power[power > power.mean() * 0.1]
        level = float(power.mean()) if power.size else 0.0
        if level <= 0.0:
            return SILENCE_LUFS
        return max(SILENCE_LUFS, -0.691 + 10 * float(np.log10(level)))

    @property
    def true_peak_db(self) -> float:
        """True peak so far by fourfold oversampling, dBTP; −inf for silence."""
        return 20 * float(np.log10(self._peak)) if self._peak > 0 else float("-inf")


def integrated_lufs(samples: NDArray[np.floating], rate_hz: int) -> float:
    """Return the integrated loudness of a mono sound, shape ``(samples,)``, in LUFS."""
    meter = Meter([1.0], rate_hz)
    meter.add(np.asarray(samples)[None])
    return meter.integrated_lufs
