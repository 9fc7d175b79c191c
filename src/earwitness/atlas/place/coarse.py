"""A place in coarse imagery: which concepts explain it, by the embedder; where, by a grid around.

At seven kilometres a pixel no river and no road is seen. What comes back is what places that look
like this one sound like, towards where it looks more like it; distances are not known, and sources
are put where they can be heard.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.imagery.ground import around
from earwitness.atlas.marble import crops
from earwitness.atlas.place.explained import explained
from earwitness.atlas.place.moment import Moment
from earwitness.errors import SceneError
from earwitness.scene import Bed, Source, concepts, frame

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

Range = tuple[float, float]

GRID = 7
SPACING_M = 20_000.0
"""The embedder is asked at so many places around, this far apart."""

LEAST_SHARE = 0.15
"""Part of the strongest concept's weight that a concept has to have to be heard."""

MOST = 7
NEAREST_TOWN_M = 4_000.0
TOWN_PEOPLE = 20_000

_COAST = {"sea-waves", "surf-sand", "gull", "harbour"}
_STEP = 0.2
"""Likeness that makes a concept e times as likely on one side as on another."""


@dataclass(frozen=True)
class Limits:
    """Where and when a concept can be at all: one table of ``coarse.toml``."""

    sun: Range = (-90.0, 90.0)
    hour: Range = (0.0, 24.0)
    warm: Range = (-90.0, 90.0)
    people: float = 0.0
    sea: Range = (0.0, 1.0)
    least: float = LEAST_SHARE


@dataclass(frozen=True)
class Around:
    """What is known of a place beside its image.

    Parameters
    ----------
    at
        When.
    warm_c
        Usual temperature of the month at that latitude, °C, roughly.
    people
        Within some sixty kilometres.
    town
        People and distance (metres) of the nearest town.
    sea_share
        Share of sea within some sixty kilometres.
    sea
        Towards where the sea is, if it is near: bearing and spread, degrees.
    """

    at: Moment
    warm_c: float
    people: int = 0
    town: tuple[int, float] | None = None
    sea_share: float = 0.0
    sea: tuple[float, float] | None = None

    def allows(self, limits: Limits) -> bool:
        """Return whether a concept of such limits can be here, now."""
        return (
            limits.sun[0] <= self.at.sun_deg <= limits.sun[1]
            and limits.hour[0] <= self.at.hour <= limits.hour[1]
            and limits.warm[0] <= self.warm_c <= limits.warm[1]
            and self.people >= limits.people
            and limits.sea[0] <= self.sea_share <= limits.sea[1]
        )

    @property
    def in_town(self) -> bool:
        """Whether a town reaches here: it does by about the square root of its people."""
        if self.town is None:
            return False
        people, away = self.town
        return people >= TOWN_PEOPLE and away < NEAREST_TOWN_M + 6.0 * np.sqrt(people)


@cache
def asked() -> Mapping[str, Limits]:
    """Return the concepts that a place is asked for, with their limits.

    Raises
    ------
    SceneError
        If the data file is wrong.

    Examples
    --------
    >>> asked()["ice"].warm[1] < 5
    True
    """
    table = tomllib.loads(files(__package__).joinpath("coarse.toml").read_text("utf-8"))
    known = {field.name for field in fields(Limits)}
    made = {}
    for name, row in table.items():
        where = f"coarse.toml {name}"
        if name not in concepts():
            raise SceneError(where, name, "a key of the vocabulary")
        if wrong := set(row) - known:
            raise SceneError(where, sorted(wrong), f"only {', '.join(sorted(known))}")
        ranges = {key: tuple(value) for key, value in row.items() if isinstance(value, list)}
        for key, value in ranges.items():
            if len(value) != 2 or not value[0] < value[1]:
                raise SceneError(f"{where} {key}", row[key], "two numbers, the lower first")
        made[name] = Limits(**{**row, **ranges})
    return MappingProxyType(made)


