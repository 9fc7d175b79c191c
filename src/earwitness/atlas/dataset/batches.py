"""Pairs to batches of tensors: the same step's number always gives the same batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from earwitness.atlas.dataset.pairs import Pairs
from earwitness.atlas.dataset.reading import Pair, crop_to_zoom, to_input
from earwitness.atlas.dataset.rows import ZOOMS, DatasetError
from earwitness.atlas.metadata import (
    AUDIO_SOURCES,
    When,
    encode_hour,
    encode_month,
    encode_place,
    read_date,
)
from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.config import GROUND_M, Config
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.variation import Variation
from earwitness.atlas.texts import KeptStates

_UPLOADED = AUDIO_SOURCES["freesound"]


def metadata_of(pairs: Sequence[Pair], *, published: bool = False) -> Metadata:
    """Return place, month, hour and labels of some pairs, with what is not known marked."""

    def tensor(values: object) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values))

    placed = [p.lat_deg is not None and p.lon_deg is not None for p in pairs]
    lat = [p.lat_deg or 0.0 if known else 0.0 for p, known in zip(pairs, placed)]
    lon = [p.lon_deg or 0.0 if known else 0.0 for p, known in zip(pairs, placed)]
    when = [p.when for p in pairs]
    if published:  # dates as read there
        when = [read_date(p.date, published=True) for p in pairs]
        # The hour of an upload to freesound is not that of the sound.
        when = [When(w.month) if p.asource == _UPLOADED else w for w, p in zip(when, pairs)]
    month, hour = [w.month for w in when], [w.hour for w in when]
    months = encode_month([m or 1 for m in month])
    hours = encode_hour([h or 0 for h in hour], published=published)
    return Metadata(
        latlong=tensor(encode_place(lat, lon, published=published)),
        month=tensor(np.where([[m is not None] for m in month], months, np.float32(0))),
        time=tensor(np.where([[h is not None] for h in hour], hours, np.float32(0))),
        asource=tensor(np.array([p.asource for p in pairs], np.int64)),
        tsource=tensor(np.array([p.tsource for p in pairs], np.int64)),
        latlong_valid=tensor(np.array(placed)),
        month_valid=tensor(np.array([m is not None for m in month])),
        time_valid=tensor(np.array([h is not None for h in hour])),
    )


def zooms_of(pair: Pair) -> tuple[int, ...]:
    """Return the zooms a pair can be looked at with."""
    return (pair.zoom,) if pair.zoom is not None else tuple(pair.image_captions) or ZOOMS[:1]


def make_batch(
    pairs: Sequence[Pair],
    config: Config,
    words: KeptStates,
    *,
    zooms: Sequence[int] | None = None,
    crops: Sequence[int] | None = None,
) -> Batch:
    """Return a batch.

    Parameters
    ----------
    pairs
        Rows.
    config
        Of the model: whose habits, which imagery.
    words
        Who knows captions' states.
    zooms, crops
        Zoom and crop of sound of each row; by default the first of each.
    """
    if len({p.mels.shape[1] for p in pairs}) > 1:
        lengths = sorted({p.mels.shape[1] for p in pairs})
        raise DatasetError(
            f"spectrograms of one batch have {lengths} frames; give all rows the same length"
        )
    zooms = zooms or [zooms_of(p)[0] for p in pairs]
    crops = crops or [0] * len(pairs)
    images, ground = [], []
    for pair, zoom in zip(pairs, zooms):
        pixels = pair.pixels
        if pair.zoom is None:
            pixels = crop_to_zoom(pixels, config.imagery, zoom)
        images.append(to_input(pixels, config.sizes.image_px))
        ground.append((pair.ground_m or GROUND_M[config.imagery]) * zoom)
    states, mask = words.padded([p.audio_caption for p in pairs])
    seen = [p.image_captions.get(zoom, "") for p, zoom in zip(pairs, zooms)]
    image_words = image_mask = None
    if any(seen):  # where a few lack one, the sound's caption stands in
        told = [text or p.audio_caption for text, p in zip(seen, pairs)]
        held, kept = words.padded(told)
        image_words, image_mask = torch.from_numpy(held), torch.from_numpy(kept)
    mels = [p.mels[crop % len(p.mels)].astype(np.float32)[None] for p, crop in zip(pairs, crops)]
    return Batch(
        images=torch.from_numpy(np.stack(images)),
        ground_m=torch.tensor(ground, dtype=torch.float32),
        mel=torch.from_numpy(np.stack(mels)),
        audio_words=torch.from_numpy(states),
        audio_mask=torch.from_numpy(mask),
        image_words=image_words,
        image_mask=image_mask,
        metadata=metadata_of(pairs, published=config.published),
    )


class Batches:
    """Global batches by step, drawn without replacement in each round through the data.

    The next one is made in the background while the model learns from this one.

    Parameters
    ----------
    pairs, config, words
        As in :func:`make_batch`.
    size
        Pairs of a batch; all, when there are fewer.
    seed
        Of everything random.
    variation
        How batches are varied.
    labels
        Key of a row → how likely it has each prototype, for lessons.
    """

    def __init__(
        self,
        pairs: Pairs,
        config: Config,
        words: KeptStates,
        *,
        size: int,
        seed: int = 0,
        variation: Variation | None = None,
        labels: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        if len(pairs) < 2:
            raise DatasetError(
                f"{pairs.name} has {len(pairs)} row to learn from; learning by contrast needs at "
                f"least 2"
            )
        self.pairs, self.config, self.words = pairs, config, words
        self.size, self.seed = min(size, len(pairs)), seed
        self.variation, self.labels = variation or Variation(), labels
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self._next: tuple[int, Future[Batch]] | None = None

    @property
    def each_round(self) -> int:
        """Steps in which all pairs are seen once, but for a last few."""
        return max(1, len(self.pairs) // self.size)

    def make(self, step: int) -> Batch:
        """Make the batch of a step."""
        round_, place = divmod(step, self.each_round)
        order = np.random.default_rng([self.seed, 1, round_]).permutation(len(self.pairs))
        chosen = order[place * self.size : (place + 1) * self.size]
        rng = np.random.default_rng([self.seed, 2, step])
        # Read in the order they lie in, so that no part of a file is read twice.
        read = {index: self.pairs.next_good(int(index)) for index in np.sort(chosen)}
        pairs = [read[index] for index in chosen]
        zooms = [int(rng.choice(zooms_of(p))) for p in pairs]
        crops = [int(rng.integers(len(p.mels))) for p in pairs]
        made = make_batch(pairs, self.config, self.words, zooms=zooms, crops=crops)
        if self.labels is not None:
            known = np.stack([self.labels[p.key] for p in pairs])
            made = replace(made, labels=torch.from_numpy(known), looked_at=True)
        return self.variation.of(made, np.random.default_rng([self.seed, 3, step]))

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step."""
        if self._next is not None and self._next[0] == step:
            made = self._next[1].result()
        else:
            if self._next is not None:
                self._next[1].result()
            made = self.make(step)
        self._next = (step + 1, self._pool.submit(self.make, step + 1))
        return made

    def close(self) -> None:
        """Stop making the next batch."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def in_order(
    pairs: Pairs, config: Config, words: KeptStates, *, size: int = 32, zoom: int | None = None
) -> Iterator[tuple[list[Pair], Batch]]:
    """Yield pairs and their batches in order, as for evaluation: the first crop of each sound.

    Images that can be cut are cut to ``zoom``; of those that are used whole, the ones of that zoom.
    """
    held: list[Pair] = []

    def made() -> tuple[list[Pair], Batch]:
        zooms = None if zoom is None else [zoom] * len(held)
        return held, make_batch(held, config, words, zooms=zooms)

    for pair in pairs:
        if zoom is not None and pair.zoom not in (None, zoom):
            continue
        held.append(pair)
        if len(held) == size:
            yield made()
            held = []
    if held:
        yield made()
