"""What the entries of a codebook fire on: images and their patches, sounds, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earwitness.atlas.dataset.batches import in_order
from earwitness.atlas.dataset.pairs import Pairs
from earwitness.atlas.dataset.reading import Pair
from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.codebook import Modality
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.telling import Progress, silent
from earwitness.atlas.texts import KeptStates

_MODALITIES: tuple[Modality, ...] = ("image", "audio", "text")


@dataclass(frozen=True, eq=False, slots=True)
class Neighbours:
    """What one code fires on most.

    Parameters
    ----------
    code
        Its number.
    images
        Pairs with the patch (row, column) that the code answers to most.
    sounds
        Pairs with the token, a moment of ten seconds, that it answers to most.
    captions
        Captions.
    concepts
        Names known of the images and sounds above, with how many hold them and the share of the
        whole split that does.
    side, moments
        Patches along a side of an image, and tokens of a sound.
    """

    code: int
    images: tuple[tuple[Pair, int, int], ...]
    sounds: tuple[tuple[Pair, int], ...]
    captions: tuple[str, ...]
    concepts: tuple[tuple[str, int, float], ...]
    side: int = 14
    moments: int = 32


def _tokens(model: Sat2Sound, batch: Batch) -> dict[Modality, tuple[Tensor, Tensor | None]]:
    image, keep = model.image_tokens(batch.images, ground_m=batch.ground_m, metadata=batch.metadata)
    return {
        "image": (image, keep),
        "audio": (model.audio_encoder(batch.mel), None),
        "text": (batch.audio_words, batch.audio_mask),
    }


def find_neighbours(
    model: Sat2Sound,
    pairs: Pairs,
    words: KeptStates,
    *,
    codes: int = 12,
    shown: int = 6,
    chosen: Sequence[int] = (),
    progress: Progress = silent,
) -> list[Neighbours]:
    """Return what codes fire on.

    Parameters
    ----------
    model, pairs, words
        The model and the data looked at.
    codes
        How many: those that stand out most in images, sounds and words alike, with no two that
        fire on the same images.
    shown
        Images, sounds and captions of each.
    chosen
        These codes instead.
    progress
        Told how far it is.
    """
    where = next(model.parameters()).device
    held: list[Pair] = []
    weights: dict[str, list[NDArray[np.float32]]] = {name: [] for name in _MODALITIES}
    for some, batch in in_order(pairs, model.config, words):
        moved = batch.each(lambda t: t.to(where))
        with torch.no_grad():
            for name, (tokens, keep) in _tokens(model, moved).items():
                weights[name].append(model.fdt(tokens, name, keep)[1].float().cpu().numpy())
        held += some
        progress("listening to the codebook", 0.8 * len(held) / len(pairs))
    table = {name: np.concatenate(rows) for name, rows in weights.items()}
    shown = min(shown, len(held))
    picked = list(chosen) or _stand_out(table, codes, shown)
    made = []
    for place, code in enumerate(picked):
        top = {name: np.argsort(-rows[:, code])[:shown] for name, rows in table.items()}
        images = [held[n] for n in top["image"]]
        sounds = [held[n] for n in top["audio"]]
        made.append(
            Neighbours(
                int(code),
                tuple(_patches(model, images, words, int(code))),
                tuple(_moments(model, sounds, words, int(code))),
                tuple(dict.fromkeys(held[n].audio_caption for n in top["text"])),
                _shared(images + sounds, held),
                model.config.sizes.side,
                model.config.sizes.frames // 32,
            )
        )
        progress("looking at codes", 0.8 + 0.2 * (place + 1) / len(picked))
    return made


def _stand_out(table: dict[str, NDArray[np.float32]], codes: int, shown: int) -> list[int]:
    """Choose codes whose strongest rows are far above the rest, in all modalities."""
    score = np.zeros(next(iter(table.values())).shape[1])
    for rows in table.values():
        strongest = np.partition(rows, len(rows) - shown, axis=0)[-shown:].mean(axis=0)
        lift = (strongest - rows.mean(axis=0)) / (rows.std() + 1e-12)
        score += np.log(np.maximum(lift, 1e-6))
    picked: list[int] = []
    seen: list[set[int]] = []
    for code in np.argsort(-score):
        top = set(np.argsort(-table["image"][:, code])[:shown].tolist())
        if all(len(top & other) <= shown // 2 for other in seen):
            picked.append(int(code))
            seen.append(top)
        if len(picked) == codes:
            break
    return picked


def _scores(
    model: Sat2Sound, pairs: Sequence[Pair], words: KeptStates, code: int, name: Modality
) -> NDArray[np.float32]:
    from earwitness.atlas.dataset.batches import make_batch

    where = next(model.parameters()).device
    batch = make_batch(pairs, model.config, words).each(lambda t: t.to(where))
    with torch.no_grad():
        tokens, keep = _tokens(model, batch)[name]
        found = model.fdt.token_scores(tokens, name, keep, codes=torch.tensor([code]))
    made: NDArray[np.float32] = found[..., 0].float().cpu().numpy()
    return made


def _patches(
    model: Sat2Sound, pairs: Sequence[Pair], words: KeptStates, code: int
) -> list[tuple[Pair, int, int]]:
    side = model.config.sizes.side
    best = _scores(model, pairs, words, code, "image")[:, : side * side].argmax(axis=1)
    return [(pair, int(at) // side, int(at) % side) for pair, at in zip(pairs, best)]


def _moments(
    model: Sat2Sound, pairs: Sequence[Pair], words: KeptStates, code: int
) -> list[tuple[Pair, int]]:
    best = _scores(model, pairs, words, code, "audio").argmax(axis=1)
    return [(pair, int(at)) for pair, at in zip(pairs, best)]


def _shared(found: Sequence[Pair], every: Sequence[Pair]) -> tuple[tuple[str, int, float], ...]:
    counts: dict[str, int] = {}
    for pair in found:
        for name in pair.concepts:
            counts[name] = counts.get(name, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])[:4]
    whole = max(len(every), 1)
    return tuple((n, c, sum(n in p.concepts for p in every) / whole) for n, c in ranked)
