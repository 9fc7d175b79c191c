"""Noise of a given spectrum, and causal responses of things that sound passes through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from earwitness.voice.dsp import shaped
from earwitness.voice.model import Samples

Response = NDArray[np.complex128]


def coloured(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    bands_hz: Sequence[float],
    levels_db: Sequence[float],
) -> Samples:
    """Return Gaussian noise of unit RMS with a given spectrum.

    Parameters
    ----------
    samples, rate_hz, rng
        Length, rate, chance.
    bands_hz
        Rising frequencies.
    levels_db
        Spectral density at them, dB; straight lines over the logarithm of frequency between,
        and on at 12 dB per octave outside.

    Returns
    -------
    ndarray, shape ``(samples,)``

    Examples
    --------
    >>> x = coloured(4800, 48000, np.random.default_rng(0), [100, 1000], [0, -20])
    >>> round(float(np.sqrt(np.mean(x**2))), 3)
    1.0
    """
    at = np.log([bands_hz[0] / 32, *bands_hz, bands_hz[-1] * 32])
    levels = [levels_db[0] - 60, *levels_db, levels_db[-1] - 60]
    # the curve is drawn at 500 places: reading between them is far cheaper than powers of all
    knots = np.geomspace(1.0, max(rate_hz / 2, 2.0), 500)
    gains = 10 ** (np.interp(np.log(knots), at, levels) / 20)
    return shaped(samples, rate_hz, rng, lambda f: np.asarray(np.interp(f, knots, gains)))


def through(
    x: Samples,
    rate_hz: int,
    response: Callable[[NDArray[np.float64]], Response],
    tail_s: float = 0.3,
) -> Samples:
    """Return a signal after a causal response.

    Parameters
    ----------
    x
        Samples.
    rate_hz
        Rate.
    response
        Frequencies in Hz (none is 0) → complex gain.
    tail_s
        How long the response rings; room for it keeps the end from wrapping to the start.
    """
    size = fft.next_fast_len(len(x) + int(tail_s * rate_hz) + 1, real=True)
    spectrum = fft.rfft(x, size)
    hz = np.arange(len(spectrum), dtype=np.float64) * (rate_hz / size)
    hz[0] = hz[1]
    spectrum *= response(hz)
    spectrum[0] = 0.0
    y: Samples = fft.irfft(spectrum, size)[: len(x)]
    return y


def lowpass(hz: NDArray[np.float64], corner_hz: float, order: int = 1) -> Response:
    """Return ``order`` equal one-pole low passes in a row."""
    one = 1.0 / (1.0 + 1j * (hz / corner_hz))
    return np.asarray(one**order, dtype=np.complex128)


def highpass(hz: NDArray[np.float64], corner_hz: float, order: int = 1) -> Response:
    """Return ``order`` equal one-pole high passes in a row."""
    one = 1.0 / (1.0 - 1j * (corner_hz / hz))
    return np.asarray(one**order, dtype=np.complex128)


def resonance(hz: NDArray[np.float64], centre_hz: float, q: float) -> Response:
    """Return a band-pass resonance of gain 1 at its centre."""
    ratio = hz / centre_hz
    return np.asarray(1.0 / (1.0 + 1j * q * (ratio - 1.0 / ratio)), dtype=np.complex128)


def effort(x: Samples, rate_hz: int, lift_db: float, corner_hz: float = 900.0) -> Samples:
    """Return a voice raised: its upper harmonics grow more than its lower ones.

    Parameters
    ----------
    x, rate_hz
        Signal and rate.
    lift_db
        By how much what is far above the corner grows (Traunmüller & Eriksson 2000: some 10 dB
        from talking to shouting).
    corner_hz
        Where the lift is half done.
    """
    share = 10 ** (lift_db / 20) - 1
    return through(x, rate_hz, lambda f: 1 + share * highpass(f, corner_hz), 0.05)


def pipe(hz: NDArray[np.float64], length_m: float, reflection: float, sound_m_s: float) -> Response:
    """Return what a pipe closed at the source and open at the end lets out.

    Odd multiples of ``sound / 4 length`` are reinforced; the open end reflects inverted, and less
    the higher the frequency.
    """
    turn = np.exp((-4j * np.pi * length_m / sound_m_s) * hz)
    return np.asarray(1.0 / (1.0 + reflection / (1.0 + hz / 1500.0) * turn), dtype=np.complex128)


def hall(
    x: Samples, rate_hz: int, rng: np.random.Generator, t60_s: float, wet: float, dull_hz: float
) -> Samples:
    """Return a signal with the late echo of a place, by exponentially decaying noise.

    Parameters
    ----------
    x, rate_hz, rng
        Signal, rate, chance.
    t60_s
        Reverberation time.
    wet
        Share of energy of the echo against the direct sound.
    dull_hz
        Above this the echo is dull.
    """
    length = max(8, int(t60_s * rate_hz))
    t = np.arange(length) / rate_hz
    echo = rng.standard_normal(length) * np.exp(-6.9 * t / t60_s) * (1 - np.exp(-t / 0.006))
    echo /= np.sqrt(np.sum(echo * echo))
    size = fft.next_fast_len(len(x) + length, real=True)
    hz = np.arange(size // 2 + 1, dtype=np.float64) * (rate_hz / size)
    gain = fft.rfft(echo, size) * lowpass(hz, dull_hz) * wet + 1.0
    y: Samples = fft.irfft(fft.rfft(x, size) * gain, size)[: len(x)]
    return y


def soft(x: Samples, knee: float = 1.0) -> Samples:
    """Return the signal with its peaks bent over smoothly at ``knee``."""
    return np.asarray(np.tanh(x / knee) * knee, dtype=np.float64)
