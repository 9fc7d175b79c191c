"""The second voice: a folder of recordings, picked by words and by seed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import VoiceError
from earwitness.scene import Credit, concepts
from earwitness.voice import grains, level, recordings
from earwitness.voice.contract import STEM_LUFS, Request, Voiced
from earwitness.voice.lexicon import stems
from earwitness.voice.phrases import Phrase, Wish, read
from earwitness.voice.recordings import Recording
from earwitness.voice.stem import stream
from earwitness.voice.synthesiser import level_at_listener

Samples = NDArray[np.float64]

VARIABLE = "EARWITNESS_LIBRARY"
"""Environment variable with the folder, where none is given."""

_ALMOST = 0.75  # of the best score: among these the seed chooses


@cache
def _tags(words: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the stems of a recording's words, and the concepts they name."""
    return frozenset(stems(words)), frozenset(w.concept for w in read(words).wishes)


@dataclass(frozen=True)
class _Choice:
    recording: Recording
    gain_db: float
    key: str


class Library:
    """A voice of recordings.

    Parameters
    ----------
    folder
        Folder of WAV, FLAC, OGG or MP3 files; None for the one in ``EARWITNESS_LIBRARY``. What
        a file is stands in its name, in its UCS name, or in ``library.csv`` (columns ``file``,
        ``words``, ``licence``, ``author``, ``title``, ``url``).

    Raises
    ------
    VoiceError
        If there is no folder or it holds no recordings.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        chosen = folder if folder is not None else os.environ.get(VARIABLE)
        if not chosen:
            raise VoiceError(
                "the voice 'library' has no folder; say --voice library:FOLDER or set "
                f"{VARIABLE} to a folder of recordings"
            )
        self.folder = Path(chosen).expanduser()
        self.recordings = recordings.scan(self.folder)

    def voice(self, request: Request) -> Voiced:
        """Return the sound that was asked for, made of the library's recordings.

        Parameters
        ----------
        request
            Every sound that the words name is picked by itself; words that are in no vocabulary
            are looked for in the tags as they stand.

        Returns
        -------
        Voiced
            With the credits of the recordings used.

        Raises
        ------
        VoiceError
            If no recording is like the words, with the nearest tags; or a file cannot be read.
        """
        choices = self._choices(request)
        sources = {c.key: recordings.read(c.recording, request.rate_hz) for c in choices}

        def render(index: int, samples: int) -> Samples:
            mixed = np.zeros(samples)
            for choice in choices:
                rng = np.random.default_rng([abs(request.seed), crc32(choice.key.encode()), index])
                made = grains.extended(sources[choice.key], samples, request.rate_hz, rng)
                made = level.without_dc(made, request.rate_hz)
                made = level.at_loudness(made, request.rate_hz, STEM_LUFS)
                mixed += made * 10 ** (choice.gain_db / 20)
            return level.at_loudness(mixed, request.rate_hz, STEM_LUFS)

        credits = tuple(dict.fromkeys(c.recording.credit for c in choices))
        return Voiced(
            blocks=stream(request, render),
            concept=choices[0].key if len(choices) == 1 else "mixture",
            said=", ".join(_told(c.recording.credit) for c in choices),
            credits=credits,
        )

    def _choices(self, request: Request) -> list[_Choice]:
        phrase = read(request.words)
        wishes: Sequence[Wish] = phrase.wishes
        if request.concept is not None:
            wishes = (Wish(request.concept, request.words),)
        if not wishes and phrase.refused:
            raise VoiceError(
                f"{request.words!r} only says what is not to be heard; say what is to sound"
            )
        if not wishes:
            found = self._best(request.words, None, phrase, request.seed)
            # A known key is needed in scene.json; what no vocabulary knows is called a recording.
            return [_Choice(found, 0.0, "recording")]
        levels = np.array([level_at_listener(w) if w.concept in concepts() else 65 for w in wishes])
        return [
            _Choice(
                self._best(wish.words, wish.concept, phrase, request.seed),
                float(loud),
                wish.concept,
            )
            for wish, loud in zip(wishes, levels - levels.max(), strict=True)
        ]

    def _best(self, words: str, concept: str | None, phrase: Phrase, seed: int) -> Recording:
        asked = frozenset(stems(words))
        scores = np.zeros(len(self.recordings))
        for i, recording in enumerate(self.recordings):
            tags, named = _tags(recording.words)
            if named & frozenset(phrase.refused):
                continue
            shared = len(asked & tags) / max(1, len(asked))
            right = 1.0 if concept is not None and concept in named else 0.0
            # A recording of the thing alone is better than one of many things.
            scores[i] = (2.0 * right + shared) * (1.0 + 1.0 / max(1, len(named) or len(tags)))
            if concept is not None and not right and shared < 0.5:
                scores[i] = 0.0
        if not scores.max(initial=0.0) > 0:
            raise VoiceError(
                f"no recording in {self.folder} is like {words!r}; nearest are "
                f"{', '.join(self._nearest(asked))}"
            )
        good = np.flatnonzero(scores >= _ALMOST * scores.max())
        rng = np.random.default_rng([abs(seed), crc32((concept or words).encode()), 0x11B])
        return self.recordings[int(rng.choice(good))]

    def _nearest(self, asked: frozenset[str], most: int = 4) -> list[str]:
        tags = sorted({r.words for r in self.recordings})
        near: list[str] = []
        for word in sorted(asked):
            near += [
                tag
                for tag in tags
                if difflib.get_close_matches(word, sorted(_tags(tag)[0]), n=1, cutoff=0.6)
            ]
        return [repr(t) for t in list(dict.fromkeys([*near, *tags]))[:most]]


def _told(credit: Credit) -> str:
    return f"{credit.title} by {credit.author} ({credit.licence})"
