"""Blocks of a shifted-window transformer over a spectrogram folded into a square.

Source: Liu et al., "Swin Transformer" (ICCV 2021); Chen et al., "HTS-AT" (ICASSP 2022). Names of
parameters are those of published checkpoints.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from earwitness.atlas.sat2sound.satellite import Mlp

WINDOW = 8


def windows(x: Tensor, size: int = WINDOW) -> Tensor:
    """Cut (B, H, W, C) into windows (B · windows, 64, C), row by row."""
    batch, height, width, channels = x.shape
    cut = x.reshape(batch, height // size, size, width // size, size, channels)
    return cut.transpose(2, 3).reshape(-1, size * size, channels)


def unwindows(x: Tensor, side: int, size: int = WINDOW) -> Tensor:
    """Put windows back together: the inverse of :func:`windows` for a square of ``side``."""
    count = side // size
    cut = x.reshape(-1, count, count, size, size, x.shape[-1])
    return cut.transpose(2, 3).reshape(-1, side, side, x.shape[-1])


def relative_index(size: int = WINDOW) -> Tensor:
    """Return, for each pair of places in a window, its row in the table of biases."""
    places = torch.stack(
        torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    ).flatten(1)
    apart = places[:, :, None] - places[:, None, :] + (size - 1)
    return apart[0] * (2 * size - 1) + apart[1]


def shift_mask(side: int, shift: int, size: int = WINDOW) -> Tensor:
    """Return (windows, 64, 64): -100 between places that only the cyclic shift made neighbours."""
    zone = torch.zeros(side)
    zone[side - size : side - shift] = 1
    zone[side - shift :] = 2
    zones = (zone[:, None] * 3 + zone[None, :]).reshape(1, side, side, 1)
    cut = windows(zones, size).squeeze(-1)
    apart = cut[:, None, :] != cut[:, :, None]
    return torch.where(apart, -100.0, 0.0)


def drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    """Leave a branch out for some rows of the batch, and make up for it in the others."""
    if not training or rate == 0.0:
        return x
    kept = torch.rand(len(x), *([1] * (x.ndim - 1)), device=x.device) >= rate
    return x * kept.to(x.dtype) / (1.0 - rate)


class WindowAttention(nn.Module):
    """Self-attention inside windows with a learned bias for each relative place."""

    relative_position_index: Tensor

    def __init__(self, width: int, heads: int, window: int = WINDOW) -> None:
        super().__init__()
        self.heads = heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", relative_index(window))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Map (windows, 64, width) to the same shape."""
        count, tokens, width = x.shape
        query, key, value = (
            self.qkv(x).reshape(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )
        index = self.relative_position_index.flatten()
        bias = self.relative_position_bias_table[index].reshape(tokens, tokens, self.heads)
        bias = bias.permute(2, 0, 1)[None]
        if mask is not None:
            bias = bias + mask[:, None]
            bias = bias.repeat(count // len(mask), 1, 1, 1)
        bias = bias.to(query.dtype)
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        return self.proj(mixed.transpose(1, 2).reshape(count, tokens, width))

    def value_path(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape: each token's own value, with nothing mixed in."""
        third = self.qkv.in_features
        value = F.linear(x, self.qkv.weight[2 * third :], self.qkv.bias[2 * third :])
        return self.proj(value)


class SwinBlock(nn.Module):
    """A pre-norm block of window attention over a square of ``side`` tokens."""

    attn_mask: Tensor | None

    def __init__(
        self,
        width: int,
        side: int,
        heads: int,
        shift: int,
        drop: float,
        window: int = WINDOW,
    ) -> None:
        super().__init__()
        self.side, self.drop, self.window = side, drop, window
        self.shift = shift if side > window else 0
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width, 4 * width)
        mask = shift_mask(side, self.shift, window) if self.shift else None
        self.register_buffer("attn_mask", mask)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, side², width) to the same shape."""
        batch, tokens, width = x.shape
        square = self.norm1(x).reshape(batch, self.side, self.side, width)
        if self.shift:
            square = torch.roll(square, (-self.shift, -self.shift), (1, 2))
        square = unwindows(
            self.attn(windows(square, self.window), self.attn_mask), self.side, self.window
        )
        if self.shift:
            square = torch.roll(square, (self.shift, self.shift), (1, 2))
        x = x + drop_path(square.reshape(batch, tokens, width), self.drop, self.training)
        return x + drop_path(self.mlp(self.norm2(x)), self.drop, self.training)

    def value_path(self, x: Tensor) -> Tensor:
        """Map (B, side², width) to the same shape without mixing tokens and without the MLP.

        This keeps what a token says of its own place and time, which the last attention would
        spread; published Sat2Sound reads its audio tokens here.
        """
        own = x + self.attn.value_path(self.norm1(x))
        return own + self.norm2(own)


class PatchMerging(nn.Module):
    """Halve the side: four neighbours become one token, twice as wide."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, side², width) to (B, side² / 4, 2 · width)."""
        batch, _, width = x.shape
        square = x.reshape(batch, self.side, self.side, width)
        corners = [square[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        merged = torch.cat(corners, dim=-1).reshape(batch, -1, 4 * width)
        return self.reduction(self.norm(merged))


class Stage(nn.Module):
    """Some blocks, then a merging in all stages but the last."""

    def __init__(
        self,
        width: int,
        side: int,
        heads: int,
        drops: list[float],
        *,
        merge: bool,
        window: int = WINDOW,
    ) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            SwinBlock(width, side, heads, 0 if index % 2 == 0 else window // 2, drop, window)
            for index, drop in enumerate(drops)
        )
        self.downsample = PatchMerging(width, side) if merge else None

    def inner_blocks(self) -> list[SwinBlock]:
        """Return the blocks in order."""
        return cast(list[SwinBlock], list(self.blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, side², width) to the next stage's tokens."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)
