"""Guides of the scene-guided protocol: the built-in one, and AViTAR where it is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.errors import PluginError, WeightsError
from earwitness.extras import require
from earwitness.look.sight import Sight
from earwitness.measure.guide import Place
from earwitness.measure.table1 import mixed
from earwitness.media import Picture
from earwitness.models.packed import check_packed
from earwitness.scene import Sound

_OPEN = ("sky", "water", "grass", "road", "sand", "snow", "ground", "mountain")
_AVITAR_SAMPLES, _AVITAR_HZ = 40960, 16000
_AVITAR = {
    "version": "avitar",
    "model": "genrative_avitar",
    "batch_size": 16,
    "num_encoder_layers": 4,
    "use_rgb": True,
    "gpu_mem32": True,
    "acoustic_matching": True,
    "use_cnn": True,
    "pretrained_cnn": True,
    "dropout": 0,
    "log10": True,
    "decode_wav": True,
    "hop_length": 128,
    "encode_wav": True,
    "use_visual_pv": True,
    "encoder_residual_layers": 0,
    "decode_residual_layers": 0,
    "generator_lr": 0.0005,
    "use_avspeech": True,
    "dereverb_avspeech": True,
    "use_da": True,
    "use_vida": True,
    "use_audio_da": True,
    "adaptive_pool": True,
    "test": True,
    "slurm": False,
    "n_gpus": 1,
    "num_node": 1,
    "progress_bar": False,
}


class BuiltinGuide:
    """Looks at what covers the picture and puts on the response of such a place."""

    name = "builtin"

    @staticmethod
    def place(pixels: NDArray[np.uint8]) -> Place:
        """Return what of the picture decides how the place sounds."""
        covered = Sight(Picture(pixels)).covered
        return Place(
            covered.get("indoor", 0.0),
            covered.get("building", 0.0),
            covered.get("trees", 0.0),
            sum(covered.get(name, 0.0) for name in _OPEN),
        )

    def match(self, pixels: NDArray[np.uint8], sound: Sound) -> Sound:
        """Return the sound in the place; see :class:`~earwitness.measure.guide.Guide`."""
        return self.place(pixels).response().applied(sound)


class AvitarGuide:
    """AViTAR (Chen and others, "Visual acoustic matching", CVPR 2022), from its package ``vam``.

    It is not on PyPI and none of its weights are here: this wrapper calls it as SEE-2-SOUND does
    and has not been run with them.

    Parameters
    ----------
    checkpoint
        Its ``best_val.ckpt``.
    """

    name = "avitar"

    def __init__(self, checkpoint: str = "") -> None:
        if find_spec("vam") is None:
            raise PluginError(
                "the guide 'avitar' needs the package vam (github.com/facebookresearch/"
                "visual-acoustic-matching) with its pretrained AVSpeech model; install it, or use "
                "the guide 'builtin'"
            )
        if not checkpoint:
            raise WeightsError(
                "the guide 'avitar' needs its weights: give avitar:PATH/best_val.ckpt"
            )
        self._checkpoint = checkpoint
        self._model: Any = None

    def _load(self) -> Any:
        if self._model is not None:
            return self._model
        require("torch", what="the guide 'avitar'")
        torch = import_module("torch")
        # The choices are those of SEE-2-SOUND's own evaluation.
        chosen = import_module("vam.trainer").parser.parse_args([])
        for name, value in _AVITAR.items():
            setattr(chosen, name, value)
        check_packed(Path(self._checkpoint))
        model = import_module("vam.models.generative_avitar").GenerativeAViTAr(chosen)
        try:
            weights = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        except Exception as error:
            raise WeightsError(
                f"{self._checkpoint} cannot be read as plain weights: {str(error)[:200]}"
            ) from error
        model.load_weights(weights)
        self._model = model.eval()
        return self._model

    def match(self, pixels: NDArray[np.uint8], sound: Sound) -> Sound:
        """Return 2.56 s of mono at 16 kHz, as AViTAR gives."""
        model = self._load()
        torch = import_module("torch")
        wave = mixed(sound, _AVITAR_HZ)[:_AVITAR_SAMPLES]
        small = Image.fromarray(pixels).resize((480, 270), Image.Resampling.BILINEAR)
        picture = np.asarray(small, dtype=np.float32)[45:225, 80:400] / 255.0
        picture = (picture - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        batch = {
            "rgb": torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32))[None],
            "src_wav": torch.zeros(1, _AVITAR_SAMPLES),
            "recv_wav": torch.from_numpy(np.ascontiguousarray(wave))[None],
        }
        with torch.no_grad():
            made = model.acoustic_match(batch, 0, phase="test")["pred"].cpu().numpy()[0]
        return Sound(np.atleast_2d(made).astype(np.float32), _AVITAR_HZ, "mono")
