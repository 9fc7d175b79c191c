"""CLIP's byte-pair encoding: words to numbers."""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import PluginError

START, END = 49406, 49407
LENGTH = 77
"""Tokens of a prompt, the two marks included; what is longer is cut."""

_SPECIAL = re.compile(r"(<\|startoftext\|>|<\|endoftext\|>)")
_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


@cache
def _byte_letters() -> tuple[str, ...]:
    """Return a visible letter for each byte, in the order of the vocabulary.

    Bytes that are printable in Latin-1 stand for themselves and come first; the others follow
    as the characters from 256 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    letters = {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(others)}
    return tuple(letters[b] for b in range(256))


@cache
def _vocabulary() -> tuple[dict[str, int], dict[tuple[str, str], int]]:
    """Return the number of each piece, and the rank of each merge."""
    packed = files(__package__).joinpath("merges.txt.xz").read_bytes()
    merges = [tuple(line.split()) for line in lzma.decompress(packed).decode("utf-8").split("\n")]
    letters = _byte_letters()
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    order = printable + [b for b in range(256) if b not in printable]
    pieces = [letters[b] for b in order]
    pieces += [piece + "</w>" for piece in pieces]
    pieces += [first + second for first, second in merges]
    numbers = {piece: i for i, piece in enumerate(pieces)}
    return numbers, {(first, second): rank for rank, (first, second) in enumerate(merges)}


@cache
def _encoded(word: str) -> tuple[int, ...]:
    """Return the numbers of one word, merged as far as the vocabulary goes."""
    numbers, ranks = _vocabulary()
    letters = _byte_letters()
    pieces = [letters[b] for b in word.encode("utf-8")]
    pieces[-1] += "</w>"
    while len(pieces) > 1:
        pairs = set(pairwise(pieces))
        best = min(pairs, key=lambda pair: ranks.get(pair, len(ranks)))
        if best not in ranks:
            break
        merged: list[str] = []
        i = 0
        while i < len(pieces):
            if tuple(pieces[i : i + 2]) == best:
                merged.append(best[0] + best[1])
                i += 2
            else:
                merged.append(pieces[i])
                i += 1
        pieces = merged
    return tuple(numbers[piece] for piece in pieces)


def _kind(character: str) -> str:
    return "" if character.isspace() else unicodedata.category(character)[0]


def _words(text: str) -> Iterator[str]:
    """Yield contractions, runs of letters, single digits, and runs of everything else."""
    i = 0
    while i < len(text):
        contraction = next((c for c in _CONTRACTIONS if text.startswith(c, i)), None)
        if contraction:
            yield contraction
            i += len(contraction)
            continue
        kind = _kind(text[i])
        end = i + 1
        if kind == "L":
            while end < len(text) and _kind(text[end]) == "L":
                end += 1
        elif kind not in ("", "N"):
            while end < len(text) and _kind(text[end]) not in ("", "L", "N"):
                end += 1
        if kind:
            yield text[i:end]
        i = end


def _cleaned(text: str) -> str:
    try:
        import ftfy
    except ImportError:
        raise PluginError(
            "words for CLIP need the module ftfy, which is not installed; "
            "run: pip install 'earwitness[hub]'"
        ) from None
    return re.sub(r"\s+", " ", ftfy.fix_text(text)).strip().lower()


def tokenize(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the numbers of prompts as CLIP's text tower takes them.

    Parameters
    ----------
    texts
        Any words; an empty one is the unconditional prompt.

    Returns
    -------
    ndarray of int64, shape ``(n, 77)``
        Start, pieces, end, and the end's number again up to 77, as in CLIP's own tokeniser
        (Radford et al., ICML 2021).

    Raises
    ------
    PluginError
        If the extra ``[hub]`` is not installed.
    """
    table = np.full((len(texts), LENGTH), END, dtype=np.int64)
    for row, text in zip(table, texts, strict=True):
        found: list[int] = []
        for part in _SPECIAL.split(_cleaned(text)):
            if part in ("<|startoftext|>", "<|endoftext|>"):
                found.append(START if part == "<|startoftext|>" else END)
            else:
                for word in _words(part):
                    found.extend(_encoded(word))
        found = found[: LENGTH - 2]
        row[0] = START
        row[1 : 1 + len(found)] = found
    return table
