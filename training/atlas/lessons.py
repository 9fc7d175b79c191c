"""What the built-in model is taught besides its pairs: concepts by name, and other words.

*Prototypes* are what the built-in world knows by name: its concepts, the looks of the ground that
image captions tell, and groups of words that belong to a kind of place (associations.toml). The
rules say which of them each row has. *Words* are the sentence encoder's own vocabulary: how near
each is to every prototype, as that encoder sees it, is what the text side shall keep. No word of
the test of unknown words, nor of the pairs a recipe is chosen by, is among any of these.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from worlddata import Rows, States, encode

from earwitness.atlas.builtin.wordpieces import vocabulary
from earwitness.atlas.world.captions import _LOOKS
from earwitness.atlas.world.layers import ground
from earwitness.atlas.world.rules import PRESENT, at_best
from earwitness.atlas.world.table import soundings

HERE = Path(__file__).parent
KEPT_BACK = (HERE.parents[1] / "tests/atlas/zero_shot.toml", HERE / "dev_pairs.toml")
NEARNESS = 0.06
"""Differences of cosine that count, in the sentence encoder's space."""

STEM = 5
"""Words that begin alike, by as many letters, count as one when some are kept back."""

_GROUND = re.compile(
    r"An aerial view of (?P<a>.*)\. Likely sounds:|From above: (?P<b>.*)\. One would hear"
    r"|(?P<c>.*) seen from space, where|The image shows (?P<d>.*); expect"
    r"|A satellite picture of (?P<e>.*) with the sounds of",
    re.IGNORECASE,
)
_AROUND = {
    "ocean": ("open ocean", "blue water to the horizon"),
    "coast": ("a coast", "the shore"),
    "city": ("a big city", "a large built-up area"),
    "towns": ("towns", "settlements"),
}


def groups() -> dict[str, dict[str, list[str]]]:
    """Return the groups of associations.toml."""
    return tomllib.loads((HERE / "associations.toml").read_text("utf-8"))


def prototypes() -> dict[str, tuple[str, ...]]:
    """Return the phrases of each prototype: concepts in their order, looks, groups."""
    made = {name: (*s.heard, *s.seen) for name, s in soundings().items()}
    made |= {f"look: {name}": said for name, said in (_LOOKS | _AROUND).items()}
    made |= {f"group: {name}": tuple(held["words"]) for name, held in groups().items()}
    return made


def labels(rows: Rows) -> np.ndarray:
    """Return which prototypes each row has, bool, shape (rows, prototypes)."""
    known = {name: rows.weights[:, k] > PRESENT for k, name in enumerate(soundings())}
    grounds = []
    for caption in rows.image_captions:
        found = _GROUND.match(caption)
        if found is None:
            raise SystemExit(f"no ground is told in {caption!r}")
        grounds.append(next(g for g in found.groups() if g is not None).lower())
    for name, said in (_LOOKS | _AROUND).items():
        form = re.compile("|".join(rf"\b{re.escape(s)}\b" for s in said))
        known[f"look: {name}"] = np.array([form.search(g) is not None for g in grounds])
    may = at_best(ground(rows.lat, rows.lon), every_h=2) > PRESENT
    conditions = known | {f"may: {name}": may[:, k] for k, name in enumerate(soundings())}
    for name, held in groups().items():
        there = np.any([conditions[c] for c in held["of"]], axis=0)
        for condition in held.get("and", ()):
            there &= conditions[condition]
        known[f"group: {name}"] = there
    return np.stack([known[name] for name in prototypes()], axis=1)


def kept_back() -> tuple[str, ...]:
    """Return how the words begin that no lesson may hold."""
    kept: set[str] = set()
    for path in KEPT_BACK:
        for pair in tomllib.loads(path.read_text("utf-8"))["words"]:
            words = {w for w in re.findall("[a-z]+", pair.lower()) if len(w) > 2}
            kept |= {w.rstrip("s")[:STEM] for w in words - {"the", "and"}}
    return tuple(sorted(kept))


def free_words() -> list[str]:
    """Return whole words of the vocabulary that are not kept back."""
    kept = kept_back()
    return [
        piece
        for piece in vocabulary()
        if re.fullmatch("[a-z]{3,}", piece) and not piece.startswith(kept)
    ]


def sentence_means(states: States) -> np.ndarray:
    """Return the sentence encoder's own embeddings of its texts, in the order given."""
    made = np.stack(
        [
            states.flat[b : b + n].astype(np.float32).mean(0)
            for b, n in zip(states.start, states.length)
        ]
    )[states.which]
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@dataclass
class Lessons:
    """Phrases of prototypes and free words, with how near these are to those."""

    phrases: States
    owner: np.ndarray
    words: States
    nearness: np.ndarray
    weight: np.ndarray

    @classmethod
    def open(cls, world: Path) -> Lessons:
        """Encode, or read what was encoded before."""
        held = prototypes()
        said = [phrase for phrases in held.values() for phrase in phrases]
        owner = np.repeat(np.arange(len(held)), [len(p) for p in held.values()])
        phrases = encode(said)
        stored = world / "lessons.npz"
        words = free_words()
        if stored.exists():
            with np.load(stored) as f:
                states = States(f["flat"], f["start"], f["length"], f["which"])
        else:
            states = encode(words)
            np.savez(
                stored, flat=states.flat, start=states.start, length=states.length,
                which=states.which,
            )  # fmt: skip
        nearness = near(sentence_means(states), sentence_means(phrases), owner)
        # A word that is near nothing here teaches little: it is seldom drawn.
        best = nearness.max(axis=1)
        weight = np.exp((best - best.max()) / 0.08)
        return cls(phrases, owner, states, nearness, weight / weight.sum())

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return states and mask of some words, and what share each prototype has in them."""
        drawn = rng.choice(len(self.weight), count, replace=False, p=self.weight)
        states, mask = self.words.take(drawn)
        share = torch.softmax(torch.from_numpy(self.nearness[drawn]) / NEARNESS, dim=1)
        return states, mask, share

    def one_of_each(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return states and mask of one phrase of each prototype."""
        order = rng.permutation(len(self.owner))
        _, first = np.unique(self.owner[order], return_index=True)
        return self.phrases.take(order[first])


def near(words: np.ndarray, phrases: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Return the mean cosine of each word with the two nearest phrases of each prototype."""
    cosine = words @ phrases.T
    best = [
        np.sort(cosine[:, owner == k], axis=1)[:, -2:].mean(axis=1) for k in range(owner.max() + 1)
    ]
    return np.stack(best, axis=1).astype(np.float32)
