"""From the shots of a clip to its scene: trajectories, entrances and exits, surroundings."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import LookError
from earwitness.look.activity import onsets
from earwitness.look.balance import balanced
from earwitness.look.lens import Lens
from earwitness.look.manner import Manner, manner
from earwitness.look.shots import Shot, to_camera
from earwitness.look.tracks import Track, follow, path
from earwitness.scene import MOST_SOURCES, Bed, Region, Scene, Source, concepts, frame

Array = NDArray[np.float64]

MOST = 8
"""Most tracks that sound at once, unless it is said otherwise."""

ENTER_S, LEAVE_S, CUT_S = 0.15, 0.4, 0.03
"""How long things take to enter and leave by themselves, and at a cut."""

_ROW_S = 0.1
_STILL_DEG, _STILL_FACTOR = 1.5, 1.12


@dataclass(frozen=True, eq=False)
class Follow:
    """The visible motion that a source's sound follows.

    Parameters
    ----------
    times_s, activity
        How much moves through time, 0 to 1, shape ``(n,)``.
    onsets_s
        When motions begin.
    """

    times_s: Array
    activity: Array
    onsets_s: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Watched:
    """What came of watching a clip.

    Parameters
    ----------
    scene
        Sources with trajectories, bed by shot, no stems.
    follows
        By source id, for things that moved in view.
    tracks
        By source id, what was seen, for drawing.
    shots
        The shots.
    """

    scene: Scene
    follows: dict[str, Follow]
    tracks: dict[str, Track]
    shots: Sequence[Shot]


def watched(
    shots: Sequence[Shot],
    lens: Lens,
    *,
    duration_s: float,
    size_px: tuple[int, int],
    most: int | None = None,
    name: str = "clip",
) -> Watched:
    """Return the scene of a clip.

    Parameters
    ----------
    shots
        As a :class:`~earwitness.look.shots.Watcher` told them.
    lens
        How the frames were looked at.
    duration_s
        Length of the scene.
    size_px
        Width and height of the clip's frames; regions are in these pixels.
    most
        Most things that sound at one time.
    name
        The clip's name.

    Raises
    ------
    LookError
        If there is nothing to look at.
    """
    shots = [shot for shot in shots if shot.keys]
    if not shots:
        raise LookError(f"{name} holds no frame that could be looked at")
    parts = lens.parts
    gather = _Gather(duration_s, set(parts.refused), size_px)
    for number, shot in enumerate(shots):
        ends = (
            shot.start_s if number else 0.0,
            shots[number + 1].start_s if number + 1 < len(shots) else duration_s,
        )
        gather.things(shot, ends, MOST if most is None else most)
        gather.surroundings(shot, ends)
    sources, beds = balanced(gather.kept(), gather.merged_beds())
    scene = Scene(
        sources,
        beds,
        duration_s=duration_s,
        seed=parts.seed,
        origin={
            "kind": "clip",
            "name": name,
            "width_px": size_px[0],
            "height_px": size_px[1],
            "fov_deg": lens.view_deg(*size_px),
            "fov_from": "given" if parts.fov_deg is not None else "assumed",
            "shots": len(shots),
            "region": parts.region,
            "segmenter": type(parts.segmenter).__name__,
            "namer": type(parts.namer).__name__,
            "depth": type(parts.depth).__name__,
        },
    )
    ids = {source.id for source in sources}
    return Watched(
        scene,
        {key: value for key, value in gather.follows.items() if key in ids},
        {key: value for key, value in gather.tracks.items() if key in ids},
        shots,
    )


class _Gather:
    """Collects the sources of all shots."""

    def __init__(self, duration_s: float, refused: set[str], size_px: tuple[int, int]) -> None:
        self.sources: list[Source] = []
        self.follows: dict[str, Follow] = {}
        self.tracks: dict[str, Track] = {}
        self._beds: dict[str, tuple[Bed, list[tuple[float, float]]]] = {}
        self._ids: dict[str, int] = {}
        self._duration_s, self._refused, self._size_px = duration_s, refused, size_px

    def _id(self, concept: str) -> str:
        self._ids[concept] = self._ids.get(concept, 0) + 1
        return f"{concept[:56]}-{self._ids[concept]}"

    def things(self, shot: Shot, ends: tuple[float, float], most: int) -> None:
        """Add the tracks of a shot, the most salient ones of each time."""
        heard: list[tuple[Track, Follow, Manner]] = []
        for track in follow(shot.seen):
            if _sounds(track, self._refused):
                motion = _follow(track, shot)
                how = manner(track, path(track, step_s=_ROW_S), motion.activity)
                if how is not None and how.concept not in self._refused:
                    heard.append((track, motion, how))
        kept: list[tuple[Track, Follow, Manner]] = []
        for one in sorted(heard, key=lambda one: _salience(one[0]), reverse=True):
            if _together(one[0], [other[0] for other in kept]) < most:
                kept.append(one)
        for track, motion, how in sorted(kept, key=lambda one: one[0].start_s):
            name = self._id(how.concept)
            self.sources.append(
                Source(
                    name,
                    how.words,
                    how.concept,
                    "point",
                    level_db=concepts()[how.concept].level_db + how.change_db,
                    positions=_rows(track, shot),
                    region=_region(track, self._size_px[0] / shot.look_px[0]),
                    gain=_gain(track, shot, ends, self._duration_s),
                )
            )
            self.tracks[name] = track
            if how.follows:
                self.follows[name] = motion

    def surroundings(self, shot: Shot, ends: tuple[float, float]) -> None:
        """Add the areas and beds of a shot, from the frames that stand for it."""
        times = [ends[0], *((a[0] + b[0]) / 2 for a, b in pairwise(shot.keys)), ends[1]]
        scale = self._size_px[0] / shot.look_px[0]
        for number, (time_s, still) in enumerate(shot.keys):
            span = (times[number], times[number + 1])
            for source in still.sources:
                # Points and herds are in the tracks already; what was wished for is not.
                stuff = concepts().get(source.concept)
                wide = stuff is not None and stuff.kind == "area"
                if (source.kind == "area" and wide) or source.region is None:
                    self._area(_scaled(source, scale), time_s, shot, span)
            for bed in still.bed:
                self._beds.setdefault(bed.concept, (bed, []))[1].append(span)

    def kept(self) -> list[Source]:
        """Return the sources, at most as many as a scene holds: the longest heard ones."""
        most = MOST_SOURCES - len(self._beds) - 1
        if len(self.sources) <= most:
            return self.sources

        def seen(source: Source) -> int:
            track = self.tracks.get(source.id)
            return len(track.seen) if track is not None else 10**6

        left = {source.id for source in sorted(self.sources, key=seen, reverse=True)[:most]}
        return [source for source in self.sources if source.id in left]

    def _area(self, source: Source, time_s: float, shot: Shot, span: tuple[float, float]) -> None:
        for i, other in enumerate(self.sources):
            same = other.concept == source.concept and other.kind == source.kind
            seen = (other.region is None) == (source.region is None)
            held = same and seen and other.gain and other.id not in self.tracks
            near = abs(float(frame.wrap_deg(other.azimuth_deg - source.azimuth_deg))) < 25
            if held and near and abs(other.gain[-1][0] - span[0]) < 2 * LEAVE_S:
                # It goes on: the picture ten seconds later shows it still.
                rows = (*other.positions, *_turned(source, time_s, shot, span))
                gain = (*other.gain[:-2], *_leaving(span[1], self._duration_s))
                self.sources[i] = replace(other, positions=_ascending(rows), gain=gain)
                return
        whole = span[0] <= 0.0 and span[1] >= self._duration_s
        self.sources.append(
            replace(
                source,
                id=self._id(source.concept),
                positions=_turned(source, time_s, shot, span),
                gain=() if whole else _fades(span, self._duration_s),
            )
        )

    def merged_beds(self) -> list[Bed]:
        """Return one bed for each concept, sounding in its shots."""
        made = []
        for bed, spans in self._beds.values():
            joined: list[list[float]] = []
            for start, end in sorted(spans):
                if joined and start - joined[-1][1] < 0.05:
                    joined[-1][1] = max(end, joined[-1][1])
                else:
                    joined.append([start, end])
            rows: list[tuple[float, ...]] = []
            for start, end in joined:
                rows += _fades((start, end), self._duration_s)
            whole = len(joined) == 1 and joined[0][0] <= 0 and joined[0][1] >= self._duration_s
            gain = () if whole else _ascending(tuple(rows))
            made.append(replace(bed, id=self._id(bed.concept), gain=gain))
        return made


def _region(track: Track, scale: float) -> Region:
    """Return where a track was seen best."""
    best = max(track.named, key=lambda one: one.score)
    x0, y0, x1, y1 = (round(value * scale, 2) for value in best.box_px)
    return Region((x0, y0, x1, y1), (), round(float(np.clip(best.score, 0, 1)), 4))


def _scaled(source: Source, scale: float) -> Source:
    """Return a source whose region is in the pixels of frames of another size."""
    if source.region is None or scale == 1.0:
        return source
    x0, y0, x1, y1 = (round(value * scale, 2) for value in source.region.box_px)
    polygon = tuple((round(x * scale, 2), round(y * scale, 2)) for x, y in source.region.polygon_px)
    return replace(source, region=Region((x0, y0, x1, y1), polygon, source.region.score))


def _sounds(track: Track, refused: set[str]) -> bool:
    concept = concepts().get(track.name[0])
    return concept is not None and concept.kind != "bed" and track.name[0] not in refused


def _together(track: Track, others: Sequence[Track]) -> int:
    """Return how many of the others sound at once while a track does, at most."""
    during = [o for o in others if o.start_s <= track.end_s and o.end_s >= track.start_s]
    moments = [track.start_s, *(o.start_s for o in during if o.start_s > track.start_s)]
    return max((sum(o.start_s <= t <= o.end_s for o in during) for t in moments), default=0)


def _salience(track: Track) -> float:
    size = float(np.mean([np.sqrt(one.width_deg * one.height_deg) for one in track.seen]))
    return float(track.score * np.sqrt(len(track.seen)) * (1.0 + size) ** 0.5)


def _ascending(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    """Return rows whose times ascend strictly; of two at one time the first stays."""
    kept: list[tuple[float, ...]] = []
    for row in rows:
        if not kept or row[0] > kept[-1][0] + 1e-4:
            kept.append(row)
    return tuple(kept)


def _rounded(times: Array, places: Array) -> tuple[tuple[float, ...], ...]:
    return tuple(
        (round(float(t), 4), *(round(float(v), 4) for v in place))
        for t, place in zip(times, places, strict=True)
    )


def _rows(track: Track, shot: Shot) -> tuple[tuple[float, ...], ...]:
    """Return a track's positions as the camera sees them; a single row when it stands still."""
    rows = np.array(path(track, step_s=_ROW_S))
    if shot.moved:
        turns = [shot.turn_at(float(t)) for t in rows[:, 0]]
        rows[:, 1:] = to_camera(rows[:, 1:], turns)
    azimuth, elevation, distance = frame.angles(rows[:, 1:])
    turned = np.degrees(np.unwrap(np.radians(azimuth)))
    if (
        np.ptp(turned) < _STILL_DEG
        and np.ptp(elevation) < _STILL_DEG
        and distance.max() / max(distance.min(), 1e-6) < _STILL_FACTOR
    ):
        return _rounded(np.zeros(1), np.median(rows[:, 1:], axis=0)[None])
    return _rounded(rows[:, 0], rows[:, 1:])


