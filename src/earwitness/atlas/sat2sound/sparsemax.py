"""Sparsemax: the closest point of the probability simplex, most of whose entries are zero.

Source: Martins and Astudillo, "From Softmax to Sparsemax" (ICML 2016); the threshold is found as in
Michelot (1986), by dropping entries below the running threshold until none drops, instead of by a
sort. On ties with the threshold the gradient is that of PyTorch's ``maximum``: one half.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_MANY, _SPARING = 2048, 16
"""Entries in a row from which on a share of them, one in so many, is looked at first."""

_CACHED = 1 << 17
"""Scores whose thresholds are sought together on a CPU."""


def threshold(shifted: Tensor) -> tuple[Tensor, Tensor]:
    """Find where sparsemax cuts each row.

    Parameters
    ----------
    shifted : tensor, shape (..., K)
        Scores; best with 0 as the largest of each row, where numbers are finest.

    Returns
    -------
    tau : tensor, shape (..., 1)
        What is taken off; the remainder above 0 sums to 1.
    count : tensor, shape (..., 1)
        Entries in the support.
    """
    # The threshold of some of the entries never exceeds that of all, and so is a good start.
    if shifted.shape[-1] >= _MANY:
        tau = threshold(shifted[..., ::_SPARING].contiguous())[0]
    else:
        tau = shifted.amax(dim=-1, keepdim=True) - 1.0
    count = torch.full_like(tau, -1.0)
    held = torch.empty_like(shifted)  # one piece of memory for all passes
    while True:
        more = torch.gt(shifted, tau, out=held).sum(dim=-1, keepdim=True)
        if torch.equal(more, count):
            return tau, count
        # What stands out above the threshold should sum to 1: small numbers, hence little rounding.
        over = torch.sub(shifted, tau, out=held).clamp_(min=0.0).sum(dim=-1, keepdim=True)
        # The threshold only rises; rounding must not make it fall, or this could go on for ever.
        tau, count = tau + ((over - 1.0) / more).clamp_(min=0.0), more


def project(scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the projection, the shifted scores and the threshold; see :func:`sparsemax`."""
    return project_shifted(scores - scores.amax(dim=-1, keepdim=True))


def project_shifted(shifted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Do as :func:`project` with scores of which 0 is the largest of each row."""
    rows = shifted.reshape(-1, shifted.shape[-1])
    if rows.device.type == "cpu" and rows.numel() > _CACHED:
        # A few rows at a time stay in the processor's cache through all passes.
        step = max(1, _CACHED // rows.shape[1])
        tau = torch.cat([threshold(part)[0] for part in torch.split(rows, step)])
        tau = tau.reshape(*shifted.shape[:-1], 1)
    else:
        tau, _ = threshold(shifted)
    return (shifted - tau).clamp_(min=0.0), shifted, tau


def pull_back(grad: Tensor, shifted: Tensor, tau: Tensor) -> Tensor:
    """Return the gradient at the scores, given that at the projection.

    Parameters
    ----------
    grad, shifted : tensor, shape (..., K)
    tau : tensor, shape (..., 1)
        From :func:`project`.

    Returns
    -------
    tensor, shape (..., K)
        Zero outside the support and its ties.
    """
    return pull_back_within(grad, shifted > tau, shifted == tau)


def pull_back_within(grad: Tensor, inside: Tensor, edge: Tensor | None) -> Tensor:
    """Do as :func:`pull_back`, given which entries are inside and which, if any, are on the edge.

    Parameters
    ----------
    grad : tensor, shape (..., K)
    inside, edge : tensor, shape (..., K), bool
    """
    passed = torch.where(inside, grad, 0.0)  # not a product: outside, the gradient may be infinite
    if edge is not None:
        passed = torch.where(edge, 0.5 * grad, passed)
    mean = passed.sum(dim=-1, keepdim=True) / inside.sum(dim=-1, keepdim=True)
    return passed.sub_(mean * inside)


class _Sparsemax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        made, shifted, tau = project(scores)
        ctx.save_for_backward(shifted, tau)
        return made

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        shifted, tau = ctx.saved_tensors
        return pull_back(grads[0], shifted, tau)


_apply: Any = _Sparsemax.apply


def sparsemax(scores: Tensor) -> Tensor:
    """Project each row onto the probability simplex.

    Parameters
    ----------
    scores : tensor, shape (..., K)

    Returns
    -------
    tensor, shape (..., K)
        Not negative, each row sums to 1.

    Examples
    --------
    >>> sparsemax(torch.tensor([1.0, 0.8, -1.0]))
    tensor([0.6000, 0.4000, 0.0000])
    """
    made: Tensor = _apply(scores)
    return made
