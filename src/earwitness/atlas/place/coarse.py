"""A place in coarse imagery: which concepts go with it, by the embedder; where, by a grid around.

At seven kilometres a pixel no river and no road is seen. What comes back is what places that look
like this one sound like, towards where it looks more like it; distances are not known, and sources
are put where they can be heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.imagery.ground import around
from earwitness.atlas.marble import COLUMNS, DEGREES_PER_PX, ROWS, crops, marble
from earwitness.atlas.place.areas import areas
from earwitness.atlas.place.moment import Moment
from earwitness.scene import Bed, Source, concepts, frame

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

ASKED = (
    "sea-waves", "surf-sand", "gull", "lake-lapping", "ice", "tropical-forest", "monkey",
    "cicadas", "wind-trees", "songbird", "dawn-chorus", "owl", "crickets", "frogs",
    "grasshoppers", "savanna-night", "wind", "wind-desert", "wind-polar", "wind-mountain", "cow",
    "sheep", "tractor", "traffic", "crowd", "harbour", "jet", "rain-heavy", "thunder-far",
)  # fmt: skip
"""Concepts that a place is asked for: those that the built-in embedder was trained to tell."""

GRID = 7
SPACING_M = 20_000.0
"""The embedder is asked at so many places around, this far apart."""

COMPARED = 2400
SEA_COMPARED = 0.25
"""Places that a place is compared with, spread evenly over the Earth; of the sea only so many that
they are this share of all, for most who ask ask about land."""

LEAST_Z = 0.6
"""How far above their mean, in standard deviations, a concept has to be to be heard."""

MOST = 7
NEAREST_TOWN_M = 4_000.0

_COAST = {"sea-waves", "surf-sand", "gull", "harbour"}
_SEA_NEAR_M = 14_500.0
_NIGHT = {"owl", "crickets", "frogs", "savanna-night"}
_DAY = {"songbird", "gull", "cow", "sheep", "tractor", "cicadas", "crowd", "grasshoppers"}
_DAWN = {"dawn-chorus"}
_WEATHER_Z = {"rain-heavy": 1.5, "thunder-far": 1.5}
"""Weather comes and goes: it is heard only where it belongs."""


@dataclass(frozen=True, eq=False)
class Scores:
    """How much each concept goes with a place and its surroundings.

    Parameters
    ----------
    names
        Concepts, C of them.
    z
        float ``(C, GRID, GRID)``: standard deviations above the mean of the Earth, row 0 in the
        north; the place is in the middle.
    """

    names: tuple[str, ...]
    z: NDArray[np.float64]

    @property
    def here(self) -> NDArray[np.float64]:
        """The middle of the grid, ``(C,)``."""
        return np.asarray(self.z[:, GRID // 2, GRID // 2])


def earth_points(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return places spread evenly over the Earth (a Fibonacci lattice), degrees."""
    number = np.arange(count) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * number / count))
    lon = (number * 180.0 * (3.0 - np.sqrt(5.0)) + 180.0) % 360.0 - 180.0
    return lat, lon


def _earth(embedder: Embedder, month: int, hour: float) -> tuple[NDArray[np.float32], ...]:
    """Return the words' vectors and the mean and deviation of each concept's score over Earth."""
    words = embedder.texts([concepts()[name].label for name in ASKED])
    lat, lon = earth_points(COMPARED)
    wet = is_sea(crops(lat, lon, 2)).mean(axis=(1, 2)) > 0.5
    every = max(1, round(wet.sum() * (1 - SEA_COMPARED) / SEA_COMPARED / max(1, (~wet).sum())))
    kept = ~wet
    kept[np.flatnonzero(wet)[::every]] = True
    lat, lon = lat[kept], lon[kept]
    images = embedder.images(
        crops(lat, lon, embedder.image_px), lat_deg=lat, lon_deg=lon, month=month, hour=hour
    )
    scores = images @ words.T
    return words, scores.mean(axis=0), np.maximum(scores.std(axis=0), 1e-6)