def _turned(
    source: Source, time_s: float, shot: Shot, span: tuple[float, float]
) -> tuple[tuple[float, ...], ...]:
    """Return the positions of something that stands still in the world of a shot."""
    place = np.array(source.positions[0][1:])
    if not shot.moved or source.region is None:
        return _rounded(np.array([max(0.0, span[0])]), place[None])
    world = shot.turn_at(time_s) @ place
    times = np.arange(max(shot.start_s, span[0]), min(shot.end_s, span[1]) + _ROW_S / 2, _ROW_S)
    if len(times) == 0:
        times = np.array([max(0.0, span[0])])
    turns = [shot.turn_at(float(t)) for t in times]
    return _ascending(_rounded(times, to_camera(np.tile(world, (len(times), 1)), turns)))


def _fades(span: tuple[float, float], duration_s: float) -> tuple[tuple[float, ...], ...]:
    """Return a gain that is 1 within a span and leaves with the cut."""
    start, end = span
    rows: list[tuple[float, ...]] = []
    if start > 0:
        rows += [(start, 0.0), (start + CUT_S, 1.0)]
    else:
        rows += [(0.0, 1.0)]
    rows += _leaving(end, duration_s)
    return _ascending(tuple((round(row[0], 4), row[1]) for row in rows))


def _leaving(end_s: float, duration_s: float) -> tuple[tuple[float, ...], ...]:
    """Return the rows with which something leaves at a cut; none at the end of the scene."""
    if end_s >= duration_s:
        return ()
    return ((round(end_s - CUT_S / 2, 4), 1.0), (round(end_s + CUT_S / 2, 4), 0.0))


