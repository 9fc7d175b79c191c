"""What voices that generate share: windows to stems of any length, the best of several.

A model makes windows of some seconds. A longer sound is made of windows of their own chance,
overlapped without a beat; of each window there may be several candidates, of which a ranker takes
the one that fits its words best; windows of several requests are generated in common batches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import VoiceError
from earwitness.models.settings import AMBIENCE_WITHOUT, Settings
from earwitness.scene import UNNAMED, concepts
from earwitness.voice import level, segments
from earwitness.voice.continuation import Plan, continued, plan
from earwitness.voice.contract import STEM_LUFS, Request, Voiced
from earwitness.voice.stem import stream

Samples = NDArray[np.float64]
Sounds = Sequence[NDArray[np.float32]]


class Ranker(Protocol):
    """Tells how well sounds fit words."""

    def scores(self, sounds: Sounds, rate_hz: int, words: Sequence[str]) -> NDArray[np.float64]:
        """Return a score for each sound with its words, more is better, shape ``(n,)``."""
        ...


@dataclass(frozen=True)
class Ask:
    """One window to generate.

    Parameters
    ----------
    request
        What it is a part of.
    seed
        Of its noise.
    seconds
        How long it must at least be; never longer than the model's window.
    """

    request: Request
    seed: int
    seconds: float


def words_of(request: Request) -> str:
    """Return what a model is told: the words of what is seen, joined with those of the user.

    Examples
    --------
    >>> words_of(Request("a dog barking", prompt="in a cathedral"))
    'a dog barking, in a cathedral'
    >>> words_of(Request("what is seen here", "picture", prompt="a car race"))
    'a car race'
    """
    own = "" if request.concept == UNNAMED else request.words.strip()
    if not own and request.concept and request.concept != UNNAMED:
        known = concepts().get(request.concept)
        own = known.label if known is not None else request.concept
    return ", ".join(part for part in (own, request.prompt.strip()) if part)


def negative_of(request: Request, wanted: str | None) -> str:
    """Return what a sound is steered away from.

    Parameters
    ----------
    request
        What is asked for.
    wanted
        The user's words; None keeps music and speech out of ambience.

    Examples
    --------
    >>> negative_of(Request("wind", "wind"), None), negative_of(Request("a dog", "dog"), None)
    ('music, speech', '')
    """
    if wanted is not None:
        return wanted
    concept = concepts().get(request.concept or "")
    ambience = concept is not None and concept.kind in ("bed", "area")
    # A café is ambience too, and made of speech.
    voices = {"anthropophony", "music"}
    if concept is None or not ambience:
        return ""
    return "music" if concept.family in voices else AMBIENCE_WITHOUT


def again(seed: int, number: int) -> int:
    """Return the seed of a candidate; the first is the window's own."""
    if number == 0:
        return seed
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return int(state[0] >> 1)


