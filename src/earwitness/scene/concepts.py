"""The vocabulary of sounding concepts, shared by look, voice and atlas."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, get_args

from earwitness.errors import SceneError
from earwitness.scene.source import finite, identifier, text

Family = Literal["geophony", "biophony", "anthropophony", "music"]
ConceptKind = Literal["point", "area", "bed"]
FAMILIES: tuple[Family, ...] = get_args(Family)

FREE = "free-words"
"""Concept of what is named in words that the vocabulary does not know; for voices that take any."""

UNNAMED = "picture"
"""Concept of what has no name; for voices that are shown it."""


@dataclass(frozen=True)
class Concept:
    """One kind of thing that sounds.

    Parameters
    ----------
    key
        Its name in programs (``wind-trees``).
    family
        Krause's families of the soundscape, and music.
    label
        Its name in words ("wind in the trees").
    kind
        How it sounds in space: from a point, all along an area, or from everywhere (bed).
    level_db
        Usual level, dB re 20 µPa: at 1 m, or at the listener for a bed.
    size_m
        Usual height in a picture, metres; 0 where it has none.
    """

    key: str
    family: Family
    label: str
    kind: ConceptKind
    level_db: float
    size_m: float


@cache
def concepts() -> MappingProxyType[str, Concept]:
    """Return every concept by its key, in the order of the data file.

    Raises
    ------
    SceneError
        If the data file is wrong.

    Examples
    --------
    >>> concepts()["dog"].label
    'a dog barking'
    """
    table = tomllib.loads(files(__package__).joinpath("concepts.toml").read_text("utf-8"))
    found: dict[str, Concept] = {}
    for family in FAMILIES:
        for key, (label, kind, level_db, size_m) in table.pop(family).items():
            if kind not in get_args(ConceptKind):
                raise SceneError(f"concepts.toml {key}", kind, "point, area or bed")
            found[identifier("concept", key)] = Concept(
                key,
                family,
                text(key, label),
                kind,
                finite(key, level_db, 0, 200),
                finite(key, size_m, 0, 5000),
            )
    if table:
        raise SceneError("concepts.toml", list(table), f"only the families {FAMILIES}")
    return MappingProxyType(found)
