"""A sound that travels with its sample rate and its layout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import SceneError
from earwitness.scene.layout import Layout, layout_named


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples, rate and layout together.

    Parameters
    ----------
    samples
        float32, shape ``(channels, samples)``, full scale ±1, channels in the layout's order.
    rate_hz
        Sampling rate.
    layout
        Name of a layout (BS.2051 name or alias); its number of channels must be that of
        ``samples``.

    Raises
    ------
    SceneError
        If shape, rate or layout do not fit together.

    Examples
    --------
    >>> Sound(np.zeros((6, 480), np.float32), 48000, "5.1").duration_s
    0.01
    """

    samples: NDArray[np.float32]
    rate_hz: int = 48000
    layout: str = "mono"

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        channels = len(layout_named(self.layout).channels)
        if samples.ndim != 2 or samples.shape[0] != channels:
            raise SceneError(
                "samples",
                samples.shape,
                f"an array of shape ({channels}, samples) for the layout {self.layout!r}",
            )
        if not 1000 <= self.rate_hz <= 768000:
            raise SceneError("rate_hz", self.rate_hz, "a rate from 1000 to 768000 Hz")
        object.__setattr__(self, "samples", samples)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.rate_hz)

    @property
    def channels(self) -> Layout:
        """The layout itself, with its channels' names and directions."""
        return layout_named(self.layout)
