"""The built-in imagery: NASA's Blue Marble, everywhere, offline, coarse (7.4 km a pixel)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.fetching import Fetcher
from earwitness.atlas.imagery.contract import Imagery, View
from earwitness.atlas.imagery.ground import around, grid
from earwitness.atlas.marble import ATTRIBUTION, COLUMNS, DEGREES_PER_PX, GROUND_M, ROWS, marble


class BlueMarble:
    """The whole Earth as a source of imagery; it needs no network.

    Examples
    --------
    >>> seen = BlueMarble().view(View(0.0, 0.0, 60e3, 2e3), None)  # doctest: +SKIP
    >>> seen.pixels.shape  # doctest: +SKIP
    (60, 60, 3)
    """

    @property
    def finest_m(self) -> float:
        """Metres per pixel."""
        return GROUND_M

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return a square, across the poles and the 180th meridian too."""
        del fetcher
        earth = marble()
        east, north = grid(view.size_px, view.ground_m)
        lat, lon = around(view.lat_deg, view.lon_deg, east, north)
        row = (90.0 - lat) / DEGREES_PER_PX - 0.5
        column = (lon + 180.0) / DEGREES_PER_PX - 0.5
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)
        down, across = (row - top)[..., None], (column - left)[..., None]

        def at(r: int, c: int) -> NDArray[np.float32]:
            rows = np.clip(top + r, 0, ROWS - 1)
            return np.asarray(earth[rows, (left + c) % COLUMNS], np.float32)

        upper = at(0, 0) * (1 - across) + at(0, 1) * across
        lower = at(1, 0) * (1 - across) + at(1, 1) * across
        pixels = np.rint(upper * (1 - down) + lower * down).astype(np.uint8)
        seen = np.ones(pixels.shape[:2], np.bool_)
        return Imagery(pixels, seen, view, GROUND_M, "Blue Marble (7.4 km per pixel)", ATTRIBUTION)
