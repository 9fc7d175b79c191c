"""CoDi from files to stems, on a tiny model with random weights that the tests build and save."""

from __future__ import annotations

import pickle
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="CoDi needs the extra [hub]")
pytest.importorskip("transformers", reason="CoDi needs the extra [hub]")
pytest.importorskip("ftfy", reason="CoDi needs the extra [hub]")

from earwitness.errors import OptionError, VoiceError, WeightsError  # noqa: E402
from earwitness.voice.codi import weights  # noqa: E402
from earwitness.voice.codi.clip import Crop, centre_crop, prepare  # noqa: E402
from earwitness.voice.codi.config import CodiConfig  # noqa: E402
from earwitness.voice.codi.pipeline import Codi, Condition, _transformers_clip  # noqa: E402
from earwitness.voice.codi.unet import Attention, AudioUnet  # noqa: E402
from earwitness.voice.codi.vae import MelDecoder  # noqa: E402
from earwitness.voice.codi.vocoder import Vocoder  # noqa: E402
from earwitness.voice.codi.voice import CodiVoice  # noqa: E402
from earwitness.voice.contract import STEM_LUFS, Request  # noqa: E402
from earwitness.voice.level import loudness  # noqa: E402

_TOWER = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
    "hidden_act": "quick_gelu", "projection_dim": 24,
}  # fmt: skip
TINY = CodiConfig.from_dict(
    {
        "unet": {
            "model_channels": 32, "num_noattn_blocks": [1, 1], "channel_mult": [1, 2],
            "with_attn": [True, False], "num_heads": 4, "context_dim": 24,
        },
        "vae": {"ch": 32, "num_res_blocks": 1},
        "vocoder": {"upsample_initial_channel": 64},
        "clip": {
            "projection_dim": 24,
            "text_config": {**_TOWER, "vocab_size": 49408, "max_position_embeddings": 77},
            "vision_config": {**_TOWER, "image_size": 224, "patch_size": 32},
        },
        "latent_shape": [8, 64, 16],
    }
)  # fmt: skip
PICTURE = np.random.default_rng(5).integers(0, 256, (40, 64, 3)).astype(np.uint8)


