"""The point-source panner against its oracle and its properties, for every layout."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.errors import LayoutError, OptionError
from earwitness.scene import Layout, frame, layout_named, layouts
from earwitness.space.panner import point_source_panner

SPEAKERS = [layout for layout in layouts() if layout.kind == "loudspeakers"]
each_layout = pytest.mark.parametrize("layout", SPEAKERS, ids=lambda layout: layout.title)
coordinates = st.floats(-1e3, 1e3)


def sphere(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, 3))


def mirrored(layout: Layout) -> list[int]:
    labels = [channel.label for channel in layout.channels]
    swap = str.maketrans("+-", "-+")
    order = []
    for label in labels:
        other = label[0] + label[1:].translate(swap)
        order.append(labels.index(other if other in labels else label))
    return order


@pytest.mark.parametrize("name", ["0+2+0", "0+5+0", "0+7+0", "4+5+0", "4+7+0"])
def test_gains_are_those_of_the_ebu_renderer(golden: Path, name: str) -> None:
    table = json.loads((golden / "ear_point_source_gains.json").read_text("utf-8"))
    expected = table["layouts"][name]
    layout = layout_named(name)
    labels = [channel.label for channel in layout.channels]
    order = [labels.index(label) for label in expected["channels"]]
    rows = expected["gains"]
    directions = frame.xyz([row["az"] for row in rows], [row["el"] for row in rows])
    gains = point_source_panner(layout).gains(directions)[:, order]
    for key in ("psp", "gaincalc_direct"):
        np.testing.assert_allclose(gains, [row[key] for row in rows], atol=1e-7)


@each_layout
def test_power_is_kept_everywhere(layout: Layout) -> None:
    directions = np.concatenate([sphere(4000), np.eye(3), -np.eye(3)])
    power = (point_source_panner(layout).gains(directions) ** 2).sum(axis=1)
    if layout.name == "0+2+0":
        assert power.max() <= 1 + 1e-9
        assert power.min() >= 0.5 - 1e-9
        front = point_source_panner(layout).gains(frame.xyz(np.linspace(-30, 30, 61)))
        np.testing.assert_allclose((front**2).sum(axis=1), 1)
    else:
        np.testing.assert_allclose(power, 1, atol=1e-9)


@each_layout
def test_a_source_at_a_loudspeaker_sounds_from_it_alone(layout: Layout) -> None:
    for i, channel in enumerate(layout.channels):
        if channel.lfe:
            continue
        at = frame.xyz([channel.azimuth_deg], [channel.elevation_deg])
        gains = point_source_panner(layout).gains(at)[0]
        np.testing.assert_allclose(gains, np.eye(len(layout.channels))[i], atol=1e-9)


@each_layout
def test_no_gain_is_negative_and_lfe_is_silent(layout: Layout) -> None:
    gains = point_source_panner(layout).gains(sphere(2000, 1))
    assert gains.min() >= 0
    assert not gains[:, list(layout.lfe)].any()


@each_layout
def test_the_mirror_image_swaps_left_and_right(layout: Layout) -> None:
    directions = sphere(1000, 2)
    panner = point_source_panner(layout)
    swapped = panner.gains(directions * [1, -1, 1])[:, mirrored(layout)]
    np.testing.assert_allclose(panner.gains(directions), swapped, atol=1e-9)


@each_layout
def test_gains_do_not_jump(layout: Layout) -> None:
    # A slow spiral over the whole sphere, 0.1 degrees at a time.
    steps = np.arange(0, 180, 0.002)
    path = frame.xyz(np.mod(steps * 50, 360), steps - 90)
    gains = point_source_panner(layout).gains(path)
    assert np.abs(np.diff(gains, axis=0)).max() < 0.03


def test_between_two_loudspeakers_only_these_two_sound() -> None:
    layout = layout_named("7.1.4")
    gains = point_source_panner(layout).gains(frame.xyz([60.0], [0.0]))[0]
    sounding = {c.label for c, gain in zip(layout.channels, gains, strict=True) if gain > 1e-9}
    assert sounding == {"M+030", "M+090"}


@given(coordinates, coordinates, coordinates, st.floats(1e-6, 1e6))
def test_only_the_direction_counts(x: float, y: float, z: float, scale: float) -> None:
    vector = np.array([[x, y, z]])
    if np.abs(vector).max() < 1e-6:
        return
    panner = point_source_panner(layout_named("5.1.4"))
    np.testing.assert_allclose(panner.gains(vector), panner.gains(vector * scale), atol=1e-6)


def test_a_source_in_the_head_is_ahead() -> None:
    panner = point_source_panner(layout_named("5.1"))
    np.testing.assert_array_equal(panner.gains([[0, 0, 0]]), panner.gains([[1, 0, 0]]))


def test_many_directions_give_what_each_gives() -> None:
    panner = point_source_panner(layout_named("7.1.4"))
    directions = sphere(20000, 3)
    together = panner.gains(directions)
    alone = np.concatenate([panner.gains(directions[i : i + 1]) for i in range(0, 20000, 997)])
    np.testing.assert_allclose(together[::997], alone, atol=1e-12)


@pytest.mark.parametrize("name", ["foa", "binaural"])
def test_layouts_without_loudspeakers_are_refused(name: str) -> None:
    with pytest.raises(LayoutError, match="no loudspeakers"):
        point_source_panner(layout_named(name))


@pytest.mark.parametrize(
    "bad", [[[1.0, 2.0]], [[np.nan, 0, 0]], [[np.inf, 0, 0]], np.zeros((1, 1, 3))]
)
def test_bad_directions_are_refused(bad: object) -> None:
    with pytest.raises(OptionError):
        point_source_panner(layout_named("5.1")).gains(bad)  # type: ignore[arg-type]
