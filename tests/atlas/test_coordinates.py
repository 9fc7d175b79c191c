"""Coordinates are read as people write them, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.atlas.coordinates import read_degrees

PARIS = (48.856667, 2.352222)


@pytest.mark.parametrize(
    "text",
    [
        "48.856667 2.352222",
        "48.856667,2.352222",
        " 48.856667 , +2.352222 ",
        "48°51'24\"N 2°21'8\"E",
        "48° 51′ 24″ N, 2° 21′ 8″ E",
        "N48°51.4′ E2°21.13333′",
        "2°21′8″E 48°51′24″N",
        "48.856667n 2.352222e",
    ],
)
def test_one_place_written_in_many_ways(text):
    assert read_degrees(text) == pytest.approx(PARIS, abs=1e-6)


def test_south_and_west_are_negative():
    assert read_degrees("40°26′46″S 79°58′56″W") == pytest.approx((-40.446111, -79.982222))


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_numbers_come_back_as_they_were_written(lat, lon):
    assert read_degrees(f"{lat:.6f} {lon:.6f}") == (round(lat, 6), round(lon, 6))


@pytest.mark.parametrize(
    "text",
    [
        "New York", "", "48.85", "1 2 3", "48,85 2,35", "48N 2.35", "48N 2N", "-5 N 3 E",
        "48°61′N 2°E", "nan 0", "1e3 2", "N48N 2E", "4852", "5 N", "9" * 40 + "x",
    ],
)  # fmt: skip
def test_what_is_no_pair_of_coordinates_is_none(text):
    assert read_degrees(text) is None
