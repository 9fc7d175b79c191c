"""The codebook all modalities share, computed without the table of tokens × codes.

An embedding is a sparse mixture of codes: each token asks (a small network per modality), each code
answers with its largest score over the tokens (largest.py), sparsemax makes weights of the answers,
and the weights mix the codes. The published computation holds a batch × tokens × codes table
several times over. Here the maximum is taken block by block, and the gradient, which reaches one
token per code and only codes in sparsemax's support, is a weighted sum of few rows. Values and
gradients are those of the plain computation.

Source: Chen et al., "Revisiting Multimodal Representation in Contrastive Learning: from Patch and
Token Embeddings to Finite Discrete Tokens" (CVPR 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from earwitness.atlas.sat2sound.config import Sizes
from earwitness.atlas.sat2sound.largest import Largest
from earwitness.atlas.sat2sound.queries import (
    carry_to_hidden,
    carry_to_tokens,
    query,
    query_hidden,
    query_last,
)
from earwitness.atlas.sat2sound.sparsemax import project_shifted, pull_back_within
from earwitness.errors import OptionError

Modality = Literal["image", "audio", "text"]

TEMPERATURE = 1000.0
"""The published one; so large that small codebooks are mixed almost evenly."""

_ASKED = {"cpu": 1000, "cuda": 1 << 14}
"""Device → about how many tokens ask at a time."""

_REACH = {"cpu": 800, "cuda": 1 << 14}
"""Device → about how many tokens gradients reach at a time: fewer, since more is held by then."""

_PIECE = {"cpu": 1 << 17, "cuda": 1 << 23}
"""Device → values, of tokens' queries, that are made or carried back at a time."""

_LAST = {"cpu": 1 << 15, "cuda": 1 << 23}
"""Device → values that are carried back at a time at the end, when all else is held."""

_CODES = {"cpu": 256, "cuda": 1024}
"""Device → codes whose gradients are made at a time."""

_THIN = {"cpu": 1024}
"""Device → codes multiplied with few rows at a time: of more, MKL keeps a copy of megabytes."""

_QUERIES = {
    "image": "img_query_model",
    "audio": "audio_query_model",
    "text": "txt_query_model",
}


def _rows(room: dict[str, int], tokens: int, device: str) -> int:
    """Return how many rows of so many tokens there is room for, at least one."""
    return max(1, room.get(device, 1 << 12) // max(tokens, 1))


def _chunks(room: dict[str, int], like: Tensor) -> Iterator[slice]:
    """Cut a batch of tokens (B, T, width) into chunks of rows."""
    step = _rows(room, like.shape[1], like.device.type)
    for start in range(0, len(like), step):
        yield slice(start, min(start + step, len(like)))


@dataclass(frozen=True)
class _Found:
    """What a forward leaves for gradients, each as large as the batch.

    Parameters
    ----------
    attention : tensor, shape (B, K)
        Weights of the codes.
    who : tensor, shape (B, K)
        Which token answers for each code.
    edge : tensor, shape (B, K), bool, or None
        Codes on the edge of sparsemax's support, if any.
    hidden : tensor, shape (B, T, D)
        What went into the GELU of the queries.
    """

    attention: Tensor
    who: Tensor
    edge: Tensor | None
    hidden: Tensor


def _find(
    tokens: Tensor, codes: Tensor, keep: Tensor | None, zero: bool, temperature: float,
    weights: Sequence[Tensor],
) -> _Found:  # fmt: skip
    batch, length, _ = tokens.shape
    (count, width), kind = codes.shape, codes.device.type
    best = codes.new_empty(batch, count)
    small = torch.uint8 if length <= 256 else torch.int32
    who = torch.empty(batch, count, dtype=small, device=codes.device)
    hidden = tokens.new_empty(batch, length, width)
    largest = Largest(codes, min(batch, _rows(_ASKED, length, kind)) * length)
    for rows in _chunks(_ASKED, tokens):
        asked = _ask(tokens[rows], weights, hidden[rows])
        some = None if keep is None else keep[rows]
        largest.write(asked, some, zero, best[rows], who[rows])
        del asked
    # Dividing is monotonous, so after the maximum it gives the same values as before it, in
    # two steps as in the published code, whose rounding this keeps.
    best = best.div_(width**0.5).div_(temperature)
    if keep is not None and not zero:
        best[~keep.any(dim=1)] = 0.0
    attention, shifted, tau = project_shifted(best.sub_(best.amax(dim=1, keepdim=True)))
    edge = shifted == tau
    return _Found(attention, who, edge if bool(edge.any()) else None, hidden)


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
        found = _find(tokens, codes, keep, zero, temperature, weights)
        attention = found.attention
        ctx.save_for_backward(tokens, codes, *weights)
        ctx.keep, ctx.zero, ctx.temperature = keep, zero, temperature
        if any(ctx.needs_input_grad):
            # Not among the saved tensors, which are held until the gradients are handed back. What
            # is held is a view: an output that is held itself would never be freed.
            ctx.found = replace(found, attention=attention.detach())
            ctx.version = attention._version
        ctx.set_materialize_grads(False)
        return attention @ codes, attention

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Any) -> Any:
        mixed_grad, attention_grad = grads
        tokens, codes, *weights = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        deep = wanted[0] or any(wanted[5:])
        if (mixed_grad is None and attention_grad is None) or not (deep or wanted[1]):
            return (None,) * (5 + len(weights))
        with torch.autocast(tokens.device.type, enabled=False):
            if mixed_grad is None:
                mixed_grad = codes.new_zeros(len(tokens), codes.shape[1])
            found, ctx.found = ctx.found, None
            if found is None or found.attention._version != ctx.version:
                # The gradients are wanted a second time, or somebody wrote into the weights.
                found = _find(tokens, codes, ctx.keep, ctx.zero, ctx.temperature, weights)
            hidden, scale = found.hidden, ctx.temperature * codes.shape[1] ** 0.5
            reached = _Reached(
                mixed_grad, attention_grad, codes, found, ctx.keep, tokens.shape[1], scale
            )
            # What is held beside the gradients is small: each is made when the room that others
            # took on the way is free again, and those of the tokens take the place of what is no
            # longer needed.
            codes_grad = tokens_grad = None
            weight_grads: list[Tensor | None] = [None] * len(weights)
            if wanted[1]:
                codes_grad = found.attention.T @ mixed_grad
                _add_queries(codes_grad, reached, hidden, weights)
            if deep:
                weight_grads[4:] = _zeros(weights[4:], wanted[9:])
                _carry_to_hidden(codes, reached, hidden, weights, weight_grads[4:])
                del reached, found
                weight_grads[:4] = _zeros(weights[:4], wanted[5:9])
                if wanted[0]:
                    fits = hidden.shape == tokens.shape
                    tokens_grad = hidden if fits else tokens.new_empty(tokens.shape)
                _carry_to_tokens(hidden, tokens, weights, weight_grads[:4], tokens_grad)
        return (tokens_grad, codes_grad, None, None, None, *weight_grads)


