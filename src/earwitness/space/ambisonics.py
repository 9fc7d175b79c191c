"""The ``ambisonics`` renderer: AmbiX (ACN, SN3D), orders 1 to 7."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import Layout, Scene
from earwitness.space.ambisonic_gains import sh_gains
from earwitness.space.contract import Stem
from earwitness.space.engine import refuse, stream
from earwitness.space.panning import GainSpatial
from earwitness.space.sphere import around


class AmbisonicsRenderer:
    """Spherical harmonics of each source's direction; beds as a diffuse field of 54 directions.

    In a diffuse field each channel of order ``n`` holds ``1 / (2n + 1)`` of the power of channel 0.

    Parameters
    ----------
    transform
        Length of the Fourier transforms; None chooses.
    """

    def __init__(self, *, transform: int | None = None) -> None:
        self._transform = transform

    def lays_out(self, layout: Layout) -> bool:
        """Return whether it is an ambisonic layout."""
        return layout.kind == "ambisonics"

    def render(
        self, scene: Scene, stems: Mapping[str, Stem], *, layout: Layout, rate_hz: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of channels; see :class:`~earwitness.space.contract.Renderer`."""
        if not self.lays_out(layout):
            raise refuse("ambisonics", layout, "foa and hoa2 to hoa7")
        spatial = GainSpatial(lambda places: sh_gains(places, layout.order), around())
        yield from stream(
            scene, stems, spatial, layout=layout, rate_hz=rate_hz, transform=self._transform
        )
