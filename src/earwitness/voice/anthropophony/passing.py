"""Things that pass by: Doppler shift, level curve, and air that takes the highs of the far away."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from earwitness.voice.model import Samples

SOUND_M_S = 343.0

Number = TypeVar("Number", np.float64, np.complex64)


def emission(
    samples: int, rate_hz: int, closest_s: float, speed_m_s: float, distance_m: float
) -> tuple[Samples, Samples]:
    """Return when what is heard now was sent, and from how far.

    The sender moves on a straight line at constant speed. With ``T`` the time of hearing and ``t``
    that of sending, both from the moment of closest approach, ``c (T - t) = sqrt(d² + v² t²)``.

    Parameters
    ----------
    samples, rate_hz
        Length and rate of what is heard.
    closest_s
        When it is closest.
    speed_m_s, distance_m
        Its speed, below that of sound, and its least distance.

    Returns
    -------
    sent_s
        Shape ``(samples,)``: seconds after ``closest_s``.
    range_m
        Shape ``(samples,)``: distance then.

    Examples
    --------
    >>> sent, far = emission(3, 1, 1.0, 34.3, 10.0)
    >>> bool(np.allclose(343.0 * ((np.arange(3) - 1.0) - sent), far))
    True
    """
    c, v, d = SOUND_M_S, min(abs(speed_m_s), 0.9 * SOUND_M_S), distance_m
    # solved every few milliseconds and joined straight, in error by less than 1/20 of a sample
    coarse = max(1, min(int(0.004 * rate_hz), samples // 64))
    knots = np.arange(0, samples + coarse, coarse)
    heard = knots / rate_hz - closest_s
    root = np.sqrt((c * v * heard) ** 2 + (c * c - v * v) * d * d)
    left = (c * c * heard - root) / (c * c - v * v)
    if coarse == 1:
        return left[:samples], np.hypot(d, v * left[:samples])
    every = np.arange(samples)
    return np.interp(every, knots, left), np.interp(every, knots, np.hypot(d, v * left))


def read(source: NDArray[Number], where: Samples) -> NDArray[Number]:
    """Return a signal between its samples (linear), going round at its end.

    Examples
    --------
    >>> read(np.array([0.0, 2.0, 4.0]), np.array([0.5, 1.0, 2.5, 3.0]))
    array([1., 2., 2., 0.])
    """
    size = len(source)
    whole = np.floor(where)
    part = (where - whole).astype(source.real.dtype)
    low = whole.astype(np.int32) % np.int32(size)
    round_again = np.append(source, source[0])
    below = round_again[low]
    return np.asarray(below + part * (round_again[low + 1] - below))


def endless(source: Samples) -> Samples:
    """Return a signal whose end runs into its start, a sixteenth shorter, to be read round.

    Examples
    --------
    >>> x = endless(np.arange(160.0))
    >>> len(x), float(x[0])
    (150, 150.0)
    """
    seam = len(source) // 16
    if seam < 2:
        return source
    ramp = np.linspace(0, 1, seam)
    joined = source[: len(source) - seam].copy()
    joined[:seam] = joined[:seam] * np.sqrt(ramp) + source[-seam:] * np.sqrt(1 - ramp)
    return joined


def passed(
    source: Samples,
    rate_hz: int,
    samples: int,
    closest_s: float,
    speed_m_s: float,
    distance_m: float,
    offset: int = 0,
    dull: Samples | None = None,
    dull_m: float = 150.0,
) -> Samples:
    """Return a source that drives past, at the level it has at its closest as heard.

    Parameters
    ----------
    source
        What it sounds like from beside it, :func:`endless`; read round from ``offset``.
    rate_hz, samples
        Rate and length.
    closest_s, speed_m_s, distance_m
        As for :func:`emission`.
    offset
        Where in the source the closest moment is.
    dull
        The same source without its highs; it takes over with distance.
    dull_m
        Distance at which half has been taken over.
    """
    sent, range_m = emission(samples, rate_hz, closest_s, speed_m_s, distance_m)
    where = sent * rate_hz + offset
    if dull is None:
        heard = read(source, where)
    else:
        # both at one reading: the bright source in the real part, the dull in the imaginary
        share = (range_m - distance_m) / (range_m - distance_m + dull_m)
        both = read((source + 1j * dull).astype(np.complex64), where)
        heard = np.asarray(both.real + share * (both.imag - both.real), dtype=np.float64)
    return np.asarray(heard * (distance_m / range_m), dtype=np.float64)


def frequency_ratio(speed_m_s: float) -> float:
    """Return the frequency while coming over the frequency while going.

    Examples
    --------
    >>> round(frequency_ratio(34.3), 4)
    1.2222
    """
    return (SOUND_M_S + speed_m_s) / (SOUND_M_S - speed_m_s)
