"""Sounds of many kinds come in as samples, and nothing else is opened on the way."""

import av
import numpy as np
import pytest
import soundfile

from earwitness.errors import MediaError, VoiceError
from earwitness.media import sounds
from earwitness.media.sounds import decode, read_sound
from earwitness.scene import Credit
from earwitness.voice.recordings import Recording, read

RATE = 48_000


def tone(channels=1, seconds=1.0):
    """Sines, a higher one in each channel."""
    times = np.arange(int(RATE * seconds)) / RATE
    pitches = 200.0 * np.arange(1, channels + 1)[:, None]
    return (0.2 * np.sin(2 * np.pi * pitches * times)).astype(np.float32)


def write_aac(path, samples, layout):
    with av.open(str(path), "w", format="ipod") as container:
        sound = container.add_stream("aac", rate=RATE, options={"b": "256k"})
        sound.layout = layout
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = RATE, 0
        container.mux((*sound.encode(frame), *sound.encode(None)))


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "5.1")])
def test_what_a_telephone_records_is_a_sound(tmp_path, channels, layout):
    written = tone(channels)
    write_aac(tmp_path / "a.m4a", written, layout)
    sound = read_sound(tmp_path / "a.m4a")
    assert (sound.rate_hz, sound.channels.title) == (RATE, layout)
    held = np.abs(np.fft.rfft(sound.samples[:, :RATE]))
    for channel in set(range(channels)) - {3}:  # that of low frequencies is cut by the codec
        assert held[channel].argmax() == 200 * (channel + 1)


def test_no_more_is_read_than_was_asked_for(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(seconds=3)[0], RATE)
    write_aac(tmp_path / "a.m4a", tone(seconds=3), "mono")
    for name in ("a.wav", "a.m4a"):
        assert decode(tmp_path / name, 0.5)[0].shape == (1, RATE // 2)


@pytest.mark.parametrize("name", ["a.wav", "a.m4a"])
def test_what_memory_does_not_hold_is_refused(tmp_path, monkeypatch, name):
    soundfile.write(tmp_path / "a.wav", tone(seconds=2)[0], RATE)
    write_aac(tmp_path / "a.m4a", tone(seconds=2), "mono")
    monkeypatch.setattr(sounds, "MOST_SAMPLES", RATE)
    with pytest.raises(MediaError, match="cut it to a part"):
        read_sound(tmp_path / name)
    assert decode(tmp_path / name, 1.0)[0].shape == (1, RATE)


@pytest.mark.parametrize("text", ["these are words", "ffconcat version 1.0\nfile secret.m4a\n"])
def test_words_and_lists_of_other_files_are_no_sounds(tmp_path, text):
    write_aac(tmp_path / "secret.m4a", tone(), "mono")
    file = tmp_path / "dog.m4a"
    file.write_text(text)
    with pytest.raises(MediaError, match="cannot be read as a sound"):
        decode(file, 1.0)
    with pytest.raises(VoiceError, match="cannot be read as sound"):
        read(Recording(file, "dog", Credit("dog", "unknown", "unknown")), RATE)
