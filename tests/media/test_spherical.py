"""Marks of spherical video and ambisonic sound, read back by FFmpeg too where it is there."""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest

from earwitness.errors import OutputError
from earwitness.media.clips import read_clip
from earwitness.media.memory import LineStore
from earwitness.media.mux import write_under_copied_picture
from earwitness.media.spherical import ambisonic_box, mark, says_spherical, sphere_box
from earwitness.scene import layout_named

_spec = importlib.util.spec_from_file_location("clips_made", Path(__file__).with_name("clips.py"))
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


def spherical(folder, suffix=".mp4", codec="aac", layout="foa"):
    made.write_clip(folder / "a.mp4", width=128, height=64)
    rng = np.random.default_rng(0)
    channels = len(layout_named(layout).channels)
    blocks = [rng.normal(0, 0.1, (channels, 4800)).astype(np.float32) for _ in range(8)]
    out = folder / f"b{suffix}"
    write_under_copied_picture(
        read_clip(folder / "a.mp4"), out, blocks, layout=layout_named(layout), rate_hz=48000,
        codec=codec, sphere=True,
    )  # fmt: skip
    return out


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "aac"), (".mov", "pcm"), (".mp4", "flac")])
def test_a_marked_file_still_plays_and_says_what_it_is(tmp_path, suffix, codec):
    out = spherical(tmp_path, suffix, codec)
    assert says_spherical(out)
    assert read_clip(out).spherical
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 20
    with av.open(str(out)) as container:
        assert container.streams.audio[0].codec_context.channels == 4
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 8 * 4800


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe reads the marks")
def test_ffprobe_reads_the_sphere(tmp_path):
    out = spherical(tmp_path)
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-show_streams", "-of", "json", out],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    video = next(s for s in json.loads(told)["streams"] if s["codec_type"] == "video")
    (data,) = [d for d in video["side_data_list"] if "pherical" in d["side_data_type"]]
    assert data["projection"] == "equirectangular"


def test_a_plain_file_says_nothing(tmp_path):
    made.write_clip(tmp_path / "a.mp4")
    made.write_clip(tmp_path / "a.mkv")
    assert not says_spherical(tmp_path / "a.mp4")
    assert not says_spherical(tmp_path / "a.mkv")
    for junk in (
        b"",
        b"\0" * 64,
        b"\0\0\0\x08moov",
        b"\xff" * 200,
        b"\0\0\0\1moov\0\0\0\0\0\0\0\1",
    ):
        (tmp_path / "junk").write_bytes(junk)
        assert not says_spherical(tmp_path / "junk")


def test_metadata_of_the_first_version_is_known(tmp_path):
    made.write_clip(tmp_path / "a.mp4")
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    xml = b"<rdf:SphericalVideo><GSpherical:ProjectionType>equirectangular</...>"
    uuid = bytes.fromhex("ffcc8263f8554a938814587a02521fdd") + xml
    box = (8 + len(uuid)).to_bytes(4, "big") + b"uuid" + uuid
    for name in (b"trak", b"moov"):
        at = data.index(name) - 4
        size = int.from_bytes(data[at : at + 4], "big")
        data[at : at + 4] = (size + len(box)).to_bytes(4, "big")
        if name == b"trak":
            data[at + size : at + size] = box
    (tmp_path / "b.mp4").write_bytes(data)
    assert says_spherical(tmp_path / "b.mp4")


def test_boxes_have_the_sizes_that_they_state():
    for box in (sphere_box(), ambisonic_box(1), ambisonic_box(3)):
        assert int.from_bytes(box[:4], "big") == len(box)


def test_a_file_with_its_index_first_is_not_torn(tmp_path):
    made.write_clip(tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as source:
        target = av.open(str(tmp_path / "b.mp4"), "w", options={"movflags": "faststart"})
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
        target.close()
    before = (tmp_path / "b.mp4").read_bytes()
    with pytest.raises(OutputError, match="index before"):
        mark(tmp_path / "b.mp4", sphere=True, order=None)
    assert (tmp_path / "b.mp4").read_bytes() == before


def test_memory_outlives_damage_and_changes_with_the_clip(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    clip = tmp_path / "a.bin"
    clip.write_bytes(b"one")
    store = LineStore(clip, "v1")
    store.put("seen", 0.1, [1, 2])
    store.put("seen", 0.2, [3])
    (file,) = (tmp_path / "cache" / "earwitness" / "clips").iterdir()
    file.write_text(file.read_text() + '["seen", 0.3, [4\n' + "no json\n")
    again = LineStore(clip, "v1")
    assert again.get("seen", 0.1) == [1, 2]
    assert again.get("seen", 0.3) is None
    assert len(LineStore(clip, "v2")) == 0
    clip.write_bytes(b"another")
    assert len(LineStore(clip, "v1")) == 0
