"""The table of labels: which kind of thing a detector's or classifier's label stands for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import concepts

CLASSES = 1000
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class Group:
    """How many of a kind are heard as one.

    Parameters
    ----------
    least
        From how many on.
    concept, words
        What they are then.
    """

    least: int
    concept: str
    words: str


@dataclass(frozen=True)
class Kind:
    """A kind of thing that the eyes can tell.

    Parameters
    ----------
    key
        Its name in ``labels.toml``.
    concept
        Key in the vocabulary; None where it makes no sound that the vocabulary knows.
    one, many
        What to ask the voice for, of one and of several.
    height_m, length_m
        Usual height and extent from side to side, metres.
    coco
        Labels of the detector.
    classes, agrees
        Classes of the classifier that are it, and those that agree with it.
    floor
        What the classifier is believed to have seen of it when it says nothing.
    need
        Least probability at which it is believed.
    animal, ridden, building
        See ``labels.toml``.
    group
        How many are heard as one, or None.
    """

    key: str
    concept: str | None
    one: str
    many: str
    height_m: float
    length_m: float
    coco: frozenset[str] = frozenset()
    classes: tuple[int, ...] = ()
    agrees: tuple[int, ...] = ()
    floor: float = 0.02
    need: float = 0.4
    animal: bool = False
    ridden: bool = False
    building: bool = False
    group: Group | None = field(default=None)

    def words(self, count: int = 1) -> str:
        """Return what to ask the voice for when there are so many.

        Examples
        --------
        >>> kinds()["dog"].words(), kinds()["dog"].words(3)
        ('a dog barking', 'three dogs barking')
        """
        if count <= 1:
            return self.one
        return self.many.format(n=_NUMBERS[count] if count < len(_NUMBERS) else "many")


def indices(text: str) -> tuple[int, ...]:
    """Return the whole numbers that a text such as ``"3 7-9"`` stands for.

    Examples
    --------
    >>> indices("3 7-9")
    (3, 7, 8, 9)
    """
    found: list[int] = []
    for part in text.split():
        low, _, high = part.partition("-")
        found += range(int(low), int(high or low) + 1)
    return tuple(found)


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its key, in the order of ``labels.toml``.

    Raises
    ------
    ValueError
        If the data file names a concept or class that there is not, or a class twice.
    """
    table = tomllib.loads(files(__package__).joinpath("labels.toml").read_text("utf-8"))
    found: dict[str, Kind] = {}
    taken: dict[int, str] = {}
    for key, row in table.items():
        group = row.get("group")
        kind = Kind(
            key,
            row.get("concept"),
            row["one"],
            row.get("many", row["one"]),
            float(row["height_m"]),
            float(row.get("length_m", row["height_m"])),
            frozenset(row.get("coco", ())),
            indices(row.get("imagenet", "")),
            indices(row.get("agrees", "")),
            float(row.get("floor", 0.02)),
            float(row.get("need", 0.4)),
            bool(row.get("animal", False)),
            bool(row.get("ridden", False)),
            bool(row.get("building", False)),
            Group(group["from"], group["concept"], group["words"]) if group else None,
        )
        named = {kind.concept, group["concept"] if group else None} - {None}
        if named - set(concepts()):
            raise ValueError(f"labels.toml {key}: no concept {sorted(map(str, named))}")
        for index in kind.classes:
            if not 0 <= index < CLASSES or index in taken:
                raise ValueError(f"labels.toml {key}: class {index} is {taken.get(index)}'s")
            taken[index] = key
        found[key] = kind
    return MappingProxyType(found)


@cache
def _matrices() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    own = np.zeros((len(kinds()), CLASSES), np.float32)
    friendly = np.zeros_like(own)
    for row, kind in enumerate(kinds().values()):
        own[row, list(kind.classes)] = 1
        friendly[row, list(kind.agrees)] = 1
    return own, friendly


def masses(probabilities: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the probability of each kind from that of each class.

    Parameters
    ----------
    probabilities
        float32 ``(1000,)``.

    Returns
    -------
    own, agreeing : ndarray
        float32, one entry for each kind: what is it, and what agrees with it.
    """
    own, friendly = _matrices()
    return own @ probabilities, friendly @ probabilities


_FAMILIES = (
    frozenset({"car", "truck", "bus", "train"}),
    frozenset({"bicycle", "motorcycle"}),
)


@cache
def family_of_label(label: str) -> str:
    """Return the family of a label of the detector: what it may be mistaken for in another frame.

    Examples
    --------
    >>> family_of_label("truck") == family_of_label("car"), family_of_label("cow")
    (True, 'animal')
    """
    for family in _FAMILIES:
        if label in family:
            return sorted(family)[0]
    kind = next((one for one in kinds().values() if label in one.coco), None)
    return "animal" if kind is not None and kind.animal else label


@cache
def family_of(concept: str) -> str:
    """Return the family of a concept, empty where the detector has no label for it.

    Examples
    --------
    >>> family_of("footsteps"), family_of("dog"), family_of("wind")
    ('person', 'animal', '')
    """
    if concept in ("speech", "footsteps"):
        return "person"
    kind = next((one for one in kinds().values() if one.concept == concept), None)
    if kind is None:
        return ""
    return "animal" if kind.animal else family_of_label(min(kind.coco)) if kind.coco else ""
