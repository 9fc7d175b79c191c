"""A scene mixed with a sound track that was there before: both equally loud, peaks kept."""

import numpy as np
import pytest

from earwitness.scene import Scene, Source, layout_named
from earwitness.space.mixing import mixed, own_layout_for
from earwitness.space.render import render_scene

RATE = 48000


class Tone:
    def __init__(self, hz, seconds):
        at = np.arange(int(seconds * RATE)) / RATE
        self._left = (0.1 * np.sin(2 * np.pi * hz * at)).astype(np.float32)

    def read(self, samples):
        part, self._left = self._left[:samples], self._left[samples:]
        return part


def scene_of(layout, loudness=-23.0):
    source = Source("a", "a tone", "siren", positions=((0, 2, 0, 0),), stem="a.flac")
    return render_scene(
        Scene((source,), duration_s=3.0),
        lambda: {"a": Tone(1000, 3.0)},
        layout=layout_named(layout),
        rate_hz=RATE,
        loudness_lufs=loudness,
    )


def other(channels, hz=400.0, level=0.5, seconds=5.0):
    tone = (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(float)
    whole = np.repeat(tone[None].astype(np.float32), channels, axis=0)
    return lambda: iter(np.array_split(whole, 7, axis=1))


def tone_level(samples, hz):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum[np.abs(np.fft.rfftfreq(len(samples), 1 / RATE) - hz) < 3].max()


@pytest.mark.parametrize("layout", ["stereo", "5.1", "binaural", "foa"])
def test_both_are_heard_and_the_loudness_is_kept(layout):
    own = own_layout_for(layout_named(layout))
    made = mixed(scene_of(layout), other(len(own.channels)), own, loudness_lufs=-23.0)
    sound = made.sound().samples
    assert sound.shape == (len(layout_named(layout).channels), 3 * RATE)
    assert made.loudness_lufs == pytest.approx(-23.0, abs=0.2)
    power = sum(np.array([tone_level(c, hz) ** 2 for hz in (400, 1000)]) for c in sound)
    assert 0.1 < power[0] / power[1] < 10


def test_a_loud_track_does_not_drown_the_scene_nor_clip():
    stereo = layout_named("stereo")
    made = mixed(scene_of("stereo"), other(2, level=1.0), stereo, loudness_lufs=-10.0)
    assert np.abs(made.sound().samples).max() < 10 ** (-0.9 / 20)


def test_a_short_track_is_followed_by_silence():
    stereo = layout_named("stereo")
    made = mixed(scene_of("stereo"), other(2, seconds=1.0), stereo, loudness_lufs=-23.0)
    late = made.sound().samples[0, 2 * RATE :]
    assert tone_level(late, 400) < 1e-3 * tone_level(late, 1000)


def test_the_levels_as_they_are_on_request():
    stereo = layout_named("stereo")
    plain = scene_of("stereo", None).sound().samples
    own = np.concatenate(list(other(2, level=0.01)()), axis=1)[:, : 3 * RATE]
    made = mixed(scene_of("stereo", None), other(2, level=0.01), stereo, loudness_lufs=None)
    assert made.sound().samples == pytest.approx(plain + own, abs=1e-6)
