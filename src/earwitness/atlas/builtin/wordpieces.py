"""Words to pieces of words, as BERT's uncased models cut them.

Source: Devlin et al., "BERT" (NAACL 2019); Wu et al., "Google's Neural Machine Translation System"
(2016) for the pieces.
"""

from __future__ import annotations

import lzma
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

LONGEST = 64
"""Most pieces that are read of a text, with the marks of beginning and end."""

_LONGEST_WORD = 100


@cache
def vocabulary() -> dict[str, int]:
    """Return each piece's number; pieces that begin with ``##`` go on with a word."""
    packed = files(__package__).joinpath("pieces.txt.xz").read_bytes()
    lines = lzma.decompress(packed).decode("utf-8").split("\n")
    return {piece: number for number, piece in enumerate(lines)}


def words_of(text: str) -> list[str]:
    """Cut a text into lower-case words without accents, and single marks.

    Examples
    --------
    >>> words_of("Sea-gulls crying, Été!")
    ['sea', '-', 'gulls', 'crying', ',', 'ete', '!']
    """
    plain = unicodedata.normalize("NFD", text.lower())
    made: list[str] = []
    joined = False
    for letter in plain:
        kind = unicodedata.category(letter)
        if kind == "Mn":
            continue
        if kind[0] in "ZC":
            joined = False
        elif kind[0] in "PS" or ord(letter) > 0x2E80:
            made.append(letter)
            joined = False
        elif joined:
            made[-1] += letter
        else:
            made.append(letter)
            joined = True
    return made


def pieces_of(word: str, known: dict[str, int]) -> list[int]:
    """Return the numbers of a word's pieces, the longest first; of ``[UNK]`` if there are none."""
    numbers, start = [], 0
    while start < len(word) and len(word) <= _LONGEST_WORD:
        head = "##" if start else ""
        for end in range(len(word), start, -1):
            number = known.get(head + word[start:end])
            if number is not None:
                numbers.append(number)
                start = end
                break
        else:
            return [known["[UNK]"]]
    return numbers or [known["[UNK]"]]


def tokenise(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pieces and mask of texts, both int64 of shape (n, longest).

    Examples
    --------
    >>> pieces, mask = tokenise(["rain", "rain on the roof"])
    >>> pieces.shape, mask.sum(axis=1).tolist()
    ((2, 6), [3, 6])
    """
    known = vocabulary()
    rows = []
    for text in texts:
        numbers = [n for word in words_of(text) for n in pieces_of(word, known)]
        rows.append([known["[CLS]"], *numbers[: LONGEST - 2], known["[SEP]"]])
    wide = max((len(row) for row in rows), default=2)
    pieces = np.full((len(rows), wide), known["[PAD]"], np.int64)
    mask = np.zeros((len(rows), wide), np.int64)
    for place, row in enumerate(rows):
        pieces[place, : len(row)] = row
        mask[place, : len(row)] = 1
    return pieces, mask
