"""A bank of clips of every concept, and mixtures of them.

The clips are log-mel spectrograms, a quarter of the usual frames (25 a second). Mixing happens
there, in the power domain: sounds that have nothing to do with each other add their powers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.logmel import MELS, SECONDS, log_mel
from earwitness.atlas.world.table import names, soundings
from earwitness.errors import OptionError, WeightsError

POOL = 4
FRAMES = 250

Voicing = Callable[[str, str, int], NDArray[np.float32]]
"""Concept of the vocabulary, words that steer it, seed → 10 s of mono at 32 kHz."""

MANNERS = ("", "soft", "loud", "many", "distant", "single", "slow", "fast")


def pool(mel: ArrayLike) -> NDArray[np.float32]:
    """Average the power of each four frames of a log-mel spectrogram.

    Parameters
    ----------
    mel : array, shape (..., T, 64)
        Decibels.

    Returns
    -------
    array, shape (..., T // 4, 64), float32
        Decibels.

    Examples
    --------
    >>> pool(np.full((1, 1001, 64), -30.0)).shape
    (1, 250, 64)
    """
    held = np.asarray(mel, np.float64)
    count = held.shape[-2] // POOL
    cut = held[..., : count * POOL, :].reshape(*held.shape[:-2], count, POOL, held.shape[-1])
    return np.asarray(10 * np.log10((10 ** (cut / 10)).mean(axis=-2)), np.float32)


@dataclass(frozen=True, eq=False)
class Bank:
    """Clips by concept.

    Parameters
    ----------
    mels : array, shape (concepts, clips, 250, 64), float16
        Decibels. The last :attr:`held_out` clips of each concept never sound in training.
    held_out
        How many.
    """

    mels: NDArray[np.float16]
    held_out: int

    @property
    def clips(self) -> int:
        """Clips for training, of each concept."""
        return int(self.mels.shape[1] - self.held_out)

    def choose(self, count: int, rng: np.random.Generator, *, training: bool) -> NDArray[np.int16]:
        """Draw the clips of ``count`` mixtures: int16, shape (count, concepts)."""
        low, high = (0, self.clips) if training else (self.clips, self.mels.shape[1])
        drawn = rng.integers(low, high, (count, self.mels.shape[0]), dtype=np.int16)
        return np.asarray(drawn, np.int16)

    def mix(
        self, weights: ArrayLike, clips: ArrayLike, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Mix clips as their weights say.

        Parameters
        ----------
        weights : array, shape (n, concepts)
            How much of each concept there is, 0 to 1; 0 is silence, 1 the concept's own level,
            0.5 is 6 dB less.
        clips : array, shape (n, concepts)
            From :meth:`choose`.
        rng
            Shifts each clip in time, colours it, and changes its level by some decibels.

        Returns
        -------
        array, shape (n, 250, 64), float32
            Decibels; the mixture's mean power is 0 dB.
        """
        held = np.asarray(weights, np.float32)
        chosen = np.asarray(clips)
        made = np.empty((len(held), FRAMES, MELS), np.float32)
        levels = np.array([s.level_db for s in soundings().values()], np.float32)
        tilt = np.linspace(-1, 1, MELS, dtype=np.float32)
        for row, (have, which) in enumerate(zip(held, chosen)):
            power = np.full((FRAMES, MELS), 1e-7, np.float32)
            for concept in np.flatnonzero(have > 0.05):
                clip = self.mels[concept, which[concept]].astype(np.float32)
                gain = levels[concept] + 20 * np.log10(have[concept]) + rng.normal(0, 2)
                colour = gain + rng.normal(0, 2) * tilt
                clip = np.roll(clip, int(rng.integers(FRAMES)), axis=0)
                # Each clip counts at its own mean power, whatever its peaks.
                power += np.exp((clip + colour) * np.float32(np.log(10) / 10))
            made[row] = 10 * np.log10(power / power.mean())
        return made

    def save(self, path: Path) -> None:
        """Write the bank as a compressed NumPy file."""
        np.savez(path, mels=self.mels, held_out=self.held_out, names=list(names()))

    @classmethod
    def load(cls, path: Path) -> Bank:
        """Read what :meth:`save` wrote.

        Raises
        ------
        WeightsError
            If the file holds other concepts than this version knows.
        """
        with np.load(path, allow_pickle=False) as held:
            if tuple(held["names"]) != names():
                raise WeightsError(f"{path} holds the clips of other concepts; build it anew")
            return cls(held["mels"], int(held["held_out"]))


def make_clip(voicing: Voicing, concept: str, index: int, seed: int) -> NDArray[np.float16]:
    """Return one clip of a concept, shape (250, 64), mean power 0 dB."""
    words = MANNERS[index % len(MANNERS)]
    wave = voicing(soundings()[concept].voice, words, seed * 10_007 + index)
    mel = pool(log_mel(wave))[0]
    if mel.shape != (FRAMES, MELS):
        raise OptionError(f"a clip has {len(wave)} samples; expected is {SECONDS} s at 32 kHz")
    loud = 10 * np.log10((10 ** (mel.astype(np.float64) / 10)).mean())
    return np.asarray(np.maximum(mel - loud, -100), np.float16)


def make_clips(
    voicing: Voicing, clips: int, seed: int
) -> Iterator[tuple[str, int, NDArray[np.float16]]]:
    """Yield every clip of a bank with its concept and its index."""
    for concept in names():
        for index in range(clips):
            yield concept, index, make_clip(voicing, concept, index, seed)
