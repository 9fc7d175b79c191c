"""Every model through the whole voice: its level, its ends, its chance, and that it never loops."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from earwitness.errors import VoiceError
from earwitness.loudness import integrated_lufs
from earwitness.scene import concepts
from earwitness.voice import air, level
from earwitness.voice.contract import STEM_LUFS, Request
from earwitness.voice.model import MODELS, Control, Model
from earwitness.voice.registry import model_of, models, table
from earwitness.voice.repetition import loop
from earwitness.voice.synthesiser import Synthesiser, level_at_listener

EVERY = list(models())
EVEN = {"clock"}
"""What beats evenly by its nature: a loop cannot be told from it."""


def stem(words: str, concept: str | None = None, **options: float) -> np.ndarray:
    request = replace(Request(words, concept, rate_hz=16000), **options)  # type: ignore[arg-type]
    blocks = list(Synthesiser().voice(request).blocks)
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    made = np.concatenate(blocks)
    assert len(made) == request.samples
    return made


def test_there_are_a_hundred_concepts_and_every_one_has_a_model() -> None:
    assert len(EVERY) >= 100
    assert [row.concept for row in table() if not row.voiced] == []


@pytest.mark.parametrize("key", EVERY)
def test_controls_are_named_with_ranges_and_a_source(key: str) -> None:
    model = model_of(key)
    assert model.source.strip()
    for control in model.controls:
        assert control.low <= control.default <= control.high, control.name
        assert control.low < control.high and control.meaning.strip(), control.name
    assert len({c.name for c in model.controls}) == len(model.controls)


@pytest.mark.parametrize("key", EVERY)
def test_stem_is_nominal_clean_and_finite(key: str) -> None:
    made = stem(concepts()[key].label, key, rate_hz=48000).astype(float)
    assert np.isfinite(made).all()
    assert level.loudness(made, 48000) == pytest.approx(STEM_LUFS, abs=1.0)
    assert abs(made.mean()) < 1e-3 * made.std()
    assert np.abs(made).max() <= 1.0
    assert np.abs(made[[0, -1]]).max() < 1e-4
    edge = 48  # the first and last millisecond are still faint: no click
    assert max(np.abs(made[:edge]).max(), np.abs(made[-edge:]).max()) < 0.05


@pytest.mark.parametrize("key", EVERY)
def test_chance_is_the_seed_alone(key: str) -> None:
    model, count = model_of(key), 3 * 16000

    def made(seed: int) -> np.ndarray:
        return model.function(count, 16000, np.random.default_rng(seed), model.settings({}))

    first = made(1)
    assert first.shape == (count,) and np.isfinite(first).all()
    assert np.array_equal(first, made(1))
    assert not np.array_equal(first, made(2))


@pytest.mark.parametrize("key", EVERY)
@pytest.mark.parametrize("rate_hz", [8000, 44100, 96000])
def test_models_sound_at_any_rate(key: str, rate_hz: int) -> None:
    model = model_of(key)
    made = model.function(rate_hz, rate_hz, np.random.default_rng(3), model.settings({}))
    assert made.shape == (rate_hz,)
    assert np.isfinite(made).all()


@pytest.mark.parametrize("key", EVERY)
@pytest.mark.parametrize("end", ["low", "high"])
def test_models_stand_the_ends_of_their_controls(key: str, end: str) -> None:
    model = model_of(key)
    extreme = {control.name: getattr(control, end) for control in model.controls}
    made = model.function(8000, 8000, np.random.default_rng(4), model.settings(extreme))
    assert made.shape == (8000,)
    assert np.isfinite(made).all()


@pytest.mark.parametrize(
    "key", ["rain-light", "dog", "blackbird", "car", "train", "church-bells", "piano", "sea-waves"]
)
def test_two_minutes_keep_level_and_never_loop(key: str) -> None:
    made = stem(concepts()[key].label, key, duration_s=120.0).astype(float)
    assert level.loudness(made, 16000) == pytest.approx(STEM_LUFS, abs=1.0)
    assert abs(made.mean()) < 1e-3 * made.std()
    assert loop(made, 16000) < 0.5


def test_a_loop_would_be_found() -> None:
    ten = stem("a stream", duration_s=10.0).astype(float)
    assert loop(np.tile(ten, 4), 16000) > 0.9


def test_loudness_is_that_of_the_meter() -> None:
    noise = np.random.default_rng(0).standard_normal(5 * 44100) * 0.1
    noise[:44100] *= 0.001
    assert level.loudness(noise, 44100) == pytest.approx(integrated_lufs(noise, 44100), abs=0.01)


def test_stem_is_the_same_on_one_thread_and_on_many() -> None:
    code = (
        "import numpy as np, hashlib\n"
        "from earwitness.voice.contract import Request\n"
        "from earwitness.voice.synthesiser import Synthesiser\n"
        "v = Synthesiser().voice(Request('rain, a dog and a bell', duration_s=3, rate_hz=16000))\n"
        "print(hashlib.sha256(np.concatenate(list(v.blocks)).tobytes()).hexdigest())\n"
    )
    found = set()
    for threads in ("1", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        run = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **dict.fromkeys(names, threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(run.stdout.strip())
    assert len(found) == 1


def test_seed_decides() -> None:
    assert np.array_equal(stem("a stream", seed=5), stem("a stream", seed=5))
    assert not np.array_equal(stem("a stream", seed=5), stem("a stream", seed=6))


def test_adding_a_sound_leaves_the_others_as_they_were() -> None:
    one, both = stem("crickets"), stem("crickets, a distant dog")
    like = np.corrcoef(one, both)[0, 1]
    other = np.corrcoef(one, stem("crickets, a distant dog", seed=1))[0, 1]
    assert like > 0.7 > abs(other)


def test_with_a_concept_the_words_only_steer() -> None:
    voice = Synthesiser()
    for words in ("heavy rain and three dogs", "dogs", "nothing known"):
        assert voice.voice(Request(words, "rain-light")).concept == "rain-light"
    strong = voice.wishes(Request("heavy rain", "rain-leaves"))[0]
    assert strong.concept == "rain-leaves"
    fast = voice.wishes(Request("very fast", "footsteps"))[0]
    assert fast.tempo > 0


def test_concept_alone_needs_no_words() -> None:
    assert Synthesiser().voice(Request("", "dog")).concept == "dog"


def test_mixture_is_named_so_and_told_in_words() -> None:
    voiced = Synthesiser().voice(Request("three dogs and a stream"))
    assert voiced.concept == "mixture"
    assert voiced.said == "a dog barking ×3, a stream"
    assert voiced.credits == ()


@pytest.mark.parametrize("seconds", [0.001, 0.1, 1.0, 3.3])
def test_short_stems_have_the_length_asked_for_and_sound(seconds: float) -> None:
    made = stem("a cow", duration_s=seconds)
    assert np.abs(made).max() > 0


def test_far_is_fainter_and_duller() -> None:
    near, far = stem("heavy rain, 2 m away"), stem("heavy rain, 800 m away")

    def brightness(x: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(x)) ** 2
        return float((power * np.arange(len(power))).sum() / power.sum())

    assert brightness(far) < 0.9 * brightness(near)
    wishes = Synthesiser().wishes(Request("a dog 300 m away, a cat"))
    assert level_at_listener(wishes[0]) < level_at_listener(replace(wishes[0], distance_m=5.0))


def test_air_takes_what_the_standard_says() -> None:
    # ISO 9613-2, table 2 (20 °C, 70 %), dB/km, without the ground's share at 4 kHz (6 dB).
    found = air.absorption_db(np.array([1000.0, 4000.0]), 1000.0)
    assert found[0] == pytest.approx(5.0, abs=0.1)
    assert found[1] == pytest.approx(22.9 + 6.0, abs=0.1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda n, r, g, c: np.full(n, np.nan), "not finite"),
        (lambda n, r, g, c: np.zeros(n + 1), "gave shape"),
        (lambda n, r, g, c: np.zeros(n), "stayed silent"),
    ],
)
def test_a_broken_model_is_told_and_not_played(
    monkeypatch: pytest.MonkeyPatch, function: object, message: str
) -> None:
    broken = Model("gong", (Control("x", "", 0, 1, 0, "x"),), "none", function)  # type: ignore[arg-type]
    models.cache_clear()
    monkeypatch.setitem(MODELS, "gong", broken)
    try:
        with pytest.raises(VoiceError, match=message):
            list(Synthesiser().voice(Request("a gong", duration_s=0.5)).blocks)
    finally:
        models.cache_clear()


def test_unknown_words_are_refused_before_any_block() -> None:
    with pytest.raises(VoiceError, match="no sound is known"):
        Synthesiser().voice(Request("quantum flux"))
    with pytest.raises(VoiceError, match="no model sounds"):
        Synthesiser().voice(Request("a dog", "dogg"))


def test_limiter_bends_and_never_clips() -> None:
    ramp = np.linspace(-20, 20, 4001)
    bent = level.limited(ramp)
    assert (np.diff(bent) >= 0).all()
    assert np.abs(bent).max() <= level.CEILING
    small = np.abs(ramp) <= 0.5
    assert np.array_equal(bent[small], ramp[small])


def test_stems_of_hammer_blows_keep_their_true_peak_below_full_scale() -> None:
    from earwitness.loudness import Meter

    blows = np.zeros(10 * 48000)
    blow = np.random.default_rng(0).standard_normal(480) * np.exp(-np.arange(480) / 60)
    for start in range(24000, len(blows), 48000):
        blows[start : start + 480] = blow
    made = level.limited(level.at_loudness(blows, 48000, STEM_LUFS))
    meter = Meter([1.0], 48000)
    meter.add(made[None])
    assert np.abs(made).max() <= level.CEILING
    assert meter.true_peak_db < 0.0
