"""Head-related impulse responses for any direction.

The head is a KEMAR dummy with normal pinna, measured in 710 directions (Gardner and Martin,
"HRTF measurements of a KEMAR dummy-head microphone", MIT Media Lab Technical Report 280, 1994).
How its data file is made, and what is done to the measurement, stands in
``training/hrtf/kemar.py``.

Between measured directions the responses of the surrounding triangle are mixed with their times
of arrival taken out, and the mean time of arrival is put back as a fractional delay, so there is
no comb filter. The right ear is the left ear of the mirrored direction: the mirror image of
a scene gives exactly the swapped ears.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import signal

from earwitness.errors import OptionError
from earwitness.space.directions import unit

_MIRROR = np.array([1.0, -1.0, 1.0])
_SLICE = 256


class Head:
    """Impulse responses of the left ear, ready to be interpolated at one sampling rate.

    Parameters
    ----------
    rate_hz
        Sampling rate, 8000 to 192000.

    Raises
    ------
    OptionError
        If the rate is outside.
    """

    def __init__(self, rate_hz: int) -> None:
        if not 8000 <= rate_hz <= 192000:
            raise OptionError(f"a rate of {rate_hz} Hz; give 8000 to 192000")
        with (
            files(__package__).joinpath("data/kemar.npz").open("rb") as stream,
            np.load(stream, allow_pickle=False) as table,
        ):
            responses = table["responses"] * float(table["scale"])
            stored_hz = int(table["rate_hz"])
            corners = table["directions"].astype(np.float64)[table["triangles"]]
            self._triangles = table["triangles"].astype(np.intp)
            self._arrival_s = table["arrival_s"].astype(np.float64)
        if rate_hz != stored_hz:
            shared = math.gcd(rate_hz, stored_hz)
            up, down = rate_hz // shared, stored_hz // shared
            # The kernel keeps frequencies, not sums: the gain of a filter goes with its rate.
            responses = signal.resample_poly(responses, up, down, axis=1) * (down / up)
        self.rate_hz = rate_hz
        longest = responses.shape[1] + math.ceil(self._arrival_s.max() * rate_hz) + 8
        # Lengths that a fast Fourier transform likes.
        self.taps = 32 * math.ceil(longest / 32)
        self._spectra = np.fft.rfft(responses, self.taps, axis=1)
        self._omega = 2j * np.pi * np.fft.rfftfreq(self.taps, 1 / rate_hz)
        self._bases = np.linalg.inv(corners.transpose(0, 2, 1)).reshape(-1, 3)

    def left(self, directions: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the left ear's responses to unit vectors ``(n, 3)``: shape ``(n, taps)``."""
        out = np.empty((len(directions), self.taps), np.float32)
        for start in range(0, len(directions), _SLICE):
            part = directions[start : start + _SLICE]
            weights = (self._bases @ part.T).reshape(-1, 3, len(part))
            # Of all triangles, the one whose least weight is largest holds the direction.
            best = weights.min(axis=1).argmax(axis=0)
            chosen = np.clip(weights[best, :, np.arange(len(part))], 0.0, None)
            chosen /= chosen.sum(axis=1, keepdims=True)
            corners = self._triangles[best]
            spectrum = np.einsum("nk,nkf->nf", chosen, self._spectra[corners])
            delay_s = np.sum(chosen * self._arrival_s[corners], axis=1)
            spectrum *= np.exp(-self._omega[None, :] * delay_s[:, None])
            out[start : start + len(part)] = np.fft.irfft(spectrum, self.taps, axis=1)
        return out


@cache
def head(rate_hz: int) -> Head:
    """Return the head at a sampling rate; the same object for the same rate."""
    return Head(rate_hz)


def hrir(directions: ArrayLike, rate_hz: int = 48000) -> NDArray[np.float32]:
    """Return the impulse responses from directions to both ears.

    Parameters
    ----------
    directions
        Shape ``(n, 3)``: x front, y left, z up; any length.
    rate_hz
        Sampling rate, 8000 to 192000; other rates than 48000 are resampled.

    Returns
    -------
    ndarray, float32, shape ``(n, 2, taps)``
        Left ear, right ear. The length is the same for all directions at a rate. A source ahead
        has as much power in both ears together as the mono sound itself (over a pink spectrum).

    Raises
    ------
    OptionError
        If the rate is outside, or a direction is not finite.

    Examples
    --------
    A source on the left is louder in the left ear, and on the right the other way round.

    >>> left, right = hrir([[0, 1, 0], [0, -1, 0]])
    >>> bool((left == right[::-1]).all()), bool((left[0] ** 2).sum() > 8 * (left[1] ** 2).sum())
    (True, True)
    """
    towards = unit(directions)
    ears = head(int(rate_hz)).left(np.concatenate([towards, towards * _MIRROR]))
    return np.stack(np.split(ears, 2), axis=1)
