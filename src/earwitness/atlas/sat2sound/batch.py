"""A batch of pairs: places, sounds, and the words for both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass, field, fields, replace

import torch
from torch import Tensor

from earwitness.atlas.sat2sound.config import PARTS
from earwitness.atlas.sat2sound.fusion import LABELS, Metadata, drop
from earwitness.errors import OptionError


@dataclass(frozen=True, slots=True)
class Batch:
    """Pairs, row by row.

    Parameters
    ----------
    images : tensor, shape (N, 3, 224, 224)
        Normalised satellite images.
    ground_m : tensor, shape (N,)
        Metres on the ground per pixel, times the zoom.
    mel : tensor, shape (N, 1, T, 64)
        Log-mel spectrograms.
    audio_words : tensor, shape (N, L, width)
        Text states of the audio captions.
    audio_mask : tensor, shape (N, L)
        1 at words, 0 at padding.
    image_words, image_mask : tensor, optional
        The same for image captions.
    metadata
        What is known of the places.
    labels : tensor, shape (N, prototypes), optional
        How likely a place has each prototype; see :mod:`earwitness.atlas.sat2sound.lessons`.
    looked_at
        Whether all values are known to be numbers, as in what is made of a batch; looking again at
        every turn slows training.
    """

    images: Tensor
    ground_m: Tensor
    mel: Tensor
    audio_words: Tensor
    audio_mask: Tensor
    image_words: Tensor | None = None
    image_mask: Tensor | None = None
    metadata: Metadata = field(default_factory=Metadata)
    labels: Tensor | None = None
    looked_at: InitVar[bool] = False

    def __post_init__(self, looked_at: bool) -> None:
        for name in (f.name for f in fields(self)):
            held = getattr(self, name)
            if not isinstance(held, Tensor):
                continue
            if len(held) != len(self.images):
                raise OptionError(
                    f"{name} has {len(held)} rows and images has {len(self.images)}; "
                    f"give one row for each pair"
                )
            if looked_at or not held.is_floating_point():
                continue
            if not bool(torch.isfinite(held).all()):
                wrong = torch.nonzero(~torch.isfinite(held.flatten(1 if held.ndim > 1 else 0)))
                raise OptionError(
                    f"{name} holds values that are not numbers, first in row {int(wrong[0, 0])}; "
                    f"leave such rows out of the data"
                )

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.images)

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return the batch with every tensor changed, such as cut to some rows or moved."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        changed = {n: change(v) for n, v in values.items() if isinstance(v, Tensor)}
        return replace(self, **changed, metadata=self.metadata.each(change), looked_at=True)

    def rows(self, part: slice | Tensor) -> Batch:
        """Return some of the pairs."""
        return self.each(lambda held: held[part])

    def with_dropped(self, rate: float, generator: torch.Generator) -> Batch:
        """Return the batch with a share of each kind of metadata made missing.

        Drawn for the whole batch, before it is cut for processes and chunks, so that how it is
        cut makes no difference.
        """
        known: dict[str, Tensor] = {}
        for part in PARTS:
            values, valid = self.metadata.kind(part), self.metadata.valid(part)
            if values is None or valid is None:
                continue
            kept = drop(valid.cpu(), rate, generator).to(valid.device)
            if part in LABELS:
                known[part] = torch.where(kept, values, -1)
            else:
                known[f"{part}_valid"] = kept
        return replace(self, metadata=replace(self.metadata, **known), looked_at=True)
