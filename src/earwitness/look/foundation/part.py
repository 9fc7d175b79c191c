"""What the parts that are models share: weights found when made, loaded when first used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.look.contract import Found
from earwitness.look.outlines import box_of
from earwitness.models.register import Entry, entry_named, register
from earwitness.models.resolve import load_pretrained, resolve
from earwitness.models.settings import Settings

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class ModelPart:
    """A part that looks with a model.

    Parameters
    ----------
    source
        Folder with the weights, or a name in the register; None takes ``entry``.
    entry
        Name in the register of what it must be.
    settings
        How it is run.

    Raises
    ------
    WeightsError
        At once if the weights are not here, not whole or another model's.
    PluginError
        If the extra ``[hub]`` is not installed.
    """

    def __init__(
        self, source: str | Path | None, *, entry: str, settings: Settings | None = None
    ) -> None:
        if source is not None and str(source) in register():
            entry = str(source)
        self.entry: Entry = entry_named(entry)
        self.settings = settings or Settings()
        # What is not here is said before what would be needed to load it.
        self.folder = resolve(source if source is not None else entry, entry)
        require("torch", "transformers", "safetensors", what=self.entry.title)

    def _load(self, kind: Callable[[], Any], *, unneeded: Sequence[str] = ()) -> Any:
        """Return the model, from the shelf or with its weights from the folder."""
        settings = self.settings

        def load() -> Any:
            made = load_pretrained(
                kind(), self.folder, self.entry, unneeded=unneeded, dtype=settings.dtype
            )
            return made.to(settings.place)

        key = f"{self.entry.title} ({settings.precision})"
        if "tracker" in type(self).__name__.lower():
            key = f"{key}, for clips"  # the same weights in another class
        return settings.shelf.get(key, load, device=settings.place)

    def _processor(self, kind: Callable[[], Any], **options: Any) -> Any:
        """Return what prepares pictures or words, as the folder describes it."""
        try:
            return kind().from_pretrained(str(self.folder), local_files_only=True, **options)
        except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
            line = next((x.strip() for x in str(error).splitlines() if x.strip()), "")
            raise WeightsError(
                f"{self.folder} holds no usable processor or tokeniser of {self.entry.title}: "
                f"{line[:160]}. Run: earwitness models fetch {self.entry.name}"
            ) from error


def normalised(
    pixels: NDArray[np.uint8],
    size: tuple[int, int],
    *,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> NDArray[np.float32]:
    """Return pixels as vision models take them, float32 ``(1, 3, height, width)``.

    Parameters
    ----------
    pixels
        uint8 ``(height, width, 3)``.
    size
        Height and width to scale to.
    mean, std
        Of each channel, of values from 0 to 1.
    """
    image = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    values = np.asarray(image, np.float32) / np.float32(255)
    scaled = (values - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def crops(
    pixels: NDArray[np.uint8], found: Sequence[Found], *, margin: float = 0.1, least_px: int = 16
) -> list[NDArray[np.uint8]]:
    """Return each region's box with some of what is around it, for models that name pictures.

    Parameters
    ----------
    pixels
        uint8 ``(height, width, 3)``.
    found
        Regions of it.
    margin
        Part of the box that is added on each side.
    least_px
        Least side of what is cut out, where the picture has as much.
    """
    height, width = pixels.shape[:2]
    cut = []
    for one in found:
        x0, y0, x1, y1 = box_of(one.mask)
        right = max(margin * (x1 - x0), (least_px - (x1 - x0)) / 2)
        down = max(margin * (y1 - y0), (least_px - (y1 - y0)) / 2)
        left, top = max(0, int(x0 - right)), max(0, int(y0 - down))
        part = pixels[top : min(height, int(np.ceil(y1 + down))), left:]
        cut.append(part[:, : max(1, min(width, int(np.ceil(x1 + right))) - left)])
    return cut
