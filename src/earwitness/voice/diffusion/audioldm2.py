"""The voice AudioLDM 2: words to 10 s at 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earwitness.models.settings import Settings
from earwitness.voice.diffusion.pipeline import PipelineVoice, arrays
from earwitness.voice.generated import Ask, Ranker, Sounds, mono, negative_of, words_of


class AudioLdm2Voice(PipelineVoice):
    """Sounds from words by AudioLDM 2 (Liu et al., IEEE/ACM TASLP 2024).

    Parameters
    ----------
    source
        Folder or name of the weights.
    settings
        How it is run; by default 200 steps and guidance 3.5, as published.
    ranker
        Who picks among candidates.
    """

    title = "AudioLDM 2"
    rate_hz = 16000
    longest_s = 10.24
    edge_s = 0.02

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        settings: Settings | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        super().__init__(source, entry="audioldm2", settings=settings, ranker=ranker)

    def _pipe(self) -> Any:
        def kind() -> Any:
            from diffusers import AudioLDM2Pipeline

            return AudioLDM2Pipeline

        def parts() -> dict[str, Any]:
            from transformers import GPT2LMHeadModel

            # The published index names GPT2Model, which lacks what generates.
            language = GPT2LMHeadModel.from_pretrained(
                str(self.folder / "language_model"),
                use_safetensors=True,
                local_files_only=True,
                dtype=self.settings.dtype,
            )
            return {"language_model": language.eval()}

        return self.pipeline(kind, parts)

    def generate(self, asks: Sequence[Ask]) -> Sounds:
        """Return one window for each."""
        pipe = self._pipe()
        settings = self.settings
        with settings.faster():
            answer = pipe(
                [words_of(ask.request) for ask in asks],
                # The model was trained on 10.24 s; shorter ones are of another kind.
                audio_length_in_s=self.longest_s,
                num_inference_steps=settings.steps or 200,
                guidance_scale=3.5 if settings.guidance is None else settings.guidance,
                negative_prompt=[negative_of(ask.request, settings.negative) for ask in asks],
                num_waveforms_per_prompt=1,
                generator=self.noise_of([ask.seed for ask in asks]),
                output_type="pt",
            )
        return [mono(one) for one in arrays(answer.audios)]
