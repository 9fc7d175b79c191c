"""Where and when the built-in world was sampled, and how it is split by 10° cells."""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.world.layers import ROWS, STEP_DEG, layers
from earwitness.atlas.world.rules import BY_DAY, DAY

CELL_DEG = 10
CROP_PX = 16
SHARES = {"land": 0.52, "shore": 0.18, "town": 0.18, "sea": 0.12}
"""Kinds of place, and how many of each."""


def split_of(lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.str_]:
    """Return ``train``, ``val`` or ``test`` for places: whole cells of 10°, by a hash.

    Examples
    --------
    >>> cells = split_of([41.0, 49.0], [3.0, 8.0])
    >>> bool(cells[0] == cells[1])
    True
    """
    row = np.floor((np.asarray(lat_deg) + 90) / CELL_DEG).astype(int)
    column = np.floor((np.asarray(lon_deg) + 180) / CELL_DEG).astype(int)
    chance = [crc32(f"cell {r} {c}".encode()) / 2**32 for r, c in zip(row.flat, column.flat)]
    named = ["test" if c < 0.2 else "val" if c < 0.25 else "train" for c in chance]
    return np.array(named)


def sample_places(count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], ...]:
    """Draw places: evenly over the land's area, along shores, at towns by people, and at sea.

    Parameters
    ----------
    count
        How many.
    rng
        Chance.

    Returns
    -------
    lat_deg, lon_deg : array, shape (count,)
        In random order, between 85° south and north.
    """
    known = layers()
    lat = 90 - (np.arange(ROWS) + 0.5) * STEP_DEG
    area = np.where(np.abs(lat) < 85, np.cos(np.radians(lat)), 0.0)[:, None]
    from scipy.ndimage import uniform_filter

    shore = uniform_filter(known.sea, 9, mode=("nearest", "wrap"))
    chances = {
        "land": area * (known.sea < 0.5),
        "shore": area * ((shore > 0.1) & (shore < 0.9)),
        "town": np.sqrt(known.people) * (area > 0),
        "sea": area * (shore > 0.95),
    }
    rows, columns = [], []
    for kind, share in SHARES.items():
        total = np.cumsum(chances[kind].ravel(), dtype=np.float64)
        drawn = np.searchsorted(total, rng.random(round(share * count) + 1) * total[-1])
        row, column = np.unravel_index(drawn, known.sea.shape)
        rows.append(row)
        columns.append(column)
    order = rng.permutation(sum(map(len, rows)))[:count]
    row, column = np.concatenate(rows)[order], np.concatenate(columns)[order]
    jitter = rng.random((2, count))
    return 90 - (row + jitter[0]) * STEP_DEG, (column + jitter[1]) * STEP_DEG - 180


def sample_hours(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw hours as people record: mostly by day.

    Examples
    --------
    >>> bool((sample_hours(9, np.random.default_rng(0)) < 24).all())
    True
    """
    by_day = rng.uniform(*DAY, count)
    at = np.where(rng.random(count) < BY_DAY, by_day, rng.uniform(0, 24, count))
    return at.astype(np.int64)
