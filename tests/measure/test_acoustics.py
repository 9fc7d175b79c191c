"""The mended scores: the same sound is the same, known changes give known figures."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.measure.acoustics import SCORES, acoustics, onset_match, warp_distance
from earwitness.scene import Sound

RATE = 16000


def _clicks(seed: int = 0, seconds: float = 2.0) -> np.ndarray:
    draw = np.random.default_rng(seed)
    wave = 0.02 * draw.standard_normal(int(seconds * RATE))
    for place in draw.integers(2000, len(wave) - 4000, 6):
        ring = np.sin(2 * np.pi * draw.uniform(300, 2000) * np.arange(3000) / RATE)
        wave[place : place + 3000] += ring * np.exp(-np.arange(3000) / 600)
    return (0.3 * wave).astype(np.float32)


def _sound(wave: np.ndarray, layout: str = "mono") -> Sound:
    return Sound(np.atleast_2d(wave), RATE, layout)


@pytest.mark.parametrize(("layout", "channels"), [("mono", 1), ("5.1", 6), ("binaural", 2)])
def test_a_sound_is_like_itself(layout: str, channels: int) -> None:
    wave = np.stack([_clicks(i) for i in range(channels)])
    found = acoustics(_sound(wave, layout), _sound(wave, layout))
    for name in SCORES:
        if name != "image" or channels > 1:
            assert getattr(found, name) == pytest.approx(1.0, abs=1e-9), name
    assert found.delay_s == 0 and found.level_db == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("delay_ms", [-250.0, -10.0, 5.0, 400.0])
@pytest.mark.parametrize("gain_db", [-20.0, 6.0])
def test_a_later_fainter_copy_is_the_same_sound_at_a_known_delay_and_level(
    delay_ms: float, gain_db: float
) -> None:
    wave = np.pad(_clicks(), 8000)
    moved = np.roll(wave, round(delay_ms / 1000 * RATE)) * 10 ** (gain_db / 20)
    found = acoustics(_sound(wave), _sound(moved))
    assert found.delay_s == pytest.approx(delay_ms / 1000, abs=1 / RATE)
    assert found.level_db == pytest.approx(gain_db, abs=0.2)
    assert found.overall > 0.97


def test_a_different_sound_scores_less_in_everything() -> None:
    draw = np.random.default_rng(9)
    noise = _sound(0.1 * draw.standard_normal(2 * RATE).astype(np.float32))
    same, other = (
        acoustics(_sound(_clicks()), _sound(_clicks())),
        acoustics(_sound(_clicks()), noise),
    )
    for name in ("timbre", "zcr", "rhythm", "chroma", "spectral_contrast", "intelligibility"):
        assert getattr(other, name) < getattr(same, name) - 0.05, name


def test_scores_do_not_fall_with_length() -> None:
    pairs = []
    for seconds in (2.0, 8.0):
        noise = np.random.default_rng(1).standard_normal((2, int(seconds * RATE))) * 0.1
        pairs.append(acoustics(_sound(noise[0]), _sound(noise[0] + 0.3 * noise[1])))
    assert pairs[0].timbre == pytest.approx(pairs[1].timbre, abs=0.03)


def test_channels_that_change_places_change_the_image_alone() -> None:
    wave = np.stack([_clicks(), 0 * _clicks()])
    found = acoustics(_sound(wave, "stereo"), _sound(wave[::-1], "stereo"))
    assert found.image == 0.0 and found.timbre == pytest.approx(1.0)


def test_silence_and_scraps_are_told() -> None:
    with pytest.raises(OptionError, match="second sound is silent"):
        acoustics(_sound(_clicks()), _sound(np.zeros(RATE)))
    with pytest.raises(OptionError, match="both sounds are"):
        acoustics(_sound(np.zeros(RATE)), _sound(np.zeros(RATE)))
    with pytest.raises(OptionError, match="give at least"):
        acoustics(_sound(np.ones(100)), _sound(_clicks()))


def test_warping_is_symmetric_and_agrees_with_the_plain_recursion() -> None:
    a, b = np.random.default_rng(3).standard_normal((2, 3, 9))
    b = b[:, :7]
    cost = np.sqrt(((a[:, :, None] - b[:, None]) ** 2).sum(axis=0) / 3)
    total = np.full((10, 8), np.inf)
    total[0, 0] = 0.0
    for i in range(9):
        for j in range(7):
            c = cost[i, j]
            total[i + 1, j + 1] = min(total[i, j] + 2 * c, total[i, j + 1] + c, total[i + 1, j] + c)
    assert warp_distance(a, b) == pytest.approx(total[9, 7] / 16)
    assert warp_distance(a, b) == pytest.approx(warp_distance(b, a))


def test_onsets_match_within_fifty_milliseconds_and_once() -> None:
    assert onset_match([1.0], [1.0, 1.01]) == pytest.approx(2 / 3)
    assert onset_match([], []) == 1.0 and onset_match([1.0], []) == 0.0
    assert onset_match([0.0], [0.06]) == 0.0
