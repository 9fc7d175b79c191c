"""Place, month, hour and labels as tokens, fused with the image's tokens by a small transformer.

The attention is written out here instead of leaning on ``nn.TransformerEncoder``, whose faster path
(nested tensors, when gradients are off) changes what comes out at masked positions. Names of
parameters are those of published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from earwitness.atlas.sat2sound.config import PARTS, Sizes
from earwitness.errors import OptionError

HEADS, LAYERS = 8, 3
ENCODED = {"latlong": 4, "month": 2, "time": 2}
LABELS = {"asource": 4, "tsource": 3}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of each place in a batch; ``None`` for a kind nobody knows.

    Parameters
    ----------
    latlong : tensor, shape (B, 4)
        From :func:`earwitness.atlas.metadata.encode_place`.
    month, time : tensor, shape (B, 2)
        From :func:`~earwitness.atlas.metadata.encode_month` and
        :func:`~earwitness.atlas.metadata.encode_hour`.
    asource, tsource : tensor, shape (B,), integer
        Where sound and caption came from, as numbers; negative where unknown.
    latlong_valid, month_valid, time_valid : tensor, shape (B,)
        0 or False where the encoding means nothing; all valid when not given.
    """

    latlong: Tensor | None = None
    month: Tensor | None = None
    time: Tensor | None = None
    asource: Tensor | None = None
    tsource: Tensor | None = None
    latlong_valid: Tensor | None = None
    month_valid: Tensor | None = None
    time_valid: Tensor | None = None

    def kind(self, part: str) -> Tensor | None:
        """Return the values of one kind."""
        held: Tensor | None = getattr(self, part)
        return held

    def valid(self, part: str) -> Tensor | None:
        """Return the validity of one kind, shape (B,), bool, or None where nothing is held."""
        values = self.kind(part)
        if values is None:
            return None
        if part in LABELS:
            return values >= 0
        given: Tensor | None = getattr(self, f"{part}_valid")
        if given is None:
            return torch.ones(len(values), dtype=torch.bool, device=values.device)
        return given.to(torch.bool)

    def only(self, parts: Collection[str]) -> Metadata:
        """Return some kinds; the others are known of no row.

        Examples
        --------
        >>> Metadata(month=torch.zeros(1, 2), time=torch.zeros(1, 2)).only(["time"]).month is None
        True
        """
        return replace(self, **{part: None for part in PARTS if part not in parts})

    def each(self, change: Callable[[Tensor], Tensor]) -> Metadata:
        """Return the same with every tensor changed, such as cut to some rows or moved."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return replace(self, **{n: change(v) for n, v in values.items() if v is not None})


def drop(valid: Tensor, rate: float, generator: torch.Generator | None = None) -> Tensor:
    """Mark some of the valid entries as missing, so that ``rate`` of the batch is missing.

    Parameters
    ----------
    valid : tensor, shape (B,), bool
        Entries that are there. Those already missing count towards the share.
    rate
        Share of the batch to be missing; rounded down to whole entries.
    generator
        Source of randomness; PyTorch's global one when not given, as the published code has it.

    Returns
    -------
    tensor, shape (B,), bool

    Examples
    --------
    >>> int(drop(torch.ones(8, dtype=torch.bool), 0.5).sum())
    4
    """
    kept = valid.to(torch.bool).clone()
    missing = int((~kept).sum())
    more = int(rate * len(kept)) - missing
    if more <= 0:
        return kept
    there = torch.nonzero(kept).flatten()
    order = torch.randperm(len(there), generator=generator).to(there.device)
    kept[there[order[:more]]] = False
    return kept


class SourceEmbed(nn.Module):
    """A label to a token."""

    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        self.source_embed = nn.Embedding(labels, width)

    def forward(self, labels: Tensor) -> Tensor:
        """Map (B,) labels to (B, width); a negative label gives the first one's token."""
        if len(labels) and int(labels.max()) >= self.source_embed.num_embeddings:
            raise OptionError(
                f"a source label is {int(labels.max())}; allowed are -1 (unknown) to "
                f"{self.source_embed.num_embeddings - 1}"
            )
        return self.source_embed(labels.clamp(min=0))


class WaveEmbed(nn.Module):
    """Sines and cosines to a token."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 64)
        self.fc2 = nn.Linear(64, width)

    def forward(self, encoded: Tensor) -> Tensor:
        """Map (B, channels) to (B, width)."""
        return self.fc2(F.gelu(self.fc1(encoded)))


_MODULES = {
    "asource": "audio_source_fc", "tsource": "caption_source_fc", "latlong": "location_fc",
    "month": "month_fc", "time": "time_fc",
}  # fmt: skip
"""Kind of metadata → its module's name in a checkpoint."""


