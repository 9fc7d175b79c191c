"""Tracks: what was seen at single frames becomes things that keep their identity and move.

What is followed is direction, size and distance in the world (camera motion already taken out), so
that a pan of the camera moves nothing. Observations are given to tracks by the assignment of least
cost (Kuhn–Munkres) between predictions and observations; a track outlives short occlusion; its
name is settled by vote over all its observations; its path is smoothed as a whole afterwards
(Whittaker–Eilers, penalised second differences at uneven times).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.optimize import linear_sum_assignment

from earwitness.look.labels import family_of, family_of_label
from earwitness.scene import frame

Array = NDArray[np.float64]

LONGEST_GAP_S = 1.5
"""Longest that a thing may be out of sight and still be the same."""

_BOX_SIGMA, _STEP_SIGMA, _LOOSE_SIGMA = 0.12, 0.012, 1.0  # of the logarithm of a size
_RATE_SIGMA = 0.3  # how much its growth a second changes within a second
_REWEIGHED = 4
_WHOLE_WITHIN_S, _SIZE_OFF = 2.0, 0.25
_FARTHEST = 1.6  # in widths: farther from its prediction nothing is the same thing
_NEVER = 1e6
_NAMED_TWICE_S = 1.3


@dataclass(frozen=True)
class Seen:
    """A thing at one frame.

    Parameters
    ----------
    time_s
        When.
    azimuth_deg, elevation_deg
        Direction of its middle in the world.
    width_deg, height_deg
        Its angular size.
    distance_m
        How far.
    concept, words
        What it is taken for. Of what nobody gave a name to the concept is empty, the words are the
        detector's label, and the distance counts for nothing.
    score
        How sure, 0 to 1.
    box_px
        Where in the frame.
    cut
        Which sides of the frame cut it off: any of ``l``, ``t``, ``r``, ``b``.
    grew
        By how much it may have grown since the look before: rows of a box there and the logarithm
        of the growth.
    """

    time_s: float
    azimuth_deg: float
    elevation_deg: float
    width_deg: float
    height_deg: float
    distance_m: float
    concept: str
    words: str
    score: float
    box_px: tuple[float, float, float, float]
    cut: str = ""
    grew: tuple[tuple[tuple[float, float, float, float], float], ...] = ()

    @property
    def named(self) -> bool:
        """Whether it was looked at well enough to have a name and a distance."""
        return bool(self.concept)

    @property
    def whole(self) -> bool:
        """Whether the frame shows all of it; its size tells nothing of its distance otherwise."""
        return not self.cut

    def grown_from(self, before: Seen) -> float | None:
        """Return the logarithm of the growth since an earlier sight, or None if it is not known."""
        return next((value for box, value in self.grew if box == before.box_px), None)


@dataclass
class Track:
    """A thing through time.

    Parameters
    ----------
    seen
        Its observations, times ascending.
    """

    seen: list[Seen] = field(default_factory=list)

    @property
    def start_s(self) -> float:
        """When it was first seen."""
        return self.seen[0].time_s

    @property
    def end_s(self) -> float:
        """When it was last seen."""
        return self.seen[-1].time_s

    @property
    def name(self) -> tuple[str, str]:
        """Concept and words, by vote: each observation votes with its score."""
        votes: Counter[str] = Counter()
        for one in self.named or self.seen:
            votes[one.concept] += one.score  # type: ignore[assignment]
        concept = max(votes, key=lambda key: (votes[key], key))
        words: Counter[str] = Counter()
        for one in self.seen:
            if one.concept == concept:
                words[one.words] += one.score  # type: ignore[assignment]
        return concept, max(words, key=lambda key: (words[key], key))

    @property
    def score(self) -> float:
        """Mean score of its observations that have a name."""
        return float(np.mean([one.score for one in self.named or self.seen]))

    @property
    def named(self) -> list[Seen]:
        """Its observations that have a name."""
        return [one for one in self.seen if one.named]

    def expected(self, time_s: float) -> tuple[float, float, float, float]:
        """Return azimuth, elevation, width and height expected at a time.

        Constant angular velocity, from the last half second; slowed down as time goes by without
        a new sight.
        """
        last = self.seen[-1]
        recent = [one for one in self.seen if one.time_s >= last.time_s - 0.6]
        ahead_s = min(time_s - last.time_s, 0.75)
        if len(recent) < 2 or recent[0].time_s == last.time_s:
            return last.azimuth_deg, last.elevation_deg, last.width_deg, last.height_deg
        span_s = last.time_s - recent[0].time_s
        turn = float(frame.wrap_deg(last.azimuth_deg - recent[0].azimuth_deg)) / span_s
        rise = (last.elevation_deg - recent[0].elevation_deg) / span_s
        return (
            last.azimuth_deg + turn * ahead_s,
            last.elevation_deg + rise * ahead_s,
            last.width_deg,
            last.height_deg,
        )


def _cost(track: Track, one: Seen) -> float:
    azimuth, elevation, width, height = track.expected(one.time_s)
    size = max(0.5, np.sqrt(width * height), np.sqrt(one.width_deg * one.height_deg))
    away = np.hypot(
        float(frame.wrap_deg(one.azimuth_deg - azimuth)) * np.cos(np.radians(one.elevation_deg)),
        one.elevation_deg - elevation,
    )
    grown = abs(np.log((one.width_deg * one.height_deg + 0.01) / (width * height + 0.01)))
    # The longer out of sight, the farther it may have gone.
    patience = 1.0 + (one.time_s - track.end_s)
    reach = away / size / patience
    if reach > _FARTHEST or grown > 1.8:
        return _NEVER
    concept, words = track.name
    mine, its = _family(one.concept, one.words), _family(concept, words)
    if mine and its and mine != its:
        return _NEVER  # one who walks past a bicycle does not become one
    other = 0.7 if concept and one.concept and one.concept != concept else 0.0
    return float(reach + 0.4 * grown + other)


def _family(concept: str, words: str) -> str:
    return family_of(concept) if concept else family_of_label(words)


def follow(
    frames: Sequence[tuple[float, Sequence[Seen]]], *, least_s: float = 0.3, least_seen: int = 2
) -> list[Track]:
    """Return the tracks of one shot.

    Parameters
    ----------
    frames
        Time and what was seen then, times ascending; a frame with nothing seen counts too.
    least_s, least_seen
        Shorter or rarer tracks are taken for errors of the look, unless the shot itself is as
        short.

    Returns
    -------
    list of Track
        In the order in which they were first seen.
    """
    done: list[Track] = []
    alive: list[Track] = []
    for time_s, seen in frames:
        done += [track for track in alive if time_s - track.end_s > LONGEST_GAP_S]
        alive = [track for track in alive if time_s - track.end_s <= LONGEST_GAP_S]
        free, waiting = set(range(len(seen))), list(alive)
        # What has a name comes first; what has none goes to those that are left.
        for named in (True, False):
            some = [j for j in sorted(free) if seen[j].named is named]
            if not waiting or not some:
                continue
            cost = np.array([[_cost(track, seen[j]) for j in some] for track in waiting])
            given = [
                (int(i), some[int(j)])
                for i, j in zip(*linear_sum_assignment(cost), strict=True)
                if cost[i, j] < _NEVER
            ]
            for i, j in given:
                waiting[i].seen.append(seen[j])
                free.discard(j)
            taken = {i for i, _ in given}
            waiting = [track for i, track in enumerate(waiting) if i not in taken]
        alive += [Track([seen[j]]) for j in sorted(free)]
    tracks = sorted(done + alive, key=lambda track: track.start_s)
    if not frames:
        return []
    span_s = frames[-1][0] - frames[0][0]
    least_s = min(least_s, span_s * 0.9)
    least_seen = min(least_seen, len(frames))
    return [
        track
        for track in tracks
        if track.end_s - track.start_s >= least_s
        and len(track.seen) >= least_seen
        # What goes on for long must have been named twice.
        and len(track.named) >= (2 if track.end_s - track.start_s > _NAMED_TWICE_S else 1)
    ]


def smooth(times_s: Array, values: Array, weights: Array, stiffness_s: float) -> Array:
    """Return values smoothed by penalised second differences at uneven times.

    Parameters
    ----------
    times_s
        Shape ``(n,)``, ascending strictly.
    values, weights
        Shape ``(n,)``.
    stiffness_s
        What is quicker than about this many seconds is smoothed away; straight lines pass
        unchanged whatever it is.

    Returns
    -------
    ndarray, shape ``(n,)``

    References
    ----------
    P. Eilers, "A perfect smoother", Analytical Chemistry 75, 2003.

    Examples
    --------
    >>> t = np.array([0.0, 0.1, 0.4, 0.5])
    >>> smooth(t, 2 * t + 1, np.ones(4), 1.0).round(9).tolist()
    [1.0, 1.2, 1.8, 2.0]
    """
    n = len(times_s)
    if n < 3:
        return values.astype(np.float64)
    gaps = np.diff(times_s)
    left, right = gaps[:-1], gaps[1:]
    middle = (left + right) / 2
    # Rows of the second-difference matrix, each with three entries.
    row = np.stack([1 / left, -1 / left - 1 / right, 1 / right]) / np.sqrt(middle)
    penalty = (stiffness_s / (2 * np.pi)) ** 4 / float(np.median(gaps))
    banded = np.zeros((3, n))  # upper form: second, first and main diagonal
    banded[2] = weights
    for k in range(3):
        banded[2, k : k + n - 2] += penalty * row[k] ** 2
        if k < 2:
            banded[1, k + 1 : k + n - 1] += penalty * row[k] * row[k + 1]
    banded[0, 2:] = penalty * row[0] * row[2]
    return np.asarray(linalg.solveh_banded(banded, weights * values), dtype=np.float64)


def path(
    track: Track, *, step_s: float = 0.1, stiffness_s: float = 0.8
) -> tuple[tuple[float, float, float, float], ...]:
    """Return a track's smoothed path as rows of t_s, x_m, y_m, z_m.

    Parameters
    ----------
    track
        The track.
    step_s
        Time between rows; ends are at the first and last sight.
    stiffness_s
        See :func:`smooth`. Distance, which is estimated less well than direction, is smoothed
        three times as much.
    """
    times = np.array([one.time_s for one in track.seen])
    weights = np.array([max(one.score, 0.05) for one in track.seen]) ** 2
    weights /= weights.max()
    size = _sizes(track)
    places = np.array(_middles(track, size))
    turns = np.unwrap(np.radians(places[:, 0]))
    rises = places[:, 1]
    far = _steadied(track, size)
    fitting = weights * _fitting(track, size)
    azimuth = np.degrees(smooth(times, turns, fitting, stiffness_s))
    elevation = smooth(times, rises, fitting, stiffness_s)
    distance = smooth(times, far, weights * _plain(far), 3 * stiffness_s)
    count = max(2, round((times[-1] - times[0]) / step_s) + 1)
    at = np.linspace(times[0], times[-1], count) if times[-1] > times[0] else times[:1]
    where = frame.xyz(
        np.interp(at, times, azimuth),
        np.interp(at, times, elevation),
        np.exp(np.interp(at, times, distance)),
    )
    rows = [(float(t), *(float(v) for v in row)) for t, row in zip(at, where, strict=True)]
    return tuple((row[0], row[1], row[2], row[3]) for row in rows)


def _sizes(track: Track) -> Array | None:
    """Return the logarithms of a track's angular heights, made steady by how much it grew.

    None where it is hardly ever seen whole: then boxes say nothing of its size.
    """
    size = np.log([2 * np.tan(np.radians(max(one.height_deg, 0.05)) / 2) for one in track.seen])
    whole = np.array([one.whole for one in track.seen])
    if whole.sum() < min(3, len(whole)):
        return None
    weights = np.where(whole, [max(one.score, 0.05) ** 2 for one in track.seen], 1e-3)
    steps = [
        (i, j, track.seen[j].grown_from(track.seen[i]))
        for j in range(len(track.seen))
        for i in (j - 2, j - 1)
        if i >= 0
    ]
    times = np.array([one.time_s for one in track.seen])
    return _integrated(times, size, weights * _plain(size), steps)


def _steadied(track: Track, size: Array | None) -> Array:
    """Return the logarithms of a track's distances, their changes taken from its apparent size.

    How far a thing is, is estimated anew at each look, from witnesses that come and go. How it
    *changes* is told far better by its size: a rigid thing twice as high is twice as near. The
    level is the median of the looks, the course that of the size; where the frame shows only part
    of the thing, the looks alone count.
    """
    named = track.named
    far = np.interp(
        [one.time_s for one in track.seen],
        [one.time_s for one in named],
        np.log([max(one.distance_m, 0.1) for one in named]),
    )
    if size is None:
        return np.asarray(far, np.float64)
    whole = np.array([one.whole and one.named for one in track.seen])
    if not whole.any():
        whole = np.array([one.whole for one in track.seen])
    level = float(np.median((far + size)[whole]))
    return np.asarray(level - size, np.float64)


def _middles(track: Track, size: Array | None) -> list[tuple[float, float]]:
    """Return azimuth and elevation of a track's middle at each sight.

    Of what the frame cuts off only a part is seen, whose middle is not the thing's. One edge is
    seen still, and the thing's whole size is known from the sights just before or after.
    """
    whole = [i for i, one in enumerate(track.seen) if one.whole]
    places = []
    for i, one in enumerate(track.seen):
        azimuth, elevation = one.azimuth_deg, one.elevation_deg
        near = min(whole, key=lambda j: abs(track.seen[j].time_s - one.time_s), default=None)
        if size is not None and one.cut and near is not None:
            other = track.seen[near]
            if abs(other.time_s - one.time_s) <= _WHOLE_WITHIN_S:
                factor = float(np.exp(size[i] - size[near]))
                wider = max(0.0, other.width_deg * factor - one.width_deg) / 2
                higher = max(0.0, other.height_deg * factor - one.height_deg) / 2
                azimuth += wider * (("l" in one.cut) - ("r" in one.cut))
                elevation += higher * (("t" in one.cut) - ("b" in one.cut))
        places.append((azimuth, elevation))
    return places


def _fitting(track: Track, size: Array | None) -> Array:
    """Return how far a track's boxes are to be believed: those far from its size fit it badly."""
    if size is None:
        return np.ones(len(track.seen))
    wide = np.log([max(one.width_deg, 0.05) for one in track.seen])
    tall = np.log([2 * np.tan(np.radians(max(one.height_deg, 0.05)) / 2) for one in track.seen])
    whole = np.array([one.whole for one in track.seen])
    usual = float(np.median((wide - size)[whole]))
    off = (wide - size - usual + tall - size) / 2
    # Less than all of it is seen where the frame cuts it; never more.
    off = np.where(whole, off, np.maximum(off, 0.0))
    return np.asarray(1 / (1 + (off / _SIZE_OFF) ** 2) ** 2, np.float64)


