"""The sizes of CoDi's parts, as published and as saved beside converted weights."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earwitness.errors import WeightsError

RATE_HZ = 16000
"""Sampling rate of what CoDi generates."""

LATENT_SHAPE = (8, 256, 16)
"""Channels, time, frequency of the latent that is denoised: 1024 frames of mel, 163 872 samples."""

KIND = "earwitness.codi/1"
"""What ``kind`` says in the ``config.json`` of a converted folder."""


@dataclass(frozen=True)
class UnetConfig:
    """The audio UNet; names and defaults as in the published ``unet_audio``.

    Parameters
    ----------
    input_channels, output_channels
        Of the latent.
    model_channels
        Width of the first level; the others are this times ``channel_mult``.
    num_noattn_blocks
        Residual blocks of each level.
    channel_mult
        Width of each level.
    with_attn
        Whether each level attends.
    num_heads
        Heads of every attention.
    context_dim
        Size of the condition.
    """

    input_channels: int = 8
    model_channels: int = 192
    output_channels: int = 8
    num_noattn_blocks: tuple[int, ...] = (2, 2, 2, 2)
    channel_mult: tuple[int, ...] = (1, 2, 4, 4)
    with_attn: tuple[bool, ...] = (True, True, True, False)
    num_heads: int = 8
    context_dim: int = 768


@dataclass(frozen=True)
class VaeConfig:
    """The decoder from latent to mel; names as in AudioLDM's ``ddconfig``."""

    ch: int = 128
    ch_mult: tuple[int, ...] = (1, 2, 4)
    num_res_blocks: int = 2
    z_channels: int = 8
    out_ch: int = 1
    scale_factor: float = 0.9228


@dataclass(frozen=True)
class VocoderConfig:
    """HiFi-GAN; names as in its published configuration."""

    num_mels: int = 64
    upsample_initial_channel: int = 1024
    upsample_rates: tuple[int, ...] = (5, 4, 2, 2, 2)
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8, 4, 4)
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))


def published_clip() -> dict[str, Any]:
    """Return the configuration of CoDi's CLIP: ViT-L/14, as transformers' ``CLIPConfig`` takes it.

    Examples
    --------
    >>> published_clip()["vision_config"]["patch_size"]
    14
    """
    shared = {"hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "projection_dim": 768}
    return {
        "projection_dim": 768,
        "text_config": {
            **shared,
            "hidden_size": 768,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "intermediate_size": 3072,
            "vocab_size": 49408,
            "max_position_embeddings": 77,
        },
        "vision_config": {
            **shared,
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
            "patch_size": 14,
            "image_size": 224,
        },
    }


def _filled(kind: type[Any], held: Mapping[str, Any]) -> Any:
    """Return a dataclass from a table, its lists made tuples, other names left out."""

    def still(value: Any) -> Any:
        return tuple(still(v) for v in value) if isinstance(value, list | tuple) else value

    known = {f.name for f in dataclasses.fields(kind)}
    return kind(**{k: still(v) for k, v in held.items() if k in known})


@dataclass(frozen=True)
class CodiConfig:
    """The sizes of every part.

    Parameters
    ----------
    unet, vae, vocoder
        As in their classes; the defaults are those of the published model.
    clip
        As transformers' ``CLIPConfig`` takes it.
    latent_shape
        Channels, time, frequency.

    Examples
    --------
    >>> CodiConfig().unet.model_channels, CodiConfig().samples
    (192, 163872)
    """

    unet: UnetConfig = UnetConfig()
    vae: VaeConfig = VaeConfig()
    vocoder: VocoderConfig = VocoderConfig()
    clip: dict[str, Any] = field(default_factory=published_clip)
    latent_shape: tuple[int, int, int] = LATENT_SHAPE

    @property
    def samples(self) -> int:
        """Samples of one window: what the vocoder makes of the latent's frames."""
        return vocoded_samples(
            self.latent_shape[1] * 2 ** (len(self.vae.ch_mult) - 1), self.vocoder
        )

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> CodiConfig:
        """Return the configuration that a table holds; what it leaves out is as published.

        Parameters
        ----------
        table
            With ``unet``, ``vae``, ``vocoder`` (or ``hifi``), ``clip``, ``latent_shape``; further
            names, such as those of the connectors, are not needed for sound and left out.

        Raises
        ------
        WeightsError
            If a value is of the wrong kind.
        """
        try:
            return cls(
                unet=_filled(UnetConfig, table.get("unet", {})),
                vae=_filled(VaeConfig, table.get("vae", {})),
                vocoder=_filled(VocoderConfig, table.get("vocoder", table.get("hifi", {}))),
                clip=dict(table.get("clip") or published_clip()),
                latent_shape=tuple(table.get("latent_shape", LATENT_SHAPE)),
            )
        except (TypeError, ValueError, AttributeError) as error:
            raise WeightsError(
                f"a configuration of CoDi with a value of the wrong kind: {error}"
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the table that :meth:`from_dict` takes, ready for JSON."""
        return {"kind": KIND, **dataclasses.asdict(self)}

    @classmethod
    def read(cls, path: Path) -> CodiConfig:
        """Return the configuration that a ``config.json`` holds.

        Raises
        ------
        WeightsError
            If it is no JSON, or of another model.
        """
        try:
            table = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsError(f"{path} cannot be read as JSON: {error}") from None
        if not isinstance(table, dict) or table.get("kind") != KIND:
            held = (
                table.get("kind", table.get("model_type")) if isinstance(table, dict) else "a list"
            )
            raise WeightsError(
                f"{path.parent} holds another model: config.json says {held!r}, expected {KIND!r}. "
                "Give the folder of CoDi's published .pth files or of their conversion"
            )
        return cls.from_dict(table)


def vocoded_samples(frames: int, config: VocoderConfig) -> int:
    """Return how many samples the vocoder makes of mel frames.

    Examples
    --------
    >>> vocoded_samples(1024, VocoderConfig())
    163872
    """
    length = frames
    for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
        length = (length - 1) * rate - 2 * ((kernel - rate) // 2) + kernel
    return length
