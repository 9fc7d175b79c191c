"""Open words → wishes: what is to sound, how many, how strong, how far, and what is not to.

The words are matched against the lists of :mod:`earwitness.voice.lexicon`, the longest entry
first, clause by clause. Nothing is guessed: a phrase in which no known thing, act or place is
found is refused with the nearest that is known.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from earwitness.errors import VoiceError
from earwitness.scene import concepts
from earwitness.voice.lexicon import IGNORED, Lexicon, lexicon, plain, stem, word_set

_BREAKS = word_set(
    ", ; . & + / : ( ) ! ? and with over while as then plus but when whilst amid beneath under "
    "above behind among along before after during followed or nor accompanied including where "
    "until between besides alongside mixed interrupted"
)
_NEGATIONS = word_set("no not without never neither nor except lacking minus isn aren doesn")
_CARRY_NEGATION = {
    "no": frozenset({"or", "nor"}),
    "not": frozenset({"or", "nor"}),
    "without": frozenset({"or", "nor", "and"}),
}
_ARTICLES = word_set("a an the some another")
_AFTER = word_set(
    "nearby away off distance background outside overhead horizon close up slowly quickly"
)
_PERSON = word_set(
    "person people man woman someone lady guy he she adult male female somebody human gentleman "
    "boy girl teenager player driver worker visitor"
)
_UNITS = {
    r"(?:°\s*c|degrees?\s*c(?:elsius)?|celsius)\b": ("°C", 1.0, 0.0),
    r"(?:°\s*f|degrees?\s*f(?:ahrenheit)?|fahrenheit)\b": ("°C", 5 / 9, -160 / 9),
    r"(?:°|degrees?)(?!\w)": ("°C", 1.0, 0.0),
    r"(?:km\s*/\s*h|kmh|kph)\b": ("m/s", 1 / 3.6, 0.0),
    r"mph\b": ("m/s", 0.44704, 0.0),
    r"m\s*/\s*s\b": ("m/s", 1.0, 0.0),
    r"mm\s*/\s*h\b": ("mm/h", 1.0, 0.0),
    r"khz\b": ("Hz", 1000.0, 0.0),
    r"hz\b": ("Hz", 1.0, 0.0),
    r"rpm\b": ("1/min", 1.0, 0.0),
    r"bpm\b": ("1/min", 1.0, 0.0),
    r"(?:km|kilomet(?:re|er)s?)\b": ("m", 1000.0, 0.0),
    r"miles?\b": ("m", 1609.3, 0.0),
    r"(?:m|met(?:re|er)s?)\b": ("m", 1.0, 0.0),
    r"(?:yards?|yd)\b": ("m", 0.9144, 0.0),
    r"(?:feet|foot|ft)\b": ("m", 0.3048, 0.0),
}


@dataclass(frozen=True)
class Wish:
    """One thing that is to sound.

    Parameters
    ----------
    concept
        Key in the vocabulary.
    words
        The words that named it.
    strength, tempo, size, pitch
        −1 (least) to 1 (most), 0 as usual.
    distance_m
        Metres from the listener, or None where nothing was said.
    count
        How many, or None.
    material
        Such as "metal", or None.
    time_of_day
        Such as "night", or None.
    temperature_c
        Degrees Celsius, or None.
    quantities
        Numbers with their unit, such as ``((50.0, "1/min"),)``.
    """

    concept: str
    words: str
    strength: float = 0.0
    tempo: float = 0.0
    size: float = 0.0
    pitch: float = 0.0
    distance_m: float | None = None
    count: int | None = None
    material: str | None = None
    time_of_day: str | None = None
    temperature_c: float | None = None
    quantities: tuple[tuple[float, str], ...] = ()

    @property
    def said(self) -> str:
        """What was understood, for people ("three dogs" → "a dog barking ×3")."""
        parts = [concepts()[self.concept].label]
        if self.count is not None and self.count > 1:
            parts[0] += f" ×{self.count}"
        notes = []
        if self.strength:
            notes.append("strong" if self.strength > 0 else "soft")
        if self.tempo:
            notes.append("fast" if self.tempo > 0 else "slow")
        if self.material:
            notes.append(self.material)
        if self.distance_m is not None:
            notes.append(f"{self.distance_m:g} m")
        if self.temperature_c is not None:
            notes.append(f"{self.temperature_c:g} °C")
        return parts[0] + (f" ({', '.join(notes)})" if notes else "")


@dataclass(frozen=True)
class Phrase:
    """What was understood of some words.

    Parameters
    ----------
    text
        The words.
    wishes
        What is to sound, in the order of the words.
    refused
        Concepts that are not to sound ("no traffic").
    manner
        What was said of the whole: a wish without a sound of its own, whose concept is empty.
    ignored
        Words that counted for nothing.
    """

    text: str
    wishes: tuple[Wish, ...]
    refused: tuple[str, ...] = ()
    manner: Wish = field(default_factory=lambda: Wish("", ""))
    ignored: tuple[str, ...] = ()


@dataclass
class _Piece:
    """A matched stretch of a clause: kind, what it holds, its stems and place."""

    kind: str  # name, act, place, manner, number, other
    value: Any
    stems: tuple[str, ...]
    at: int
    text: str
    negated: bool
    article: bool = False  # "a crow", not "it crows"


def _tokens(text: str) -> tuple[list[str], list[tuple[float, str]]]:
    """Return words and breaks; a number with its unit becomes ``#k``, k its place in a list."""
    text = plain(text).replace("#", " ")
    quantities: list[tuple[float, str]] = []

    def keep(unit: str, factor: float, offset: float) -> Any:
        def one(match: re.Match[str]) -> str:
            quantities.append((float(match[1].replace(",", ".")) * factor + offset, unit))
            return f" #{len(quantities) - 1} "

        return one

    for pattern, (unit, factor, offset) in _UNITS.items():
        text = re.sub(
            rf"(?<![\w#.])(-?\d{{1,6}}(?:[.,]\d+)?)\s*{pattern}", keep(unit, factor, offset), text
        )
    return re.findall(r"#\d+|[a-z]+|\d+|[,;.&+/:()!?]", text), quantities


