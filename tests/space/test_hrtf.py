"""The head: what it was measured to do, symmetry, and what happens between measured directions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from earwitness.errors import OptionError
from earwitness.scene import frame
from earwitness.space.hrtf import hrir


def time_difference_us(ears: np.ndarray, rate_hz: int) -> float:
    """Interaural time difference: the peak of the cross-correlation below 3 kHz, in µs."""
    low = signal.butter(10, 3000, fs=rate_hz, output="sos")
    padded = np.pad(ears.astype(float), ((0, 0), (64, 1024)))
    left, right = signal.resample_poly(signal.sosfilt(low, padded), 16, 1, axis=1)
    lag = np.argmax(signal.fftconvolve(right, left[::-1])) - len(left) + 1
    return float(lag / (16 * rate_hz) * 1e6)


def level_difference_db(ears: np.ndarray) -> float:
    energy = (ears.astype(float) ** 2).sum(axis=1)
    return float(10 * np.log10(energy[0] / energy[1]))


# Measured in the published responses themselves (MIT_KEMAR_normal_pinna.sofa), before anything
# was done to them.
@pytest.mark.parametrize(
    ("azimuth_deg", "itd_us", "ild_db"),
    [(0, 0, 0), (30, 266, 8.4), (-30, -266, -8.4), (90, 704, 11.8), (-90, -704, -11.8)],
)
@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_differences_between_the_ears_are_those_measured(
    azimuth_deg: float, itd_us: float, ild_db: float, rate_hz: int
) -> None:
    ears = hrir(frame.xyz([azimuth_deg]), rate_hz)[0]
    assert time_difference_us(ears, rate_hz) == pytest.approx(itd_us, abs=20)
    assert level_difference_db(ears) == pytest.approx(ild_db, abs=1)


def test_the_mirror_image_swaps_the_ears_exactly() -> None:
    directions = np.random.default_rng(0).standard_normal((500, 3))
    np.testing.assert_array_equal(hrir(directions * [1, -1, 1]), hrir(directions)[:, ::-1])


def test_a_source_in_the_middle_is_the_same_in_both_ears() -> None:
    middle = frame.xyz([0, 0, 180, 0], [0, 45, 10, 90])
    ears = hrir(middle)
    np.testing.assert_array_equal(ears[:, 0], ears[:, 1])


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000, 96000])
def test_a_source_ahead_is_as_loud_as_one_panned(rate_hz: int) -> None:
    spectrum = np.abs(np.fft.rfft(hrir([[1, 0, 0]], rate_hz)[0].astype(float), 4096)) ** 2
    frequency = np.fft.rfftfreq(4096, 1 / rate_hz)
    pink = np.where((frequency > 50) & (frequency < 7500), 1 / np.maximum(frequency, 1), 0)
    level_db = 10 * np.log10((spectrum.sum(axis=0) * pink).sum() / pink.sum())
    assert level_db == pytest.approx(0, abs=0.5)


def test_bass_reaches_both_ears_alike_from_everywhere() -> None:
    directions = np.random.default_rng(1).standard_normal((200, 3))
    spectrum = np.abs(np.fft.rfft(hrir(directions).astype(float), 4800))
    level_db = 20 * np.log10(spectrum[:, :, 4:10])  # 40 to 90 Hz
    assert level_db.std() < 1.0
    assert np.abs(level_db[:, 0] - level_db[:, 1]).max() < 4


def test_going_round_nothing_jumps() -> None:
    azimuth = np.arange(0, 360, 0.5)
    for elevation_deg in (-85, -60, -20, 0, 33, 75):
        ears = hrir(frame.xyz(azimuth, elevation_deg)).astype(float)
        level_db = 10 * np.log10((ears[:, 0] ** 2).sum(axis=1))
        assert np.abs(np.diff(level_db)).max() < 0.6
        step = np.linalg.norm(np.diff(ears[:, 0], axis=0), axis=1)
        assert (step / np.linalg.norm(ears[:-1, 0], axis=1)).max() < 0.35


def test_the_time_difference_grows_to_the_side_between_measured_directions_too() -> None:
    ears = hrir(frame.xyz(np.arange(0, 81, 2.5)))
    differences = [time_difference_us(pair, 48000) for pair in ears]
    assert np.all(np.diff(differences) > 0)


def test_between_measured_directions_there_is_no_comb() -> None:
    # 5-degree steps are measured; half-way the level must lie between those of the neighbours.
    azimuth = np.arange(0, 180, 5.0)
    at = np.abs(np.fft.rfft(hrir(frame.xyz(np.append(azimuth, 180)))[:, 0].astype(float), 1024))
    between = np.abs(np.fft.rfft(hrir(frame.xyz(azimuth + 2.5))[:, 0].astype(float), 1024))
    band = slice(5, 170)  # 230 Hz to 8 kHz
    expected = np.sqrt((at[:-1, band] ** 2 + at[1:, band] ** 2) / 2)
    lost_db = 10 * np.log10((between[:, band] ** 2).sum(axis=1) / (expected**2).sum(axis=1))
    assert lost_db.min() > -0.5


def test_below_the_measured_sphere_the_sides_close_smoothly() -> None:
    ears = hrir(frame.xyz(90, np.arange(-90, -39, 1.0))).astype(float)
    level_db = 10 * np.log10((ears**2).sum(axis=2))
    assert np.all(np.isfinite(level_db))
    assert np.abs(np.diff(level_db[:, 0] - level_db[:, 1])).max() < 1.0
    assert level_db[0, 0] == pytest.approx(level_db[0, 1])  # straight below


@pytest.mark.parametrize("rate_hz", [0, 7999, 400000])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(OptionError, match="8000 to 192000"):
        hrir([[1, 0, 0]], rate_hz)
