"""Pairs of a data set embedded by the built-in model, without PyTorch."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.dataset.pairs import Pairs
from earwitness.atlas.dataset.reading import Pair
from earwitness.atlas.embedders import BuiltinEmbedder
from earwitness.atlas.retrieval import Embedded
from earwitness.atlas.telling import Progress, silent
from earwitness.errors import OptionError

PARTS = ("latlong", "month", "time")
_ROWS = 256


def _images(
    embedder: BuiltinEmbedder, held: list[Pair], parts: Collection[str]
) -> NDArray[np.float32]:
    """Embed images with what is known of each; rows with the same kinds known go together."""
    side = embedder.image_px
    if wrong := {len(p.pixels) for p in held} - {side}:
        raise OptionError(
            f"images of {min(wrong)} px; the built-in model reads {side} px of Blue Marble, "
            f"{embedder.ground_m / 1000:.1f} km each, as in builtin-world"
        )
    known = [
        (
            "latlong" in parts and p.lat_deg is not None and p.lon_deg is not None,
            "month" in parts and p.when.month is not None,
            "time" in parts and p.when.hour is not None,
        )
        for p in held
    ]
    made = np.zeros((len(held), embedder.dim), np.float32)
    for kinds in set(known):
        some = [n for n, has in enumerate(known) if has == kinds]
        columns: list[ArrayLike | None] = [
            [p.lat_deg or 0.0 for p in held], [p.lon_deg or 0.0 for p in held],
            [p.when.month or 1 for p in held], [p.when.hour or 0 for p in held],
        ]  # fmt: skip
        lat, lon, month, hour = (
            np.asarray(column)[some] if there else None
            for column, there in zip(columns, (kinds[0], *kinds))
        )
        pixels = np.stack([held[n].pixels for n in some])
        made[some] = embedder.images(pixels, lat_deg=lat, lon_deg=lon, month=month, hour=hour)
    return made


def embed_builtin(
    pairs: Pairs,
    *,
    parts: Collection[str] = PARTS,
    images_only: bool = False,
    progress: Progress = silent,
) -> Embedded:
    """Embed every good pair, in order; see :func:`~earwitness.atlas.sat2sound.embedded`.

    Parameters
    ----------
    pairs
        Of the built-in world, or with images like its.
    parts
        Kinds of metadata read.
    images_only
        Leave sounds and words at zero.
    progress
        Told how far it is.
    """
    embedder = BuiltinEmbedder()
    keys: list[str] = []
    concepts: list[tuple[str, ...]] = []
    columns: list[list[NDArray[np.float32]]] = [[], [], [], []]
    seen = True
    every = list(pairs)
    for first in range(0, len(every), _ROWS):
        held = every[first : first + _ROWS]
        columns[0].append(_images(embedder, held, parts))
        if not images_only:
            columns[1].append(embedder.spectrograms([p.mels[0] for p in held]))
            columns[2].append(embedder.texts([p.audio_caption for p in held]))
            told = [next(iter(p.image_captions.values()), "") for p in held]
            seen = seen and all(told)
            columns[3].append(embedder.texts([text or "nothing" for text in told]))
        keys += [p.key for p in held]
        concepts += [p.concepts for p in held]
        progress("embedding", len(keys) / len(every))
    if not keys:
        raise OptionError(f"{pairs.name} has no good row to evaluate")
    image = np.concatenate(columns[0])
    audio, caption, image_caption = (
        np.concatenate(column) if column else np.zeros_like(image) for column in columns[1:]
    )
    return Embedded(
        tuple(keys), tuple(concepts), image, audio, caption, image_caption if seen else None
    )