def _clauses(words: Sequence[str]) -> list[tuple[list[str], str]]:
    """Return the clauses, each with the break before it."""
    known = lexicon().names
    clauses: list[tuple[list[str], str]] = [([], "")]
    i = 0
    while i < len(words):
        # A break inside a name ("wind over dunes", "pots and pans") does not part it.
        for length in range(min(5, len(words) - i), 1, -1):
            run = [w for w in words[i : i + length] if w not in IGNORED]
            inner = words[i : i + length]
            broken = _BREAKS.intersection(inner[:-1])
            if broken and (tuple(run) in known or tuple(map(stem, run)) in known):
                clauses[-1][0].extend(inner)
                i += length
                break
        else:
            if words[i] in _BREAKS and words[i] not in _NEGATIONS:
                clauses.append(([], words[i]))
            else:
                clauses[-1][0].append(words[i])
            i += 1
    return clauses


def _look_up(entry: tuple[str, ...], lists: Lexicon) -> tuple[str, Any] | None:
    stemmed = tuple(stem(w) for w in entry)
    for form in (entry, stemmed):
        if form in lists.names:
            return "name", lists.names[form]
    for form in (entry, stemmed):
        if form in lists.manners:
            # "Packed" snow is no pack: a number is a noun, or it is none.
            if lists.manners[form][0][0] == "count" and entry[-1] not in (form[-1], form[-1] + "s"):
                continue
            return "manner", lists.manners[form]
    if stemmed in lists.acts:
        return "act", lists.acts[stemmed]
    if stemmed in lists.places:
        return "place", lists.places[stemmed]
    return None


