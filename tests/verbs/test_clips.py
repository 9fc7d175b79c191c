"""A clip becomes a scene, and the same clip with its new sound: the picture untouched."""

import hashlib
import importlib.util
import json
import signal
import subprocess
import sys
import time
import warnings
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
import soundfile

from earwitness import plugins
from earwitness.cli.main import main
from earwitness.errors import EarwitnessError, OptionError, OutputError
from earwitness.look.contract import Distance, Found, Name
from earwitness.media import mux
from earwitness.media.spherical import says_spherical
from earwitness.verbs.listening import listen

_file = Path(__file__).parents[1] / "media" / "clips.py"
_spec = importlib.util.spec_from_file_location("clips_made", _file)
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)


class BrightThings:
    """Finds what is bright, takes it for a dog, five metres away, and counts its looks."""

    looks = 0

    def segment(self, picture):
        type(self).looks += 1
        mask = picture.pixels.min(axis=2) > 220
        return [Found(mask, "thing", 0.9, "dog")] if mask.any() else []

    def name(self, picture, found):
        return [Name("dog", "a dog barking", 0.9) for _ in found]

    def distance(self, picture, found, names, *, focal_px):
        return [Distance(5.0, 1.3) for _ in found]


@pytest.fixture(autouse=True)
def bright(monkeypatch, tmp_path):
    """Look with eyes that see what the test clips show, and keep memories apart."""
    real = plugins.make

    def make(kind, name, *arguments, **settings):
        eyes = kind in ("segmenter", "namer", "depth")
        return BrightThings() if eyes else real(kind, name, *arguments, **settings)

    monkeypatch.setattr(plugins, "make", make)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def packets(path, kind="video"):
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        data = [bytes(packet) for packet in container.demux(stream) if packet.size]
    return hashlib.md5(b"".join(data)).hexdigest()


def sound(path):
    to_planes = av.AudioResampler(format="fltp")
    with av.open(str(path)) as container:
        blocks = [
            plane.to_ndarray()
            for frame in container.decode(audio=0)
            for plane in to_planes.resample(frame)
        ]
    return np.concatenate(blocks, axis=1)


def shown(path):
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("start", [0.0, 0.7])
def test_the_picture_is_copied_and_the_sound_starts_with_it(start, name):
    # With frames made from later ones; Matroska tells no decoding times of the first of them.
    times = made.write_clip(name, start=start, options={"bf": "2"}, sound=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as: cut short
        heard = listen(name, out="a.scene")
    (video,) = heard.files
    assert video.name == "a.heard.mp4"
    assert packets(video) == packets(name)
    # Presentation times are the source's, from 0 on.
    assert shown(video) == pytest.approx(times, abs=0.001)
    wav, _ = soundfile.read("a.scene/5.1.wav")
    track = sound(video)
    assert track.shape[0] == 6
    n = min(len(wav), track.shape[1])
    lag = _lag(wav[:n].sum(axis=1), track[:, :n].sum(axis=0))
    assert abs(lag) < 1024  # one AAC frame
    assert len(wav) / 48000 == pytest.approx(times[-1] + 0.04, abs=0.001)
    assert abs(track.shape[1] - len(wav)) <= 2048


def _lag(a, b):
    size = 2 * len(a)
    both = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)))
    at = int(np.argmax(both))
    return at if at < size // 2 else at - size


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ([None, None, 0, 40], [-80, -40, 0, 40]),  # Matroska with frames made from later ones
        ([0, 40, None, None, 160], [0, 40, 80, 120, 160]),
        ([0, 40, None, 43], [0, 40, 41, 43]),
        ([None, None, None], [0, 40, 80]),  # then as they are shown
        ([7], [7]),
    ],
)
def test_decoding_times_that_are_not_told_are_made(told, wanted):
    picture = SimpleNamespace(average_rate=25, time_base=Fraction(1, 1000))
    packets = [SimpleNamespace(pts=40 * n, dts=dts, size=9) for n, dts in enumerate(told)]
    flush = SimpleNamespace(pts=None, dts=None, size=0)
    timed = list(mux._timed(iter([*packets, flush]), picture))
    assert [one.dts for one in timed] == wanted
    assert [one.pts for one in timed] == [40 * n for n in range(len(told))]


