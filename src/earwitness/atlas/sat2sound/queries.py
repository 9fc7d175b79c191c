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


class Asked:
    """What the gradients at the queries of some tokens need.

    Parameters
    ----------
    tokens : tensor, shape (N, width)
    weights
        In the order of :func:`query`.
    hidden : tensor, shape (N, D)
        What went into the GELU.
    """

    def __init__(self, tokens: Tensor, weights: Sequence[Tensor], hidden: Tensor) -> None:
        self._weights = weights
        norm, norm_b, _, _, inner, inner_b, *_ = weights
        self._tokens = tokens
        self._normed, *self._moments = _ops.native_layer_norm(
            self._tokens, norm.shape, norm, norm_b, EPS
        )
        self._hidden = hidden
        self._fired = F.gelu(self._hidden)
        self._inner, *self._inner_moments = _ops.native_layer_norm(
            self._fired, inner.shape, inner, inner_b, EPS
        )

    def carry_back(
        self, grad: Tensor, into: Sequence[Tensor | None], tokens_grad: Tensor | None
    ) -> None:
        """Carry the gradient at the queries back.

        Parameters
        ----------
        grad : tensor, shape (N, D)
        into
            Gradients of the weights, added to; None for those that learn nothing.
        tokens_grad : tensor, shape (N, width), or None
            Written.
        """
        norm, norm_b, first, _, inner, inner_b, last, _ = self._weights
        self._linear(grad, self._inner, into[6], into[7])
        grad = grad @ last
        grad, *found = _ops.native_layer_norm_backward(
            grad, self._fired, inner.shape, *self._inner_moments, inner, inner_b,
            [True, into[4] is not None, into[5] is not None],
        )  # fmt: skip
        self._add(found, into[4:6])
        grad = _ops.gelu_backward(grad, self._hidden)
        self._linear(grad, self._normed, into[2], into[3])
        if tokens_grad is None and into[0] is None and into[1] is None:
            return
        grad = grad @ first
        grad, *found = _ops.native_layer_norm_backward(
            grad, self._tokens, norm.shape, *self._moments, norm, norm_b,
            [tokens_grad is not None, into[0] is not None, into[1] is not None],
        )  # fmt: skip
        self._add(found, into[0:2])
        if tokens_grad is not None:
            tokens_grad.copy_(grad)

    @staticmethod
    def _linear(grad: Tensor, given: Tensor, weight: Tensor | None, bias: Tensor | None) -> None:
        if weight is not None:
            weight.addmm_(grad.T, given)
        if bias is not None:
            bias.add_(grad.sum(dim=0))

    @staticmethod
    def _add(found: Sequence[Tensor | None], into: Sequence[Tensor | None]) -> None:
        for tensor, total in zip(found, into):
            if total is not None and tensor is not None:
                total.add_(tensor)
