"""Sounds with a width, and the filters that make copies differ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from earwitness.errors import OptionError
from earwitness.scene import frame, layout_named
from earwitness.space.ambisonic_gains import sh_gains
from earwitness.space.decorrelation import decorrelators
from earwitness.space.panner import point_source_panner
from earwitness.space.spread import arc, copies, spread_gains

WIDTHS = [0.0, 1.0, 20.0, 60.0, 120.0, 200.0, 359.0, 360.0]
DIRECTIONS = frame.xyz([0, 17, -100, 180, 45], [0, 0, 10, -20, 60])


def panned(name: str):  # type: ignore[no-untyped-def]
    return point_source_panner(layout_named(name)).gains


@pytest.mark.parametrize("spread_deg", WIDTHS)
@pytest.mark.parametrize("name", ["mono", "quad", "5.1", "7.1", "5.1.4", "7.1.4"])
@pytest.mark.parametrize("coherent", [True, False])
def test_power_is_kept(name: str, spread_deg: float, coherent: bool) -> None:
    gains = spread_gains(panned(name), DIRECTIONS, spread_deg, coherent=coherent)
    np.testing.assert_allclose((gains**2).sum(axis=1), 1, atol=1e-9)


@pytest.mark.parametrize("coherent", [True, False])
def test_no_width_is_a_point_and_the_way_there_is_smooth(coherent: bool) -> None:
    point = panned("7.1.4")(DIRECTIONS)
    narrow = spread_gains(panned("7.1.4"), DIRECTIONS, 0.0, coherent=coherent)
    np.testing.assert_allclose(narrow, point, atol=1e-15)
    hair = spread_gains(panned("7.1.4"), DIRECTIONS, 0.001, coherent=coherent)
    np.testing.assert_allclose(hair, point, atol=0.01)


def test_the_whole_circle_reaches_every_loudspeaker_and_leans_nowhere() -> None:
    layout = layout_named("7.1")
    gains = spread_gains(panned("7.1"), [[1, 0, 0]], 360, coherent=False)[0]
    speakers = [i for i in range(len(layout.channels)) if i not in layout.lfe]
    assert gains[speakers].min() > 0.2
    places = frame.xyz(
        [layout.channels[i].azimuth_deg for i in speakers],
        [layout.channels[i].elevation_deg for i in speakers],
    )
    energy_vector = gains[speakers] ** 2 @ places
    assert np.linalg.norm(energy_vector) < 0.05
    quad = spread_gains(panned("quad"), [[1, 0, 0]], 360)[0]
    np.testing.assert_allclose(quad, 0.5, atol=1e-9)


@pytest.mark.parametrize("spread_deg", [30, 90, 250])
def test_a_width_straight_ahead_is_symmetric(spread_deg: float) -> None:
    gains = spread_gains(panned("5.1"), [[1, 0, 0]], spread_deg)[0]
    np.testing.assert_allclose(gains[[0, 4]], gains[[1, 5]], atol=1e-9)


def test_wider_sounds_lean_less_to_their_middle() -> None:
    lengths = []
    for spread_deg in (0, 60, 120, 240, 360):
        w, y, z, x = spread_gains(lambda d: sh_gains(d, 1), [[0.6, 0.8, 0]], spread_deg)[0]
        lengths.append(np.hypot(x, y) / w)
        if spread_deg < 360:
            np.testing.assert_allclose(np.array([x, y]) / np.hypot(x, y), [0.6, 0.8], atol=1e-9)
        assert z == pytest.approx(0)
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] < 1e-9


def test_an_arc_is_shared_evenly() -> None:
    azimuth = frame.angles(arc([[0, 2.0, 0]], 360, 8))[0][0]
    np.testing.assert_allclose(np.diff(np.sort(azimuth)), 45)
    points = arc([[3.0, 0, 4.0]], 90, 5)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 5)
    np.testing.assert_allclose(points[0, 2], [3.0, 0, 4.0], atol=1e-12)
    assert [copies(w) for w in WIDTHS] == sorted(copies(w) for w in WIDTHS)


@pytest.mark.parametrize("spread_deg", [-1.0, 361.0, float("nan")])
def test_widths_beyond_the_circle_are_refused(spread_deg: float) -> None:
    for refuse in (copies, lambda w: arc([[1, 0, 0]], w, 2)):
        with pytest.raises(OptionError, match="0 to 360"):
            refuse(spread_deg)


@pytest.mark.parametrize("rate_hz", [16000, 48000])
def test_decorrelators_hardly_colour(rate_hz: int) -> None:
    filters = decorrelators(12, rate_hz, seed=7).astype(float)
    np.testing.assert_allclose((filters**2).sum(axis=1), 1, atol=1e-5)
    assert filters.shape[1] / rate_hz <= 0.03
    size = 1 << 16
    frequency = np.fft.rfftfreq(size, 1 / rate_hz)
    power = np.abs(np.fft.rfft(filters, size)) ** 2
    for centre in 1000 * 2.0 ** (np.arange(-15, 9) / 3):
        band = (frequency >= centre * 2 ** (-1 / 6)) & (frequency < centre * 2 ** (1 / 6))
        level_db = 10 * np.log10(power[:, band].mean(axis=1))
        assert np.abs(level_db).max() < 0.5


def test_decorrelated_copies_are_little_correlated_with_each_other_and_the_sound() -> None:
    filters = decorrelators(12, 48000, seed=7).astype(float)
    between = filters @ filters.T - np.eye(12)
    assert np.abs(between).max() < 0.15
    assert np.sqrt((between**2).mean()) < 0.06
    assert np.abs(filters).max() < 0.3  # and so each with the sound itself, at any delay
    for i in range(1, 6):
        assert np.abs(signal.fftconvolve(filters[0], filters[i, ::-1])).max() < 0.25


def test_decorrelators_do_not_smear() -> None:
    energy = np.cumsum(decorrelators(12, 48000).astype(float) ** 2, axis=1)
    assert np.all(energy[:, 480] > 0.7)
    assert np.all(energy[:, 960] > 0.98)


def test_decorrelators_come_from_their_seed() -> None:
    np.testing.assert_array_equal(decorrelators(3, 48000, 5), decorrelators(5, 48000, 5)[:3])
    assert not np.array_equal(decorrelators(1, 48000, 5), decorrelators(1, 48000, 6))
    assert decorrelators(0, 48000).shape[0] == 0