def _gain(
    track: Track, shot: Shot, ends: tuple[float, float], duration_s: float
) -> tuple[tuple[float, ...], ...]:
    """Return how a track enters and leaves."""
    slack = 0.6  # looks are some tenths of a second apart: it was there from the cut
    rows: list[tuple[float, ...]] = []
    if track.start_s - shot.start_s > slack:
        rows += [(max(0.0, track.start_s - ENTER_S), 0.0), (track.start_s + ENTER_S, 1.0)]
    elif ends[0] > 0:
        rows += [(ends[0], 0.0), (ends[0] + CUT_S, 1.0)]
    if shot.end_s - track.end_s > slack:
        rows += [(track.end_s, 1.0), (track.end_s + LEAVE_S, 0.0)]
    elif ends[1] < duration_s:
        rows += [(ends[1] - CUT_S / 2, 1.0), (ends[1] + CUT_S / 2, 0.0)]
    return _ascending(tuple((round(t, 4), g) for t, g in rows))


def _follow(track: Track, shot: Shot) -> Follow:
    """Return the visible motion along a track."""
    width, height = shot.look_px
    boxes = [
        (
            one.box_px[0] / width,
            one.box_px[1] / height,
            one.box_px[2] / width,
            one.box_px[3] / height,
        )
        for one in track.seen
    ]
    first = bisect_left(shot.motion.times_s, track.start_s - ENTER_S)
    last = bisect_right(shot.motion.times_s, track.end_s + LEAVE_S)
    inside = slice(first, last)
    times = np.asarray(shot.motion.times_s[inside])
    energy = shot.motion.along([one.time_s for one in track.seen], boxes, inside)
    return Follow(times, energy, tuple(float(t) for t in onsets(times, energy)))
