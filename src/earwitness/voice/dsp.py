"""The workbench of the sounding models: noises, filters, modes, oscillators, events, slow chance.

All arrays are float64 and one-dimensional over time unless told; frequencies above Nyquist are
left out, filters' corners are kept below it, so that a model may ask for its physical frequencies
at any rate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal

from earwitness.voice.events import impulses as impulses
from earwitness.voice.events import place as place
from earwitness.voice.events import poisson as poisson
from earwitness.voice.events import poisson_following as poisson_following
from earwitness.voice.events import renewal as renewal
from earwitness.voice.events import scatter as scatter

Samples = NDArray[np.float64]
Floats = Sequence[float] | NDArray[np.float64]

_TOP = 0.98  # of Nyquist: no filter corner lies above it
_CONTROL_POINTS = 16  # points of a slow modulation per period of its corner frequency


# --- noise -------------------------------------------------------------------------------------


def white(samples: int, rng: np.random.Generator) -> Samples:
    """Return white Gaussian noise of unit RMS."""
    return rng.standard_normal(samples)


def shaped(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    gain: Callable[[Samples], Samples],
) -> Samples:
    """Return Gaussian noise whose amplitude spectrum is exactly as asked.

    Parameters
    ----------
    samples, rate_hz, rng
        Length, rate, chance.
    gain
        ``gain(frequencies_hz) -> amplitudes``; any scale, never asked at 0 Hz.

    Returns
    -------
    ndarray, shape ``(samples,)``
        At unit RMS. Not periodic: the inverse transform is longer than what is returned.
    """
    length = int(fft.next_fast_len(samples + samples // 16 + 64, real=True))
    frequencies = np.arange(length // 2 + 1) * (rate_hz / length)
    # Single precision: its error lies some 130 dB below, and it takes half the time.
    spectrum = rng.standard_normal(2 * len(frequencies), dtype=np.float32).view(np.complex64)
    amplitudes = np.asarray(gain(np.asarray(frequencies[1:], dtype=np.float64)))
    spectrum[0] = 0.0
    spectrum[1:] *= (amplitudes / (amplitudes.max() or 1.0)).astype(np.float32)
    return unit(fft.irfft(spectrum, length)[:samples].astype(np.float64))


def coloured(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    slope_db: float,
    *,
    low_hz: float = 20.0,
    high_hz: float = np.inf,
) -> Samples:
    """Return noise whose power density falls by an exact slope; −3 is pink, −6 is red.

    Parameters
    ----------
    samples, rate_hz, rng
        Length, rate, chance.
    slope_db
        dB per octave of power spectral density.
    low_hz, high_hz
        Band of the slope; outside it the noise falls by 12 dB per octave more.

    Examples
    --------
    >>> coloured(4800, 48000, np.random.default_rng(1), -3.0).shape
    (4800,)
    """
    exponent = slope_db / (20 * np.log10(2))

    def gain(f: Samples) -> Samples:
        falls = 1 + (low_hz / f) ** 4
        if np.isfinite(high_hz):
            falls *= 1 + (f / high_hz) ** 4
        return np.asarray((f / 1000.0) ** exponent / np.sqrt(falls))

    return shaped(samples, rate_hz, rng, gain)


def contoured(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    frequencies_hz: Sequence[float],
    levels_db: Sequence[float],
) -> Samples:
    """Return noise whose power density follows points, joined straight in dB over log frequency.

    Parameters
    ----------
    frequencies_hz, levels_db
        Rising frequencies and the density there, dB. Beyond the ends the last slope goes on.
    """
    x = np.log2(np.asarray(frequencies_hz, dtype=np.float64))
    y = np.asarray(levels_db, dtype=np.float64)
    octave = np.linspace(0.0, 18.0, 1025)  # 1 Hz to 262 kHz: finer than any bend asked for
    level = np.interp(octave, x, y)
    level += np.minimum(octave - x[0], 0) * (y[1] - y[0]) / (x[1] - x[0])
    level += np.maximum(octave - x[-1], 0) * (y[-1] - y[-2]) / (x[-1] - x[-2])
    grid, amplitude = 2**octave, 10 ** (np.clip(level, -200, 200) / 20)

    def gain(f: Samples) -> Samples:
        return np.asarray(np.interp(f, grid, amplitude))

    return shaped(samples, rate_hz, rng, gain)


def band_noise(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    low_hz: float,
    high_hz: float,
    *,
    order: int = 2,
) -> Samples:
    """Return band-passed Gaussian noise of unit RMS (0 where the band lies above Nyquist)."""
    settle = min(samples, int(0.02 * rate_hz))
    noise = bandpass(white(samples + settle, rng), rate_hz, low_hz, high_hz, order=order)
    return unit(noise[settle:])


def gliding_noise(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    frequency_hz: Samples,
    bandwidth_hz: float,
) -> Samples:
    """Return narrow-band Gaussian noise whose centre glides: wind's whistle, a squeal, a hiss.

    Parameters
    ----------
    frequency_hz
        Centre at every sample, shape ``(samples,)``.
    bandwidth_hz
        Full width at half power; less than about a fifth of the rate.

    Returns
    -------
    ndarray, shape ``(samples,)``
        At unit variance in the long run, 0 where the centre is above Nyquist.
    """
    turn = phase(frequency_hz, rate_hz, float(rng.uniform(0, 2 * np.pi)))
    real = slow(samples, rate_hz, rng, bandwidth_hz / 1.29)
    imaginary = slow(samples, rate_hz, rng, bandwidth_hz / 1.29)
    heard = frequency_hz < _TOP * rate_hz / 2
    return np.asarray(heard * (real * np.cos(turn) - imaginary * np.sin(turn)))


def unit(x: Samples) -> Samples:
    """Return ``x`` at unit RMS; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(x)))) if x.size else 0.0
    return x / rms if rms > 1e-12 else x


