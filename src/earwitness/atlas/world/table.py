"""The concepts of the built-in world, from ``concepts.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from earwitness.errors import SceneError
from earwitness.scene.concepts import concepts


@dataclass(frozen=True)
class Sounding:
    """A concept of the built-in world.

    Parameters
    ----------
    name
        Its name in data sets and figures.
    voice
        Key of the concept in the vocabulary that all of earwitness shares.
    level_db
        Level in a mixture when it is wholly there, beside the others.
    heard, seen
        Words for it in captions of audio and of images.
    """

    name: str
    voice: str
    level_db: float
    heard: tuple[str, ...]
    seen: tuple[str, ...]


@cache
def soundings() -> MappingProxyType[str, Sounding]:
    """Return the concepts by name, in the order that their numbers have everywhere.

    Raises
    ------
    SceneError
        If the data file is wrong.

    Examples
    --------
    >>> soundings()["gull"].voice
    'gull'
    """
    held = tomllib.loads(files(__package__).joinpath("concepts.toml").read_text("utf-8"))
    made = {}
    for name, row in held.items():
        if row["voice"] not in concepts():
            raise SceneError(f"concepts.toml {name}.voice", row["voice"], "a key of the vocabulary")
        if not row["heard"] or not row["seen"]:
            raise SceneError(f"concepts.toml {name}", row, "words for heard and for seen")
        made[name] = Sounding(
            name, row["voice"], float(row["level"]), tuple(row["heard"]), tuple(row["seen"])
        )
    return MappingProxyType(made)


def names() -> tuple[str, ...]:
    """Return the names of the concepts in order."""
    return tuple(soundings())
