"""AudioLDM's decoder: latent to mel spectrogram."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from earwitness.voice.codi.config import VaeConfig

_GROUPS, _EPS = 32, 1e-6
_TOO_LARGE, _CLIPPED = 100.0, 10.0


class _ResBlock(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(_GROUPS, channels, eps=_EPS)
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.norm2 = nn.GroupNorm(_GROUPS, out, eps=_EPS)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        if channels != out:
            self.nin_shortcut = nn.Conv2d(channels, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(functional.silu(self.norm1(x)))
        h = self.conv2(functional.silu(self.norm2(h)))
        return (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x) + h


class _Attention(nn.Module):
    """One head over all positions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, channels, eps=_EPS)
        self.q, self.k, self.v, self.proj_out = (nn.Conv2d(channels, channels, 1) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        q, k, v = (f(normed).flatten(2).transpose(1, 2) for f in (self.q, self.k, self.v))
        # A head dimension for the fast kernels, which want four dimensions.
        mixed = functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])[:, 0]
        return x + self.proj_out(mixed.transpose(1, 2).reshape(x.shape))


class _Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))


class _Middle(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = _ResBlock(channels, channels)
        self.attn_1 = _Attention(channels)
        self.block_2 = _ResBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class _Level(nn.Module):
    def __init__(self, channels: int, out: int, blocks: int, *, upsample: bool) -> None:
        super().__init__()
        self.block = nn.ModuleList(
            _ResBlock(channels if i == 0 else out, out) for i in range(blocks)
        )
        if upsample:
            self.upsample = _Upsample(out)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return self.upsample(x) if hasattr(self, "upsample") else x


class _Decoder(nn.Module):
    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths = [config.ch * m for m in config.ch_mult]
        self.conv_in = nn.Conv2d(config.z_channels, widths[-1], 3, padding=1)
        self.mid = _Middle(widths[-1])
        self.up = nn.ModuleList(
            _Level(
                widths[min(i + 1, len(widths) - 1)],
                width,
                config.num_res_blocks + 1,
                upsample=i > 0,
            )
            for i, width in enumerate(widths)
        )
        self.norm_out = nn.GroupNorm(_GROUPS, widths[0], eps=_EPS)
        self.conv_out = nn.Conv2d(widths[0], config.out_ch, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        h = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            h = level(h)
        return self.conv_out(functional.silu(self.norm_out(h)))


class MelDecoder(nn.Module):
    """Latents to mel spectrograms.

    Parameters
    ----------
    config
        Sizes; the default ones are those published.
    """

    def __init__(self, config: VaeConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or VaeConfig()
        self.decoder = _Decoder(c)
        self.post_quant_conv = nn.Conv2d(c.z_channels, c.z_channels, 1)

    def forward(self, z: Tensor) -> Tensor:
        """Return the mel spectrograms.

        Parameters
        ----------
        z
            Latents as the sampler leaves them, shape ``(n, 8, time, frequency)``.

        Returns
        -------
        Tensor, shape ``(n, 1, 4 time, 4 frequency)``

        Notes
        -----
        A latent with any magnitude above 100 is clipped to ±10, as in the published program; here
        each of a batch by itself, so that one does not change another.
        """
        large = z.abs().amax(dim=(1, 2, 3), keepdim=True) > _TOO_LARGE
        z = torch.where(large, z.clamp(-_CLIPPED, _CLIPPED), z)
        return self.decoder(self.post_quant_conv(z / self.config.scale_factor))
