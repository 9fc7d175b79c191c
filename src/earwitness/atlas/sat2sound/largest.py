"""For every code the largest score over a sample's tokens, and the token that has it.

The table of tokens × codes is made block by block. Where the processor multiplies bfloat16 itself,
a block is first made roughly: rounding is bounded, so the few tokens that can be the largest are
known for certain, and only their scores are computed in float32. Either way the values are those
of the plain table but for the order of sums.

Source of the bound: Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., §3.1, with
the norms of what rounding left in place of its unit.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

_BLOCK = {"cpu": 1 << 20, "cuda": 1 << 26}
"""Device → scores held at a time."""

_ROUGH_BLOCK = 1 << 21
_UNIT = 2.0**-8
"""How far rounding to bfloat16 moves a number, relative to it, at most."""

_CROWD = 8
"""Tokens for each code that may be the largest, on average, from which the whole block is made."""


def multiplies_bfloat16() -> bool:
    """Return whether this processor has instructions for products of bfloat16."""
    # Without them PyTorch computes such products more slowly than those of float32.
    asks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    able = any(getattr(torch.cpu, name, bool)() for name in asks)
    return able and torch.backends.mkldnn.is_available()


def is_rough(asked: torch.dtype, device: str, tokens: int, codes: int) -> bool:
    """Return whether a table of so many tokens and codes is first made roughly."""
    large = tokens >= 256 and codes >= 1024
    return device == "cpu" and asked == torch.float32 and large and multiplies_bfloat16()


class Largest:
    """Finds the largest score of each code, for one chunk of samples after the other.

    Parameters
    ----------
    codes : tensor, shape (K, D)
    tokens
        About how many a chunk has.

    Examples
    --------
    >>> best, who = torch.empty(1, 2), torch.empty(1, 2, dtype=torch.int32)
    >>> asked = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    >>> Largest(torch.eye(2), 2).write(asked, None, False, best, who)
    >>> best.tolist(), who.tolist()
    ([[1.0, 2.0]], [[0, 1]])
    """

    def __init__(self, codes: Tensor, tokens: int) -> None:
        self._codes, self._room = codes, _Room(codes)
        kind = codes.device.type
        self._rough = is_rough(codes.dtype, kind, tokens, len(codes))
        scores = _ROUGH_BLOCK if self._rough else _BLOCK.get(kind, 1 << 21)
        step = max(64, scores // tokens)
        starts = range(0, len(codes), step)
        self._blocks = [slice(start, min(start + step, len(codes))) for start in starts]
        self._norms = [_norms(codes[block]) if self._rough else None for block in self._blocks]

    def write(
        self, asked: Tensor, keep: Tensor | None, zero: bool, best: Tensor, who: Tensor
    ) -> None:
        """Write the largest score of each sample and code, and the first token that has it.

        Parameters
        ----------
        asked : tensor, shape (B, T, D)
            Queries.
        keep : tensor, shape (B, T), optional
            False at tokens that take no part.
        zero
            Whether their scores become 0 in place of minus infinity.
        best, who : tensor, shape (B, K)
            Written to: plain products of query and code, and numbers of tokens.
        """
        rough = _Rough(asked, keep, zero) if self._rough else None
        for block, norms in zip(self._blocks, self._norms):
            codes, to = self._codes[block], (best[:, block], who[:, block])
            if rough is None or norms is None or not rough.write(codes, norms, *to):
                _write_block(asked, codes, keep, zero, *to, self._room)


class _Room:
    """One piece of memory for all blocks."""

    def __init__(self, like: Tensor) -> None:
        self._held = like.new_empty(0)

    def take(self, *shape: int) -> Tensor:
        count = torch.Size(shape).numel()
        if self._held.numel() < count:
            self._held = self._held.new_empty(count)
        return self._held[:count].view(shape)


def _write_block(
    asked: Tensor, codes: Tensor, keep: Tensor | None, zero: bool, best: Tensor, who: Tensor,
    room: _Room,
) -> None:  # fmt: skip
    """Make all scores of a block of codes."""
    batch, length, width = asked.shape
    scores = room.take(batch * length, len(codes))
    torch.mm(asked.reshape(-1, width), codes.T, out=scores)
    scores = scores.view(batch, length, len(codes))
    if keep is not None and zero:
        scores *= keep[:, :, None]
    elif keep is not None:
        scores.masked_fill_(~keep[:, :, None], -torch.inf)
    if scores.device.type != "cpu" or length >= 1 << 24:
        best[...], who[...] = scores.max(dim=1)
        return
    # PyTorch's maximum with its place takes several times as long on a CPU as the maximum alone,
    # a comparison, and sums over what is equal to it: of ones, and of places.
    found = scores.amax(dim=1)
    best.copy_(found)
    same = torch.eq(scores, found[:, None], out=scores)
    places = torch.arange(length, dtype=scores.dtype)
    told = torch.matmul(torch.stack([torch.ones_like(places), places]), same)
    who.copy_(told[:, 1])
    if bool((told[:, 0] != 1).any()):
        who.copy_(same.max(dim=1).indices)  # some are equal: then the first one


class _Rough:
    """Queries rounded to bfloat16, with how far rounding can move their scores."""

    def __init__(self, asked: Tensor, keep: Tensor | None, zero: bool) -> None:
        self.shape, self.keep, self.zero = asked.shape, keep, zero
        self.asked = asked.reshape(-1, asked.shape[2])
        self.rounded = self.asked.bfloat16()
        self.size, self.left = (
            norms.view(asked.shape[:2]).amax(dim=1, keepdim=True) for norms in _norms(self.asked)
        )

    def write(self, codes: Tensor, norms: tuple[Tensor, Tensor], best: Tensor, who: Tensor) -> bool:
        """Write what is largest for some codes; return False, where too much may be."""
        (batch, length, width), count = self.shape, len(codes)
        scores = torch.mm(self.rounded, codes.bfloat16().T)
        table = scores.view(batch, length, count)
        if self.keep is not None and self.zero:
            table *= self.keep[:, :, None]
        elif self.keep is not None:
            table.masked_fill_(~self.keep[:, :, None], -torch.inf)
        found = table.amax(dim=1).float()
        if not bool(torch.isfinite(found).all()):
            return False
        # The true largest is rounded to no less than the rough largest less twice what rounding
        # moves: of queries and codes, of sums, and of the scores themselves.
        size, left = norms
        moved = self.left * size + (self.size + self.left) * left
        moved += width * torch.finfo(torch.float32).eps * self.size * size
        least = found - 2 * moved - 2 * _UNIT * 1.02 * (found.abs() + 2 * moved)
        least -= 2 * _UNIT * least.abs()
        able = (table >= least.bfloat16()[:, None]).view(-1).nonzero().squeeze(1)
        if len(able) > _CROWD * batch * count:
            return False
        token, code = able.div(count, rounding_mode="floor"), able.remainder(count)
        values = self._exact(token, code, codes)
        pair = token.div(length, rounding_mode="floor") * count + code
        largest = torch.full((batch * count,), -torch.inf)
        largest.scatter_reduce_(0, pair, values, "amax")
        # The first of those that have it.
        has = (values == largest[pair]).nonzero().squeeze(1)
        first = torch.full((batch * count,), length)
        first.scatter_reduce_(0, pair[has], token[has].remainder(length), "amin")
        best.copy_(largest.view(batch, count))
        who.copy_(first.view(batch, count))
        return True

    def _exact(self, token: Tensor, code: Tensor, codes: Tensor) -> Tensor:
        """Return the scores of pairs of token and code, in the order of tokens, in float32."""
        starts = torch.zeros(len(self.asked) + 1, dtype=torch.int64)
        torch.cumsum(torch.bincount(token, minlength=len(self.asked)), 0, out=starts[1:])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sparse", UserWarning)  # "is in beta state"
            wanted = torch.sparse_csr_tensor(
                starts, code, self.asked.new_zeros(len(code)),
                size=(len(self.asked), len(codes)), check_invariants=False,
            )  # fmt: skip
            made: Tensor = torch.sparse.sampled_addmm(
                wanted, self.asked, codes.T, beta=0.0
            ).values()
        if self.keep is not None and self.zero:
            made = made * self.keep.reshape(-1)[token]
        return made


def _norms(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lengths of rows, and of what rounding takes off them; a little too large."""
    size = torch.linalg.vector_norm(rows, dim=1)
    some = torch.split(rows, 128)  # little memory, and in the processor's cache
    left = torch.cat([torch.linalg.vector_norm(p - p.bfloat16(), dim=1) for p in some])
    return 1.001 * size, 1.001 * left
