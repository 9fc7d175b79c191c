"""Where in a tile a concept is: heat maps from the codebook.

A description in words is a mixture of a few codes of the codebook; each patch of the image fires on
each code. The patches that fire on the description's codes are where it is (Khanal et al.,
"Sat2Sound", arXiv 2505.13777, figure of concepts).
"""

from __future__ import annotations

import torch
from torch import Tensor

from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.errors import OptionError


@torch.no_grad()
def concept_heat(
    model: Sat2Sound,
    image: Tensor,
    states: Tensor,
    mask: Tensor | None = None,
    *,
    zoom: Tensor | None = None,
    ground_m: Tensor | None = None,
    metadata: Metadata | None = None,
    most_codes: int = 8,
) -> Tensor:
    """Return where in an image each of some descriptions is.

    Parameters
    ----------
    model
        In evaluation mode.
    image : tensor, shape (1, 3, 224, 224)
        As :meth:`Sat2Sound.embed_image` reads it.
    states : tensor, shape (C, L, text width)
        States of the frozen text encoder, one row for each description.
    mask : tensor, shape (C, L), optional
        1 at words, 0 at padding.
    zoom, ground_m, metadata
        As in :meth:`Sat2Sound.embed_image`.
    most_codes
        The strongest codes of a description that are looked at.

    Returns
    -------
    tensor, shape (C, 14, 14), or as many as the model has patches along a side
        From 0 (where it is least) to 1 (where it is most) for each description; 0 everywhere where
        all patches are alike.

    Raises
    ------
    OptionError
        If there is more than one image, or no code is asked for.
    """
    if image.shape[0] != 1:
        raise OptionError(f"{image.shape[0]} images; give one at a time")
    if most_codes < 1:
        raise OptionError(f"{most_codes} codes; give 1 or more")
    attention = model.fdt(states, "text", mask)[1]
    tokens, keep = model.image_tokens(image, zoom=zoom, ground_m=ground_m, metadata=metadata)
    side = model.config.sizes.side
    found = []
    for weights in attention:
        share, codes = weights.topk(min(most_codes, weights.numel()))
        scores = model.fdt.token_scores(tokens, "image", keep, codes)[0, : side * side]
        heat = (scores * share).sum(dim=-1)
        span = heat.max() - heat.min()
        heat = (heat - heat.min()) / span if span > 0 else torch.zeros_like(heat)
        found.append(heat.reshape(side, side))
    return torch.stack(found)
