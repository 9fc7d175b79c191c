"""Sounds that follow what is seen to move: events fall where motion begins, textures swell with it.

A sound made of separate events (barks, steps, hammer blows) is cut into them, and an event is put
where each visible motion begins. A continuous sound (an engine, a stream) keeps going and grows
and fades with the motion. What a voice makes is not known beforehand, so which of the two it is
gets measured from the sound itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Samples = NDArray[np.float32]

_STEP_S = 0.005
_EVENT_DB = -26.0  # below the loudest: where an event is over
_REST_S = 0.09  # silence that parts two events
_LEAD_S = 0.004
_FADE_S = 0.008
CONTINUOUS = 0.72
"""Part of the time that a sound must fill to count as continuous."""

WINDOW_S = 120.0
"""Longer sounds are taken in windows of this length."""

_RING_S = 4.0  # an event may ring on into the next window

STILL_GAIN = 0.3
"""How strongly a continuous sound goes on when nothing moves."""


@dataclass(frozen=True)
class Event:
    """One event of a sound.

    Parameters
    ----------
    start, stop
        Samples that it covers.
    attack
        Sample at which it has risen to half its height: what is heard as its time.
    """

    start: int
    stop: int
    attack: int


def events(sound: Samples, rate_hz: int) -> list[Event]:
    """Return the separate events of a sound; empty for a continuous one.

    Parameters
    ----------
    sound
        Mono, shape ``(samples,)``.
    rate_hz
        Sampling rate.

    Examples
    --------
    >>> sound = np.zeros(48000, np.float32)
    >>> sound[12000:14400] = sound[36000:38400] = 0.5
    >>> [round(event.attack / 48000, 2) for event in events(sound, 48000)]
    [0.25, 0.75]
    """
    step = max(1, round(_STEP_S * rate_hz))
    count = len(sound) // step
    if count < 8:
        return []
    power = np.mean(sound[: count * step].astype(np.float64).reshape(count, step) ** 2, axis=1)
    sharp, power = power, ndimage.uniform_filter1d(power, 3)
    top = float(np.percentile(power, 99.5))
    if top <= 0.0:
        return []
    on = power > top * 10 ** (_EVENT_DB / 10)
    rest = max(1, round(_REST_S / _STEP_S))
    on = ndimage.binary_closing(np.pad(on, rest), np.ones(rest + 1, dtype=bool))[rest:-rest]
    if on.mean() > CONTINUOUS:
        return []
    labels, found = ndimage.label(on)
    made = []
    for first, last in ((s[0].start, s[0].stop) for s in ndimage.find_objects(labels, found)):
        inside = power[first:last]
        attack = first + int(np.argmax(sharp[first:last] >= 0.25 * inside.max()))
        if inside.max() < top * 10 ** (-15 / 10):
            continue
        made.append(Event(first * step, min(len(sound), last * step), attack * step))
    return made


def follow(
    sound: Samples,
    rate_hz: int,
    *,
    onsets_s: Sequence[float],
    times_s: NDArray[np.float64],
    activity: NDArray[np.float64],
    rng: np.random.Generator,
) -> Samples:
    """Return a sound that follows motion.

    Parameters
    ----------
    sound
        Mono, shape ``(samples,)``.
    rate_hz
        Sampling rate.
    onsets_s
        When visible motions begin.
    times_s, activity
        How much moves through time, 0 to 1, shape ``(n,)``.
    rng
        Chooses which event falls on which onset.

    Returns
    -------
    ndarray, shape ``(samples,)``
        As long as ``sound``. Without motion to follow it is the sound itself.
    """
    made = _follow(sound, rate_hz, onsets_s, times_s, activity, rng)
    return made[: len(sound)]


def followed(
    blocks: Iterable[Samples],
    rate_hz: int,
    *,
    onsets_s: Sequence[float],
    times_s: NDArray[np.float64],
    activity: NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[Samples]:
    """Yield a sound that follows motion, of any length, in windows.

    Parameters
    ----------
    blocks
        Mono, one-dimensional blocks.
    rate_hz, onsets_s, times_s, activity, rng
        As in :func:`follow`; times count from the sound's beginning.

    Yields
    ------
    ndarray
        As many samples in all as came in.
    """
    size = round(WINDOW_S * rate_hz)
    ringing: Samples = np.zeros(0, np.float32)
    start_s = 0.0
    for sound in _windows(blocks, size):
        end_s = start_s + len(sound) / rate_hz
        mine = [at - start_s for at in onsets_s if start_s <= at < end_s]
        inside = slice(*np.searchsorted(times_s, [start_s, end_s]))
        made = _follow(sound, rate_hz, mine, times_s[inside] - start_s, activity[inside], rng)
        out = np.zeros(max(len(made), len(ringing)), np.float32)
        out[: len(made)] += made
        out[: len(ringing)] += ringing
        ringing = out[len(sound) :]
        yield out[: len(sound)]
        start_s = end_s


def _windows(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    held: list[Samples] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(held)
            yield joined[:size]
            held, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(held)


def _follow(
    sound: Samples,
    rate_hz: int,
    onsets_s: Sequence[float],
    times_s: NDArray[np.float64],
    activity: NDArray[np.float64],
    rng: np.random.Generator,
) -> Samples:
    """Return a sound that follows motion, with what rings on after its end."""
    moving = len(times_s) > 1 and float(activity.max(initial=0.0)) > 0.0
    if not moving:
        return sound
    pieces = events(sound, rate_hz)
    strength = activity / float(np.percentile(activity, 98) or activity.max())
    strength = np.clip(strength, 0.0, 1.0)
    if not pieces or len(onsets_s) == 0:
        return _swell(sound, rate_hz, times_s, strength) if not pieces else sound
    return _placed(sound, rate_hz, pieces, onsets_s, times_s, strength, rng)


def _swell(
    sound: Samples, rate_hz: int, times_s: NDArray[np.float64], strength: NDArray[np.float64]
) -> Samples:
    # A tenth of a second of memory: engines and water do not stop from one frame to the next.
    step = float(np.median(np.diff(times_s)))
    smooth = ndimage.gaussian_filter1d(strength, max(1.0, 0.1 / max(step, 1e-3)))
    at = np.arange(len(sound)) / rate_hz
    gain = STILL_GAIN + (1 - STILL_GAIN) * np.interp(at, times_s, smooth)
    return np.asarray(sound * gain, dtype=np.float32)


def _placed(
    sound: Samples,
    rate_hz: int,
    pieces: Sequence[Event],
    onsets_s: Sequence[float],
    times_s: NDArray[np.float64],
    strength: NDArray[np.float64],
    rng: np.random.Generator,
) -> Samples:
    out = np.zeros(len(sound) + round(_RING_S * rate_hz), np.float32)
    lead, fade = round(_LEAD_S * rate_hz), round(_FADE_S * rate_hz)
    last = -1
    for number, at_s in enumerate(onsets_s):
        choice = int(rng.integers(len(pieces)))
        if choice == last and len(pieces) > 1:
            choice = (choice + 1) % len(pieces)
        last = choice
        piece = pieces[choice]
        start, stop = max(0, piece.start - lead), piece.stop
        following = onsets_s[number + 1] if number + 1 < len(onsets_s) else np.inf
        cut = sound[start:stop].copy()
        ramp = min(fade, len(cut) // 4)
        if ramp:
            cut[:ramp] *= np.linspace(0, 1, ramp, dtype=np.float32)
            cut[-ramp:] *= np.linspace(1, 0, ramp, dtype=np.float32)
        begin = round(at_s * rate_hz) - (piece.attack - start)
        # A quick rhythm: each event gives way to the next.
        longest = following - at_s + 0.05
        if np.isfinite(longest) and len(cut) > longest * rate_hz > 4 * fade:
            cut = cut[: int(longest * rate_hz)]
            cut[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        force = np.float32(np.interp(at_s + 0.1, times_s, strength) * 0.6 + 0.4)
        first, end = max(0, begin), min(len(out), begin + len(cut))
        if end > first:
            out[first:end] += force * cut[first - begin : end - begin]
    return out
