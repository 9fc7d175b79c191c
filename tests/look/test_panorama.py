"""Panoramas: flat views know their directions, and what they see is put together again."""

import numpy as np
import pytest

from earwitness.look.panorama import (
    Extent,
    Sight,
    box_of_extent,
    flat_views,
    merged,
    to_equirect,
)
from earwitness.media import Picture
from earwitness.media.pictures import Window
from earwitness.scene import frame


def panorama(azimuth, elevation, width=1440, height=720):
    """A grey panorama with one red spot of about 2°."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    x, y = to_equirect(np.array(azimuth), np.array(elevation), width, height)
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    apart = np.abs(np.mod(columns - x + width / 2, width) - width / 2)
    pixels[np.hypot(apart, rows - y) < 5] = (255, 0, 0)
    return Picture(pixels)


def spots(picture):
    """The views that see all of the spot, with the rows and columns of it."""
    for view in flat_views(picture):
        rows, columns = np.nonzero(view.picture.pixels[..., 0] > 220)
        if len(rows) >= 20 and columns.min() > 0 and columns.max() < view.picture.width_px - 1:
            yield view, rows, columns


@pytest.mark.parametrize(
    ("azimuth", "elevation"), [(0, 0), (30, 20), (-75, -30), (179.5, 5), (-178, -10), (135, 35)]
)
def test_a_spot_is_seen_in_its_direction(azimuth, elevation):
    seen = 0
    for view, rows, columns in spots(panorama(azimuth, elevation)):
        seen += 1
        direction = view.directions(columns.mean() + 0.5, rows.mean() + 0.5)
        assert frame.angle_between_deg(direction, frame.xyz(azimuth, elevation)) < 0.6
    assert seen >= 1


def cut_out(azimuth, elevation, left, right, top, bottom):
    """A part of that panorama, between azimuths and elevations."""
    whole = panorama(azimuth, elevation)
    columns = np.arange(round((180 - left) * 4), round((180 - right) * 4)) % whole.width_px
    rows = slice(round((90 - top) * 4), round((90 - bottom) * 4))
    window = Window(left, top, len(columns) / 4)
    return Picture(np.ascontiguousarray(whole.pixels[rows][:, columns]), window=window)


PARTS = [
    (115.0, -115.0, 45.0, -45.0),  # what a telephone takes
    (-60.0, -290.0, 30.0, -30.0),  # across the seam
    (20.0, -20.0, 20.0, -20.0),  # narrower than a view
    (90.0, -90.0, 0.0, -70.0),  # from above
    (180.0, -180.0, 50.0, -50.0),  # all round, without zenith and ground
]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("where", [0.15, 0.5, 0.85])
def test_in_a_part_of_the_sphere_too(part, where):
    left, right, top, bottom = part
    azimuth, elevation = left + where * (right - left), (top + bottom) / 2
    picture = cut_out(azimuth, elevation, *part)
    seen = 0
    for view, rows, columns in spots(picture):
        seen += 1
        direction = view.directions(columns.mean() + 0.5, rows.mean() + 0.5)
        assert frame.angle_between_deg(direction, frame.xyz(azimuth, elevation)) < 0.8
        box = view.extent(
            (float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)
        )
        x0, y0, x1, y1 = box_of_extent(box, picture.width_px, picture.height_px, picture.window)
        red = picture.pixels[round(y0) : round(y1) + 1, round(x0) : round(x1) + 1, 0] > 220
        assert red.sum() > 0.7 * (picture.pixels[..., 0] > 220).sum()
    assert seen >= 1


@pytest.mark.parametrize("part", PARTS[:4])
def test_no_view_goes_past_the_sides_of_a_part(part):
    left, right = part[:2]
    views = flat_views(cut_out(left - 1, 0.0, *part))
    for view in views:
        half = np.degrees(np.arctan(view.picture.width_px / 2 / view.focal_px))
        away = float(np.mod(left - view.yaw_deg, 360.0))
        assert away >= half - 0.01
        assert away + half <= left - right + 0.01
    assert len(views) == len({round(view.yaw_deg, 3) for view in views})


@pytest.mark.parametrize("azimuth", [0.0, 90.0, -135.0, 178.0])
def test_a_box_becomes_its_extent(azimuth):
    view = min(
        flat_views(panorama(azimuth, 0.0)),
        key=lambda view: abs(float(frame.wrap_deg(view.yaw_deg - azimuth))),
    )
    rows, columns = np.nonzero(view.picture.pixels[..., 0] > 200)
    extent = view.extent(
        (float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)
    )
    assert abs(float(frame.wrap_deg(extent.azimuth_deg - azimuth))) < 0.6
    assert extent.width_deg == pytest.approx(2.5, abs=0.8)


def test_the_views_go_all_the_way_round():
    yaws = sorted(float(view.yaw_deg) for view in flat_views(panorama(0, 0)))
    assert np.allclose(np.diff(yaws), 45.0)
    assert len(yaws) == 8


def sight(azimuth, width, index, concept="dog", what="thing", score=0.8, whole=True):
    return Sight(Extent(azimuth, 0, width, 10), concept, what, score, whole, index)


def test_one_thing_in_two_views_is_one_thing():
    found = merged([sight(44, 8, 0, score=0.6), sight(45, 8, 1, score=0.9)])
    assert len(found) == 1
    assert found[0][0].azimuth_deg == 45
    assert found[0][1] == [1, 0]


def test_a_thing_cut_by_an_edge_belongs_to_the_whole_one():
    found = merged([sight(47, 4, 0, score=0.95, whole=False), sight(45, 8, 1, score=0.6)])
    assert [indices for _, indices in found] == [[1, 0]]


def test_two_things_side_by_side_stay_two():
    assert len(merged([sight(40, 8, 0), sight(60, 8, 1)])) == 2
    assert len(merged([sight(40, 8, 0), sight(41, 8, 1, concept="cat")])) == 2


def test_stuff_grows_together_across_the_seam():
    pieces = [
        sight(azimuth, 60, i, "sea-waves", "stuff")
        for i, azimuth in enumerate((150, -165, -120, 110))
    ]
    ((extent, indices),) = merged(pieces)
    assert sorted(indices) == [0, 1, 2, 3]
    assert extent.width_deg == pytest.approx(190)
    assert abs(float(frame.wrap_deg(extent.azimuth_deg - 175))) < 1e-6


def test_a_box_over_the_seam_goes_on_past_the_edge():
    x0, _, x1, _ = box_of_extent(Extent(180, 0, 20, 10), 3600, 1800)
    assert (x0, x1) == (3500, 3700)
