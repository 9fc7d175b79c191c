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
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from earwitness.atlas.sat2sound.config import Sizes
from earwitness.atlas.sat2sound.queries import Asked, query
from earwitness.atlas.sat2sound.sparsemax import project_shifted, pull_back_within
from earwitness.errors import OptionError

Modality = Literal["image", "audio", "text"]

TEMPERATURE = 1000.0
"""The published one; so large that small codebooks are mixed almost evenly."""

_BLOCK = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Device → scores held at a time."""

_ROOM = {"cpu": 800, "cuda": 1 << 14}
"""Device → about how many tokens' scores are made at a time."""

_PIECE = {"cpu": 128, "cuda": 1 << 13}
"""Device → tokens, and rows of codes, whose gradients are made at a time."""

_QUERIES = {
    "image": "img_query_model",
    "audio": "audio_query_model",
    "text": "txt_query_model",
}


def _chunks(batch: int, tokens: int, device: str) -> Iterator[slice]:
    """Cut the batch into chunks of at least a row, and not many more tokens than there is room."""
    step = max(1, _ROOM.get(device, 1 << 12) // max(tokens, 1))
    for start in range(0, batch, step):
        yield slice(start, min(start + step, batch))


def _largest(scores: Tensor, best: Tensor, who: Tensor) -> None:
    """Write the maximum over tokens (B, T, K) and the first token that has it; spoil the scores."""
    length = scores.shape[1]
    if scores.device.type != "cpu" or length >= 1 << 24:
        best[...], who[...] = scores.max(dim=1)
        return
    # PyTorch's maximum with its place takes several times as long on a CPU as the maximum alone,
    # a comparison, and sums over what is equal to it: of ones, and of places.
    torch.amax(scores, dim=1, out=best)
    same = torch.eq(scores, best[:, None], out=scores)
    places = torch.arange(length, dtype=scores.dtype)
    found = torch.matmul(torch.stack([torch.ones_like(places), places]), same)
    who.copy_(found[:, 1])
    if bool((found[:, 0] != 1).any()):
        who.copy_(same.max(dim=1).indices)  # some are equal: then the first one


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
        (count, width), kind = codes.shape, codes.device.type
        best = codes.new_empty(batch, count)
        small = torch.uint8 if length <= 256 else torch.int32
        who = torch.empty(batch, count, dtype=small, device=codes.device)
        table: Tensor | None = None  # one piece of memory for all blocks
        for rows in _chunks(batch, length, kind):
            asked = query(tokens[rows], *weights)
            many = len(asked) * length
            step = max(64, _BLOCK.get(kind, 1 << 21) // many)
            for start in range(0, count, step):
                block = slice(start, min(start + step, count))
                wide = block.stop - start
                if table is None or table.numel() < many * wide:
                    table = codes.new_empty(many * wide)
                scores = table[: many * wide].view(many, wide)
                torch.mm(asked.reshape(many, width), codes[block].T, out=scores)
                scores = scores.view(len(asked), length, wide)
                if keep is not None and zero:
                    scores *= keep[rows, :, None]
                elif keep is not None:
                    scores.masked_fill_(~keep[rows, :, None], -torch.inf)
                found = best.new_empty(len(asked), wide)
                _largest(scores, found, who[rows, block])
                best[rows, block] = found
        # Dividing is monotonous, so after the maximum it gives the same values as before it, in
        # two steps as in the published code, whose rounding this keeps.
        best = best.div_(width**0.5).div_(temperature)
        if keep is not None and not zero:
            best[~keep.any(dim=1)] = 0.0
        attention, shifted, tau = project_shifted(best.sub_(best.amax(dim=1, keepdim=True)))
        edge = shifted == tau
        ctx.edge = edge if bool(edge.any()) else None
        ctx.save_for_backward(tokens, codes, attention, who, *weights)
        ctx.keep, ctx.temperature = keep, temperature
        ctx.set_materialize_grads(False)
        return attention @ codes, attention

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Any) -> Any:
        mixed_grad, attention_grad = grads
        tokens, codes, attention, who, *weights = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        deep = wanted[0] or any(wanted[5:])
        if (mixed_grad is None and attention_grad is None) or not (deep or wanted[1]):
            return (None,) * (5 + len(weights))
        with torch.autocast(tokens.device.type, enabled=False):
            if mixed_grad is None:
                mixed_grad = codes.new_zeros(len(tokens), codes.shape[1])
            made = _carry_back(
                tokens, codes, attention, ctx.edge, who, ctx.keep, ctx.temperature, weights,
                mixed_grad, attention_grad, wanted,
            )  # fmt: skip
        return made


def _carry_back(
    tokens: Tensor, codes: Tensor, attention: Tensor, edge: Tensor | None, who: Tensor,
    keep: Tensor | None, temperature: float, weights: list[Tensor], mixed_grad: Tensor,
    attention_grad: Tensor | None, wanted: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """Return the gradients of what :class:`_Mixture` takes."""
    batch, length, _ = tokens.shape
    width, kind = codes.shape[1], codes.device.type
    deep = wanted[0] or any(wanted[5:])
    codes_grad = attention.T @ mixed_grad if wanted[1] else None
    tokens_grad = tokens.new_empty(tokens.shape) if wanted[0] else None
    weight_grads = [torch.zeros_like(w) if want else None for w, want in zip(weights, wanted[5:])]
    step = _PIECE.get(kind, 1 << 12)
    room = codes.new_empty(step, width)
    for rows in _chunks(batch, length, kind):
        reaching = mixed_grad[rows] @ codes.T
        if attention_grad is not None:
            reaching += attention_grad[rows]
        reaching = pull_back_within(
            reaching, attention[rows] > 0, None if edge is None else edge[rows]
        ).div_(temperature * width**0.5)
        if keep is not None:  # a padded token's score is a constant
            reaching *= keep[rows].gather(1, who[rows].long())
        pairs = _Pairs(reaching, who[rows], length)
        del reaching
        given = tokens[rows].reshape(-1, tokens.shape[2])
        for start in range(0, len(given), step):
            part = slice(start, min(start + step, len(given)))
            asked = Asked(given[part], weights)
            if codes_grad is not None:
                pairs.add_queries(codes_grad, asked.queries(), part, room)
            if deep:
                grad = pairs.sum_codes(codes, part)
                asked.carry_back(
                    grad, weight_grads,
                    None if tokens_grad is None else tokens_grad[rows].view_as(given)[part],
                )  # fmt: skip
    return (tokens_grad, codes_grad, None, None, None, *weight_grads)


_mixture: Any = _Mixture.apply


class _Pairs:
    """Which token of which sample a gradient reaches by which code, in the order of tokens.

    Parameters
    ----------
    reaching : tensor, shape (B, K)
        The gradients, mostly zero.
    who : tensor, shape (B, K)
        The token each would reach.
    length
        Tokens of a sample.
    """

    def __init__(self, reaching: Tensor, who: Tensor, length: int) -> None:
        sample, code = torch.nonzero(reaching, as_tuple=True)
        token = sample * length + who[sample, code]
        order = torch.argsort(token, stable=True)
        self.length, self.token, self.code = length, token[order], code[order]
        self.value = reaching[sample, code][order]
        every = torch.arange(len(reaching) * length + 1, device=token.device)
        self.starts = torch.searchsorted(self.token, every)

    def add_queries(self, into: Tensor, asked: Tensor, part: slice, room: Tensor) -> None:
        """Add to each code's gradient (K, D) its gradient times the query of the token.

        ``room`` (any, D) is memory to work in.
        """
        start = part.start
        while start < part.stop:
            # Within a sample no code comes twice, so the order of sums is always the same.
            end = min(part.stop, (start // self.length + 1) * self.length)
            first, last = int(self.starts[start]), int(self.starts[end])
            for begin in range(first, last, len(room)):
                some = slice(begin, min(begin + len(room), last))
                rows = room[: some.stop - begin]
                torch.index_select(asked, 0, self.token[some] - part.start, out=rows)
                into.index_add_(0, self.code[some], rows.mul_(self.value[some, None]))
            start = end

    def sum_codes(self, codes: Tensor, part: slice) -> Tensor:
        """Return for each token the sum of the codes that reach it, by their gradients."""
        first, last = int(self.starts[part.start]), int(self.starts[part.stop])
        made: Tensor = torch.nn.functional.embedding_bag(
            self.code[first:last], codes, self.starts[part] - first, mode="sum",
            per_sample_weights=self.value[first:last],
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