@pytest.mark.parametrize(
    ("codec", "kind", "name"),
    [("libsvtav1", "av1", "a.mp4"), ("libsvtav1", "av1", "a.webm"), ("libvpx", "vp8", "a.webm")],
)
def test_what_can_be_decoded_is_copied_though_its_decoder_cannot_encode(codec, kind, name):
    if codec not in av.codecs_available:
        pytest.skip(f"PyAV was built without {codec}, to make the clip with")
    made.write_clip(name, codec=codec, width=160, height=96)
    (video,) = listen(name, out="a.scene").files
    assert packets(video) == packets(name)
    with av.open(str(video)) as container:
        assert container.streams.video[0].codec.canonical_name == kind


@pytest.mark.parametrize(
    ("name", "seen", "codec"),
    [("a.wmv", "wmv2", "aac"), ("a.wmv", "wmv2", "pcm"), ("a.avi", "rawvideo", "aac")],
)
def test_a_picture_that_fits_nowhere_is_coded_anew(name, seen, codec):
    times = made.write_clip(name, codec=seen, width=160, height=96)
    with pytest.warns(UserWarning, match=rf"{seen}, fits into no MP4, MKV or MOV .* coded anew"):
        (video,) = listen(name, out="a.scene", codec=codec).files
    assert video.name == ("a.heard.mp4" if codec == "aac" else "a.heard.mov")
    with av.open(str(video)) as container:
        assert container.streams.video[0].codec.canonical_name == "h264"
        assert container.streams.audio[0].codec_context.channels == 6
    at = shown(video)
    assert at[: len(times)] == pytest.approx(np.asarray(times), abs=0.001)


def test_the_scene_has_a_trajectory_and_the_sheet_shows_it():
    made.write_clip("a.mp4", times=[i / 25 for i in range(40)], width=320, height=240)
    listen("a.mp4", out="a.scene", looks_per_s=10)
    scene = json.loads(Path("a.scene/scene.json").read_text())
    (dog,) = [one for one in scene["sources"] if one["concept"] == "dog"]
    rows = np.array(dog["positions"])
    assert len(rows) > 5
    assert np.all(np.diff(np.arctan2(rows[:, 2], rows[:, 1])) < 0)  # it moves to the right
    assert Path("a.scene/scene.png").stat().st_size > 10_000


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_animated_pictures_give_a_scene_a_wav_and_an_mp4(suffix):
    made.write_animation(f"anim{suffix}")
    heard = listen(f"anim{suffix}", out="anim.scene")
    assert heard.files == (Path("anim.heard.mp4"),)
    assert Path("anim.scene/5.1.wav").exists()
    times = shown("anim.heard.mp4")
    assert times[:6] == pytest.approx(np.arange(6) * 0.12, abs=0.001)
    assert sound("anim.heard.mp4").shape[1] / 48000 == pytest.approx(0.72, abs=0.05)


@pytest.mark.parametrize(
    ("codec", "layout", "name", "channels"),
    [("flac", "stereo", "b.mkv", 2), ("pcm", "7.1.4", "b.mov", 12), ("opus", "hoa2", "b.mkv", 9)],
)
def test_other_codecs_and_layouts_by_option(codec, layout, name, channels):
    made.write_clip("a.mp4")
    listen("a.mp4", out="a.scene", video=name, codec=codec, video_layout=layout, layouts=("mono",))
    assert packets(name) == packets("a.mp4")
    with av.open(name) as container:
        assert container.streams.audio[0].codec_context.channels == channels


def _tone(path):
    """How far a tone of 440 Hz stands out from what sounds round it, in power."""
    track = sound(path)[0].astype(float)
    power = np.abs(np.fft.rfft(track * np.hanning(len(track)))) ** 2
    at = np.fft.rfftfreq(len(track), 1 / 48000)
    return power[np.abs(at - 440) < 3].max() / np.median(power[(at > 300) & (at < 900)])


def test_its_own_sound_is_mixed_in_or_left_out():
    made.write_clip("a.mp4", sound=True, times=[i / 25 for i in range(40)])
    listen("a.mp4", out="a.scene", keep_sound=True, codec="flac", video="kept.mkv", sources=1)
    listen("a.mp4", out="a.scene", keep_sound=False, codec="flac", video="left.mkv", sources=1)
    assert _tone("kept.mkv") > 30 * _tone("left.mkv")


