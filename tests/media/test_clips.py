"""Clips are read as a stream of upright frames at the times at which they are shown."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, features

from earwitness.errors import MediaError
from earwitness.media import read_picture
from earwitness.media.clips import frames, is_clip, read_clip

_spec = importlib.util.spec_from_file_location("clips_made", Path(__file__).with_name("clips.py"))
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


def test_presentation_times_rule_not_counts_of_frames(tmp_path):
    shown = [0.0, 0.04, 0.3, 0.31, 1.0, 1.5, 1.52]
    made.write_clip(tmp_path / "vfr.mp4", times=shown, start=0.7)
    clip = read_clip(tmp_path / "vfr.mp4")
    assert [frame.time_s for frame in frames(clip)] == pytest.approx(shown, abs=0.002)


@pytest.mark.parametrize("size", [(64, 48), (63, 47), (130, 34)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_sizes_are_those_of_the_picture(tmp_path, size, suffix):
    file = tmp_path / f"a{suffix}"
    made.write_clip(file, width=size[0], height=size[1])
    clip = read_clip(file)
    assert (clip.width_px, clip.height_px) == size
    first = next(frames(clip))
    assert first.rgb().shape == (size[1], size[0], 3)
    assert np.abs(first.rgb().astype(int) - made.picture(0, *size)).mean() < 6
    assert max(first.grey(40).shape) == 40


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg writes the rotation")
@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_in_the_file_is_put_right(tmp_path, turn):
    made.write_clip(tmp_path / "a.mp4")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tmp_path / "a.mp4", "-c", "copy",
         "-metadata:s:v", f"rotate={turn}", tmp_path / "b.mp4"],
        check=True,
    )  # fmt: skip
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tmp_path / "b.mp4", "-frames:v", "1", tmp_path / "b.png"],
        check=True,
    )
    expected = np.asarray(Image.open(tmp_path / "b.png").convert("RGB"), int)
    found = next(frames(read_clip(tmp_path / "b.mp4"))).rgb().astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 4


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg writes the interlaced clip")
def test_interlaced_pictures_are_put_together(tmp_path):
    source = "testsrc2=s=320x240:r=50:d=1,interlace"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c:v", "mpeg2video",
         "-flags", "+ildct+ilme", "-q:v", "2", tmp_path / "i.mpg"],
        check=True,
    )  # fmt: skip

    def combed(pixels):
        grey = pixels.astype(float)
        return np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean()

    with av.open(str(tmp_path / "i.mpg")) as container:
        raw = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    seen = [frame.grey() for frame in frames(read_clip(tmp_path / "i.mpg"))]
    assert len(seen) >= len(raw) - 2
    assert combed(seen[8]) < 0.8 * combed(raw[8])


AVIF = pytest.param(
    ".avif", marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", AVIF])
def test_animated_pictures_are_clips(tmp_path, suffix):
    file = tmp_path / f"a{suffix}"
    made.write_animation(file)
    assert is_clip(file)
    clip = read_clip(file)
    assert clip.animated
    assert clip.duration_s == pytest.approx(0.72, abs=0.01)
    assert [frame.time_s for frame in frames(clip)] == pytest.approx(np.arange(6) * 0.12, abs=0.01)


def test_a_still_picture_is_no_clip(tmp_path):
    for suffix in (".gif", ".webp", ".png", ".jpg"):
        Image.fromarray(made.picture(0)).save(tmp_path / f"a{suffix}")
        assert not is_clip(tmp_path / f"a{suffix}")
    assert not is_clip(tmp_path / "absent.mp3.jpg")


@pytest.mark.parametrize(("name", "kind"), [("pages.tiff", "TIFF"), ("stereo.jpg", "MPO")])
def test_pages_and_the_other_eye_are_no_frames(tmp_path, name, kind):
    first, second = (Image.fromarray(made.picture(i)) for i in (0, 9))
    first.save(tmp_path / name, kind, save_all=True, append_images=[second])
    with Image.open(tmp_path / name) as held:
        assert held.n_frames == 2
    assert not is_clip(tmp_path / name)
    seen = read_picture(tmp_path / name).pixels.astype(int)
    apart = [np.abs(seen - np.asarray(page, int)).mean() for page in (first, second)]
    assert apart[0] < 3 < apart[1]


def test_a_clip_is_told_by_what_is_in_it_not_by_its_name(tmp_path):
    made.write_clip(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").rename(tmp_path / "a.jpg")
    assert is_clip(tmp_path / "a.jpg")


def test_longest_stops_the_stream(tmp_path):
    made.write_clip(tmp_path / "a.mp4", times=[i / 25 for i in range(50)])
    times = [frame.time_s for frame in frames(read_clip(tmp_path / "a.mp4"), longest_s=0.5)]
    assert times[-1] == pytest.approx(0.48, abs=0.03)


def test_a_playlist_that_points_elsewhere_is_not_followed(tmp_path):
    made.write_clip(tmp_path / "secret.mp4")
    playlist = f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.mp4'}\n#EXT-X-ENDLIST\n"
    listed = f"ffconcat version 1.0\nfile {tmp_path / 'secret.mp4'}\n"
    for name, words in (("a.mp4", playlist), ("b.mp4", listed), ("c.mkv", playlist)):
        (tmp_path / name).write_text(words)
        with pytest.raises(MediaError):
            read_clip(tmp_path / name)
