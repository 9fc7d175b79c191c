"""The voice Stable Audio Open: words to 47 s at 44.1 kHz."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earwitness.models.settings import Settings
from earwitness.voice.diffusion.pipeline import PipelineVoice, arrays
from earwitness.voice.generated import Ask, Ranker, Sounds, mono, negative_of, words_of


class StableAudioVoice(PipelineVoice):
    """Sounds from words by Stable Audio Open (Evans et al., ICASSP 2025).

    Parameters
    ----------
    source
        Folder or name of the weights.
    settings
        How it is run; by default 100 steps and guidance 7, as published.
    ranker
        Who picks among candidates.
    """

    title = "Stable Audio Open"
    rate_hz = 44100
    longest_s = 47.0
    edge_s = 0.05

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        settings: Settings | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        super().__init__(
            source,
            entry="stable-audio",
            modules=("torchsde",),
            settings=settings,
            ranker=ranker,
        )

    def _pipe(self) -> Any:
        def kind() -> Any:
            from diffusers import StableAudioPipeline

            return StableAudioPipeline

        return self.pipeline(kind)

    def generate(self, asks: Sequence[Ask]) -> Sounds:
        """Return one window for each; those of one length in a batch of their own."""
        made: dict[int, Any] = {}
        for seconds in sorted({ask.seconds for ask in asks}):
            mine = [i for i, ask in enumerate(asks) if ask.seconds == seconds]
            sounds = self._batch([asks[i] for i in mine], seconds)
            made |= dict(zip(mine, sounds, strict=True))
        return [made[i] for i in range(len(asks))]

    def _batch(self, asks: Sequence[Ask], seconds: float) -> Sounds:
        pipe, settings = self._pipe(), self.settings
        negatives = [negative_of(ask.request, settings.negative) for ask in asks]
        with settings.faster(), warnings.catch_warnings():
            # Of rounding at the ends of the noise's time axis, which changes nothing.
            warnings.filterwarnings("ignore", category=UserWarning, module="torchsde")
            answer = pipe(
                [words_of(ask.request) for ask in asks],
                audio_end_in_s=seconds,
                num_inference_steps=settings.steps or 100,
                guidance_scale=7.0 if settings.guidance is None else settings.guidance,
                negative_prompt=negatives if any(negatives) else None,
                generator=self.noise_of([ask.seed for ask in asks]),
                output_type="pt",
            )
        made = [mono(one) for one in arrays(answer.audios)]
        short = round(seconds * self.rate_hz)
        # The published window ends a few samples early.
        return [np.pad(one, (0, max(0, short - len(one)))) for one in made]
