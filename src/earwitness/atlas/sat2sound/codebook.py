"""The codebook all modalities share, computed without the table of tokens × codes.

An embedding is a sparse mixture of codes: each token asks (a small network per modality), each code
answers with its largest score over the tokens, sparsemax makes weights of the answers, and the
weights mix the codes. The published computation holds a batch × tokens × codes table several times
over. Here the maximum is taken block by block, and the gradient, which reaches one token per code
and only codes in sparsemax's support, is a weighted sum of few rows. The queries are computed anew
in the backward pass. Values and gradients are those of the plain computation.

Source: Chen et al., "Revisiting Multimodal Representation in Contrastive Learning: from Patch and
Token Embeddings to Finite Discrete Tokens" (CVPR 2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from earwitness.atlas.sat2sound.config import Sizes
from earwitness.atlas.sat2sound.sparsemax import project, pull_back
from earwitness.errors import OptionError

Modality = Literal["image", "audio", "text"]

TEMPERATURE = 1000.0
"""The published one; so large that small codebooks are mixed almost evenly."""

_BLOCK = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Device → scores held at a time."""

_QUERIES = {
    "image": "img_query_model",
    "audio": "audio_query_model",
    "text": "txt_query_model",
}


def query(tokens: Tensor, *weights: Tensor) -> Tensor:
    """Map tokens (..., width) to queries (..., D): norm, linear, GELU, norm, linear."""
    norm, norm_b, first, first_b, inner, inner_b, last, last_b = weights
    hidden = F.linear(F.layer_norm(tokens, norm.shape, norm, norm_b), first, first_b)
    hidden = F.layer_norm(F.gelu(hidden), inner.shape, inner, inner_b)
    return F.linear(hidden, last, last_b)


