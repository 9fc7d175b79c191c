"""Sine and cosine positions of image patches, scaled by the ground distance of a pixel.

Source: Reed et al., "Scale-MAE" (ICCV 2023), for the scaling; Vaswani et al. 2017 for the waves.
"""

from __future__ import annotations

import torch
from torch import Tensor


def waves(places: Tensor, channels: int) -> Tensor:
    """Return all sines, then all cosines, of positions along one axis.

    Parameters
    ----------
    places : tensor, shape (...)
        Positions.
    channels
        Channels of the result, even.

    Returns
    -------
    tensor, shape (..., channels), float32
    """
    half = channels // 2
    # Frequencies in float64, then float32: large ground distances make the argument coarse, and
    # published weights were trained on exactly that coarseness.
    steps = torch.arange(half, dtype=torch.float64, device=places.device)
    rates = (10000.0 ** (-steps / half)).to(torch.float32)
    angles = places[..., None] * rates
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


def ground_positions(ground_m: Tensor, side: int, channels: int, *, first: bool = False) -> Tensor:
    """Return the position of every patch of square images, in units of their ground distance.

    Parameters
    ----------
    ground_m : tensor, shape (B,)
        Metres on the ground per pixel, times the zoom.
    side
        Patches along a side.
    channels
        Channels of a patch, a multiple of 4: the first half tells the column, the second the row.
    first
        Put a zero vector before the patches (for a class token, which Sat2Sound has not).

    Returns
    -------
    tensor, shape (B, side², channels) or (B, 1 + side², channels), float32

    Examples
    --------
    >>> ground_positions(torch.tensor([0.6, 10.0]), 14, 32).shape
    torch.Size([2, 196, 32])
    """
    places = torch.arange(side, dtype=torch.float32, device=ground_m.device)
    scaled = waves(ground_m.to(torch.float32)[:, None] * places, channels // 2)
    batch, _, half = scaled.shape
    across = scaled[:, None, :, :].expand(batch, side, side, half)
    down = scaled[:, :, None, :].expand(batch, side, side, half)
    grid = torch.cat([across, down], dim=-1).reshape(batch, side * side, channels)
    if first:
        grid = torch.cat([grid.new_zeros(batch, 1, channels), grid], dim=1)
    return grid
