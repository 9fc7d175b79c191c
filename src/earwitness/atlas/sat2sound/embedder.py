"""A checkpoint as an embedder: pictures, sounds and words as they come, to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas import logmel
from earwitness.atlas.dataset.reading import to_input
from earwitness.atlas.metadata import encode_hour, encode_month, encode_place
from earwitness.atlas.metrics import normalise
from earwitness.atlas.sat2sound.config import GROUND_M
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.texts import KeptStates, load_text_encoder
from earwitness.errors import OptionError
from earwitness.models.device import choose_device
from earwitness.scene.sound import Sound

_ROWS = 32


class CheckpointEmbedder:
    """A published checkpoint, or one of ours; see :mod:`earwitness.atlas.contract`.

    Parameters
    ----------
    path
        The checkpoint.
    text
        Text encoder, by default the model's own; loaded when words first come.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """

    def __init__(self, path: Path | str, *, text: str | None = None, device: str = "auto") -> None:
        self._where = choose_device(device)
        self.model = Sat2Sound.load(path).to(self._where)
        config = self.model.config
        self.name, self.dim = Path(path).name, config.sizes.code_width
        self.image_px, self.ground_m = config.sizes.image_px, GROUND_M[config.imagery]
        self._text = text or config.text_encoder
        self._words: KeptStates | None = None

    def images(
        self,
        pixels: NDArray[np.uint8],
        *,
        lat_deg: ArrayLike | None = None,
        lon_deg: ArrayLike | None = None,
        month: ArrayLike | None = None,
        hour: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Embed images (n, 224, 224, 3), uint8; what is None is not known."""
        held = np.asarray(pixels)
        wanted = (self.image_px, self.image_px, 3)
        if held.ndim != 4 or held.shape[1:] != wanted or held.dtype != np.uint8:
            raise OptionError(
                f"images have shape {held.shape} and type {held.dtype}; expected is "
                f"(n, {wanted[0]}, {wanted[1]}, 3), uint8, RGB"
            )
        known = self._metadata(len(held), lat_deg, lon_deg, month, hour)
        made = []
        for start in range(0, len(held), _ROWS):
            part = slice(start, start + _ROWS)
            given = torch.from_numpy(np.stack([to_input(p, self.image_px) for p in held[part]])).to(
                self._where
            )
            ground = torch.full((len(given),), self.ground_m, device=self._where)
            some = Metadata(**{n: t[part].to(self._where) for n, t in known.items()})
            with torch.no_grad():
                made.append(self.model.embed_image(given, ground_m=ground, metadata=some).cpu())
        return self._unit(made)

    def _metadata(
        self,
        count: int,
        lat: ArrayLike | None,
        lon: ArrayLike | None,
        month: ArrayLike | None,
        hour: ArrayLike | None,
    ) -> dict[str, torch.Tensor]:
        def wide(values: ArrayLike) -> NDArray[np.float64]:
            return np.broadcast_to(np.asarray(values, np.float64), (count,))

        published = self.model.config.published
        known: dict[str, torch.Tensor] = {}
        if (lat is None) != (lon is None):
            raise OptionError("give latitude and longitude, both or neither")
        if lat is not None and lon is not None:
            placed = encode_place(wide(lat), wide(lon), published=published)
            known["latlong"] = torch.from_numpy(placed)
        if month is not None:
            known["month"] = torch.from_numpy(encode_month(wide(month)))
        if hour is not None:
            known["time"] = torch.from_numpy(encode_hour(wide(hour), published=published))
        return known

    def spectrograms(self, mels: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
        """Embed log-mel spectrograms (T, 64) of ten seconds, all of one length."""
        made = []
        for start in range(0, len(mels), _ROWS):
            some = np.stack([np.asarray(mel, np.float32) for mel in mels[start : start + _ROWS]])
            with torch.no_grad():
                given = torch.from_numpy(some[:, None]).to(self._where)
                made.append(self.model.embed_audio(given).cpu())
        return self._unit(made)

    def sounds(self, sounds: Sequence[Sound]) -> NDArray[np.float32]:
        """Embed sounds: the first ten seconds of each."""
        made = [np.zeros((0, self.dim), np.float32)]
        for start in range(0, len(sounds), _ROWS):
            some = sounds[start : start + _ROWS]
            mels = [logmel.log_mel(logmel.prepare(s.samples, s.rate_hz))[0] for s in some]
            made.append(self.spectrograms(mels))
        return np.concatenate(made)

    def texts(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Embed descriptions of sounds, each alone: published models mix in others' padding."""
        if self._words is None:
            width = self.model.config.sizes.text_width
            encoder = load_text_encoder(self._text, device=self._where, width=width)
            if encoder.width != width:
                raise OptionError(
                    f"{self.name} reads text states of width {width}, {self._text} gives "
                    f"{encoder.width}; name the encoder it was trained with (--text)"
                )
            self._words = KeptStates(encoder)
        made = []
        for text in words:
            states, mask = self._words.padded([text])
            with torch.no_grad():
                given = torch.from_numpy(states).to(self._where)
                kept = torch.from_numpy(mask).to(self._where)
                made.append(self.model.embed_text(given, kept).cpu())
        return self._unit(made)

    def _unit(self, made: list[torch.Tensor]) -> NDArray[np.float32]:
        if not made:
            return np.zeros((0, self.dim), np.float32)
        return normalise(torch.cat(made).float().numpy())
