"""A human voice: a glottal source, a tract of moving formants, breath and hiss.

Source–filter synthesis: the derivative of the glottal flow after Fant, Liljencrants and Lin (1985),
a cascade of resonances (Klatt, 1980) that changes every frame, and fricative noise shaped frame by
frame. Frames are filtered at once in the frequency domain and overlap by half.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from earwitness.voice.dsp import slow
from earwitness.voice.model import Samples

HOP_S = 0.008
"""A frame of the tract every 8 ms, as speech coders have."""

FRICTION = 3.0
"""Gain of the fricative branch, which has no resonances to raise it as the voice has."""

VOICE_HZ = 20000
"""Voices are made at this rate, whatever is asked for: speech holds little above 10 kHz."""


@dataclass
class Track:
    """What throat and mouth do, frame by frame (every :data:`HOP_S`).

    Parameters
    ----------
    pitch_hz
        Fundamental frequency, shape ``(frames,)``.
    voiced
        Amplitude of the voice.
    breath
        Amplitude of breath through the open glottis.
    hiss
        Amplitude of fricative noise.
    hiss_hz, hiss_q
        Where the fricative is and how narrow.
    formants_hz
        Shape ``(frames, 5)``.
    rough
        Share by which periods and peaks are irregular: 0.01 in a calm voice, 0.1 in a hoarse one.
    """

    pitch_hz: Samples
    voiced: Samples
    breath: Samples
    hiss: Samples
    hiss_hz: Samples
    hiss_q: Samples
    formants_hz: NDArray[np.float64]
    rough: float = 0.012

    @classmethod
    def silent(cls, frames: int, formants_hz: NDArray[np.float64], pitch_hz: float) -> Track:
        """Return a track in which nothing is said."""
        zero = np.zeros(frames)
        return cls(
            np.full(frames, pitch_hz),
            zero.copy(),
            zero.copy(),
            zero.copy(),
            np.full(frames, 4000.0),
            np.full(frames, 1.5),
            np.tile(formants_hz, (frames, 1)),
        )


def frames_of(duration_s: float) -> int:
    """Return how many frames a duration has."""
    return int(np.ceil(duration_s / HOP_S)) + 2


@cache
def glottal_pulse(size: int = 2048) -> Samples:
    """Return one period of the derivative of the glottal flow (Liljencrants–Fant), mean 0.

    Flow peak at 0.44, closure at 0.57 of the period, return time 0.008: a modal voice.
    """
    t = np.arange(size) / size
    peak, close, back = 0.44, 0.57, 0.008
    w = np.pi / peak
    # growth so that flow is back at zero after the return phase: found by bisection
    low, high = 0.0, 20.0
    for _ in range(50):
        grow = 0.5 * (low + high)
        opening = np.where(t <= close, np.exp(grow * t) * np.sin(w * t), 0.0)
        end = np.exp(grow * close) * np.sin(w * close)
        closing = np.where(t > close, end * np.exp(-(t - close) / back), 0.0)
        if np.sum(opening + closing) > 0:
            low = grow
        else:
            high = grow
    pulse = opening + closing
    pulse = pulse - pulse.mean()
    return np.asarray(pulse / np.sqrt(np.mean(pulse**2)), dtype=np.float64)


def sound(track: Track, rng: np.random.Generator, rate_hz: int = VOICE_HZ) -> Samples:
    """Return a voice that does what the track says.

    Parameters
    ----------
    track
        The gestures.
    rng
        Chance, for breath, hiss and irregularity.
    rate_hz
        Sampling rate.

    Returns
    -------
    ndarray, shape ``(frames * HOP_S * rate_hz,)`` about
    """
    hop = int(HOP_S * rate_hz)
    frames = len(track.pitch_hz)
    size = (frames + 1) * hop
    at = np.arange(size) / hop
    frame = np.arange(frames)
    pitch = np.interp(at, frame, track.pitch_hz)
    pitch = pitch * (1 + track.rough * slow(size, rate_hz, rng, 25.0))
    phase = np.cumsum(pitch / rate_hz) + rng.random()
    table = glottal_pulse()
    voice = table[(phase * len(table)).astype(np.int64) % len(table)]
    voice *= np.interp(at, frame, track.voiced) * (
        1 + 2.5 * track.rough * slow(size, rate_hz, rng, 40.0)
    )
    noise = rng.standard_normal(size)
    # breath is strongest while the glottis is open
    opened = 0.4 + np.sin(np.pi * (phase % 1.0)) ** 2
    voice += 0.35 * np.interp(at, frame, track.breath) * noise * opened
    width = fft.next_fast_len(3 * hop + hop // 2, real=True)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(2 * hop) + 0.5) / (2 * hop))
    hz = np.arange(width // 2 + 1, dtype=np.float64) * (rate_hz / width)

    def spectra(x: Samples) -> NDArray[np.complex128]:
        pieces = np.lib.stride_tricks.sliding_window_view(x, 2 * hop)[::hop]
        return np.asarray(fft.rfft(pieces * window, width), dtype=np.complex128)

    total = spectra(voice)
    total *= tract(track.formants_hz[: len(total)], hz)
    if np.any(track.hiss > 0):
        loud = np.flatnonzero(track.hiss[: len(total)] > 1e-4)
        ratio = np.maximum(hz, 1.0)[None, :] / track.hiss_hz[loud, None]
        shape = (
            FRICTION
            * track.hiss[loud, None]
            / (1 + 1j * track.hiss_q[loud, None] * (ratio - 1 / ratio))
        )
        total[loud] += spectra(noise)[loud] * shape
    grains = fft.irfft(total, width)
    out = np.zeros((len(grains) + 5) * hop)
    for part in range(-(-width // hop)):
        piece = grains[:, part * hop : (part + 1) * hop]
        # one row of hops for each part of the grain: the overlap-add of all frames at once
        rows = np.zeros((len(grains), hop))
        rows[:, : piece.shape[1]] = piece
        out[part * hop : (part + len(grains)) * hop] += rows.ravel()
    return np.asarray(out[:size], dtype=np.float64)


def tract(formants_hz: NDArray[np.float64], hz: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Return the gain of a cascade of formants, shape ``(frames, len(hz))``.

    Bandwidths after Klatt (1980) grow from 60 Hz at F1 with frequency.
    """
    # single precision serves: the gain is a shape, not a sum
    below = np.ones((len(formants_hz), len(hz)), dtype=np.complex64)
    one = np.empty_like(below)
    squared = (hz * hz)[None, :]
    for k in range(formants_hz.shape[1]):
        f = formants_hz[:, k, None]
        width = (50.0 + 0.035 * f + 20.0 * k) / (f * f)
        np.subtract(1.0, squared / (f * f), out=one.real, casting="unsafe")
        np.multiply(width, hz[None, :], out=one.imag, casting="unsafe")
        below *= one
    return np.asarray(1.0 / below)


def at_rate(x: Samples, from_hz: int, samples: int, rate_hz: int) -> Samples:
    """Return a signal at another rate, band-limited, cut or padded to ``samples``.

    Both lengths are whole seconds while the conversion is done, so any pair of rates is exact.
    """
    if from_hz == rate_hz:
        out = np.zeros(samples)
        out[: min(samples, len(x))] = x[:samples]
        return out
    seconds = max(1, int(np.ceil(max(len(x) / from_hz, samples / rate_hz))))
    # the end is faded into room of its own, so that nothing wraps round to the start
    spectrum = fft.rfft(x, (seconds + 1) * from_hz)
    wanted = (seconds + 1) * rate_hz
    spectrum = spectrum[: wanted // 2 + 1]
    y: Samples = fft.irfft(spectrum, wanted)[:samples] * (rate_hz / from_hz)
    return y
