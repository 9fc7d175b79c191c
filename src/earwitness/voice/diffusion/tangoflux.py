"""The voice TangoFlux: words to 30 s at 44.1 kHz, from its two safetensors files.

Its package cannot be installed beside current PyTorch; its parts are in diffusers. The network is
Flux's transformer on the latents of Stable Audio's autoencoder, told the words by Flan-T5 and the
length by one further token, and follows the straight flow from noise to sound.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.models.folder import again as what_to_run
from earwitness.models.register import Entry, entry_named
from earwitness.models.resolve import load_pretrained, resolve
from earwitness.models.settings import Settings
from earwitness.voice.diffusion.pipeline import arrays
from earwitness.voice.generated import (
    Ask,
    GeneratedVoice,
    Ranker,
    Sounds,
    mono,
    negative_of,
    words_of,
)

_STEPS, _GUIDANCE = 50, 4.5
_WORDS = 64
"""Most tokens of a text."""

_TEXT_KEYS = ("text_encoder.",)


class _Times(nn.Module):
    """Sines and cosines of learnt frequencies, the time itself first."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(size // 2))

    def forward(self, times: Tensor) -> Tensor:
        angles = times[:, None] * self.weights[None] * 2 * torch.pi
        return torch.cat([times[:, None], angles.sin(), angles.cos()], dim=-1)


class _Duration(nn.Module):
    """Seconds to one token."""

    def __init__(self, size: int, longest_s: float, inner: int) -> None:
        super().__init__()
        self.longest_s = longest_s
        self.time_positional_embedding = nn.Sequential(_Times(inner), nn.Linear(inner + 1, size))

    def forward(self, seconds: Tensor) -> Tensor:
        part = seconds.clamp(0, self.longest_s) / self.longest_s
        return self.time_positional_embedding(part)[:, None]


class TangoFlux(nn.Module):
    """TangoFlux without its text encoder (Hung et al., 2024).

    Modules carry the names of the published file, so its keys load one to one.

    Parameters
    ----------
    config
        As its ``config.json`` holds it.
    text_size
        Of the text encoder's vectors.
    """

    def __init__(self, config: Mapping[str, Any], text_size: int = 1024) -> None:
        super().__init__()
        from diffusers import FluxTransformer2DModel

        joint = int(config.get("joint_attention_dim", 1024))
        self.frames = int(config.get("audio_seq_len", 645))
        self.channels = int(config.get("in_channels", 64))
        self.longest_s = float(config.get("max_duration", 30))
        self.fc = nn.Sequential(nn.Linear(text_size, joint), nn.ReLU())
        self.duration_emebdder = _Duration(  # spelt as in the file
            text_size, self.longest_s, int(config.get("duration_embedding_dim", 256))
        )
        axes = config.get("axes_dims_rope")
        self.transformer = FluxTransformer2DModel(
            in_channels=self.channels,
            num_layers=int(config.get("num_layers", 6)),
            num_single_layers=int(config.get("num_single_layers", 18)),
            attention_head_dim=int(config.get("attention_head_dim", 128)),
            num_attention_heads=int(config.get("num_attention_heads", 8)),
            joint_attention_dim=joint,
            pooled_projection_dim=text_size,
            guidance_embeds=False,
            **({"axes_dims_rope": tuple(axes)} if axes else {}),
        )

    @torch.inference_mode()
    def latents(
        self,
        noise: Tensor,
        words: Tensor,
        mask: Tensor,
        seconds: Tensor,
        *,
        steps: int,
        guidance: float,
    ) -> Tensor:
        """Return the latents that noise becomes, shape ``(n, frames, channels)``.

        Parameters
        ----------
        noise
            Standard normal, shape ``(n, frames, channels)``.
        words, mask
            The text encoder's vectors ``(2 n, tokens, size)`` and which of them are of words;
            what to steer away from comes first.
        seconds
            Lengths, shape ``(n,)``.
        steps
            Of the flow.
        guidance
            1 uses the words alone and costs half.
        """
        from diffusers import FlowMatchEulerDiscreteScheduler

        count = len(noise)
        guided = guidance > 1.0
        if not guided:
            words, mask = words[count:], mask[count:]
        # The mean of the vectors of words alone.
        weight = mask[..., None].to(words.dtype)
        pooled = self.fc((words * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1))
        length = self.duration_emebdder(seconds)
        told = torch.cat([words, torch.cat([length, length]) if guided else length], dim=1)
        places = torch.arange(self.frames, device=noise.device)[:, None].repeat(1, 3)
        nowhere = torch.zeros(told.shape[1], 3, device=noise.device)
        scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000)
        levels = np.linspace(1.0, 1.0 / steps, steps)
        scheduler.set_timesteps(sigmas=levels.tolist(), device=noise.device)
        x = noise
        for time in scheduler.timesteps:
            found = self.transformer(
                hidden_states=torch.cat([x, x]) if guided else x,
                timestep=(time / 1000).expand(len(told)).to(told.dtype),
                guidance=None,
                pooled_projections=pooled,
                encoder_hidden_states=told,
                txt_ids=nowhere,
                img_ids=places,
                return_dict=False,
            )[0]
            if guided:
                without, with_it = found.chunk(2)
                found = without + guidance * (with_it - without)
            x = scheduler.step(found, time, x).prev_sample
        return x


