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
from earwitness.atlas.marble import crops
from earwitness.atlas.place.moment import Moment
from earwitness.scene import Bed, Source, concepts, frame

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

ASKED = (
    "sea-waves", "surf-sand", "gull", "harbour", "river", "stream", "lake-lapping",
    "tropical-forest", "wind-trees", "songbird", "dawn-chorus", "crickets", "cicadas", "frogs",
    "savanna-night", "owl", "cow", "sheep", "tractor", "traffic", "crowd", "church-bells", "train",
    "jet", "wind-desert", "wind-polar", "wind-mountain", "wind", "ice", "thunder-far",
)  # fmt: skip
"""Concepts that a place is asked for: those of places, not of single things."""

GRID = 7
SPACING_M = 20_000.0
"""The embedder is asked at so many places around, this far apart."""

COMPARED = 600
LEAST_Z = 0.75
"""How far above the Earth's mean, in standard deviations, a concept has to be to be heard."""

MOST = 7
NEAREST_TOWN_M = 4_000.0

# In the open a concept of the land cannot be where the sea is, and the other way round.
_NIGHT = {"owl", "crickets", "frogs", "savanna-night"}
_DAY = {"songbird", "gull", "cow", "sheep", "tractor", "cicadas", "crowd"}
_DAWN = {"dawn-chorus"}


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
    heading_deg
        Where the listener looks, clockwise from north.
    rng
        For what has no direction.
    """
    chosen: dict[str, float] = {}
    for index in np.argsort(-scores.here):
        name, z = scores.names[index], float(scores.here[index])
        if z >= LEAST_Z and _awake(name, at) and len(chosen) < MOST:
            chosen[name] = z
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
    red, green, blue = crops(lat_deg, lon_deg, size_px)[0].astype(np.float64).transpose(2, 0, 1)
    sea = (blue > 1.35 * red + 6) & (blue > 1.05 * green)
    return float(sea.mean())
