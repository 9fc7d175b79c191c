"""The stem of a moving source after the air on its way, whose length changes."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from earwitness.scene import Air
from earwitness.space.air import air_response
from earwitness.space.path import Path
from earwitness.space.stems import Tape

HOP = 1024
"""Samples between two responses; between them one is faded into the next."""

_BATCH = 32  # hops that are transformed together
_TRANSFORM = 4 * HOP


class AirStem:
    """A stem that has passed through air, as a stem again, in emission time.

    Parameters
    ----------
    tape
        The stem.
    path
        Where the source is.
    air, rate_hz
        What it passes through; sampling rate.
    """

    def __init__(self, tape: Tape, path: Path, air: Air, rate_hz: int) -> None:
        self._tape, self._path, self._air, self._rate = tape, path, air, rate_hz
        self._window = np.sin(np.pi * np.arange(2 * HOP) / (2 * HOP)).astype(np.float32) ** 2
        # Sums that later frames will add to: a frame reaches HOP to each side of its window.
        self._open = np.zeros(3 * HOP, dtype=np.float32)
        self._frame = 0  # middle of the next frame, in hops
        self._ready = np.zeros(0, dtype=np.float32)
        self._more()
        self._ready = self._ready[2 * HOP :]  # what lies before time 0

    def _more(self) -> None:
        """Work out the next frames; sample ``(frame − 2) · HOP`` on is then ready."""
        frames = np.arange(self._frame, self._frame + _BATCH)
        start = (self._frame - 1) * HOP
        samples = self._tape.span(start, start + (_BATCH + 1) * HOP)
        self._tape.forget(start + _BATCH * HOP)
        if not samples.any() and not self._open.any():  # silence stays silence
            self._ready = np.concatenate([self._ready, np.zeros(_BATCH * HOP, np.float32)])
            self._frame += _BATCH
            return
        windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * HOP)[::HOP] * self._window
        distance = self._path.distance(frames * HOP / self._rate)
        spectra = scipy.fft.rfft(windows, n=_TRANSFORM, axis=1)
        spectra *= air_response(distance, self._rate, _TRANSFORM, self._air)
        # Zero phase: what rings before the window lies at the end of the transform.
        rung = np.roll(scipy.fft.irfft(spectra, n=_TRANSFORM, axis=1), HOP, axis=1)
        total = np.zeros((_BATCH + 3, HOP), dtype=np.float32)
        total[:3] += self._open.reshape(3, HOP)
        for part in range(4):
            total[part : part + _BATCH] += rung[:, part * HOP : (part + 1) * HOP]
        self._ready = np.concatenate([self._ready, total[:_BATCH].ravel()])
        self._open = total[_BATCH:].ravel()
        self._frame += _BATCH

    def read(self, samples: int) -> NDArray[np.float32]:
        """Return the next samples; it never ends, silence follows the stem."""
        while len(self._ready) < samples:
            self._more()
        part, self._ready = self._ready[:samples], self._ready[samples:]
        return part