def load(folder: Path, entry: Entry, text_size: int) -> TangoFlux:
    """Return the network with every one of its weights from ``tangoflux.safetensors``.

    Raises
    ------
    WeightsError
        If a key is missing, left over or misshaped, or the file is broken.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"{folder / 'config.json'} cannot be read as JSON: {error}. {what_to_run(entry)}"
        ) from None
    # The file may hold the text encoder too; that is loaded by itself.
    table = _read(folder / "tangoflux.safetensors", entry)
    table = {k: v for k, v in table.items() if not k.startswith(_TEXT_KEYS)}
    with torch.device("meta"):
        model = TangoFlux(config, text_size)
    _fill(model, table, folder / "tangoflux.safetensors", entry)
    # Not a weight: made anew, as it cannot be on the meta device.
    from diffusers.models.transformers.transformer_flux import FluxPosEmbed

    rope = model.transformer.pos_embed
    model.transformer.pos_embed = FluxPosEmbed(theta=rope.theta, axes_dim=rope.axes_dim)
    return model.eval().requires_grad_(False)


def _read(path: Path, entry: Entry) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return dict(load_file(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(
            f"{path} is truncated or no safetensors file: {error}. {what_to_run(entry)}"
        ) from None


def _fill(module: nn.Module, table: Mapping[str, Tensor], path: Path, entry: Entry) -> None:
    needed = {k: tuple(v.shape) for k, v in module.state_dict().items()}
    for what, held in (
        ("missing", needed.keys() - table.keys()),
        ("unknown to the model", table.keys() - needed.keys()),
        (
            "of another shape",
            {k for k in needed.keys() & table.keys() if tuple(table[k].shape) != needed[k]},
        ),
    ):
        if held:
            raise WeightsError(
                f"{path} is not {entry.title}, or not all of it: {len(held)} keys are {what}, "
                f"the first {sorted(held)[0]!r}. {what_to_run(entry)}"
            )
    module.load_state_dict(dict(table), strict=True, assign=True)


class TangoFluxVoice(GeneratedVoice):
    """Sounds from words by TangoFlux.

    Parameters
    ----------
    source
        Folder with ``config.json``, ``tangoflux.safetensors`` and ``vae.safetensors``; Flan-T5 in
        its subfolder ``flan-t5-large``, or else fetched by that name.
    settings
        How it is run; by default 50 steps and guidance 4.5, as published.
    ranker
        Who picks among candidates.
    """

    title = "TangoFlux"
    rate_hz = 44100
    longest_s = 29.9
    edge_s = 0.05

    def __init__(
        self,
        source: str | Path | None = None,
        *,
        settings: Settings | None = None,
        ranker: Ranker | None = None,
    ) -> None:
        self.entry, self.text_entry = entry_named("tangoflux"), entry_named("flan-t5-large")
        self.folder = resolve(source if source is not None else "tangoflux", "tangoflux")
        beside = self.folder / "flan-t5-large"
        self.text_folder = resolve(beside if beside.is_dir() else "flan-t5-large", "flan-t5-large")
        require("torch", "transformers", "diffusers", "safetensors", what=self.entry.title)
        super().__init__(settings, ranker)

    def generate(self, asks: Sequence[Ask]) -> Sounds:
        """Return one window for each."""
        settings = self.settings
        words = [words_of(ask.request) for ask in asks]
        negatives = [negative_of(ask.request, settings.negative) for ask in asks]
        with torch.inference_mode(), settings.faster():
            vectors, mask = self._encoded([*negatives, *words])
            model, decoder = self._networks(vectors.shape[-1])
            noise = torch.stack(
                [
                    torch.randn(
                        (model.frames, model.channels),
                        generator=torch.Generator().manual_seed(ask.seed % 2**63),
                    )
                    for ask in asks
                ]
            ).to(settings.place, settings.dtype)
            seconds = torch.tensor([ask.seconds for ask in asks], device=settings.place)
            latents = model.latents(
                noise,
                vectors,
                mask,
                seconds.to(settings.dtype),
                steps=settings.steps or _STEPS,
                guidance=_GUIDANCE if settings.guidance is None else settings.guidance,
            )
            waves = decoder.decode(latents.to(settings.dtype).transpose(1, 2)).sample
        made = []
        for ask, wave in zip(asks, arrays(waves), strict=True):
            long = round(ask.seconds * self.rate_hz)
            one = mono(wave)[:long]
            made.append(np.pad(one, (0, max(0, long - len(one)))))
        return made

    def _encoded(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the vectors of texts, and which of them are of words."""
        settings = self.settings

        def make() -> Any:
            from transformers import T5EncoderModel

            model = load_pretrained(
                T5EncoderModel,
                self.text_folder,
                self.text_entry,
                unneeded=(r"^decoder\.", r"^lm_head\."),
                dtype=settings.dtype,
            )
            return model.to(settings.place)

        key = f"{self.text_entry.title} ({settings.precision})"
        model = settings.shelf.get(key, make, device=settings.place)
        ready = self._tokenizer()(
            list(texts),
            padding=True,
            truncation=True,
            max_length=_WORDS,
            return_tensors="pt",
        )
        mask = ready["attention_mask"].to(settings.place)
        answer = model(input_ids=ready["input_ids"].to(settings.place), attention_mask=mask)
        return answer.last_hidden_state.to(settings.dtype), mask == 1

    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        try:
            return AutoTokenizer.from_pretrained(str(self.text_folder), local_files_only=True)
        except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
            raise WeightsError(
                f"{self.text_folder} holds no usable tokeniser: {str(error).splitlines()[0][:160]}."
                f" {what_to_run(self.text_entry)}"
            ) from error

    def _networks(self, text_size: int) -> tuple[TangoFlux, Any]:
        settings = self.settings

        def make() -> tuple[TangoFlux, Any]:
            model = load(self.folder, self.entry, text_size)
            decoder = self._autoencoder()
            for module in (model, decoder):
                module.to(settings.place, settings.dtype)
            return model, decoder

        key = f"{self.entry.title} ({settings.precision})"
        return settings.shelf.get(key, make, device=settings.place)

    def _autoencoder(self) -> Any:
        from diffusers import AutoencoderOobleck

        path = self.folder / "vae.safetensors"
        sizes = self.folder / "vae_config.json"  # absent where the sizes are those published
        known = json.loads(sizes.read_text("utf-8")) if sizes.is_file() else {}
        with torch.device("meta"):
            made = AutoencoderOobleck(**known)
        _fill(made, _read(path, self.entry), path, self.entry)
        return made.eval().requires_grad_(False)