def test_keeping_a_sound_that_is_not_there_is_told():
    made.write_clip("a.mp4")
    with pytest.warns(UserWarning, match="no sound of its own"):
        listen("a.mp4", out="a.scene", keep_sound=True)


def test_a_preview_shows_what_is_heard():
    made.write_clip("a.mp4", width=320, height=240)
    listen("a.mp4", out="a.scene", preview=True)
    with av.open("a.preview.mp4") as drawn, av.open("a.mp4") as plain:
        changed, same = (
            next(c.decode(video=0)).to_ndarray(format="gray").astype(int) for c in (drawn, plain)
        )
    difference = np.abs(changed - same)
    assert (difference[-100:, -100:] > 40).mean() > 0.2  # the radar
    assert np.median(difference) <= 3  # the rest is the clip


def test_a_sphere_carries_ambisonics_and_says_so():
    made.write_clip("a.mp4", width=256, height=128)
    listen("a.mp4", out="a.scene", projection="equirect")
    data = Path("a.heard.mp4").read_bytes()
    assert says_spherical(Path("a.heard.mp4")) and not says_spherical(Path("a.mp4"))
    at = data.index(b"SA3D")
    assert data[at + 4 : at + 5] == b"\0" and data[at + 5] == 0  # version, periodic
    assert int.from_bytes(data[at + 6 : at + 10]) == 1  # order
    assert packets("a.heard.mp4") == packets("a.mp4")
    wav, _ = soundfile.read("a.scene/foa.wav")
    track = sound("a.heard.mp4")
    n = min(len(wav), track.shape[1])
    for k in range(4):  # AAC keeps the order of the channels
        assert np.corrcoef(wav[:n, k], track[k, :n])[0, 1] > 0.9 or np.std(wav[:n, k]) < 1e-4
    # What says so is known again.
    again = listen("a.heard.mp4", out="b.scene")
    assert again.scene.origin["projection"] == "equirect"


def test_the_same_clip_gives_the_same_samples():
    made.write_clip("a.mp4")
    for name in ("a.scene", "b.scene"):
        listen("a.mp4", out=name, seed=3)
    a, b = (soundfile.read(f"{name}/5.1.wav")[0] for name in ("a.scene", "b.scene"))
    assert np.array_equal(a, b)


def test_stopped_work_goes_on_where_it_was():
    made.write_clip("a.mp4", times=[i / 25 for i in range(50)])

    class Stop(Exception):
        pass

    def stop_after(stage, done):
        if stage.startswith("watching") and done > 0.6:
            raise Stop

    BrightThings.looks = 0
    with pytest.raises(Stop):
        listen("a.mp4", out="a.scene", progress=stop_after, looks_per_s=5)
    first, BrightThings.looks = BrightThings.looks, 0
    assert sorted(p.name for p in Path().iterdir()) == ["a.mp4", "cache"]
    listen("a.mp4", out="a.scene", looks_per_s=5)
    rest, BrightThings.looks = BrightThings.looks, 0
    listen("a.mp4", out="b.scene", looks_per_s=5, resume=False)
    whole = BrightThings.looks
    assert first > 0
    assert rest <= whole - first + 1
    one, two = (Path(f"{name}/scene.json").read_text() for name in ("a.scene", "b.scene"))
    assert one == two


def test_a_cut_parts_the_scene():
    times = [i / 25 for i in range(60)]
    made.write_clip("a.mp4", times=times[:30], width=160, height=120)
    with av.open("b.mp4", "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        rng = np.random.default_rng(0)
        other = rng.integers(0, 120, (12, 16, 3)).repeat(10, 0).repeat(10, 1).astype(np.uint8)
        for i in range(60):
            pixels = made.picture(i, 160, 120) if i < 30 else other.copy()
            if i >= 30:
                pixels[20:40, 20:40] = 250
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode(None))
    scene = listen("b.mp4", looks_per_s=8).scene
    assert scene.origin["shots"] == 2
    dogs = sorted((s for s in scene.sources if s.concept == "dog"), key=lambda s: s.gain[0][0])
    assert len(dogs) == 2
    # The first leaves, and the second enters, at the cut at 1.2 s.
    assert dogs[0].gain[-1][0] == pytest.approx(1.2, abs=0.1) and dogs[0].gain[-1][1] == 0
    second = [row for row in dogs[1].gain if row[1] == 0.0]
    assert second[0][0] == pytest.approx(1.2, abs=0.1)