@dataclass(frozen=True, eq=False)
class Scores:
    """How much of each concept a place and its surroundings have.

    Parameters
    ----------
    names
        Concepts, C of them.
    weight
        float ``(C, GRID, GRID)``: how much of it explains the image, row 0 in the north; the place
        is in the middle.
    likeness
        float ``(C, GRID, GRID)``: cosine similarity of image and words.
    """

    names: tuple[str, ...]
    weight: NDArray[np.float64]
    likeness: NDArray[np.float64]

    @property
    def here(self) -> NDArray[np.float64]:
        """The weights in the middle of the grid, ``(C,)``."""
        return np.asarray(self.weight[:, GRID // 2, GRID // 2])


def _words(embedder: Embedder) -> NDArray[np.float64]:
    """Return one vector for each concept: the mean over several ways to say it."""
    from earwitness.atlas.world.table import soundings

    said = {one.voice: (*one.heard, *one.seen) for one in soundings().values()}
    phrases = [(name, said.get(name, (concepts()[name].label,))) for name in asked()]
    vectors = embedder.texts([phrase for _, several in phrases for phrase in several])
    ends = np.cumsum([len(several) for _, several in phrases])[:-1]
    means = np.stack([part.mean(axis=0) for part in np.split(vectors, ends)])
    return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float64)


def place_scores(embedder: Embedder, lat_deg: float, lon_deg: float, at: Moment) -> Scores:
    """Return how much of each concept of :func:`asked` a place has, and the land around it.

    Parameters
    ----------
    embedder
        One that reads the Blue Marble.
    lat_deg, lon_deg
        Degrees north and east.
    at
        When.
    """
    words = _words(embedder)
    steps = (np.arange(GRID) - GRID // 2) * SPACING_M
    east, south = np.meshgrid(steps, steps)
    lat, lon = around(lat_deg, lon_deg, east.ravel(), -south.ravel())
    images = embedder.images(
        crops(lat, lon, embedder.image_px), lat_deg=lat, lon_deg=lon, month=at.month, hour=at.hour
    )
    shape = (len(words), GRID, GRID)
    return Scores(
        tuple(asked()),
        explained(images, words).T.reshape(shape),
        np.asarray((images @ words.T).T.reshape(shape), np.float64),
    )


def chosen(scores: Scores, place: Around) -> dict[str, float]:
    """Return what is heard at a place, each with its part of the strongest, the strongest first.

    Parameters
    ----------
    scores
        From :func:`place_scores`.
    place
        What else is known: what cannot be there then is left out, whatever the embedder says.
    """
    able = {
        name: float(weight)
        for name, weight in zip(scores.names, scores.here, strict=True)
        if place.allows(asked()[name])
    }
    most = max(able.values(), default=0.0)
    kept = {
        name: weight / most
        for name, weight in sorted(able.items(), key=lambda item: -item[1])
        if most > 0 and weight / most >= asked()[name].least
    }
    kept = dict(list(kept.items())[:MOST])
    if place.sea is not None and place.allows(asked()["sea-waves"]):
        kept = {"sea-waves": max(0.5, kept.pop("sea-waves", 0.0)), **kept}
    if place.in_town:
        kept.setdefault("traffic", 0.5)
        if place.at.sun_deg > 0:
            kept.setdefault("crowd", 0.4)
    return kept


def compose_coarse(
    scores: Scores,
    place: Around,
    *,
    heading_deg: float = 0.0,
    rng: np.random.Generator,
) -> tuple[tuple[Source, ...], tuple[Bed, ...]]:
    """Return what is heard at a place in coarse imagery, not yet balanced.

    Parameters
    ----------
    scores
        From :func:`place_scores`.
    place
        What else is known of it: time, town, sea.
    heading_deg
        Where the listener looks, clockwise from north.
    rng
        For what has no direction.
    """
    sources: list[Source] = []
    beds: list[Bed] = []
    for name, share in chosen(scores, place).items():
        known = concepts()[name]
        # What explains more of the place is a little louder; nothing else is known of its strength.
        gain = float(np.clip(3.0 + 7.0 * np.log10(share), -3.0, 3.0))
        if known.kind == "bed":
            beds.append(Bed(f"{name}-1", known.label, name, known.level_db + gain))
            continue
        bearing, sharp = direction(scores.likeness[scores.names.index(name)] / _STEP)
        if name in _COAST and place.sea is not None:
            bearing, sharp = place.sea[0], 1.0 - place.sea[1] / 360.0
        if known.kind == "point" or sharp < 0.05:
            bearing = float(rng.uniform(0, 360)) if sharp < 0.05 else bearing + rng.normal(0, 30)
        metres = float(np.clip(10 ** ((known.level_db - 62.0) / 20.0), 4.0, 300.0))
        height = 5.0 if known.family == "biophony" and known.size_m < 0.6 else 0.0
        where = frame.xyz(heading_deg - bearing, 0.0, metres)
        wide = known.kind == "area"
        sources.append(
            Source(
                f"{name}-1",
                known.label,
                name,
                "area" if wide else "point",
                level_db=known.level_db + gain,
                positions=((0.0, *(round(float(v), 3) for v in where[:2]), height),),
                spread_deg=round(float(np.clip(200.0 - 160.0 * sharp, 60.0, 200.0)), 1)
                if wide
                else 0.0,
            )
        )
    if not beds:
        beds.append(Bed("wind-1", "a light wind", "wind", concepts()["wind"].level_db))
    return tuple(sources), tuple(beds)


def direction(z: NDArray[np.floating]) -> tuple[float, float]:
    """Return towards where a concept grows: bearing in degrees, and how sharply, 0 to 1.

    Parameters
    ----------
    z
        ``(n, n)``, row 0 in the north: logarithms of odds, but for a constant.

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
