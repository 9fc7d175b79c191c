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


_LENGTH_S = 0.03  # what is cut off behind it is 110 dB weaker


@cache
def low_pass(rate_hz: int) -> NDArray[np.float32]:
    """Return a fourth-order Linkwitz–Riley low-pass at 120 Hz as a causal filter.

    Parameters
    ----------
    rate_hz
        Sampling rate.

    Returns
    -------
    ndarray, shape ``(taps,)``
        −6 dB at 120 Hz, −25 dB at 240 Hz, −74 dB at 1 kHz.
    """
    once = signal.butter(2, CROSSOVER_HZ, fs=rate_hz, output="sos")
    pulse = np.zeros(round(_LENGTH_S * rate_hz))
    pulse[0] = 1.0
    return np.asarray(signal.sosfilt(np.concatenate([once, once]), pulse), dtype=np.float32)
