"""The band-limited interpolation that the paper's scores were computed with.

Smith's algorithm (J. O. Smith, "Digital audio resampling", 2002) with two Kaiser-windowed sincs,
the ones that resampy 0.4 calls ``kaiser_best`` and ``kaiser_fast``. Scores that count zero
crossings see the difference between resamplers, so the measure keeps its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError

_MOST_PHASES = 50_000
_BLOCK = 16384


@dataclass(frozen=True)
class _Kernel:
    zeros: int
    table: int  # entries between two zero crossings
    beta: float
    rolloff: float


_KERNELS = {
    "best": _Kernel(50, 8192, 12.984585247040012, 0.9173473712608761),
    "fast": _Kernel(24, 512, 9.90322, 0.8682120388377784),
}


@cache
def _half(quality: str) -> NDArray[np.float64]:
    kernel = _KERNELS[quality]
    n = kernel.zeros * kernel.table
    taper = np.kaiser(2 * n + 1, kernel.beta)[n:]
    sinc = np.sinc(kernel.rolloff * np.linspace(0, kernel.zeros, n + 1))
    return np.asarray(taper * kernel.rolloff * sinc)


def _weights(quality: str, fraction: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Return one wing of the kernel for each fraction of a sample, shape ``(fractions, taps)``."""
    table = _KERNELS[quality].table
    window = _half(quality) * scale
    slope = np.append(np.diff(window), 0.0)
    # A whole number of entries, as in the original: it stretches the kernel by a hair.
    step = int(scale * table)
    place = fraction * scale * table
    offset = place.astype(np.intp)
    eta = place - offset
    index = offset[:, None] + step * np.arange(len(window) // step + 1)
    inside = index < len(window) - (len(window) - offset[:, None]) % step
    index = np.minimum(index, len(window) - 1)
    return np.where(inside, window[index] + eta[:, None] * slope[index], 0.0)


@cache
def _wings(quality: str, up: int, down: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of the samples before and after, for each of ``up`` phases."""
    scale = min(1.0, up / down)
    phases = np.arange(up) / up
    return _weights(quality, phases, scale), _weights(quality, 1.0 - phases, scale)


def resample(
    samples: ArrayLike, from_hz: int, to_hz: int, *, quality: str = "best"
) -> NDArray[np.float32]:
    """Return a sound at another rate.

    Parameters
    ----------
    samples
        Mono, shape ``(samples,)``.
    from_hz, to_hz
        Rates, whole hertz.
    quality
        ``best`` (50 zero crossings) or ``fast`` (24).

    Returns
    -------
    ndarray, float32, shape ``(ceil(samples * to / from),)``

    Raises
    ------
    OptionError
        If the sound is too short, or the ratio of the rates is extraordinary.

    Examples
    --------
    >>> resample(np.ones(1000), 16000, 44100)[1000].round(3)
    np.float32(1.0)
    """
    wave = np.asarray(samples, dtype=np.float32)
    if from_hz == to_hz:
        return wave
    ratio = to_hz / from_hz
    made, length = int(len(wave) * ratio), math.ceil(len(wave) * ratio)
    if made < 1:
        raise OptionError(f"{len(wave)} samples are too few to resample; give a longer sound")
    shared = math.gcd(from_hz, to_hz)
    up, down = to_hz // shared, from_hz // shared
    if up * max(1.0, down / up) > _MOST_PHASES:
        raise OptionError(
            f"{from_hz} Hz to {to_hz} Hz is no ratio of small numbers; resample first"
        )
    before, after = _wings(quality, up, down)
    padded = np.concatenate(
        [np.zeros(before.shape[1], np.float32), wave, np.zeros(after.shape[1] + down, np.float32)]
    )
    first, place = np.divmod(np.arange(up) * down, up)
    before, after = before[place], after[place]
    rows = -(-made // up)
    padded = np.pad(padded, (0, max(0, rows * down + after.shape[1] + 2 + first[-1] - len(wave))))
    out = np.zeros((rows, up), dtype=np.float32)
    size = max(1, _BLOCK // up)
    for row in range(0, rows, size):
        block = out[row : row + size]
        here = (np.arange(row, row + len(block)) * down)[:, None] + first + before.shape[1]
        # Sums are kept in single precision, as in the original: the floor of its rounding is what
        # the spectral contrast sees where a band is empty.
        for i in range(before.shape[1]):
            block[...] = block + before[:, i] * padded[here - i]
        for i in range(after.shape[1]):
            block[...] = block + after[:, i] * padded[here + 1 + i]
    done = out.reshape(-1)[:made]
    return np.pad(done, (0, length - made))
