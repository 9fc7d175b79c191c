"""Voices that generate: through the real code on tiny models, and the job with forced answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="foundation models need the extra [hub]")
pytest.importorskip("transformers", reason="foundation models need the extra [hub]")
pytest.importorskip("diffusers", reason="foundation models need the extra [hub]")
pytest.importorskip("torchsde", reason="foundation models need the extra [hub]")

import tiny  # noqa: E402
import tiny_voices  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from earwitness import plugins  # noqa: E402
from earwitness.errors import OptionError, VoiceError, WeightsError  # noqa: E402
from earwitness.models.settings import Settings  # noqa: E402
from earwitness.scene import UNNAMED  # noqa: E402
from earwitness.verbs.heard import make_voice  # noqa: E402
from earwitness.voice.contract import STEM_LUFS, Request  # noqa: E402
from earwitness.voice.diffusion.clap import ClapRanker  # noqa: E402
from earwitness.voice.generated import GeneratedVoice  # noqa: E402
from earwitness.voice.level import loudness  # noqa: E402


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    root, made = tmp_path_factory.mktemp("voices"), {}

    def folder(name: str) -> Path:
        if name not in made:
            build = tiny_voices.VOICES.get(name)
            made[name] = build(root / name) if build else tiny.save(name, root / name)
        return made[name]

    return folder


@pytest.mark.parametrize("name", ["audioldm2", "stable-audio", "tangoflux"])
def test_a_saved_model_makes_a_stem_and_the_same_again(folders, name):
    settings = Settings(steps=1, batch=2)
    voice = plugins.made("voice", f"{name}:{folders(name)}", settings)
    request = Request("a dog", duration_s=0.5, rate_hz=16000, seed=4)
    first = np.concatenate(list(voice.voice(request).blocks))
    assert len(first) == request.samples
    assert np.isfinite(first).all()
    assert settings.shelf.report()
    (again,) = voice.voice_many([request])
    np.testing.assert_allclose(np.concatenate(list(again.blocks)), first, atol=1e-4)


@pytest.mark.parametrize("name", ["audioldm2", "stable-audio"])
def test_a_pipeline_with_a_missing_key_is_refused(folders, tmp_path, name):
    import shutil

    place = shutil.copytree(folders(name), tmp_path / name)
    part = "unet" if name == "audioldm2" else "transformer"
    file = place / part / "diffusion_pytorch_model.safetensors"
    table = dict(load_file(file))
    table.pop(sorted(table)[0])
    save_file(table, file, metadata={"format": "pt"})
    voice = plugins.made("voice", f"{name}:{place}", Settings(steps=1))
    with pytest.raises(WeightsError, match=r"missing|could not be loaded"):
        list(voice.voice(Request("a dog", duration_s=0.3, rate_hz=8000)).blocks)
    file.write_bytes(file.read_bytes()[:-50])
    with pytest.raises(WeightsError, match="truncated"):
        plugins.made("voice", f"{name}:{place}")


def test_tangoflux_accounts_for_every_key(folders, tmp_path):
    import shutil

    place = shutil.copytree(folders("tangoflux"), tmp_path / "t")
    file = place / "tangoflux.safetensors"
    table = dict(load_file(file))
    save_file({**table, "text_encoder.shared.weight": torch.zeros(2, 2)}, file)  # not needed
    voice = plugins.made("voice", f"tangoflux:{place}", Settings(steps=1))
    voice._networks(16)
    save_file({k: v for k, v in table.items() if k != "fc.0.bias"}, file)
    voice = plugins.made("voice", f"tangoflux:{place}", Settings(steps=1))
    with pytest.raises(WeightsError, match=r"1 keys are missing, the first 'fc\.0\.bias'"):
        voice._networks(16)


def test_tangoflux_follows_the_flow_to_where_it_leads(folders, monkeypatch):
    model, _ = plugins.made("voice", f"tangoflux:{folders('tangoflux')}")._networks(16)
    noise = torch.randn(1, model.frames, model.channels)
    goal = torch.ones_like(noise)
    # The velocity of a straight path from noise to a goal.
    monkeypatch.setattr(model.transformer, "forward", lambda **k: (noise - goal,))
    words, mask = torch.zeros(2, 3, 16), torch.ones(2, 3, dtype=torch.bool)
    for steps in (1, 7):
        found = model.latents(noise, words, mask, torch.tensor([5.0]), steps=steps, guidance=1.0)
        torch.testing.assert_close(found, goal, atol=1e-4, rtol=0)


class Tones(GeneratedVoice):
    """A stand-in whose windows are tones of a pitch that depends on the seed."""

    title, rate_hz, longest_s = "tones", 8000, 2.0

    def __init__(self, settings=None, ranker=None):
        super().__init__(settings, ranker)
        self.batches, self.made = [], []

    def generate(self, asks):
        self.batches.append(len(asks))
        t = np.arange(16000) / 8000
        tones = [np.sin(2 * np.pi * (200 + ask.seed % 1000) * t).astype(np.float32) for ask in asks]
        self.made += [(ask.seed, tone) for ask, tone in zip(asks, tones)]
        return tones


class Chosen:
    """A ranker that likes one sound best."""

    def __init__(self, number):
        self.number = number

    def scores(self, sounds, rate_hz, words):
        self.words = list(words)
        return np.array([float(i % 3 == self.number) for i in range(len(sounds))])


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_candidate_that_scores_best_is_taken(number, monkeypatch):
    ranker = Chosen(number)
    voice = Tones(Settings(candidates=3, batch=8), ranker)
    request = Request("a dog", duration_s=1.0, rate_hz=8000, prompt="at night")
    (voiced,) = voice.voice_many([request])
    sound = np.concatenate(list(voiced.blocks))
    pitch = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))).argmax()
    assert pitch == pytest.approx(200 + voice.made[number][0] % 1000, abs=1.5)
    assert ranker.words == ["a dog, at night"] * 3
    assert len({seed for seed, _ in voice.made}) == 3


def test_longer_than_a_window_goes_on_at_the_same_loudness_and_in_batches():
    voice = Tones(Settings(batch=3))
    request = Request("a dog", duration_s=9.0, rate_hz=8000)
    sound = np.concatenate(list(voice.voice_many([request])[0].blocks))
    assert len(sound) == request.samples
    assert loudness(sound.astype(float), 8000) == pytest.approx(STEM_LUFS, abs=1.0)
    assert max(voice.batches) == 3
    power = [float((part**2).mean()) for part in np.array_split(sound[400:-400], 16)]
    assert max(power) < 6 * min(power)


def test_what_a_voice_cannot_do_is_said():
    with pytest.raises(VoiceError, match="--name clip"):
        Tones().voice(Request("what is seen here", UNNAMED))
    with pytest.raises(OptionError, match=r"steps 9.*does not generate"):
        make_voice("synth", Settings(steps=9))

    class Broken(Tones):
        def generate(self, asks):
            return [np.full(16000, np.nan, np.float32) for _ in asks]

    with pytest.raises(VoiceError, match="not finite"):
        Broken().voice_many([Request("a dog", duration_s=1.0)])


def test_clap_ranks_by_the_cosine_of_sound_and_words(folders, monkeypatch):
    ranker = ClapRanker(Settings(ranker=str(folders("clap"))))
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(16000).astype(np.float32) * 0.1 for _ in range(2)]
    scores = ranker.scores(sounds, 16000, ["a dog", "the sea"])
    assert scores.shape == (2,)
    assert np.abs(scores).max() <= 1.0 + 1e-6
    np.testing.assert_allclose(ranker.scores(sounds, 16000, ["a dog", "the sea"]), scores)
    np.testing.assert_allclose(ranker.scores(sounds[1:], 16000, ["the sea"]), scores[1:], atol=1e-5)
    vectors = np.eye(2)
    monkeypatch.setattr(ranker, "sounds", lambda sounds, rate_hz: vectors)
    monkeypatch.setattr(ranker, "texts", lambda words: vectors[::-1])
    assert ranker.scores(sounds, 16000, ["a", "b"]).tolist() == [0.0, 0.0]
