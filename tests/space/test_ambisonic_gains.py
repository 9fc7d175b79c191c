"""Spherical harmonics against closed forms and the properties that define them."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.scene import frame
from earwitness.space.ambisonic_gains import intensity_direction, sh_gains


def sphere(count: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_to_third_order_they_are_the_published_polynomials() -> None:
    x, y, z = sphere(200).T
    r3, r15 = np.sqrt(3), np.sqrt(15)
    expected = [
        np.ones_like(x),
        y,
        z,
        x,
        r3 * x * y,
        r3 * y * z,
        (3 * z**2 - 1) / 2,
        r3 * x * z,
        r3 / 2 * (x**2 - y**2),
        np.sqrt(5 / 8) * y * (3 * x**2 - y**2),
        r15 * x * y * z,
        np.sqrt(3 / 8) * y * (5 * z**2 - 1),
        z * (5 * z**2 - 3) / 2,
        np.sqrt(3 / 8) * x * (5 * z**2 - 1),
        r15 / 2 * z * (x**2 - y**2),
        np.sqrt(5 / 8) * x * (x**2 - 3 * y**2),
    ]
    np.testing.assert_allclose(sh_gains(sphere(200), 3), np.array(expected).T, atol=1e-12)


@pytest.mark.parametrize("order", range(1, 8))
def test_squares_of_a_degree_sum_to_one(order: int) -> None:
    gains = sh_gains(np.concatenate([sphere(100), np.eye(3), -np.eye(3)]), order)
    assert gains.shape[1] == (order + 1) ** 2
    for degree in range(order + 1):
        of_degree = gains[:, degree**2 : (degree + 1) ** 2]
        np.testing.assert_allclose((of_degree**2).sum(axis=1), 1, atol=1e-12)


def test_they_are_orthogonal_with_the_power_of_sn3d() -> None:
    # Exact quadrature: Gauss-Legendre in height, even steps around.
    heights, weights = np.polynomial.legendre.leggauss(8)
    azimuth = np.arange(16) * 22.5
    elevation = np.degrees(np.arcsin(heights))
    directions = frame.xyz(azimuth[None, :], elevation[:, None]).reshape(-1, 3)
    share = np.repeat(weights / 2 / 16, 16)
    gains = sh_gains(directions, 7)
    degree = np.floor(np.sqrt(np.arange(64)))
    np.testing.assert_allclose(
        gains.T @ (gains * share[:, None]), np.diag(1 / (2 * degree + 1)), atol=1e-12
    )


@pytest.mark.parametrize("yaw_deg", [10.0, 90.0, -135.0])
def test_turning_the_scene_turns_each_pair_by_its_index(yaw_deg: float) -> None:
    directions = sphere(50, 1)
    turned = frame.to_listener(directions, [0, 0, 0], -yaw_deg)
    before, after = sh_gains(directions, 5), sh_gains(turned, 5)
    for degree in range(6):
        for m in range(degree + 1):
            plus, minus = degree * (degree + 1) + m, degree * (degree + 1) - m
            cos, sin = np.cos(np.radians(m * yaw_deg)), np.sin(np.radians(m * yaw_deg))
            np.testing.assert_allclose(
                after[:, plus],
                before[:, plus] * cos - (before[:, minus] * sin if m else 0),
                atol=1e-12,
            )


def test_the_mirror_image_changes_the_sign_of_the_left_ones() -> None:
    directions = sphere(50, 2)
    sign = np.concatenate([np.where(np.arange(-n, n + 1) < 0, -1, 1) for n in range(8)])
    np.testing.assert_allclose(
        sh_gains(directions * [1, -1, 1], 7), sh_gains(directions, 7) * sign, atol=1e-12
    )


def test_intensity_points_to_the_source_through_some_noise() -> None:
    rng = np.random.default_rng(3)
    for direction in sphere(50, 4):
        foa = sh_gains(direction[None], 1).T * rng.standard_normal(48000)
        foa += 0.03 * rng.standard_normal(foa.shape)
        assert frame.angle_between_deg(intensity_direction(foa), direction) < 1.0


def test_silence_comes_from_nowhere() -> None:
    np.testing.assert_array_equal(intensity_direction(np.zeros((4, 10))), 0)


@pytest.mark.parametrize("order", [0, 8, -1])
def test_other_orders_are_refused(order: int) -> None:
    with pytest.raises(OptionError, match="1 to 7"):
        sh_gains([[1, 0, 0]], order)
