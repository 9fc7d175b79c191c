"""Where sources are, and how loud from there."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.scene import Listener
from earwitness.space.distance import NEAR_M, attenuation, effective_m
from earwitness.space.path import Path

HERE = Listener()


def test_a_path_goes_through_its_rows_and_holds_beyond_them():
    rng = np.random.default_rng(1)
    for count in (1, 2, 3, 4, 9):
        for step in (0.1, 3.0):
            rows = np.column_stack([np.arange(count) * step, rng.normal(size=(count, 3))])
            path = Path(rows, HERE)
            np.testing.assert_allclose(path.at(rows[:, 0]), rows[:, 1:], atol=1e-12)
            np.testing.assert_allclose(path.at([-5.0, 99.0]), rows[[0, -1], 1:], atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 4, 50])
@pytest.mark.parametrize("step", [0.05, 2.0])
def test_even_motion_stays_even(count, step):
    time = np.arange(count) * step
    path = Path(np.column_stack([time, 3 + time, -2 * time, 0 * time]), HERE)
    between = np.linspace(0, time[-1], 97)
    wanted = np.column_stack([3 + between, -2 * between, 0 * between])
    np.testing.assert_allclose(path.at(between), wanted, atol=1e-9)


@pytest.mark.parametrize("step", [0.1, 1.0])
def test_what_stands_still_in_between_stands_still(step):
    place = [0, 1, 2, 2, 2, 5, 6]
    rows = [(i * step, x, 0, 0) for i, x in enumerate(place)]
    between = Path(rows, HERE).at(np.linspace(2, 4, 41) * step)
    np.testing.assert_array_equal(between[:, 0], 2.0)


def test_keyframes_of_a_circle_give_the_circle():
    time = np.arange(0, 4, 1 / 30)
    circle = np.column_stack([time, 8 * np.cos(time), 8 * np.sin(time), 0 * time])
    between = np.linspace(0.5, 3, 1001)
    found = Path(circle, HERE).at(between)
    wanted = 8 * np.column_stack([np.cos(between), np.sin(between), 0 * between])
    assert np.abs(found - wanted).max() < 1e-6


def test_the_listener_moves_and_turns_the_path():
    path = Path([(0, 5, 3, 0)], Listener(position_m=(5, 0, 0), yaw_deg=90))
    np.testing.assert_allclose(path.at([0.0]), [[3, 0, 0]], atol=1e-12)


def test_distance_law_is_inverse_and_smooth_near_by():
    far = np.array([1.0, 2.0, 10.0, 1e6])
    np.testing.assert_array_equal(attenuation(far), 1 / far)
    near = np.linspace(0, 2, 2001)
    found = effective_m(near)
    assert (np.diff(found) >= 0).all() and found[0] == NEAR_M
    assert np.abs(np.diff(found, 2)).max() < 2e-6  # no kink
