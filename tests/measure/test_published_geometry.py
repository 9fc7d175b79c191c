"""The benchmark that compares the published geometry with ours runs, and tells them apart."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pyroomacoustics", reason="the benchmark renders with it")

from benchmarks.published_geometry import places, render
from benchmarks.space_table import SIZE_PX, measure, seen, table

from earwitness.scene.frame import angles


def test_pixels_are_metres_and_near_is_low() -> None:
    at = places(np.array([[100.7, 50.2], [320.0, 240.0]]), np.array([255.0, 0.0]), SIZE_PX)
    assert at.tolist() == [[100.0, 50.0, 0.0], [320.0, 240.0, 320.0]]


def test_the_front_right_microphone_stands_outside_and_is_silent() -> None:
    noise = np.random.default_rng(0).standard_normal(40000) * 0.05
    heard = render(np.array([[300.0, 200.0, 100.0]]), [noise], SIZE_PX)[0]
    power = (heard**2).mean(axis=1)
    assert power[1] == 0 and np.delete(power, 1).min() > 0


def test_the_truth_is_the_pixel_s_direction() -> None:
    azimuth, elevation, distance = angles(seen(np.array([[0.0, 240.0], [320.0, 0.0]]), np.ones(2)))
    assert azimuth == pytest.approx([30.0, 0.0]) and distance == pytest.approx(1.0)
    assert elevation[1] == pytest.approx(np.degrees(np.arctan(0.75 * np.tan(np.pi / 6))))


def test_a_scene_gives_every_row() -> None:
    rows = {(who, layout): report for who, layout, report in measure(1, 0)}
    assert rows["earwitness ambisonics", "foa"].worst_deg < 2
    theirs = rows["published geometry", "5.1, beam"]
    assert theirs.mean_deg > rows["earwitness panning", "5.1, beam"].mean_deg
    assert table([("a", "b", theirs)]).count("\n") == 2
