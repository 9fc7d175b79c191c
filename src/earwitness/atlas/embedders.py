"""Embedders by name: the built-in one without PyTorch, or a checkpoint with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.builtin.network import run
from earwitness.atlas.builtin.words import word_states
from earwitness.atlas.contract import Embedder
from earwitness.atlas.logmel import log_mel, prepare
from earwitness.atlas.marble import GROUND_M
from earwitness.atlas.metadata import encode_hour, encode_month, encode_place
from earwitness.errors import OptionError
from earwitness.scene.sound import Sound

CHUNK = 256
"""Rows that are embedded at a time."""

_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to length 1."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length == 0, 1, length), np.float32)


def _rows(values: ArrayLike, count: int, what: str) -> NDArray[np.float64]:
    held = np.asarray(values, np.float64)
    if held.ndim == 0:
        return np.full(count, float(held))
    if held.shape != (count,):
        raise OptionError(
            f"{what} has shape {held.shape} for {count} images; give a number or one for each"
        )
    return held


class BuiltinEmbedder:
    """The model in the package: trained on the built-in world, run by ONNX Runtime.

    Its labels were rules: it knows what earwitness's authors thought a place sounds like, and the
    words around that. It reads 119 km of Blue Marble at a time.

    Examples
    --------
    >>> embedder = BuiltinEmbedder()
    >>> embedder.texts(["gulls over the sea", "a busy street"]).shape
    (2, 128)
    """

    name = "builtin"
    dim = 128
    image_px = 16
    ground_m = GROUND_M

    def images(
        self,
        pixels: NDArray[np.uint8],
        *,
        lat_deg: ArrayLike | None = None,
        lon_deg: ArrayLike | None = None,
        month: ArrayLike | None = None,
        hour: ArrayLike | None = None,
    ) -> NDArray[np.float32]:
        """Embed satellite images; see :class:`~earwitness.atlas.contract.Embedder`.

        Raises
        ------
        OptionError
            If the pixels are of another shape or type, or a value is outside what is allowed.
        """
        held = np.asarray(pixels)
        side = self.image_px
        if held.ndim != 4 or held.shape[1:] != (side, side, 3) or held.dtype != np.uint8:
            raise OptionError(
                f"images have shape {held.shape} and type {held.dtype}; allowed is uint8 of shape "
                f"(n, {side}, {side}, 3): RGB, {self.ground_m / 1000:.1f} km per pixel"
            )
        if (lat_deg is None) != (lon_deg is None):
            raise OptionError("give both a latitude and a longitude, or neither")
        count = len(held)
        known = np.zeros((3, count), np.float32)
        place = np.zeros((count, 4), np.float32)
        months, hours = np.zeros((count, 2), np.float32), np.zeros((count, 2), np.float32)
        if lat_deg is not None and lon_deg is not None:
            lat, lon = _rows(lat_deg, count, "lat_deg"), _rows(lon_deg, count, "lon_deg")
            place, known[0] = encode_place(lat, lon), 1
        if month is not None:
            months, known[1] = encode_month(_rows(month, count, "month")), 1
        if hour is not None:
            hours, known[2] = encode_hour(_rows(hour, count, "hour")), 1
        made = [np.zeros((0, self.dim), np.float32)]
        for first in range(0, count, CHUNK):
            part = slice(first, first + CHUNK)
            scaled = (held[part].astype(np.float32) / 255 - _MEAN) / _SPREAD
            feed: dict[str, NDArray[Any]] = {
                "pixels": np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)),
                "place": place[part], "month": months[part], "hour": hours[part],
                "known": np.ascontiguousarray(known[:, part].T),
            }  # fmt: skip
            made.append(unit(run("image", feed)))
        return np.concatenate(made)

    def spectrograms(self, mels: Sequence[NDArray[np.floating]]) -> NDArray[np.float32]:
        """Embed log-mel spectrograms (T, 64) of ten seconds, T 1001 or, averaged by fours, 250."""
        made = [np.zeros((0, self.dim), np.float32)]
        for mel in mels:
            held = np.asarray(mel, np.float32)
            if held.shape not in ((1001, 64), (250, 64)):
                raise OptionError(
                    f"a spectrogram has shape {held.shape}; allowed are (1001, 64) and (250, 64)"
                )
            if len(held) == 250:  # the network averages by fours, and leaves the last frame out
                held = np.repeat(held, 4, axis=0)[np.minimum(np.arange(1001), 999)]
            made.append(unit(run("sound", {"mel": held[None, None]})))
        return np.concatenate(made)

    def sounds(self, sounds: Sequence[Sound]) -> NDArray[np.float32]:
        """Embed sounds: of each its first ten seconds, repeated if it is shorter.

        Raises
        ------
        MediaError
            If a sound has no samples, or some that are not numbers.
        """
        made = [np.zeros((0, self.dim), np.float32)]
        for sound in sounds:
            mel = log_mel(prepare(_lengthened(sound), sound.rate_hz))
            made.append(unit(run("sound", {"mel": mel[None]})))
        return np.concatenate(made)

    def texts(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Embed words.

        Raises
        ------
        OptionError
            If a text is empty.
        """
        for text in words:
            if not text.strip():
                raise OptionError("a text is empty; give some words, such as 'gulls over the sea'")
        made = [np.zeros((0, self.dim), np.float32)]
        for first in range(0, len(words), 32):
            states, mask = word_states(words[first : first + 32])
            made.append(unit(run("text", {"states": states, "mask": mask.astype(np.float32)})))
        return np.concatenate(made)


def _lengthened(sound: Sound) -> NDArray[np.float32]:
    """Repeat a short sound until it fills ten seconds: silence after it would be heard too."""
    wanted = 10 * sound.rate_hz
    count = sound.samples.shape[1]
    if not 0 < count < wanted:
        return sound.samples
    return np.tile(sound.samples, (1, -(-wanted // count)))[:, :wanted]


def load_embedder(name: str | Path = "builtin") -> Embedder:
    """Return an embedder.

    Parameters
    ----------
    name
        ``builtin``, or the path of a checkpoint of Sat2Sound (extra ``[train]``).

    Raises
    ------
    OptionError
        If there is neither.
    PluginError
        If the extra is missing.
    WeightsError
        If the checkpoint cannot be read safely.

    Examples
    --------
    >>> load_embedder("builtin").image_px
    16
    """
    if str(name) == "builtin":
        return BuiltinEmbedder()
    if not Path(name).is_file():
        raise OptionError(
            f"no embedder is called {str(name)!r} and no file is there; "
            f"give 'builtin' or the path of a checkpoint"
        )
    from earwitness.extras import require

    require("torch", what="an embedder from a checkpoint", extra="train")
    from earwitness.atlas.sat2sound.embedder import CheckpointEmbedder

    return CheckpointEmbedder(Path(name))
