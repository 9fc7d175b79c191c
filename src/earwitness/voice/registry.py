"""Every sounding model by its concept, and the table that people read."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

from earwitness.errors import VoiceError
from earwitness.scene import concepts
from earwitness.voice.model import MODELS, Control, Model

FAMILY_PACKAGES = ("geophony", "biophony", "anthropophony", "music")
"""The packages in this room whose import registers the models."""


@dataclass(frozen=True)
class Row:
    """One line of ``voice --list``.

    Parameters
    ----------
    concept, family, label
        As in the vocabulary.
    controls
        What can be set: name, unit, range, usual value.
    source
        The publication behind the model; empty where there is no model.
    voiced
        Whether there is a model.
    """

    concept: str
    family: str
    label: str
    controls: tuple[Control, ...]
    source: str
    voiced: bool


@cache
def models() -> Mapping[str, Model]:
    """Return every model by its concept, importing the families when first asked.

    Examples
    --------
    >>> len(models()) >= 100
    True
    """
    for package in FAMILY_PACKAGES:
        import_module(f"earwitness.voice.{package}")
    known = concepts()
    strangers = sorted(set(MODELS) - set(known))
    if strangers:
        raise VoiceError(f"models for concepts not in the vocabulary: {', '.join(strangers)}")
    return MappingProxyType({key: MODELS[key] for key in known if key in MODELS})


def model_of(concept: str) -> Model:
    """Return the model of a concept.

    Raises
    ------
    VoiceError
        With the nearest concepts, if there is none.

    Examples
    --------
    >>> model_of("rain-heavy").concept
    'rain-heavy'
    """
    found = models().get(concept)
    if found is None:
        near = difflib.get_close_matches(concept, models(), n=3, cutoff=0.4)
        raise VoiceError(
            f"no model sounds for the concept {concept!r}; "
            + (f"nearest are {', '.join(near)}; " if near else "")
            + "`earwitness voice --list` shows all"
        )
    return found


def table() -> tuple[Row, ...]:
    """Return a row for every concept of the vocabulary, in its order."""
    voiced = models()
    return tuple(
        Row(
            concept.key,
            concept.family,
            concept.label,
            voiced[key].controls if key in voiced else (),
            voiced[key].source if key in voiced else "",
            key in voiced,
        )
        for key, concept in concepts().items()
    )
