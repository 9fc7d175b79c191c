"""Batches varied from step to step: images turned and tinted, metadata made unknown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from earwitness.atlas.sat2sound.batch import Batch
from earwitness.errors import OptionError


@dataclass(frozen=True, slots=True)
class Variation:
    """How batches are varied; by default not at all.

    Parameters
    ----------
    flips
        Mirror half of the images each way.
    tint
        Deviation of what is added to each colour of an image, in units of the colours' own
        deviation.
    place, date, month, hour
        Shares of rows whose place is made unknown; whose month and hour are, both; and of the
        others, whose month is, and whose hour.
    """

    flips: bool = False
    tint: float = 0.0
    place: float = 0.0
    date: float = 0.0
    month: float = 0.0
    hour: float = 0.0

    def __post_init__(self) -> None:
        for name in ("place", "date", "month", "hour"):
            if not 0 <= getattr(self, name) <= 1:
                raise OptionError(f"{name} is {getattr(self, name)}; give a share from 0 to 1")
        if self.tint < 0:
            raise OptionError(f"tint is {self.tint}; give 0 or more")

    def of(self, batch: Batch, rng: np.random.Generator) -> Batch:
        """Return the batch varied.

        Parameters
        ----------
        batch
            Whole, before it is cut for processes and chunks.
        rng
            Chance, the same for every process.

        Examples
        --------
        >>> rows = Batch(torch.zeros(2, 3, 4, 4), *[torch.zeros(2, 1)] * 4)
        >>> Variation(tint=0.1).of(rows, np.random.default_rng(0)).images.std() > 0
        tensor(True)
        """
        if self == Variation():
            return batch
        images, count = self.of_images(batch.images, rng), len(batch)
        place, date, month, hour = rng.random((4, count))
        dated = date > self.date
        drawn = {
            "latlong": place > self.place, "month": dated & (month > self.month),
            "time": dated & (hour > self.hour),
        }  # fmt: skip
        known: dict[str, Tensor] = {}
        for part, kept in drawn.items():
            valid = batch.metadata.valid(part)
            if valid is not None:
                known[f"{part}_valid"] = valid & torch.from_numpy(kept)
        known_now = replace(batch.metadata, **known)
        return replace(batch, images=images, metadata=known_now, looked_at=True)

    def of_images(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return images, shape (N, 3, H, W), flipped and tinted."""
        count = len(images)
        flips = torch.from_numpy(rng.random((2, count)) < 0.5)
        if self.flips:
            images = torch.where(flips[0][:, None, None, None], images.flip(3), images)
            images = torch.where(flips[1][:, None, None, None], images.flip(2), images)
        tint = rng.normal(0, 1, (count, 3, 1, 1)) * self.tint
        return images + torch.from_numpy(tint.astype(np.float32))
