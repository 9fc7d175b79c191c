"""The words of sounding things, read from ``words.toml`` and ``manners.toml`` and checked."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from earwitness.errors import VoiceError
from earwitness.scene import concepts

Stems = tuple[str, ...]


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text, as a set."""
    return frozenset(text.split())


IGNORED = word_set(
    "a an the of is are was were be being been in on at to its his her their some that which who "
    "there this these it can heard hearing hear sound sounds noise noises audible"
)
"""Words that count neither in the lists nor in what people say."""

_IRREGULAR = {
    "wolves": "wolf",
    "geese": "goose",
    "mice": "mouse",
    "men": "man",
    "women": "woman",
    "hooves": "hoof",
    "leaves": "leaf",
    "knives": "knife",
    "calves": "calf",
    "oxen": "ox",
    "feet": "foot",
    "thrown": "throw",
    "threw": "throw",
    "blew": "blow",
    "blown": "blow",
    "sang": "sing",
    "sung": "sing",
    "rang": "ring",
    "ran": "run",
    "flew": "fly",
    "flies": "fly",
    "drove": "drive",
    "spoke": "speak",
    "spoken": "speak",
    "fell": "fall",
    "fallen": "fall",
    "broke": "break",
    "shook": "shake",
    "thieves": "thief",
    "loaves": "loaf",
}
_WORDS_THAT_END_SO = word_set(
    "bus gas lens grass glass bass brass princess chess canvas cutlass this us octopus circus "
    "chorus tennis sing ring king wing string spring bring thing evening morning during nothing "
    "something siding red bed feed speed seed reed breed steed need weed hundred shed sled sing "
    "moped crossing rigging building clothing awning ceiling"
)


def plain(text: str) -> str:
    """Return text in lower case without accents and hyphens.

    Examples
    --------
    >>> plain("Café, far‑off Sea‑gulls")
    'cafe, far off sea gulls'
    """
    text = unicodedata.normalize("NFKD", text.casefold())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"(?<=\w)[’'`](s\b|(?=t\b))", "", text)
    return re.sub(r"[-‐‑_]", " ", text)


