"""What a renderer is: a scene with stems in, blocks of channels out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import Layout, Scene

BLOCK = 4096
"""Samples in a block, the unit of streaming. The last block may be shorter."""


class Stem(Protocol):
    """A mono sound that is read in order.

    Its rate is the render's rate. After the end it gives fewer samples than asked for, then none.
    """

    def read(self, samples: int) -> NDArray[np.float32]:
        """Return the next samples, one-dimensional, at most ``samples`` of them."""
        ...


class Renderer(Protocol):
    """Makes channels from a scene, block by block.

    Every renderer keeps one scale: a stem at nominal loudness of a source of level ``L`` dB stands
    for ``L`` dB re 20 µPa at 1 m, and a sample value of 1 stands for :data:`FULL_SCALE_DB`. The
    loudness of the result is set afterwards, for all channels together.
    """

    def lays_out(self, layout: Layout) -> bool:
        """Return whether this renderer can make that layout."""
        ...

    def render(
        self, scene: Scene, stems: Mapping[str, Stem], *, layout: Layout, rate_hz: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of shape ``(channels, up to BLOCK)``, ``duration_s`` in all.

        ``stems`` has one entry for each source and bed, by id.
        """
        ...


FULL_SCALE_DB = 120.0
"""Level that a full-scale sample stands for before loudness is set, dB re 20 µPa."""
