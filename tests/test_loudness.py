"""The meter against the standard's signals and two independent meters."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.loudness import Meter, channel_weights, envelope, integrated_lufs
from earwitness.scene import layout_named

RATE = 48000


def tone(hz, level_db, seconds, rate=RATE):
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def measured(samples, layout, rate=RATE, block=4096):
    meter = Meter(channel_weights(layout_named(layout)), rate)
    for start in range(0, samples.shape[1], block):
        meter.add(samples[:, start : start + block])
    return meter


def scene_like(channels, seed=0):
    """Noise whose level changes, as scenes' does."""
    rng = np.random.default_rng(seed)
    slow = np.interp(np.arange(8 * RATE), np.linspace(0, 8 * RATE, 12), rng.uniform(0, 0.2, 12))
    return rng.standard_normal((channels, 8 * RATE)) * slow * rng.uniform(0.1, 1, (channels, 1))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize(("level_db", "wanted"), [(-23, -23.0), (-33, -33.0)])
def test_ebu_tech_3341_cases_1_and_2(rate, level_db, wanted):
    both = np.tile(tone(1000, level_db, 20, rate), (2, 1))
    assert measured(both, "stereo", rate).integrated_lufs == pytest.approx(wanted, abs=0.1)


def test_ebu_tech_3341_case_3_gates_the_quiet_parts():
    parts = [tone(1000, -36, 10), tone(1000, -23, 60), tone(1000, -36, 10)]
    both = np.tile(np.concatenate(parts), (2, 1))
    assert measured(both, "stereo").integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_ebu_tech_3341_case_6_weighs_the_channels_of_5_1():
    levels = {"FL": -28, "FR": -28, "FC": -24, "BL": -30, "BR": -30}
    layout = layout_named("5.1")
    samples = np.array([tone(1000, levels.get(c.short, -300), 20) for c in layout.channels])
    assert measured(samples, "5.1").integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_pyloudnorm(seed):
    pyloudnorm = pytest.importorskip("pyloudnorm")
    samples = scene_like(6, seed)
    mains = samples[[0, 1, 2, 4, 5]]
    wanted = pyloudnorm.Meter(RATE).integrated_loudness(mains.T)
    assert measured(samples, "5.1").integrated_lufs == pytest.approx(wanted, abs=0.05)


def ffmpeg(samples, layout):
    """FFmpeg's ebur128: integrated loudness and true peak."""
    av = pytest.importorskip("av")
    graph = av.filter.Graph()
    source = graph.add(
        "abuffer",
        sample_rate=str(RATE),
        sample_fmt="flt",
        channel_layout=layout,
        time_base="1/48000",
    )
    meter = graph.add("ebur128", "peak=true:metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    last = {}
    packed = np.ascontiguousarray(samples.T.reshape(1, -1), dtype=np.float32)
    channels = len(samples)
    for start in range(0, samples.shape[1], 4800):
        part = packed[:, start * channels : (start + 4800) * channels]
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="flt", layout=layout)
        frame.sample_rate, frame.pts = RATE, start
        graph.push(frame)
        while True:
            try:
                last = dict(graph.pull().metadata) or last
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    peaks = [float(v) for k, v in last.items() if k.startswith("lavfi.r128.true_peaks_ch")]
    return float(last["lavfi.r128.I"]), 20 * np.log10(max(peaks)) if peaks else None


@pytest.mark.parametrize("seed", range(2))
def test_it_agrees_with_ffmpeg(seed):
    samples = scene_like(6, seed)
    loudness, peak_db = ffmpeg(samples, "5.1")
    meter = measured(samples, "5.1")
    assert meter.integrated_lufs == pytest.approx(loudness, abs=0.1)
    if peak_db is not None:
        assert meter.true_peak_db == pytest.approx(peak_db, abs=0.3)


@pytest.mark.parametrize("hz", [997, 6000, 12000, 18000])
def test_true_peak_of_tones_whose_samples_miss_the_top(hz):
    """A fade keeps the edges of the tone from having peaks of their own."""
    time = np.arange(RATE) / RATE
    sound = 0.5 * np.sin(2 * np.pi * hz * time + np.pi / 4) * np.hanning(RATE)
    meter = measured(sound[None], "mono")
    assert meter.true_peak_db == pytest.approx(-6.02, abs=0.1)


def test_blocks_of_any_size_measure_alike():
    samples = scene_like(2).astype(np.float32)
    whole = measured(samples, "stereo", block=10**9)
    for block in (1, 63, 1000, 4801):
        part = samples[:, : 20 * block] if block < 64 else samples
        one = measured(part, "stereo", block=block)
        other = whole if part is samples else measured(part, "stereo", block=10**9)
        assert one.integrated_lufs == pytest.approx(other.integrated_lufs, abs=1e-6)
        assert one.true_peak_db == pytest.approx(other.true_peak_db, abs=1e-4)


def test_leaving_quiet_places_out_does_not_change_the_peak():
    samples = scene_like(2).astype(np.float32)
    everywhere = envelope(np.pad(samples, ((0, 0), (23, 0)))).max()
    assert 10 ** (measured(samples, "stereo").true_peak_db / 20) == pytest.approx(
        everywhere, rel=1e-5
    )


def test_silence_and_next_to_nothing():
    assert integrated_lufs(np.zeros(RATE), RATE) == -70.0
    assert measured(np.zeros((2, RATE)), "stereo").true_peak_db == -np.inf
    assert measured(np.zeros((2, 0)), "stereo").integrated_lufs == -70.0
    assert integrated_lufs(np.array([0.5]), RATE) > -70.0
