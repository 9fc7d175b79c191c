"""Motion is seen where it is, begins when it begins, and is not made by the camera."""

import numpy as np
import pytest
from scipy import ndimage

from earwitness.look.activity import Motion, onsets


def texture(seed=0, height=120, width=240):
    return ndimage.gaussian_filter(np.random.default_rng(seed).uniform(0, 255, (height, width)), 1)


def still():
    return np.eye(3)


def test_motion_is_seen_where_it_is():
    ground = texture()
    motion = Motion()
    for i in range(10):
        frame = ground[:108, :192].copy()
        frame[40:60, 20 + 4 * i : 44 + 4 * i] = 255 - frame[40:60, 20 + 4 * i : 44 + 4 * i]
        motion.add(i / 25, frame.astype(np.uint8), still())
    ends = [0.0, 9 / 25]
    left = motion.along(ends, [(0.0, 0.3, 0.5, 0.6)] * 2)
    right = motion.along(ends, [(0.6, 0.3, 1.0, 0.6)] * 2)
    assert left[2:].min() > 0.01
    assert right.max() < 0.2 * left[2:].min()


def test_a_pan_of_the_camera_is_no_motion():
    world = texture(width=300)
    still_motion, blamed = Motion(), Motion()
    for i in range(10):
        frame = world[:108, 5 * i : 192 + 5 * i].astype(np.uint8)
        shift = np.array([[1.0, 0, 5.0 * i], [0, 1, 0], [0, 0, 1]])
        still_motion.add(i / 25, frame, shift)
        blamed.add(i / 25, frame, still())
    whole = [(0.1, 0.1, 0.9, 0.9)] * 2
    assert still_motion.along([0, 1], whole).max() < 0.1 * blamed.along([0, 1], whole)[1:].min()


def test_noise_of_the_sensor_is_no_motion():
    ground, motion = texture(), Motion()
    for i in range(6):
        noise = np.random.default_rng(i).normal(0, 1.5, (108, 192))
        motion.add(i / 25, np.clip(ground[:108, :192] + noise, 0, 255).astype(np.uint8), still())
    assert motion.along([0, 1], [(0, 0, 1, 1)] * 2).max() < 0.03


def test_onsets_are_found_within_two_frames():
    at = np.arange(0, 8, 1 / 25)
    energy = np.full(len(at), 0.02)
    true = [1.0, 2.2, 3.9, 6.0]
    for start in true:
        energy[(at >= start) & (at < start + 0.3)] += 0.4
    found = onsets(at, energy + np.random.default_rng(0).uniform(0, 0.01, len(at)))
    assert len(found) == len(true)
    assert np.abs(found - true).max() <= 2 / 25


@pytest.mark.parametrize("level", [0.0, 0.3])
def test_steady_motion_has_no_onsets(level):
    at = np.arange(0, 8, 1 / 25)
    steady = level + np.random.default_rng(0).uniform(0, 0.004, len(at))
    assert len(onsets(at, steady)) == 0
