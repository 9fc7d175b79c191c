"""What can be seen and what it would sound like: the words that pictures are compared with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from earwitness.look.labels import kinds
from earwitness.scene import concepts

_UNSEEN = ("silent-bird", "silent-animal", "silent-thing", "donkey-like")
"""Kinds that are not one sort of thing to look at."""


@dataclass(frozen=True)
class Sight:
    """One thing that a picture may show.

    Parameters
    ----------
    looks
        In words, as a caption would say it.
    concept
        Key in the vocabulary; None where it makes no sound that the vocabulary knows.
    words
        What to ask the voice for.
    """

    looks: str
    concept: str | None
    words: str


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


@cache
def sights() -> tuple[Sight, ...]:
    """Return everything that pictures are compared with.

    Examples
    --------
    >>> by_look = {one.looks: one for one in sights()}
    >>> by_look["a dog"].concept, by_look["a waterfall"].concept, by_look["a wall"].concept
    ('dog', 'waterfall', None)
    """
    table = tomllib.loads(files(__package__).joinpath("visible.toml").read_text("utf-8"))
    found = [
        Sight(_article(kind.key.replace("-", " ")), kind.concept, kind.one)
        for kind in kinds().values()
        if kind.key not in _UNSEEN
    ]
    for key, looks in table["sounding"].items():
        concept = concepts().get(key)
        if concept is not None:
            found += [Sight(one, key, concept.label) for one in looks]
    found += [Sight(one, None, "") for one in table["silent"]["words"]]
    return tuple(found)
