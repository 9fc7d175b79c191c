"""The built-in namer: what each region is taken for, from the detector's and the classifier's word.

For each region, kinds of things (``labels.toml``) are weighed against each other and against
"nothing that is known": the weight of a kind is how likely the detector would have given its
label if it were that kind, times what the classifier sees of the kind in the region's crop. So
the two correct each other: the detector calls a camel a sheep, the classifier knows better; the
classifier has no class for people, the detector finds them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earwitness.look.contract import Found, Name, Picture
from earwitness.look.eyes import COCO_CLASSES
from earwitness.look.geometry import Box, inside
from earwitness.look.labels import Kind, kinds, masses
from earwitness.look.outlines import box_of
from earwitness.look.sight import Sight, sight_of
from earwitness.look.surroundings import name_stuff

LEAST_ALONE = 0.4
"""Least score of a detection that is believed where it stands alone among its kind."""

_NEED_AGREED = 0.28  # where the detector is sure and no other kind weighs more
_SMALL_PX = 64.0  # crops smaller than this tell the classifier less and less
_ANIMALS = frozenset().union(
    *(kind.coco for kind in kinds().values() if kind.animal)
)  # labels that stand for animals
_CONTRARY = 0.5  # a wrong label is this likely, as a part of what the detector leaves open
_NEAREST = 0.35  # an animal that it does not know, under any animal's label
_NOTHING = 0.5
_NOTHING_LIKE = 0.25  # for labels that the classifier knows little of: people, vehicles, objects


class BuiltinNamer:
    """Names from the built-in eyes, the vocabulary and the surroundings."""

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return what each region is taken for."""
        sight = sight_of(picture)
        return [
            name_stuff(sight, one) if one.what == "stuff" else _name_thing(sight, one)
            for one in found
        ]


def weigh(
    hint: str, score: float, own: np.ndarray, agreeing: np.ndarray, *, trust: float = 1.0
) -> tuple[dict[str, float], float]:
    """Return the probability of each kind, and that of none of them.

    Parameters
    ----------
    hint
        The detector's label, or empty.
    score
        How sure the detector is of it.
    own, agreeing
        The classifier's probabilities, as :func:`earwitness.look.labels.masses` gives them.
    trust
        How much the crop can tell the classifier, 0 to 1.

    Returns
    -------
    by_kind, none
        They sum to 1.

    Examples
    --------
    A camel is a sheep to a detector that knows no camels.

    >>> table = {"camel": 0.91, "sheep": 0.01}
    >>> own = np.array([table.get(key, 0.0) for key in kinds()])
    >>> by_kind, none = weigh("sheep", 0.62, own, 0 * own)
    >>> max(by_kind, key=by_kind.get)
    'camel'
    """
    labelled = hint in COCO_CLASSES
    open_part = 1.0 - score if labelled else 1.0
    weights: dict[str, float] = {}
    for (key, kind), mine, friendly in zip(kinds().items(), own, agreeing):
        seen = trust * float(mine)
        if labelled and hint in kind.coco:
            # The surer the detector, the less the classifier must have seen of it.
            sure = 0.5 * max(0.0, score - 0.45)
            weights[key] = score * (seen + 0.5 * trust * float(friendly) + kind.floor + sure)
        elif labelled and kind.animal and hint in _ANIMALS and not (kind.coco - {"bird"}):
            weights[key] = max(_NEAREST, open_part * _CONTRARY) * seen
        else:
            weights[key] = (open_part * _CONTRARY if labelled else 1.0) * seen
    unseen = trust * max(0.0, 1.0 - float(np.sum(own))) + (1.0 - trust) * 0.3
    nothing = _NOTHING if hint in _ANIMALS else _NOTHING_LIKE
    none = open_part * (nothing if labelled else 1.0) * unseen
    total = max(sum(weights.values()) + none, 1e-12)
    return {key: weight / total for key, weight in weights.items()}, none / total


def _name_thing(sight: Sight, found: Found) -> Name:
    box = box_of(found.mask)
    shorter = min(box[2] - box[0], box[3] - box[1])
    trust = float(np.clip(shorter / _SMALL_PX, 0.0, 1.0)) ** 0.5
    probabilities = sight.whole if found.hint == "whole" else sight.crop(box)
    own, agreeing = masses(probabilities)
    by_kind, none = weigh(found.hint, found.score, own, agreeing, trust=trust)
    key = max(by_kind, key=lambda k: by_kind[k])
    kind, sure = kinds()[key], by_kind[key]
    if found.hint == "person" and key == "person":
        ridden = [k for k in kinds().values() if k.ridden and own[list(kinds()).index(k.key)] > 0.5]
        if ridden and shorter > 0.6 * _SMALL_PX:
            kind, key = ridden[0], ridden[0].key
    seen = float(own[list(kinds()).index(key)])
    believed = sure > none and _believed(found, kind, sure, seen=seen, size_px=shorter)
    if not believed or kind.concept is None:
        return Name(None, kind.one if believed else "", sure)
    if key == "bird":
        return _bird(sight, found, sure)
    if key == "person":
        return _person(sight, found, box, sure)
    return Name(kind.concept, kind.one, _told(found, sure))


def _told(found: Found, sure: float) -> float:
    """Return the score of a name: how sure of the kind and, half, of the thing itself."""
    return float(np.clip(sure * (0.5 + 0.5 * max(found.score, sure)), 0.0, 1.0))


