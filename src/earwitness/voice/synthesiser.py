"""The built-in voice: words → models → one mono stem, with no recordings and no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import VoiceError
from earwitness.scene import concepts
from earwitness.voice import air, level
from earwitness.voice.contract import STEM_LUFS, Request, Voiced
from earwitness.voice.model import Model
from earwitness.voice.phrases import Wish, read, understand
from earwitness.voice.registry import model_of
from earwitness.voice.steering import controls
from earwitness.voice.stem import stream

Samples = NDArray[np.float64]

SHORTEST_RENDER_S = 10.0
"""Models are asked for at least this much: a cow lows every eight seconds."""

_TRIES = 4


@dataclass(frozen=True)
class Part:
    """One sound of a stem.

    Parameters
    ----------
    model
        Its model.
    settings
        Every control's value.
    gain_db
        Level beside the other parts.
    distance_m
        For colour and tail; None for none.
    index
        Which of the parts with the same concept, for chance.
    """

    model: Model
    settings: Mapping[str, float]
    gain_db: float = 0.0
    distance_m: float | None = None
    index: int = 0


def level_at_listener(wish: Wish) -> float:
    """Return how loud a thing is beside others in one stem, dB.

    From the vocabulary's level, the distance said or the usual one (twenty times its height, at
    least 2 m), and the strength said (±6 dB). The whole range is halved about 65 dB, as in a
    mix for ears: a jet may not silence the bird.

    Examples
    --------
    >>> near = level_at_listener(Wish("dog", "dog", distance_m=5.0))
    >>> near > level_at_listener(Wish("dog", "dog", distance_m=100.0))
    True
    """
    concept = concepts()[wish.concept]
    loud = concept.level_db
    if concept.kind == "bed":
        if wish.distance_m is not None and wish.distance_m > 100.0:
            loud -= 10.0
    else:
        usual = 200.0 if concept.level_db >= 125 else max(2.0, 20.0 * concept.size_m)
        loud -= 20 * np.log10(max(1.0, wish.distance_m or min(usual, 200.0)))
    return float(65.0 + 0.5 * (loud - 65.0) + 6.0 * wish.strength)


class Synthesiser:
    """A voice of procedural models: words alone, any length, the same samples for the same seed.

    Examples
    --------
    >>> from earwitness.voice.contract import Request
    >>> voiced = Synthesiser().voice(Request("light rain", duration_s=1.0, rate_hz=16000))
    >>> voiced.concept, sum(len(block) for block in voiced.blocks)
    ('rain-light', 16000)
    """

    def voice(self, request: Request) -> Voiced:
        """Return the sound that was asked for.

        Parameters
        ----------
        request
            Words, a concept, or both. With a concept, that alone sounds, and the words steer it
            (strength, number, tempo, temperature …); its distance is the scene's affair. Without,
            every sound that the words name is made at its own level and the sum is the stem.

        Returns
        -------
        Voiced
            Blocks of float32; the first block is only made when it is asked for.

        Raises
        ------
        VoiceError
            If the words name nothing known or the concept has no model; while streaming, if a
            model gives anything but finite samples.
        """
        wishes = self.wishes(request)
        parts = self.parts(wishes, mixing=request.concept is None)

        def render(index: int, samples: int) -> Samples:
            return _mixture(parts, samples, request.rate_hz, request.seed, index)

        name = wishes[0].concept if len(wishes) == 1 else "mixture"
        return Voiced(
            blocks=stream(request, render, shortest_s=SHORTEST_RENDER_S),
            concept=name,
            said=", ".join(wish.said for wish in wishes),
        )

    def wishes(self, request: Request) -> tuple[Wish, ...]:
        """Return what a request wishes to hear."""
        if request.concept is None:
            return understand(request.words).wishes
        model_of(request.concept)
        phrase = read(request.words)
        family = request.concept.split("-")[0]
        alike = [w for w in phrase.wishes if w.concept.split("-")[0] == family]
        meant = [w for w in phrase.wishes if w.concept == request.concept] or alike
        if not meant and len(phrase.wishes) == 1:
            meant = list(phrase.wishes)
        told = meant[0] if meant else phrase.manner
        return (replace(told, concept=request.concept),)

    def parts(self, wishes: tuple[Wish, ...], *, mixing: bool = True) -> tuple[Part, ...]:
        """Return a part for every wish.

        Parameters
        ----------
        wishes
            What is to sound.
        mixing
            Whether distance colours the sound; a scene's renderer does that itself.
        """
        levels = np.array([level_at_listener(wish) for wish in wishes])
        parts = []
        counts: dict[str, int] = {}
        for wish, loud in zip(wishes, levels - levels.max(), strict=True):
            model = model_of(wish.concept)
            index = counts.get(wish.concept, 0)
            counts[wish.concept] = index + 1
            # A model that knows distance (thunder) colours itself.
            own = any(control.name == "distance_m" for control in model.controls)
            afar = wish.distance_m if mixing and not own else None
            parts.append(Part(model, controls(model, wish), float(loud), afar, index))
        return tuple(parts)


def part_sound(part: Part, samples: int, rate_hz: int, seed: int, segment: int) -> Samples:
    """Return one part of one segment at the stem's loudness and its own gain.

    Parameters
    ----------
    part
        What sounds.
    samples, rate_hz
        Length and rate.
    seed, segment
        Chance: the seed of the request and the place in the stem.

    Raises
    ------
    VoiceError
        If the model gives anything but finite samples, or nothing that can be heard.
    """
    concept = part.model.concept
    made = np.zeros(samples)
    for attempt in range(_TRIES):
        rng = np.random.default_rng(
            [abs(seed), crc32(concept.encode()), part.index,
             segment, attempt]
        )  # fmt: skip
        made = level.checked(
            part.model.function(samples, rate_hz, rng, part.settings), samples, repr(concept)
        )
        peak = float(np.abs(made).max())
        if peak > 0:
            # From here on the level does not matter, but it must be above every gate.
            made = level.without_dc(made / peak, rate_hz)
            loud = level.loudness(made, rate_hz)
            if loud > -65.0:
                break
    else:
        raise VoiceError(f"the model of {concept!r} stayed silent for {samples / rate_hz:.1f} s")
    if part.distance_m is not None:
        made = air.from_afar(made, rate_hz, part.distance_m, rng)
        loud = level.loudness(made, rate_hz)
    made = level.at_loudness(made, rate_hz, STEM_LUFS, measured=loud)
    return np.asarray(made * 10 ** (part.gain_db / 20))


def _mixture(
    parts: tuple[Part, ...], samples: int, rate_hz: int, seed: int, segment: int
) -> Samples:
    if len(parts) == 1:  # its own gain is 0 dB
        return part_sound(parts[0], samples, rate_hz, seed, segment)
    mixed = np.zeros(samples)
    for part in parts:
        mixed += part_sound(part, samples, rate_hz, seed, segment)
    return level.at_loudness(mixed, rate_hz, STEM_LUFS)
