"""How well a sound fits words or a picture: cosines in spaces that models share between them.

- **CLAP score**: a sound against words in CLAP's space (Wu and others, "Large-scale contrastive
  language-audio pretraining", ICASSP 2023).
- **CLIP score** of SEE-2-SOUND's Table 2: a sound through Wav2CLIP against a picture through CLIP
  (ViT-B/32), whose space Wav2CLIP was distilled into.

Cosines of different weights do not compare, nor do they with scores that were scaled by a
temperature. Needs the extra ``[hub]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError, WeightsError
from earwitness.extras import require
from earwitness.models.device import choose_device
from earwitness.models.register import Entry, entry_named
from earwitness.models.resolve import load_pretrained, resolve
from earwitness.scene import Sound, concepts

Array = NDArray[np.float64]

CLAP_HZ, CLAP_S = 48000, 10
WAV2CLIP_HZ = 16000
_SHARPNESS = 100.0  # of the softmax over concepts, where the model brings none


class SoundEncoder(Protocol):
    """Makes unit vectors of sounds."""

    def sounds(self, sounds: Sequence[Sound]) -> Array:
        """Return one row for each sound, of length 1."""
        ...


def mono(sound: Sound, rate_hz: int) -> NDArray[np.float32]:
    """Return all full-range channels (W alone of ambisonics) as one, at a rate."""
    from math import gcd

    from scipy.signal import resample_poly

    layout = sound.channels
    if layout.kind == "ambisonics":
        wave = sound.samples[0]
    else:
        full = [i for i in range(len(sound.samples)) if i not in layout.lfe]
        wave = sound.samples[full].mean(axis=0)
    shared = gcd(rate_hz, sound.rate_hz)
    if rate_hz != sound.rate_hz:
        wave = resample_poly(wave, rate_hz // shared, sound.rate_hz // shared)
    return np.asarray(wave, dtype=np.float32)


def normalised(rows: ArrayLike) -> Array:
    """Return rows of length 1; a row of zeros stays."""
    values = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def agreement(first: ArrayLike, second: ArrayLike) -> Array:
    """Return the cosine of each row of one table with the same row of another, shape ``(n,)``.

    Examples
    --------
    >>> agreement([[1.0, 0.0], [1.0, 1.0]], [[2.0, 0.0], [0.0, 3.0]]).round(3)
    array([1.   , 0.707])
    """
    a, b = normalised(first), normalised(second)
    if a.shape != b.shape:
        raise OptionError(f"embeddings of shapes {a.shape} and {b.shape}; give equal shapes")
    return np.asarray(np.sum(a * b, axis=1))


def _vectors(output: Any) -> Array:
    """Return embeddings as an array; newer transformers wrap them in an output."""
    pooled = getattr(output, "pooler_output", None)
    chosen = output if pooled is None else pooled
    return normalised(chosen.float().cpu().numpy())


class Clap:
    """CLAP, for sounds and words.

    Parameters
    ----------
    model, tokenizer, extractor
        Of transformers, as :meth:`load` makes them.
    device
        Where it runs.
    """

    def __init__(self, model: Any, tokenizer: Any, extractor: Any, device: str = "cpu") -> None:
        self._model, self._tokenizer, self._extractor = model.to(device), tokenizer, extractor
        self._device = device
        fused = getattr(model.config.audio_config, "enable_fusion", False)
        self._cut = "fusion" if fused else "rand_trunc"

    @classmethod
    def load(cls, what: str | Path, device: str = "auto") -> Clap:
        """Return CLAP with the weights of a name in the register or of a folder.

        Raises
        ------
        WeightsError, PluginError
            If the weights are not here or another model's, or the extra is not installed.
        """
        require("torch", "transformers", what="the CLAP score")
        entry = entry_named("clap")
        folder = resolve(what, "clap")
        transformers = import_module("transformers")
        model = load_pretrained(transformers.ClapModel, folder, entry)
        tokenizer, extractor = (
            _part(kind, folder, entry)
            for kind in (transformers.AutoTokenizer, transformers.ClapFeatureExtractor)
        )
        return cls(model, tokenizer, extractor, choose_device(device))

    @property
    def sharpness(self) -> float:
        """Factor of cosines between sounds and words before a softmax."""
        scale = getattr(self._model, "logit_scale_a", None)
        return _SHARPNESS if scale is None else float(scale.detach().exp())

    def sounds(self, sounds: Sequence[Sound]) -> Array:
        """Return the mean embedding of each sound's stretches of 10 s, length 1."""
        torch = import_module("torch")
        rows = []
        for sound in sounds:
            wave = mono(sound, CLAP_HZ)
            # Cut here: the extractor would pick a stretch of a longer sound at random.
            size = CLAP_HZ * CLAP_S
            parts = [wave[i : i + size] for i in range(0, max(1, len(wave)), size)]
            parts = [p for p in parts if len(p) > size // 10] or parts[:1]
            inputs = self._extractor(
                parts, sampling_rate=CLAP_HZ, truncation=self._cut, return_tensors="pt"
            )
            with torch.no_grad():
                out = self._model.get_audio_features(**inputs.to(self._device))
            rows.append(_vectors(out).mean(axis=0))
        return normalised(rows)

    def texts(self, words: Sequence[str]) -> Array:
        """Return the embedding of each text, length 1."""
        torch = import_module("torch")
        inputs = self._tokenizer(list(words), padding=True, truncation=True, return_tensors="pt")
        known = {k: v.to(self._device) for k, v in inputs.items() if k != "token_type_ids"}
        with torch.no_grad():
            return _vectors(self._model.get_text_features(**known))


def _part(kind: Any, folder: Path, entry: Entry) -> Any:
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        line = next((x.strip() for x in str(error).splitlines() if x.strip()), "unreadable")
        raise WeightsError(f"{folder} lacks a part of {entry.title}: {line[:200]}") from error


class ClipPicture:
    """CLIP's picture side.

    Parameters
    ----------
    model, processor
        Of transformers, as :meth:`load` makes them.
    """

    def __init__(self, model: Any, processor: Any, device: str = "cpu") -> None:
        self._model, self._processor, self._device = model.to(device), processor, device

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> ClipPicture:
        """Return CLIP from a folder or by its name in the register.

        Wav2CLIP's space is that of ViT-B/32, 512 numbers.
        """
        require("torch", "transformers", what="the CLIP score")
        entry = entry_named("clip-vit-b32")
        transformers = import_module("transformers")
        place = resolve(folder, entry.name)
        model = load_pretrained(transformers.CLIPModel, place, entry, unneeded=(r"position_ids$",))
        kind = getattr(transformers, "CLIPImageProcessorPil", transformers.CLIPImageProcessor)
        return cls(model, _part(kind, place, entry), choose_device(device))

    def pictures(self, pictures: Sequence[NDArray[np.uint8]]) -> Array:
        """Return the embedding of each picture ``(height, width, 3)``, length 1."""
        torch = import_module("torch")
        image = import_module("PIL.Image")
        given = [image.fromarray(pixels) for pixels in pictures]
        inputs = self._processor(images=given, return_tensors="pt")
        with torch.no_grad():
            out = self._model.get_image_features(
                pixel_values=inputs["pixel_values"].to(self._device)
            )
        return _vectors(out)


def clip_score(
    clip: ClipPicture, wav2clip: SoundEncoder, pixels: NDArray[np.uint8], sound: Sound
) -> float:
    """Return the cosine of a picture and a sound in CLIP's space: Table 2 of SEE-2-SOUND.

    Raises
    ------
    WeightsError
        If the CLIP given is of another size than Wav2CLIP's.
    """
    seen, heard = clip.pictures([pixels]), wav2clip.sounds([sound])
    if seen.shape != heard.shape:
        raise WeightsError(
            f"this CLIP makes {seen.shape[1]} numbers of a picture, Wav2CLIP {heard.shape[1]} of "
            f"a sound; it was made for CLIP ViT-B/32. Run: earwitness models fetch clip-vit-b32"
        )
    return float(agreement(seen, heard)[0])


def concept_probabilities(clap: Clap, sounds: ArrayLike) -> Array:
    """Return how likely each concept is for embedded sounds, shape ``(n, concepts)``."""
    words = clap.texts([concept.label for concept in concepts().values()])
    logits = clap.sharpness * normalised(sounds) @ words.T
    logits -= logits.max(axis=1, keepdims=True)
    made = np.exp(logits)
    return np.asarray(made / made.sum(axis=1, keepdims=True))