@cache
def stem(word: str) -> str:
    """Return a word without its ending: one form for plural, -ing, -ed, -ly and silent e.

    A few lines in the manner of Porter (1980), enough for the lists: both the lists and what
    people say go through it, so the stem itself need not be a word.

    Examples
    --------
    >>> stem("barking") == stem("barks") == stem("bark")
    True
    >>> stem("flies") == stem("fly"), stem("running") == stem("runs")
    (True, True)
    """
    word = _IRREGULAR.get(word, word)
    if word in _WORDS_THAT_END_SO or len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "shes", "ches", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us")):
        word = word[:-1]
    if word in _WORDS_THAT_END_SO:
        return word
    for ending in ("ing", "ed", "ly"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and re.search(r"[aeiouy]", base):
            # "riding" and "raced" lost an e; "mowing" and "tapping" did not.
            lost = re.fullmatch(r"[^aeiou]?[^aeiou][aeiouy][^aeiouywx]", base) and ending != "ly"
            word = base + "e" if lost else base
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiouylsz":
        word = word[:-1]
    silent = len(word) > 4 or re.search(r"[^aeiou]le$", word)
    if silent and word.endswith("e") and not word.endswith("ee"):
        word = word[:-1]
    return word


def stems(text: str) -> Stems:
    """Return the stems of the words that count.

    Examples
    --------
    >>> stems("rain on a tin roof")
    ('rain', 'tin', 'roof')
    """
    return tuple(stem(w) for w in re.findall(r"[a-z]+", plain(text)) if w not in IGNORED)


def raws(text: str) -> Stems:
    """Return the words that count as they stand."""
    return tuple(w for w in re.findall(r"[a-z]+", plain(text)) if w not in IGNORED)


@dataclass(frozen=True)
class Lexicon:
    """Every list of words, by stems.

    Parameters
    ----------
    names
        Words as written, and stems, of a thing → its concept.
    acts
        Stems of an act → the concepts that list it, in the order of preference.
    never_alone
        Acts that so many things do that alone they stand for none.
    places
        Stems of a place → what sounds there.
    yields
        Concept → concepts that it gives way to within a clause.
    refinements
        ``(from, stems, to)`` in order.
    manners
        Stems of a manner → ``(kind, value)`` pairs ("strength", 0.8).
    spoken
        Every word and phrase of a concept, as written, for "nearest are".
    longest
        Most words in any entry.
    """

    names: Mapping[Stems, str]
    acts: Mapping[Stems, tuple[str, ...]]
    never_alone: frozenset[Stems]
    places: Mapping[Stems, tuple[str, ...]]
    yields: Mapping[str, frozenset[str]]
    refinements: tuple[tuple[frozenset[str], frozenset[str], str], ...]
    manners: Mapping[Stems, tuple[tuple[str, Any], ...]]
    spoken: Mapping[str, str]
    longest: int


def _split(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(name).read_text("utf-8"))


def _known(where: str, keys: Iterable[str]) -> None:
    strangers = sorted(set(keys) - set(concepts()))
    if strangers:
        raise VoiceError(f"words.toml {where} names unknown concepts: {', '.join(strangers)}")


@cache
def lexicon() -> Lexicon:
    """Return the lists, read once and checked.

    Raises
    ------
    VoiceError
        If a list names a concept that the vocabulary lacks, or a concept has no words.

    Examples
    --------
    >>> lexicon().names[("rill",)]
    'stream'
    """
    table = _read("words.toml")
    _known("names", table["names"])
    _known("acts", table["acts"])
    _known("default", set(table["default"].values()) - {""})
    wordless = sorted(set(concepts()) - set(table["names"]))
    if wordless:
        raise VoiceError(f"words.toml has no words for: {', '.join(wordless)}")
    spoken: dict[str, str] = {}
    written: dict[Stems, str] = {}
    stemmed: dict[Stems, str] = {}
    for key, entries in table["names"].items():
        label = concepts()[key].label
        for entry in [*_split(entries), label, key.replace("-", " ")]:
            spoken.setdefault(plain(entry), key)
            if entry != label and re.search(r"\b(noise|sound)s?\b", entry):
                continue  # "street noise" must not make every street a road
            written.setdefault(raws(entry), key)
            stemmed.setdefault(stems(entry), key)
    names = {**stemmed, **written}
    names.pop((), None)
    acts: dict[Stems, list[str]] = {}
    for key, entries in table["acts"].items():
        for entry in _split(entries):
            acts.setdefault(stems(entry), []).append(key)
    never_alone = frozenset(stems(e) for e, key in table["default"].items() if not key)
    for entry, key in table["default"].items():
        if not key:
            acts.setdefault(stems(entry), [])
            continue
        acts[stems(entry)] = [key, *(k for k in acts.get(stems(entry), []) if k != key)]
    places = {stems(entry): tuple(_split(found)) for entry, found in table["places"].items()}
    for found in places.values():
        _known("places", found)
    manners: dict[Stems, list[tuple[str, Any]]] = {}
    for kind, values in _read("manners.toml").items():
        if kind == "silence":
            continue
        for entry, value in values.items():
            for form in {raws(entry), stems(entry)} - {()}:
                pairs = manners.setdefault(form, [])
                if kind not in (k for k, _ in pairs):
                    pairs.append((kind, value))
    refinements = tuple(
        (frozenset(_split(r["from"])), frozenset(stem(w) for w in _split(r["words"])), r["to"])
        for r in table["refine"]
    )
    for old, _, new in refinements:
        _known("refine", [*old, new])
    yields = {key: frozenset(_split(entries)) for key, entries in table["yields"].items()}
    _known("yields", [*yields, *(k for found in yields.values() for k in found)])
    acts.pop((), None)
    everything = [*names, *acts, *places, *manners]
    return Lexicon(
        names,
        {k: tuple(v) for k, v in acts.items()},
        never_alone,
        places,
        yields,
        refinements,
        {k: tuple(v) for k, v in manners.items()},
        spoken,
        max(len(entry) for entry in everything),
    )
