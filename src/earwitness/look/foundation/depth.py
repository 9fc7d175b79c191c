"""Depth Anything: how far things are, by a network; relative depth is tied to metres."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.look.contract import Distance, Found, Name, Picture
from earwitness.look.distance import FARTHEST_M, NEAREST_M
from earwitness.look.foundation.anchors import anchors_of, tied
from earwitness.look.foundation.part import ModelPart
from earwitness.models.settings import Settings

Array = NDArray[np.float64]

_METRIC_FACTOR = 1.3
"""Uncertainty of a metric network's distances outside what it was trained on, as a factor."""


class DepthAnything(ModelPart):
    """Distances by Depth Anything V1 or V2 (Yang et al., CVPR and NeurIPS 2024).

    Parameters
    ----------
    source
        Folder or name of its weights: relative or metric, their configuration tells which.
    entry
        Name in the register of what they must be.
    settings
        How it is run.
    """

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        entry: str = "depth-anything-v2",
        settings: Settings | None = None,
    ) -> None:
        super().__init__(source, entry=entry, settings=settings)

    def distance(
        self,
        picture: Picture,
        found: Sequence[Found],
        names: Sequence[Name],
        *,
        focal_px: float,
    ) -> Sequence[Distance]:
        """Return how far each region is.

        A network gives depth along the camera's axis; a distance is along the region's direction,
        so what is at the picture's edge is farther than its depth.
        """
        if not found:
            return []
        raw, metric = self.raw(picture.pixels)
        if metric:
            depth, factor = raw.astype(np.float64), _METRIC_FACTOR
        else:
            witnesses = anchors_of(picture, found, names, focal_px=focal_px)
            depth, factor = tied(raw, witnesses)
        away = depth * slant(picture.height_px, picture.width_px, focal_px)
        return [_of_region(away, one, factor) for one in found]

    def raw(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], bool]:
        """Return what the network says of each pixel, and whether it is metres.

        Parameters
        ----------
        pixels
            uint8 ``(height, width, 3)``.

        Returns
        -------
        values : ndarray of float32 ``(height, width)``
            Metres, or the inverse of depth up to a scale and an offset: more is nearer.
        metric : bool
        """
        import torch
        from torch.nn.functional import interpolate

        model, place = self._model(), self.settings.place
        processor = self._processor(_processor_kind)
        ready = processor(images=Image.fromarray(pixels), return_tensors="pt")
        with torch.inference_mode(), self.settings.faster():
            answer = model(pixel_values=ready["pixel_values"].to(place, self.settings.dtype))
            wide = interpolate(
                answer.predicted_depth[:, None].float(),
                (pixels.shape[0], pixels.shape[1]),
                mode="bicubic",
                align_corners=False,
            )
        metric = str(getattr(model.config, "depth_estimation_type", "relative")) == "metric"
        return np.asarray(wide[0, 0].cpu().numpy(), dtype=np.float32), metric

    def _model(self) -> Any:
        def kind() -> Any:
            from transformers import DepthAnythingForDepthEstimation

            return DepthAnythingForDepthEstimation

        return self._load(kind)


def _processor_kind() -> Any:
    from transformers import DPTImageProcessorPil

    return DPTImageProcessorPil


def slant(height: int, width: int, focal_px: float) -> Array:
    """Return distance along each pixel's ray for a depth of 1 along the axis, ``(height, width)``.

    Examples
    --------
    >>> float(slant(1, 3, 1.0)[0, 0].round(4))
    1.4142
    """
    y = (np.arange(height) + 0.5 - height / 2) / focal_px
    x = (np.arange(width) + 0.5 - width / 2) / focal_px
    return np.asarray(np.sqrt(1.0 + x[None, :] ** 2 + y[:, None] ** 2), dtype=np.float64)


def _of_region(away: Array, found: Found, factor: float) -> Distance:
    values = away[found.mask]
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return Distance(FARTHEST_M / 10, 4.0)
    logs = np.log(np.clip(values, NEAREST_M, FARTHEST_M))
    # A thing is where most of it is. Of a stretch of water or road each part's sound falls with
    # its distance as its share of the picture does: the mean of the logarithm is where it is from.
    log = float(np.median(logs)) if found.what == "thing" else float(logs.mean())
    spread = float(np.subtract(*np.percentile(logs, [75, 25]))) / 1.35
    sigma = float(np.hypot(np.log(factor), 0.5 * spread))
    return Distance(float(np.exp(log)), float(np.exp(np.clip(sigma, 0.1, 1.6))))


published = partial(DepthAnything, entry="depth-anything-v1")
base = partial(DepthAnything, entry="depth-anything-v2-base")
large = partial(DepthAnything, entry="depth-anything-v2-large")
outdoor = partial(DepthAnything, entry="depth-anything-v2-metric-outdoor")
indoor = partial(DepthAnything, entry="depth-anything-v2-metric-indoor")
