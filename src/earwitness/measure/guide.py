"""Scene guidance: how much a model that knows the place would change a sound.

SEE-2-SOUND's protocol (§5.1): a guide is given the picture and a sound and returns the sound as it
would be in that place. The less it changes, the better the sound fitted. The paper's guide is
AViTAR; a guide is a plug-in (entry point group ``earwitness.guides``), and the built-in one puts on
the response of a room or of the open air. What a score means depends on the guide: never compare
figures of different ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, oaconvolve, sosfilt

from earwitness.errors import OptionError
from earwitness.scene import Sound


class Guide(Protocol):
    """Makes a sound fit the place that a picture shows."""

    name: str

    def match(self, pixels: NDArray[np.uint8], sound: Sound) -> Sound:
        """Return the sound as it would be in the place.

        Parameters
        ----------
        pixels
            The picture, ``(height, width, 3)``, sRGB.
        sound
            Any layout and rate. What comes back may have another rate, length and layout (AViTAR
            gives 2.56 s of mono at 16 kHz).
        """
        ...


@dataclass(frozen=True)
class Response:
    """A place as an impulse response: the direct sound, then a decaying diffuse field.

    Parameters
    ----------
    decay_s
        Time in which the field falls by 60 dB (RT60), 0.02 to 10 s.
    direct_db
        Energy of the direct sound over that of all the rest, dB.
    gap_s
        Time until the first reflection.
    dull_hz
        Above it the reflected sound is low-passed.

    Raises
    ------
    OptionError
        If one is outside what is allowed.
    """

    decay_s: float
    direct_db: float
    gap_s: float = 0.005
    dull_hz: float = 6000.0

    def __post_init__(self) -> None:
        if not 0.02 <= self.decay_s <= 10 or not -20 <= self.direct_db <= 80:
            raise OptionError(
                f"a decay of {self.decay_s} s and {self.direct_db} dB direct; give 0.02 to 10 s "
                f"and -20 to 80 dB"
            )

    def impulse(self, rate_hz: int, channels: int = 1, seed: int = 0) -> NDArray[np.float64]:
        """Return the response, shape ``(channels, samples)``; each channel's tail is its own.

        Examples
        --------
        >>> made = Response(0.5, 0.0).impulse(16000)
        >>> round(float((made[0, 1:] ** 2).sum()), 6)
        1.0
        """
        draw = np.random.default_rng(seed)
        start = max(1, round(self.gap_s * rate_hz))
        count = max(1, round(self.decay_s * rate_hz))
        tail = draw.standard_normal((channels, count))
        tail *= 10 ** (-3.0 * np.arange(count) / count)
        if self.dull_hz < 0.45 * rate_hz:
            tail = sosfilt(butter(1, self.dull_hz, fs=rate_hz, output="sos"), tail, axis=1)
        tail /= np.sqrt((tail**2).sum(axis=1, keepdims=True))
        made = np.zeros((channels, start + count))
        made[:, 0] = 1.0
        made[:, start:] = tail * 10 ** (-self.direct_db / 20)
        return made

    def applied(self, sound: Sound, seed: int = 0) -> Sound:
        """Return a sound in the place, of the same length and root-mean-square level."""
        impulse = self.impulse(sound.rate_hz, len(sound.samples), seed)
        length = sound.samples.shape[1]
        wet = oaconvolve(sound.samples.astype(np.float64), impulse, axes=1)[:, :length]
        before, after = (float(np.mean(v.astype(np.float64) ** 2)) for v in (sound.samples, wet))
        if after > 0:
            wet *= np.sqrt(before / after)
        return Sound(wet.astype(np.float32), sound.rate_hz, sound.layout)


@dataclass(frozen=True)
class Place:
    """What of a picture decides how a place sounds; parts of the picture's area, 0 to 1.

    Parameters
    ----------
    indoor, building, trees, open
        Parts covered by what is inside a room, by buildings, by trees, and by sky, water, grass,
        road, sand or snow.
    """

    indoor: float
    building: float
    trees: float
    open: float

    def response(self) -> Response:
        """Return the response: a room where most is indoors, else the open air.

        Decays follow usual ones: a furnished room 0.5 s, a street canyon 0.6 s, a wood 0.4 s, open
        ground next to none (Kuttruff, *Room Acoustics*, and Padgham 2004 for woods). Between these
        it mixes by area; it knows neither size nor material of a room.

        Examples
        --------
        >>> Place(0.9, 0, 0, 0.1).response().decay_s > Place(0, 0, 0, 1.0).response().decay_s
        True
        """
        total = max(self.indoor + self.building + self.trees + self.open, 1e-6)
        room, street, wood, field = (
            part / total for part in (self.indoor, self.building, self.trees, self.open)
        )
        # Decay in seconds and direct level in dB of each kind of place.
        decay = 0.5 * room + 0.6 * street + 0.4 * wood + 0.05 * field
        direct = 0.0 * room + 8.0 * street + 12.0 * wood + 25.0 * field
        gap = 0.005 * room + 0.03 * street + 0.02 * wood + 0.008 * field
        return Response(float(np.clip(decay, 0.05, 2.0)), float(direct), float(gap))
