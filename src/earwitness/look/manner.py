"""What a thing does, by how it moves: a still dog pants, a parked car is silent.

A namer sees one frame and says what a thing is. That it runs, rests or stands parked shows over
time only; so the name of a track is settled here once its motion is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.look.tracks import Track

Array = NDArray[np.float64]

RESTING = 0.03
"""Mean motion in its region below which an animal rests (:meth:`Motion.along`, 0 to 1)."""

WALKS_M_S = 0.35
_PANT_DB = -38.0  # beside a bark: 57 dB at 1 m
_RUNS_M_S, _WALKING_HORSE_M_S = 6.0, 2.4
_PARKED = frozenset({"car", "truck", "bus", "motorcycle", "bicycle", "tram", "train"})
_OWN_TIME = frozenset(
    [
        "speech",
        "crowd",
        "children",
        "baby",
        "laughter",
        "choir",
        "clock",
        "telephone",
        "church-bells",
        "siren",
        "alarm",
        "typing",
        "ventilation",
    ]
)
"""What keeps its own time: words are not cut to the movement of a hand."""

_PARKED_DEG, _PARKED_WIDTHS = 1.5, 0.3


@dataclass(frozen=True)
class Manner:
    """How a track sounds.

    Parameters
    ----------
    concept, words
        What the voice is asked for.
    change_db
        Level relative to the concept's usual one.
    follows
        Whether its events and its strength follow the visible motion.
    """

    concept: str
    words: str
    change_db: float = 0.0
    follows: bool = True


def speed_m_s(rows: Sequence[Sequence[float]], *, over_s: float = 2.0) -> float:
    """Return how fast a thing moves on the whole: the median of its displacement over two seconds.

    Parameters
    ----------
    rows
        t_s, x_m, y_m, z_m in the world, times ascending.
    over_s
        What is quicker is taken for noise of the look.

    Examples
    --------
    >>> speed_m_s([(0.0, 4, 0, 0), (1.0, 4, 1, 0), (2.0, 4, 2, 0), (3.0, 4, 3, 0)])
    1.0
    """
    table = np.asarray(rows, dtype=np.float64)
    if len(table) < 2:
        return 0.0
    span = min(over_s, float(table[-1, 0] - table[0, 0]))
    if span <= 0:
        return 0.0
    starts = table[table[:, 0] <= table[-1, 0] - span + 1e-9, 0]
    first, last = (
        np.stack([np.interp(at, table[:, 0], table[:, k]) for k in (1, 2, 3)], axis=1)
        for at in (starts, starts + span)
    )
    return float(np.median(np.linalg.norm(last - first, axis=1)) / span)


def stands(track: Track) -> bool:
    """Return whether a thing stays where it is, seen against its own width."""
    turns = np.degrees(np.unwrap([np.radians(one.azimuth_deg) for one in track.seen]))
    width = float(np.median([one.width_deg for one in track.seen]))
    # The middle nine tenths: a single wrong box moves nothing.
    low, high = np.percentile(turns, [5, 95])
    sizes = [np.sqrt(one.width_deg * one.height_deg) for one in track.seen]
    small, large = np.percentile(sizes, [10, 90])
    return bool(high - low < max(_PARKED_DEG, _PARKED_WIDTHS * width) and large < 1.35 * small)


def manner(track: Track, rows: Sequence[Sequence[float]], activity: Array) -> Manner | None:
    """Return how a track sounds, or None if it is silent.

    Parameters
    ----------
    track
        What was seen.
    rows
        Its path in the world: t_s, x_m, y_m, z_m.
    activity
        Visible motion in its region at each frame, 0 to 1.

    Returns
    -------
    Manner or None
        A vehicle that stands is parked and silent; a dog that rests pants; a horse that goes is
        heard by its hooves, in its gait; one who stands makes no steps but talks.
    """
    concept, words = track.name
    moving = float(activity.mean()) if len(activity) else 0.0
    speed = speed_m_s(rows)
    if concept in _PARKED and stands(track):
        return None
    if concept == "dog" and stands(track) and moving < RESTING:
        return Manner("dog", "a dog panting", _PANT_DB, follows=False)
    if concept == "horse" and not stands(track) and speed > WALKS_M_S:
        gait = "fast " if speed > _RUNS_M_S else "slow " if speed < _WALKING_HORSE_M_S else ""
        return Manner("hooves", f"{gait}horse hooves")
    if concept == "footsteps" and stands(track) and speed < WALKS_M_S:
        return Manner("speech", "a person talking", follows=False)
    return Manner(concept, words, follows=concept not in _OWN_TIME)