def _pieces(words: Sequence[str], negated: str, lists: Lexicon) -> tuple[list[_Piece], str]:
    """Match a clause, longest entry first; return the pieces and the negation still in force."""
    counted: list[tuple[str, str]] = []  # word, negation in force
    articles: set[int] = set()
    for word, before in zip(words, ["", *words], strict=False):
        if word in _NEGATIONS:
            negated = word
        elif word not in IGNORED:
            if before in _ARTICLES:
                articles.add(len(counted))
            counted.append((word, negated))
    found: list[_Piece] = []
    i = 0
    while i < len(counted):
        word, sign = counted[i]
        if word.startswith("#"):
            found.append(_Piece("number", int(word[1:]), (), i, word, bool(sign)))
            i += 1
            continue
        if i + 1 < len(counted) and counted[i + 1][0] in ("time", "times"):
            i += 2  # "three times" is no number of things
            continue
        if word.isdigit():
            found.append(_Piece("manner", (("count", int(word)),), (), i, word, bool(sign)))
            i += 1
            continue
        for length in range(min(lists.longest, len(counted) - i), 0, -1):
            if counted[i + length - 1][1] != sign:
                continue  # "street | without traffic"
            entry = tuple(w for w, _ in counted[i : i + length])
            match = _look_up(entry, lists)
            if match:
                kind, value = match
                said = tuple(map(stem, entry))
                found.append(
                    _Piece(kind, value, said, i, " ".join(entry), bool(sign), i in articles)
                )
                i += length
                if sign == "not" and kind == "manner":  # "not loud footsteps" are footsteps
                    counted[i:] = [(w, "" if n == "not" else n) for w, n in counted[i:]]
                    negated = ""
                break
        else:
            found.append(_Piece("other", None, (stem(word),), i, word, bool(sign)))
            i += 1
    return found, negated


def _demote(pieces: list[_Piece], lists: Lexicon, earlier: Sequence[str]) -> None:
    """Turn names into acts where another name of the clause does that ("a rooster crows")."""
    for piece in pieces:
        if piece.kind != "name" or piece.stems not in lists.acts:
            continue
        doers = lists.acts[piece.stems]
        others = [p for p in pieces if p is not piece and p.kind == "name"]
        if any(p.value in doers and p.value != piece.value for p in others):
            piece.kind, piece.value = "act", doers
    named = {p.value for p in pieces if p.kind == "name" and not p.negated}
    if len(named) == 1:
        # "A bird chirps and sings": what was named before does it. "A crow" is a thing.
        for piece in pieces:
            if piece.kind == "name" and piece.stems in lists.acts and not piece.article:
                doers = lists.acts[piece.stems]
                if any(concept in doers and concept != piece.value for concept in earlier):
                    piece.kind, piece.value = "act", doers
        named = {p.value for p in pieces if p.kind == "name" and not p.negated}
    for piece in pieces:
        if piece.kind == "name" and lists.yields.get(piece.value, frozenset()) & named:
            piece.kind = "other"


def _human(concept: str) -> bool:
    return concepts()[concept].family in ("anthropophony", "music")


def _from_acts(pieces: list[_Piece], lists: Lexicon) -> str | None:
    """Return what does all that, where nothing is named."""
    acts = [p for p in pieces if p.kind == "act" and not p.negated and p.stems[0] not in _PERSON]
    acts = [p for p in acts if p.stems not in lists.never_alone]
    if not acts:
        return None
    person = any(p.stems and p.stems[0] in _PERSON for p in pieces)
    scores: dict[str, float] = {}
    for piece in acts:
        for rank, concept in enumerate(piece.value):
            if person and not _human(concept):
                continue
            # Every act counts one; the first of those that do it is preferred a little.
            scores[concept] = scores.get(concept, 0.0) + 1.0 - 0.01 * min(rank, 50)
    return max(scores, key=lambda c: scores[c]) if scores else None


def _apply(wish: Wish, kind: str, value: Any, negated: bool) -> Wish:
    sign = -1.0 if negated else 1.0
    if kind in ("strength", "tempo", "size", "pitch"):
        old = getattr(wish, kind)
        new = sign * float(value)
        stronger: dict[str, Any] = {kind: new if abs(new) > abs(old) else old}
        return replace(wish, **stronger)
    if negated:
        return wish
    slot = {
        "distance": "distance_m",
        "time": "time_of_day",
        "temperature": "temperature_c",
        "count": "count",
        "material": "material",
    }[kind]
    told: dict[str, Any] = {slot: value}
    return replace(wish, **told)


def _measure(wish: Wish, value: float, unit: str) -> Wish:
    if unit == "m":
        return replace(wish, distance_m=min(max(value, 0.5), 20000.0))
    if unit == "°C":
        return replace(wish, temperature_c=value)
    return replace(wish, quantities=(*wish.quantities, (value, unit)))


