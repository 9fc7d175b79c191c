"""A region of the Earth and the lattice of cells that covers it.

Cells lie on one lattice for the whole Earth, which starts at 90° N, 180° W and whose step divides
180°. So a cell has one number wherever a region begins, and what was computed for it once is found
again by every other region. Latitude and longitude are in degrees, WGS 84.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError

TILE = 32
"""Cells along one side of a tile, which is what one worker does at a time."""

_NICE_STEPS = (1.0, 0.5, 0.25, 0.2, 0.1, 0.05, 0.025, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)
_WANTED = 64_800
_MOST_CELLS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Region:
    """A box between meridians and parallels; ``west > east`` on entry means across ±180°.

    Parameters
    ----------
    west, south, east, north
        Degrees. After construction ``-180 <= west < 180`` and ``west < east <= west + 360``, so a
        box across ±180° has an ``east`` above 180.

    Raises
    ------
    OptionError
        If a bound is no number or off the Earth, or the area is zero.

    Examples
    --------
    >>> Region(170, -20, -170, 0).width_deg
    20.0
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        west, south, east, north = (
            float(v) for v in (self.west, self.south, self.east, self.north)
        )
        shown = f"{west:g},{south:g},{east:g},{north:g}"
        if not all(math.isfinite(v) for v in (west, south, east, north)):
            raise OptionError(f"the region {shown} holds what is no number; give W,S,E,N degrees")
        for lat in (south, north):
            if not -90 <= lat <= 90:
                raise OptionError(
                    f"the region {shown} reaches latitude {lat:g}; allowed is -90 to 90. The order "
                    f"is west, south, east, north"
                )
        for lon in (west, east):
            if not -360 <= lon <= 360:
                raise OptionError(
                    f"the region {shown} reaches longitude {lon:g}; allowed is -180 to 180 (or up "
                    f"to 360 across the ±180° line). The order is west, south, east, north"
                )
        if south == north or west == east or (west, east) == (180, -180):
            raise OptionError(
                f"the region {shown} has no area; make west differ from east, and south from north"
            )
        if south > north:
            raise OptionError(
                f"the region {shown} has its south above its north; the order is west, south, "
                f"east, north"
            )
        width = east - west
        if width < 0:
            width += 360 * math.ceil(-width / 360)
        if width > 360 or width == 0:
            raise OptionError(f"the region {shown} goes round more than once; 360° is the most")
        west = (west + 180) % 360 - 180
        for name, value in zip(
            ("west", "south", "east", "north"), (west, south, west + width, north), strict=True
        ):
            object.__setattr__(self, name, value)

    @classmethod
    def parse(cls, words: str) -> Region:
        """Read ``W,S,E,N`` or ``world``.

        Examples
        --------
        >>> Region.parse("-10,35,30,60")
        Region(west=-10.0, south=35.0, east=30.0, north=60.0)
        """
        if words.strip().lower() == "world":
            return WORLD
        parts = words.replace(",", " ").split()
        try:
            west, south, east, north = (float(part) for part in parts)
        except ValueError:
            raise OptionError(
                f"{words!r} is no region; give west,south,east,north in degrees, such as "
                f"-10,35,30,60, or world"
            ) from None
        return cls(west, south, east, north)

    @property
    def width_deg(self) -> float:
        """Degrees from west to east."""
        return self.east - self.west


WORLD = Region(-180.0, -90.0, 180.0, 90.0)


