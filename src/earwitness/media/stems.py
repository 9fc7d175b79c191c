"""Stems read from files, block by block, at the rate that the render needs."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from earwitness.errors import MediaError
from earwitness.media.output import reason

_ZEROS = 24  # of the resampling sinc, to each side
_CHUNK = 8192


class FileStem:
    """A mono file that is read in order; resampled on the way when its rate differs.

    The file is opened at the first read and closed at its end.

    Parameters
    ----------
    path
        FLAC, WAV or whatever libsndfile reads.
    rate_hz
        Rate to read at; None is the file's own.

    Raises
    ------
    MediaError
        If it cannot be read, or has several channels.
    """

    def __init__(self, path: str | os.PathLike[str], rate_hz: int | None = None) -> None:
        self._path = os.fspath(path)
        try:
            info = soundfile.info(self._path)
        except (RuntimeError, OSError, TypeError) as error:
            raise MediaError(f"{self._path} cannot be read as a sound: {reason(error)}") from error
        if info.channels != 1:
            raise MediaError(
                f"{self._path} has {info.channels} channels; a stem is mono: mix it down first"
            )
        self.file_rate_hz = int(info.samplerate)
        self.rate_hz = rate_hz or self.file_rate_hz
        self._file: soundfile.SoundFile | None = None
        self._over = False
        shared = math.gcd(self.rate_hz, self.file_rate_hz)
        self._up, self._down = self.rate_hz // shared, self.file_rate_hz // shared
        self._ready = np.zeros(0, dtype=np.float32)
        if self._up != self._down:
            self._prepare(int(info.frames))

    def _prepare(self, frames: int) -> None:
        """Design the filter and its context, in whole steps of input that make whole outputs."""
        largest = max(self._up, self._down)
        half = _ZEROS * largest
        # Any: the stubs know no window that is an array.
        self._filter: Any = signal.firwin(2 * half + 1, 0.94 / largest, window=("kaiser", 9.0))
        self._context = self._down * math.ceil((half / self._up + 2) / self._down)
        self._step = self._down * math.ceil(_CHUNK / self._down)
        self._input = np.zeros(self._context, dtype=np.float32)
        self._left = -(-frames * self._up // self._down)

    def _from_file(self, samples: int) -> NDArray[np.float32]:
        if self._over:
            return np.zeros(0, dtype=np.float32)
        try:
            if self._file is None:
                self._file = soundfile.SoundFile(self._path)
            part = self._file.read(samples, dtype="float32")
        except (RuntimeError, OSError) as error:
            raise MediaError(f"{self._path} cannot be read: {reason(error)}") from error
        if len(part) < samples:
            self._over = True
            self._file.close()
        return np.asarray(part, dtype=np.float32)

    def read(self, samples: int) -> NDArray[np.float32]:
        """Return the next samples, at most so many; none after the end."""
        if self._up == self._down:
            return self._from_file(samples)
        while len(self._ready) < samples and self._left > 0:
            self._resample()
        part, self._ready = self._ready[:samples], self._ready[samples:]
        return part

    def _resample(self) -> None:
        need = self._step + 2 * self._context - len(self._input)
        fresh = self._from_file(need)
        padded = np.zeros(self._step + 2 * self._context, dtype=np.float32)
        padded[: len(self._input)] = self._input
        padded[len(self._input) : len(self._input) + len(fresh)] = fresh
        made = signal.resample_poly(
            padded,
            self._up,
            self._down,
            window=self._filter,
        )
        first = self._context * self._up // self._down
        part = made[first : first + min(self._left, self._step * self._up // self._down)]
        self._left -= len(part)
        self._ready = np.concatenate([self._ready, part.astype(np.float32)])
        self._input = padded[self._step :]
