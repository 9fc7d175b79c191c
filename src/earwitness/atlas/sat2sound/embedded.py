"""All pairs of a split embedded by a model."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import torch

from earwitness.atlas.dataset.batches import in_order
from earwitness.atlas.dataset.pairs import Pairs
from earwitness.atlas.retrieval import Embedded
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.telling import Progress, silent
from earwitness.atlas.texts import KeptStates
from earwitness.errors import OptionError


def embed_pairs(
    model: Sat2Sound,
    pairs: Pairs,
    words: KeptStates,
    *,
    zoom: int | None = None,
    size: int = 100,
    images_only: bool = False,
    known: Collection[str] | None = None,
    progress: Progress = silent,
) -> Embedded:
    """Embed every good pair, in order, without gradients.

    Parameters
    ----------
    model
        Put in evaluation mode and left so.
    pairs, words
        The data and who reads captions.
    zoom
        Of images that can be cut to several; of those used whole, only the ones of that zoom.
    size
        Rows at a time. Published models let padding leak into captions, so there it matters; 100
        is what the published evaluation uses.
    images_only
        Leave sounds and words at zero, for ablations of metadata.
    known
        Kinds of metadata that are told to the model; by default all that are known.
    progress
        Told how far it is.
    """
    model.eval()
    where = next(model.parameters()).device
    columns: dict[str, list[Any]] = {n: [] for n in ("image", "audio", "caption", "seen")}
    keys: list[str] = []
    concepts: list[tuple[str, ...]] = []
    for held, batch in in_order(pairs, model.config, words, size=size, zoom=zoom):
        moved = batch.each(lambda t: t.to(where))
        told_of = moved.metadata if known is None else moved.metadata.only(known)
        with torch.no_grad():
            image = model.embed_image(moved.images, ground_m=moved.ground_m, metadata=told_of)
            columns["image"].append(image.float().cpu().numpy())
            if not images_only:
                audio = model.embed_audio(moved.mel)
                told = model.embed_text(moved.audio_words, moved.audio_mask)
                columns["audio"].append(audio.float().cpu().numpy())
                columns["caption"].append(told.float().cpu().numpy())
                if moved.image_words is not None:
                    seen = model.embed_text(moved.image_words, moved.image_mask)
                    columns["seen"].append(seen.float().cpu().numpy())
        keys += [pair.key for pair in held]
        concepts += [pair.concepts for pair in held]
        progress("embedding", len(keys) / len(pairs))
    if not keys:
        of = "" if zoom is None else f" of zoom {zoom}"
        raise OptionError(f"{pairs.name} has no good row{of} to evaluate")
    places = np.concatenate(columns["image"])
    empty = np.zeros_like(places)
    whole = sum(map(len, columns["seen"])) == len(keys)
    return Embedded(
        tuple(keys),
        tuple(concepts),
        places,
        np.concatenate(columns["audio"]) if columns["audio"] else empty,
        np.concatenate(columns["caption"]) if columns["caption"] else empty,
        np.concatenate(columns["seen"]) if whole else None,
    )
