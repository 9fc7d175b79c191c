"""What a model of the built-in world is taught besides its pairs: names of things, other words.

*Prototypes* are what the built-in world knows by name: its concepts, the looks of the ground that
image captions tell, and groups of words that belong to a kind of place (``associations.toml``).
The rules say how likely each place has them. *Free words* are the sentence encoder's own
vocabulary: how near each is to every prototype, as that encoder sees it, is what the text side
shall keep. No word that a model is tested with is among any of these (``kept_back.txt``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.dataset.reading import Pair
from earwitness.atlas.telling import Progress, silent
from earwitness.atlas.texts import KeptStates
from earwitness.atlas.world.captions import AROUND, LOOKS, look_told
from earwitness.atlas.world.layers import Ground, ground
from earwitness.atlas.world.rules import PRESENT, at_best, likely, likely_whenever, mixture
from earwitness.atlas.world.table import soundings
from earwitness.errors import OptionError

NEAR = 0.06
"""Differences of cosine that count, in the sentence encoder's space."""

_SELDOM = 0.08
_STEM = 5


@cache
def groups() -> dict[str, dict[str, list[str]]]:
    """Return the groups of ``associations.toml``: name → ``of``, ``words`` and perhaps ``and``."""
    return tomllib.loads(_file("associations.toml"))


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def prototypes() -> dict[str, tuple[str, ...]]:
    """Return the phrases of each prototype: concepts in their order, then looks, then groups.

    Examples
    --------
    >>> names = list(prototypes())
    >>> names[0], names[-1]
    ('sea-waves', 'group: drizzle')
    """
    made = {name: (*s.heard, *s.seen) for name, s in soundings().items()}
    made |= {f"look: {name}": said for name, said in (LOOKS | AROUND).items()}
    made |= {f"group: {name}": tuple(held["words"]) for name, held in groups().items()}
    return made


@cache
def kept_back() -> tuple[str, ...]:
    """Return how the words begin that no lesson may hold: those a model is tested with."""
    lines = _file("kept_back.txt").splitlines()
    return tuple(line for line in lines if line and not line.startswith("#"))


def beginnings(texts: Iterable[str]) -> set[str]:
    """Return how the words of texts begin: five letters, or the singular if it is shorter.

    Examples
    --------
    >>> sorted(beginnings(["the tide pools"]))
    ['pool', 'tide']
    """
    words = {word for text in texts for word in re.findall("[a-z]+", text.lower())}
    return {word.rstrip("s")[:_STEM] for word in words - {"the", "and"} if len(word) > 2}


def free_words(vocabulary: Iterable[str]) -> list[str]:
    """Return the whole words of a vocabulary that are not kept back, in its order.

    Examples
    --------
    >>> free_words(["rain", "##ing", "a", "walrus", "7"])
    ['rain']
    """
    kept = kept_back()
    return [
        piece
        for piece in vocabulary
        if re.fullmatch("[a-z]{3,}", piece) and not piece.startswith(kept)
    ]


def labels(rows: Sequence[Pair]) -> NDArray[np.float32]:
    """Return how likely each row of the built-in world has each prototype, by the rules.

    A concept's chance is that of a recording made there in the row's month and hour, or whenever
    if it has neither: the rules know better than the one recording that was drawn from them. Looks
    and groups are there or not.

    Parameters
    ----------
    rows
        Of the built-in world.

    Returns
    -------
    array, shape (rows, prototypes), float32

    Raises
    ------
    OptionError
        If a row is of another data set, where no rule tells.
    """
    if not rows:
        return np.zeros((0, len(prototypes())), np.float32)
    told = []
    for row in rows:
        look = look_told(next(iter(row.image_captions.values()), ""))
        if look is None or row.lat_deg is None or row.lon_deg is None:
            raise OptionError(
                f"row {row.key!r} is not of the built-in world, whose rules the lessons are made "
                f"of; train without them (--without lessons)"
            )
        told.append(look)
    places = np.array([(row.lat_deg, row.lon_deg) for row in rows], np.float64)
    around = ground(*places.T)
    month, hour = (
        np.array([getattr(row.when, part) or 0 for row in rows]) for part in ("month", "hour")
    )
    chance = likely(mixture(around, month, hour))
    undated = np.array([row.when.month is None or row.when.hour is None for row in rows])
    if undated.any():
        chance[undated] = likely_whenever(around, every_h=2)[undated]
    return known_by(chance, told, around)