@dataclass
class _Reader:
    """The state while a phrase is read clause by clause."""

    lists: Lexicon
    quantities: list[tuple[float, str]]
    wishes: list[Wish] = field(default_factory=list)
    heard: list[set[str]] = field(default_factory=list)  # stems of the clause of each wish
    refused: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    persons: bool = False
    manner: Wish = field(default_factory=lambda: Wish("", ""))
    waiting: list[_Piece] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def clause(self, pieces: list[_Piece]) -> None:
        """Read one clause."""
        _demote(pieces, self.lists, [w.concept for w in self.wishes])
        for piece in pieces:
            if piece.negated and piece.kind == "name":
                self.refused.append(piece.value)
            elif piece.negated and piece.kind == "act":
                self.refused.extend(piece.value[:1])
            elif piece.kind == "place" and not piece.negated:
                self.places.extend(piece.value)
            elif piece.kind == "other":
                self.ignored.append(piece.text)
            if piece.stems and piece.stems[0] in _PERSON and piece.kind == "act":
                self.persons = True
        told = {s for p in pieces if not p.negated for s in p.stems}
        names = [p for p in pieces if p.kind == "name" and not p.negated]
        if not names:
            self._nameless(pieces, told)
        seen: dict[str, int] = {}
        index: dict[int, int] = {}  # id of a name's piece → its wish
        for piece in names:
            if piece.value not in seen:
                seen[piece.value] = len(self.wishes)
                self.wishes.append(self._inside(Wish(piece.value, piece.text)))
                self.heard.append(told)
            index[id(piece)] = seen[piece.value]
        self._manners(pieces, names, index)

    def _nameless(self, pieces: list[_Piece], told: set[str]) -> None:
        """Read a clause of acts alone: they belong to a thing named before, or stand for one."""
        acts = [p for p in pieces if p.kind == "act" and not p.negated]
        doing = [p for p in acts if p.stems[0] not in _PERSON]
        person = len(doing) < len(acts)
        for i in range(len(self.wishes) - 1, -1, -1):
            if person and not _human(self.wishes[i].concept):
                continue
            if any(self.wishes[i].concept in p.value for p in doing):
                self.heard[i] = self.heard[i] | told
                return
        concept = _from_acts(pieces, self.lists)
        if concept is None:
            # "Rain falls | on the tin roof": what is told there still tells of the last thing.
            if self.wishes and not acts:
                self.heard[-1] = self.heard[-1] | told
            return
        words = " ".join(p.text for p in acts)
        self.wishes.append(Wish(concept, words))
        self.heard.append(told)

    def _manners(self, pieces: list[_Piece], names: list[_Piece], index: dict[int, int]) -> None:
        for piece in pieces:
            if piece.kind not in ("manner", "number"):
                continue
            before = [p for p in names if p.at < piece.at]
            after = [p for p in names if p.at > piece.at]
            adverb = piece.kind == "number" or piece.text.split()[-1] in _AFTER
            adverb = adverb or piece.text.endswith("ly")
            if piece.kind == "manner" and piece.value[0][0] == "count":
                # A number stands just before what it counts: "several slaps" is not five dogs.
                after = [p for p in after if p.at - piece.at <= 3]
                if names and not after:
                    continue
            if names:
                chosen = before[-1] if before and (adverb or not after) else (after or before)[0]
                target = index[id(chosen)]
            elif self.wishes:
                target = len(self.wishes) - 1
            else:
                self.waiting.append(piece)
                continue
            self.wishes[target] = self._told(self.wishes[target], piece)
        if self.wishes and self.waiting:
            for piece in self.waiting:
                self.wishes[0] = self._told(self.wishes[0], piece)
            self.waiting = []

    def _inside(self, wish: Wish) -> Wish:
        """Take number and matter from within a name ("a pack of wolves", "rain on tin")."""
        words = [w for w in wish.words.split() if w not in IGNORED]
        for word in words if len(words) > 1 else ():
            for kind, value in self.lists.manners.get((word,), ()):
                if kind in ("count", "material"):
                    wish = _apply(wish, kind, value, False)
        return wish

    def _told(self, wish: Wish, piece: _Piece) -> Wish:
        if piece.kind == "number":
            return _measure(wish, *self.quantities[piece.value])
        for kind, value in piece.value:
            wish = _apply(wish, kind, value, piece.negated)
        return wish

    def refine(self) -> None:
        """Make concepts more exact by the other words of their clause."""
        for i, wish in enumerate(self.wishes):
            own = {stem(w) for w in wish.words.split()}
            for old, words, new in self.lists.refinements:
                if wish.concept in old and words & (self.heard[i] - own):
                    self.wishes[i] = wish = replace(wish, concept=new)
                    break

    def merge(self) -> None:
        """Join wishes for the same concept: what was said later of it completes the first."""
        joined: dict[str, Wish] = {}
        for wish in self.wishes:
            if wish.concept in joined:
                old = joined[wish.concept]
                kept: dict[str, Any] = {
                    name: getattr(old, name) or getattr(wish, name)
                    for name in (
                        "strength", "tempo", "size", "pitch", "distance_m", "material",
                        "time_of_day", "temperature_c", "quantities",
                    )
                }  # fmt: skip
                count = max(old.count or 0, wish.count or 0) or None
                joined[wish.concept] = replace(old, count=count, **kept)
            else:
                joined[wish.concept] = wish
        self.wishes = list(joined.values())


