"""WAV files: right mask, right samples, RF64 when large, whole or not at all."""

import io
import struct

import numpy as np
import pytest
import soundfile

from earwitness.errors import OutputError
from earwitness.media import SUBTYPES, WavWriter, write_wav
from earwitness.media.wav import encode
from earwitness.scene import layout_named, layouts

STEP = {"pcm16": 2**-15, "pcm24": 2**-23, "float": 0.0}


@pytest.mark.parametrize("subtype", SUBTYPES)
@pytest.mark.parametrize("layout", layouts(), ids=lambda layout: layout.title)
def test_another_program_reads_back_the_samples(tmp_path, layout, subtype):
    file = tmp_path / "a.wav"
    sound = np.random.default_rng(1).uniform(-1, 1, (len(layout.channels), 1001)).astype("f4")
    write_wav(file, [sound[:, :300], sound[:, 300:]], layout=layout, rate_hz=44100, subtype=subtype)
    heard, rate = soundfile.read(file, dtype="float64", always_2d=True)
    assert rate == 44100
    assert np.abs(heard.T - sound).max() <= STEP[subtype]


@pytest.mark.parametrize("title", ["quad", "5.1", "7.1", "7.1.4"])
def test_ffmpeg_knows_the_layout(tmp_path, title):
    av = pytest.importorskip("av")
    layout = layout_named(title)
    file = tmp_path / "a.wav"
    write_wav(file, [np.zeros((len(layout.channels), 480), "f4")], layout=layout, rate_hz=48000)
    with av.open(str(file)) as container:
        assert container.streams.audio[0].codec_context.layout.name == title


def test_full_scale_is_held_not_wrapped():
    for subtype, low, high in (("pcm16", -(2**15), 2**15 - 1), ("pcm24", -(2**23), 2**23 - 1)):
        data = encode(np.array([[2.0, 1.0, -1.0, -5.0]]), subtype)
        width = len(data) // 4
        values = [
            int.from_bytes(data[i * width : (i + 1) * width], "little", signed=True)
            for i in range(4)
        ]
        assert values == [high, high, low, low]


class _Hole(io.BytesIO):
    """A stream that counts what is written and keeps only the first bytes."""

    def __init__(self):
        super().__init__()
        self.far = 0

    def write(self, data):
        at = self.tell()
        self.far = max(self.far, at + len(data))
        if at < 4096:
            super().write(bytes(data)[: 4096 - at])
        self.seek(at + len(data))
        return len(data)

    def seek(self, at, whence=0):
        return super().seek(at, whence)


def test_past_four_gigabytes_the_file_is_rf64(monkeypatch):
    monkeypatch.setattr("earwitness.media.wav.encode", lambda block, subtype: _Zeros(block.size))

    class _Zeros(bytes):
        def __new__(cls, samples):
            made = super().__new__(cls)
            made.samples = samples
            return made

        def __len__(self):
            return self.samples * 4

    stream = _Hole()
    layout = layout_named("7.1")
    writer = WavWriter(stream, layout, 48000, "float")
    block = np.broadcast_to(np.float32(0), (8, 48000 * 600))
    for _ in range(6):
        writer.write(block)
    writer.finish()
    head = stream.getvalue()[:200]
    frames = 6 * 48000 * 600
    assert head[:4] == b"RF64"
    assert head[12:16] == b"ds64"
    riff, data, samples = struct.unpack("<QQQ", head[20:44])
    assert data == frames * 8 * 4 > 2**32
    assert samples == frames
    assert riff == data + head.index(b"data")
    assert head[head.index(b"data") + 4 :][:4] == b"\xff" * 4


def test_a_failure_leaves_the_old_file(tmp_path):
    file = tmp_path / "a.wav"
    write_wav(file, [np.zeros((1, 10))], layout=layout_named("mono"), rate_hz=8000)
    before = file.read_bytes()

    def blocks():
        yield np.ones((1, 10))
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_wav(file, blocks(), layout=layout_named("mono"), rate_hz=8000)
    assert file.read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["a.wav"]


def test_a_block_of_other_channels_is_refused(tmp_path):
    with pytest.raises(OutputError, match="2 channels does not fit mono"):
        write_wav(tmp_path / "a.wav", [np.zeros((2, 9))], layout=layout_named("mono"), rate_hz=8000)
    assert not list(tmp_path.iterdir())