def known_by(
    chance: NDArray[np.float32], told: Sequence[str], around: Ground
) -> NDArray[np.float32]:
    """Return how likely each place has each prototype.

    Parameters
    ----------
    chance : array, shape (n, concepts)
        Of the concepts.
    told
        What each place looks like, in words of :func:`earwitness.atlas.world.captions.looks`.
    around
        What lies there.

    Returns
    -------
    array, shape (n, prototypes), float32
    """
    known: dict[str, NDArray[Any]] = {name: chance[:, k] for k, name in enumerate(soundings())}
    for name, said in (LOOKS | AROUND).items():
        form = re.compile("|".join(rf"\b{re.escape(s)}\b" for s in said))
        known[f"look: {name}"] = np.array([form.search(look) is not None for look in told])
    may = at_best(around, every_h=2) > PRESENT
    conditions = known | {f"may: {name}": may[:, k] for k, name in enumerate(soundings())}
    for name, held in groups().items():
        there = np.any([conditions[one] for one in held["of"]], axis=0)
        for condition in held.get("and", ()):
            there &= conditions[condition]
        known[f"group: {name}"] = there
    return np.stack([known[name] for name in prototypes()], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False, slots=True)
class Names:
    """The words of both lessons.

    Parameters
    ----------
    phrases
        Of all prototypes.
    owner : array, shape (phrases,)
        Number of the prototype of each.
    words
        Free words.
    nearness : array, shape (words, prototypes), float32
        Mean cosine of each with the two nearest phrases of each prototype, in the text encoder's
        own space.
    chance : array, shape (words,)
        How often each is drawn; sums to 1. A word that is near nothing here teaches little.
    """

    phrases: tuple[str, ...]
    owner: NDArray[np.int64]
    words: tuple[str, ...]
    nearness: NDArray[np.float32]
    chance: NDArray[np.float64]


def names_for(states: KeptStates, vocabulary: Iterable[str], progress: Progress = silent) -> Names:
    """Return the words of the lessons as a text encoder sees them.

    Parameters
    ----------
    states
        The encoder's; those of all words here are in it afterwards.
    vocabulary
        What free words are taken from.
    progress
        Told how far it is.
    """
    held = prototypes()
    phrases = [phrase for said in held.values() for phrase in said]
    owner = np.repeat(np.arange(len(held)), [len(said) for said in held.values()])
    words = free_words(vocabulary)
    states.fill([*phrases, *words], progress)
    nearness = near(_means(states, words), _means(states, phrases), owner)
    best = nearness.max(axis=1).astype(np.float64)
    weight = np.exp((best - best.max()) / _SELDOM)
    return Names(tuple(phrases), owner, tuple(words), nearness, weight / weight.sum())


def _means(states: KeptStates, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the sentence encoder's own embeddings: states averaged, of length 1."""
    made = []
    for start in range(0, len(texts), 256):
        held, mask = states.padded(texts[start : start + 256])
        made.append((held * mask[..., None]).sum(axis=1) / mask.sum(axis=1, keepdims=True))
    whole = np.concatenate(made)
    return np.asarray(whole / np.linalg.norm(whole, axis=1, keepdims=True), np.float32)


def near(
    words: NDArray[np.float32], phrases: NDArray[np.float32], owner: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the mean cosine of each word with the two nearest phrases of each prototype.

    Parameters
    ----------
    words, phrases : array, shape (n, D)
        Of length 1.
    owner : array, shape (phrases,)
        Number of each phrase's prototype.

    Returns
    -------
    array, shape (words, prototypes), float32

    Examples
    --------
    >>> near(np.eye(2, dtype="f4"), np.eye(2, dtype="f4"), np.array([0, 1])).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    cosine = words @ phrases.T
    best = [
        np.sort(cosine[:, owner == number], axis=1)[:, -2:].mean(axis=1)
        for number in range(int(owner.max()) + 1)
    ]
    return np.stack(best, axis=1).astype(np.float32)