# --- filters -----------------------------------------------------------------------------------


_Kind = Literal["lowpass", "highpass", "bandpass"]


def _sos(kind: _Kind, corners_hz: Sequence[float], rate_hz: float, order: int) -> Samples:
    where = corners_hz if len(corners_hz) > 1 else corners_hz[0]
    return np.asarray(signal.butter(order, where, kind, fs=rate_hz, output="sos"))


def lowpass(x: Samples, rate_hz: float, corner_hz: float, *, order: int = 2) -> Samples:
    """Return ``x`` through a Butterworth low-pass; a corner above Nyquist lets all through."""
    if corner_hz >= _TOP * rate_hz / 2:
        return x
    return np.asarray(signal.sosfilt(_sos("lowpass", (corner_hz,), rate_hz, order), x))


def highpass(x: Samples, rate_hz: float, corner_hz: float, *, order: int = 2) -> Samples:
    """Return ``x`` through a Butterworth high-pass; a corner above Nyquist lets nothing through."""
    if corner_hz >= _TOP * rate_hz / 2:
        return np.zeros_like(x)
    return np.asarray(signal.sosfilt(_sos("highpass", (corner_hz,), rate_hz, order), x))


def bandpass(
    x: Samples, rate_hz: float, low_hz: float, high_hz: float, *, order: int = 2
) -> Samples:
    """Return ``x`` through a Butterworth band-pass, its upper corner kept below Nyquist."""
    top = _TOP * rate_hz / 2
    if low_hz >= 0.95 * top:
        return np.zeros_like(x)
    if high_hz >= top:
        return highpass(x, rate_hz, low_hz, order=order)
    return np.asarray(signal.sosfilt(_sos("bandpass", (low_hz, high_hz), rate_hz, order), x))


def resonators(
    x: Samples,
    rate_hz: float,
    frequencies_hz: ArrayLike,
    bandwidths_hz: ArrayLike,
    gains: ArrayLike = 1.0,
) -> Samples:
    """Return ``x`` through two-pole resonators in parallel, each of unit gain at its frequency.

    Parameters
    ----------
    frequencies_hz, bandwidths_hz, gains
        One value each per resonator (−3 dB bandwidth; T60 = 2.2 / bandwidth). Resonators above
        Nyquist are left out. With a voice's formants this is a parallel formant filter.
    """
    out = np.zeros_like(x)
    for f, b, g in _lines(frequencies_hz, bandwidths_hz, gains):
        if 0 < f < _TOP * rate_hz / 2:
            r = np.exp(-np.pi * b / rate_hz)
            # Zeros at DC and Nyquist: unit gain at the peak, nothing below (Smith & Angell 1982).
            out += signal.lfilter(
                [g * (1 - r * r) / 2, 0.0, -g * (1 - r * r) / 2],
                [1.0, -2 * r * np.cos(2 * np.pi * f / rate_hz), r * r],
                x,
            )
    return out