class GeneratedVoice(ABC):
    """The base of voices that generate.

    A subclass sets ``title``, ``rate_hz``, ``longest_s`` and ``edge_s``, and makes windows in
    :meth:`generate`.

    Parameters
    ----------
    settings
        How it is run.
    ranker
        Who picks among candidates; None takes CLAP where there is more than one.
    """

    any_words = True
    """Whether it takes words that the vocabulary does not know."""

    title = "a model"
    rate_hz = 16000
    longest_s = 10.0
    edge_s = 0.0

    def __init__(self, settings: Settings | None = None, ranker: Ranker | None = None) -> None:
        self.settings = settings or Settings()
        self.watch: Callable[[float], None] | None = None
        """Told, while a batch is generated, which part of all is done."""
        self._ranker = ranker
        if ranker is None and self.settings.candidates > 1:
            from earwitness.voice.diffusion.clap import ClapRanker

            self._ranker = ClapRanker(self.settings)  # what is not here is said at once

    @abstractmethod
    def generate(self, asks: Sequence[Ask]) -> Sounds:
        """Return one window for each, float32 one-dimensional, at least as long as asked."""

    def checked(self, request: Request) -> None:
        """Refuse what the model cannot make a sound of."""
        if not words_of(request):
            raise VoiceError(
                f"{self.title} makes sounds from words, and there are none; name what is seen "
                "with --name clip or smolvlm, give a --prompt, or take a voice that looks (codi)"
            )

    def voice(self, request: Request) -> Voiced:
        """Return the sound that was asked for; it is generated as it is read."""
        self.checked(request)

        def generate(seeds: Sequence[int], seconds: float) -> Sounds:
            return self._best([Ask(request, seed, seconds) for seed in seeds])

        return self._voiced(request, generate)

    def voice_many(self, requests: Sequence[Request]) -> list[Voiced]:
        """Return several sounds, the windows of all of them generated in common batches.

        Parameters
        ----------
        requests
            Such as every region of a picture. What is generated is held in memory.

        Returns
        -------
        list of Voiced
            The same as one by one, to within rounding.
        """
        for request in requests:
            self.checked(request)
        asks = [
            Ask(request, seed, self._seconds(chosen))
            for request in requests
            for chosen in self._plans(request)
            for seed in chosen.seeds
        ]
        made = {
            (id(ask.request), ask.seed): sound
            for ask, sound in zip(asks, self._best(asks), strict=True)
        }

        def from_made(request: Request) -> Callable[[Sequence[int], float], Sounds]:
            return lambda seeds, seconds: [made[id(request), seed] for seed in seeds]

        return [self._voiced(request, from_made(request)) for request in requests]

    def _best(self, asks: Sequence[Ask]) -> Sounds:
        """Return a window for each, generated in batches: the best of its candidates."""
        count = self.settings.candidates
        every = [
            Ask(ask.request, again(ask.seed, number), ask.seconds)
            for ask in asks
            for number in range(count)
        ]
        made: list[NDArray[np.float32]] = []
        for start in range(0, len(every), self.settings.batch):
            made += list(self.generate(every[start : start + self.settings.batch]))
            if self.watch is not None:
                self.watch(len(made) / len(every))
        for sound in made:
            if not np.isfinite(sound).all():
                raise VoiceError(
                    f"{self.title} gave samples that are not finite numbers in "
                    f"{self.settings.precision}; choose precision fp32 or bf16"
                )
        if count == 1 or self._ranker is None:
            return made
        words = [words_of(one.request) for one in every]
        if not all(words):
            raise VoiceError(
                "candidates are ranked by how well they fit their words, and there are none; "
                "take one candidate, or give a --prompt"
            )
        scores = np.asarray(self._ranker.scores(made, self.rate_hz, words), np.float64)
        best = scores.reshape(-1, count).argmax(axis=1)
        return [made[i * count + int(k)] for i, k in enumerate(best)]

    @property
    def _edge(self) -> int:
        return round(self.edge_s * self.rate_hz)

    @property
    def _window(self) -> int:
        return round(self.longest_s * self.rate_hz) - 2 * self._edge

    def _plan(self, request: Request, index: int, samples: int) -> Plan:
        """Return the windows of one segment of a request."""
        return plan(
            samples,
            request.rate_hz,
            window=self._window,
            window_hz=self.rate_hz,
            seed=abs(request.seed) * 1_000_003 + index,
        )

    def _plans(self, request: Request) -> list[Plan]:
        parts = segments.lengths(request.samples, request.rate_hz, request.seed)
        return [self._plan(request, index, samples) for index, samples in enumerate(parts)]

    def _seconds(self, chosen: Plan) -> float:
        """Return how long the windows of a plan must be: all of one, or as long as one is."""
        if len(chosen.lengths) > 1:
            return self.longest_s
        return min(self.longest_s, (chosen.lengths[0] + 2 * self._edge) / self.rate_hz + 0.1)

    def _voiced(
        self, request: Request, generate: Callable[[Sequence[int], float], Sounds]
    ) -> Voiced:
        def render(index: int, samples: int) -> Samples:
            chosen = self._plan(request, index, samples)
            seconds = self._seconds(chosen)
            made = continued(
                chosen,
                samples,
                request.rate_hz,
                lambda seeds: generate(seeds, seconds),
                window=self._window,
                window_hz=self.rate_hz,
                edge=self._edge,
                batch=self.settings.batch,
            )
            made = level.without_dc(level.checked(made, samples, self.title), request.rate_hz)
            return level.at_loudness(made, request.rate_hz, STEM_LUFS)

        return Voiced(
            blocks=stream(request, render),
            concept=request.concept or "generated",
            said=f"{words_of(request) or request.words}, generated by {self.source(request)}",
        )

    def source(self, request: Request) -> str:
        """Return who made a sound from what, for people."""
        return f"{self.title} from words"


def mono(sound: NDArray[Any]) -> NDArray[np.float32]:
    """Return one channel of sound of one or two, float32 ``(samples,)``.

    The mean of both, or the louder one where the mean would cancel most of them.

    Parameters
    ----------
    sound
        Shape ``(channels, samples)`` or ``(samples,)``.

    Examples
    --------
    >>> mono(np.array([[1.0, 2.0], [3.0, 2.0]])).tolist(), mono(np.array([[1.0], [-1.0]])).tolist()
    ([2.0, 2.0], [1.0])
    """
    wide = np.atleast_2d(np.asarray(sound, np.float32))
    mean = wide.mean(axis=0)
    power = (wide.astype(np.float64) ** 2).mean(axis=1)
    if float((mean.astype(np.float64) ** 2).mean()) < 0.1 * float(power.max()):
        return np.asarray(wide[int(power.argmax())], np.float32)
    return np.asarray(mean, np.float32)
