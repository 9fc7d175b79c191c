"""Sat2Sound whole: images of places, sounds and words to embeddings of one space.

Source: Khanal et al., "Sat2Sound" (arXiv 2505.13777). ``Config.published`` tells whose habits the
model has; see :class:`~earwitness.atlas.sat2sound.config.Config`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, overload

import torch
from torch import Tensor, nn

from earwitness.atlas.sat2sound import checkpoint
from earwitness.atlas.sat2sound.audio import AudioBranch, Htsat
from earwitness.atlas.sat2sound.checkpoint import Keys
from earwitness.atlas.sat2sound.codebook import Averages, Codebook
from earwitness.atlas.sat2sound.config import Config
from earwitness.atlas.sat2sound.fusion import Metadata, SatelliteFusion
from earwitness.atlas.sat2sound.losses import Losses, total_loss
from earwitness.atlas.sat2sound.satellite import SatelliteBranch, ground_distance
from earwitness.errors import OptionError

if TYPE_CHECKING:
    from earwitness.atlas.embedders import BuiltinEmbedder

_ANY_META = "sat_encoder.meta_fuser."


class HeadsGuessedWarning(UserWarning):
    """The checkpoint does not say how many heads its satellite transformer has."""


class Sat2Sound(nn.Module):
    """The joint model.

    Parameters
    ----------
    config
        Sizes and habits; by default the published sizes with our own habits.

    Examples
    --------
    >>> from earwitness.atlas.sat2sound.config import Sizes
    >>> model = Sat2Sound(Config(sizes=Sizes.small())).eval()
    >>> with torch.no_grad():
    ...     place = model.embed_image(torch.zeros(1, 3, 224, 224), zoom=torch.ones(1))
    >>> place.shape
    torch.Size([1, 192])
    """

    def __init__(self, config: Config | None = None) -> None:
        super().__init__()
        config = config or Config()
        sizes, published = config.sizes, config.published
        self.config = config
        self.loaded = Keys()
        names = ["at", "it", "ia", "fdt"] + ["i_at"] * config.combined
        # A scale that only exists as a name in published checkpoints comes last.
        for name in names + ["it_a"] * (config.combined and published):
            held = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
            self.register_parameter(f"logit_scale_{name}", held)
        self.satmae_backbone = SatelliteBranch(sizes)
        if config.parts:
            self.sat_encoder = SatelliteFusion(
                config.parts, sizes, dropout=config.dropout, published=published
            )
        self.audio_encoder = AudioBranch(
            Htsat(
                sizes, drop_path=config.drop_path, spec_augment=config.spec_augment,
                published=published, level_free=config.level_free,
            )
        )  # fmt: skip
        self.fdt: Codebook | Averages = (
            Codebook(sizes, published=published, temperature=config.temperature)
            if config.codebook
            else Averages(sizes)
        )

    @overload
    @classmethod
    def load(cls, path: Literal["builtin"]) -> BuiltinEmbedder: ...  # type: ignore[overload-overlap]

    @overload
    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        strict: bool = True,
        parts: Sequence[str] | None = None,
        vit_heads: int | None = None,
    ) -> Sat2Sound: ...

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        strict: bool = True,
        parts: Sequence[str] | None = None,
        vit_heads: int | None = None,
    ) -> Sat2Sound | BuiltinEmbedder:
        """Load a checkpoint, published or ours, in evaluation mode.

        Parameters
        ----------
        path
            ``.ckpt``, ``.pt`` or ``.safetensors``; or ``builtin`` for the small model in the
            package, which is run by ONNX Runtime and comes back as an embedder
            (:class:`~earwitness.atlas.embedders.BuiltinEmbedder`): it takes pictures, sounds and
            words as they are, where this class takes tensors.
        strict
            Refuse a file whose names or shapes differ from the model's in any way. With False,
            what differs is in ``model.loaded``.
        parts
            Kinds of metadata to read, fewer than the model was trained with, for ablations.
        vit_heads
            Heads of the satellite transformer, for a published file of unusual size.

        Returns
        -------
        Sat2Sound or BuiltinEmbedder

        Raises
        ------
        WeightsError
            If the file cannot be read safely, or is not of this model.
        """
        if str(path) == "builtin":
            from earwitness.atlas.embedders import BuiltinEmbedder

            return BuiltinEmbedder()
        stored = checkpoint.read(path, vit_heads=vit_heads)
        config = stored.config
        sizes = config.sizes
        if stored.guessed:
            warnings.warn(
                f"{Path(path).name} does not say how many heads its satellite transformer of width "
                f"{sizes.vit_width} has; {sizes.vit_heads} are taken. Give vit_heads to be sure",
                HeadsGuessedWarning,
                stacklevel=2,
            )
        left_out: list[str] = []
        if parts is not None:
            more = sorted(set(parts) - set(config.parts))
            if more:
                raise OptionError(
                    f"the checkpoint reads {', '.join(config.parts) or 'no metadata'}; it cannot "
                    f"be asked to read {', '.join(more)}"
                )
            config = config.with_parts(tuple(parts))
            left_out = [name for name in stored.tensors if name.startswith(_ANY_META)]
        with torch.device("meta"):
            planned = cls(config).state_dict()
        checkpoint.check(planned, stored.tensors, strict=strict, left_out=left_out)
        model = cls(config)
        model.loaded = checkpoint.fill(model, stored.tensors, strict=strict, left_out=left_out)
        return model.eval()

    def save(self, path: Path | str) -> None:
        """Write weights and configuration, as ``.pt`` or ``.safetensors`` by the ending."""
        checkpoint.save(path, self.state_dict(), self.config)

    def image_tokens(
        self,
        images: Tensor,
        *,
        zoom: Tensor | None = None,
        ground_m: Tensor | None = None,
        metadata: Metadata | None = None,
        droprate: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Return the tokens of places, and which of them count; arguments of :meth:`embed_image`.

        Returns
        -------
        tokens : tensor, shape (B, 196 + M, width)
            Patches row by row, then metadata.
        keep : tensor, shape (B, 196 + M), bool, or None
        """
        if (zoom is None) == (ground_m is None):
            raise OptionError("give either zoom or ground_m (metres per pixel), one of them")
        if zoom is not None:
            ground_m = ground_distance(self.config.imagery, zoom.to(images.device))
        tokens = self.satmae_backbone(images, ground_m)
        if not self.config.parts:
            return tokens, None
        fused: tuple[Tensor, Tensor] = self.sat_encoder.meta_fuser(
            tokens, metadata or Metadata(), droprate=droprate, generator=generator
        )
        return fused

    def embed_image(
        self,
        images: Tensor,
        *,
        zoom: Tensor | None = None,
        ground_m: Tensor | None = None,
        metadata: Metadata | None = None,
        droprate: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Embed satellite images.

        Parameters
        ----------
        images : tensor, shape (B, 3, 224, 224)
            Normalised by ImageNet's mean and deviation.
        zoom : tensor, shape (B,)
            Width of the crop in tiles; or else
        ground_m : tensor, shape (B,)
            metres on the ground per pixel of the imagery, times the zoom.
        metadata
            What is known; kinds the model does not read are passed over, kinds not given are
            missing.
        droprate
            Share of each kind made missing, by ``generator``. For training: 0, the default, is
            what the published evaluation uses. (The published quick start leaves the checkpoint's
            0.5 in force, and so drops half of the metadata of any batch of two or more.)

        Returns
        -------
        tensor, shape (B, D)
            Not normalised.
        """
        tokens, keep = self.image_tokens(
            images, zoom=zoom, ground_m=ground_m, metadata=metadata, droprate=droprate,
            generator=generator,
        )  # fmt: skip
        embedding: Tensor = self.fdt(tokens, "image", keep)[0]
        return embedding

    def embed_audio(self, mel: Tensor) -> Tensor:
        """Embed log-mel spectrograms (B, 1, T, 64), of :func:`earwitness.atlas.logmel.log_mel`."""
        embedding: Tensor = self.fdt(self.audio_encoder(mel), "audio")[0]
        return embedding

    def embed_text(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        """Embed text.

        Parameters
        ----------
        states : tensor, shape (B, L, text width)
            States of a frozen text encoder.
        mask : tensor, shape (B, L)
            1 or True at words, 0 at padding.

        Returns
        -------
        tensor, shape (B, D)
        """
        embedding: Tensor = self.fdt(states, "text", mask)[0]
        return embedding

    def scales(self) -> dict[str, Tensor]:
        """Return the logarithms of the loss's scales by their short names."""
        return {
            name.removeprefix("logit_scale_"): tensor
            for name, tensor in self.named_parameters()
            if name.startswith("logit_scale_")
        }

    def loss(
        self,
        image: Tensor,
        audio: Tensor,
        audio_caption: Tensor,
        image_caption: Tensor | None,
        heard: Tensor | None = None,
    ) -> Losses:
        """Return the loss of embeddings (N, D), with the model's scales and weights.

        With ``heard``, only those rows have a sound; see
        :func:`~earwitness.atlas.sat2sound.losses.total_loss`.
        """
        return total_loss(
            image, audio, audio_caption, image_caption, self.scales(),
            alpha=self.config.pseudo_alpha, combined=self.config.combined,
            caption_weight=self.config.caption_weight, heard=heard,
        )  # fmt: skip
