"""CoDi's audio UNet: predicts the noise in a latent, told how noisy it is and what it depicts.

Modules carry the names of the published checkpoint, so its keys load one to one.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.voice.codi.config import UnetConfig

_GROUPS = 32


def timestep_embedding(timesteps: Tensor, channels: int) -> Tensor:
    """Return sines and cosines of the time steps, cosines first.

    Parameters
    ----------
    timesteps
        Shape ``(n,)``.
    channels
        Even.

    Returns
    -------
    Tensor, shape ``(n, channels)``
    """
    half = channels // 2
    exponents = torch.arange(half, dtype=torch.float32, device=timesteps.device) / half
    angles = timesteps[:, None].float() * torch.exp(-math.log(10000.0) * exponents)[None]
    return torch.cat([torch.cos(angles), torch.sin(angles)], dim=-1)


class ResBlock(nn.Module):
    """Two convolutions with the time embedding added between them."""

    def __init__(self, channels: int, embedded: int, out: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(_GROUPS, channels), nn.SiLU(), nn.Conv2d(channels, out, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedded, out))
        self.out_layers = nn.Sequential(  # the Identity stands where training has its dropout
            nn.GroupNorm(_GROUPS, out), nn.SiLU(), nn.Identity(), nn.Conv2d(out, out, 3, padding=1)
        )
        self.skip_connection = nn.Identity() if channels == out else nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Return the features, shape ``(n, out, height, width)``."""
        h = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class Attention(nn.Module):
    """Multi-head attention of tokens to themselves or to the condition."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(context, channels, bias=False)
        self.to_v = nn.Linear(context, channels, bias=False)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return what tokens ``(n, tokens, channels)`` take from the context, broadcast to them."""
        if context.shape[1] == 1:
            # All attention falls on the one token there is: queries and keys change nothing.
            return self.to_out(self.to_v(context))
        q, k, v = self._split(self.to_q(x)), self._split(self.to_k(context)), self.to_v(context)
        mixed = functional.scaled_dot_product_attention(q, k, self._split(v))
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class _Gated(nn.Module):
    """A linear layer whose second half gates the first through GELU."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(channels, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * functional.gelu(gate)


class _FeedForward(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = 4 * channels
        self.net = nn.Sequential(_Gated(channels, inner), nn.Identity(), nn.Linear(inner, channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """Self-attention, attention to the condition, feed-forward, each added to its input."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.attn1 = Attention(channels, channels, heads)
        self.ff = _FeedForward(channels)
        self.attn2 = Attention(channels, context, heads)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return the tokens, shape as given."""
        normed = self.norm1(x)
        x = x + self.attn1(normed, normed)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block over all positions of a feature map."""

    def __init__(self, channels: int, context: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, channels, eps=1e-6)  # unlike the other norms' 1e-5
        self.proj_in = nn.Conv2d(channels, channels, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(channels, context, heads)])
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Return the feature map, shape as given."""
        tokens = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            tokens = block(tokens, context)
        return x + self.proj_out(tokens.transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    """Half the size by a strided convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature map at half its size."""
        return self.op(x)


class Upsample(nn.Module):
    """Twice the size: nearest neighbours and a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature map at twice its size."""
        return self.conv(functional.interpolate(x, scale_factor=2, mode="nearest"))


class Block(nn.ModuleList):
    """Layers in turn, each given what it takes besides the feature map."""

    def forward(self, x: Tensor, embedding: Tensor, context: Tensor) -> Tensor:
        """Return the feature map."""
        for layer in self:
            if isinstance(layer, ResBlock):
                x = layer(x, embedding)
            elif isinstance(layer, SpatialTransformer):
                x = layer(x, context)
            else:
                x = layer(x)
        return x


class AudioUnet(nn.Module):
    """Noise prediction on latents.

    Parameters
    ----------
    config
        Sizes; the default ones are those published.
    """

    def __init__(self, config: UnetConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or UnetConfig()
        embedded = 4 * c.model_channels
        self.time_embed = nn.Sequential(
            nn.Linear(c.model_channels, embedded), nn.SiLU(), nn.Linear(embedded, embedded)
        )

        def attending(channels: int, level: int) -> list[nn.Module]:
            if not c.with_attn[level]:
                return []
            return [SpatialTransformer(channels, c.context_dim, c.num_heads)]

        width = c.model_channels
        self.input_blocks = nn.ModuleList(
            [Block([nn.Conv2d(c.input_channels, width, 3, padding=1)])]
        )
        skips = [width]
        last = len(c.channel_mult) - 1
        for level, multiple in enumerate(c.channel_mult):
            for _ in range(c.num_noattn_blocks[level]):
                out = multiple * c.model_channels
                res = ResBlock(width, embedded, out)
                width = out
                self.input_blocks.append(Block([res, *attending(width, level)]))
                skips.append(width)
            if level != last:
                self.input_blocks.append(Block([Downsample(width)]))
                skips.append(width)
        self.middle_block = Block(
            [
                ResBlock(width, embedded, width),
                SpatialTransformer(width, c.context_dim, c.num_heads),
                ResBlock(width, embedded, width),
            ]
        )
        self.output_blocks = nn.ModuleList()
        for level in range(last, -1, -1):
            for i in range(c.num_noattn_blocks[level] + 1):
                out = c.channel_mult[level] * c.model_channels
                res = ResBlock(width + skips.pop(), embedded, out)
                width = out
                layers = [res, *attending(width, level)]
                if level and i == c.num_noattn_blocks[level]:
                    layers.append(Upsample(width))
                self.output_blocks.append(Block(layers))
        self.out = nn.Sequential(
            nn.GroupNorm(_GROUPS, width),
            nn.SiLU(),
            nn.Conv2d(width, c.output_channels, 3, padding=1),
        )

    def forward(
        self, x: Tensor, timesteps: Tensor, context: Tensor, *, plain_skip: bool = False
    ) -> Tensor:
        """Return the predicted noise.

        Parameters
        ----------
        x
            Latents, shape ``(n, channels, time, frequency)``.
        timesteps
            Shape ``(n,)``.
        context
            Conditions, shape ``(n, tokens, context_dim)``; CoDi gives one token.
        plain_skip
            Whether the first output block is given the last input block's output, as in a UNet
            of the books. The published program overwrites it with the middle block's output
            (two names for one list), and its weights were made with that.

        Returns
        -------
        Tensor, as ``x``
        """
        embedding = self.time_embed(timestep_embedding(timesteps, self.config.model_channels))
        h, skips = x, []
        for block in self.input_blocks:
            h = block(h, embedding, context)
            skips.append(h)
        h = self.middle_block(h, embedding, context)
        if not plain_skip:
            skips[-1] = h
        for block in self.output_blocks:
            h = block(torch.cat([h, skips.pop()], dim=1), embedding, context)
        return self.out(h)
