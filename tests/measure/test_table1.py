"""The paper's scores against values that its own functions gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.errors import OptionError
from earwitness.measure.intelligibility import TOO_SHORT, stoi
from earwitness.measure.resampling import resample
from earwitness.measure.spectra import mfcc
from earwitness.measure.table1 import COLUMNS, LOW_HZ, emphasised, mixed, table1, warped
from earwitness.scene import Sound


def _sound(samples: np.ndarray) -> Sound:
    wave = samples.astype(np.float32) / 32768
    return Sound(np.atleast_2d(wave.T), 16000, "5.1" if wave.ndim == 2 else "mono")


@pytest.mark.parametrize("pair", range(4))
def test_each_column_is_what_the_published_functions_gave(golden: Path, pair: int) -> None:
    with np.load(golden / "codi" / "eval.npz", allow_pickle=False) as file:
        score = table1(_sound(file[f"a{pair}"]), _sound(file[f"b{pair}"]))
        wanted = file["values"][pair]
    for column, value in zip(COLUMNS, wanted):
        # The pins agree to 1e-5, but for chroma's choice of a tuning where two are as frequent.
        bound = 2e-3 if column in ("chroma", "swass") else 1e-5
        assert getattr(score, column) == pytest.approx(value, rel=bound), column


@pytest.mark.parametrize("pair", [1, 2])
def test_what_lies_under_the_first_column_is_the_same_too(golden: Path, pair: int) -> None:
    with np.load(golden / "codi" / "eval.npz", allow_pickle=False) as file:
        a, b = (mixed(_sound(file[f"{side}{pair}"]), LOW_HZ) for side in "ab")
        length = max(len(a), len(b))
        assert [length, length] == file[f"len22k{pair}"].tolist()
        padded = np.pad(emphasised(a), (0, length - len(a)))
        np.testing.assert_allclose(mfcc(padded, LOW_HZ), file[f"mfcc_a{pair}"], atol=2e-3)
        np.testing.assert_allclose(warped(a, b), file[f"dtw_D{pair}"], rtol=1e-5, atol=1e-3)


def test_without_an_onset_rhythm_is_nan_and_so_is_the_sum() -> None:
    silent = Sound(np.zeros((1, 16000), np.float32), 16000)
    noise = Sound(np.random.default_rng(1).uniform(-0.5, 0.5, (1, 16000)).astype("f4"), 16000)
    score = table1(silent, noise)
    assert np.isnan(score.rhythm) and np.isnan(score.swass)
    assert 0 <= score.zcr <= 1


def test_too_short_a_sound_is_told() -> None:
    with pytest.raises(OptionError, match="give at least"):
        table1(Sound(np.zeros((1, 100), np.float32), 16000), Sound(np.zeros((1, 16000)), 16000))


@pytest.mark.parametrize(("low", "high"), [(16000, 44100), (44100, 16000), (44100, 22050)])
def test_resampling_keeps_a_tone(low: int, high: int) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(low) / low)
    made = resample(tone, low, high)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(high) / high)
    assert len(made) == high
    middle = slice(high // 10, -high // 10)
    # The kernel is cut to whole entries of its table, so the gain is right to a few thousandths.
    assert np.abs(made[middle] - wanted[middle]).max() < 6e-3


def test_stoi_falls_with_noise_and_ignores_gain() -> None:
    draw = np.random.default_rng(2)
    time = np.arange(30000) / 10000
    clean = draw.standard_normal(30000) * (1 + np.sin(2 * np.pi * 4 * time))
    scores = [
        stoi(clean, 0.3 * (clean + k * draw.standard_normal(30000)), 10000) for k in (0, 1, 5)
    ]
    assert scores[0] == pytest.approx(1.0) and scores[0] > scores[1] > scores[2]
    assert stoi(clean[:1000], clean[:1000], 10000) == TOO_SHORT