def nearest(text: str, most: int = 3) -> list[str]:
    """Return the concepts whose words are nearest to some words.

    Parameters
    ----------
    text
        Any words.
    most
        How many at most.

    Examples
    --------
    >>> nearest("thunderrr")[0]
    'thunder-near'
    """
    spoken = lexicon().spoken
    single = [entry for entry in spoken if " " not in entry]
    found: list[str] = []
    words = [w for w in re.findall(r"[a-z]+", plain(text)) if w not in IGNORED]
    for cutoff in (0.75, 0.6, 0.45):
        for candidates, asked in ((list(spoken), [plain(text)]), (single, words)):
            for one in asked:
                for entry in difflib.get_close_matches(one, candidates, n=most, cutoff=cutoff):
                    if spoken[entry] not in found:
                        found.append(spoken[entry])
        if len(found) >= most:
            break
    return found[:most]


def understand(text: str) -> Phrase:
    """Return what some words wish to hear.

    Parameters
    ----------
    text
        Any words in English.

    Returns
    -------
    Phrase
        Empty ``wishes`` never: nothing understood is an error.

    Raises
    ------
    VoiceError
        If no known sound, act or place is named, or all that is named is refused ("no traffic").

    Examples
    --------
    >>> [w.concept for w in understand("heavy rain on a tin roof with distant thunder").wishes]
    ['rain-roof', 'thunder-far']
    >>> phrase = understand("birds over a brook, a far motorway, no traffic")
    >>> [w.concept for w in phrase.wishes], phrase.refused
    (['songbird', 'stream', 'motorway'], ('traffic',))
    """
    phrase = read(text)
    if phrase.wishes:
        return phrase
    if phrase.refused:
        labels = ", ".join(concepts()[c].label for c in phrase.refused)
        raise VoiceError(
            f"{text!r} only says what is not to be heard ({labels}); what would be left is "
            "silence. Say what is to sound, such as 'birds, no traffic'"
        )
    near = nearest(text)
    raise VoiceError(
        f"no sound is known for {text!r}; "
        + (f"nearest are {', '.join(near)}; " if near else "")
        + "`earwitness voice --list` shows all"
    )


def read(text: str) -> Phrase:
    """Return what some words say, even if they wish for nothing that sounds.

    Parameters
    ----------
    text
        Any words in English.

    Examples
    --------
    >>> read("quantum flux").wishes
    ()
    """
    lists = lexicon()
    words, quantities = _tokens(text)
    reader = _Reader(lists, quantities)
    negated = ""
    for clause, sep in _clauses(words):
        if sep not in _CARRY_NEGATION.get(negated, frozenset()):
            negated = ""
        pieces, negated = _pieces(clause, negated, lists)
        reader.clause(pieces)
    reader.refine()
    refused = tuple(dict.fromkeys(reader.refused))
    reader.wishes = [w for w in reader.wishes if w.concept not in refused]
    if not reader.wishes and reader.places:
        reader.wishes = [
            Wish(c, concepts()[c].label) for c in dict.fromkeys(reader.places) if c not in refused
        ]
    elif not reader.wishes and reader.persons and not refused and not reader.ignored:
        reader.wishes = [Wish("speech", "a person")]
    reader.merge()
    for piece in reader.waiting:  # "distant" and nothing named: it tells of all there is
        reader.manner = reader._told(reader.manner, piece)
        reader.wishes = [reader._told(w, piece) for w in reader.wishes]
    return Phrase(
        text, tuple(reader.wishes), refused, reader.manner, tuple(dict.fromkeys(reader.ignored))
    )
