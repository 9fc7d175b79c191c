"""Segmenters that find anything: SAM and SAM 2, asked at every point of a grid."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError
from earwitness.look.contract import Found, Picture
from earwitness.look.foundation.masks import boxes_of, point_grid, stability, suppressed, told_apart
from earwitness.look.foundation.part import ModelPart, normalised
from earwitness.models.settings import Settings

Array = NDArray[np.float32]

LEAST_PART = 0.002
"""Of a picture: smaller regions are left out."""

MOST_REGIONS = 48
"""The largest regions that are kept."""

_POINTS_AT_A_TIME = 64
_DOUBLE = 0.7  # intersection over union of boxes, as published
_STABLE = 0.95


class _AnythingSegmenter(ModelPart, ABC):
    """What SAM and SAM 2 share; they differ in how a picture is scaled and encoded."""

    least_iou = 0.88

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str,
        points: int = 16,
        settings: Settings | None = None,
    ) -> None:
        if not 1 <= points <= 64:
            raise OptionError(f"{points} points a side; choose from 1 to 64, such as 16")
        super().__init__(source, entry=entry, settings=settings)
        self.points = points

    def segment(self, picture: Picture) -> Sequence[Found]:
        """Return the regions, the largest first."""
        masks, scores = self.masks(picture.pixels)
        return told_apart(picture, masks, scores)

    def masks(self, pixels: NDArray[np.uint8]) -> tuple[list[NDArray[np.bool_]], list[float]]:
        """Return every stable mask that the grid of points gives, the best first.

        Parameters
        ----------
        pixels
            uint8 ``(height, width, 3)``.

        Returns
        -------
        masks : list of bool ``(height, width)``
        scores : list of float
            The model's estimate of each one's intersection over union with what it is of.
        """
        import torch

        model = self._model()
        place = self.settings.place
        with torch.inference_mode(), self.settings.faster():
            values, side, seen = self._prepared(pixels, model)
            embedded = model.get_image_embeddings(values.to(place, self.settings.dtype))
            kept_masks, kept_scores = [], []
            grid = point_grid(self.points) * np.asarray([seen[1], seen[0]], np.float32)
            for start in range(0, len(grid), _POINTS_AT_A_TIME):
                some = torch.from_numpy(grid[start : start + _POINTS_AT_A_TIME])
                answer = model(
                    image_embeddings=embedded,
                    input_points=some[None, :, None].to(place, self.settings.dtype),
                    input_labels=torch.ones((1, len(some), 1), dtype=torch.int, device=place),
                    multimask_output=True,
                )
                logits = answer.pred_masks[0].float().flatten(0, 1).cpu().numpy()
                ious = answer.iou_scores[0].float().flatten().cpu().numpy()
                masks, scores = self._stable(logits, ious, seen, side)
                kept_masks.append(masks)
                kept_scores.append(scores)
        return self._chosen(
            np.concatenate(kept_masks), np.concatenate(kept_scores), seen, side, pixels.shape[:2]
        )

    @abstractmethod
    def _model(self) -> Any:
        """Return the model with its weights."""

    @abstractmethod
    def _prepared(self, pixels: NDArray[np.uint8], model: Any) -> tuple[Any, int, tuple[int, int]]:
        """Return the model's input, its side in pixels, and how much of it shows the picture."""

    def _stable(
        self, logits: Array, ious: Array, seen: tuple[int, int], side: int
    ) -> tuple[Array, Array]:
        good = ious > self.least_iou
        logits, ious = logits[good], ious[good]
        if not len(logits):
            return logits, ious
        inside = _inside(logits, seen, side)
        good = (stability(inside) >= _STABLE) & ((inside > 0).mean(axis=(1, 2)) >= LEAST_PART)
        return logits[good], ious[good]

    def _chosen(
        self,
        logits: Array,
        ious: Array,
        seen: tuple[int, int],
        side: int,
        shape: tuple[int, ...],
    ) -> tuple[list[NDArray[np.bool_]], list[float]]:
        """Return the masks that are no doubles, at the picture's size."""
        if not len(logits):
            return [], []
        boxes = boxes_of(_inside(logits, seen, side) > 0)
        kept = suppressed(boxes, ious, _DOUBLE)
        sizes = {i: int((logits[i] > 0).sum()) for i in kept}
        largest = sorted(kept, key=lambda i: -sizes[i])[:MOST_REGIONS]
        kept = [i for i in kept if i in largest]
        masks = [_grown(logits[i], seen, side, shape) for i in kept]
        pairs = [(m, float(np.clip(ious[i], 0, 1))) for m, i in zip(masks, kept) if m.any()]
        return [m for m, _ in pairs], [s for _, s in pairs]


