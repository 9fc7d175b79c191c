"""Loudness and true peak (ITU-R BS.1770-5, EBU R 128), measured while a sound streams by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from earwitness.scene import Layout

SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770, and what a silent sound is said to measure."""

_OVERSAMPLING = 4


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
        self._state = np.zeros((len(self._sos), channels, 2))
        self._step = max(1, round(rate_hz * 0.1))  # 400 ms blocks that overlap by three quarters
        self._left = np.zeros((channels, 0))
        self._steps: list[float] = []
        taps = signal.firwin(48 * _OVERSAMPLING + 1, 0.92 / _OVERSAMPLING, window=("kaiser", 8.0))
        self._phases = [taps[i::_OVERSAMPLING] * _OVERSAMPLING for i in range(_OVERSAMPLING)]
        self._tail = np.zeros((channels, 48))
        self._peak = 0.0
        self._samples = 0
        self._energy = 0.0

    def add(self, block: ArrayLike) -> None:
        """Take the next block, shape ``(channels, samples)``."""
        samples = np.asarray(block, dtype=np.float64)
        if samples.shape[1] == 0:
            return
        self._samples += samples.shape[1]
        weighted, self._state = signal.sosfilt(self._sos, samples, axis=-1, zi=self._state)
        square = self._weights[:, None] * weighted**2
        self._energy += float(square.sum())
        square = np.concatenate([self._left, square], axis=1)
        whole = square.shape[1] // self._step
        cut = whole * self._step
        self._steps += list(square[:, :cut].reshape(len(square), whole, -1).sum(axis=(0, 2)))
        self._left = square[:, cut:]
        joined = np.concatenate([self._tail, samples], axis=1)
        for phase in self._phases:
            between = signal.fftconvolve(joined, phase[None, :], mode="valid", axes=1)
            self._peak = max(self._peak, float(np.abs(between).max(initial=0.0)))
        self._peak = max(self._peak, float(np.abs(samples).max()))
        self._tail = joined[:, -48:]

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness so far, LUFS; −70 for silence.

        A sound shorter than one 400 ms block is measured whole, without gates.
        """
        if len(self._steps) < 4:
            power = np.array([self._energy / max(1, self._samples)])
        else:
            steps = np.array(self._steps)
            power = np.convolve(steps, np.ones(4), "valid") / (4 * self._step)
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
