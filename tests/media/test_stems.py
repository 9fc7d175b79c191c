"""Stems from files, at any rate."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from earwitness.errors import MediaError
from earwitness.media.stems import FileStem


def write(path, samples, rate):
    soundfile.write(path, samples, rate, subtype="PCM_24")
    return path


def read_all(stem, sizes=(4096,)):
    parts, i = [], 0
    while len(part := stem.read(sizes[i % len(sizes)])):
        parts.append(part)
        i += 1
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def test_at_its_own_rate_it_is_the_file(tmp_path):
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, 10001)
    path = write(tmp_path / "a.flac", sound, 44100)
    stem = FileStem(path)
    assert stem.file_rate_hz == 44100
    np.testing.assert_allclose(read_all(stem, (1, 1000, 77)), sound, atol=1e-6)
    assert len(stem.read(10)) == 0


@pytest.mark.parametrize(
    ("stored", "wanted"), [(44100, 48000), (48000, 44100), (16000, 48000), (96000, 48000)]
)
def test_a_tone_keeps_pitch_phase_and_level_at_another_rate(tmp_path, stored, wanted):
    hz = 997.0
    tone = 0.5 * np.sin(2 * np.pi * hz * np.arange(stored) / stored)
    stem = FileStem(write(tmp_path / "a.wav", tone, stored), wanted)
    found = read_all(stem, (4096, 5, 1234))
    assert len(found) == wanted
    truth = 0.5 * np.sin(2 * np.pi * hz * np.arange(wanted) / wanted)
    inner = slice(100, -100)
    assert np.abs(found - truth)[inner].max() < 1e-4


def test_what_the_lower_rate_cannot_hold_is_taken_out(tmp_path):
    tone = 0.5 * np.sin(2 * np.pi * 11000 * np.arange(48000) / 48000)
    found = read_all(FileStem(write(tmp_path / "a.wav", tone, 48000), 16000))
    assert np.abs(found[100:-100]).max() < 1e-3


def test_no_samples_are_no_trouble(tmp_path):
    path = write(tmp_path / "a.wav", np.zeros(0), 48000)
    assert len(read_all(FileStem(path))) == 0
    assert len(read_all(FileStem(path, 44100))) == 0


def test_what_is_no_mono_sound_is_told(tmp_path):
    with pytest.raises(MediaError, match="2 channels"):
        FileStem(write(tmp_path / "a.wav", np.zeros((10, 2)), 48000))
    (tmp_path / "b.wav").write_bytes(b"no sound")
    with pytest.raises(MediaError, match="cannot be read"):
        FileStem(tmp_path / "b.wav")
    with pytest.raises(MediaError, match="cannot be read"):
        FileStem(tmp_path / "none.wav")
