"""Places of the built-in world where nobody recorded: what they look like and what rules say.

Sounds are dear to make and to embed; a picture and the rules' word on a place cost next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.marble import crops
from earwitness.atlas.telling import Progress, silent
from earwitness.atlas.world.captions import VARIANTS, looks
from earwitness.atlas.world.layers import ground
from earwitness.atlas.world.lessons import known_by
from earwitness.atlas.world.places import CROP_PX, sample_hours, sample_places, split_of
from earwitness.atlas.world.rules import likely, likely_whenever, mixture
from earwitness.atlas.world.table import names
from earwitness.errors import OptionError

_BLOCK = 2000
_SEED = 5


@dataclass(frozen=True, eq=False, slots=True)
class Survey:
    """Places of one split.

    Parameters
    ----------
    pixels : array, shape (n, 16, 16, 3), uint8
        Blue Marble round each.
    lat_deg, lon_deg : array, shape (n,)
        Where.
    month, hour : array, shape (n,), int
        A date for each, as recordings have them.
    dated, whenever : array, shape (n, prototypes), float32
        How likely each has each prototype (:func:`earwitness.atlas.world.lessons.prototypes`), at
        that date and at none.
    """

    pixels: NDArray[np.uint8]
    lat_deg: NDArray[np.float64]
    lon_deg: NDArray[np.float64]
    month: NDArray[np.int64]
    hour: NDArray[np.int64]
    dated: NDArray[np.float32]
    whenever: NDArray[np.float32]

    def __len__(self) -> int:
        """Return how many places there are."""
        return len(self.lat_deg)


def survey(
    count: int, *, split: str = "train", seed: int = 0, progress: Progress = silent
) -> Survey:
    """Look at places (some seconds for each ten thousand).

    Parameters
    ----------
    count
        How many, at least 1.
    split
        Only in cells of 10° of this split.
    seed
        Same seed, same places; others than those of a world of that seed.
    progress
        Told how far it is.

    Raises
    ------
    OptionError
        If the count makes no sense.
    PluginError
        If a package of the extra ``[world]`` is missing.
    """
    if not 1 <= count <= 1_000_000:
        raise OptionError(f"{count} places to survey; allowed is 1 to 1000000")
    rng = np.random.default_rng([seed, _SEED])
    found: list[NDArray[np.float64]] = []
    while sum(part.shape[1] for part in found) < count:
        drawn = np.stack(sample_places(2 * count, rng))
        found.append(drawn[:, split_of(*drawn) == split])
    lat, lon = np.concatenate(found, axis=1)[:, :count]
    month, hour = rng.integers(1, 13, count), sample_hours(count, rng)
    variant = rng.integers(0, VARIANTS, count)
    dated, whenever = [], []
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        around = ground(lat[part], lon[part])
        told = looks(around, variant[part])
        undated = known_by(likely_whenever(around, every_h=2), told, around)
        on_a_day = undated.copy()  # looks and groups are the same on every day
        on_a_day[:, : len(names())] = likely(mixture(around, month[part], hour[part]))
        whenever.append(undated)
        dated.append(on_a_day)
        progress("surveying places", min(start + _BLOCK, count) / count)
    return Survey(
        crops(lat, lon, CROP_PX), lat, lon, month, hour,
        np.concatenate(dated), np.concatenate(whenever),
    )  # fmt: skip
