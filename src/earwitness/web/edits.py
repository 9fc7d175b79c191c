"""Edits of a scene: what comes from the page becomes the scene, and only what changed sounds anew.

The page sends the whole ``scene.json``, so undoing is sending what was there before. Stems are
never taken from it: the service knows which stem belongs to which source.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from earwitness.errors import OptionError, SceneError, VoiceError
from earwitness.scene import Bed, Scene, Source

_Item = TypeVar("_Item", Source, Bed)


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
