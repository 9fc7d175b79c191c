"""One axis convention: x front, y left, z up; azimuth anticlockwise from the front."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.scene import frame

azimuths = st.floats(-179.99, 180.0)
elevations = st.floats(-89.0, 89.0)
distances = st.floats(0.01, 1e5)


@given(azimuths, elevations, distances)
def test_angles_undo_xyz(azimuth, elevation, distance):
    found = frame.angles(frame.xyz(azimuth, elevation, distance))
    assert abs(frame.wrap_deg(found[0] - azimuth)) < 1e-6
    assert found[1] == pytest.approx(elevation, abs=1e-6)
    assert found[2] == pytest.approx(distance, rel=1e-9)


@given(azimuths, st.floats(-720, 720))
def test_turning_the_head_left_moves_the_world_right(azimuth, yaw):
    seen = frame.angles(frame.to_listener(frame.xyz(azimuth, 0, 2), [0, 0, 0], yaw))[0]
    assert abs(frame.wrap_deg(seen - (azimuth - yaw))) < 1e-6


def test_walking_forward_brings_what_is_ahead_nearer():
    assert frame.to_listener([5.0, 0, 0], [2.0, 0, 0], 0.0).tolist() == [3.0, 0.0, 0.0]


@given(azimuths, elevations)
def test_the_angle_between_a_direction_and_itself_is_nothing(azimuth, elevation):
    a = frame.xyz(azimuth, elevation)
    assert frame.angle_between_deg(a, 3 * a) < 1e-6
    assert frame.angle_between_deg(a, -a) == pytest.approx(180)


def test_small_angles_are_exact():
    a, b = frame.xyz(0, 0), frame.xyz(1e-5, 0)
    assert frame.angle_between_deg(a, b) == pytest.approx(1e-5, rel=1e-6)


@given(st.floats(-1e4, 1e4))
def test_wrapping_keeps_the_direction(angle):
    wrapped = float(frame.wrap_deg(angle))
    assert -180 < wrapped <= 180
    assert np.cos(np.radians(wrapped)) == pytest.approx(np.cos(np.radians(angle)), abs=1e-9)


@pytest.mark.parametrize(
    ("azimuth", "words"),
    [
        (0, "ahead"),
        (-30, "ahead to the right"),
        (30, "ahead to the left"),
        (90, "to the left"),
        (-135, "behind to the right"),
        (180, "behind"),
        (-180, "behind"),
        (359, "ahead"),
    ],
)
def test_directions_are_said_as_people_say_them(azimuth, words):
    assert frame.in_words(azimuth) == words
