"""The ``panning`` renderer: each source from between the loudspeakers nearest to its direction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import Layout, Scene, Source
from earwitness.space.contract import Stem
from earwitness.space.delay import MovingVoice
from earwitness.space.engine import Moving, Setting, Spatial, Still, refuse, stream
from earwitness.space.moving import GainMoving
from earwitness.space.panner import point_source_panner
from earwitness.space.path import Path
from earwitness.space.spread import arc, copies, spread_gains
from earwitness.space.stems import Tape

PointGains = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def copy_gains(
    gains: PointGains, source: Source, places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the gains of each copy of a source, whose powers add up to those of a point.

    Parameters
    ----------
    gains
        Directions ``(n, 3)`` → gains ``(n, channels)``.
    source
        Its ``spread_deg`` counts when it is an area.
    places
        Shape ``(n, 3)``.

    Returns
    -------
    ndarray, shape ``(n, copies, channels)``
    """
    if source.kind == "point" or source.spread_deg == 0:
        return gains(places)[:, None]
    count = copies(source.spread_deg)
    middles = arc(places, source.spread_deg, count)
    each = spread_gains(gains, middles.reshape(-1, 3), source.spread_deg / count)
    return np.asarray(each.reshape(len(places), count, -1) / np.sqrt(count), dtype=np.float64)


def copies_of(source: Source) -> int:
    """Return how many decorrelated copies a source is made of."""
    return copies(source.spread_deg) if source.kind == "area" else 1


class GainSpatial(Spatial):
    """Channels that differ by gains: loudspeakers and ambisonics.

    Parameters
    ----------
    gains
        Directions ``(n, 3)`` → gains ``(n, channels)``.
    diffuse
        Directions and shares of power of what comes from everywhere; None stands for one
        decorrelated copy in each loudspeaker.
    """

    reach = 0

    def __init__(
        self,
        gains: PointGains,
        diffuse: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> None:
        self._gains, self._diffuse = gains, diffuse

    def still(self, source: Source, place: NDArray[np.float64], setting: Setting) -> Still:
        """Return the gains of each copy."""
        return Still(gains=copy_gains(self._gains, source, place[None])[0])

    def moving(self, source: Source, path: Path, tape: Tape, setting: Setting) -> Moving:
        """Return gains that follow the direction, with Doppler shift."""
        return GainMoving(
            MovingVoice(path, tape, setting.rate_hz, real_delay=False),
            lambda places: copy_gains(self._gains, source, places),
            setting.decorrelators(copies_of(source)),
            setting.layout.lfe,
        )

    def bed(self, setting: Setting) -> Still:
        """Return a response for each channel that makes a diffuse field."""
        if self._diffuse is not None:
            directions, shares = self._diffuse
            gains = self._gains(directions) * np.sqrt(shares)[:, None]
            mixed = gains.T @ setting.decorrelators(len(shares))
            return Still(response=setting.spectra(mixed))
        full = [i for i, channel in enumerate(setting.layout.channels) if not channel.lfe]
        filters = np.zeros((len(setting.layout.channels), setting.decorrelators(1).shape[1]))
        filters[full] = setting.decorrelators(len(full)) / np.sqrt(len(full))
        return Still(response=setting.spectra(filters))


class PanningRenderer:
    """Loudspeakers by the point-source panner of ITU-R BS.2127.

    The direction alone decides which loudspeakers sound, the distance how loud. What stands still
    is heard without delay; what moves keeps the *changes* of its delay, so its pitch bends as it
    passes, and begins at once.

    Parameters
    ----------
    transform
        Length of the Fourier transforms; None chooses.
    """

    def __init__(self, *, transform: int | None = None) -> None:
        self._transform = transform

    def lays_out(self, layout: Layout) -> bool:
        """Return whether it is a layout of loudspeakers."""
        return layout.kind == "loudspeakers"

    def render(
        self, scene: Scene, stems: Mapping[str, Stem], *, layout: Layout, rate_hz: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of channels; see :class:`~earwitness.space.contract.Renderer`."""
        if not self.lays_out(layout):
            raise refuse("panning", layout, "loudspeakers")
        spatial = GainSpatial(point_source_panner(layout).gains)
        yield from stream(
            scene, stems, spatial, layout=layout, rate_hz=rate_hz, transform=self._transform
        )
