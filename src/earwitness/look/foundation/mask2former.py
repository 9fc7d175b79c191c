"""The segmenter Mask2Former: regions with labels, things and stuff."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from earwitness.look.contract import Found, Picture
from earwitness.look.eyes import COCO_CLASSES
from earwitness.look.foundation.part import ModelPart
from earwitness.models.settings import Settings

LEAST_PART = 0.001
"""Of a picture: smaller regions are left out."""

# Words in the labels of COCO's panoptic stuff (Kirillov et al., 2019), and the probe's names.
_STUFF = {
    "water": ("sea", "river", "water", "waterfall", "lake"),
    "trees": ("tree", "bush", "leaves", "forest", "plant"),
    "building": ("building", "house", "skyscraper", "roof", "bridge", "church"),
    "road": ("road", "street", "pavement", "sidewalk", "railroad", "platform"),
    "grass": ("grass", "playingfield", "field"),
    "sand": ("sand", "beach"),
    "snow": ("snow", "ice"),
    "mountain": ("mountain", "rock", "hill"),
    "sky": ("sky", "clouds"),
    "ground": ("dirt", "gravel", "ground", "earth", "mud"),
    "indoor": ("wall", "floor", "ceiling", "window", "door", "curtain", "rug", "cabinet", "shelf"),
}


def hint_of(label: str) -> tuple[str, bool]:
    """Return the eyes' word for a label, and whether it is a thing.

    Examples
    --------
    >>> hint_of("tree-merged"), hint_of("dog"), hint_of("water-other"), hint_of("blanket")
    (('trees', False), ('dog', True), ('water', False), ('blanket', False))
    """
    plain = label.strip().lower()
    if plain in COCO_CLASSES:
        return plain, True
    words = set(plain.replace("-", " ").replace("_", " ").replace(",", " ").split())
    for hint, known in _STUFF.items():
        if words & set(known):
            return hint, False
    return plain, False


class Mask2FormerSegmenter(ModelPart):
    """Panoptic segmentation by Mask2Former (Cheng et al., CVPR 2022).

    Parameters
    ----------
    source
        Folder or name of its weights.
    least
        Least probability of a region.
    settings
        How it is run.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "mask2former",
        least: float = 0.5,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, settings=settings)
        self.least = least

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import Mask2FormerForUniversalSegmentation

            return Mask2FormerForUniversalSegmentation

        return self._load(kind, unneeded=(r"criterion\.", r"relative_position_index$"))

    def segment(self, picture: Picture) -> Sequence[Found]:
        """Return the regions, the largest first."""
        import torch

        def kind() -> Any:
            from transformers import Mask2FormerImageProcessorPil

            return Mask2FormerImageProcessorPil

        model, place = self._model(), self.settings.place
        processor = self._processor(kind)
        ready = processor(images=Image.fromarray(picture.pixels), return_tensors="pt")
        with torch.inference_mode(), self.settings.faster():
            answer = model(
                pixel_values=ready["pixel_values"].to(place, self.settings.dtype),
                pixel_mask=ready["pixel_mask"].to(place),
            )
        answer.class_queries_logits = answer.class_queries_logits.float().cpu()
        answer.masks_queries_logits = answer.masks_queries_logits.float().cpu()
        labels = {int(k): str(v) for k, v in model.config.id2label.items()}
        fused = {k for k, v in labels.items() if not hint_of(v)[1]}
        (result,) = processor.post_process_panoptic_segmentation(
            answer,
            threshold=self.least,
            label_ids_to_fuse=fused,
            target_sizes=[picture.pixels.shape[:2]],
        )
        where = np.asarray(result["segmentation"].cpu().numpy())
        found = []
        for segment in result["segments_info"]:
            mask = where == segment["id"]
            if mask.mean() < LEAST_PART:
                continue
            hint, thing = hint_of(labels[int(segment["label_id"])])
            kind_of = "thing" if thing else "stuff"
            found.append(Found(mask, kind_of, float(segment["score"]), hint))  # type: ignore[arg-type]
        return sorted(found, key=lambda one: -int(one.mask.sum()))