def _integrated(
    times: Array, values: Array, weights: Array, steps: Sequence[tuple[int, int, float | None]]
) -> Array:
    """Return values that agree with measured steps between them as well as with themselves.

    Least squares: the values' own deviation is :data:`_BOX_SIGMA`, that of a step from one to the
    next or the next but one :data:`_STEP_SIGMA`, less believed the worse it fits the others
    (Geman–McClure); where a step was not measured growth goes on as before and after.
    """
    n = len(values)
    own = weights / max(float(weights.max()), 1e-9) / _BOX_SIGMA**2
    known = [(i, j, step) for i, j, step in steps if step is not None]
    made = np.asarray(values, np.float64)
    for turn in range(_REWEIGHED):
        banded = np.zeros((3, n))  # upper form: second, first and main diagonal
        right = own * values
        banded[2] = own + 1e-9
        _tie_rates(times, banded)
        for i in range(n - 1):
            _tie(banded, i, i + 1, 1.0 / _LOOSE_SIGMA**2)
        for i, j, step in known:
            off = (made[j] - made[i] - step) / (4 * _STEP_SIGMA) if turn else 0.0
            tie = 1.0 / (_STEP_SIGMA * (1 + off**2)) ** 2
            _tie(banded, i, j, tie)
            right[i] -= tie * step
            right[j] += tie * step
        made = np.asarray(linalg.solveh_banded(banded, right), dtype=np.float64)
    return made


def _tie(banded: Array, i: int, j: int, weight: float) -> None:
    banded[2, i] += weight
    banded[2, j] += weight
    banded[2 - (j - i), j] -= weight


def _tie_rates(times: Array, banded: Array) -> None:
    """Add that growth changes slowly: a random walk of its rate."""
    gaps = np.diff(times)
    for i in range(len(times) - 2):
        left, right = float(gaps[i]), float(gaps[i + 1])
        row = (1 / left, -1 / left - 1 / right, 1 / right)
        weight = 1.0 / (_RATE_SIGMA**2 * (left + right) / 2)
        for a in range(3):
            for b in range(a, 3):
                banded[2 - (b - a), i + b] += weight * row[a] * row[b]


def _plain(values: Array) -> Array:
    """Return weights that make little of values far from their neighbours (running median)."""
    if len(values) < 5:
        return np.ones(len(values))
    padded = np.pad(values, 2, mode="edge")
    middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    away = np.abs(values - middle)
    spread = 1.4826 * float(np.median(away)) + 0.02
    return np.asarray(1 / (1 + (away / (3 * spread)) ** 2), dtype=np.float64)