def _chunks(batch: int, tokens: int, device: str) -> Iterator[slice]:
    """Cut the batch so that a chunk has about 800 tokens on a CPU, more on a GPU."""
    room = 800 if device == "cpu" else 1 << 14
    step = max(1, room // max(tokens, 1))
    for start in range(0, batch, step):
        yield slice(start, min(start + step, batch))


class _Mixture(torch.autograd.Function):
    """Tokens, codes and the query network's weights to embeddings and weights of codes."""

    @staticmethod
    def forward(
        ctx: Any,
        tokens: Tensor,
        codes: Tensor,
        keep: Tensor | None,
        zero: bool,
        temperature: float,
        *weights: Tensor,
    ) -> tuple[Tensor, Tensor]:
        batch, length, _ = tokens.shape
        count, width = codes.shape
        best = codes.new_empty(batch, count)
        who = torch.empty(batch, count, dtype=torch.int32, device=codes.device)
        table: Tensor | None = None  # one piece of memory for all blocks
        for rows in _chunks(batch, length, codes.device.type):
            asked = query(tokens[rows], *weights)
            many = len(asked) * length
            step = max(64, _BLOCK.get(codes.device.type, 1 << 21) // many)
            for start in range(0, count, step):
                block = slice(start, min(start + step, count))
                wide = min(step, count - start)
                if table is None or table.numel() < many * wide:
                    table = codes.new_empty(many * wide)
                scores = table[: many * wide].view(many, wide)
                torch.mm(asked.reshape(many, width), codes[block].T, out=scores)
                scores = scores.view(len(asked), length, wide)
                if keep is not None and zero:
                    scores *= keep[rows, :, None]
                elif keep is not None:
                    scores.masked_fill_(~keep[rows, :, None], -torch.inf)
                best[rows, block], who[rows, block] = scores.max(dim=1)
        # Dividing is monotonous, so after the maximum it gives the same values as before it, in
        # two steps as in the published code, whose rounding this keeps.
        best = best.div_(width**0.5).div_(temperature)
        if keep is not None and not zero:
            best[~keep.any(dim=1)] = 0.0
        attention, shifted, tau = project(best)
        ctx.save_for_backward(tokens, codes, attention, shifted, tau, who, *weights)
        ctx.keep, ctx.temperature = keep, temperature
        ctx.set_materialize_grads(False)
        return attention @ codes, attention

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        mixed_grad, attention_grad = grads
        tokens, codes, attention, shifted, tau, who, *weights = ctx.saved_tensors
        keep: Tensor | None = ctx.keep
        batch, length, _ = tokens.shape
        width = codes.shape[1]
        if mixed_grad is None:
            mixed_grad = codes.new_zeros(batch, width)
        reaching = mixed_grad @ codes.T
        if attention_grad is not None:
            reaching += attention_grad
        reaching = pull_back(reaching, shifted, tau).div_(ctx.temperature * width**0.5)
        if keep is not None:  # a padded token's score is a constant
            reaching *= keep.gather(1, who.long())

        wanted = ctx.needs_input_grad
        codes_grad = attention.T @ mixed_grad if wanted[1] else None
        tokens_grad = torch.empty_like(tokens) if wanted[0] else None
        weight_grads: list[Tensor | None] = [None] * len(weights)
        deep = wanted[0] or any(wanted[5:])
        if not deep and codes_grad is None:
            return (None,) * (5 + len(weights))
        for rows in _chunks(batch, length, codes.device.type):
            given = tokens[rows].detach().requires_grad_(wanted[0])
            held = [w.detach().requires_grad_(want) for w, want in zip(weights, wanted[5:])]
            with torch.set_grad_enabled(deep):
                asked = query(given, *held)
            flat = asked.detach().reshape(-1, width)
            sample, code = torch.nonzero(reaching[rows], as_tuple=True)
            value = reaching[rows][sample, code]
            token = sample * length + who[rows][sample, code]
            if codes_grad is not None:
                _add_rows(codes_grad, code, flat, token, value)
            if not deep:
                continue
            asked_grad = torch.zeros_like(flat)
            _add_rows(asked_grad, token, codes, code, value)
            sources = [t for t in (given, *held) if t.requires_grad]
            found = list(torch.autograd.grad(asked, sources, asked_grad.reshape(asked.shape)))
            if tokens_grad is not None:
                tokens_grad[rows] = found.pop(0)
            for index, tensor in enumerate(held):
                if tensor.requires_grad:
                    part, sum_ = found.pop(0), weight_grads[index]
                    weight_grads[index] = part if sum_ is None else sum_.add_(part)
        return (tokens_grad, codes_grad, None, None, None, *weight_grads)


_mixture: Any = _Mixture.apply


def _add_rows(into: Tensor, to: Tensor, table: Tensor, row: Tensor, value: Tensor) -> None:
    """Add ``value[i] * table[row[i]]`` to ``into[to[i]]`` for each i, in an order always alike."""
    order = torch.argsort(to, stable=True)
    to, row, value = to[order], row[order], value[order]
    step = 1024
    starts = torch.searchsorted(to, torch.arange(len(into) + 1, device=to.device))
    for start in range(0, len(into), step):
        offsets = starts[start : start + step + 1]
        first, last = int(offsets[0]), int(offsets[-1])
        if first == last:
            continue
        into[start : start + step] += F.embedding_bag(
            row[first:last], table, offsets[:-1] - first, mode="sum",
            per_sample_weights=value[first:last],
        )  # fmt: skip


class QueryModel(nn.Module):
    """The network that turns a modality's tokens into queries.

    Examples
    --------
    >>> QueryModel(24, 32)(torch.zeros(2, 7, 24)).shape
    torch.Size([2, 7, 32])
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.q_map = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, out), nn.GELU(), nn.LayerNorm(out),
            nn.Linear(out, out),
        )  # fmt: skip

    def weights(self) -> list[Tensor]:
        """Return the weights in the order that :func:`query` takes them."""
        return list(self.q_map.parameters())

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (..., width) to queries (..., out)."""
        return query(tokens, *self.weights())


class Codebook(nn.Module):
    """Codes that images, sounds and words share.

    Parameters
    ----------
    sizes
        Number and width of codes, and widths of the tokens.
    published
        How tokens that ``keep`` leaves out are treated. True: their scores become 0, and only in
        text, so that padding changes a caption's embedding, as in the published system. False:
        they take no part.
    temperature
        What scores are divided by: the smaller, the fewer codes make an embedding.

    Examples
    --------
    >>> book = Codebook(Sizes.small())
    >>> embedding, attention = book(torch.ones(2, 5, 384), "text")
    >>> embedding.shape, float(attention.sum(1).mean().detach().round(decimals=4))
    (torch.Size([2, 192]), 1.0)
    """

    def __init__(
        self, sizes: Sizes, *, published: bool = False, temperature: float = TEMPERATURE
    ) -> None:
        super().__init__()
        self.published, self.temperature = published, temperature
        self.space_dict = nn.Parameter(torch.randn(sizes.codes, sizes.code_width))
        self.img_query_model = QueryModel(sizes.width, sizes.code_width)
        self.txt_query_model = QueryModel(sizes.text_width, sizes.code_width)
        self.audio_query_model = QueryModel(sizes.audio_width, sizes.code_width)

    def queries(self, modality: Modality) -> QueryModel:
        """Return the query network of a modality."""
        if modality not in _QUERIES:
            raise OptionError(
                f"no modality is called {modality!r}; choose from {', '.join(_QUERIES)}"
            )
        held: QueryModel = getattr(self, _QUERIES[modality])
        return held

    def _kept(self, tokens: Tensor, modality: Modality, keep: Tensor | None) -> Tensor | None:
        if tokens.ndim != 3 or tokens.shape[1] < 1:
            raise OptionError(
                f"{modality} tokens have shape {tuple(tokens.shape)}; allowed is "
                f"(batch, tokens, width) with at least one token"
            )
        if keep is None or (self.published and modality != "text"):
            return None
        if keep.shape != tokens.shape[:2]:
            raise OptionError(
                f"the mask has shape {tuple(keep.shape)} for tokens of shape "
                f"{tuple(tokens.shape)}; give (batch, tokens)"
            )
        return keep.to(torch.bool)

    def forward(
        self, tokens: Tensor, modality: Modality, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Embed.

        Parameters
        ----------
        tokens : tensor, shape (B, T, width)
            Of one modality.
        modality
            Which.
        keep : tensor, shape (B, T), optional
            False or 0 at tokens that are only padding, or missing metadata.

        Returns
        -------
        embedding : tensor, shape (B, D)
            Not normalised.
        attention : tensor, shape (B, K)
            Weights of the codes: not negative, mostly zero, summing to 1. A row with no token
            kept has equal weights.
        """
        model = self.queries(modality)
        kept = self._kept(tokens, modality, keep)
        # Which code wins and where the support ends are too fine for half precision.
        with torch.autocast(tokens.device.type, enabled=False):
            made: tuple[Tensor, Tensor] = _mixture(
                tokens.to(self.space_dict.dtype), self.space_dict, kept, self.published,
                self.temperature, *model.weights(),
            )  # fmt: skip
        return made

    def plain(
        self, tokens: Tensor, modality: Modality, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Compute the same in ordinary operations, for export and as an oracle; needs memory."""
        kept = self._kept(tokens, modality, keep)
        scores = (
            self.queries(modality)(tokens) @ self.space_dict.T / self.space_dict.shape[1] ** 0.5
        )
        if kept is not None and self.published:
            scores = scores * kept[..., None]
        elif kept is not None:
            nothing = ~kept.any(dim=1)[:, None, None]
            scores = scores.masked_fill(~(kept[..., None] | nothing), -torch.inf)
            scores = scores.masked_fill(nothing, 0.0)
        best = (scores / self.temperature).max(dim=1).values
        best = best - best.amax(dim=1, keepdim=True)
        ordered = torch.sort(best, dim=1, descending=True).values
        places = torch.arange(1, best.shape[1] + 1, device=best.device, dtype=best.dtype)
        inside = 1 + places * ordered > ordered.cumsum(dim=1)
        count = inside.sum(dim=1, keepdim=True)
        tau = ((ordered * inside).sum(dim=1, keepdim=True) - 1) / count
        attention = torch.clamp(best - tau, min=0.0)
        return attention @ self.space_dict, attention

    def token_scores(
        self,
        tokens: Tensor,
        modality: Modality,
        keep: Tensor | None = None,
        codes: Tensor | None = None,
    ) -> Tensor:
        """Return how much each token fires on each code, for heat maps.

        Parameters
        ----------
        tokens, modality, keep
            As in :meth:`forward`.
        codes : tensor, shape (n,), optional
            Numbers of the codes wanted; all when not given.

        Returns
        -------
        tensor, shape (B, T, n)
            Plain products of query and code. When published, and a mask is given with text, they
            are divided by √D and are 0 at padding, as published.
        """
        kept = self._kept(tokens, modality, keep)
        table = self.space_dict if codes is None else self.space_dict[codes]
        scores = self.queries(modality)(tokens) @ table.T
        if kept is not None and self.published:
            return scores / table.shape[1] ** 0.5 * kept[..., None]
        return scores
