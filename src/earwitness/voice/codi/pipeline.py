"""CoDi as a whole: a picture, words or both to 10.2 s of sound at 16 kHz."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earwitness.errors import OptionError, PluginError, VoiceError, WeightsError
from earwitness.models.device import choose_device
from earwitness.voice.codi import weights
from earwitness.voice.codi.clip import PUBLISHED, Conditioner, Crop, Preparation, drawn_crop
from earwitness.voice.codi.config import CodiConfig
from earwitness.voice.codi.sampler import Watch, ddim
from earwitness.voice.codi.schedule import Spacing, schedule
from earwitness.voice.codi.unet import AudioUnet
from earwitness.voice.codi.vae import MelDecoder
from earwitness.voice.codi.vocoder import Vocoder

Precision = Literal["fp32", "fp16", "bf16"]
_LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Condition:
    """What one sound is of: a picture, words, or both.

    Parameters
    ----------
    image
        uint8, shape ``(height, width, 3)``, or None.
    text
        Words, or None; empty words are none.
    weights
        How much the picture and the words count where there are both.
    crop
        Which square of the picture is looked at; None takes the one in the middle.
    """

    image: NDArray[np.uint8] | None = None
    text: str | None = None
    weights: tuple[float, float] = (1.0, 1.0)
    crop: Crop | None = None

    def __post_init__(self) -> None:
        if self.image is None and not self.text:
            raise VoiceError("neither a picture nor words to generate from; give one or both")
        if min(self.weights) < 0 or not np.isfinite(self.weights).all() or sum(self.weights) <= 0:
            raise OptionError(
                f"weights {self.weights} of picture and words; give two numbers from 0, "
                "not both 0, such as (1, 1)"
            )


def _transformers_clip(config: dict[str, Any]) -> Any:
    try:
        from transformers import CLIPConfig, CLIPModel
    except ImportError as error:
        raise PluginError(
            f"CoDi needs the module transformers, which is not installed ({error}); "
            "run: pip install 'earwitness[hub]'"
        ) from None
    keep = {"text_config", "vision_config", "projection_dim", "logit_scale_init_value"}
    return CLIPModel(CLIPConfig(**{k: v for k, v in config.items() if k in keep}))


def _materialise(clip: Any) -> None:
    """Give what no file holds its value: position numbers and the scale of similarities."""
    for tower in (clip.text_model, clip.vision_model):
        positions = tower.embeddings.position_ids
        tower.embeddings.position_ids = torch.arange(positions.shape[-1]).expand(positions.shape)
    if clip.logit_scale.is_meta:
        value = torch.tensor(float(clip.config.logit_scale_init_value))
        clip.logit_scale = torch.nn.Parameter(value)


class Codi:
    """CoDi's path from picture and words to sound, its weights in place.

    Parameters
    ----------
    config
        Sizes.
    table
        The needed tensors under their published names; every one is accounted for.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    precision
        ``fp32``, or ``fp16``/``bf16`` for the networks by autocast; noise schedule, guidance and
        the steps between stay in single precision.

    Raises
    ------
    WeightsError
        If a needed key is missing, misshaped, or of another model.
    """

    def __init__(
        self,
        config: CodiConfig,
        table: dict[str, Tensor],
        *,
        device: str = "auto",
        precision: Precision = "fp32",
    ) -> None:
        if precision not in get_args(Precision):
            raise OptionError(f"precision {precision!r}; choose fp32, fp16 or bf16")
        self.config, self.precision = config, precision
        self.device = torch.device(choose_device(device))
        with torch.device("meta"):
            clip = _transformers_clip(config.clip)
            self.unet = AudioUnet(config.unet)
            self.decoder = MelDecoder(config.vae)
            self.vocoder = Vocoder(config.vocoder)
        weights.fill(clip, table, weights.CLIP_PREFIX, optional="logit_scale")
        weights.fill(self.unet, table, weights.UNET_PREFIX)
        audio = torch.nn.ModuleDict({"vocoder": self.vocoder})
        audio.update(dict(self.decoder.named_children()))
        weights.fill(audio, table, weights.AUDIO_PREFIX)
        _materialise(clip)
        for module in (clip, self.unet, self.decoder, self.vocoder):
            module.requires_grad_(False).eval().to(self.device)
        self.conditioner = Conditioner(clip, self.device)
        self._nothing: dict[str, Tensor] = {}

    @classmethod
    def load(
        cls,
        source: str | Path | Sequence[str | Path],
        *,
        config: CodiConfig | None = None,
        device: str = "auto",
        precision: Precision = "fp32",
    ) -> Codi:
        """Return the model that files hold.

        Parameters
        ----------
        source
            A folder with the published ``CoDi_encoders.pth`` and ``CoDi_audio_diffuser_m.pth``
            (or SEE-2-SOUND's ``codi_encoder.pth`` and ``codi_audio.pth``) or their conversion;
            or the files themselves, of which a later one goes before an earlier.
        config
            Sizes; None takes ``config.json`` beside the weights, or those published.
        device, precision
            As in :class:`Codi`.

        Raises
        ------
        WeightsError
            If something is missing, truncated, of another model, or a pickle that holds more
            than tensors.
        """
        if isinstance(source, str | Path) and not Path(source).is_file():
            files = weights.find(Path(source).expanduser())
        else:
            given = [source] if isinstance(source, str | Path) else list(source)
            files = tuple(Path(p).expanduser() for p in given)
            if not files:
                raise WeightsError("no files of CoDi given; give its folder or its two files")
        beside = files[0].parent / "config.json"
        if config is None and beside.is_file():
            config = CodiConfig.read(beside)
        return cls(config or CodiConfig(), weights.merge(files), device=device, precision=precision)

    def save(self, folder: str | Path) -> Path:
        """Write the weights as safetensors with their sizes beside them, and return the folder.

        Only what generates sound is written: 3.3 GB of the 20 GB and more that is published.
        """
        from safetensors.torch import save_file

        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        table: dict[str, Tensor] = {}
        for prefix, module in (
            (weights.CLIP_PREFIX, self.conditioner.model),
            (weights.UNET_PREFIX, self.unet),
            (weights.AUDIO_PREFIX, self.decoder),
            (weights.AUDIO_PREFIX + "vocoder.", self.vocoder),
        ):
            for key, value in module.state_dict().items():
                table[prefix + key] = value.detach().to("cpu").contiguous()
        save_file(table, place / weights.CONVERTED)
        (place / weights.CONVERTED).chmod(0o644)  # the library makes it the owner's alone
        text = json.dumps(self.config.to_dict(), indent=1)
        (place / "config.json").write_text(text + "\n", encoding="utf-8")
        return place

    def _faster(self) -> AbstractContextManager[Any]:
        if self.precision == "fp32":
            return nullcontext()
        kind = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, dtype=kind)

    def _without(self, what: Literal["picture", "words"]) -> Tensor:
        if what not in self._nothing:
            made = (
                self.conditioner.no_picture() if what == "picture" else self.conditioner.no_words()
            )
            self._nothing[what] = made
        return self._nothing[what]

    def context(self, conditions: Sequence[Condition], how: Preparation = PUBLISHED) -> Tensor:
        """Return conditions as the UNet takes them, shape ``(2 n, 1, size)``.

        Unconditional ones first. A picture and words are the weighted mean of their tokens, which
        is not made length 1 again, as in the published program.
        """
        seen = [i for i, c in enumerate(conditions) if c.image is not None]
        said = [i for i, c in enumerate(conditions) if c.text]
        pictures: dict[int, Tensor] = {}
        words: dict[int, Tensor] = {}
        if seen:
            made = self.conditioner.pictures(
                [conditions[i].image for i in seen],  # type: ignore[misc]
                [conditions[i].crop for i in seen],
                how,
            )
            pictures = dict(zip(seen, made, strict=True))
        if said:
            made = self.conditioner.words([str(conditions[i].text) for i in said])
            words = dict(zip(said, made, strict=True))
        without, with_it = [], []
        for i, condition in enumerate(conditions):
            parts = []
            if i in pictures:
                parts.append((condition.weights[0], self._without("picture")[0], pictures[i]))
            if i in words:
                parts.append((condition.weights[1], self._without("words")[0], words[i]))
            if len(parts) == 1:
                parts = [(1.0, *parts[0][1:])]
            total = sum(p[0] for p in parts)
            without.append(torch.stack([w / total * nothing for w, nothing, _ in parts]).sum(0))
            with_it.append(torch.stack([w / total * token for w, _, token in parts]).sum(0))
        return torch.stack([*without, *with_it])

    def noise(self, seeds: Sequence[int]) -> Tensor:
        """Return standard normal latents, one for each seed, the same on every device.

        Each depends on its own seed alone, so that a batch gives what one by one gives.
        """
        made = []
        for seed in seeds:
            if not 0 <= seed <= _LARGEST_SEED:
                raise OptionError(f"seed {seed}; choose a whole number from 0 to {_LARGEST_SEED}")
            generator = torch.Generator().manual_seed(seed)
            made.append(torch.randn(self.config.latent_shape, generator=generator))
        return torch.stack(made).to(self.device)

    @torch.inference_mode()
    def latents(
        self,
        context: Tensor,
        noise: Tensor,
        *,
        steps: int = 100,
        scale: float = 7.5,
        spacing: Spacing = "published",
        watch: Watch | None = None,
    ) -> Tensor:
        """Return the latents that noise becomes, as ``noise``.

        Parameters
        ----------
        context
            From :meth:`context`, shape ``(2 n, 1, size)``.
        noise
            Shape ``(n, 8, time, frequency)``.
        steps, spacing
            As in :func:`~earwitness.voice.codi.schedule.schedule`; the paper uses 500 steps.
        scale
            Guidance; 1 is none.
        watch
            Told after each step.
        """
        if len(context) != 2 * len(noise):
            raise OptionError(
                f"{len(context)} contexts for {len(noise)} latents; give twice as many"
            )
        if not np.isfinite(scale) or scale < 0:
            raise OptionError(f"guidance {scale}; give a number from 0, such as 7.5")
        levels = schedule(steps, spacing=spacing)
        with self._faster():
            return ddim(
                self.unet,
                noise.to(self.device),
                context.to(self.device),
                levels,
                scale=scale,
                watch=watch,
            )

    @torch.inference_mode()
    def mel(self, latents: Tensor) -> Tensor:
        """Return mel spectrograms of latents, shape ``(n, 1, 4 time, 4 frequency)``."""
        with self._faster():
            return self.decoder(latents.to(self.device)).float()

    @torch.inference_mode()
    def waveform(self, mel: Tensor) -> NDArray[np.float32]:
        """Return the sounds of mel spectrograms at 16 kHz, shape ``(n, samples)``."""
        with self._faster():
            made = self.vocoder(mel.to(self.device)).float()
        return np.asarray(made[:, 0].cpu().numpy(), dtype=np.float32)

    def decode(self, latents: Tensor) -> NDArray[np.float32]:
        """Return the sounds of latents at 16 kHz, shape ``(n, samples)``."""
        return self.waveform(self.mel(latents))

    def generate_many(
        self,
        conditions: Sequence[Condition],
        seeds: Sequence[int],
        *,
        steps: int = 100,
        scale: float = 7.5,
        spacing: Spacing = "published",
        how: Preparation = PUBLISHED,
        watch: Watch | None = None,
    ) -> NDArray[np.float32]:
        """Return one sound for each condition and seed, made in one batch.

        Returns
        -------
        ndarray of float32, shape ``(n, 163872)``
            At 16 kHz, within ±1, neither trimmed nor levelled.

        Raises
        ------
        OptionError
            If an option is outside what is allowed.
        VoiceError
            If what comes out is not finite (half precision can overflow).
        """
        if len(conditions) != len(seeds) or not conditions:
            raise OptionError(
                f"{len(conditions)} conditions and {len(seeds)} seeds; give one seed for each"
            )
        latents = self.latents(
            self.context(conditions, how),
            self.noise(seeds),
            steps=steps,
            scale=scale,
            spacing=spacing,
            watch=watch,
        )
        sounds = self.decode(latents)
        if not np.isfinite(sounds).all():
            raise VoiceError(
                f"CoDi gave samples that are not finite numbers in {self.precision}; "
                "choose precision fp32 or bf16"
            )
        return sounds

    def generate(
        self,
        image: NDArray[np.uint8] | None = None,
        text: str | None = None,
        *,
        seed: int = 0,
        **options: Any,
    ) -> NDArray[np.float32]:
        """Return the sound of a picture, of words, or of both.

        Parameters
        ----------
        image
            uint8, shape ``(height, width, 3)``; the square in the middle is looked at.
        text
            Words.
        seed
            Same seed, same sound.
        options
            As in :meth:`generate_many`: ``steps``, ``scale``, ``spacing``, ``how``, ``watch``.

        Returns
        -------
        ndarray of float32, shape ``(163872,)``
            At 16 kHz.

        Examples
        --------
        ``Codi.load("weights").generate(pixels, "a dog barking", steps=100)``
        """
        made: NDArray[np.float32] = self.generate_many([Condition(image, text)], [seed], **options)
        return made[0]

    def generate_as_published(
        self,
        image: NDArray[np.uint8] | None,
        text: str | None,
        generator: torch.Generator,
        *,
        steps: int = 500,
        scale: float = 7.5,
    ) -> NDArray[np.float32]:
        """Return the sound that the published program makes on a CPU from a state of chance.

        It crops the picture at random and mirrors half of them (training's augmentation, left
        in), and draws numbers that it does not use at each step.

        Parameters
        ----------
        image, text
            As in :meth:`generate`.
        generator
            A CPU generator in the state of PyTorch's global one; it is left as that would be.
        steps, scale
            As in :meth:`latents`.

        Returns
        -------
        ndarray of float32, shape ``(163872,)``
        """
        crop = None if image is None else drawn_crop(image.shape[0], image.shape[1], generator)
        context = self.context([Condition(image, text or None, crop=crop)])
        shape = (1, *self.config.latent_shape)
        noise = torch.randn(shape, generator=generator)

        def spend(_step: int, _x: Tensor, _x0: Tensor) -> None:
            torch.randn(shape, generator=generator)

        return self.decode(self.latents(context, noise, steps=steps, scale=scale, watch=spend))[0]
