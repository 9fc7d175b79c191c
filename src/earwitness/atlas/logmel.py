"""Log-mel spectrograms as the audio branch wants them, in NumPy alone.

32 kHz mono; frames of 1024 samples every 320; 64 bands from 50 Hz to 14 kHz; decibels above 1e-10.
Source: Slaney's Auditory Toolbox (1998) for the mel scale and the equal areas of its triangles.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import resample_poly

from earwitness.errors import MediaError

RATE_HZ = 32_000
SECONDS = 10
FFT, HOP, MELS = 1024, 320, 64
LOW_HZ, HIGH_HZ = 50.0, 14_000.0
FLOOR = 1e-10

_LINEAR_HZ = 200.0 / 3.0
_KNEE_HZ = 1000.0
_KNEE_MEL = _KNEE_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27.0


def _to_mel(hz: float) -> float:
    if hz < _KNEE_HZ:
        return hz / _LINEAR_HZ
    return float(_KNEE_MEL + np.log(hz / _KNEE_HZ) / _LOG_STEP)


def _to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    bent = _KNEE_HZ * np.exp(_LOG_STEP * (np.maximum(mel, _KNEE_MEL) - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _LINEAR_HZ, bent)


@cache
def mel_filters() -> NDArray[np.float64]:
    """Return the triangular filters, shape (513, 64): power in a bin → power in a band.

    Examples
    --------
    >>> mel_filters().shape
    (513, 64)
    """
    edges = _to_hz(np.linspace(_to_mel(LOW_HZ), _to_mel(HIGH_HZ), MELS + 2))
    bins = np.arange(FFT // 2 + 1) * (RATE_HZ / FFT)
    rising = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    made = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))
    made.setflags(write=False)
    return made


@cache
def _kernels(down: int, up: int) -> tuple[NDArray[np.float32], int]:
    """Return a windowed sinc for each of ``up`` phases, (taps, up), and samples before the first.

    Six zero crossings a side under a Hann window, cut off at 0.99 of the lower rate's half: the
    default of torchaudio, by which the published spectrograms were made.
    """
    edge = 0.99 * min(down, up)
    before = int(np.ceil(6 * down / edge))
    times = np.arange(-before, before + down) / down
    places = np.clip((times[:, None] - np.arange(up) / up) * edge, -6, 6)
    window = np.cos(np.pi * places / 12) ** 2
    return (np.sinc(places) * window * (edge / down)).astype(np.float32), before


def resampled(mono: NDArray[np.float32], down: int, up: int) -> NDArray[np.float32]:
    """Return a sound, shape (n,), at ``up / down`` of its rate, shape (⌈n · up / down⌉,).

    Examples
    --------
    >>> resampled(np.ones(30, np.float32), 3, 2).shape
    (20,)
    """
    count = -(-len(mono) * up // down)
    if down * up > 1 << 22:  # an odd rate would need a table of a thousand million numbers
        return np.asarray(resample_poly(mono, up, down), np.float32)[:count]
    kernels, before = _kernels(down, up)
    padded = np.pad(mono.astype(np.float32), (before, before + down))
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(kernels))[::down]
    made: NDArray[np.float32] = (frames @ kernels).reshape(-1)[:count]
    return made


def prepare(samples: ArrayLike, rate_hz: int, *, start_s: float = 0.0) -> NDArray[np.float32]:
    """Return ten seconds of mono at 32 kHz: cut, or padded with silence at the end.

    Parameters
    ----------
    samples : array, shape (channels, n) or (n,)
        A sound.
    rate_hz
        Its rate.
    start_s
        Where the crop begins, in seconds.

    Returns
    -------
    array, shape (320000,), float32

    Raises
    ------
    MediaError
        If there is no sample, or one that is not a number.

    Examples
    --------
    >>> prepare(np.zeros((2, 48_000)), 48_000).shape
    (320000,)
    """
    sound = np.atleast_2d(np.asarray(samples, dtype=np.float32))
    if sound.size == 0:
        raise MediaError("the sound has no samples; give one of at least a few milliseconds")
    if not np.isfinite(sound).all():
        count = int((~np.isfinite(sound)).sum())
        raise MediaError(
            f"the sound holds {count} samples that are not numbers (NaN or infinity); "
            f"mend or leave out the file"
        )
    mono = sound.mean(axis=0)
    if rate_hz != RATE_HZ:
        shared = int(np.gcd(int(rate_hz), RATE_HZ))
        mono = resampled(mono, int(rate_hz) // shared, RATE_HZ // shared)
    begin = round(start_s * RATE_HZ)
    crop = np.asarray(mono[begin : begin + SECONDS * RATE_HZ], dtype=np.float32)
    return np.pad(crop, (0, SECONDS * RATE_HZ - len(crop)))


def log_mel(wave: ArrayLike) -> NDArray[np.float32]:
    """Return the log-mel spectrogram of a sound at 32 kHz.

    Parameters
    ----------
    wave : array, shape (n,)
        Mono at 32 kHz, at least 513 samples; ten seconds from :func:`prepare` give 1001 frames.

    Returns
    -------
    array, shape (1, 1 + n // 320, 64), float32
        Decibels; -100 in silence.

    Examples
    --------
    >>> float(log_mel(np.zeros(32_000)).max())
    -100.0
    """
    sound = np.asarray(wave, dtype=np.float64)
    if sound.ndim != 1 or len(sound) <= FFT // 2:
        raise MediaError(
            f"the sound has shape {sound.shape}; give one channel of more than {FFT // 2} samples"
        )
    padded = np.pad(sound, FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    power = np.abs(np.fft.rfft(frames * window, axis=-1)) ** 2
    decibels = 10.0 * np.log10(np.maximum(power @ mel_filters(), FLOOR))
    return decibels[None].astype(np.float32)
