"""The parts that look and speak, made from what the user wrote; presets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from earwitness import plugins
from earwitness.errors import OptionError
from earwitness.look.contract import FREE, Depth, Found, Name, Namer, Picture, Segmenter
from earwitness.look.wishes import Wished
from earwitness.verbs.options import Options
from earwitness.voice.contract import Voice
from earwitness.voice.phrases import read, understand

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # The choices of the paper: arXiv 2406.06612, sections 3 and 4, and its published settings.
        "see-2-sound": MappingProxyType(
            {
                "look": "sam-published+depth-anything-v1",
                "name": "picture",
                "voice": "codi",
                "steps": 500,
                "sources": 3,
                "layouts": ("5.1",),
                "renderer": "propagation",
            }
        )
    }
)
"""By name, options that stand where the user says nothing."""


def preset(name: str) -> Mapping[str, Any]:
    """Return the options of a preset.

    Raises
    ------
    OptionError
        With those that there are.

    Examples
    --------
    >>> preset("see-2-sound")["sources"]
    3
    """
    if name not in PRESETS:
        raise OptionError(f"no preset is called {name!r}; there is {', '.join(sorted(PRESETS))}")
    return PRESETS[name]


def split_look(look: str) -> tuple[str, str]:
    """Return who segments and who measures depth, each with its words.

    Examples
    --------
    >>> split_look("sam2+depth-anything-v2"), split_look("sam2:a+b")
    (('sam2', 'depth-anything-v2'), ('sam2:a+b', 'builtin'))
    >>> split_look("sam2:a+b+depth-anything-v2:c+d")
    ('sam2:a+b', 'depth-anything-v2:c+d')
    """
    known = plugins.names("depth")
    for plus in re.finditer(r"\+", look):
        after = look[plus.end() :]
        if after.partition(":")[0] in known:
            return look[: plus.start()], after
    if ":" in look:
        return look, "builtin"
    segmenter, _, depth = look.partition("+")
    return segmenter, depth or "builtin"


class UnderstoodNamer:
    """A namer whose free words are looked up in the vocabulary.

    Parameters
    ----------
    namer
        Who names.
    any_words
        Whether the voice takes words that the vocabulary does not know; else a region that is
        named by such words is silent.
    """

    def __init__(self, namer: Namer, *, any_words: bool) -> None:
        self.namer, self.any_words = namer, any_words

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return what each region is taken for."""
        return [self._settled(one) for one in self.namer.name(picture, found)]

    def _settled(self, name: Name) -> Name:
        if name.concept != FREE:
            return name
        wishes = read(name.words).wishes
        if wishes:
            return replace(name, concept=wishes[0].concept)
        return name if self.any_words else replace(name, concept=None)


@dataclass(frozen=True)
class Looking:
    """Who looks, and for what.

    Parameters
    ----------
    segmenter, namer, depth
        As their Protocols say.
    wishes, refused
        What the user asked for, and did not want.
    prompt
        What the user said that names no source of its own, to be joined with every name.
    """

    segmenter: Segmenter
    namer: Namer
    depth: Depth
    wishes: Sequence[Wished] = ()
    refused: Sequence[str] = ()
    prompt: str = ""


def looking(options: Options, voice: Voice) -> Looking:
    """Return who looks, as options say; what cannot be had is told before anything is loaded.

    Parameters
    ----------
    options
        What the user wrote.
    voice
        Who will make the sounds: voices that take any words are given those that name nothing.
    """
    any_words = bool(getattr(voice, "any_words", False))
    segmenter, depth = split_look(options.look)
    settings = options.models
    namer: Namer = plugins.made("namer", options.name or "builtin", settings)
    parts = Looking(
        plugins.made("segmenter", segmenter, settings),
        UnderstoodNamer(namer, any_words=any_words),
        plugins.made("depth", depth, settings),
    )
    if not options.prompt:
        return parts
    if options.name == "picture":
        # SEE-2-SOUND shows its voice each region together with the prompt.
        return replace(parts, prompt=options.prompt)
    if any_words and not (read(options.prompt).wishes or read(options.prompt).refused):
        return replace(parts, prompt=options.prompt)
    asked = understand(options.prompt)
    return replace(parts, wishes=asked.wishes, refused=asked.refused)
