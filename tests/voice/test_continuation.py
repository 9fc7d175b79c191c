"""Long sounds out of short windows."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.voice.continuation import continued, joined, plan, resampled, windows

WINDOW, HZ = 16000 * 10, 16000


def noise(seeds):
    return [np.random.default_rng(s).standard_normal(WINDOW) * 0.1 for s in seeds]


def test_windows_vary_and_add_up():
    for total in (1, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW, 100 * WINDOW):
        parts = windows(total, WINDOW, np.random.default_rng(total))
        overlap = round(0.15 * WINDOW)
        assert sum(parts) - overlap * (len(parts) - 1) == total
        assert max(parts) <= WINDOW
        assert len(parts) == 1 or min(parts) >= 2 * overlap
    # No beat: of a hundred joints, no two gaps are alike to within a thousandth of a second.
    assert len({p // 16 for p in parts}) > 0.9 * len(parts)


def test_power_is_even_across_the_joints():
    rng = np.random.default_rng(1)
    parts = [rng.standard_normal(30000) for _ in range(40)]
    whole = joined(parts, 10000)
    joints = np.concatenate([whole[k * 20000 + 2500 : k * 20000 + 7500] for k in range(1, 39)])
    assert np.mean(joints**2) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
@pytest.mark.parametrize("seconds", [0.3, 9.5, 41.7])
def test_the_length_is_that_asked_for_and_batches_change_nothing(rate_hz, seconds):
    total = round(seconds * rate_hz)
    chosen = plan(total, rate_hz, window=WINDOW, window_hz=HZ, seed=4)
    one, three = (
        continued(chosen, total, rate_hz, noise, window=WINDOW, window_hz=HZ, batch=batch)
        for batch in (1, 3)
    )
    assert one.shape == (total,)
    np.testing.assert_array_equal(one, three)


def test_no_stretch_comes_back():
    total = 60 * HZ
    chosen = plan(total, HZ, window=WINDOW, window_hz=HZ, seed=4)
    assert len(set(chosen.seeds)) == len(chosen.seeds) >= 6
    made = continued(chosen, total, HZ, noise, window=WINDOW, window_hz=HZ)
    spectrum = np.abs(np.fft.rfft(made, 2 * total)) ** 2
    likeness = np.fft.irfft(spectrum)[:total]
    # A loop would give a peak of its own share; windows of their own chance give none.
    assert np.abs(likeness[HZ // 10 :]).max() < 0.03 * likeness[0]


def test_resampling_keeps_a_tone():
    t = np.arange(HZ) / HZ
    up = resampled(np.sin(2 * np.pi * 440 * t), HZ, 48000)
    wanted = np.sin(2 * np.pi * 440 * np.arange(48000) / 48000)
    assert np.abs(up - wanted)[500:-500].max() < 2e-3
