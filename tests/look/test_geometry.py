"""Pixels, directions and the two boxes of the paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.errors import LookError, OptionError
from earwitness.look.geometry import Pinhole, area, around, common, focal_px, inside, overlap
from earwitness.look.outlines import (
    box_of,
    centroid,
    enclosing_polygon,
    hull,
    polygon_area,
)

sides = st.integers(16, 5000)
views = st.floats(5.0, 170.0)


@given(sides, sides, views)
def test_the_horizontal_angle_of_view_is_what_was_asked_for(width, height, fov):
    camera = Pinhole(width, height, focal_px(width, height, fov_deg=fov))
    assert camera.fov_deg == pytest.approx(fov)
    left, right = camera.edges_deg((0, 0, width, height))
    assert left == pytest.approx(fov / 2) and right == pytest.approx(-fov / 2)


@given(sides, sides, views, st.floats(0, 1), st.floats(0, 1))
def test_a_pixel_goes_to_a_direction_and_back(width, height, fov, across, down):
    camera = Pinhole(width, height, focal_px(width, height, fov_deg=fov))
    x, y = camera.pixel(*camera.angles(across * width, down * height))
    assert (x, y) == (
        pytest.approx(across * width, abs=1e-6 * width),
        pytest.approx(down * height, abs=1e-6 * (width + height)),
    )


def test_left_is_positive_and_up_is_positive():
    camera = Pinhole(640, 480, 500)
    azimuth, elevation = camera.angles([10, 630], [5, 470])
    assert azimuth[0] > 0 > azimuth[1]
    assert elevation[0] > 0 > elevation[1]


def test_a_direction_agrees_with_the_ray_through_the_pixel():
    camera = Pinhole(900, 700, 650.0)
    azimuth, elevation = np.radians(camera.angles(120.0, 600.0))
    ray = np.array([650.0, 450.0 - 120.0, 350.0 - 600.0])
    ray /= np.linalg.norm(ray)
    made = [
        np.cos(elevation) * np.cos(azimuth),
        np.cos(elevation) * np.sin(azimuth),
        np.sin(elevation),
    ]
    assert made == pytest.approx(ray.tolist())


def test_film_lies_along_the_longer_side_however_the_camera_is_held():
    assert focal_px(3000, 2000, focal_35mm=36) == focal_px(2000, 3000, focal_35mm=36) == 3000
    assert Pinhole(2000, 3000, focal_px(2000, 3000)).fov_deg < 60
    assert Pinhole(3000, 2000, focal_px(3000, 2000)).fov_deg == pytest.approx(60)


def test_what_the_user_says_goes_before_what_the_file_says():
    assert focal_px(100, 50, fov_deg=90, focal_35mm=500) == pytest.approx(50)


@pytest.mark.parametrize(
    "options", [{"fov_deg": 0}, {"fov_deg": 180}, {"fov_deg": float("nan")}, {"focal_35mm": 0}]
)
def test_impossible_cameras_are_refused(options):
    with pytest.raises(OptionError):
        focal_px(100, 100, **options)


def test_a_direction_behind_is_seen_in_no_pixel():
    x, _ = Pinhole(100, 100, 80).pixel(120.0, 0.0)
    assert np.isnan(x)


boxes = st.tuples(*[st.floats(0, 100)] * 4).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]) + 1, max(v[1], v[3]) + 1)
)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_full_for_itself(a, b):
    assert overlap(a, b) == pytest.approx(overlap(b, a))
    assert overlap(a, a) == pytest.approx(1)
    assert 0 <= overlap(a, b) <= min(1, inside(a, b) + 1e-9)
    assert inside(a, around([a, b])) == pytest.approx(1)
    assert common(a, b) <= min(area(a), area(b)) + 1e-9


def blob(seed, shape=(60, 80)):
    """A random union of discs: not convex, never empty."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(shape, bool)
    for _ in range(4):
        cx, cy, r = rng.uniform(5, 75), rng.uniform(5, 55), rng.uniform(2, 14)
        mask |= (x - cx) ** 2 + (y - cy) ** 2 < r**2
    return mask


def encloses(polygon, points):
    a, b = polygon, np.roll(polygon, -1, axis=0)
    edge = b - a
    cross = edge[:, None, 0] * (points[None, :, 1] - a[:, None, 1]) - edge[:, None, 1] * (
        points[None, :, 0] - a[:, None, 0]
    )
    return bool((cross >= -1e-6).all() or (cross <= 1e-6).all())


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("most", [4, 6, 12])
def test_the_polygon_encloses_every_pixel_with_few_corners(seed, most):
    mask = blob(seed)
    polygon = enclosing_polygon(mask, most=most)
    y, x = np.nonzero(mask)
    corners = np.concatenate([np.stack([x + i, y + j], 1) for i in (0, 1) for j in (0, 1)])
    assert 3 <= len(polygon) <= most
    assert encloses(polygon, corners)
    assert polygon_area(polygon) >= polygon_area(hull(corners)) - 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_twelve_corners_cost_little_and_more_never_cost_more(seed):
    mask = blob(seed)
    y, x = np.nonzero(mask)
    corners = np.concatenate([np.stack([x + i, y + j], 1) for i in (0, 1) for j in (0, 1)])
    tight = polygon_area(hull(corners))
    areas = [polygon_area(enclosing_polygon(mask, most=n)) for n in (5, 8, 12)]
    assert areas[0] >= areas[1] >= areas[2]
    assert areas[2] < 1.05 * tight


def test_a_region_at_the_edge_has_its_polygon_within_the_picture():
    y, x = np.mgrid[:90, :120]
    mask = (y > 40 + 0.2 * x + 4 * np.sin(x / 5)) | ((x - 115) ** 2 + (y - 20) ** 2 < 400)
    polygon = enclosing_polygon(mask)
    assert (polygon >= 0).all() and (polygon <= [120, 90]).all()


def test_hull_agrees_with_scipy():
    from scipy.spatial import ConvexHull

    points = np.random.default_rng(3).normal(size=(200, 2))
    assert polygon_area(hull(points)) == pytest.approx(ConvexHull(points).volume)


@pytest.mark.parametrize("seed", range(6))
def test_the_centroid_lies_in_the_polygon_and_within_its_box(seed):
    polygon = enclosing_polygon(blob(seed))
    x, y = centroid(polygon)
    assert encloses(polygon, np.array([[x, y]]))
    inner = np.random.default_rng(seed).uniform(polygon.min(0), polygon.max(0), (40000, 2))
    a, b = polygon, np.roll(polygon, -1, axis=0)
    edge = b - a
    cross = edge[:, None, 0] * (inner[None, :, 1] - a[:, None, 1]) - edge[:, None, 1] * (
        inner[None, :, 0] - a[:, None, 0]
    )
    held = inner[(cross >= 0).all(0) | (cross <= 0).all(0)]
    assert held.mean(0) == pytest.approx([x, y], abs=0.5)


def test_one_pixel_has_a_box_and_a_polygon():
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    assert box_of(mask) == (3, 2, 4, 3)
    assert polygon_area(enclosing_polygon(mask)) == pytest.approx(1)


def test_an_empty_mask_is_refused():
    with pytest.raises(LookError, match="without a pixel"):
        box_of(np.zeros((4, 4), bool))
