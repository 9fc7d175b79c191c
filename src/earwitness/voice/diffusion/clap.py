"""CLAP: how well a sound fits its words; it picks the best of several candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.models.register import entry_named, register
from earwitness.models.resolve import load_pretrained, resolve
from earwitness.models.settings import Settings
from earwitness.voice.continuation import resampled

_BATCH = 8


class ClapRanker:
    """Cosine similarity of sound and words by CLAP (Wu et al., ICASSP 2023).

    Parameters
    ----------
    settings
        How it is run; ``ranker`` is the name or folder of its weights.

    Raises
    ------
    WeightsError
        At once if the weights are not here, not whole or another model's.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        source = self.settings.ranker
        self.entry = entry_named(source if source in register() else "clap")
        self.folder = resolve(source, self.entry.name)
        require("torch", "transformers", "safetensors", what=self.entry.title)

    def scores(
        self, sounds: Sequence[NDArray[np.float32]], rate_hz: int, words: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return the cosine of each sound with its words, shape ``(n,)``, -1 to 1.

        Parameters
        ----------
        sounds
            Mono, float32.
        rate_hz
            Their sampling rate.
        words
            One text for each.
        """
        heard, said = self.sounds(sounds, rate_hz), self.texts(words)
        return np.asarray((heard * said).sum(axis=1), dtype=np.float64)

    def sounds(self, sounds: Sequence[NDArray[np.float32]], rate_hz: int) -> NDArray[np.float64]:
        """Return the vector of each sound, of length 1, shape ``(n, size)``."""
        import torch

        model, extract = self._model(), self._processor().feature_extractor
        wanted = int(extract.sampling_rate)
        made = []
        for start in range(0, len(sounds), _BATCH):
            some = [
                resampled(s, rate_hz, wanted).astype(np.float32)
                for s in sounds[start : start + _BATCH]
            ]
            # The middle of what is longer than CLAP's window: its own choice is by chance.
            longest = int(extract.nb_max_samples)
            some = [s[max(0, (len(s) - longest) // 2) :][:longest] for s in some]
            ready = extract(some, sampling_rate=wanted, return_tensors="pt")
            given = ready["input_features"].to(self.settings.place, torch.float32)
            longer = ready.get("is_longer")
            with torch.inference_mode():
                answer = model.get_audio_features(input_features=given, is_longer=longer)
            made.append(_unit(answer))
        return np.concatenate(made)

    def texts(self, words: Sequence[str]) -> NDArray[np.float64]:
        """Return the vector of each text, of length 1, shape ``(n, size)``."""
        import torch

        model, tokenizer = self._model(), self._processor().tokenizer
        ready = tokenizer(list(words), padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            answer = model.get_text_features(
                input_ids=ready["input_ids"].to(self.settings.place),
                attention_mask=ready["attention_mask"].to(self.settings.place),
            )
        return _unit(answer)

    def _model(self) -> Any:
        def load() -> Any:
            from transformers import ClapModel

            made = load_pretrained(
                ClapModel, self.folder, self.entry, unneeded=(r"position_ids$", r"num_batches")
            )
            return made.to(self.settings.place)

        # In single precision whatever the others run in: it is small, and it must rank.
        return self.settings.shelf.get(self.entry.title, load, device=self.settings.place)

    def _processor(self) -> Any:
        from transformers import ClapProcessor

        try:
            return ClapProcessor.from_pretrained(str(self.folder), local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{self.folder} holds no usable processor of {self.entry.title}: "
                f"{str(error).splitlines()[0][:160]}. Run: earwitness models fetch clap"
            ) from error


def _unit(answer: Any) -> NDArray[np.float64]:
    vectors = getattr(answer, "pooler_output", answer).float().cpu().numpy().astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float64)
