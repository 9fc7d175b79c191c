"""Regions and their cells: one lattice for the Earth, across ±180° and up to the poles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earwitness.atlas.maps.grid import WORLD, Grid, Region, centres
from earwitness.errors import OptionError

regions = st.builds(
    lambda west, width, south, height: Region(
        west, south, min(360.0, west + width), min(90.0, south + height)
    ),
    st.floats(-180, 179),
    st.floats(0.5, 360),
    st.floats(-90, 89),
    st.floats(0.5, 180),
)
steps = st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.5])


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((0, 0, 0, 10), "no area"),
        ((0, 5, 10, 5), "no area"),
        ((0, 0, 10, 91), "latitude 91"),
        ((0, -90.5, 10, 0), "latitude -90.5"),
        ((-400, 0, 10, 10), "longitude -400"),
        ((0, 20, 10, 10), "south above its north"),
        ((float("nan"), 0, 10, 10), "no number"),
        ((-180, 0, 360, 10), "more than once"),
        ((180, 0, -180, 10), "no area"),
    ],
)
def test_a_region_that_is_none_is_refused_with_what_is_wrong(box, said) -> None:
    with pytest.raises(OptionError, match=said):
        Region(*box)


@pytest.mark.parametrize("words", ["", "1,2,3", "1,2,3,north", "1,2,3,4,5"])
def test_words_that_are_no_region_are_refused(words) -> None:
    with pytest.raises(OptionError, match="no region"):
        Region.parse(words)


def test_west_above_east_goes_across_the_180th_meridian() -> None:
    across = Grid.covering(Region(170, -20, -170, 0), 1.0)
    assert across.bounds == (170.0, -20.0, 190.0, 0.0)
    lons = centres(across.numbers(next(across.tiles())), across.parallels)[1]
    assert set(np.sign(lons)) == {-1.0, 1.0}
    assert np.abs(lons).min() > 169


@pytest.mark.parametrize("step", [0.7, 46, 0, -1, float("inf")])
def test_a_step_that_does_not_divide_the_earth_is_refused(step) -> None:
    with pytest.raises(OptionError, match="step"):
        Grid.covering(WORLD, step)


def test_too_many_cells_are_refused_before_anything_is_computed() -> None:
    with pytest.raises(OptionError, match="cells"):
        Grid.covering(WORLD, 0.001)


@settings(max_examples=60, deadline=None)
@given(regions, steps)
def test_the_cells_cover_the_region_and_no_more_than_a_cell_beyond(region, step) -> None:
    grid = Grid.covering(region, step)
    west, south, east, north = grid.bounds
    near = 1e-6
    assert south <= region.south + near and north >= region.north - near
    assert region.south - south < step + near and north - region.north < step + near
    assert (west <= region.west + near and east >= region.east - near) or east - west > 359.9
    assert -90 <= south < north <= 90


@settings(max_examples=40, deadline=None)
@given(regions, steps)
def test_tiles_hold_every_cell_once_and_cells_know_their_place(region, step) -> None:
    grid = Grid.covering(region, step)
    numbers = np.concatenate([grid.numbers(tile) for tile in grid.tiles()])
    assert len(numbers) == grid.cells == len(np.unique(numbers))
    assert np.array_equal(np.sort(grid.places(numbers)), np.arange(grid.cells))
    lat, lon = centres(numbers, grid.parallels)
    assert np.array_equal(grid.find(lat, lon), grid.places(numbers))
    assert (np.abs(lat) < 90).all() and (lon >= -180).all() and (lon < 180).all()


@settings(max_examples=40, deadline=None)
@given(regions, regions, steps)
def test_a_cell_has_one_number_in_every_region(one, other, step) -> None:
    a, b = Grid.covering(one, step), Grid.covering(other, step)
    for grid, beside in ((a, b), (b, a)):
        numbers = grid.numbers(next(grid.tiles()))
        shared = numbers[beside.places(numbers) >= 0]
        lat, lon = centres(shared, step_parallels := round(180 / step))
        assert np.array_equal(beside.find(lat, lon), beside.places(shared))
        assert step_parallels == grid.parallels


def test_the_world_reaches_both_poles() -> None:
    world = Grid.covering(WORLD)
    assert (world.rows, world.columns, world.step_deg) == (180, 360, 1.0)
    at = world.find(np.array([90.0, -90.0, 0.0]), np.array([0.0, 180.0, -180.0]))
    assert (at >= 0).all()


def test_a_small_region_has_small_cells() -> None:
    assert Grid.covering(Region(-10, 35, 30, 60)).step_deg == 0.2
    assert Grid.covering(Region(8.0, 47.0, 8.1, 47.1)).step_deg <= 0.0005
