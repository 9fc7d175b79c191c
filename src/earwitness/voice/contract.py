"""What a voice is: words in, mono sound out.

A stem is *nominal*: its integrated loudness (ITU-R BS.1770, gated) is :data:`STEM_LUFS`, whatever
it depicts. How loud a source is in the scene stands in ``level_db``, not in its stem, so that
a level edited by hand does what it says. A stem at that loudness stands for ``level_db`` at 1 m.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import VoiceError
from earwitness.loudness import NOMINAL_LUFS
from earwitness.scene import Credit

STEM_LUFS = NOMINAL_LUFS
"""Integrated loudness of every stem. It leaves 30 dB for the peaks of hammers and hooves."""


@dataclass(frozen=True)
class Request:
    """What a voice is asked for.

    Parameters
    ----------
    words
        In any words: "heavy rain on a tin roof".
    concept
        Key of the concept when it is known (the look knows what it saw); the words then only
        steer it. None: the words alone decide.
    duration_s
        Length to make.
    rate_hz
        Sampling rate.
    seed
        Same request and seed, same samples.
    pixels
        The part of the picture that is voiced, uint8 ``(h, w, 3)``, or None; for voices that look.
    prompt
        What the user says of the whole, to be joined with the words; for voices that take any.
    """

    words: str
    concept: str | None = None
    duration_s: float = 10.0
    rate_hz: int = 48000
    seed: int = 0
    pixels: NDArray[np.uint8] | None = field(default=None, compare=False)
    prompt: str = ""

    def __post_init__(self) -> None:
        if not self.words.strip() and not self.concept:
            raise VoiceError("there are no words to voice; give some, such as 'light rain'")
        if not 0.0 < self.duration_s <= 24 * 3600:
            raise VoiceError(f"duration {self.duration_s} s; give more than 0, at most a day")
        if not 8000 <= self.rate_hz <= 192000:
            raise VoiceError(f"rate {self.rate_hz} Hz; give 8000 to 192000")

    @property
    def samples(self) -> int:
        """Length to make, in samples."""
        return max(1, round(self.duration_s * self.rate_hz))


@dataclass(frozen=True)
class Voiced:
    """What a voice answers.

    Parameters
    ----------
    blocks
        The mono sound, float32 one-dimensional blocks of any length, in all
        ``request.samples`` samples, at :data:`STEM_LUFS`. A generator: nothing needs to hold
        the whole.
    concept
        Key of the concept that was understood ("mixture" for several).
    said
        What was made, in words, for the table that people read.
    credits
        The recordings used.
    """

    blocks: Iterator[NDArray[np.float32]]
    concept: str
    said: str
    credits: tuple[Credit, ...] = ()


class Voice(Protocol):
    """Words to mono sound.

    A voice is made without arguments, or by a factory that knows its folder or model. The same
    request gives the same samples. It never answers noise to words that it does not know: it
    raises :class:`~earwitness.errors.VoiceError` with the nearest that it knows.
    """

    def voice(self, request: Request) -> Voiced:
        """Return the sound that was asked for."""
        ...
