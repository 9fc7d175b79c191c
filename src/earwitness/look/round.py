"""A whole sphere of picture becomes a scene: what the flat views see, put together again."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earwitness.errors import LookError
from earwitness.look.balance import balanced
from earwitness.look.compose import MOST, SMALLEST_PX, bed_layer, salience, source_of, unseen_source
from earwitness.look.contract import Depth, Distance, Found, Name, Namer, Picture, Segmenter
from earwitness.look.groups import Part, grouped
from earwitness.look.naming import same_thing, settled
from earwitness.look.outlines import box_of
from earwitness.look.panorama import (
    VIEWS,
    Extent,
    FlatView,
    Sight,
    all_round,
    box_of_extent,
    flat_view,
    flat_views,
    merged,
)
from earwitness.look.sight import sight_of
from earwitness.look.surroundings import bed as bed_of
from earwitness.look.tracks import Seen
from earwitness.look.wishes import Wished, steered
from earwitness.scene import Scene, concepts, frame

_COLUMNS, _ROWS = 720, 360  # of the grid on which seen things are grouped: half a degree
_SURE = 0.5  # a detector's score above which its box is believed
_DOUBTFUL = 0.3  # below this a thing that shares its place with a surer one is that one
_AROUND = 2.0  # how many times its own size a closer look shows
_NARROWEST_DEG, _WIDEST_DEG = 40.0, 90.0  # of a closer look
_CLOSER = 2  # times
_ASKEW_DEG = 30.0  # from its view's middle: farther off another view shows a thing straighter
_MARGIN = {
    True: 0.015,
    False: 0.05,
}  # from a view's edge: a detector's box, the probe's
_PROBE = 0.5  # what the probe's surety of "some thing" counts beside a detector's of its box
_CUT_OFF = 0.4
_BED_VIEWS = 3  # of the eight views must agree on a second bed


@dataclass(frozen=True, eq=False)
class _Look:
    """One region of one view."""

    found: Found
    name: Name
    distance: Distance
    extent: Extent
    whole: bool
    askew_deg: float

    @property
    def straight(self) -> bool:
        """Whether the view shows all of it, and not from the corner of the eye."""
        return self.whole and self.askew_deg < _ASKEW_DEG

    @property
    def sure(self) -> bool:
        """Whether its box is believed as it is."""
        return bool(self.found.hint) and self.found.score >= _SURE and self.straight

    @property
    def fits(self) -> float:
        """How far its box is believed, 0 to 1."""
        known = 1.0 if self.found.hint else _PROBE
        return self.name.score * self.found.score * known * (1.0 if self.straight else _CUT_OFF)


def _looks(
    view: FlatView, segmenter: Segmenter, namer: Namer, depth: Depth, *, stuff: bool
) -> tuple[list[_Look], list[_Look]]:
    """Return what sounds in a view, and what is seen in it without a sound."""
    found = [one for one in segmenter.segment(view.picture) if stuff or one.what == "thing"]
    names = list(namer.name(view.picture, found))
    far = list(depth.distance(view.picture, found, names, focal_px=view.focal_px))
    every = []
    for one, name, metres in zip(found, names, far, strict=True):
        box = box_of(one.mask)
        extent = view.extent(box)
        whole = view.whole(box, margin=_MARGIN[bool(one.hint)])
        askew = abs(float(frame.wrap_deg(extent.azimuth_deg - view.yaw_deg)))
        every.append(_Look(one, name, metres, extent, whole, askew))
    # A detector of a whole picture without things answers the picture itself: in a view of a
    # panorama that is nothing.
    heard = [every[i] for i in settled(found, names) if found[i].hint != "whole"]
    return heard, [one for one in every if one.name.concept is None]


def _closer(
    picture: Picture,
    seen: list[tuple[Extent, list[_Look]]],
    parts: tuple[Segmenter, Namer, Depth],
) -> list[tuple[Extent, list[_Look]]]:
    """Look again, straight and from nearer, at things that no view was sure of.

    What stands askew in every view has a box that says little of where it is, and a piece at a
    view's edge is a piece of something, or of nothing: a look straight at it tells.
    """
    made: list[tuple[Extent, list[_Look]]] = []
    for extent, looks in seen:
        best = looks[0]
        if best.found.what != "thing":
            made.append((extent, looks))
            continue
        for _ in range(_CLOSER):
            if best.sure:
                break
            again = [one for one in _straight_at(picture, best.extent, parts) if _meet(one, best)]
            nearer = max(again, key=lambda one: one.fits, default=None)
            if nearer is None or nearer.fits <= best.fits:
                break
            best = nearer
        if best is not looks[0]:
            made.append((best.extent, [best, *looks]))
        elif best.straight or best.found.hint:
            made.append((extent, looks))
    # What were two pieces may have turned out to be one thing.
    every = [one for _, looks in made for one in looks[:1]]
    rest = {id(looks[0]): looks for _, looks in made}
    return [
        (extent, [one for best in looks for one in rest[id(best)]])
        for extent, looks in _together(every)
    ]


def _straight_at(
    picture: Picture, extent: Extent, parts: tuple[Segmenter, Namer, Depth]
) -> list[_Look]:
    """Return what a view sees whose middle lies on an extent."""
    size = max(extent.width_deg, extent.height_deg)
    view = flat_view(
        picture,
        extent.azimuth_deg,
        float(np.clip(extent.elevation_deg, -60, 60)),
        float(np.clip(_AROUND * size, _NARROWEST_DEG, _WIDEST_DEG)),
    )
    return _looks(view, *parts, stuff=False)[0]


def _meet(one: _Look, other: _Look) -> bool:
    inner = max(one.extent.inside(other.extent), other.extent.inside(one.extent))
    return inner > 0.5


def _apart(seen: list[tuple[Extent, list[_Look]]]) -> list[tuple[Extent, list[_Look]]]:
    """Return what is seen without second names for what has a surer one."""
    kept: list[tuple[Extent, list[_Look]]] = []
    order = sorted(seen, key=lambda one: one[1][0].fits, reverse=True)
    for extent, looks in order:
        name, unsure = looks[0].name, looks[0].found.score < _DOUBTFUL
        stuff = looks[0].found.what == "stuff"
        double = any(
            same_thing(name, other[0].name, extent.inside(place), place.inside(extent))
            or (unsure and max(extent.inside(place), place.inside(extent)) > 0.7)
            for place, other in kept
            if other[0].found.what == "thing"
        )
        if stuff or not double:
            kept.append((extent, looks))
    return kept


def _together(looks: Sequence[_Look]) -> list[tuple[Extent, list[_Look]]]:
    sights = [
        Sight(
            one.extent,
            one.name.concept or one.name.words,
            one.found.what,
            one.fits if one.found.what == "thing" else one.name.score,
            one.straight if one.found.what == "thing" else one.whole,
            i,
        )
        for i, one in enumerate(looks)
    ]
    return [(extent, [looks[i] for i in indices]) for extent, indices in merged(sights)]


def things_round(
    picture: Picture, segmenter: Segmenter, namer: Namer, depth: Depth, *, time_s: float = 0.0
) -> list[Seen]:
    """Return the things that an equirectangular picture shows, for tracking.

    Parameters
    ----------
    picture
        Equirectangular, see :func:`~earwitness.look.panorama.flat_views`.
    segmenter, namer, depth
        The parts that look.
    time_s
        When it is shown.
    """
    looks: list[_Look] = []
    for view in flat_views(picture):
        looks += _looks(view, segmenter, namer, depth, stuff=False)[0]
    seen = _apart(_closer(picture, _together(looks), (segmenter, namer, depth)))
    return [
        Seen(
            time_s,
            extent.azimuth_deg,
            extent.elevation_deg,
            extent.width_deg,
            extent.height_deg,
            best[0].distance.metres,
            best[0].name.concept or "",
            best[0].name.words,
            min(best[0].found.score, best[0].name.score),
            box_of_extent(extent, picture.width_px, picture.height_px, picture.window),
        )
        for extent, best in seen
    ]


class _Grid:
    """Extents as masks on a grid turned so that its seam cuts through no thing."""

    def __init__(self, extents: Sequence[Extent]) -> None:
        covered = np.zeros(360, bool)
        for one in extents:
            half = int(np.ceil(one.width_deg / 2)) + 1
            middle = round(one.azimuth_deg)
            covered[np.arange(middle - half, middle + half + 1) % 360] = True
        free = np.flatnonzero(~covered)
        # The grid's left edge stands for this azimuth.
        self._left_deg = float(free[len(free) // 2]) if len(free) else 180.0
        self.extents: dict[int, Extent] = {}

    def part(self, extent: Extent, best: _Look, count: int = 1) -> Part:
        """Return a part for something seen."""
        per_deg = _COLUMNS / 360.0
        middle = float(np.mod(self._left_deg - extent.azimuth_deg, 360.0)) * per_deg
        half = max(1.0, extent.width_deg / 2 * per_deg)
        columns = np.arange(round(middle - half), round(middle + half)) % _COLUMNS
        row = (90.0 - extent.elevation_deg) * per_deg
        high = max(1.0, extent.height_deg / 2 * per_deg)
        mask = np.zeros((_ROWS, _COLUMNS), bool)
        rows = slice(int(max(0, round(row - high))), int(min(_ROWS, max(1, round(row + high)))))
        mask[rows, columns] = True
        self.extents[id(mask)] = extent
        return Part(mask, box_of(mask), best.name, best.distance, best.found.what, count)

    def extent(self, part: Part) -> Extent:
        """Return the directions of a part, also of one that several were joined into."""
        own = self.extents.get(id(part.mask))
        if own is not None:
            return own
        x0, y0, x1, y1 = (value * 360.0 / _COLUMNS for value in part.box)
        azimuth = float(frame.wrap_deg(self._left_deg - (x0 + x1) / 2))
        return Extent(azimuth, 90.0 - (y0 + y1) / 2, x1 - x0, y1 - y0)


def compose_round(
    picture: Picture,
    *,
    segmenter: Segmenter,
    namer: Namer,
    depth: Depth,
    most: int | None = None,
    wishes: Sequence[Wished] = (),
    refused: Sequence[str] = (),
    region: str = "box",
    seed: int = 0,
    duration_s: float = 10.0,
) -> Scene:
    """Return the scene that an equirectangular panorama shows, all the way round.

    Parameters
    ----------
    picture
        Its full width stands for 360°, its middle is in front, unless its window tells another
        part of the sphere.
    segmenter, namer, depth, most, wishes, refused, seed, duration_s
        As in :func:`~earwitness.look.compose.compose`.
    region
        Kept for the record: directions are those of the middles of boxes on the sphere.

    Returns
    -------
    Scene
        ``region`` of a source that lies across the seam goes on past the picture's right edge.

    Raises
    ------
    LookError
        If the picture is too small.
    """
    if min(picture.width_px, picture.height_px) < SMALLEST_PX:
        raise LookError(
            f"{picture.name} is {picture.width_px} × {picture.height_px} px; nothing can be seen "
            f"in less than {SMALLEST_PX} px, give a larger picture"
        )
    window = picture.window or all_round(picture.width_px, picture.height_px)
    looks: list[_Look] = []
    mute: list[_Look] = []
    votes: Counter[tuple[str, str]] = Counter()
    views = flat_views(picture)
    roads = []
    for view in views:
        heard, silent = _looks(view, segmenter, namer, depth, stuff=True)
        looks, mute = looks + heard, mute + silent
        sight = sight_of(view.picture)
        roads.append(sight.covered.get("road", 0.0))
        votes.update(bed_of(sight, frozenset(one.name.concept or "" for one in heard)))
    seen = _apart(_closer(picture, _together(looks), (segmenter, namer, depth)))
    grid = _Grid([extent for extent, best in seen if best[0].found.what == "thing"])
    parts = grouped(
        [grid.part(extent, best[0]) for extent, best in seen],
        on_road=float(np.mean(roads)) > 0.08,
    )
    quiet = [grid.part(one.extent, one) for one in mute if one.name.words]
    beds = [(p.name.concept or "", p.name.words) for p in parts if _is_bed(p.name)]
    parts = [part for part in parts if not _is_bed(part.name)]
    ranked = votes.most_common(2)
    enough = math.ceil(_BED_VIEWS / VIEWS * len(views))
    beds += [one for i, (one, count) in enumerate(ranked) if i == 0 or count >= enough]
    parts = sorted(parts, key=lambda part: (-salience(part), part.box))
    parts, unseen, beds = steered(
        parts,
        quiet,
        beds,
        wishes,
        refused,
        half_view_deg=100.0,  # all is in view: what is not seen is hidden, best behind
        rng=np.random.default_rng(seed),
    )
    room = MOST if most is None else most
    wished = unseen[:room]
    ids: dict[str, int] = {}
    sources = []
    for part in parts[: max(0, room - len(wished))]:
        extent = grid.extent(part)
        sources.append(
            source_of(
                part,
                ids,
                azimuth_deg=extent.azimuth_deg,
                elevation_deg=extent.elevation_deg,
                width_deg=extent.width_deg,
                box_px=box_of_extent(extent, picture.width_px, picture.height_px, window),
            )
        )
    sources += [unseen_source(one, ids) for one in wished]
    evened, behind = balanced(
        sources, [bed_layer(c, words, ids) for c, words in dict(beds).items()]
    )
    return Scene(
        evened,
        behind,
        duration_s=duration_s,
        seed=seed,
        origin={
            "kind": "panorama",
            "name": picture.name,
            "width_px": picture.width_px,
            "height_px": picture.height_px,
            "fov_deg": round(window.width_deg, 3),
            "fov_from": "equirect",
            "region": region,
            "segmenter": type(segmenter).__name__,
            "namer": type(namer).__name__,
            "depth": type(depth).__name__,
        },
    )


def _is_bed(name: Name) -> bool:
    concept = concepts().get(name.concept or "")
    return concept is not None and concept.kind == "bed"
