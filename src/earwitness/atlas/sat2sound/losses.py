"""The contrastive losses: pairs, pseudo-positives, and sounds joined with their captions.

Source: Radford et al., "CLIP" (ICML 2021) for the pairs; Khanal et al., "Sat2Sound" (2025) for the
rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from earwitness.errors import OptionError


def unit(x: Tensor) -> Tensor:
    """Scale rows (N, D) to length 1; a row of zeros stays, where a plain division gives NaN."""
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return x / torch.where(length == 0, 1.0, length)


def matches(scores: Tensor) -> Tensor:
    """Mark pseudo-positives (N, N): pairs in a row that score at least as high as the true one.

    Examples
    --------
    >>> matches(torch.tensor([[1.0, 2.0], [0.0, 3.0]]))
    tensor([[1., 1.],
            [0., 1.]])
    """
    return (scores >= scores.diagonal()[:, None]).to(scores.dtype).detach()


def soft_cross_entropy(scores: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over rows of -Σ target · log softmax(score); targets need not sum to 1."""
    return -(targets * F.log_softmax(scores, dim=1)).sum(dim=1).mean()


def contrastive_loss(scores: Tensor, alpha: float = 0.0) -> Tensor:
    """Return the loss of a square of scores whose true pairs lie on the diagonal.

    Parameters
    ----------
    scores : tensor, shape (N, N)
        Scaled similarities.
    alpha
        Weight of the pseudo-positives, 0 for none.

    Returns
    -------
    tensor, shape ()

    Examples
    --------
    >>> contrastive_loss(torch.zeros(4, 4)).item() == torch.log(torch.tensor(4.0)).item()
    True
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise OptionError(f"scores have shape {tuple(scores.shape)}; give a square, one row a pair")
    targets = torch.eye(len(scores), dtype=scores.dtype, device=scores.device)
    if alpha:
        targets = targets + alpha * matches(scores)
    rows = soft_cross_entropy(scores, targets)
    return 0.5 * (rows + soft_cross_entropy(scores.T, targets.T))


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss and its two parts: ``total`` = ``multimodal`` + weight · ``caption``."""

    total: Tensor
    multimodal: Tensor
    caption: Tensor


def total_loss(
    image: Tensor,
    audio: Tensor,
    audio_caption: Tensor,
    image_caption: Tensor | None,
    scales: Mapping[str, Tensor],
    *,
    alpha: float = 0.1,
    combined: bool = True,
    caption_weight: float = 1.0,
    heard: Tensor | None = None,
) -> Losses:
    """Return Sat2Sound's loss of a batch of embeddings.

    Parameters
    ----------
    image, audio_caption : tensor, shape (N, D)
        Embeddings, not normalised.
    audio : tensor, shape (N, D)
        Likewise; or of some rows alone, see ``heard``.
    image_caption : tensor, shape (N, D), or None
        None, or a weight of 0, leaves its term out.
    scales
        Logarithms of the scales, by the names ``ia it at i_at fdt``.
    alpha
        Weight of the pseudo-positives.
    combined
        Have the image ↔ audio + audio caption term.
    caption_weight
        Weight of the image ↔ image caption term.
    heard : tensor, shape (len(audio),), int64, or None
        Which rows the sounds are of, when not all were embedded.

    Returns
    -------
    Losses
    """

    def pair(left: Tensor, right: Tensor, scale: str) -> Tensor:
        return contrastive_loss(scales[scale].exp() * unit(left) @ unit(right).T, alpha)

    some, said = (image, audio_caption) if heard is None else (image[heard], audio_caption[heard])
    multimodal = (
        pair(some, audio, "ia") + pair(image, audio_caption, "it") + pair(audio, said, "at")
    ) / 3
    if combined:
        multimodal = multimodal + pair(some, audio + said, "i_at")
    caption = multimodal.new_zeros(())
    if image_caption is not None and caption_weight:
        caption = caption_weight * pair(image, image_caption, "fdt")
    return Losses(multimodal + caption, multimodal, caption)
