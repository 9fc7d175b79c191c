"""The ``binaural`` renderer: two ears, by the impulse responses of a measured head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from earwitness.scene import Layout, Scene, Source
from earwitness.space.contract import Stem
from earwitness.space.delay import MovingVoice
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
from earwitness.space.hrtf import hrir
from earwitness.space.moving import Copier, fades
from earwitness.space.panning import copies_of
from earwitness.space.path import Path
from earwitness.space.sphere import around
from earwitness.space.spread import arc
from earwitness.space.stems import Tape


class EarMoving(Moving):
    """A moving source whose impulse responses are faded from one to the next.

    Parameters
    ----------
    voice
        The source as it arrives.
    source
        Its extent counts.
    setting
        Rate and decorrelators.
    """

    def __init__(self, voice: MovingVoice, source: Source, setting: Setting) -> None:
        self._voice, self._rate, self._spread = voice, setting.rate_hz, source.spread_deg
        self._count = copies_of(source)
        self._copier = Copier(setting.decorrelators(self._count))
        self._taps = hrir([[1.0, 0.0, 0.0]], setting.rate_hz).shape[2]
        self._size = scipy.fft.next_fast_len(PAN_EVERY + self._taps, real=True)
        self._ringing = np.zeros((2, self._size), dtype=np.float32)

    def add(self, into: Samples, start: int) -> int:
        """Add the next samples; see :class:`~earwitness.space.engine.Moving`."""
        count = into.shape[1]
        samples, places, oldest = self._voice.hear(start, count, PAN_EVERY)
        if self._copier.rests and not self._ringing.any() and not samples.any():
            return oldest
        pieces = len(places) - 1
        spectra = np.zeros((pieces, 2, self._size // 2 + 1), dtype=np.complex64)
        middles = arc(places, self._spread, self._count) if self._count > 1 else places[:, None]
        for i, copy in enumerate(self._copier(samples)):
            heads = scipy.fft.rfft(hrir(middles[:, i], self._rate), n=self._size, axis=2)
            heads *= np.float32(1 / np.sqrt(self._count))
            leaving, coming = (scipy.fft.rfft(part, n=self._size, axis=1) for part in fades(copy))
            spectra += leaving[:, None] * heads[:-1]
            spectra += coming[:, None] * heads[1:]
        rung = scipy.fft.irfft(spectra, n=self._size, axis=2)
        total = np.zeros((2, pieces * PAN_EVERY + self._size), dtype=np.float32)
        total[:, : self._size] = self._ringing
        for piece in range(pieces):
            first = piece * PAN_EVERY
            total[:, first : first + self._size] += rung[piece]
        into += total[:, :count]
        self._ringing = total[:, pieces * PAN_EVERY :]
        return oldest


class EarSpatial(Spatial):
    """Two ears.

    Parameters
    ----------
    rate_hz
        Sampling rate.
    """

    responses = True
    STEP_DEG = 15.0

    def __init__(self, rate_hz: int) -> None:
        self.reach = hrir([[1.0, 0.0, 0.0]], rate_hz).shape[2]

    @staticmethod
    def _many(
        directions: NDArray[np.float64], shares: NDArray[np.float64], setting: Setting
    ) -> Still:
        """Return decorrelated copies from several directions as one response for each ear."""
        heads = setting.spectra(hrir(directions, setting.rate_hz))
        heads *= np.sqrt(shares).astype(np.float32)[:, None, None]
        copies = setting.spectra(setting.decorrelators(len(shares)))
        return Still(response=np.einsum("kef,kf->ef", heads, copies))

    def still(self, source: Source, place: NDArray[np.float64], setting: Setting) -> Still:
        """Return the responses of both ears."""
        spread = source.spread_deg if source.kind == "area" else 0.0
        count = max(1, int(np.ceil(spread / self.STEP_DEG)))
        if count == 1:
            return Still(response=setting.spectra(hrir(place[None], setting.rate_hz)[0]))
        return self._many(arc(place[None], spread, count)[0], np.full(count, 1 / count), setting)

    def moving(self, source: Source, path: Path, tape: Tape, setting: Setting) -> Moving:
        """Return responses that follow the direction, with Doppler shift."""
        voice = MovingVoice(path, tape, setting.rate_hz, real_delay=False)
        return EarMoving(voice, source, setting)

    def bed(self, setting: Setting) -> Still:
        """Return a diffuse field around the head, so that the ears differ as they do in one."""
        return self._many(*around(), setting)


class BinauralRenderer:
    """Headphones: a measured KEMAR head that stands still and looks ahead.

    Parameters
    ----------
    transform
        Length of the Fourier transforms; None chooses.
    """

    def __init__(self, *, transform: int | None = None) -> None:
        self._transform = transform

    def lays_out(self, layout: Layout) -> bool:
        """Return whether it is the binaural layout."""
        return layout.kind == "binaural"

    def render(
        self, scene: Scene, stems: Mapping[str, Stem], *, layout: Layout, rate_hz: int
    ) -> Iterator[NDArray[np.float32]]:
        """Yield blocks of channels; see :class:`~earwitness.space.contract.Renderer`."""
        if not self.lays_out(layout):
            raise refuse("binaural", layout, "binaural alone")
        yield from stream(
            scene,
            stems,
            EarSpatial(rate_hz),
            layout=layout,
            rate_hz=rate_hz,
            transform=self._transform,
        )
