"""What a source of imagery is, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.fetching import Fetcher
from earwitness.errors import PlaceError

SMALLEST_RADIUS_M = 5.0


@dataclass(frozen=True)
class View:
    """What is to be seen: a square around a place, its sides along the compass.

    Parameters
    ----------
    lat_deg, lon_deg
        The middle, degrees north and east; longitude in [−180, 180).
    radius_m
        Half the side, metres.
    ground_m
        Metres per pixel.
    date
        ISO date near which imagery is wanted, for sources that know dates; None is the newest.

    Raises
    ------
    PlaceError
        If the place is not on Earth, or the square is empty or larger than sources give.

    Examples
    --------
    >>> View(47.0, 190.0, radius_m=100.0, ground_m=0.5).size_px
    400
    >>> View(91, 0)
    Traceback (most recent call last):
    ...
    earwitness.errors.PlaceError: latitude 91; give -90 to 90 degrees north
    """

    lat_deg: float
    lon_deg: float
    radius_m: float = 300.0
    ground_m: float = 1.0
    date: str | None = None

    def __post_init__(self) -> None:
        if not -90.0 <= self.lat_deg <= 90.0:
            raise PlaceError(f"latitude {self.lat_deg:g}; give -90 to 90 degrees north")
        if not -360.0 <= self.lon_deg <= 360.0:
            raise PlaceError(f"longitude {self.lon_deg:g}; give -180 to 180 degrees east")
        if not 0.01 <= self.ground_m <= 20_000.0:
            raise PlaceError(f"{self.ground_m:g} m per pixel; give 0.01 to 20000")
        check_radius(self.radius_m)
        if not 16 <= self.size_px <= 4096:
            raise PlaceError(
                f"a square of {self.size_px} px (radius {self.radius_m:g} m at {self.ground_m:g} m "
                f"per pixel); choose a radius that gives 16 to 4096"
            )
        object.__setattr__(self, "lon_deg", (self.lon_deg + 180.0) % 360.0 - 180.0)

    @property
    def size_px(self) -> int:
        """Pixels on a side."""
        return round(2.0 * self.radius_m / self.ground_m)


def check_radius(radius_m: float) -> float:
    """Return a radius after checking that it is one that can be seen."""
    if not SMALLEST_RADIUS_M <= radius_m <= 500_000.0:  # NaN fails this too
        raise PlaceError(f"radius {radius_m:g} m; give {SMALLEST_RADIUS_M:g} to 500000 metres")
    return radius_m


@dataclass(frozen=True, eq=False)
class Imagery:
    """A square seen from above.

    Parameters
    ----------
    pixels
        uint8 ``(n, n, 3)``, north up, the place in the middle; black where nothing is seen.
    seen
        bool ``(n, n)``: where there is imagery.
    view
        What was asked for.
    native_m
        Metres per pixel of the source itself; above ``view.ground_m`` the picture is soft.
    source
        In words: which imagery, at which zoom or of which day.
    attribution
        Who is to be named wherever the picture is shown.
    """

    pixels: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    view: View
    native_m: float
    source: str
    attribution: str

    def __post_init__(self) -> None:
        n = self.view.size_px
        if self.pixels.shape != (n, n, 3) or self.seen.shape != (n, n):
            raise PlaceError(
                f"imagery of shape {self.pixels.shape} for a square of {n} px; the source "
                f"{self.source!r} does not keep its contract"
            )
        if not self.seen.any():
            raise PlaceError(
                f"{self.source} has nothing at {self.view.lat_deg:.4f}, {self.view.lon_deg:.4f} "
                f"(within {self.view.radius_m:g} m); choose another place or other --tiles"
            )


class TileSource(Protocol):
    """Imagery by place.

    A source is made from one word or none (a file, a name, a template) and asked for squares. It
    gives north up, resampled to the view's metres per pixel, and says where it has nothing; a view
    in which it has nothing at all is a :class:`~earwitness.errors.PlaceError`. It reaches the
    network through the fetcher that it is given and in no other way. Sources are found through the
    entry point group ``earwitness.tiles``.
    """

    @property
    def finest_m(self) -> float:
        """Metres per pixel of its finest imagery at the equator; what a view is best asked at."""
        ...

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return the square; ``fetcher`` is None where the network is not to be used."""
        ...
