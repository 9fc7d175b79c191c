"""Binaural: what reaches the ears is what the head's measurement says."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import RATE, channels, noise, source

from earwitness.scene import Bed, Scene
from earwitness.scene.frame import xyz
from earwitness.space.binaural import BinauralRenderer
from earwitness.space.hrtf import hrir

SOUND = noise(RATE, top_hz=10000)


def cues(left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Time by which the left ear leads (µs, below 1.5 kHz) and level (dB) it has more."""
    size = 1 << (2 * len(left) - 1).bit_length()
    spectra = np.fft.rfft(left, size), np.fft.rfft(right, size)
    low = np.fft.rfftfreq(size, 1 / RATE) < 1500
    cross = np.fft.irfft(np.conj(spectra[0]) * spectra[1] * low, 16 * size)
    lag = int(np.argmax(cross))
    lag = lag - 16 * size if lag > 8 * size else lag
    level = 10 * np.log10(np.sum(left**2) / np.sum(right**2))
    return lag / 16 / RATE * 1e6, float(level)


@pytest.mark.parametrize("azimuth_deg", [0.0, 30.0, -30.0, 90.0, -90.0])
def test_time_and_level_between_the_ears_are_those_of_the_head(azimuth_deg):
    place = xyz(azimuth_deg, 0, 3.0)
    scene = Scene((source("a", *place),), duration_s=0.5)
    ears = channels(BinauralRenderer(), scene, {"a": SOUND}, "binaural")
    head = hrir(place[None], RATE)[0]
    inner = SOUND[: RATE // 2]
    wanted = cues(np.convolve(inner, head[0]), np.convolve(inner, head[1]))
    found = cues(*ears)
    assert found[0] == pytest.approx(wanted[0], abs=20)
    assert found[1] == pytest.approx(wanted[1], abs=0.3)
    if azimuth_deg:
        assert np.sign(found[0]) == np.sign(found[1]) == np.sign(azimuth_deg)
    else:
        assert found == pytest.approx((0, 0), abs=0.01)


def test_a_source_that_circles_is_smooth():
    time = np.arange(0, 2.05, 0.05)
    turn = np.pi * time
    rows = np.column_stack([time, 3 * np.cos(turn), 3 * np.sin(turn), 0 * time])
    tone = (0.1 * np.sin(2 * np.pi * 500 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    ears = channels(
        BinauralRenderer(),
        Scene((source("a", positions=rows),), duration_s=2),
        {"a": tone},
        "binaural",
    )[:, 2000:-2000]
    # A click is wide-band: above 3 kHz nothing must appear.
    spectrum = np.abs(np.fft.rfft(ears * np.hanning(ears.shape[1]), axis=1)) ** 2
    high = np.fft.rfftfreq(ears.shape[1], 1 / RATE) > 3000
    assert 10 * np.log10(spectrum[:, high].sum() / spectrum.sum()) < -70


def test_a_bed_is_alike_at_low_and_unlike_at_high_frequencies():
    scene = Scene((), (Bed("bed", "wind", "wind", level_db=90),), duration_s=5)
    ears = channels(BinauralRenderer(), scene, {"bed": noise(5 * RATE)}, "binaural")
    level = np.mean(ears**2, axis=1)
    assert 10 * np.log10(level[0] / level[1]) == pytest.approx(0, abs=1.0)
    left, right = (np.fft.rfft(ear[: ear.size // 4096 * 4096].reshape(-1, 4096)) for ear in ears)
    frequency = np.fft.rfftfreq(4096, 1 / RATE)

    def likeness(low, high):
        band = (frequency > low) & (frequency < high)
        cross = np.abs((left[:, band] * right[:, band].conj()).sum())
        power = (np.abs(left[:, band]) ** 2).sum() * (np.abs(right[:, band]) ** 2).sum()
        return cross / np.sqrt(power)

    assert likeness(50, 150) > 0.7
    assert likeness(2000, 12000) < 0.3
