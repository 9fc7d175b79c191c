"""Many seen things become fewer heard ones: a crowd, traffic, a herd, two people who talk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from earwitness.look.contract import Distance, Found, Name
from earwitness.look.geometry import Box, area, around
from earwitness.look.labels import Kind, kinds
from earwitness.look.naming import kind_of
from earwitness.look.outlines import box_of
from earwitness.scene import concepts

_PEOPLE = frozenset({"speech", "footsteps"})
_VEHICLES = frozenset({"car", "car-pass", "truck", "bus", "motorcycle", "tram"})
_HERD = 4
_CROWD = 5
_TRAFFIC = 4
_NEAR_PART = 0.03  # of the picture: a vehicle as large as this is heard by itself


@dataclass(frozen=True, eq=False)
class Part:
    """One thing that will be heard.

    Parameters
    ----------
    mask
        Its pixels, bool ``(height, width)``.
    box
        Their axis-aligned box.
    name, distance
        What and how far.
    what
        ``thing`` or ``stuff``.
    count
        How many it stands for.
    """

    mask: NDArray[np.bool_]
    box: Box
    name: Name
    distance: Distance
    what: str = "thing"
    count: int = 1

    @classmethod
    def of(cls, found: Found, name: Name, distance: Distance) -> Part:
        """Return the part that one region is."""
        return cls(found.mask, box_of(found.mask), name, distance, found.what)


def _joined(parts: Sequence[Part], concept: str, words: str) -> Part:
    mask = np.logical_or.reduce([part.mask for part in parts])
    metres = np.array([part.distance.metres for part in parts])
    # The near ones are heard most: the distance whose inverse square is the mean of theirs.
    far = float(np.sqrt(1 / np.mean(1 / metres**2)))
    factor = float(np.median([part.distance.factor for part in parts]))
    score = float(np.max([part.name.score for part in parts]))
    count = sum(part.count for part in parts)
    what = parts[0].what
    boxes = [part.box for part in parts]
    name = Name(concept, words, score)
    return Part(mask, around(boxes), name, Distance(far, factor), what, count)


def _clusters(parts: Sequence[Part], reach: float, alike: float) -> list[list[Part]]:
    """Return parts that stand close together: gap less than ``reach`` widths, of like size."""
    left = list(parts)
    clusters: list[list[Part]] = []
    while left:
        cluster, rest = [left.pop(0)], left
        grew = True
        while grew:
            near = [p for p in rest if any(_close(p, q, reach, alike) for q in cluster)]
            cluster += near
            rest = [p for p in rest if all(p is not q for q in near)]
            grew = bool(near)
        left = rest
        clusters.append(cluster)
    return clusters


def _close(a: Part, b: Part, reach: float, alike: float) -> bool:
    gap = max(a.box[0], b.box[0]) - min(a.box[2], b.box[2])
    width = max(a.box[2] - a.box[0], b.box[2] - b.box[0])
    tall, low = a.box[3] - a.box[1], b.box[3] - b.box[1]
    return gap < reach * width and max(tall, low) < alike * min(tall, low)


def _people(parts: list[Part]) -> list[Part]:
    person = kinds()["person"]
    made = []
    # A dense crowd hides parts of its people, so their boxes differ; few people must be alike.
    loose = len(parts) >= 2 * _CROWD
    for cluster in _clusters(parts, reach=2.0 if loose else 1.0, alike=3.0 if loose else 1.8):
        count = len(cluster)
        if count >= _CROWD and person.group is not None:
            made.append(_joined(cluster, person.group.concept, person.group.words))
        elif count == 1:
            made.append(cluster[0])
        elif all(part.name.concept == "footsteps" for part in cluster):
            made.append(_joined(cluster, "footsteps", "footsteps of several people"))
        else:
            made.append(_joined(cluster, "speech", person.words(count)))
    return made


def _traffic(parts: list[Part], *, on_road: bool) -> list[Part]:
    passing = [_passing(part) if on_road else part for part in parts]
    if sum(part.name.concept in ("car", "car-pass", "truck") for part in parts) < _TRAFFIC:
        return passing
    size = parts[0].mask.size
    large = [p for p in passing if area(p.box) >= _NEAR_PART * size]
    large = sorted(large, key=lambda p: -area(p.box))[:2]
    rest = [p for p in passing if all(p is not q for q in large)]
    if len(rest) < 2:
        return passing
    return [*large, _joined(rest, "traffic", "street traffic")]


def _passing(part: Part) -> Part:
    if part.name.concept == "car":
        return replace(part, name=replace(part.name, concept="car-pass", words="a car passing"))
    return part


def _herds(parts: list[Part]) -> list[Part]:
    """Join four and more animals or instruments of one kind, and those that touch."""
    kept: list[Part] = []
    by_words: dict[str, list[Part]] = {}
    for part in parts:
        by_words.setdefault(part.name.words, []).append(part)
    for words, same in by_words.items():
        kind: Kind | None = kind_of(same[0].name)
        if len(same) < _HERD or kind is None or kind.one != words:
            kept += same
            continue
        if kind.group is not None and len(same) >= kind.group.least:
            kept.append(_joined(same, kind.group.concept, kind.group.words))
        else:
            kept.append(_joined(same, same[0].name.concept or "", kind.words(len(same))))
    return kept


def _stretches(parts: list[Part]) -> list[Part]:
    """Join stuff of one sound that lies side by side or one above the other."""
    made: list[Part] = []
    for concept in dict.fromkeys(part.name.concept for part in parts):
        same = [part for part in parts if part.name.concept == concept]
        for cluster in _clusters(same, reach=0.15, alike=np.inf):
            words = max(cluster, key=lambda part: area(part.box)).name.words
            made.append(cluster[0] if len(cluster) == 1 else _joined(cluster, concept or "", words))
    for concept in {part.name.concept for part in made if _is_point(part)}:
        # Of a church in two pieces, one has the bells.
        same = [part for part in made if part.name.concept == concept]
        largest = max(same, key=lambda part: area(part.box))
        made = [part for part in made if part.name.concept != concept or part is largest]
    return made


def _is_point(part: Part) -> bool:
    concept = concepts().get(part.name.concept or "")
    return concept is not None and concept.kind == "point"


def grouped(parts: Sequence[Part], *, on_road: bool) -> list[Part]:
    """Return what is heard of what is seen.

    Parameters
    ----------
    parts
        Named things and stuff.
    on_road
        Whether the picture shows a road: then cars pass, else they idle.

    Returns
    -------
    list of Part
        Five and more people close together are a crowd, two to four talk with each other; of four
        and more vehicles those far off are traffic; four and more animals of a kind are a herd.
    """
    things = [part for part in parts if part.what == "thing"]
    people = [part for part in things if part.name.concept in _PEOPLE]
    vehicles = [part for part in things if part.name.concept in _VEHICLES]
    others = [part for part in things if part.name.concept not in _PEOPLE and part not in vehicles]
    stuff = [
        part
        for part in parts
        if part.what == "stuff"
        and not (_is_point(part) and any(t.name.concept == part.name.concept for t in things))
    ]
    return [
        *_people(people),
        *_traffic(vehicles, on_road=on_road),
        *_herds(others),
        *_stretches(stuff),
    ]
