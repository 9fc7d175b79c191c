"""Processes that train one model together: who we are, and rows that all of them see."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def together() -> tuple[int, int]:
    """Return this process's number and how many there are.

    Examples
    --------
    >>> together()
    (0, 1)
    """
    if dist.is_available() and dist.is_initialized():
        return dist.get_rank(), dist.get_world_size()
    return 0, 1


def gather(mine: Tensor, rank: int, world: int) -> Tensor:
    """Return the rows of all processes, in order; gradients reach this process's own.

    Parameters
    ----------
    mine : tensor, shape (n, ...)
        As many rows in every process.
    rank, world
        From :func:`together`.

    Returns
    -------
    tensor, shape (n · world, ...)

    Examples
    --------
    >>> gather(torch.ones(2, 3), 0, 1).shape
    torch.Size([2, 3])
    """
    if world == 1:
        return mine
    parts = [torch.empty_like(mine) for _ in range(world)]
    dist.all_gather(parts, mine.detach())
    parts[rank] = mine
    return torch.cat(parts)
