"""The finished sound: its loudness, its peaks, and what the limiter leaves alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scenes import RATE, noise, source, stems_of

from earwitness.errors import LayoutError, OptionError, PluginError
from earwitness.loudness import Meter, channel_weights
from earwitness.scene import Bed, Scene, layout_named
from earwitness.space.contract import BLOCK
from earwitness.space.level import Limiter
from earwitness.space.render import Rendering, Spool, render_scene, renderer_for


def finish(scene, sounds, layout="5.1", **more) -> Rendering:
    return render_scene(
        scene, lambda: stems_of(sounds), layout=layout_named(layout), rate_hz=RATE, **more
    )


def remeasured(made: Rendering) -> Meter:
    meter = Meter(channel_weights(made.layout), made.rate_hz)
    meter.add(made.sound().samples)
    return meter


def hammer(decay_s=0.003, seconds=5.0, every=0.7):
    """Blows that die away, 50 dB above a faint noise."""
    sound = 0.003 * np.random.default_rng(0).standard_normal(round(seconds * RATE))
    for start in np.arange(0.3, seconds - 0.2, every):
        at, length = round(start * RATE), round(6 * decay_s * RATE)
        blow = np.random.default_rng(at).uniform(-0.9, 0.9, length)
        sound[at : at + length] += blow * np.exp(-np.arange(length) / (decay_s * RATE))
    return sound.astype(np.float32)


NASTY = {
    "hammer": hammer(),
    "clicks": np.eye(1, 3 * RATE, 70000, dtype=np.float32)[0] + noise(3 * RATE) * 0.01,
    "square": np.sign(np.sin(2 * np.pi * 3000.3 * np.arange(3 * RATE) / RATE)).astype(np.float32),
    "nyquist": np.tile([1, 1, -1, -1], 3 * RATE // 4).astype(np.float32),
    "steps": np.repeat(np.random.default_rng(0).choice([-1, 1], 30), RATE // 10).astype(np.float32),
    "huge": noise(3 * RATE) * 1e6,
    "broken": np.where(np.arange(3 * RATE) % 5000 == 0, np.nan, noise(3 * RATE)).astype(np.float32),
}


@pytest.mark.parametrize("layout", ["5.1", "binaural", "foa"])
@pytest.mark.parametrize("name", NASTY)
@pytest.mark.parametrize("loudness", [-23.0, -10.0, None])
def test_no_true_peak_is_above_the_ceiling(name, layout, loudness):
    sound = NASTY[name]
    seconds = len(sound) / RATE
    rows = ((0, 2, -9, 0), (seconds, 2, 9, 0))
    scene = Scene(
        (source("a", 1, 0.5, 0, level_db=118), source("b", positions=rows, level_db=118)),
        duration_s=seconds,
    )
    made = finish(scene, {"a": sound, "b": sound}, layout, loudness_lufs=loudness)
    samples = made.sound().samples
    assert np.isfinite(samples).all()
    meter = remeasured(made)
    assert meter.true_peak_db <= -1.0 + 1e-3
    assert made.true_peak_db == pytest.approx(meter.true_peak_db, abs=1e-3)
    assert made.loudness_lufs == pytest.approx(meter.integrated_lufs, abs=1e-2)
    if loudness is not None and not made.limited:
        assert meter.integrated_lufs == pytest.approx(loudness, abs=0.1)


@pytest.mark.parametrize("target", [-36.0, -23.0, -16.0])
def test_ordinary_scenes_reach_their_loudness_without_limiter(target):
    scene = Scene(
        (source("a", 3, 2, 0, level_db=75),), (Bed("b", "wind", "wind", 50),), duration_s=2
    )
    made = finish(scene, {"a": noise(2 * RATE), "b": noise(2 * RATE, 1)}, loudness_lufs=target)
    assert remeasured(made).integrated_lufs == pytest.approx(target, abs=0.05)
    assert not made.limited


def test_hammers_reach_their_loudness_through_the_limiter():
    scene = Scene((source("a", 3, 0, 0, level_db=95),), duration_s=5)
    made = finish(scene, {"a": hammer(decay_s=0.012)})
    assert made.limited and 1 < made.reduction_db <= 15.1
    assert remeasured(made).integrated_lufs == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize("decay_s", [0.001, 0.003])
def test_what_would_need_too_much_limiting_stays_quieter(decay_s):
    scene = Scene((source("a", 3, 0, 0, level_db=95),), duration_s=5)
    made = finish(scene, {"a": hammer(decay_s=decay_s)})
    assert 1 < made.reduction_db <= 15.1
    assert -45 < made.loudness_lufs < -24
    assert made.true_peak_db == pytest.approx(-1, abs=0.2)


def test_none_keeps_the_scenes_own_levels():
    scene = Scene((source("a", 2, 0, 0, level_db=84),), duration_s=1)
    sound = noise(RATE, top_hz=2000)
    made = finish(scene, {"a": sound}, "mono", loudness_lufs=None)
    assert made.gain_db == 0.0
    np.testing.assert_allclose(made.sound().samples[0], sound / 4, atol=1e-4)


def test_silence_stays_silence_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = finish(Scene((source("a", 1, 0, 0),), duration_s=0.5), {"a": np.zeros(RATE)})
        assert not made.sound().samples.any()
    assert made.loudness_lufs == -70.0 and made.gain_db == 0.0 and not made.limited


def test_reading_twice_gives_the_same_and_blocks_are_small():
    scene = Scene((source("a", 3, 0, 0, level_db=95),), duration_s=5)
    made = finish(scene, {"a": hammer()})
    once, again = list(made.blocks()), list(made.blocks())
    assert max(block.shape[1] for block in once) <= BLOCK
    np.testing.assert_array_equal(np.concatenate(once, axis=1), np.concatenate(again, axis=1))
    assert made.samples == 5 * RATE


def test_progress_goes_up_to_the_end():
    parts: list[float] = []
    finish(Scene(duration_s=0.5), {}, progress=parts.append)
    assert parts == sorted(parts) and parts[-1] == 1.0


def limited(samples, gain=1.0, ceiling=0.5, chunk=4096):
    spool = Spool(len(samples))
    spool.append(samples.astype(np.float32))
    limiter = Limiter(spool.span, RATE, gain, ceiling)
    stops = [*range(chunk, samples.shape[1], chunk), samples.shape[1]]
    parts = [limiter.limit(start, stop) for start, stop in zip([0, *stops], stops, strict=False)]
    return np.concatenate(parts, axis=1)


def test_the_limiter_touches_nothing_far_from_a_peak():
    samples = 0.1 * np.sin(np.arange(4 * RATE) / 20)[None].repeat(2, axis=0)
    samples[0, RATE] = 1.0
    found = limited(samples)
    changed = np.flatnonzero(np.abs(found - samples.astype(np.float32)).max(axis=0))
    assert changed.min() > RATE - 0.011 * RATE
    assert changed.max() < RATE + 0.2 * RATE
    assert np.abs(found).max() <= 0.5


def test_the_limiter_moves_all_channels_together():
    rng = np.random.default_rng(3)
    one = rng.standard_normal(RATE)
    samples = np.stack([one, 0.25 * one, -0.5 * one])
    found = limited(samples)
    np.testing.assert_allclose(found[1], 0.25 * found[0], atol=1e-6)
    np.testing.assert_allclose(found[2], -0.5 * found[0], atol=1e-6)


def test_the_limiter_does_not_depend_on_the_chunks():
    samples = np.random.default_rng(4).standard_normal((2, RATE)) * 0.4
    np.testing.assert_allclose(
        limited(samples, chunk=997), limited(samples, chunk=20000), atol=1e-6
    )


def test_what_cannot_be_made_is_told():
    five = layout_named("5.1")
    with pytest.raises(LayoutError, match=r"ambisonics.*5\.1"):
        renderer_for(five, "ambisonics")
    with pytest.raises(PluginError, match="panning"):
        renderer_for(five, "wavefield")
    with pytest.raises(OptionError, match="true peak"):
        finish(Scene(), {}, true_peak_db=3.0)
