"""Names to places and back, offline."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.atlas.gazetteer import (
    distance_m,
    find_places,
    nearest_place,
    place_named,
    where_in_words,
)
from earwitness.errors import OptionError, PlaceError

# Latitude and longitude as encyclopaedias have them.
TRUE = {
    "Lisbon": (38.73, -9.14), "lisboa": (38.73, -9.14), "Zürich": (47.37, 8.54),
    "zurich": (47.37, 8.54), "München": (48.14, 11.58), "Munich": (48.14, 11.58),
    "Tokyo": (35.68, 139.69), "São Paulo": (-23.55, -46.63), "sao paulo": (-23.55, -46.63),
    "Reykjavik": (64.15, -21.94), "Nairobi": (-1.29, 36.82), "Suva": (-18.14, 178.44),
    "Cambridge, UK": (52.2, 0.12), "Cambridge, USA": (42.37, -71.11), "New York": (40.71, -74.0),
    "Paris": (48.86, 2.35), "Longyearbyen": None, "St. John's, Canada": (47.56, -52.71),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, place in TRUE.items() if place])
def test_a_town_is_found_where_it_is(name):
    place = place_named(name)
    assert distance_m((place.lat_deg, place.lon_deg), TRUE[name]) < 12_000


def test_the_most_populous_comes_first_and_the_limit_holds():
    found = find_places("Springfield", 4)
    assert len(found) == 4
    people = [place.population for place in found]
    assert people == sorted(people, reverse=True)


def test_a_name_that_is_none_is_told_with_what_is_near():
    assert find_places("Lisbn") == []
    with pytest.raises(PlaceError, match="Lisbon, Portugal"):
        place_named("Lisbn")
    with pytest.raises(PlaceError):
        place_named("")
    with pytest.raises(OptionError):
        find_places("Lisbon", 0)


@pytest.mark.parametrize("name", ["Lisbon", "Zürich", "Tokyo", "Suva", "Nairobi"])
def test_the_nearest_town_of_a_town_is_itself(name):
    place = place_named(name)
    assert nearest_place(place.lat_deg, place.lon_deg) == place


def test_the_nearest_is_found_across_the_date_line_and_near_the_pole():
    assert nearest_place(-16.8, -179.98).country == "Fiji"
    assert nearest_place(-16.8, 179.98) == nearest_place(-16.8, 179.98 - 360)
    assert nearest_place(90.0, 0.0) == nearest_place(90.0, 90.0)
    with pytest.raises(PlaceError):
        nearest_place(91.0, 0.0)


def test_where_is_said_with_way_and_side():
    place = place_named("Lisbon")
    assert where_in_words(place.lat_deg, place.lon_deg) == "Lisbon, Portugal"
    assert "west of" in where_in_words(38.7, -12.0)


def test_a_degree_along_a_meridian_is_111_km():
    assert distance_m((10.0, 20.0), (11.0, 20.0)) == pytest.approx(111_195, rel=1e-3)
    assert np.isclose(distance_m((0, 0), (0, 180)), np.pi * 6371008.8)
