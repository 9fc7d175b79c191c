"""What the places of pairs in each other's lists tell; NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas import metrics
from earwitness.atlas.metrics import Figure, Setting


@dataclass(frozen=True, eq=False, slots=True)
class Embedded:
    """Embeddings of pairs, row by row, float32, shape (N, D).

    Parameters
    ----------
    keys, concepts
        Names of the rows and of the sounds known to be in each.
    image, audio, caption
        Of the images, the sounds, and the captions of the sounds.
    image_caption
        Of the captions of the images, or None where there are none.
    """

    keys: tuple[str, ...]
    concepts: tuple[tuple[str, ...], ...]
    image: NDArray[np.float32]
    audio: NDArray[np.float32]
    caption: NDArray[np.float32]
    image_caption: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.keys)


Table = dict[str, dict[str, Figure]]


def retrieval_table(
    held: Embedded, *, published: bool = False, resamples: int = 1000, seed: int = 0
) -> Table:
    """Return every retrieval both ways: rows of figures by name.

    Parameters
    ----------
    held
        The embeddings.
    published, resamples, seed
        As in :func:`earwitness.atlas.metrics.summarise`.

    Returns
    -------
    dict
        ``image→sound (none)`` and so on → ``R@1`` and so on → figure.
    """
    made: Table = {}
    names: Mapping[str, str] = {"I2S": "image→sound", "S2I": "sound→image"}
    for setting in metrics.SETTINGS:
        for way, figures in metrics.evaluate(
            held.image, held.audio, held.caption, setting=setting, published=published,
            resamples=resamples, seed=seed,
        ).items():  # fmt: skip
            made[f"{names[way]} ({setting})"] = figures
    captions = {"sound caption": held.caption}
    if held.image_caption is not None:
        captions["image caption"] = held.image_caption
    image = metrics.normalise(held.image)
    for name, values in captions.items():
        both = metrics.ranks_both_ways(image, metrics.normalise(values))
        for way, found in zip((f"image→{name}", f"{name}→image"), both):
            made[way] = metrics.summarise(
                found, published=published, resamples=resamples, seed=seed
            )
    return made


def by_concept(
    held: Embedded, *, setting: Setting = "none", published: bool = False, least: int = 5
) -> dict[str, tuple[int, float, float]]:
    """Return for each concept how many rows hold it, and R@10 % of those rows, both ways.

    The gallery is always the whole split.

    Parameters
    ----------
    held
        The embeddings.
    setting, published
        As in :func:`earwitness.atlas.metrics.evaluate`.
    least
        Concepts of fewer rows are left out.
    """
    pairs = metrics.pair_up(held.image, held.audio, held.caption, setting)
    found = {way: metrics.ranks(*pair) for way, pair in pairs.items()}
    names = sorted({name for row in held.concepts for name in row})
    limit = 0.1 * len(held)
    made = {}
    for name in names:
        rows = np.array([name in row for row in held.concepts])
        if rows.sum() >= least:
            both = [metrics.recall(found[w][rows], limit, published=published) for w in pairs]
            made[name] = (int(rows.sum()), both[0], both[1])
    return made


def recalls(held: Embedded) -> dict[str, float]:
    """Return the few recalls that are watched in training."""
    made = {}
    for setting in ("none", "audio"):
        for way, pair in metrics.pair_up(
            held.image,
            held.audio,
            held.caption,
            setting,
        ).items():
            found = metrics.ranks(*pair)
            name = way if setting == "none" else way.replace("S", "St")
            made[f"{name} R@10%"] = metrics.recall(found, 0.1 * len(held))
    return made


def parts_left_out(parts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the ablations of metadata: name → the kinds still read.

    Examples
    --------
    >>> parts_left_out(("latlong", "month"))["without month"]
    ('latlong',)
    """
    made = {f"without {part}": tuple(p for p in parts if p != part) for part in parts}
    made |= {f"{part} alone": (part,) for part in parts if len(parts) > 1}
    labels = tuple(p for p in parts if p not in ("asource", "tsource"))
    if labels != tuple(parts):
        made["without labels (as on a map)"] = labels
    return made | {"without any": ()}