def _tokens(room: dict[str, int], like: Tensor) -> int:
    """Return how many tokens of such a width there is room for, at least one."""
    return max(1, room.get(like.device.type, 1 << 22) // like.shape[2])


def _pieces(tokens: Tensor) -> Iterator[slice]:
    """Cut samples (B, T, width) into pieces small enough to be asked at a time."""
    each = max(1, _tokens(_PIECE, tokens) // tokens.shape[1])
    for start in range(0, len(tokens), each):
        yield slice(start, start + each)


def _ask(tokens: Tensor, weights: Sequence[Tensor], hidden: Tensor) -> Tensor:
    """Return the queries (B, T, D) of tokens (B, T, width); write what goes into the GELU."""
    asked = torch.empty_like(hidden)
    for rows in _pieces(tokens):
        asked[rows], hidden[rows] = query_hidden(tokens[rows], *weights)
    return asked


def _zeros(weights: Sequence[Tensor], wanted: Sequence[bool]) -> list[Tensor | None]:
    return [torch.zeros_like(w) if want else None for w, want in zip(weights, wanted)]


def _add_queries(
    codes_grad: Tensor, reached: _Reached, hidden: Tensor, weights: Sequence[Tensor]
) -> None:
    """Add to the gradient of each code the queries of the tokens it reaches, weighted."""
    step = _CODES.get(codes_grad.device.type, 1024)
    for rows in _chunks(_REACH, hidden):
        asked = torch.empty_like(hidden[rows])
        for some in _pieces(asked):
            asked[some] = query_last(hidden[rows][some], *weights)
        bags = reached.by_code(rows)
        for start in range(0, len(codes_grad), step):
            part = slice(start, min(start + step, len(codes_grad)))
            codes_grad[part] += bags.sum_rows(asked.view(-1, asked.shape[2]), part)


def _carry_to_hidden(
    codes: Tensor, reached: _Reached, hidden: Tensor, weights: Sequence[Tensor],
    into: Sequence[Tensor | None],
) -> None:  # fmt: skip
    """Write the gradient of what goes into the GELU in its place; add to those of weights."""
    step = _tokens(_PIECE, hidden)
    for rows in _chunks(_REACH, hidden):
        bags, inside = reached.by_token(rows), hidden[rows].view(-1, hidden.shape[2])
        for start in range(0, len(inside), step):
            part = slice(start, min(start + step, len(inside)))
            carry_to_hidden(bags.sum_rows(codes, part), inside[part], weights, into)


def _carry_to_tokens(
    hidden_grad: Tensor, tokens: Tensor, weights: Sequence[Tensor],
    into: Sequence[Tensor | None], tokens_grad: Tensor | None,
) -> None:  # fmt: skip
    """Write the gradient of the tokens, in pieces, and add to those of weights."""
    grad, given = hidden_grad.view(-1, hidden_grad.shape[2]), tokens.reshape(-1, tokens.shape[2])
    made = None if tokens_grad is None else tokens_grad.view(given.shape)
    step = _tokens(_LAST, hidden_grad)
    for start in range(0, len(given), step):
        part = slice(start, start + step)
        carry_to_tokens(
            grad[part], given[part], weights, into, None if made is None else made[part]
        )


_mixture: Any = _Mixture.apply


@dataclass(frozen=True)
class _Reached:
    """What gradients of embeddings and of weights of codes reach: tokens, by codes."""

    mixed_grad: Tensor
    attention_grad: Tensor | None
    codes: Tensor
    found: _Found
    keep: Tensor | None
    length: int
    scale: float

    def by_token(self, rows: slice) -> _Bags:
        """Return which codes reach each token of some samples, with what weight."""
        token, code, value = self._pairs(rows)
        order = torch.argsort(token, stable=True)
        count = len(self.mixed_grad[rows]) * self.length
        return _Bags(token[order], count, code[order], value[order])

    def by_code(self, rows: slice) -> _Bags:
        """Return which tokens of some samples each code reaches, with what weight."""
        token, code, value = self._pairs(rows)
        order = torch.argsort(code, stable=True)
        return _Bags(code[order], len(self.codes), token[order], value[order])

    def _pairs(self, rows: slice) -> tuple[Tensor, Tensor, Tensor]:
        given = self.mixed_grad[rows]
        grad = given.new_empty(len(given), len(self.codes))
        step = _THIN.get(given.device.type, len(self.codes))
        for some, to in zip(self.codes.split(step), grad.split(step, dim=1)):
            torch.mm(given, some.T, out=to)
        if self.attention_grad is not None:
            grad += self.attention_grad[rows]
        edge = None if self.found.edge is None else self.found.edge[rows]
        grad = pull_back_within(grad, self.found.attention[rows] > 0, edge).div_(self.scale)
        who = self.found.who[rows]
        if self.keep is not None:  # a padded token's score is a constant
            grad *= self.keep[rows].gather(1, who.long())
        sample, code = torch.nonzero(grad, as_tuple=True)
        return sample * self.length + who[sample, code], code, grad[sample, code]


class _Bags:
    """Rows of a table that are summed, with weights.

    Parameters
    ----------
    owner : tensor, shape (n,)
        Rising numbers of what the sums are for.
    count
        How many sums there are.
    row, value : tensor, shape (n,)
        Which row, and its weight.
    """

    def __init__(self, owner: Tensor, count: int, row: Tensor, value: Tensor) -> None:
        every = torch.arange(count + 1, device=owner.device)
        self._starts = torch.searchsorted(owner, every)
        self._row, self._value = row, value

    def sum_rows(self, table: Tensor, part: slice) -> Tensor:
        """Return some of the sums, shape (of the part, D)."""
        starts = self._starts[part.start : part.stop + 1]
        first, last = int(starts[0]), int(starts[-1])
        made: Tensor = torch.nn.functional.embedding_bag(
            self._row[first:last], table, starts[:-1] - first, mode="sum",
            per_sample_weights=self._value[first:last],
        )  # fmt: skip
        return made


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


class Averages(nn.Module):
    """In place of a codebook: the queries of a modality's tokens, averaged; to compare with.

    Examples
    --------
    >>> Averages(Sizes.small())(torch.ones(2, 5, 384), "text")[0].shape
    torch.Size([2, 192])
    """

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.img_query_model = QueryModel(sizes.width, sizes.code_width)
        self.txt_query_model = QueryModel(sizes.text_width, sizes.code_width)
        self.audio_query_model = QueryModel(sizes.audio_width, sizes.code_width)

    def forward(
        self, tokens: Tensor, modality: Modality, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Embed as :class:`Codebook` does; there are no codes, so their weights are (B, 0)."""
        asked = _queries(self, modality)(tokens)
        kept = torch.ones_like(asked[..., 0]) if keep is None else keep.to(asked.dtype)
        total = kept.sum(dim=1, keepdim=True).clamp(min=1)
        return (asked * kept[..., None]).sum(dim=1) / total, asked.new_zeros(len(asked), 0)


def _queries(book: nn.Module, modality: Modality) -> QueryModel:
    if modality not in _QUERIES:
        raise OptionError(f"no modality is called {modality!r}; choose from {', '.join(_QUERIES)}")
    held: QueryModel = getattr(book, _QUERIES[modality])
    return held


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
        return _queries(self, modality)

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
