"""The small network that turns tokens into queries, and its gradients with little memory.

Ordinary automatic differentiation keeps every step of a whole batch. Here only what goes into the
GELU is kept; the rest of a part of the batch is computed anew when its gradient comes, and what it
gives is added to the weights' gradients in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

EPS = 1e-5

_ops: Any = torch.ops.aten


def query(tokens: Tensor, *weights: Tensor) -> Tensor:
    """Map tokens (..., width) to queries (..., D): norm, linear, GELU, norm, linear."""
    return query_hidden(tokens, *weights)[0]


def query_hidden(tokens: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return the queries (..., D) of tokens (..., width), and what goes into the GELU (..., D)."""
    norm, norm_b, first, first_b, *_ = weights
    hidden = F.linear(F.layer_norm(tokens, norm.shape, norm, norm_b, EPS), first, first_b)
    return query_last(hidden, *weights), hidden


def query_last(hidden: Tensor, *weights: Tensor) -> Tensor:
    """Return the queries (..., D) of what goes into the GELU."""
    *_, inner, inner_b, last, last_b = weights
    return F.linear(F.layer_norm(F.gelu(hidden), inner.shape, inner, inner_b, EPS), last, last_b)


def carry_to_hidden(
    grad: Tensor, hidden: Tensor, weights: Sequence[Tensor], into: Sequence[Tensor | None]
) -> None:
    """Carry the gradient at the queries of some tokens back to what went into the GELU.

    Parameters
    ----------
    grad : tensor, shape (N, D)
    hidden : tensor, shape (N, D)
        What went into the GELU; its gradient is written in its place.
    weights
        In the order of :func:`query`.
    into
        Gradients of the last four weights, added to; None for those that learn nothing.
    """
    *_, inner, inner_b, last, _ = weights
    fired = F.gelu(hidden)
    normed, *moments = _ops.native_layer_norm(fired, inner.shape, inner, inner_b, EPS)
    _carry_linear(grad, normed, into[2], into[3])
    del normed
    grad = grad @ last
    grad, *found = _ops.native_layer_norm_backward(
        grad, fired, inner.shape, *moments, inner, inner_b,
        [True, into[0] is not None, into[1] is not None],
    )  # fmt: skip
    _add(found, into[:2])
    torch.ops.aten.gelu_backward.grad_input(grad, hidden, grad_input=hidden)


def carry_to_tokens(
    grad: Tensor,
    tokens: Tensor,
    weights: Sequence[Tensor],
    into: Sequence[Tensor | None],
    tokens_grad: Tensor | None,
) -> None:
    """Carry the gradient at what went into the GELU back to the tokens.

    Parameters
    ----------
    grad : tensor, shape (N, D)
    tokens : tensor, shape (N, width)
    weights
        In the order of :func:`query`.
    into
        Gradients of the first four weights, added to; None for those that learn nothing.
    tokens_grad : tensor, shape (N, width), or None
        Written; it may be ``grad`` itself.
    """
    norm, norm_b, first, *_ = weights
    normed, *moments = _ops.native_layer_norm(tokens, norm.shape, norm, norm_b, EPS)
    _carry_linear(grad, normed, into[2], into[3])
    del normed
    if tokens_grad is None and into[0] is None and into[1] is None:
        return
    grad = grad @ first
    found_grad, *found = _ops.native_layer_norm_backward(
        grad, tokens, norm.shape, *moments, norm, norm_b,
        [tokens_grad is not None, into[0] is not None, into[1] is not None],
    )  # fmt: skip
    _add(found, into[:2])
    if tokens_grad is not None:
        tokens_grad.copy_(found_grad)


def _carry_linear(grad: Tensor, given: Tensor, weight: Tensor | None, bias: Tensor | None) -> None:
    """Add to a linear layer's gradients."""
    if weight is not None:
        weight.addmm_(grad.T, given)
    if bias is not None:
        bias.add_(grad.sum(dim=0))


def _add(found: Sequence[Tensor | None], into: Sequence[Tensor | None]) -> None:
    for tensor, total in zip(found, into):
        if total is not None and tensor is not None:
            total.add_(tensor)