BAD = {
    "sound only": ("a.m4a", "sound only"),
    "a single frame": ("one.mp4", "single frame"),
    "no frame": ("none.mp4", "clip"),
    "cut short": ("short.mp4", "cut short or damaged"),
    "a gif of one pixel": ("dot.gif", "16"),
    "an unknown codec": ("codec.mp4", "codec"),
    "words": ("words.mp4", "no clip"),
    "nothing": ("empty.mp4", "empty"),
}


def _write_bad():
    made.write_clip("a.mp4", sound=True)
    with av.open("a.m4a", "w", format="ipod") as container:
        audio = container.add_stream("aac", rate=48000)
        audio.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), "flt", "mono")
        frame.sample_rate = 48000
        container.mux((*audio.encode(frame), *audio.encode(None)))
    made.write_clip("one.mp4", times=[0.0])
    data = Path("a.mp4").read_bytes()
    Path("short.mp4").write_bytes(data[: len(data) // 2])
    Path("codec.mp4").write_bytes(data.replace(b"avc1", b"zzz9"))
    Path("words.mp4").write_text("these are words\n" * 50)
    Path("empty.mp4").touch()
    made.write_animation("dot.gif", width=20, height=20)
    from PIL import Image

    dots = [Image.new("P", (1, 1), i) for i in range(3)]
    dots[0].save("dot.gif", save_all=True, append_images=dots[1:], duration=100, optimize=False)
    with av.open("none.mp4", "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_clips_get_one_clear_line(case, capsys):
    _write_bad()
    name, word = BAD[case]
    before = sorted(p.name for p in Path().iterdir())
    assert main(["listen", name]) == 1
    _, err = capsys.readouterr()
    assert err.startswith("earwitness: error: ") and err.count("\n") == 1
    assert word in err and "defect" not in err
    assert sorted(p.name for p in Path().iterdir()) in (before, sorted([*before, "cache"]))


def test_three_hours_with_a_duration_of_five_seconds_take_no_longer():
    made.write_clip(
        "long.mp4", times=[5.0 * i for i in range(2160)], options={"g": "50", "bf": "0"}
    )
    began = time.monotonic()
    scene = listen("long.mp4", out="a.scene", duration_s=5.0).scene
    assert scene.duration_s == 5.0
    assert time.monotonic() - began < 60
    assert max(shown("long.heard.mp4")) <= 5.0


def test_a_file_whose_end_is_missing_is_heard_as_far_as_it_goes():
    made.write_clip("a.mkv", times=[i / 25 for i in range(100)], width=160, height=120)
    data = Path("a.mkv").read_bytes()
    Path("b.mkv").write_bytes(data[: int(len(data) * 0.6)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scene = listen("b.mkv", out="b.scene").scene
    assert 1.0 < scene.duration_s < 3.9


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"video": "a.mp4"}, OutputError),
        ({"video": "b.avi"}, OutputError),
        ({"codec": "mp3"}, OptionError),
        ({"codec": "ac3", "video_layout": "7.1.4"}, OptionError),
        ({"projection": "fisheye"}, OptionError),
        ({"looks_per_s": 0.0}, OptionError),
        ({"looks_per_s": float("nan")}, OptionError),
        ({"video_layout": "9.9"}, EarwitnessError),
    ],
)
def test_options_that_cannot_be_are_told_before_any_work(options, error):
    made.write_clip("a.mp4")
    BrightThings.looks = 0
    with pytest.raises(error):
        listen("a.mp4", out="a.scene", **options)
    assert BrightThings.looks == 0
    assert not Path("a.scene").exists()


def test_ctrl_c_leaves_nothing_behind(tmp_path):
    made.write_clip("a.mp4", times=[i / 25 for i in range(500)], width=320, height=240)
    run = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from earwitness.cli.main import run; run()",
            "listen",
            "a.mp4",
            "--looks",
            "5",
        ],
        stderr=subprocess.PIPE,
        text=True,
        # What is started in the background is deaf to Ctrl-C unless it is told otherwise.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    kept = tmp_path / "cache" / "earwitness" / "clips"
    for _ in range(600):  # until it is at work
        if kept.is_dir() and any(kept.iterdir()):
            break
        time.sleep(0.1)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err.strip() == "earwitness: stopped; nothing half-written was left"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "cache"]