def _inside(logits: Array, seen: tuple[int, int], side: int) -> Array:
    """Return the part of masks that shows the picture, without its padding."""
    rows = max(1, round(logits.shape[1] * seen[0] / side))
    columns = max(1, round(logits.shape[2] * seen[1] / side))
    return logits[:, :rows, :columns]


def _grown(
    logits: Array, seen: tuple[int, int], side: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return a mask at the picture's size: logits scaled bilinearly, then thresholded."""
    import torch
    from torch.nn.functional import interpolate

    wide = torch.from_numpy(logits)[None, None]
    if seen != (side, side):
        wide = interpolate(wide, (side, side), mode="bilinear")[..., : seen[0], : seen[1]]
    grown = interpolate(wide, (shape[0], shape[1]), mode="bilinear")
    return np.asarray((grown[0, 0] > 0).numpy(), dtype=np.bool_)


class SamSegmenter(_AnythingSegmenter):
    """Segment Anything (Kirillov et al., ICCV 2023), the paper's choice with ViT-H.

    Parameters
    ----------
    source
        Folder or name of its weights.
    entry
        Name in the register of what they must be.
    points
        Points on each side of the grid; the published generator uses 32, which takes four times
        as long and finds more that is small.
    settings
        How it is run.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "sam-vit-huge",
        points: int = 16,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, points=points, settings=settings)

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import SamModel

            return SamModel

        return self._load(kind)

    def _prepared(self, pixels: NDArray[np.uint8], model: Any) -> tuple[Any, int, tuple[int, int]]:
        import torch

        side = int(model.config.vision_config.image_size)
        height, width = pixels.shape[:2]
        scale = side / max(height, width)
        seen = (max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5)))
        square = np.zeros((1, 3, side, side), np.float32)
        square[..., : seen[0], : seen[1]] = normalised(pixels, seen)
        return torch.from_numpy(square), side, seen


class Sam2Segmenter(_AnythingSegmenter):
    """SAM 2.1 on a single picture (Ravi et al., 2024).

    Parameters
    ----------
    source
        Folder or name of its weights, the same as for clips.
    entry, points, settings
        As in :class:`SamSegmenter`.
    """

    least_iou = 0.8

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "sam2-tiny",
        points: int = 16,
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, points=points, settings=settings)

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import Sam2Model

            return Sam2Model

        return self._load(kind, unneeded=VIDEO_ONLY)

    def _prepared(self, pixels: NDArray[np.uint8], model: Any) -> tuple[Any, int, tuple[int, int]]:
        import torch

        # The number of features of the finest level tells the input's side: 4 pixels each.
        side = int(model.config.vision_config.backbone_feature_sizes[0][0]) * 4
        return torch.from_numpy(normalised(pixels, (side, side))), side, (side, side)


VIDEO_ONLY = (
    r"^memory_(attention|encoder|temporal)",
    r"^object_pointer_proj",
    r"^temporal_positional_encoding_projection_layer",
    r"^(no_memory_positional_encoding|no_object_pointer|occlusion_spatial_embedding_parameter)",
    r"^mask_downsample",
)
"""Keys of SAM 2's checkpoints that only clips need."""

sam_vit_base = partial(SamSegmenter, entry="sam-vit-base")
sam_published = partial(SamSegmenter, points=32)
sam2_large = partial(Sam2Segmenter, entry="sam2-large")