def place_scores(embedder: Embedder, lat_deg: float, lon_deg: float, at: Moment) -> Scores:
    """Return how much each concept of :data:`ASKED` goes with a place and around it.

    Parameters
    ----------
    embedder
        One that reads the Blue Marble.
    lat_deg, lon_deg
        Degrees north and east.
    at
        When.
    """
    words, mean, deviation = _earth(embedder, at.month, at.hour)
    steps = (np.arange(GRID) - GRID // 2) * SPACING_M
    east, south = np.meshgrid(steps, steps)
    lat, lon = around(lat_deg, lon_deg, east.ravel(), -south.ravel())
    images = embedder.images(
        crops(lat, lon, embedder.image_px), lat_deg=lat, lon_deg=lon, month=at.month, hour=at.hour
    )
    z = (images @ words.T - mean) / deviation
    return Scores(ASKED, np.asarray(z.T.reshape(len(ASKED), GRID, GRID), np.float64))


def compose_coarse(
    scores: Scores,
    at: Moment,
    *,
    town: tuple[str, int, float] | None = None,
    sea: tuple[float, float] | None = None,
    heading_deg: float = 0.0,
    rng: np.random.Generator,
) -> tuple[tuple[Source, ...], tuple[Bed, ...]]:
    """Return what is heard at a place in coarse imagery, not yet balanced.

    Parameters
    ----------
    scores
        From :func:`place_scores`.
    at
        When: what sleeps is silent.
    town
        Name, people and distance (metres) of the nearest town, which the imagery may not show.
    sea
        From :func:`sea_side`: towards where the sea is, if it is near.
    heading_deg
        Where the listener looks, clockwise from north.
    rng
        For what has no direction.
    """
    chosen: dict[str, float] = {}
    for index in np.argsort(-scores.here):
        name, z = scores.names[index], float(scores.here[index])
        if z >= _WEATHER_Z.get(name, LEAST_Z) and _awake(name, at) and len(chosen) < MOST:
            chosen[name] = z
    if sea is not None:
        chosen = {"sea-waves": max(1.0, chosen.pop("sea-waves", 1.0)), **chosen}
    if town is not None:
        _, people, away = town
        # A town reaches out by about the square root of its people.
        inside = away < NEAREST_TOWN_M + 6.0 * np.sqrt(people)
        if inside and people >= 20_000:
            chosen.setdefault("traffic", 1.0)
            if at.sun_deg > 0:
                chosen.setdefault("crowd", 0.8)
    if not chosen:
        best = next(i for i in np.argsort(-scores.here) if _awake(scores.names[i], at))
        chosen[scores.names[best]] = float(scores.here[best])
    sources: list[Source] = []
    beds: list[Bed] = []
    for name, z in chosen.items():
        known = concepts()[name]
        # A surer concept is a little louder; nothing else is known of its strength.
        gain = float(np.clip(2.0 * (z - 1.0), -3.0, 4.0))
        if known.kind == "bed":
            beds.append(Bed(f"{name}-1", known.label, name, known.level_db + gain))
            continue
        bearing, sharp = direction(scores.z[scores.names.index(name)])
        if name in _COAST and sea is not None:
            bearing, sharp = sea[0], 1.0 - sea[1] / 360.0
        if known.kind == "point" or sharp < 0.05:
            bearing = float(rng.uniform(0, 360)) if sharp < 0.05 else bearing + rng.normal(0, 30)
        metres = float(np.clip(10 ** ((known.level_db - 62.0) / 20.0), 4.0, 300.0))
        height = 5.0 if known.family == "biophony" and known.size_m < 0.6 else 0.0
        place = frame.xyz(heading_deg - bearing, 0.0, metres)
        wide = known.kind == "area"
        sources.append(
            Source(
                f"{name}-1",
                known.label,
                name,
                "area" if wide else "point",
                level_db=known.level_db + gain,
                positions=((0.0, *(round(float(v), 3) for v in place[:2]), height),),
                spread_deg=round(float(np.clip(200.0 - 160.0 * sharp, 60.0, 200.0)), 1)
                if wide
                else 0.0,
            )
        )
    if not beds:
        beds.append(Bed("wind-1", "a light wind", "wind", concepts()["wind"].level_db))
    return tuple(sources), tuple(beds)


def _awake(name: str, at: Moment) -> bool:
    if name in _NIGHT:
        return at.sun_deg < 0
    if name in _DAWN:
        return -8 <= at.sun_deg <= 8
    return name not in _DAY or at.sun_deg > -4


def direction(z: NDArray[np.floating]) -> tuple[float, float]:
    """Return towards where a concept grows: bearing in degrees, and how sharply, 0 to 1.

    Parameters
    ----------
    z
        ``(n, n)``, row 0 in the north.

    Examples
    --------
    >>> west = np.tile(np.linspace(2, -2, 7), (7, 1))
    >>> bearing, sharp = direction(west)
    >>> round(bearing), sharp > 0.5
    (270, True)
    """
    n = z.shape[0]
    steps = np.arange(n) - n // 2
    east, south = np.meshgrid(steps, steps)
    ring = np.hypot(east, south)
    used = (ring > 0) & (ring <= n / 2)
    odds = np.exp(np.clip(np.asarray(z, float)[used], -8, 8))
    unit = (east[used] - 1j * south[used]) / ring[used]
    vector = (odds * unit).sum() / odds.sum()
    return float(np.degrees(np.arctan2(vector.real, vector.imag))) % 360.0, float(abs(vector))


def sea_share(lat_deg: float, lon_deg: float, size_px: int = 16) -> float:
    """Return the share of sea within some sixty kilometres, by the colours of the Blue Marble."""
    return float(is_sea(crops(lat_deg, lon_deg, size_px)).mean())


def sea_side(lat_deg: float, lon_deg: float) -> tuple[float, float] | None:
    """Return towards where the sea is, if it is within a pixel or so: bearing and spread, degrees.

    Parameters
    ----------
    lat_deg, lon_deg
        Degrees north and east.

    Returns
    -------
    tuple of float, or None
        The spread is 360 out at sea.
    """
    n, patch_m = 13, 4_000.0
    at = (np.arange(n) - n // 2) * patch_m
    east, south = np.meshgrid(at, at)
    lat, lon = around(lat_deg, lon_deg, east.ravel(), -south.ravel())
    row = np.clip(((90.0 - lat) / DEGREES_PER_PX).astype(int), 0, ROWS - 1)
    column = ((lon + 180.0) / DEGREES_PER_PX).astype(int) % COLUMNS
    sea = is_sea(marble()[row, column]).reshape(n, n)
    near = sea & (np.hypot(east, south) <= 5 * patch_m)
    if not (near & (np.hypot(east, south) <= _SEA_NEAR_M)).any():
        return None
    if sea.mean() > 0.9:
        return 0.0, 360.0
    # The pixel underfoot is land that is too small to be seen; it tells no side.
    near[n // 2, n // 2] = False
    found = areas("sea", near.astype(float), patch_m)
    return (found[0].bearing_deg, found[0].spread_deg) if found else (0.0, 360.0)


def is_sea(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels of the Blue Marble ``(..., 3)`` are sea, by their colour."""
    red, green, blue = np.moveaxis(pixels.astype(np.float64), -1, 0)
    return np.asarray((blue > 1.35 * red + 6) & (blue > 1.05 * green))
