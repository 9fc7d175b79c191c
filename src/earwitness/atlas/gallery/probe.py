"""What tells apart two embedders, or two versions of one, that go by the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

_SAME = 0.01
"""Numbers of an embedding nearer than this differ by the machine, not by the model."""


def probe(embedder: Embedder) -> NDArray[np.float32]:
    """Return what an embedder makes of a fixed image at a fixed place, shape ``(dim,)``."""
    size = embedder.image_px
    step = np.arange(size * size * 3, dtype=np.int64).reshape(1, size, size, 3)
    pixels = (step * 37 % 251).astype(np.uint8)
    made = embedder.images(pixels, lat_deg=np.array([12.3]), lon_deg=np.array([45.6]))
    return np.asarray(made[0], np.float32)


def same(held: NDArray[np.float64], probed: NDArray[np.float32]) -> bool:
    """Return whether two probes are of one embedder."""
    return held.shape == probed.shape and float(np.abs(held - probed).max()) < _SAME