def drawn(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    n = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    if len(shape) < 2:
        n = 0.05 * n + key.endswith(".weight")
    else:
        n = n / np.sqrt(np.prod(shape[1:]))
    return torch.from_numpy(n.astype(np.float32))


@pytest.fixture(scope="session")
def table() -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        parts = {
            weights.CLIP_PREFIX: _transformers_clip(TINY.clip),
            weights.UNET_PREFIX: AudioUnet(TINY.unet),
            weights.AUDIO_PREFIX: MelDecoder(TINY.vae),
            weights.AUDIO_PREFIX + "vocoder.": Vocoder(TINY.vocoder),
        }
    return {
        prefix + key: drawn(prefix + key, tuple(value.shape))
        for prefix, module in parts.items()
        for key, value in module.state_dict().items()
        if key != "logit_scale"
    }


@pytest.fixture(scope="session")
def codi(table) -> Codi:
    return Codi(TINY, dict(table), device="cpu")


def split(table: dict[str, torch.Tensor]) -> tuple[dict, dict]:
    diffuser = {k: v for k, v in table.items() if k.startswith(weights.UNET_PREFIX)}
    return {k: v for k, v in table.items() if k not in diffuser}, diffuser


def publish(folder: Path, table: dict[str, torch.Tensor]) -> Path:
    folder.mkdir(exist_ok=True)
    encoders, diffuser = split(table)
    torch.save(encoders, folder / "CoDi_encoders.pth")
    torch.save(diffuser, folder / "CoDi_audio_diffuser_m.pth")
    return folder


def load(folder: Path | list[Path]) -> Codi:
    return Codi.load(folder, config=TINY, device="cpu")


def heard(model: Codi, **options) -> np.ndarray:
    return model.generate(PICTURE, "a dog", steps=2, seed=3, **options)


def same(left: np.ndarray, right: np.ndarray) -> None:
    # Where numbers lie in memory may change the order of PyTorch's sums.
    np.testing.assert_allclose(left, right, rtol=1e-4, atol=1e-5)


# --- files ---


def test_published_files_load_convert_and_sound_the_same(tmp_path, table, codi):
    loaded = load(publish(tmp_path / "published", table))
    same(heard(loaded), heard(codi))
    folder = loaded.save(tmp_path / "converted")
    assert sorted(p.name for p in folder.iterdir()) == ["codi.safetensors", "config.json"]
    again = Codi.load(folder, device="cpu")  # its sizes stand beside it
    assert again.config == TINY
    same(heard(again), heard(codi))


def test_what_is_not_needed_is_left_alone_and_a_wrapper_is_opened(tmp_path, table, codi):
    encoders, diffuser = split(table)
    encoders |= {
        "clip.model.logit_scale": torch.tensor(2.0),
        "clip.model.text_model.embeddings.position_ids": torch.arange(77)[None],
        "clip.model.vision_model.encoder.layers.0.temporal_self_attn.temporal_attn.norm.g": (
            torch.ones(32)
        ),
        "audioldm.encoder.conv_in.weight": torch.ones(3),
        "optimus.encoder.weight": torch.ones(3),
        "betas": torch.ones(1000),
    }
    diffuser[weights.UNET_PREFIX + "connecters_out.0.0.weight"] = torch.ones(3)
    one, two = tmp_path / "CoDi_encoders.pth", tmp_path / "CoDi_audio_diffuser_m.pth"
    torch.save({"state_dict": encoders}, one)
    torch.save({"state_dict": diffuser}, two)
    same(heard(load([one, two])), heard(codi))


def test_half_precision_and_left_in_weight_norm_are_read(tmp_path, table):
    half = {k: v.half() for k, v in table.items()}
    key = "audioldm.vocoder.conv_pre.weight"
    direction = table[key]
    normed = {k: v for k, v in table.items() if k != key}
    normed[key + "_v"] = direction * 3
    normed[key + "_g"] = direction.norm(dim=(1, 2), keepdim=True)
    publish(tmp_path / "half", half)
    publish(tmp_path / "normed", normed)
    one, two = load(tmp_path / "half"), load(tmp_path / "normed")
    assert next(one.unet.parameters()).dtype == torch.float32
    torch.testing.assert_close(two.vocoder.conv_pre.weight.data, direction)


def test_a_later_file_goes_before_an_earlier_one(tmp_path, table):
    folder = publish(tmp_path, table)
    key = "audioldm.post_quant_conv.bias"
    torch.save({key: torch.full((8,), 7.0)}, tmp_path / "later.pth")
    files = [*weights.find(folder), tmp_path / "later.pth"]
    assert float(weights.merge(files)[key][0]) == 7.0


def test_the_names_of_see_2_sound_are_found(tmp_path, table):
    encoders, diffuser = split(table)
    torch.save(encoders, tmp_path / "codi_encoder.pth")
    torch.save(diffuser, tmp_path / "codi_audio.pth")
    assert [p.name for p in weights.find(tmp_path)] == ["codi_encoder.pth", "codi_audio.pth"]


class _Runs:
    """A pickle that would write a file when read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "ran"))


def test_a_pickle_that_would_run_a_program_is_refused(tmp_path, table):
    folder = publish(tmp_path / "codi", table)
    trap = tmp_path / "ran.txt"
    torch.save({"weights": _Runs(trap)}, folder / "CoDi_encoders.pth")
    with pytest.raises(WeightsError, match="could run a program"):
        load(folder)
    (folder / "CoDi_encoders.pth").write_bytes(pickle.dumps(_Runs(trap), protocol=2))
    with pytest.raises(WeightsError, match=r"refused|no file of PyTorch"):
        load(folder)
    assert not trap.exists()


def test_a_truncated_file_is_refused(tmp_path, table, codi):
    folder = publish(tmp_path / "pth", table)
    path = folder / "CoDi_audio_diffuser_m.pth"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(WeightsError, match="truncated"):
        load(folder)
    folder = codi.save(tmp_path / "safe")
    path = folder / "codi.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="truncated"):
        Codi.load(folder, device="cpu")


@pytest.mark.parametrize(
    "key",
    [
        "clip.model.text_projection.weight",
        "clip.model.vision_model.post_layernorm.bias",
        "audioldm.decoder.conv_in.weight",
        "audioldm.vocoder.conv_post.bias",
        weights.UNET_PREFIX + "middle_block.1.transformer_blocks.0.attn2.to_q.weight",
    ],
)
def test_every_missing_misshaped_or_strange_key_is_refused(tmp_path, table, key):
    short = {k: v for k, v in table.items() if k != key}
    with pytest.raises(WeightsError, match="missing"):
        Codi(TINY, short, device="cpu")
    with pytest.raises(WeightsError, match="another shape"):
        Codi(TINY, short | {key: torch.zeros(3, 3)}, device="cpu")
    with pytest.raises(WeightsError, match="unknown"):
        Codi(TINY, table | {key + "2": torch.zeros(3)}, device="cpu")


def test_wrong_folders_are_refused_with_what_is_there(tmp_path, table):
    with pytest.raises(WeightsError, match="not a folder"):
        load(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(WeightsError, match=r"there is notes.txt; expected CoDi_encoders.pth"):
        load(tmp_path)
    folder = publish(tmp_path / "other", table)
    (folder / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(WeightsError, match=r"another model.*'clip'"):
        Codi.load(folder, device="cpu")
    (folder / "config.json").unlink()
    with pytest.raises(WeightsError, match="are missing"):  # tiny files, published sizes
        Codi.load(folder, device="cpu")


# --- the parts ---


def test_one_token_makes_attention_a_linear_layer():
    attention = Attention(16, 8, 2)
    x, context = torch.randn(2, 5, 16), torch.randn(2, 1, 8)
    with torch.inference_mode():
        short = attention(x, context).expand(2, 5, 16)
        twice = attention(x, context.expand(2, 2, 8))  # two equal tokens: the whole computation
    torch.testing.assert_close(short, twice)


@pytest.mark.parametrize("steps", [1, 2, 3, 9, 27, 36, 37, 101, 251, 333, 501, 999, 1000])
@pytest.mark.parametrize("spacing", ["published", "exact"])
def test_ddim_takes_any_number_of_steps(steps, spacing):
    from earwitness.voice.codi.schedule import schedule

    found = schedule(steps, spacing=spacing)
    assert found.timesteps.min() >= 0
    assert found.timesteps.max() <= 999
    assert (np.diff(found.timesteps) > 0).all()
    if spacing == "exact":
        assert len(found) == steps
    else:
        assert steps - (steps == 1000) <= len(found) <= -(-1000 // (1000 // steps))


@pytest.mark.parametrize("steps", [0, -1, 1001, 2.5, True])
def test_steps_outside_are_refused(codi, steps):
    with pytest.raises(OptionError, match="diffusion steps"):
        codi.generate(None, "rain", steps=steps)


def test_three_steps_sound_though_the_published_program_fails(codi):
    assert np.isfinite(codi.generate(None, "rain", steps=3)).all()


def test_guidance_one_costs_half_and_is_the_condition_alone(codi):
    context = codi.context([Condition(text="rain")])
    noise = codi.noise([1])
    plain = codi.latents(context, noise, steps=2, scale=1.0)
    torch.testing.assert_close(plain, codi.latents(context[[1, 1]], noise, steps=2, scale=5.0))
    nearly = codi.latents(context, noise, steps=2, scale=1.0 + 1e-7)
    torch.testing.assert_close(plain, nearly, rtol=1e-4, atol=1e-4)


def test_a_batch_gives_what_one_by_one_gives(codi):
    conditions = [Condition(PICTURE), Condition(text="rain"), Condition(PICTURE[:20], "a dog")]
    together = codi.generate_many(conditions, [1, 2, 3], steps=2)
    for i, condition in enumerate(conditions):
        alone = codi.generate_many([condition], [i + 1], steps=2)[0]
        assert np.abs(together[i] - alone).max() < 1e-4 * np.abs(alone).max()


def test_picture_words_and_seed_each_change_the_sound(codi):
    base = heard(codi)
    assert base.shape == (TINY.samples,)
    assert base.dtype == np.float32
    same(base, heard(codi))
    others = [
        codi.generate(PICTURE[::-1].copy(), "a dog", steps=2, seed=3),
        codi.generate(PICTURE, "the sea", steps=2, seed=3),
        codi.generate(PICTURE, "a dog", steps=2, seed=4),
        codi.generate(PICTURE, None, steps=2, seed=3),
    ]
    for other in others:
        assert np.abs(other - base).max() > 1e-4 * np.abs(base).max()


def test_weights_of_picture_and_words_go_from_one_to_the_other(codi):
    contexts = {
        w: codi.context([Condition(PICTURE, "a dog", weights=w)]) for w in ((1, 0), (0, 1), (2, 2))
    }
    torch.testing.assert_close(contexts[1, 0], codi.context([Condition(PICTURE)]))
    torch.testing.assert_close(contexts[0, 1], codi.context([Condition(text="a dog")]))
    torch.testing.assert_close(contexts[2, 2], (contexts[1, 0] + contexts[0, 1]) / 2)


def test_half_precision_is_near_single(table, codi):
    half = Codi(TINY, dict(table), device="cpu", precision="bf16")
    context, noise = codi.context([Condition(text="rain")]), codi.noise([1])
    exact = codi.latents(context, noise, steps=4)
    error = (half.latents(context, noise, steps=4) - exact).abs().max() / exact.abs().max()
    assert 0 < float(error) < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [({"device": "tpu"}, "device 'tpu'"), ({"precision": "fp8"}, "precision 'fp8'")],
)
def test_unknown_devices_and_precisions_are_refused(table, options, message):
    with pytest.raises(OptionError, match=message):
        Codi(TINY, dict(table), **{"device": "cpu", **options})


def test_conditions_that_cannot_be_are_refused(codi):
    with pytest.raises(VoiceError, match="neither a picture nor words"):
        Condition()
    with pytest.raises(OptionError, match="weights"):
        Condition(PICTURE, "x", weights=(0.0, 0.0))
    with pytest.raises(OptionError, match="not inside"):
        prepare(PICTURE, Crop(0, 30, 40))
    with pytest.raises(OptionError, match="uint8"):
        prepare(PICTURE.astype(np.float32))
    with pytest.raises(OptionError, match="one seed for each"):
        codi.generate_many([Condition(text="x")], [])


def test_the_default_crop_is_in_the_middle_and_mirroring_mirrors():
    assert centre_crop(40, 64) == Crop(0, 12, 40)
    plain = prepare(PICTURE)
    mirrored = prepare(PICTURE, centre_crop(40, 64)._replace(flip=True))
    assert np.abs(mirrored - plain[:, :, ::-1]).max() < 0.05  # to within a byte of rounding


# --- the voice ---


@pytest.fixture(scope="session")
def voice(codi) -> CodiVoice:
    return CodiVoice(model=codi, steps=1)


def sound(voiced) -> np.ndarray:
    return np.concatenate(list(voiced.blocks))


@pytest.mark.parametrize(("duration_s", "rate_hz"), [(0.5, 48000), (9.0, 44100), (50.0, 16000)])
def test_stems_have_the_length_the_rate_and_the_loudness_of_stems(voice, duration_s, rate_hz):
    request = Request("rain", duration_s=duration_s, rate_hz=rate_hz, seed=2)
    made = sound(voice.voice(request))
    assert made.shape == (request.samples,)
    assert made.dtype == np.float32
    assert loudness(made.astype(float), rate_hz) == pytest.approx(STEM_LUFS, abs=0.5)
    assert np.abs(made).max() < 1.0
    assert made[0] == made[-1] == pytest.approx(0, abs=1e-3)


def test_same_request_same_stem_other_seed_another(voice):
    request = Request("rain", duration_s=4, seed=2, pixels=PICTURE)
    np.testing.assert_array_equal(sound(voice.voice(request)), sound(voice.voice(request)))
    other = sound(voice.voice(Request("rain", duration_s=4, seed=9, pixels=PICTURE)))
    assert np.corrcoef(other, sound(voice.voice(request)))[0, 1] < 0.9


def test_several_at_once_are_those_one_by_one(codi):
    voice = CodiVoice(model=codi, steps=1, batch=3)
    requests = [
        Request("rain", duration_s=5, seed=1, rate_hz=16000),
        Request("a dog", duration_s=3, seed=2, pixels=PICTURE, rate_hz=16000),
    ]
    for request, voiced in zip(requests, voice.voice_many(requests), strict=True):
        alone, together = sound(voice.voice(request)), sound(voiced)
        assert np.abs(alone - together).max() < 1e-3 * np.abs(alone).max()


def test_the_condition_is_what_was_chosen(codi, monkeypatch):
    asked = []

    def note(conditions, seeds, **options):
        asked.extend((c.image is not None, c.text) for c in conditions)
        return np.random.default_rng(0).standard_normal((len(seeds), TINY.samples)) * 0.1

    monkeypatch.setattr(codi, "generate_many", note)
    seen = Request("a dog", duration_s=0.2, pixels=PICTURE)
    said = Request("wind", duration_s=0.2)
    told = []
    for condition in ("both", "picture", "words"):
        voice = CodiVoice(model=codi, condition=condition)
        for request in (seen, said):
            voiced = voice.voice(request)
            sound(voiced)
            told.append(voiced.said)
    assert asked == [
        (True, "a dog"), (False, "wind"), (True, None), (False, "wind"), (False, "a dog"),
        (False, "wind"),
    ]  # fmt: skip
    assert told[0] == "a dog, generated by CoDi from its picture and words"
    assert told[1] == "wind, generated by CoDi from words"


def test_a_voice_without_weights_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_MODELS", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(WeightsError, match="earwitness models fetch codi"):
        CodiVoice()
    with pytest.raises(OptionError, match="condition"):
        CodiVoice(condition="smell")
    with pytest.raises(OptionError, match="batch"):
        CodiVoice(batch=0)