class MetadataEmbed(nn.Module):
    """Each kind of metadata to a token.

    Parameters
    ----------
    parts
        The kinds read.
    width
        Width of a token.
    """

    def __init__(self, parts: Sequence[str], width: int) -> None:
        super().__init__()
        self.width = width
        self.parts = tuple(part for part in PARTS if part in parts)
        for part in self.parts:
            made: nn.Module
            if part in LABELS:
                made = SourceEmbed(LABELS[part], width)
            else:
                made = WaveEmbed(ENCODED[part], width)
            self.add_module(_MODULES[part], made)

    def forward(
        self,
        known: Metadata,
        batch: int,
        *,
        droprate: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return tokens (B, M, width), zero where missing, and validity (B, M), bool."""
        like = next(self.parameters())
        tokens, masks = [], []
        for part in self.parts:
            values, valid = known.kind(part), known.valid(part)
            if values is None or valid is None:
                tokens.append(like.new_zeros(batch, self.width))
                masks.append(torch.zeros(batch, dtype=torch.bool, device=like.device))
                continue
            if len(values) != batch:
                raise OptionError(
                    f"the metadata {part!r} have {len(values)} rows for {batch} images; "
                    f"give one row for each"
                )
            if part not in LABELS:
                values = values.to(like.dtype)
            kept = drop(valid, droprate, generator)
            token = getattr(self, _MODULES[part])(values)
            tokens.append(token * kept[:, None].to(token.dtype))
            masks.append(kept)
        return torch.stack(tokens, dim=1), torch.stack(masks, dim=1)


class SelfAttention(nn.Module):
    """Multi-head self-attention that leaves masked tokens out, with dropout of its weights."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, missing: Tensor) -> Tensor:
        """Map (B, T, width), with (B, T) True at tokens nobody may look at, to the same shape."""
        batch, tokens, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        query, key, value = qkv.reshape(batch, tokens, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(
            query, key, value,
            attn_mask=~missing[:, None, None, :],
            dropout_p=self.dropout if self.training else 0.0,
        )  # fmt: skip
        return self.out_proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class FusionLayer(nn.Module):
    """A post-norm transformer layer."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.self_attn = SelfAttention(width, dropout)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)

    def forward(self, x: Tensor, missing: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        x = self.norm1(x + self._drop(self.self_attn(x, missing)))
        inner = self.linear2(self._drop(F.gelu(self.linear1(x))))
        return self.norm2(x + self._drop(inner))


class FusionLayers(nn.Module):
    """The stack of layers (a module of its own for its name in checkpoints)."""

    def __init__(self, sizes: Sizes, dropout: float) -> None:
        super().__init__()
        made = (FusionLayer(sizes.width, sizes.fusion_feedforward, dropout) for _ in range(LAYERS))
        self.layers = nn.ModuleList(made)

    def forward(self, x: Tensor, missing: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        for layer in self.layers:
            x = layer(x, missing)
        return x


class MetadataFusion(nn.Module):
    """Image tokens and metadata to fused tokens, metadata last.

    Parameters
    ----------
    parts
        The kinds of metadata read.
    sizes
        Widths.
    dropout
        In training.
    published
        See :meth:`forward`.

    Examples
    --------
    >>> fusion = MetadataFusion(("time",), Sizes.small()).eval()
    >>> tokens, valid = fusion(torch.zeros(2, 196, 192), Metadata(time=torch.zeros(2, 2)))
    >>> tokens.shape, valid.shape
    (torch.Size([2, 197, 192]), torch.Size([2, 197]))
    """

    def __init__(
        self,
        parts: Sequence[str],
        sizes: Sizes,
        *,
        dropout: float = 0.1,
        published: bool = False,
    ) -> None:
        super().__init__()
        self.published = published
        self.transformer_encoder = FusionLayers(sizes, dropout)
        self.meta_embed = MetadataEmbed(parts, sizes.width)

    def forward(
        self,
        image_tokens: Tensor,
        known: Metadata,
        *,
        droprate: float = 0.0,
        generator: torch.Generator | None = None,
        zeroed: bool | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Fuse.

        Parameters
        ----------
        image_tokens : tensor, shape (B, T, width)
            From the satellite branch.
        known
            The metadata.
        droprate, generator
            Share of each kind made missing here; see :func:`drop`.
        zeroed
            Whether tokens of missing metadata leave as zero vectors. By default, what the
            published system does when ``published``: they do in evaluation with gradients off,
            if in every row of the batch the missing ones come last; otherwise they keep values
            that mean nothing. Our own models never let them reach the maximum, so there it is no
            matter.

        Returns
        -------
        tokens : tensor, shape (B, T + M, width)
        valid : tensor, shape (B, T + M), bool
            False at missing metadata.
        """
        batch, patches, _ = image_tokens.shape
        tokens, mask = self.meta_embed(known, batch, droprate=droprate, generator=generator)
        joined = torch.cat([image_tokens, tokens.to(image_tokens.dtype)], dim=1)
        valid = torch.cat([mask.new_ones(batch, patches), mask], dim=1)
        fused = self.transformer_encoder(joined, ~valid)
        if zeroed is None:
            zeroed = self.published and not self._slow(joined) and _left_aligned(mask)
        if zeroed:
            fused = fused * valid[..., None].to(fused.dtype)
        return fused, valid

    def _slow(self, joined: Tensor) -> bool:
        """Tell whether PyTorch would have taken the path that keeps values at masked places."""
        if self.training:
            return True
        learning = joined.requires_grad or any(p.requires_grad for p in self.parameters())
        return torch.is_grad_enabled() and learning


def _left_aligned(mask: Tensor) -> bool:
    """Tell whether in each row nothing valid follows something missing."""
    return not bool((mask[:, 1:] & ~mask[:, :-1]).any())


class SatelliteFusion(nn.Module):
    """A holder that gives the fusion its name in published checkpoints."""

    def __init__(
        self, parts: Sequence[str], sizes: Sizes, *, dropout: float, published: bool
    ) -> None:
        super().__init__()
        self.meta_fuser = MetadataFusion(parts, sizes, dropout=dropout, published=published)
