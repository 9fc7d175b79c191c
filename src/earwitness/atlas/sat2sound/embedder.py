"""A checkpoint of Sat2Sound as an embedder. Texts need the frozen encoder it was trained with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.builtin.words import WIDTH, word_states
from earwitness.atlas.logmel import log_mel, prepare
from earwitness.atlas.metadata import encode_hour, encode_month, encode_place
from earwitness.atlas.sat2sound.config import GROUND_M
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.losses import unit
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.errors import OptionError
from earwitness.scene.sound import Sound

_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
_SPREAD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
CHUNK = 16


class CheckpointEmbedder:
    """An embedder that runs a checkpoint with PyTorch on the CPU.

    Parameters
    ----------
    path
        A checkpoint, published or ours.

    Raises
    ------
    WeightsError
        If the file cannot be read safely, or is not of this model.
    """

    def __init__(self, path: Path) -> None:
        self.model = Sat2Sound.load(path)
        config = self.model.config
        self.name = path.name
        self.dim = config.sizes.code_width
        self.image_px = config.sizes.image_px
        self.ground_m = GROUND_M[config.imagery]

    @torch.no_grad()
    def images(
        self,
        pixels: NDArray[np.uint8],
        *,
        lat_deg: ArrayLike | None = None,
        lon_deg: ArrayLike | None = None,
        month: ArrayLike | None = None,
        hour: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Embed satellite images; see :class:`~earwitness.atlas.contract.Embedder`."""
        held = np.asarray(pixels)
        side = self.image_px
        if held.ndim != 4 or held.shape[1:] != (side, side, 3) or held.dtype != np.uint8:
            raise OptionError(
                f"images have shape {held.shape} and type {held.dtype}; allowed is uint8 of shape "
                f"(n, {side}, {side}, 3)"
            )
        if (lat_deg is None) != (lon_deg is None):
            raise OptionError("give both a latitude and a longitude, or neither")
        count = len(held)
        published = self.model.config.published

        def told(values: ArrayLike) -> NDArray[np.float64]:
            return np.broadcast_to(np.asarray(values, np.float64), (count,))

        place = months = hours = None
        if lat_deg is not None and lon_deg is not None:
            place = encode_place(told(lat_deg), told(lon_deg), published=published)
        if month is not None:
            months = encode_month(told(month))
        if hour is not None:
            hours = encode_hour(told(hour), published=published)
        made = [np.zeros((0, self.dim), np.float32)]
        for first in range(0, count, CHUNK):
            part = slice(first, first + CHUNK)
            batch = torch.from_numpy(held[part].copy()).permute(0, 3, 1, 2).float() / 255

            def cut(values: NDArray[np.float32] | None, part: slice = part) -> torch.Tensor | None:
                return None if values is None else torch.from_numpy(values[part])

            embedded = self.model.embed_image(
                (batch - _MEAN) / _SPREAD,
                ground_m=torch.full((len(batch),), self.ground_m),
                metadata=Metadata(latlong=cut(place), month=cut(months), time=cut(hours)),
            )
            made.append(unit(embedded).numpy())
        return np.concatenate(made)

    @torch.no_grad()
    def sounds(self, sounds: Sequence[Sound]) -> NDArray[np.float32]:
        """Embed the first ten seconds of each sound."""
        made = [np.zeros((0, self.dim), np.float32)]
        for sound in sounds:
            mel = log_mel(prepare(sound.samples, sound.rate_hz))[None]
            made.append(unit(self.model.embed_audio(torch.from_numpy(mel))).numpy())
        return np.concatenate(made)

    @torch.no_grad()
    def texts(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Embed words, for models trained on the built-in encoder's states.

        Raises
        ------
        OptionError
            If the model was trained with another text encoder (Flan-T5 has states 1024 wide).
        """
        wide = self.model.config.sizes.text_width
        if wide != WIDTH:
            raise OptionError(
                f"{self.name} reads text states {wide} wide, of another encoder than the built-in "
                f"one ({WIDTH}); make them with that encoder and call Sat2Sound.embed_text"
            )
        states, mask = word_states(words)
        if not len(words):
            return np.zeros((0, self.dim), np.float32)
        made = self.model.embed_text(torch.from_numpy(states), torch.from_numpy(mask))
        held: NDArray[np.float32] = unit(made).numpy()
        return held
