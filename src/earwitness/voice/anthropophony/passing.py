"""Things that pass by: Doppler shift, level curve, and air that takes the highs of the far away."""

from __future__ import annotations

import numpy as np

from earwitness.voice.model import Samples

SOUND_M_S = 343.0


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
    heard = np.arange(samples) / rate_hz - closest_s
    root = np.sqrt((c * v * heard) ** 2 + (c * c - v * v) * d * d)
    sent = (c * c * heard - root) / (c * c - v * v)
    return sent, np.hypot(d, v * sent)


def read(source: Samples, where: Samples) -> Samples:
    """Return a signal between its samples (linear), going round at its end."""
    low = np.floor(where).astype(np.int64)
    part = where - low
    size = len(source)
    return np.asarray(
        source[low % size] * (1 - part) + source[(low + 1) % size] * part, dtype=np.float64
    )


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
        What it sounds like from beside it; read round and round from ``offset``.
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
    heard = read(source, where)
    if dull is not None:
        share = np.clip((range_m - distance_m) / (range_m - distance_m + dull_m), 0, 1)
        heard = heard + share * (read(dull, where) - heard)
    return np.asarray(heard * (distance_m / range_m), dtype=np.float64)


def frequency_ratio(speed_m_s: float) -> float:
    """Return the frequency while coming over the frequency while going.

    Examples
    --------
    >>> round(frequency_ratio(34.3), 4)
    1.2222
    """
    return (SOUND_M_S + speed_m_s) / (SOUND_M_S - speed_m_s)
