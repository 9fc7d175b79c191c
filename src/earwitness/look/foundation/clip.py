"""Names by comparison: CLIP and SigLIP find the words that are nearest to a region."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.look.contract import Found, Name, Picture
from earwitness.look.foundation.part import ModelPart, crops
from earwitness.look.foundation.visible import Sight, sights
from earwitness.models.settings import Settings

Array = NDArray[np.float32]

TEMPLATE = "a photo of {}"
LEAST = 0.2
"""Least probability at which a name is believed."""


class ClipNamer(ModelPart):
    """Names by CLIP (Radford et al., ICML 2021) or SigLIP (Zhai et al., ICCV 2023).

    The vocabulary's things as they look, and things that make no sound, are compared with the
    picture of each region.

    Parameters
    ----------
    source
        Folder or name of the weights.
    entry
        Name in the register of what they must be.
    least
        Least probability at which a name is believed.
    settings
        How it is run; ``batch`` regions at a time.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "clip",
        least: float = LEAST,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, settings=settings)
        self.least = least
        self._texts: Array | None = None

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return what each region is taken for."""
        if not found:
            return []
        odds = self.probabilities(crops(picture.pixels, found), sights())
        return [named(row, sights(), self.least) for row in odds]

    def probabilities(
        self, pictures: Sequence[NDArray[np.uint8]], compared: Sequence[Sight]
    ) -> Array:
        """Return how likely each picture shows each thing, float32 ``(pictures, things)``.

        Rows sum to 1: among what is compared.
        """
        seen, said = self.images(pictures), self._words(compared)
        scale = float(self._model().logit_scale.detach().exp())
        logits = scale * (seen @ said.T).astype(np.float64)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)

    def images(self, pictures: Sequence[NDArray[np.uint8]]) -> Array:
        """Return the vector of each picture, of length 1, in batches."""
        import torch

        model, place = self._model(), self.settings.place
        processor = self._processor(_image_processor, backend="pil")
        made = []
        for start in range(0, len(pictures), self.settings.batch):
            some = [Image.fromarray(p) for p in pictures[start : start + self.settings.batch]]
            values = processor(images=some, return_tensors="pt")["pixel_values"]
            with torch.inference_mode(), self.settings.faster():
                answer = model.get_image_features(
                    pixel_values=values.to(place, self.settings.dtype)
                )
            made.append(_unit(answer))
        return np.concatenate(made)

    def _words(self, compared: Sequence[Sight]) -> Array:
        if self._texts is None or len(self._texts) != len(compared):
            import torch

            model, place = self._model(), self.settings.place
            tokenizer = self._processor(_tokenizer)
            texts = [TEMPLATE.format(one.looks) for one in compared]
            # SigLIP was trained with every text filled to its full length.
            length = int(model.config.text_config.max_position_embeddings)
            made = []
            for start in range(0, len(texts), 64):
                ready = tokenizer(
                    texts[start : start + 64],
                    padding="max_length",
                    truncation=True,
                    max_length=length,
                    return_tensors="pt",
                )
                given = {"input_ids": ready["input_ids"].to(place)}
                if model.config.model_type == "clip":
                    given["attention_mask"] = ready["attention_mask"].to(place)
                with torch.inference_mode(), self.settings.faster():
                    made.append(_unit(model.get_text_features(**given)))
            self._texts = np.concatenate(made)
        return self._texts

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import AutoModel

            return AutoModel

        return self._load(kind, unneeded=(r"position_ids$",))


def _image_processor() -> Any:
    from transformers import AutoImageProcessor

    return AutoImageProcessor


def _tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer


def _unit(answer: Any) -> Array:
    vectors = getattr(answer, "pooler_output", answer).float().cpu().numpy()
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def named(odds: NDArray[np.floating], compared: Sequence[Sight], least: float = LEAST) -> Name:
    """Return the name that probabilities of things speak for.

    Things of one concept are added up ("trees", "a forest"); so is all that is silent.

    Parameters
    ----------
    odds
        Shape ``(things,)``, summing to 1.
    compared
        The things.
    least
        Least probability of a concept that is believed.

    Examples
    --------
    >>> things = [Sight("a dog", "dog", "a dog barking"), Sight("a wall", None, "")]
    >>> named(np.array([0.9, 0.1]), things), named(np.array([0.3, 0.7]), things).concept
    (Name(concept='dog', words='a dog barking', score=0.9), None)
    """
    by_concept: dict[str | None, float] = {}
    for part, one in zip(odds, compared, strict=True):
        by_concept[one.concept] = by_concept.get(one.concept, 0.0) + float(part)
    concept = max(by_concept, key=lambda key: by_concept[key])
    sure = round(min(1.0, by_concept[concept]), 6)
    if concept is None or sure < least:
        return Name(None, "", sure)
    mine = [i for i, one in enumerate(compared) if one.concept == concept]
    best = max(mine, key=lambda i: float(odds[i]))
    return Name(concept, compared[best].words, sure)


siglip = partial(ClipNamer, entry="siglip")
