"""From the shots of a clip to its scene: trajectories, entrances and exits, surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import LookError
from earwitness.look.activity import onsets
from earwitness.look.balance import balanced
from earwitness.look.compose import compose
from earwitness.look.geometry import LONG_SIDE_DEG
from earwitness.look.shots import Parts, Shot, to_camera
from earwitness.look.tracks import Track, follow, path
from earwitness.look.wishes import Wished
from earwitness.scene import Bed, Region, Scene, Source, concepts, frame

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
    parts: Parts,
    *,
    duration_s: float,
    most: int | None = None,
    wishes: Sequence[Wished] = (),
    refused: Sequence[str] = (),
    region: str = "box",
    seed: int = 0,
    name: str = "clip",
) -> Watched:
    """Return the scene of a clip.

    Parameters
    ----------
    shots
        As a :class:`~earwitness.look.shots.Watcher` told them.
    parts
        Who looks at the pictures that stand for the shots.
    duration_s
        Length of the scene.
    most
        Most things that sound in a shot.
    wishes, refused
        What the user asked for, and did not want; see :func:`~earwitness.look.compose.compose`.
    region
        ``box`` or ``polygon``.
    seed
        For what is wished for and not seen.
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
    gather = _Gather(duration_s, set(refused))
    for number, shot in enumerate(shots):
        ends = (
            shot.start_s if number else 0.0,
            shots[number + 1].start_s if number + 1 < len(shots) else duration_s,
        )
        gather.things(shot, ends, MOST if most is None else most)
        gather.surroundings(
            shot, ends, parts, wishes=wishes, refused=refused, region=region, seed=seed
        )
    sources, beds = balanced(gather.sources, gather.merged_beds())
    first = shots[0].keys[0][1]
    scene = Scene(
        sources,
        beds,
        duration_s=duration_s,
        seed=seed,
        origin={
            "kind": "clip",
            "name": name,
            "width_px": first.width_px,
            "height_px": first.height_px,
            "fov_deg": _fov(parts, first.width_px, first.height_px),
            "fov_from": "given" if parts.fov_deg is not None else "assumed",
            "shots": len(shots),
            "region": region,
            "segmenter": type(parts.segmenter).__name__,
            "namer": type(parts.namer).__name__,
            "depth": type(parts.depth).__name__,
        },
    )
    return Watched(scene, gather.follows, gather.tracks, shots)


def _fov(parts: Parts, width: int, height: int) -> float:
    if parts.fov_deg is not None:
        return parts.fov_deg
    half = np.tan(np.radians(LONG_SIDE_DEG / 2)) * width / max(width, height)
    return round(float(2 * np.degrees(np.arctan(half))), 3)


class _Gather:
    """Collects the sources of all shots."""

    def __init__(self, duration_s: float, refused: set[str]) -> None:
        self.sources: list[Source] = []
        self.follows: dict[str, Follow] = {}
        self.tracks: dict[str, Track] = {}
        self._beds: dict[str, tuple[Bed, list[tuple[float, float]]]] = {}
        self._ids: dict[str, int] = {}
        self._duration_s, self._refused = duration_s, refused

    def _id(self, concept: str) -> str:
        self._ids[concept] = self._ids.get(concept, 0) + 1
        return f"{concept[:56]}-{self._ids[concept]}"

    def things(self, shot: Shot, ends: tuple[float, float], most: int) -> None:
        """Add the tracks of a shot, the most salient ones."""
        tracks = [one for one in follow(shot.seen) if one.name[0] not in self._refused]
        tracks = sorted(tracks, key=_salience, reverse=True)[:most]
        for track in sorted(tracks, key=lambda one: one.start_s):
            concept, words = track.name
            if concept not in concepts() or concepts()[concept].kind == "bed":
                continue
            name = self._id(concept)
            best = max(track.seen, key=lambda one: one.score)
            self.sources.append(
                Source(
                    name,
                    words,
                    concept,
                    "point",
                    level_db=concepts()[concept].level_db,
                    positions=_rows(track, shot),
                    region=Region(best.box_px, (), round(float(np.clip(best.score, 0, 1)), 4)),
                    gain=_gain(track, shot, ends, self._duration_s),
                )
            )
            self.tracks[name] = track
            self.follows[name] = _follow(track, shot)

    def surroundings(
        self,
        shot: Shot,
        ends: tuple[float, float],
        parts: Parts,
        *,
        wishes: Sequence[Wished],
        refused: Sequence[str],
        region: str,
        seed: int,
    ) -> None:
        """Add the areas and beds of a shot, from the pictures that stand for it."""
        times = [ends[0], *((a[0] + b[0]) / 2 for a, b in zip(shot.keys, shot.keys[1:])), ends[1]]
        for number, (time_s, picture) in enumerate(shot.keys):
            still = compose(
                picture,
                segmenter=parts.segmenter,
                namer=parts.namer,
                depth=parts.depth,
                fov_deg=parts.fov_deg,
                wishes=wishes,
                refused=refused,
                region=region,
                seed=seed,
                duration_s=self._duration_s,
            )
            span = (times[number], times[number + 1])
            for source in still.sources:
                # Things are in the tracks already; what was wished for is not.
                if source.kind == "area" or source.region is None:
                    self._area(source, time_s, shot, span)
            for bed in still.bed:
                self._beds.setdefault(bed.concept, (bed, []))[1].append(span)

    def _area(self, source: Source, time_s: float, shot: Shot, span: tuple[float, float]) -> None:
        for i, other in enumerate(self.sources):
            same = other.concept == source.concept and other.kind == source.kind
            held = same and other.gain and other.region is not None and other.id not in self.tracks
            near = abs(float(frame.wrap_deg(other.azimuth_deg - source.azimuth_deg))) < 25
            if held and near and abs(other.gain[-1][0] - span[0]) < 2 * LEAVE_S:
                # It goes on: the picture ten seconds later shows it still.
                rows = (*other.positions, *_turned(source, time_s, shot, span))
                gain = (*other.gain[:-2], *_fades(span, self._duration_s)[-2:])
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
    if end < duration_s:
        rows += [(end - CUT_S / 2, 1.0), (end + CUT_S / 2, 0.0)]
    return _ascending(tuple((round(t, 4), g) for t, g in rows))


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
    width, height = shot.keys[0][1].width_px, shot.keys[0][1].height_px
    boxes = [
        (
            one.box_px[0] / width,
            one.box_px[1] / height,
            one.box_px[2] / width,
            one.box_px[3] / height,
        )
        for one in track.seen
    ]
    times = np.asarray(shot.motion.times_s)
    energy = shot.motion.along([one.time_s for one in track.seen], boxes)
    inside = (times >= track.start_s - ENTER_S) & (times <= track.end_s + LEAVE_S)
    begins = onsets(times[inside], energy[inside])
    return Follow(times[inside], energy[inside], tuple(float(t) for t in begins))
