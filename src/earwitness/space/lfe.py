"""The low-frequency effects channel: everything below 120 Hz, nothing above."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

CROSSOVER_HZ = 120.0
SEND = 10 ** (-10 / 20)
"""Level of the LFE channel against the sum of all sources.

Players raise LFE by 10 dB (the in-band gain of BS.775), so what is sent at −10 dB is heard as loud
as the same bass from a main loudspeaker.
"""


@cache
def _sections(rate_hz: int) -> NDArray[np.float64]:
    once = signal.butter(2, CROSSOVER_HZ, fs=rate_hz, output="sos")
    return np.concatenate([once, once])


class LowPass:
    """A fourth-order Linkwitz–Riley low-pass at 120 Hz that streams (−74 dB at 1 kHz).

    Parameters
    ----------
    channels
        How many channels pass through it.
    rate_hz
        Sampling rate.
    """

    def __init__(self, channels: int, rate_hz: int) -> None:
        self._sos = _sections(rate_hz)
        self._state = np.zeros((len(self._sos), channels, 2))

    def __call__(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next samples, shape ``(channels, samples)``, filtered."""
        wide, self._state = signal.sosfilt(
            self._sos, block.astype(np.float64), axis=-1, zi=self._state
        )
        # Long after the sound, the filter's state would sink into denormal numbers and slow down.
        self._state[np.abs(self._state) < 1e-30] = 0.0
        return np.asarray(wide, dtype=np.float32)