def moving_resonator(
    x: Samples,
    rate_hz: float,
    frequency_hz: Samples,
    bandwidth_hz: float,
    *,
    block_s: float = 0.004,
) -> Samples:
    """Return ``x`` through one resonator whose frequency moves (a gliding formant, a whistle).

    Parameters
    ----------
    frequency_hz
        The centre at every sample, shape as ``x``; held over blocks of ``block_s``.
    bandwidth_hz
        −3 dB bandwidth.
    """
    block = max(1, round(block_s * rate_hz))
    r = float(np.exp(-np.pi * bandwidth_hz / rate_hz))
    centres = np.clip(frequency_hz[block // 2 :: block], 1.0, _TOP * rate_hz / 2)
    turns = -2 * r * np.cos(2 * np.pi * centres / rate_hz)
    forward = np.array([(1 - r * r) / 2, 0.0, -(1 - r * r) / 2])
    out, state = np.empty_like(x), np.zeros(2)
    for i, start in enumerate(range(0, len(x), block)):
        turn = turns[min(i, len(turns) - 1)] if len(turns) else 0.0
        piece = x[start : start + block]
        out[start : start + block], state = signal.lfilter(
            forward, np.array([1.0, turn, r * r]), piece, zi=state
        )
    return out


def delayed(x: Samples, rate_hz: float, delay_s: Samples) -> Samples:
    """Return ``x`` heard through a delay that changes (Doppler), by cubic interpolation.

    Parameters
    ----------
    delay_s
        Delay of every output sample, shape ``(n,)``; before the start of ``x`` there is silence.
    """
    where = np.arange(len(delay_s)) - delay_s * rate_hz
    whole = np.floor(where)
    t = where - whole
    index = whole.astype(np.int64) + 2
    padded = np.concatenate([np.zeros(2), x, np.zeros(3)])
    index = np.where((index < 1) | (index > len(x) + 2), len(x) + 3, index)
    a, b, c, d = (padded[np.minimum(index + k, len(padded) - 1)] for k in (-1, 0, 1, 2))
    return np.asarray(
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    )


def convolved(x: Samples, response: Samples) -> Samples:
    """Return ``x`` through a finite impulse response, as long as ``x``, by fast convolution."""
    return np.asarray(signal.oaconvolve(x, response)[: len(x)])


def reverberation(
    x: Samples,
    rate_hz: float,
    rng: np.random.Generator,
    t60_s: float,
    *,
    damping_hz: float = 4000.0,
) -> Samples:
    """Return what a place answers: ``x`` into noise that dies away, darker as it dies.

    Parameters
    ----------
    t60_s
        Time in which it falls by 60 dB, at low frequencies.
    damping_hz
        Where the tail has half that time.

    Returns
    -------
    ndarray, shape as ``x``
        The answer alone, about as loud as ``x``; of a slowly varying sound, the same level.
    """
    length = min(len(x), max(64, round(0.9 * t60_s * rate_hz)))
    t = np.arange(length) / rate_hz
    tail = rng.standard_normal(length) * np.exp(-6.9078 * t / t60_s)
    dark = lowpass(tail, rate_hz, damping_hz, order=1)
    share = np.exp(-6.9078 * t / t60_s)
    tail = share * tail + (1 - share) * dark
    tail *= np.minimum(t / min(0.012, 0.1 * t60_s), 1.0)
    tail /= np.sqrt(np.sum(tail**2)) + 1e-12
    return np.asarray(signal.oaconvolve(x, tail)[: len(x)])


# --- modes and strings -------------------------------------------------------------------------


def modes(
    samples: int,
    rate_hz: float,
    frequencies_hz: ArrayLike,
    decays_s: ArrayLike,
    amplitudes: ArrayLike,
    phases: ArrayLike = 0.0,
) -> Samples:
    """Return a sum of exponentially decaying sines: anything struck or plucked.

    Parameters
    ----------
    frequencies_hz
        Shape ``(k,)``; those above Nyquist are left out.
    decays_s
        T60 of each (time to fall by 60 dB).
    amplitudes, phases
        Of each, phase in radians of a sine (0 starts at zero).

    Notes
    -----
    A geometric series factors into an outer product, so the sum over modes is one product of
    matrices: hundreds of modes cost milliseconds per second of sound.
    """
    f, t60, a, p = (np.array(v) for v in zip(*_lines(frequencies_hz, decays_s, amplitudes, phases)))
    heard = (f > 0) & (f < _TOP * rate_hz / 2) & (a != 0)
    if not heard.any() or samples < 1:
        return np.zeros(max(samples, 0))
    step = (-np.log(1000) / np.maximum(t60[heard], 1e-4) + 2j * np.pi * f[heard]) / rate_hz
    start = a[heard] * np.exp(1j * (p[heard] - np.pi / 2))
    width = int(np.clip(np.sqrt(samples), 16, 1024))
    rows = -(-samples // width)
    # The exponents are clipped where the mode has died: no denormals, no underflow.
    coarse = start[:, None] * _exp(step[:, None] * (width * np.arange(rows)))
    fine = _exp(step[:, None] * np.arange(width))
    left = np.concatenate([coarse.real, -coarse.imag]).T
    right = np.concatenate([fine.real, fine.imag])
    return np.asarray((left @ right).ravel()[:samples])


def _exp(exponent: NDArray[np.complex128]) -> NDArray[np.complex128]:
    return np.asarray(np.exp(np.maximum(exponent.real, -60.0) + 1j * exponent.imag))


def plucked(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    pitch_hz: float,
    *,
    decay_s: float = 4.0,
    brightness: float = 0.5,
    position: float = 0.2,
) -> Samples:
    """Return a plucked string (Karplus & Strong 1983, extended by Jaffe & Smith 1983).

    Parameters
    ----------
    pitch_hz
        Fundamental; tuned exactly by a fractional delay.
    decay_s
        T60 of the fundamental.
    brightness
        0 (dull finger) to 1 (bright pick): of the pluck and of the loop.
    position
        Where along the string it is plucked, 0 to 1: that comb is heard.
    """
    period = rate_hz / pitch_hz
    out = np.zeros(samples)
    if period < 4 or samples < 4:
        return out
    burst = rng.uniform(-1.0, 1.0, int(period) + 1)
    # A finger is wider than a pick: its corner is lower, whatever the string and the rate.
    burst = lowpass(burst, rate_hz, 300.0 * 2 ** (4.6 * brightness) + pitch_hz, order=1)
    comb = max(1, round(position * period))
    burst = burst - np.roll(burst, comb)  # a standing wave has come round already
    burst -= burst.mean()
    # The loop loses more at 4 kHz: there the T60 is a few hundredths of the fundamental's. The
    # filter that does it is symmetric, so it has no delay of its own.
    high = min(4000.0, 0.4 * rate_hz)
    short = decay_s * (0.015 + 0.25 * brightness**2)
    drop = 1 - 10 ** (-3 / (pitch_hz * short))
    side = float(np.clip(0.5 * drop / (1 - np.cos(2 * np.pi * high / rate_hz)), 0.0, 0.24))
    loss = float(10 ** (-3 / (pitch_hz * decay_s))) / (
        1 - 2 * side * (1 - np.cos(2 * np.pi * pitch_hz / rate_hz))
    )
    whole = int(period)
    d = 1 + period - whole  # third-order Lagrange: flat, and nowhere above unity
    lagrange = [
        -(d - 1) * (d - 2) * (d - 3) / 6,
        d * (d - 2) * (d - 3) / 2,
        -d * (d - 1) * (d - 3) / 2,
        d * (d - 1) * (d - 2) / 6,
    ]
    taps = min(loss, 0.99999) * np.convolve([side, 1 - 2 * side, side], lagrange)
    reach = whole + 3  # the six taps look back from whole − 2 to whole + 3 samples
    chunk = whole - 2  # so that much is causal at a time, and a vector
    buffer = np.zeros(reach + samples + chunk)
    head = min(len(burst), samples)
    buffer[reach : reach + head] = burst[:head]
    for start in range(reach, reach + samples, chunk):
        past = buffer[start - whole - 3 : start - whole + 2 + chunk]
        buffer[start : start + chunk] += np.convolve(past, taps, "valid")[:chunk]
    return buffer[reach : reach + samples]


# --- oscillators -------------------------------------------------------------------------------


def phase(frequency_hz: Samples, rate_hz: float, start: float = 0.0) -> Samples:
    """Return the phase in radians of an oscillator whose frequency varies, shape as given."""
    return np.asarray(start + 2 * np.pi * np.cumsum(frequency_hz) / rate_hz)


def harmonics(
    frequency_hz: Samples,
    rate_hz: float,
    amplitudes: Sequence[float | Samples],
    *,
    start: float = 0.0,
) -> Samples:
    """Return a sum of harmonics of a moving fundamental, none above Nyquist.

    Parameters
    ----------
    frequency_hz
        Fundamental at every sample, shape ``(n,)``.
    amplitudes
        Of the 1st, 2nd, … harmonic: each a number or an envelope of shape ``(n,)``.
    start
        Phase of the fundamental at the start.
    """
    turning = np.exp(1j * phase(frequency_hz, rate_hz, start))
    turned = turning.copy()
    out = np.zeros(len(frequency_hz))
    top = float(frequency_hz.max(initial=1.0))
    for k, amplitude in enumerate(amplitudes, start=1):
        if k > 1:
            turned *= turning
        if k * top < _TOP * rate_hz / 2:
            out += amplitude * turned.imag
        elif k * float(frequency_hz.min()) < _TOP * rate_hz / 2:
            room = np.clip((_TOP * rate_hz / 2 - k * frequency_hz) / (0.02 * rate_hz), 0, 1)
            out += amplitude * room * turned.imag
        else:
            break
    return out


def sawtooth(frequency_hz: Samples, rate_hz: float, start: float = 0.0) -> Samples:
    """Return a falling sawtooth of moving frequency, band-limited by PolyBLEP (Välimäki 2007).

    Its harmonics fall as 1/k: the driven bow, the reed, the buzzing source of a voice.
    """
    step = np.minimum(frequency_hz / rate_hz, 0.45)
    turns = np.cumsum(step) + start
    x = turns - np.floor(turns)
    out = 1 - 2 * x
    early = x < step
    t = x[early] / step[early]
    out[early] += 2 * t - t * t - 1
    late = x > 1 - step
    t = (x[late] - 1) / step[late]
    out[late] += t * t + 2 * t + 1
    return np.asarray(out)


def glottal(frequency_hz: Samples, rate_hz: float, *, tilt_hz: float = 800.0) -> Samples:
    """Return the buzz of vocal folds: a sawtooth that falls by 12 dB per octave above a corner.

    Parameters
    ----------
    frequency_hz
        Rate of the folds at every sample.
    tilt_hz
        Corner above which the source falls by a further 6 dB per octave: low for a soft voice,
        high for a pressed one.
    """
    buzz = sawtooth(frequency_hz, rate_hz)
    return lowpass(buzz, rate_hz, tilt_hz, order=1)


# --- slow chance -------------------------------------------------------------------------------


def slow(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    corner_hz: float,
    *,
    slope_db: float = -12.0,
) -> Samples:
    """Return a slowly wandering Gaussian modulation: zero mean, unit variance in the long run.

    Parameters
    ----------
    corner_hz
        Its power is flat below, and falls above.
    slope_db
        dB per octave above the corner.

    Examples
    --------
    >>> bool(np.abs(np.diff(slow(48000, 48000, np.random.default_rng(1), 1.0))).max() < 1e-3)
    True
    """
    reach = 512 if slope_db > -9 else _CONTROL_POINTS  # shallow spectra reach further up
    control_hz = min(rate_hz, reach * corner_hz)
    points = int(np.ceil(samples / rate_hz * control_hz)) + 4
    # At least eight periods of the corner, so that the ensemble's variance is the long run's.
    length = int(fft.next_fast_len(max(points + points // 8, 16 * reach), real=True))
    f = fft.rfftfreq(length, 1 / control_hz)
    power = 1 / (1 + (f / corner_hz) ** 2) ** (-slope_db / 6.0206)
    power[0] = power[1] / 2
    noise = rng.standard_normal(2 * len(f)).view(np.complex128) * np.sqrt(power)
    wander = fft.irfft(noise, length) * length / np.sqrt(4 * power.sum())
    at = np.arange(samples) * (control_hz / rate_hz) + 1
    return np.asarray(np.interp(at, np.arange(points), wander[:points]))


def fluctuation(
    samples: int,
    rate_hz: float,
    rng: np.random.Generator,
    corner_hz: float,
    depth_db: float,
) -> Samples:
    """Return a positive gain that wanders log-normally: standard deviation ``depth_db``, mean 0."""
    return np.asarray(10 ** (slow(samples, rate_hz, rng, corner_hz) * (depth_db / 20)))


def breakpoints(samples: int, rate_hz: float, times_s: Floats, values: Floats) -> Samples:
    """Return an envelope through points, joined by straight lines and held beyond the ends."""
    return np.asarray(np.interp(np.arange(samples) / rate_hz, times_s, values))


def decaying(samples: int, rate_hz: float, attack_s: float, decay_s: float) -> Samples:
    """Return an envelope that rises smoothly in ``attack_s`` and falls by 60 dB in ``decay_s``."""
    t = np.arange(samples) / rate_hz
    fall = np.exp(np.maximum(-6.9078 * np.maximum(t - attack_s, 0) / max(decay_s, 1e-4), -60.0))
    rise = 0.5 - 0.5 * np.cos(np.pi * np.minimum(t / max(attack_s, 1e-6), 1.0))
    return np.asarray(rise * fall)


def _lines(*columns: ArrayLike) -> list[tuple[float, ...]]:
    """Return columns broadcast against each other as rows of numbers."""
    arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(c, np.float64)) for c in columns))
    return list(zip(*(a.tolist() for a in arrays)))
