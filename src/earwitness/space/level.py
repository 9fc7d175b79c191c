"""The last step: one gain for all channels, and a limiter for the peaks that exceed the ceiling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

from earwitness.loudness import PEAK_AFTER, PEAK_BEFORE, envelope, peak_bound

ATTACK_S = 0.005
"""How long before a peak the gain begins to fall."""

RELEASE_DB_S = 100.0
"""How fast the gain comes back."""

Span = Callable[[int, int], NDArray[np.float32]]
"""Start and stop → samples ``(channels, stop − start)``; silence where there are none."""


class Limiter:
    """A look-ahead limiter of the true peak, the same gain for all channels.

    The gain falls along a half cosine that ends at the peak, and comes back at
    :data:`RELEASE_DB_S`. It is 1 wherever no peak is near, so what needs no limiting is
    untouched, and directions never shift, because all channels share it.

    Parameters
    ----------
    span
        The sound.
    rate_hz
        Sampling rate.
    gain
        Factor put on first.
    ceiling
        Largest magnitude allowed, on samples and between them.

    Examples
    --------
    >>> limiter = Limiter(lambda start, stop: np.ones((1, stop - start), np.float32), 48000, 1, 0.5)
    >>> round(float(limiter.limit(0, 960).max()), 3)
    0.5
    """

    def __init__(self, span: Span, rate_hz: int, gain: float, ceiling: float) -> None:
        self._span, self._gain, self._ceiling = span, gain, ceiling
        self._reach = max(1, round(ATTACK_S * rate_hz))
        self._slope = RELEASE_DB_S / rate_hz * np.log(10) / 20
        window = signal.windows.hann(2 * self._reach + 3)[1:-1]
        self._window = window / window.sum()
        self._known = np.zeros(4 * self._reach)  # reductions in nepers, released
        self._to = 0  # they are known up to this sample
        self.deepest_db = 0.0

    def _reductions(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return by how much each sample must be reduced for its own sake, in nepers."""
        joined = self._span(start - PEAK_BEFORE, stop + PEAK_AFTER) * np.float32(self._gain)
        if float(np.abs(joined).max(initial=0.0)) * peak_bound() <= self._ceiling:
            return np.zeros(stop - start)
        peak = envelope(joined).max(axis=0)
        over = np.maximum(peak.astype(np.float64) / self._ceiling, 1.0)
        return np.asarray(np.log(over), dtype=np.float64)

    def limit(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return samples ``start`` to ``stop`` with gain and limiting; calls go forward."""
        margin = 2 * self._reach
        new = self._reductions(self._to, stop + margin)
        # Released: max over the past of what was needed less the slope times the time since.
        ramp = self._slope * np.arange(1, len(new) + 1)
        released = np.maximum.accumulate(np.append(self._known[-1], new + ramp))[1:] - ramp
        self._known = np.append(self._known, np.maximum(released, 0.0))
        self._to = stop + margin
        near = self._known[-(stop - start + 2 * margin) :]
        sample = np.asarray(self._span(start, stop) * np.float32(self._gain), dtype=np.float32)
        self._known = self._known[-2 * margin :]
        if not near.any():
            return sample
        held = ndimage.maximum_filter1d(near, 2 * self._reach + 1, mode="nearest")
        smooth = np.convolve(held[self._reach : -self._reach], self._window, mode="valid")
        # Rounding in the convolution must not show as a gain a hair off 1.
        smooth[smooth < 1e-9] = 0.0
        self.deepest_db = max(self.deepest_db, float(smooth.max()) * 20 / np.log(10))
        return np.asarray(sample * np.exp(-smooth), dtype=np.float32)
