"""What a worker does: the image of each cell of a tile, and its embedding.

A :class:`Job` is small and can be pickled; imagery and embedder are opened once in each process.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery.layers import Layer
from earwitness.atlas.maps.grid import centres
from earwitness.atlas.maps.ground import Ground, open_ground
from earwitness.errors import MapError

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

BATCH = 256
"""Images embedded at a time."""


@dataclass(frozen=True)
class Job:
    """All that a worker must know, the same for every tile.

    Parameters
    ----------
    tiles
        The imagery, by name or template.
    embedder
        The embedder's name or checkpoint; or an embedder that can be pickled.
    parallels
        Cells of the lattice from pole to pole.
    date
        ISO date for imagery that changes with it.
    month, hour
        When, as the embedder knows it; None leaves it open.
    utc
        Let ``hour`` be the same moment everywhere instead of the same local hour.
    allow_private
        Let imagery come from private addresses.
    """

    tiles: str
    embedder: str | Embedder
    parallels: int
    date: str | None = None
    month: int | None = None
    hour: float | None = None
    utc: bool = False
    allow_private: bool = False

    def opened(self) -> tuple[Ground, Embedder]:
        """Return the imagery and the embedder, opened once in this process."""
        ground = _ground(self.tiles, self.date, self.allow_private)
        if isinstance(self.embedder, str):
            return ground, _embedder(self.embedder)
        return ground, self.embedder

    def layer(self) -> Layer:
        """Return the layer that the job's embeddings belong to."""
        ground, embedder = self.opened()
        return Layer(
            imagery=ground.name,
            embedder=embedder.name,
            dim=embedder.dim,
            image_px=embedder.image_px,
            ground_m=float(embedder.ground_m),
            parallels=self.parallels,
            date=self.date if ground.dated else None,
            month=self.month,
            hour=self.hour,
            utc=self.utc and self.hour is not None,
        )


@functools.lru_cache(maxsize=2)
def _ground(tiles: str, date: str | None, allow_private: bool) -> Ground:
    return open_ground(tiles, date=date, allow_private=allow_private)


@functools.lru_cache(maxsize=1)
def _embedder(name: str) -> Embedder:
    from earwitness.atlas.embedders import load_embedder

    return load_embedder(name)


def local_hours(lon_deg: NDArray[np.float64], hour: float, *, utc: bool) -> NDArray[np.float64]:
    """Return the local solar hour at longitudes (n,) for an hour, 0 up to 24.

    Examples
    --------
    >>> local_hours(np.array([0.0, 90.0, -180.0]), 20, utc=True).tolist()
    [20.0, 2.0, 8.0]
    """
    if not utc:
        return np.full(len(lon_deg), float(hour))
    made: NDArray[np.float64] = (hour + lon_deg / 15) % 24
    return made


def embed_place(job: Job, lat_deg: float, lon_deg: float) -> NDArray[np.float32]:
    """Return the embedding of one place, shape ``(dim,)``, length 1.

    Raises
    ------
    MapError
        If there is no imagery.
    """
    ground, embedder = job.opened()
    lat, lon = np.array([lat_deg]), np.array([lon_deg])
    pixels, there = ground.crops(
        lat, lon, size_px=embedder.image_px, ground_m=float(embedder.ground_m)
    )
    if not there.all():
        raise MapError(f"there is no imagery at {lat_deg:g}, {lon_deg:g}; choose other --tiles")
    hour = None if job.hour is None else local_hours(lon, job.hour, utc=job.utc)
    month = None if job.month is None else np.array([job.month])
    made = embedder.images(pixels, lat_deg=lat, lon_deg=lon, month=month, hour=hour)
    unit: NDArray[np.float32] = made[0] / max(float(np.linalg.norm(made[0])), 1e-12)
    return unit


def embed_cells(job: Job, numbers: NDArray[np.int64]) -> NDArray[np.float16]:
    """Return the embeddings of cells.

    Parameters
    ----------
    job
        What imagery, which embedder, when.
    numbers
        The lattice's numbers, shape ``(n,)``.

    Returns
    -------
    array, shape (n, dim), float16
        Rows of zeros where there is no imagery. Half floats, as they are kept: so a map is the
        same from imagery and from what was kept.
    """
    ground, embedder = job.opened()
    made = np.zeros((len(numbers), embedder.dim), np.float16)
    for start in range(0, len(numbers), BATCH):
        lat, lon = centres(numbers[start : start + BATCH], job.parallels)
        pixels, there = ground.crops(
            lat, lon, size_px=embedder.image_px, ground_m=float(embedder.ground_m)
        )
        if not there.any():
            continue
        lat, lon = lat[there], lon[there]
        vectors = embedder.images(
            pixels[there],
            lat_deg=lat,
            lon_deg=lon,
            month=None if job.month is None else np.full(len(lat), job.month),
            hour=None if job.hour is None else local_hours(lon, job.hour, utc=job.utc),
        )
        if vectors.shape != (len(lat), embedder.dim) or not np.isfinite(vectors).all():
            raise MapError(
                f"the embedder {embedder.name!r} gave values of shape {vectors.shape} for "
                f"{len(lat)} images, or values that are no numbers; expected finite values of "
                f"shape {(len(lat), embedder.dim)}"
            )
        made[start : start + BATCH][there] = vectors
    return made
