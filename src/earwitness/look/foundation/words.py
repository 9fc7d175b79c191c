"""Names in free words: BLIP describes a region, SmolVLM and LLaVA say what one would hear."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.look.contract import FREE, Found, Name, Picture
from earwitness.look.foundation.part import ModelPart, crops
from earwitness.models.settings import Settings

QUESTION = (
    "What would one hear here? Answer with one short phrase that names the sound, such as "
    "'a dog barking' or 'waves on a beach'. If it makes no sound, answer 'nothing'."
)

_MOST_WORDS = 14
_MOST_TOKENS = 24
_SILENT = re.compile(
    r"(nothing|silence|silent|no sounds?|none|quiet|n/a|not? audible)\b", re.IGNORECASE
)
_LEADING = re.compile(
    r"^(answer:|assistant:|one (would|could|can|might) hear|you (would|could|can|might) hear|"
    r"(it|this|there) (is|would be|could be)|(it )?sounds? like|(the|a) sounds? of|"
    r"(arafed|a close ?up|a (close-up )?(photo|picture|image|photograph|view))( (of|shows))?)\s+",
    re.IGNORECASE,
)


def tidied(answer: str) -> str:
    r"""Return the phrase that a model's answer comes down to; empty where it hears nothing.

    Examples
    --------
    >>> tidied("The sound of waves crashing on the beach.\nIt is calm.")
    'waves crashing on the beach'
    >>> tidied("You would hear a dog barking."), tidied("Nothing."), tidied("a photo of a red car")
    ('a dog barking', '', 'a red car')
    """
    first = next((line for line in answer.splitlines() if line.strip()), "").strip(" \t\"'*-.")
    words = re.split(r"(?<=[a-z])[.;!?](\s|$)", first)[0].strip(" \"'.,")
    while True:
        shorter = _LEADING.sub("", words, count=1).strip(" \"',.")
        if shorter == words:
            break
        words = shorter
    if not words or _SILENT.match(words):
        return ""
    words = " ".join(words.split()[:_MOST_WORDS])
    return words[0].lower() + words[1:] if words[:2] != words[:2].upper() else words


class _Speaker(ModelPart, ABC):
    """What namers that speak share: they are shown regions and answer in words."""

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return what each region is taken for: free words, or nothing."""
        said = self.say(crops(picture.pixels, found, margin=0.15, least_px=32))
        names = []
        for one, (answer, sure) in zip(found, said, strict=True):
            words = tidied(answer)
            names.append(Name(FREE if words else None, words, min(1.0, sure * one.score**0.5)))
        return names

    def say(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[str, float]]:
        """Return what is said of each picture, and how sure, in batches."""
        said: list[tuple[str, float]] = []
        for start in range(0, len(pictures), self.settings.batch):
            some = [Image.fromarray(p) for p in pictures[start : start + self.settings.batch]]
            said += self._answers(some)
        return said

    @abstractmethod
    def _answers(self, images: Sequence[Image.Image]) -> list[tuple[str, float]]:
        """Return what is said of each picture of a batch, and how sure."""

    def _generated(self, model: Any, inputs: Any, decode: Any) -> list[tuple[str, float]]:
        """Return the words that a model goes on with, and the mean probability of them."""
        import torch

        place, dtype = self.settings.place, self.settings.dtype
        ready = {
            k: v.to(place, dtype) if v.is_floating_point() else v.to(place)
            for k, v in inputs.items()
        }
        with torch.inference_mode(), self.settings.faster():
            answer = model.generate(
                **ready,
                max_new_tokens=_MOST_TOKENS,
                do_sample=False,
                num_beams=1,
                output_scores=True,
                return_dict_in_generate=True,
            )
        count = len(answer.scores)
        made = answer.sequences[:, -count:] if count else answer.sequences[:, :0]
        logs = torch.stack([s.float().log_softmax(-1) for s in answer.scores], dim=1)
        chosen = logs.gather(-1, made[..., None])[..., 0]
        # After a sentence has ended, its row is filled up; what fills it says nothing.
        filler = model.generation_config.pad_token_id
        real = torch.ones_like(made, dtype=torch.bool) if filler is None else made != filler
        counted = real.sum(dim=1).clamp(min=1)
        sure = (chosen.where(real, torch.zeros_like(chosen)).sum(dim=1) / counted).exp()
        return [(str(t), float(s)) for t, s in zip(decode(made), sure.cpu())]


class BlipNamer(_Speaker):
    """Captions by BLIP (Li et al., ICML 2022), a caption for each region.

    Parameters
    ----------
    source
        Folder or name of the weights.
    settings
        How it is run; ``batch`` regions at a time.
    """

    def __init__(
        self, source: str | Path | None = None, *, settings: Settings | None = None
    ) -> None:
        super().__init__(source, entry="blip", settings=settings)

    def _answers(self, images: Sequence[Image.Image]) -> list[tuple[str, float]]:
        def kind() -> Any:
            from transformers import BlipForConditionalGeneration

            return BlipForConditionalGeneration

        def image_processor() -> Any:
            from transformers import AutoImageProcessor

            return AutoImageProcessor

        def tokenizer() -> Any:
            from transformers import AutoTokenizer

            return AutoTokenizer

        # The published file holds position numbers and ties its decoder to its embeddings.
        model = self._load(kind, unneeded=(r"position_ids$", r"^text_decoder\.cls\."))
        prepare = self._processor(image_processor, backend="pil")
        words = self._processor(tokenizer)
        inputs = prepare(images=list(images), return_tensors="pt")
        return self._generated(
            model, inputs, lambda ids: words.batch_decode(ids, skip_special_tokens=True)
        )


class ListeningNamer(_Speaker):
    """A model that answers questions about pictures, asked what one would hear.

    Parameters
    ----------
    source
        Folder or name of the weights: SmolVLM (Marafioti et al., 2025) or LLaVA 1.5 (Liu et al.,
        CVPR 2024).
    entry
        Name in the register of what they must be.
    question
        What is asked of each region.
    settings
        How it is run; ``batch`` regions at a time.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "smolvlm",
        question: str = QUESTION,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, settings=settings)
        self.question = question

    def _answers(self, images: Sequence[Image.Image]) -> list[tuple[str, float]]:
        def kind() -> Any:
            from transformers import AutoModelForImageTextToText

            return AutoModelForImageTextToText

        def processor() -> Any:
            from transformers import AutoProcessor

            return AutoProcessor

        model = self._load(kind, unneeded=(r"position_ids$",))
        prepare = self._processor(processor, backend="pil")
        prepare.tokenizer.padding_side = "left"  # answers begin where the questions end
        if prepare.tokenizer.pad_token is None:
            prepare.tokenizer.pad_token = prepare.tokenizer.eos_token
        turn = [
            {
                "role": "user",
                "content": [{"type": "image"}, {"type": "text", "text": self.question}],
            }
        ]
        asked = prepare.apply_chat_template(turn, add_generation_prompt=True)
        inputs = prepare(
            text=[asked] * len(images),
            images=[[one] for one in images],
            padding=True,
            return_tensors="pt",
        )
        return self._generated(
            model, inputs, lambda ids: prepare.batch_decode(ids, skip_special_tokens=True)
        )


smolvlm_500m = partial(ListeningNamer, entry="smolvlm-500m")
llava = partial(ListeningNamer, entry="llava")