@dataclass(frozen=True, slots=True)
class Tile:
    """A block of cells: rows and columns of the grid, ends left out."""

    row: int
    column: int
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The lattice cells that cover a region.

    Parameters
    ----------
    parallels
        Cells from pole to pole; the step is ``180 / parallels`` degrees.
    top, left
        The lattice's row and column of the grid's first cell.
    rows, columns
        Size of the grid.
    """

    parallels: int
    top: int
    left: int
    rows: int
    columns: int

    @classmethod
    def covering(cls, region: Region, step_deg: float | None = None) -> Grid:
        """Return the grid that covers a region, its bounds moved outwards to the lattice.

        Parameters
        ----------
        region
            What to cover.
        step_deg
            Degrees from cell to cell, a divisor of 180; None takes the finest of a few round steps
            that needs no more than about 65,000 cells.

        Raises
        ------
        OptionError
            If the step does not divide 180°, or makes too many cells.

        Examples
        --------
        >>> world = Grid.covering(WORLD)
        >>> world.step_deg, world.rows, world.columns
        (1.0, 180, 360)
        """
        if step_deg is None:
            area = region.width_deg * (region.north - region.south)
            fitting = [step for step in _NICE_STEPS if area / step**2 <= _WANTED * 1.001]
            step_deg = fitting[-1] if fitting else _NICE_STEPS[0]
        if not (math.isfinite(step_deg) and 0 < step_deg <= 45):
            raise OptionError(f"the step is {step_deg:g}°; allowed is above 0 up to 45")
        parallels = round(180 / step_deg)
        if abs(parallels * step_deg / 180 - 1) > 1e-6:
            raise OptionError(
                f"a step of {step_deg:g}° does not divide 180°; the nearest that does is "
                f"{180 / parallels:.8g}"
            )
        small = 1e-9 * parallels
        top = math.floor((90 - region.north) / 180 * parallels + small)
        bottom = math.ceil((90 - region.south) / 180 * parallels - small)
        left = math.floor((region.west + 180) / 180 * parallels + small)
        right = math.ceil((region.east + 180) / 180 * parallels - small)
        columns = min(max(right - left, 1), 2 * parallels)
        grid = cls(parallels, top, left, max(bottom - top, 1), columns)
        if grid.cells > _MOST_CELLS:
            raise OptionError(
                f"a step of {step_deg:g}° makes {grid.cells:,} cells of this region; the most is "
                f"{_MOST_CELLS:,}. Take a larger step or a smaller region"
            )
        return grid

    @property
    def step_deg(self) -> float:
        """Degrees from cell to cell."""
        return 180 / self.parallels

    @property
    def cells(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of the cells' outer edges, degrees; east may exceed 180."""
        step = self.parallels
        return (
            180 * self.left / step - 180,
            90 - 180 * (self.top + self.rows) / step,
            180 * (self.left + self.columns) / step - 180,
            90 - 180 * self.top / step,
        )

    def tiles(self) -> Iterator[Tile]:
        """Yield the blocks of the tiling plan, row by row, from the north-west."""
        for row in range(0, self.rows, TILE):
            for column in range(0, self.columns, TILE):
                yield Tile(
                    row,
                    column,
                    min(TILE, self.rows - row),
                    min(TILE, self.columns - column),
                )

    def numbers(self, tile: Tile) -> NDArray[np.int64]:
        """Return the lattice's numbers of a tile's cells, row by row, shape ``(n,)``."""
        rows = self.top + tile.row + np.arange(tile.rows, dtype=np.int64)
        columns = self.left + tile.column + np.arange(tile.columns, dtype=np.int64)
        around = 2 * self.parallels
        return (rows[:, None] * around + columns[None, :] % around).ravel()

    def places(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where cells lie in the grid, as ``row * columns + column``; -1 outside."""
        around = 2 * self.parallels
        row = numbers // around - self.top
        column = (numbers % around - self.left) % around
        inside = (row >= 0) & (row < self.rows) & (column < self.columns)
        return np.where(inside, row * self.columns + column, -1)

    def find(self, lat_deg: NDArray[np.float64], lon_deg: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return in which cell points lie, as ``row * columns + column``; -1 outside."""
        around = 2 * self.parallels
        row = np.floor((90 - lat_deg) / 180 * self.parallels).astype(np.int64)
        row = np.minimum(row, self.parallels - 1) - self.top
        column = np.floor((lon_deg + 180) / 180 * self.parallels).astype(np.int64)
        column = (column - self.left) % around
        inside = (row >= 0) & (row < self.rows) & (column < self.columns)
        return np.where(inside, row * self.columns + column, -1)


def centres(
    numbers: NDArray[np.int64], parallels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return latitude and longitude of the middle of cells.

    Parameters
    ----------
    numbers
        The lattice's numbers, shape ``(n,)``.
    parallels
        Cells from pole to pole.

    Returns
    -------
    lat_deg, lon_deg : arrays, shape (n,)
        Longitude from -180 up to 180.
    """
    rows, columns = np.divmod(numbers, 2 * parallels)
    lat = 90 - 180 * (rows + 0.5) / parallels
    lon = 180 * (columns + 0.5) / parallels - 180
    return lat, lon
