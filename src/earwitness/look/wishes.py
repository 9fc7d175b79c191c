"""What the user asked for in words: it steers what is seen, adds what is not, takes away.

The words are understood elsewhere (by the voice); here they arrive as concepts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from earwitness.look.contract import Name
from earwitness.look.geometry import area
from earwitness.look.groups import Part
from earwitness.scene import concepts


class Wished(Protocol):
    """One thing that is to sound.

    ``strength`` (−1 to 1) and ``distance_m`` may be there too.
    """

    @property
    def concept(self) -> str:
        """Key in the vocabulary."""
        ...

    @property
    def words(self) -> str:
        """The words that named it."""
        ...


@dataclass(frozen=True)
class Unseen:
    """A wish for something that the picture does not show.

    Parameters
    ----------
    concept, words
        What.
    azimuth_deg, elevation_deg, distance_m
        Where it is put.
    gain_db
        How much louder than usual.
    """

    concept: str
    words: str
    azimuth_deg: float
    elevation_deg: float
    distance_m: float
    gain_db: float = 0.0


_ALIKE = (
    "dog wolf",
    "cat lion",
    "cow sheep goat horse hooves donkey camel deer pig bear",
    "songbird blackbird great-tit nightingale sparrow cuckoo skylark crow gull owl pigeon "
    "woodpecker eagle parrot",
    "rooster hen duck goose turkey peacock",
    "bees fly mosquito crickets cicadas grasshoppers",
    "whale dolphin seal",
    "speech crowd children baby applause laughter footsteps footsteps-gravel footsteps-snow "
    "cheering choir",
    "car car-pass traffic motorway bus truck siren horn motorcycle tram tractor",
    "train steam-train tram",
    "jet propeller-plane helicopter",
    "motor-boat ship-horn sailing-rig rowing",
    "sea-waves surf-sand surf-shingle lake-lapping stream river waterfall fountain",
    "guitar violin cello harp",
    "flute trumpet saxophone accordion bagpipe organ piano",
    "drums gong chimes",
)
_FAMILIES = tuple(frozenset(words.split()) for words in _ALIKE)
_WITH = {
    "traffic": "car car-pass truck bus motorcycle motorway traffic-far",
    "crowd": "speech",
    "songbird": "dawn-chorus",
    "dawn-chorus": "songbird",
    "wind": "wind-trees wind-mountain wind-desert wind-polar",
    "sea-waves": "surf-sand surf-shingle",
}
"""Who says "no traffic" means the cars too."""

_WEATHER = {"rain", "wind", "blizzard", "hail"}


def alike(a: str, b: str) -> bool:
    """Return whether two concepts may be two names of one seen thing.

    Examples
    --------
    >>> alike("dog", "wolf"), alike("dog", "river")
    (True, False)
    """
    return a == b or any(a in family and b in family for family in _FAMILIES)


def steered(
    heard: Sequence[Part],
    silent: Sequence[Part],
    beds: Sequence[tuple[str, str]],
    wishes: Sequence[Wished],
    refused: Sequence[str],
    *,
    half_view_deg: float,
    rng: np.random.Generator,
) -> tuple[list[Part], list[Unseen], list[tuple[str, str]]]:
    """Return what is heard once wishes are heeded.

    Parameters
    ----------
    heard
        Named parts, the most salient first.
    silent
        Seen parts without a sound, which a wish may name.
    beds
        Concepts and words of the beds.
    wishes
        What is to sound.
    refused
        Concepts that are not to.
    half_view_deg
        Half the picture's horizontal angle of view: what is wished for and not seen is outside.
    rng
        For the directions of the unseen.

    Returns
    -------
    heard, unseen, beds
        Wished-for parts come first; at least one bed stays.
    """
    gone = set(refused) | {c for one in refused for c in _WITH.get(one, "").split()}
    gone -= {wish.concept for wish in wishes}
    parts = [part for part in heard if part.name.concept not in gone]
    layers = [one for one in beds if one[0] not in gone]
    chosen: list[Part] = []
    unseen: list[Unseen] = []
    # A wish takes the part that bears its very name before another wish takes it as its like.
    exact = {w.concept for w in wishes} & {part.name.concept for part in parts}
    for wish in wishes:
        known = concepts().get(wish.concept)
        if known is not None and known.kind == "bed":
            layers = [one for one in layers if not _displaces(wish.concept, one[0])]
            layers.append((wish.concept, wish.words))
            continue
        match = next((p for p in parts if p.name.concept == wish.concept), None)
        match = match or next(
            (
                p
                for p in parts
                if alike(p.name.concept or "", wish.concept) and p.name.concept not in exact
            ),
            None,
        )
        if match is None:
            match = _unnamed(silent, chosen, wish.concept)
        if match is not None:
            parts = [part for part in parts if part is not match]
            name = Name(wish.concept, wish.words, max(match.name.score, 0.5))
            chosen.append(replace(match, name=name))
        else:
            unseen.append(_put(wish, half_view_deg, rng))
    if not layers:
        layers = [("wind", "a light wind") if "wind" not in gone else ("ventilation", "quiet air")]
    return chosen + parts, unseen, layers


def _displaces(new: str, old: str) -> bool:
    """Return whether one bed leaves no room for another: weather of the same sort."""
    sort = new.split("-")[0]
    return new == old or (sort in _WEATHER and old.split("-")[0] == sort)


def _unnamed(silent: Sequence[Part], taken: Sequence[Part], concept: str) -> Part | None:
    known = concepts().get(concept)
    if known is None:
        return None
    if concept in ("church-bells", "clock"):
        fit = [p for p in silent if p.what == "stuff" and p.name.words == "building"]
    elif concept in ("crickets", "grasshoppers", "cicadas"):
        fit = [p for p in silent if p.what == "stuff" and p.name.words == "grass"]
    elif known.family == "biophony":
        fit = [p for p in silent if p.name.words in ("an animal", "a bird")]
    else:
        fit = []
    used = {id(part.mask) for part in taken}
    fit = [part for part in fit if id(part.mask) not in used]
    return max(fit, key=lambda part: area(part.box), default=None)


def _put(wish: Wished, half_view_deg: float, rng: np.random.Generator) -> Unseen:
    """Put a thing where it can be without being seen: beside or behind the listener."""
    known = concepts().get(wish.concept)
    level = known.level_db if known is not None else 70.0
    side = 1.0 if rng.random() < 0.5 else -1.0
    low = min(half_view_deg + 8.0, 150.0)
    azimuth = side * float(rng.uniform(low, 165.0))
    # Loud things are usually far, quiet ones would not be mentioned if they were.
    usual = float(np.clip(10 ** ((level - 62.0) / 20.0), 2.0, 400.0))
    distance = getattr(wish, "distance_m", None)
    metres = float(distance) if distance else usual * float(rng.uniform(0.7, 1.4))
    high = 12.0 if wish.concept in _FAMILIES[3] else 0.0
    gain = 5.0 * float(getattr(wish, "strength", 0.0) or 0.0)
    return Unseen(wish.concept, wish.words, azimuth, high, max(metres, 0.5), gain)