def _believed(found: Found, kind: Kind, sure: float, *, seen: float, size_px: float) -> bool:
    agreed = found.hint in kind.coco and found.score >= 0.5
    if sure < (min(kind.need, _NEED_AGREED) if agreed else kind.need):
        return False
    contrary = found.hint in COCO_CLASSES and found.hint not in kind.coco
    if contrary and (sure < 0.5 or seen < 0.4 or size_px < 0.6 * _SMALL_PX):
        return False  # the classifier alone, of a crop that was cut for something else
    if kind.animal and size_px < 0.6 * _SMALL_PX and found.score < 0.5:
        return False
    if found.hint in kind.coco and not kind.animal:
        return found.score >= LEAST_ALONE or (found.score >= 0.3 and sure >= 0.6)
    return True


def _person(sight: Sight, found: Found, box: Box, sure: float) -> Name:
    """Return a voice, or steps for one who walks at a distance, upright and seen in full."""
    height, width = found.mask.shape
    tall, wide = box[3] - box[1], box[2] - box[0]
    ground = _ground_at_foot(sight, box, height, width)
    whole = box[3] < 0.985 * height
    if whole and tall < 0.4 * height and tall > 1.7 * wide and ground > 0.35:
        return Name("footsteps", "footsteps", _told(found, sure))
    return Name("speech", kinds()["person"].one, _told(found, sure))


def _ground_at_foot(sight: Sight, box: Box, height: int, width: int) -> float:
    rows, columns = sight.stuff.probability.shape[1:]
    row = int(np.clip((box[3] + 0.02 * height) / height * rows, 0, rows - 1))
    left = int(np.clip(box[0] / width * columns, 0, columns - 1))
    right = int(np.clip(np.ceil(box[2] / width * columns), left + 1, columns))
    names = [n for n in ("road", "ground", "sand", "grass", "snow") if n in sight.stuff.names]
    return float(sum(sight.stuff.of(name)[row, left:right].mean() for name in names))


def _bird(sight: Sight, found: Found, sure: float) -> Name:
    """Return what a bird of no told kind sounds like: on water a duck, else a songbird."""
    box = box_of(found.mask)
    height, width = found.mask.shape
    rows, columns = sight.stuff.probability.shape[1:]
    row = int(np.clip(box[3] / height * rows, 0, rows - 1))
    column = int(np.clip((box[0] + box[2]) / 2 / width * columns, 0, columns - 1))
    afloat = float(sight.stuff.of("water")[row, column]) > 0.4
    kind = kinds()["duck" if afloat else "bird"]
    return Name(kind.concept, kind.one, _told(found, sure))


def kind_of(name: Name) -> Kind | None:
    """Return the kind that a name was made from, or None for names of other namers.

    Examples
    --------
    >>> kind_of(Name("camel", "a camel groaning", 0.9)).height_m
    2.1
    """
    for kind in kinds().values():
        if kind.concept == name.concept and kind.one == name.words:
            return kind
    if name.concept in ("footsteps", "speech"):
        return kinds()["person"]
    return next((k for k in kinds().values() if name.concept and k.concept == name.concept), None)


def settled(found: Sequence[Found], names: Sequence[Name]) -> list[int]:
    """Return which regions stand once those that tell of the same thing are left out.

    Parameters
    ----------
    found, names
        Regions and their names, in the same order.

    Returns
    -------
    list of int
        Indices of regions that sound, the surest first.
    """
    boxes = [box_of(one.mask) for one in found]
    order = sorted(
        (i for i, name in enumerate(names) if name.concept is not None),
        key=lambda i: (-names[i].score, i),
    )
    kept: list[int] = []
    for i in order:
        if found[i].what == "stuff":
            kept.append(i)
            continue
        if not any(_same(boxes, found, names, i, j) for j in kept if found[j].what == "thing"):
            kept.append(i)
    return kept


def _same(
    boxes: Sequence[Box], found: Sequence[Found], names: Sequence[Name], i: int, j: int
) -> bool:
    a, b = boxes[i], boxes[j]
    return same_thing(names[i], names[j], inside(a, b), inside(b, a))


def same_thing(a: Name, b: Name, covered: float, covers: float) -> bool:
    """Return whether two names are of one and the same thing.

    Parameters
    ----------
    a, b
        The names.
    covered, covers
        Which part of the first thing's region lies in the second's, and the other way round.
    """
    alike = _sort(a) == _sort(b)
    # People stand before one another; of a cow within a cow, one is a part of the other.
    much = 0.85 if a.concept in ("speech", "footsteps") else 0.6
    if alike and (covered > much or covers > much):
        return True
    # Another name for the same place: a person and the drum before it are two things, but one
    # box can hold only one animal.
    similar = covers / max(covered, 1e-9)
    return covered > 0.75 and 0.35 < similar < 1.6 and not _people_and(a, b)


def _people_and(a: Name, b: Name) -> bool:
    people = {"speech", "footsteps"}
    return (a.concept in people) != (b.concept in people)


def _sort(name: Name) -> str:
    """Return the concept, with those that one thing may be told by in turn taken together."""
    for group in (
        {"speech", "footsteps"},
        {"car", "truck", "bus", "tram", "traffic", "siren"},
        {"motor-boat", "ship-horn", "sailing-rig", "rowing"},
    ):
        if name.concept in group:
            return sorted(group)[0]
    return name.concept or ""
