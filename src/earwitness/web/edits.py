"""Edits of a scene: what comes from the page becomes the scene, and only what changed sounds anew.

The page sends the whole ``scene.json``, so undoing is sending what was there before. Stems are
never taken from it: the service knows which stem belongs to which source.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from earwitness.errors import OptionError, SceneError, VoiceError
from earwitness.scene import Bed, Scene, Source

_Item = TypeVar("_Item", Source, Bed)
MOST_PARTS = 64


def _concept(item: Source | Bed, where: str) -> str:
    """Return the concept that a new name means."""
    from earwitness.voice.phrases import understand

    try:
        return str(understand(item.name).wishes[0].concept)
    except VoiceError as error:
        raise SceneError(f"{where}.name", item.name, f"words that name a sound ({error})") from None


def _one(item: _Item, old: Source | Bed | None, where: str) -> _Item:
    if old is None:
        return replace(item, stem=None, concept=_concept(item, where), credits=())
    if item.name != old.name:
        concept = item.concept if item.concept != old.concept else _concept(item, where)
        return replace(item, stem=None, concept=concept, credits=())
    if item.concept != old.concept:
        return replace(item, stem=None, credits=())
    return replace(item, stem=old.stem, credits=old.credits)


def edited(old: Scene, new: Scene) -> Scene:
    """Return the scene that an edit makes.

    Parameters
    ----------
    old
        As it is.
    new
        As the page sent it, already validated.

    Returns
    -------
    Scene
        With a null stem wherever the name or concept is new; what is kept keeps its stem.

    Raises
    ------
    OptionError
        If the duration or the seed differ: then all would sound anew.
    SceneError
        If a new name names no known sound.

    Examples
    --------
    >>> dog = Source("dog-1", "a dog barking", "dog", stem="stems/dog-1.flac")
    >>> made = edited(Scene((dog,)), Scene((replace(dog, name="wolf", stem="../../etc/passwd"),)))
    Traceback (most recent call last):
    ...
    earwitness.errors.SceneError: stem holds '../../etc/passwd'; allowed is null or a path ...
    >>> made = edited(Scene((dog,)), Scene((replace(dog, name="wolf"),)))
    >>> made.sources[0].concept, made.sources[0].stem
    ('wolf', None)
    """
    if new.duration_s != old.duration_s or new.seed != old.seed:
        raise OptionError(
            f"an edit keeps the duration ({old.duration_s:g} s) and the seed ({old.seed}); "
            f"make a new scene for others"
        )
    held = {item.id: item for item in old.parts}
    return replace(
        new,
        sources=tuple(_one(s, held.get(s.id), f"sources[{i}]") for i, s in enumerate(new.sources)),
        bed=tuple(_one(b, held.get(b.id), f"bed[{i}]") for i, b in enumerate(new.bed)),
        origin=old.origin,
    )


def added(old: Scene, words: str) -> Scene:
    """Return the scene with more in it: what words name, somewhere around the listener.

    Parameters
    ----------
    old
        As it is.
    words
        Such as "church bells far away".

    Returns
    -------
    Scene
        What is new has a null stem, and a level at which it is heard beside the rest.

    Raises
    ------
    VoiceError
        If the words name no known sound.
    OptionError
        If the scene is full.

    Examples
    --------
    >>> made = added(Scene((Source("dog-1", "a dog barking", "dog"),)), "a dog, light rain")
    >>> [source.id for source in made.sources], [bed.id for bed in made.bed]
    (['dog-1', 'dog-2'], ['rain-light-1'])
    """
    from earwitness.atlas.place.wishes import steered
    from earwitness.look.balance import balanced
    from earwitness.voice.phrases import understand

    phrase = understand(words)
    rng = np.random.default_rng([old.seed, len(old.parts)])
    sources, beds = steered((), (), phrase.wishes, phrase.refused, rng=rng)
    if not sources and not beds:
        raise VoiceError(f"{words!r} asks for nothing that sounds; name something, such as 'a dog'")
    if len(old.parts) + len(sources) + len(beds) > MOST_PARTS:
        raise OptionError(f"a scene holds at most {MOST_PARTS} sounds here; remove some first")
    taken = {item.id for item in old.parts}

    def own(item: _Item) -> _Item:
        number = next(n for n in range(1, 10_000) if f"{item.concept}-{n}" not in taken)
        taken.add(f"{item.concept}-{number}")
        return replace(item, id=f"{item.concept}-{number}")

    new_sources = [own(source) for source in sources[::-1]]
    new_beds = [own(bed) for bed in beds]
    evened, behind = balanced((*old.sources, *new_sources), (*old.bed, *new_beds))
    return replace(
        old,
        sources=(*old.sources, *evened[len(old.sources) :]),
        bed=(*old.bed, *behind[len(old.bed) :]),
    )
