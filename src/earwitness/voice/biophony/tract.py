"""The voice of an animal: folds or a syrinx that buzz, a tract that forms, calls in time.

Source and filter after Fant (1960), as bioacoustics takes it up (Taylor & Reby 2010): a
band-limited pulse train whose pitch jitters, breaks into subharmonics or turns chaotic, and breath,
through the moving resonances of a tube.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft, signal
from scipy.interpolate import pchip_interpolate

from earwitness.voice.dsp import bandpass, lowpass, place, slow, unit

Samples = NDArray[np.float64]

_FRAME_S = 0.021  # of the moving filter: about one glide of a formant
_SPEED_M_S = 350.0  # of sound in warm breath


def curve(samples: int, values: Sequence[float], at: Sequence[float] | None = None) -> Samples:
    """Return a smooth positive contour through points, interpolated in the logarithm.

    Parameters
    ----------
    samples
        Length.
    values
        Positive values, such as pitches in Hz.
    at
        Where they lie, rising fractions of the length; None: evenly.

    Examples
    --------
    >>> curve(5, [100, 400]).round().tolist()
    [100.0, 141.0, 200.0, 283.0, 400.0]
    """
    where = np.linspace(0, 1, len(values)) if at is None else np.asarray(at, dtype=np.float64)
    grid = np.linspace(0, 1, min(samples, 200))
    if len(values) > 2:
        grid_values = pchip_interpolate(where, np.log(np.asarray(values)), grid)
    else:
        grid_values = np.interp(grid, where, np.log(np.asarray(values)))
    return np.asarray(np.exp(np.interp(np.linspace(0, 1, samples), grid, grid_values)))


def swell(samples: int, attack: float, release: float, peak: float = 1.0) -> Samples:
    """Return an envelope of raised cosines: rise, plateau, fall, as fractions of the length.

    Parameters
    ----------
    attack, release
        Fractions of the length; where they overlap both apply.
    peak
        Exponent: above 1 the envelope is more peaked.
    """
    out = np.ones(samples)
    for share, part in ((attack, out), (release, out[::-1])):
        width = max(share, 1e-4) * samples
        count = min(samples, int(np.ceil(width)))
        ramp = np.minimum((np.arange(count) + 0.5) / width, 1)
        part[:count] *= np.sin(0.5 * np.pi * ramp) ** (2 * peak)
    return out


def seconds(duration_s: float, rate_hz: int) -> int:
    """Return a duration as samples, at least 16."""
    return max(16, round(duration_s * rate_hz))


def tube(length_m: float, count: int = 7, opening: float = 0.0) -> Samples:
    """Return the resonances of a tract closed at the folds and open at the mouth.

    Parameters
    ----------
    length_m
        From folds to lips: 0.17 a human or a medium dog, 0.6 a stag, 0.07 a crow.
    count
        How many.
    opening
        −1 lips nearly closed, 0 a straight tube, 1 wide open: moves the first two.

    Returns
    -------
    ndarray, shape ``(count,)``
        Hz.

    Examples
    --------
    >>> tube(0.175, 3).round().tolist()
    [500.0, 1500.0, 2500.0]
    """
    k = np.arange(1, count + 1)
    formants = (2 * k - 1) * _SPEED_M_S / (4 * length_m)
    shift = np.ones(count)
    shift[0] += 0.5 * opening
    if count > 1:
        shift[1] += 0.12 * opening
    return np.asarray(formants * shift)


def buzz(
    pitch_hz: Samples,
    rate_hz: int,
    rng: np.random.Generator,
    *,
    jitter: float = 0.01,
    shimmer: float = 0.1,
    subharmonic: float | Samples = 0.0,
    chaos: float | Samples = 0.0,
) -> Samples:
    """Return the pulses of vocal folds or of a syrinx, band-limited, flat in spectrum.

    Parameters
    ----------
    pitch_hz
        Rate of the pulses at every sample.
    jitter, shimmer
        Relative wander of pitch and of amplitude from pulse to pulse.
    subharmonic
        0 to 1: every other pulse weaker, a voice an octave below (Wilden et al. 1998).
    chaos
        0 to 1: the folds lose their period; the spectrum fills with noise around the harmonics.

    Returns
    -------
    ndarray, shape as ``pitch_hz``
    """
    n = len(pitch_hz)
    middle = float(pitch_hz.mean())
    wander = jitter * slow(n, rate_hz, rng, max(4.0, 0.25 * middle), slope_db=-12)
    if np.any(np.asarray(chaos) > 0):
        wander += chaos * 0.6 * slow(n, rate_hz, rng, 0.7 * middle, slope_db=-12)
    f = pitch_hz * np.exp(np.clip(wander, -0.9, 0.9))
    f = np.minimum(f, 0.45 * rate_hz)
    turns = np.cumsum(f) / rate_hz + rng.uniform()
    top = max(1, int(0.46 * rate_hz / float(np.quantile(f, 0.98))))
    # A closed sum of cosines (Moorer 1976): no harmonic above Nyquist, no aliases.
    half = np.pi * (turns - np.round(turns))
    low = np.sin(half)
    small = np.abs(low) < 1e-6
    pulses = np.sin((2 * top + 1) * half) / np.where(small, 1.0, low)
    pulses = (np.where(small, 2 * top + 1.0, pulses) - 1) / np.sqrt(2 * top)
    if np.any(np.asarray(subharmonic) > 0):
        pulses = pulses * (1 - subharmonic * (0.5 - 0.5 * np.cos(np.pi * turns)))
    if shimmer > 0:
        pulses = pulses * np.exp(shimmer * slow(n, rate_hz, rng, max(4.0, 0.3 * middle)))
    return np.asarray(pulses)


def formed(
    x: Samples,
    rate_hz: int,
    formants_hz: ArrayLike,
    *,
    sharpness: float = 8.0,
    tilt_hz: float = 500.0,
    tilt_db: float = -6.0,
    beak_hz: float = 0.0,
) -> Samples:
    """Return a source through a cascade of moving resonances and a spectral tilt.

    Parameters
    ----------
    formants_hz
        Shape ``(k,)``, or ``(m, k)`` for ``m`` shapes of the tract evenly spaced over the sound.
    sharpness
        Quality of the resonances (frequency over bandwidth), at bandwidths above 50 Hz.
    tilt_hz, tilt_db
        Above the corner the source falls by so many dB per octave (folds and lips together).
    beak_hz
        Below it a small mouth or beak radiates little: 12 dB per octave less.
    """
    shapes = np.atleast_2d(np.asarray(formants_hz, dtype=np.float64))
    n = len(x)
    half = int(2 ** round(np.log2(_FRAME_S * rate_hz / 2)))
    if len(shapes) > 1 and n < 4 * half:
        half = max(32, int(2 ** np.floor(np.log2(max(n / 8, 32)))))
    size = 2 * half
    count = n // half + 2
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    padded = np.concatenate([np.zeros(half), x, np.zeros(count * half + size - n)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::half][:count]
    f = fft.rfftfreq(2 * size, 1 / rate_hz)
    tilt = (1 + (f / tilt_hz) ** 2) ** (tilt_db / 12.04)
    if beak_hz > 0:
        tilt = tilt * (f / beak_hz) ** 2 / (1 + (f / beak_hz) ** 2)
    response = _cascade(f, shapes[:1], sharpness)
    if len(shapes) > 1:
        # Between the given shapes three more are made, and between those responses are blended.
        last = len(shapes) - 1
        keys = np.linspace(0, last, 4 * last + 1)
        tracks = [np.exp(np.interp(keys, np.arange(last + 1), t)) for t in np.log(shapes.T)]
        response = _cascade(f, np.array(tracks).T, sharpness)
        at = np.clip((np.arange(count) * half) / max(n, 1), 0, 0.9999) * 4 * last
        left = at.astype(np.int64)
        part = (at - left)[:, None].astype(np.float32)
        response = response[left] * (1 - part) + response[left + 1] * part
    response *= tilt.astype(np.float32)
    spectra = fft.rfft(frames * window, 2 * size, axis=1) * response
    # What rings beyond the frame is dropped: resonances of 50 Hz and more have died by then.
    grains = fft.irfft(spectra, 2 * size, axis=1)[:, :size] * window
    out = np.zeros((count + 1) * half)
    out[:-half] += grains[:, :half].ravel()
    out[half:] += grains[:, half:].ravel()
    return np.asarray(out[half : half + n])


def _cascade(f: Samples, formants: Samples, sharpness: float) -> NDArray[np.complex64]:
    """Return the response of each row of resonances at the frequencies ``f``.

    Each is a peak over a flat floor, since a tube's peaks are equally high: the next lower and
    higher ones make up for each other (1/cos of the uniform tube). Above the last the sound falls.
    """
    f32 = f.astype(np.float32)
    edge = 1.1 * formants.max(axis=1, keepdims=True).astype(np.float32)
    response = (1 / np.sqrt(1 + (f32 / edge) ** 8)).astype(np.complex64)
    span = (
        0.8 * np.gradient(formants, axis=1) if formants.shape[1] > 1 else 1.35 * formants
    ).astype(np.float32)
    for k, track in enumerate(formants.T.astype(np.float32)):
        centre = track[:, None]
        width = np.maximum(centre / np.float32(sharpness), np.float32(50.0))
        ratio = f32 / centre
        along = 1 - ratio * ratio
        across = np.complex64(1j) * ratio
        response *= (along + across * np.maximum(span[:, k : k + 1], width) / centre) / (
            along + across * (width / centre)
        )
    return np.asarray(response, dtype=np.complex64)


def vocal(
    pitch_hz: Samples,
    loudness: Samples,
    rate_hz: int,
    rng: np.random.Generator,
    formants_hz: ArrayLike,
    *,
    breath: float = 0.05,
    jitter: float = 0.01,
    shimmer: float = 0.1,
    subharmonic: float | Samples = 0.0,
    chaos: float | Samples = 0.0,
    sharpness: float = 8.0,
    tilt_hz: float = 500.0,
    tilt_db: float = -6.0,
    beak_hz: float = 0.0,
) -> Samples:
    """Return one call: buzz and breath through a tract, at unit RMS.

    Parameters
    ----------
    pitch_hz, loudness
        At every sample of the call.
    formants_hz
        As for :func:`formed`.
    breath
        RMS of turbulent noise relative to the buzz before the tract.

    Returns
    -------
    ndarray, shape as ``pitch_hz``
    """
    source = unit(
        buzz(
            pitch_hz,
            rate_hz,
            rng,
            jitter=jitter,
            shimmer=shimmer,
            subharmonic=subharmonic,
            chaos=chaos,
        )
    )
    if breath > 0:
        source = source + breath * rng.standard_normal(len(source))
    out = formed(
        source * loudness,
        rate_hz,
        formants_hz,
        sharpness=sharpness,
        tilt_hz=tilt_hz,
        tilt_db=tilt_db,
        beak_hz=beak_hz,
    )
    edge = min(len(out) // 4, max(4, int(0.004 * rate_hz)))
    fade = np.sin(0.5 * np.pi * (np.arange(edge) + 0.5) / edge) ** 2
    out[:edge] *= fade
    out[-edge:] *= fade[::-1]
    return unit(out)


def whistled(
    pitch_hz: Samples,
    loudness: Samples,
    rate_hz: int,
    partials: Sequence[float] = (1.0, 0.04, 0.015),
) -> Samples:
    """Return a nearly pure tone with a few harmonics, as most songbirds make; peak near 1.

    Parameters
    ----------
    pitch_hz, loudness
        At every sample of the call.
    partials
        Amplitudes of the harmonics; those above Nyquist are left out.
    """
    angle = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    top = 0.48 * rate_hz
    lowest, highest = float(pitch_hz.min()), float(pitch_hz.max())
    out = np.zeros(len(pitch_hz))
    before, tone = np.zeros(len(pitch_hz)), np.sin(angle)
    twice = 2 * np.cos(angle) if len(partials) > 1 and 2 * lowest <= top else tone
    for k, amplitude in enumerate(partials, start=1):
        if k > 1:  # sin(kx) = 2 cos(x) sin((k-1)x) - sin((k-2)x)
            before, tone = tone, twice * tone - before
        if k * lowest > top:
            break
        out += amplitude * (tone * (k * pitch_hz < top) if k * highest > top else tone)
    return np.asarray(out * loudness)


def spun(
    pitch_hz: Samples,
    rate_hz: int,
    amplitudes: ArrayLike,
    rng: np.random.Generator,
) -> Samples:
    """Return a long tone with many harmonics read from one period, for wings and swarms.

    Parameters
    ----------
    pitch_hz
        At every sample.
    amplitudes
        Of the harmonics; those that reach Nyquist are left out; phases are drawn.
    """
    size = 8192
    wanted = np.asarray(amplitudes, dtype=np.float64)
    highest = int(0.48 * rate_hz / float(pitch_hz.max(initial=1.0)))
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    count = min(len(wanted), highest)
    turns = rng.uniform(0, 2 * np.pi, len(wanted))
    spectrum[1 : count + 1] = (wanted * np.exp(1j * turns))[:count]
    period = unit(fft.irfft(spectrum, size))
    index = (np.cumsum(pitch_hz) * (size / rate_hz)).astype(np.int64) & (size - 1)
    return np.asarray(period[index])


def gaps(
    rng: np.random.Generator,
    duration_s: float,
    shortest_s: float,
    longest_s: float,
    *,
    first_s: float = 0.5,
) -> list[float]:
    """Return onsets with gaps drawn evenly between two bounds; the first comes soon.

    Examples
    --------
    >>> onsets = gaps(np.random.default_rng(1), 60, 2, 4)
    >>> bool(max(np.diff(onsets)) <= 4), onsets[0] < 0.5
    (True, True)
    """
    onsets = [float(rng.uniform(0.02, first_s))]
    while onsets[-1] < duration_s:
        onsets.append(onsets[-1] + float(rng.uniform(shortest_s, longest_s)))
    return onsets[:-1] if len(onsets) > 1 else onsets


Caller = Callable[[np.random.Generator], Samples]
"""Makes one call or bout, another every time."""


def recital(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    call: Caller,
    shortest_s: float,
    longest_s: float,
    *,
    first_s: float = 0.5,
    level_db: float = 3.0,
) -> Samples:
    """Return one animal: calls one after another, with rests between the end and the next.

    Parameters
    ----------
    call
        Makes a call.
    shortest_s, longest_s
        Bounds of the rest from the end of a call to the start of the next.
    first_s
        The first call starts before this.
    level_db
        Spread of level from call to call (turning head, effort).
    """
    out = np.zeros(samples)
    at = int(rng.uniform(0.02, first_s) * rate_hz)
    while at < samples:
        sound = call(rng)
        place(out, sound, at, 10 ** (rng.uniform(-level_db, 0) / 20))
        at += len(sound) + int(rng.uniform(shortest_s, longest_s) * rate_hz)
    return out


def company(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    call: Caller,
    count: int,
    rate_per_s: float,
    *,
    regularity: float = 0.5,
    bank: int = 14,
    bend: float = 0.06,
    spread_db: float = 12.0,
) -> Samples:
    """Return several animals at once, near and far, each with its own voice and rhythm.

    Parameters
    ----------
    call
        Makes a call; called at most ``bank`` times per 20 s.
    count, rate_per_s
        How many animals, and how often each calls.
    regularity
        0: calls by chance; 1: by the clock.
    bend
        How far a call is bent in pitch and time each time it comes, so that none comes twice.
    spread_db
        From the nearest to the farthest.
    """
    out = np.zeros(samples)
    duration = samples / rate_hz
    wanted = int(count * rate_per_s * duration) + 1
    calls = [call(rng) for _ in range(min(wanted, max(3, int(bank * min(1, duration / 8)))))]
    for animal in range(count):
        gain = 10 ** (-spread_db * (rng.uniform() if animal else 0.0) / 20)
        voice = rng.uniform(1 - bend, 1 + bend)
        mean = 1 / rate_per_s
        at = rng.uniform(0.02, min(0.6, mean)) if animal == 0 else rng.uniform(0, mean)
        while at < duration:
            sound = calls[int(rng.integers(len(calls)))]
            bent = bend_by(sound, voice * rng.uniform(1 - bend / 3, 1 + bend / 3))
            place(out, bent, int(at * rate_hz), gain * 10 ** (rng.uniform(-4, 0) / 20))
            at += mean * (regularity * rng.uniform(0.8, 1.2) + (1 - regularity) * _rest(rng))
    return out


def _rest(rng: np.random.Generator) -> float:
    return float(np.clip(rng.exponential(), 0.15, 3.0))


def strewn(samples: int, starts: NDArray[np.int64], grains: Samples, gains: Samples) -> Samples:
    """Return thousands of very short grains added up, each start with the next grain in turn.

    Parameters
    ----------
    starts, gains
        Sample of each onset, and its gain; onsets too late for a whole grain are left out.
    grains
        Shape ``(k, length)``.
    """
    fits = (starts >= 0) & (starts < samples - grains.shape[1])
    which = np.arange(len(starts))[fits] % len(grains)
    index = starts[fits][:, None] + np.arange(grains.shape[1])
    weights = grains[which] * gains[fits][:, None]
    return np.asarray(np.bincount(index.ravel(), weights.ravel(), samples), dtype=np.float64)


def bend_by(x: Samples, ratio: float) -> Samples:
    """Return a sound played faster (above 1) or slower: shorter and higher, longer and lower."""
    count = max(2, int((len(x) - 1) / ratio))
    return np.asarray(np.interp(np.arange(count) * ratio, np.arange(len(x)), x))


def distant(x: Samples, rate_hz: int, distance: float) -> Samples:
    """Return a sound duller with distance: air and leaves take the high frequencies.

    Parameters
    ----------
    distance
        0 near to 1 far: corner from 12 kHz down to 2.5 kHz.
    """
    return lowpass(x, rate_hz, 12000 * (2500 / 12000) ** float(np.clip(distance, 0, 1)), order=1)


def tail(
    x: Samples,
    rate_hz: int,
    rng: np.random.Generator,
    decay_s: float,
    wet: float,
    *,
    low_hz: float = 300.0,
    high_hz: float = 5000.0,
) -> Samples:
    """Return a sound with the diffuse tail of a wood, a valley or the sea added.

    Parameters
    ----------
    decay_s
        Time in which the tail falls by 60 dB.
    wet
        RMS of the tail over that of the sound.
    low_hz, high_hz
        Band of the tail.
    """
    count = seconds(min(decay_s, 4.0), rate_hz)
    t = np.arange(count) / rate_hz
    response = rng.standard_normal(count) * np.exp(-6.9 * t / decay_s) * np.minimum(t / 0.03, 1)
    response = bandpass(response, rate_hz, low_hz, high_hz)
    level = float(np.sqrt(np.mean(x * x)))
    if level < 1e-9:
        return x
    return x + wet * level * unit(signal.oaconvolve(x, response)[: len(x)])
