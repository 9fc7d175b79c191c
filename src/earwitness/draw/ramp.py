"""Colours for numbers and for kinds, even to the eye.

Mixed in Oklab (B. Ottosson, "A perceptual color space for image processing", 2020), in which equal
steps look equal; lightness rises all along, so the ramp reads in grey and with colour-blindness.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from earwitness.draw.canvas import Colour

_TO_LMS = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)

# Lightness, chroma, hue in degrees: from a deep blue over teal to a pale yellow.
_STOPS = np.array(
    [
        [0.20, 0.075, 285.0],
        [0.36, 0.110, 262.0],
        [0.52, 0.095, 215.0],
        [0.68, 0.120, 165.0],
        [0.83, 0.165, 118.0],
        [0.96, 0.095, 100.0],
    ]
)
_STEPS = 256


def _rgb(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue_deg: NDArray[np.float64]
) -> NDArray[np.uint8]:
    hue = np.radians(hue_deg)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=-1)
    linear = np.clip((lab @ _TO_LMS.T) ** 3 @ _TO_RGB.T, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    made: NDArray[np.uint8] = np.rint(encoded * 255).astype(np.uint8)
    return made


@cache
def ramp() -> NDArray[np.uint8]:
    """Return 256 colours from low to high, shape ``(256, 3)``.

    Examples
    --------
    >>> light = ramp().astype(float) @ [0.2126, 0.7152, 0.0722]
    >>> bool((np.diff(light) > -1).all() and light[-1] - light[0] > 180)
    True
    """
    at = np.linspace(0, 1, _STEPS)
    stops = np.linspace(0, 1, len(_STOPS))
    parts = [np.interp(at, stops, column) for column in _STOPS.T]
    return _rgb(*parts)


@cache
def kinds(count: int) -> tuple[Colour, ...]:
    """Return colours for ``count`` kinds, as far from one another as the hues allow."""
    at = np.arange(count)
    hue = (40 + 360 * at / max(count, 1)) % 360
    light = np.array([0.72, 0.86, 0.60])[at % 3]
    rgb = _rgb(light, np.full(count, 0.14), hue)
    return tuple((int(r), int(g), int(b)) for r, g, b in rgb)


def painted(
    values: NDArray[np.float32], low: float, high: float, missing: Colour
) -> NDArray[np.uint8]:
    """Return values (…) as colours (…, 3); NaN in the colour ``missing``."""
    span = max(high - low, 1e-12)
    there = np.isfinite(values)
    share = np.clip((np.where(there, values, low) - low) / span, 0, 1)
    made: NDArray[np.uint8] = ramp()[np.rint(share * (_STEPS - 1)).astype(np.int64)]
    made[~there] = missing
    return made
