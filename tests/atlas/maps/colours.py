"""An embedder for tests: the colours of a picture, the colours that words name, a sound's pitch.

It is honest but simple, it needs no weights, and worker processes can import it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_WORDS = {
    "sea": (8, 20, 60),
    "desert": (215, 180, 130),
    "forest": (25, 50, 20),
    "ice": (240, 245, 250),
}


def _unit(rgb: NDArray[np.float64]) -> NDArray[np.float32]:
    """Three numbers become eight: waves over lightness and hue, so that near colours are near."""
    x = np.asarray(rgb, float) / 255 - 0.45
    made = np.concatenate([x, x[:, :1] - x[:, 2:], np.full((len(x), 1), 0.15), x**2], axis=1)
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


@dataclass(frozen=True)
class Colours:
    """See the module."""

    name: str = "colours-1"
    dim: int = 8
    image_px: int = 16
    ground_m: float = 7412.0
    die_at: str = ""
    """A file: the first process that finds it absent makes it and kills itself."""
    slow_s: float = 0.0
    """Seconds that each batch takes more."""
    gain: float = 1.0
    """Of the pixels: another value is another version of the embedder."""

    def images(
        self, pixels: NDArray[np.uint8], *, lat_deg: object = None, lon_deg: object = None,
        month: object = None, hour: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float32]:  # fmt: skip
        time.sleep(self.slow_s)
        if multiprocessing.parent_process() is not None and os.environ.get("COLOURS_ALWAYS_DIE"):
            os.kill(os.getpid(), signal.SIGKILL)
        # The probe, a single image, is made where the map is asked for: not there.
        if self.die_at and len(pixels) > 1:
            try:
                os.close(os.open(self.die_at, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        mean = pixels.reshape(len(pixels), -1, 3).mean(axis=1) * self.gain
        if hour is not None:
            # Night is dark: hours must show.
            mean = mean * (0.3 + 0.7 * np.sin(np.pi * np.asarray(hour) / 24))[:, None]
        return _unit(mean)

    def texts(self, words: Sequence[str]) -> NDArray[np.float32]:
        rows = []
        for one in words:
            named = [rgb for word, rgb in _WORDS.items() if word in one]
            rows.append(np.mean(named or [(128, 128, 128)], axis=0))
        return _unit(np.array(rows))

    def sounds(self, sounds: Sequence[object]) -> NDArray[np.float32]:
        rows = []
        for sound in sounds:
            power = np.abs(np.fft.rfft(sound.samples[0])) ** 2
            hz = np.arange(len(power)) * sound.rate_hz / sound.samples.shape[1]
            share = min(1.0, float((hz * power).sum() / power.sum()) / 8000)
            rows.append(share * np.array(_WORDS["ice"]) + (1 - share) * np.array(_WORDS["sea"]))
        return _unit(np.array(rows))


def dying(folder: Path) -> Colours:
    """Return an embedder whose first worker dies in the middle."""
    return Colours(die_at=str(folder / "died"))
