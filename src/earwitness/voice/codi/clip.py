"""Conditions: a picture or words to one token of CLIP's shared space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from earwitness.errors import OptionError
from earwitness.voice.codi.tokens import tokenize

_DETOUR_PX, _SIZE_PX = 512, 224
_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
_STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)

NEUTRAL_BYTE = 127
"""The grey of the picture that stands for no picture: the network's 0 between −1 and 1."""


class Crop(NamedTuple):
    """The square of a picture that CLIP is shown: upper row, left column, side, mirrored."""

    row: int
    column: int
    size: int
    flip: bool = False


@dataclass(frozen=True)
class Preparation:
    """How a picture is made ready.

    Parameters
    ----------
    detour
        Whether to go by 512 × 512 pixels on the way to 224 × 224, as published.
    dimmed
        Whether bytes 1 to 63 lose 1, as they do in the published program, which converts to
        float32 in −1 to 1 and back by truncation.
    """

    detour: bool = True
    dimmed: bool = True


PUBLISHED = Preparation()


@cache
def dimming() -> NDArray[np.uint8]:
    """Return what the published program makes of each byte, shape ``(256,)``."""
    table = np.arange(256, dtype=np.uint8)
    table[1:64] -= 1
    table.flags.writeable = False
    return table


def centre_crop(height: int, width: int) -> Crop:
    """Return the square in the middle.

    Examples
    --------
    >>> centre_crop(100, 60)
    Crop(row=20, column=0, size=60, flip=False)
    """
    size = min(height, width)
    return Crop((height - size) // 2, (width - size) // 2, size)


def drawn_crop(height: int, width: int, generator: torch.Generator) -> Crop:
    """Return the square that the published program draws: training's augmentation, left in.

    Parameters
    ----------
    height, width
        Of the picture, pixels.
    generator
        A CPU generator; it is drawn from as the published program draws from the global one.
    """
    size = min(height, width)
    row = column = 0
    if height != width:
        row = int(torch.randint(0, height - size + 1, (1,), generator=generator))
        column = int(torch.randint(0, width - size + 1, (1,), generator=generator))
    flip = bool(torch.rand(1, generator=generator) < 0.5)
    return Crop(row, column, size, flip)


def prepare(
    pixels: NDArray[np.uint8],
    crop: Crop | None = None,
    how: Preparation = PUBLISHED,
) -> NDArray[np.float32]:
    """Return a picture as CLIP's vision tower takes it.

    Parameters
    ----------
    pixels
        uint8, shape ``(height, width, 3)``.
    crop
        Which square of it; None takes the one in the middle.
    how
        With the published program's detours by default.

    Returns
    -------
    ndarray of float32, shape ``(3, 224, 224)``

    Raises
    ------
    OptionError
        If the picture is no colour picture of bytes, or the crop is not inside.
    """
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise OptionError(
            f"a picture of {pixels.dtype} and shape {pixels.shape}; give uint8 (height, width, 3)"
        )
    height, width = pixels.shape[:2]
    row, column, size, flip = crop or centre_crop(height, width)
    if min(row, column) < 0 or size < 1 or row + size > height or column + size > width:
        raise OptionError(f"{crop} is not inside a picture of {height} by {width} pixels")
    image = Image.fromarray(np.ascontiguousarray(pixels[row : row + size, column : column + size]))
    if how.detour:
        image = image.resize((_DETOUR_PX, _DETOUR_PX), Image.Resampling.BICUBIC)
    if flip:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if how.dimmed:
        image = Image.fromarray(dimming()[np.asarray(image)])
    image = image.resize((_SIZE_PX, _SIZE_PX), Image.Resampling.BICUBIC)
    scaled = np.asarray(image).astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(((scaled - _MEAN) / _STD).transpose(2, 0, 1))


class Conditioner:
    """CLIP's two towers and their projections.

    Parameters
    ----------
    model
        A transformers ``CLIPModel`` with CoDi's weights.
    device
        Where it is.
    """

    def __init__(self, model: Any, device: torch.device) -> None:
        self.model, self.device = model, device

    @staticmethod
    def _unit(vectors: Tensor) -> Tensor:
        return (vectors / vectors.norm(dim=-1, keepdim=True))[:, None]

    @torch.inference_mode()
    def prepared(self, pixel_values: NDArray[np.float32]) -> Tensor:
        """Return the tokens of pictures from :func:`prepare`, shape ``(n, 1, size)``."""
        values = torch.from_numpy(np.ascontiguousarray(pixel_values)).to(self.device)
        seen = self.model.vision_model(pixel_values=values).last_hidden_state[:, 0]
        pooled = self.model.vision_model.post_layernorm(seen)
        return self._unit(self.model.visual_projection(pooled))

    def pictures(
        self,
        pictures: Sequence[NDArray[np.uint8]],
        crops: Sequence[Crop | None] | None = None,
        how: Preparation = PUBLISHED,
    ) -> Tensor:
        """Return the tokens of pictures, shape ``(n, 1, size)``, each of length 1.

        Parameters
        ----------
        pictures
            uint8, each of shape ``(height, width, 3)``.
        crops, how
            As in :func:`prepare`.
        """
        squares = crops or [None] * len(pictures)
        ready = [prepare(p, c, how) for p, c in zip(pictures, squares, strict=True)]
        return self.prepared(np.stack(ready))

    @torch.inference_mode()
    def tokens(self, numbers: NDArray[np.int64]) -> Tensor:
        """Return the tokens of prompts from :func:`~.tokens.tokenize`, shape ``(n, 1, size)``."""
        ids = torch.from_numpy(numbers).to(self.device)
        hidden = self.model.text_model(input_ids=ids).last_hidden_state
        # The first of the highest number is the end of the prompt.
        pooled = hidden[torch.arange(len(ids), device=self.device), ids.argmax(dim=-1)]
        return self._unit(self.model.text_projection(pooled))

    def words(self, texts: Sequence[str]) -> Tensor:
        """Return the tokens of words, shape ``(n, 1, size)``, each of length 1."""
        return self.tokens(tokenize(texts))

    def no_picture(self) -> Tensor:
        """Return the token that stands for no picture: an even grey, shape ``(1, 1, size)``."""
        grey = np.full((_SIZE_PX, _SIZE_PX, 3), NEUTRAL_BYTE, dtype=np.uint8)
        return self.pictures([grey], how=Preparation(detour=False, dimmed=False))

    def no_words(self) -> Tensor:
        """Return the token that stands for no words: the empty prompt, shape ``(1, 1, size)``."""
        return self.words([""])
