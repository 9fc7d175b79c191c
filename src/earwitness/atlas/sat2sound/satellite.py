"""The satellite branch: a vision transformer whose positions are distances on the ground.

Source: SatMAE ViT-B/16 (Cong et al., NeurIPS 2022) as Sat2Sound uses it: no class token, no last
norm, pre-norm blocks. Names of parameters are those of published checkpoints.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from earwitness.atlas.sat2sound.config import GROUND_M, Sizes
from earwitness.atlas.sat2sound.positions import ground_positions
from earwitness.errors import OptionError

IMAGE_PX, PATCH_PX = 224, 16
SIDE = IMAGE_PX // PATCH_PX


def ground_distance(imagery: str, zoom: Tensor) -> Tensor:
    """Return metres on the ground per pixel: zoom × that of the imagery.

    Parameters
    ----------
    imagery
        One of :data:`~earwitness.atlas.sat2sound.config.GROUND_M`.
    zoom : tensor, shape (B,)
        1 for a tile as stored, 3 for one three times as wide, …

    Returns
    -------
    tensor, shape (B,), float32

    Examples
    --------
    >>> ground_distance("sentinel", torch.tensor([1, 3]))
    tensor([10., 30.])
    """
    if imagery not in GROUND_M:
        raise OptionError(f"no imagery is called {imagery!r}; choose from {', '.join(GROUND_M)}")
    return zoom.to(torch.float32) * GROUND_M[imagery]


class Mlp(nn.Module):
    """Two linear layers with an exact GELU between."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to the same shape."""
        return self.fc2(F.gelu(self.fc1(x)))


class Attention(nn.Module):
    """Self-attention with one matrix for query, key and value."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        batch, tokens, width = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(query, key, value)
        return self.proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, T, width) to the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    """Cut an image into patches and map each to a token."""

    def __init__(self, width: int, patch_px: int = PATCH_PX) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch_px, patch_px)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, 224, 224) to (B, 196, width), row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


class SatMae(nn.Module):
    """The transformer: images and ground distances to tokens."""

    def __init__(
        self,
        width: int,
        depth: int,
        heads: int,
        *,
        image_px: int = IMAGE_PX,
        patch_px: int = PATCH_PX,
    ) -> None:
        super().__init__()
        self.image_px, self.side = image_px, image_px // patch_px
        self.patch_embed = PatchEmbed(width, patch_px)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))

    def forward(self, images: Tensor, ground_m: Tensor) -> Tensor:
        """Map (B, 3, 224, 224) and (B,) metres to (B, 196, width)."""
        if images.ndim != 4 or tuple(images.shape[1:]) != (3, self.image_px, self.image_px):
            raise OptionError(
                f"satellite images have shape {tuple(images.shape)}; allowed is "
                f"(batch, 3, {self.image_px}, {self.image_px}): three channels (convert to RGB), "
                f"resized to {self.image_px} pixels"
            )
        tokens = self.patch_embed(images)
        # Beyond the published imagery's 50 m the waves would alias: there the unit is a patch.
        scale = ground_m if self.image_px == IMAGE_PX else torch.ones_like(ground_m)
        places = ground_positions(scale, self.side, tokens.shape[-1])
        tokens = tokens + places.to(tokens.dtype)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class Projector(nn.Module):
    """Per token: linear, GELU, linear."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, out)
        self.linear2 = nn.Linear(out, out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., width) to (..., out)."""
        return self.linear2(F.gelu(self.linear1(x)))


class SatelliteBranch(nn.Module):
    """Images to tokens of the shared width.

    Parameters
    ----------
    sizes
        Widths and depths.

    Examples
    --------
    >>> branch = SatelliteBranch(Sizes.small())
    >>> branch(torch.zeros(1, 3, 224, 224), torch.tensor([10.0])).shape
    torch.Size([1, 196, 192])
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.backbone = SatMae(
            sizes.vit_width, sizes.vit_depth, sizes.vit_heads,
            image_px=sizes.image_px, patch_px=sizes.patch_px,
        )  # fmt: skip
        self.projector = Projector(sizes.vit_width, sizes.width)

    def forward(self, images: Tensor, ground_m: Tensor) -> Tensor:
        """Map (B, 3, 224, 224) normalised images and (B,) metres to (B, 196, width)."""
        return self.projector(self.backbone(images, ground_m))
