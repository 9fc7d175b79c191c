"""The finish of a stem: no DC, the nominal loudness, clean ends, peaks below full scale."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from earwitness.errors import VoiceError
from earwitness.loudness import SILENCE_LUFS, k_weighting

Samples = NDArray[np.float64]

LOWEST_HZ = 18.0
"""Corner of the high-pass that takes DC away: just below what can be heard."""

CEILING = 0.9
"""No sample is above this (−0.9 dBFS), so that what lies between samples stays below 0 dBFS."""

_KNEE = 0.5
_FADE_S = 0.015
_ROUNDS = 8


def loudness(samples: Samples, rate_hz: int) -> float:
    """Return the gated loudness of a mono sound, LUFS (ITU-R BS.1770-5).

    The same figure as :func:`earwitness.loudness.integrated_lufs` without the cost of the true
    peak, which the synthesiser bounds by other means.

    Parameters
    ----------
    samples
        Shape ``(samples,)``.
    rate_hz
        Sampling rate.

    Examples
    --------
    >>> round(loudness(np.sin(2 * np.pi * 997 * np.arange(96000) / 48000), 48000), 2)
    -3.01
    """
    square = signal.sosfilt(k_weighting(rate_hz), samples) ** 2
    step = max(1, round(rate_hz * 0.1))
    whole = len(square) // step
    if whole < 4:
        power = np.array([square.mean() if len(square) else 0.0])
    else:
        steps = square[: whole * step].reshape(whole, step).sum(axis=1)
        power = np.convolve(steps, np.ones(4), "valid") / (4 * step)
        power = power[power > 10 ** ((SILENCE_LUFS + 0.691) / 10)]
        if power.size:
            power = power[power > power.mean() * 0.1]
    level = float(power.mean()) if power.size else 0.0
    return max(SILENCE_LUFS, -0.691 + 10 * float(np.log10(level))) if level > 0 else SILENCE_LUFS


@cache
def _high_pass(rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sos = signal.butter(2, LOWEST_HZ, "highpass", fs=rate_hz, output="sos")
    return sos, signal.sosfilt_zi(sos)


def without_dc(samples: Samples, rate_hz: int) -> Samples:
    """Return a sound without DC: a high-pass at 18 Hz that starts settled on the first sample.

    Parameters
    ----------
    samples
        Shape ``(samples,)``.
    rate_hz
        Sampling rate.
    """
    sos, settled = _high_pass(rate_hz)
    passed, _ = signal.sosfilt(sos, samples, zi=settled * samples[0])
    return np.asarray(passed)


def fade_ends(samples: Samples, rate_hz: int, *, start: bool = True, end: bool = True) -> Samples:
    """Return a sound whose first and last 15 ms rise from and fall to 0 (raised cosine)."""
    length = min(round(_FADE_S * rate_hz), len(samples) // 2)
    if length < 1:
        return samples
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(length) / length)
    faded = samples.copy()
    if start:
        faded[:length] *= ramp
    if end:
        faded[-length:] *= ramp[::-1]
    return faded


def centred(samples: Samples, rate_hz: int) -> Samples:
    """Return a sound with silent ends whose mean is 0, its ends still at 0.

    What the high-pass leaves of a rumble cut off at the end: the mean is taken away under the
    shape of the fades.
    """
    shape = fade_ends(np.ones(len(samples)), rate_hz)
    total = float(shape.sum())
    return samples - shape * (samples.sum() / total) if total > 0 else samples


def limited(samples: Samples) -> Samples:
    """Return a sound whose samples stay below :data:`CEILING`.

    Up to −6 dBFS nothing changes. Above, amplitudes bend along a hyperbolic tangent: a stem at
    −30 LUFS reaches there with single hammer blows and gunshots only.

    Examples
    --------
    >>> limited(np.array([0.5, -0.4, 8.0])).round(3)
    array([ 0.5, -0.4,  0.9])
    """
    size = np.abs(samples)
    over = size > _KNEE
    if not over.any():
        return samples
    bent = samples.copy()
    room = CEILING - _KNEE
    bent[over] = np.sign(samples[over]) * (_KNEE + room * np.tanh((size[over] - _KNEE) / room))
    return bent


def checked(samples: NDArray[np.floating], wanted: int, what: str) -> Samples:
    """Return a model's samples if they are what a model must give.

    Raises
    ------
    VoiceError
        If the shape is another, or a sample is not finite.
    """
    found = np.asarray(samples, dtype=np.float64)
    if found.shape != (wanted,):
        raise VoiceError(f"the model of {what} gave shape {found.shape}; expected ({wanted},)")
    if not np.isfinite(found).all():
        raise VoiceError(f"the model of {what} gave samples that are not finite numbers")
    return found


def at_loudness(
    samples: Samples, rate_hz: int, lufs: float, *, measured: float | None = None
) -> Samples:
    """Return a sound at a loudness, its peaks below full scale; silence stays silence.

    Where the limiter takes loudness away the gain is raised again, a few times at most, and what
    it bends by unlike halves loses its DC once more.

    Parameters
    ----------
    samples
        Shape ``(samples,)``.
    rate_hz
        Sampling rate.
    lufs
        Loudness to reach.
    measured
        Loudness of the samples, where it is known already.
    """
    gain, bent = 1.0, samples
    for _ in range(_ROUNDS):
        found = loudness(bent, rate_hz) if measured is None else measured
        measured = None
        if found <= SILENCE_LUFS:
            return bent
        if abs(found - lufs) < 0.1:
            break
        gain *= 10 ** ((lufs - found) / 20)
        raised = samples * gain
        bent = limited(raised)
        if bent is raised:
            break
        bent = without_dc(bent, rate_hz)
    return bent
