"""The ``propagation`` renderer: SEE-2-SOUND's equation 4, from each source to each loudspeaker.

Each loudspeaker is a point that hears: it plays what a microphone at its place would record,
``y_c(t) = Σ_s x_s(t − d_sc / c) / d_sc`` (arXiv 2406.06612, §4.3). The places are those of the
layout on a sphere around the listener (BS.775 has them on a circle).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError
from earwitness.scene import Layout, Scene, Source
from earwitness.scene.frame import SPEED_OF_SOUND_M_S, xyz
from earwitness.space.contract import Stem
from earwitness.space.delay import MovingVoice, fractional
from earwitness.space.distance import attenuation
from earwitness.space.engine import (
    PAN_EVERY,
    Moving,
    Samples,
    Setting,
    Spatial,
    Still,
    refuse,
    stream,
)
from earwitness.space.filters import Filters
from earwitness.space.lfe import SEND
from earwitness.space.panning import GainSpatial, copies_of
from earwitness.space.path import Path
from earwitness.space.spread import arc
from earwitness.space.stems import Tape

RADIUS_M = 2.0
"""Usual distance of the loudspeakers from the listener."""

_TAPS = 128


def loudspeakers(layout: Layout, radius_m: float) -> NDArray[np.float64]:
    """Return where a layout's loudspeakers stand, shape ``(channels, 3)``, metres.

    LFE has no direction: it stands where the listener is.
    """
    return np.array(
        [xyz(c.azimuth_deg, c.elevation_deg, 0.0 if c.lfe else radius_m) for c in layout.channels]
    )


class WayMoving(Moving):
    """A moving source on its way to each loudspeaker.

    Parameters
    ----------
    voices
        The source as it arrives at each of them.
    filters
        A decorrelating filter for each loudspeaker, or none for a source without much extent.
    sends
        Gain of each channel.
    """

    def __init__(
        self,
        voices: list[MovingVoice],
        filters: NDArray[np.float32] | None,
        sends: NDArray[np.float64],
    ) -> None:
        self._voices, self._sends = voices, sends.astype(np.float32)
        self._filters = None if filters is None else Filters(filters)

    def add(self, into: Samples, start: int) -> int:
        """Add the next samples; see :class:`~earwitness.space.engine.Moving`."""
        heard = np.empty_like(into)
        oldest = []
        for channel, voice, send in zip(heard, self._voices, self._sends, strict=True):
            samples, _, needed = voice.hear(start, into.shape[1], PAN_EVERY)
            channel[...] = send * samples
            oldest.append(needed)
        if heard.any() or (self._filters is not None and not self._filters.rests):
            into += heard if self._filters is None else self._filters(heard)
        return min(oldest)


class WaySpatial(Spatial):
    """Loudspeakers as points that hear.

    Parameters
    ----------
    layout
        Where they stand.
    radius_m
        Their distance from the listener.
    rate_hz
        Sampling rate.
    """

    own_distance = True
    responses = True

    def __init__(self, layout: Layout, radius_m: float, rate_hz: int) -> None:
        self._places = loudspeakers(layout, radius_m)
        self.reach = int(2 * radius_m / SPEED_OF_SOUND_M_S * rate_hz) + 3 * _TAPS
        self._sends = np.where([c.lfe for c in layout.channels], SEND, 1.0)

    def still(self, source: Source, place: NDArray[np.float64], setting: Setting) -> Still:
        """Return delays and attenuations as a response for each loudspeaker.

        An area is made of decorrelated copies along its arc, each with a way of its own.
        """
        count = copies_of(source)
        points = arc(place[None], source.spread_deg, count)[0] if count > 1 else place[None]
        far = np.linalg.norm(points[:, None] - self._places, axis=2)
        delay = far / SPEED_OF_SOUND_M_S * setting.rate_hz
        base = int(np.floor(delay.min())) - _TAPS
        whole = np.floor(delay).astype(int)
        filters = fractional((delay - whole).ravel(), _TAPS).reshape(*far.shape, _TAPS)
        filters *= (attenuation(far) * self._sends / np.sqrt(count))[..., None]
        long = np.zeros((*far.shape, int(whole.max()) - base + _TAPS), dtype=np.float32)
        first = whole - base - (_TAPS // 2 - 1)
        np.put_along_axis(long, first[..., None] + np.arange(_TAPS), filters, axis=2)
        response = setting.spectra(long)
        if count == 1:
            return Still(response=response[0], delay=base)
        copies = setting.spectra(setting.decorrelators(count))
        return Still(response=np.einsum("kcf,kf->cf", response, copies), delay=base)

    def moving(self, source: Source, path: Path, tape: Tape, setting: Setting) -> Moving:
        """Return real delays that vary, to each loudspeaker.

        A wide area that moves is decorrelated between the loudspeakers instead of being made of
        copies with ways of their own.
        """
        voices = [
            MovingVoice(path.shifted(place), tape, setting.rate_hz, real_delay=True)
            for place in self._places
        ]
        wide = copies_of(source) > 1
        filters = setting.decorrelators(len(voices)) if wide else None
        return WayMoving(voices, filters, self._sends)

    def bed(self, setting: Setting) -> Still:
        """Return a decorrelated copy for each loudspeaker, of equal power."""
        return GainSpatial(lambda places: places).bed(setting)


class PropagationRenderer:
    """Loudspeakers that play what would be heard at their places, with real delays.

    Parameters
    ----------
    radius_m
        Distance of the loudspeakers from the listener, above 0, at most 20 m.
    air
        Whether air absorbs; equation 4 as printed has no air.
    transform
        Length of the Fourier transforms; None chooses.
    """

    def __init__(
        self, *, radius_m: float = RADIUS_M, air: bool = True, transform: int | None = None
    ) -> None:
        if not 0 < radius_m <= 20:
            raise OptionError(f"loudspeakers {radius_m} m away; give more than 0, at most 20")
        self._radius, self._air, self._transform = radius_m, air, transform

    def lays_out(self, layout: Layout) -> bool:
        """Return whether it is a layout of loudspeakers."""
        return layout.kind == "loudspeakers"

    def render(
        self, scene: Scene, stems: Mapping[str, Stem], *, layout: Layout, rate_hz: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of channels; see :class:`~earwitness.space.contract.Renderer`."""
        if not self.lays_out(layout):
            raise refuse("propagation", layout, "loudspeakers")
        yield from stream(
            scene,
            stems,
            WaySpatial(layout, self._radius, rate_hz),
            layout=layout,
            rate_hz=rate_hz,
            transform=self._transform,
            air=self._air,
        )
