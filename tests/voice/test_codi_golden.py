"""CoDi against outputs of the published program, run with weights that a recipe makes."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="CoDi needs the extra [hub]")
pytest.importorskip("transformers", reason="CoDi needs the extra [hub]")
pytest.importorskip("ftfy", reason="CoDi needs the extra [hub]")

from earwitness.voice.codi import clip as clip_module  # noqa: E402
from earwitness.voice.codi import tokens  # noqa: E402
from earwitness.voice.codi.clip import Crop, drawn_crop, prepare  # noqa: E402
from earwitness.voice.codi.config import CodiConfig, UnetConfig  # noqa: E402
from earwitness.voice.codi.crop import crop_and_fill  # noqa: E402
from earwitness.voice.codi.pipeline import Codi  # noqa: E402
from earwitness.voice.codi.sampler import ddim  # noqa: E402
from earwitness.voice.codi.schedule import alphas_cumprod, betas, schedule  # noqa: E402
from earwitness.voice.codi.unet import AudioUnet, timestep_embedding  # noqa: E402
from earwitness.voice.codi.vae import MelDecoder  # noqa: E402
from earwitness.voice.codi.vocoder import Vocoder  # noqa: E402

STAGE, LATENT, WAVEFORM = 1e-4, 1e-3, 2e-3
UNET = "model.diffusion_model.unet_audio."
SIZES = CodiConfig()


def recipe(seed: int, key: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.RandomState(zlib.crc32(f"{seed}:{key}".encode()))
    n = rng.standard_normal(shape)
    if key.endswith(".bias"):
        n = 0.05 * n
    elif len(shape) >= 2:
        n = n / np.sqrt(np.prod(shape[1:]))
    elif len(shape) == 1:
        n = 1 + 0.1 * n if key.endswith(".weight") else n / np.sqrt(len(n))
    return np.asarray(n, dtype=np.float32)


def made(seed: int, shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(recipe(seed, k, s)) for k, s in shapes.items()}


def shapes_of(stored: np.lib.npyio.NpzFile) -> dict[str, tuple[int, ...]]:
    return {
        str(k): tuple(int(n) for n in str(s).split(",") if n)
        for k, s in zip(stored["keys"], stored["shapes"], strict=True)
    }


def close(found: object, wanted: np.ndarray, tolerance: float) -> None:
    got = np.asarray(found.cpu() if isinstance(found, torch.Tensor) else found)
    assert got.shape == wanted.shape
    error = float(np.abs(got.astype(np.float64) - wanted).max() / np.abs(wanted).max())
    print(f"off by {error:.2e} of the largest, allowed {tolerance:.0e}")
    assert error <= tolerance


@pytest.fixture(scope="session")
def stored(golden: Path):
    return lambda name: np.load(golden / "codi" / f"{name}.npz", allow_pickle=False)


@pytest.fixture(scope="session")
def described(golden: Path) -> dict:
    return json.loads((golden / "codi" / "config.json").read_text())


@pytest.fixture(scope="session")
def table(stored, described):
    """The weights of the reduced model, as the recipe makes them; sums are checked."""
    kept = stored("weights")
    weights = made(described["seed"], shapes_of(kept))
    for key, total in zip(kept["keys"], kept["sum"], strict=True):
        assert float(weights[str(key)].double().sum()) == pytest.approx(float(total), abs=1e-4)
    return weights


def loaded(config: CodiConfig, table: dict[str, torch.Tensor]) -> Codi:
    from earwitness.voice.codi import weights

    wanted = {k: v for k, v in table.items() if not weights.unused(k)}
    return Codi(config, wanted, device="cpu")


@pytest.fixture(scope="session")
def reduced(described, table) -> Codi:
    return loaded(CodiConfig.from_dict(described["cfg"]), table)


# --- schedule ---


def test_the_noise_schedule_is_the_published_one(stored):
    g = stored("schedule")
    close(betas().astype(np.float32), g["betas"], 1e-6)
    close(alphas_cumprod(), g["alphas_cumprod"], 1e-6)


@pytest.mark.parametrize("steps", [1, 4, 7, 10, 50, 100, 450, 500])
def test_ddim_visits_the_published_levels(stored, steps):
    g, found = stored("schedule"), schedule(steps)
    np.testing.assert_array_equal(found.timesteps, g[f"S{steps}_t"])
    close(found.alphas, g[f"S{steps}_a"], 1e-6)
    close(found.alphas_prev, g[f"S{steps}_aprev"], 1e-6)


# --- CLIP ---


def test_prompts_are_tokenised_as_published(stored):
    g = stored("clip")
    np.testing.assert_array_equal(tokens.tokenize([str(p) for p in g["prompts"]]), g["input_ids"])


def test_words_become_the_published_tokens(stored, reduced):
    g = stored("clip")
    found = reduced.conditioner.words([str(p) for p in g["prompts"]])
    close(found, g["text_emb"], STAGE)
    close(reduced.conditioner.no_words(), g["uncond_text_emb"], STAGE)


def test_dimming_is_the_published_table_of_bytes(stored):
    np.testing.assert_array_equal(clip_module.dimming(), stored("clip")["byte_lut"])


@pytest.mark.parametrize("i", range(4))
def test_pictures_are_drawn_prepared_and_encoded_as_published(stored, reduced, i):
    g = stored("clip")
    picture = g[f"img{i}"]
    generator = torch.Generator().manual_seed(int(g["crop_seeds"][i]))
    crop = drawn_crop(*picture.shape[:2], generator)
    wanted = [int(v) for v in g["crop_i_j_size_flip"][i]]
    assert [crop.row, crop.column, crop.size, int(crop.flip)] == wanted
    ready = prepare(picture, crop)
    if f"pixel_values{i}" in g:
        np.testing.assert_allclose(ready[None], g[f"pixel_values{i}"], rtol=0, atol=1e-6)
    stats = [float(ready.astype(np.float64).sum()), float(np.abs(ready.astype(np.float64)).sum())]
    np.testing.assert_allclose(stats, g[f"pv_stats{i}"], rtol=1e-5)
    close(reduced.conditioner.prepared(ready[None])[0], g["image_emb"][i], STAGE)


def test_no_picture_is_an_even_grey(stored, reduced):
    g = stored("clip")
    close(reduced.conditioner.no_picture(), g["uncond_image_emb"], STAGE)


# --- UNet ---


@pytest.mark.parametrize("step", [1, 501, 999])
def test_unet_predicts_the_published_noise(stored, reduced, step):
    g = stored("unet")
    x, context = torch.from_numpy(g["x"]), torch.from_numpy(g["context"])
    with torch.inference_mode():
        close(reduced.unet(x, torch.full((2,), step), context), g[f"eps_t{step}"], STAGE)


def test_unet_embeds_time_and_takes_unlike_times_in_a_batch(stored, reduced):
    g = stored("unet")
    x, context = torch.from_numpy(g["x"]), torch.from_numpy(g["context"])
    close(timestep_embedding(torch.from_numpy(g["t"]), 32), g["t_emb"], STAGE)
    with torch.inference_mode():  # the oracle does not say which times; these were found
        close(reduced.unet(x, torch.tensor([3, 700]), context), g["eps_mixedt"], STAGE)


def test_without_the_overwritten_skip_it_is_another_unet(stored, reduced):
    g = stored("unet")
    x, context = torch.from_numpy(g["x"]), torch.from_numpy(g["context"])
    with torch.inference_mode():
        plain = reduced.unet(x, torch.full((2,), 501), context, plain_skip=True)
    close(plain, g["eps_naive_forward_t501"], STAGE)
    assert float((plain - torch.from_numpy(g["eps_t501"])).abs().max()) > 0.01


@pytest.fixture(scope="session")
def structured(stored, described) -> AudioUnet:
    g = stored("unet_fullstruct")
    unet = AudioUnet(CodiConfig.from_dict({"unet": described["fullstruct_unet"]}).unet)
    weights = made(int(g["weight_seed"]), shapes_of(g))
    unet.load_state_dict({k.removeprefix(UNET): v for k, v in weights.items()}, strict=True)
    return unet


@pytest.mark.parametrize("step", [1, 501, 999])
def test_unet_of_the_real_block_structure(stored, structured, step):
    g = stored("unet_fullstruct")
    x, context = torch.from_numpy(g["x"]), torch.from_numpy(g["context"])
    with torch.inference_mode():
        close(structured(x, torch.full((2,), step), context), g[f"eps_t{step}"], STAGE)


# --- DDIM ---


@pytest.mark.parametrize("kind", ["image", "text", "both"])
@pytest.mark.parametrize("steps", [4, 10])
@pytest.mark.parametrize("scale", [1.0, 7.5])
def test_ddim_comes_to_the_published_latents(stored, reduced, kind, steps, scale):
    g = stored("ddim")
    parts = ["image", "text"] if kind == "both" else [kind]
    context = torch.from_numpy(sum(g[f"cond_{p}"] for p in parts) / np.float32(len(parts)))
    trail = []
    found = reduced.latents(
        context,
        torch.from_numpy(g["x_T"]),
        steps=steps,
        scale=scale,
        watch=lambda i, x, x0: trail.append((x, x0)),
    )
    close(found, g[f"z_{kind}_S{steps}_s{scale}"], LATENT)
    if steps == 4 and scale == 7.5:
        for i, (x, x0) in enumerate(trail):
            close(x, g[f"trace_xt_{kind}"][i], LATENT)
            close(x0, g[f"trace_x0_{kind}"][i], LATENT)


def test_ddim_with_uneven_mix_seven_steps_and_a_batch(stored, reduced):
    g = stored("ddim")
    image, text = torch.from_numpy(g["cond_image"]), torch.from_numpy(g["cond_text"])
    noise = torch.from_numpy(g["x_T"])
    found = reduced.latents((3 * image + text) / 4, noise, steps=4)
    close(found, g["z_both_S4_s7.5_mix_image3_text1"], LATENT)
    close(reduced.latents(text, noise, steps=7), g["z_text_S7_s7.5"], LATENT)
    both = ((image + text) / 2).repeat_interleave(2, dim=0)
    found = reduced.latents(both, torch.from_numpy(g["x_T_batch2"]), steps=4)
    close(found, g["z_both_batch2_S4_s7.5"], LATENT)


# --- decoder and vocoder ---


@pytest.mark.parametrize("kind", ["", "_batch", "_big", "_notbig"])
def test_latents_become_the_published_mel(stored, reduced, kind):
    g = stored("vae")
    close(reduced.mel(torch.from_numpy(g[f"z{kind}"])), g[f"mel{kind}"], STAGE)


@pytest.mark.parametrize("kind", ["", "_batch"])
def test_mel_becomes_the_published_waveform(stored, reduced, kind):
    g = stored("hifigan")
    found = reduced.waveform(torch.from_numpy(g[f"mel{kind}"]))
    close(found[:, None], g[f"wav{kind}"], STAGE)


# --- the small numbers in the normalisations ---


def test_small_signals_show_the_published_epsilons(stored, described, table):
    g = stored("eps")
    scale = float(g["scale"])
    scaled = {str(k) for k in g["scaled_keys"]}
    assert scaled <= table.keys()
    quiet = {k: v * scale if k in scaled else v for k, v in table.items()}
    model = loaded(CodiConfig.from_dict(described["cfg"]), quiet)
    u, v, c = stored("unet"), stored("vae"), stored("clip")
    x, context = torch.from_numpy(u["x"]), torch.from_numpy(u["context"])
    with torch.inference_mode():
        close(model.unet(x, torch.full((2,), 501), context), g["unet_eps_t501"], STAGE)
    close(model.mel(torch.from_numpy(v["z"])), g["mel"], STAGE)
    close(model.conditioner.words([str(p) for p in c["prompts"]]), g["text_emb"], STAGE)
    crop = Crop(*[int(n) for n in c["crop_i_j_size_flip"][0]])
    found = model.conditioner.pictures([c["img0"]], [crop])
    close(found, g["image_emb0"], STAGE)


# --- crop to waveform ---


@pytest.mark.parametrize("i", range(3))
def test_regions_are_cut_as_published(stored, i):
    g = stored("crop_and_fill")
    np.testing.assert_array_equal(crop_and_fill(g["full"], g[f"mask{i}"]), g[f"crop{i}"])


@pytest.mark.parametrize("kind", ["image", "text", "both"])
def test_a_region_becomes_the_published_waveform(stored, reduced, monkeypatch, kind):
    g = stored("inference")
    image = None if kind == "text" else g["region"]
    text = None if kind == "image" else str(g["prompt"])
    generator = torch.Generator().manual_seed(int(g[f"{kind}_torch_seed"]))
    kept, decode = [], reduced.decode
    monkeypatch.setattr(reduced, "decode", lambda z: kept.append(z) or decode(z))
    found = reduced.generate_as_published(image, text, generator, steps=int(g[f"{kind}_steps"]))
    close(kept[0], g[f"{kind}_z"], LATENT)
    close(found[None, None], g[f"{kind}_wav"], WAVEFORM)
    np.testing.assert_array_equal(torch.rand(4, generator=generator), g[f"{kind}_rand_after"])


# --- the published sizes: 0.8 thousand million values, so each part by itself ---


@pytest.fixture(scope="session")
def needed(golden: Path) -> dict[str, tuple[int, ...]]:
    listed = json.loads((golden / "codi" / "keys_needed.json").read_text())
    return {k: tuple(v) for k, v in listed.items()}


def part(needed, prefix: str) -> dict[str, tuple[int, ...]]:
    return {k: s for k, s in needed.items() if k.startswith(prefix)}


def test_every_published_key_has_its_place(needed):
    with torch.device("meta"):
        from earwitness.voice.codi.pipeline import _transformers_clip

        parts = {
            "clip.model.": _transformers_clip(SIZES.clip),
            UNET: AudioUnet(),
            "audioldm.vocoder.": Vocoder(),
            "audioldm.": MelDecoder(),
        }
    found = {
        prefix + k: tuple(v.shape) for prefix, m in parts.items() for k, v in m.state_dict().items()
    }
    found.pop("clip.model.logit_scale")
    assert found == needed
    assert sum(int(np.prod(s)) for s in found.values()) == 515_862_986 + 314_154_056


@pytest.mark.slow
def test_the_published_sizes_unet(stored, needed):
    g = stored("fullsize")
    weights = made(int(g["weight_seed"]), part(needed, UNET))
    with torch.device("meta"):
        unet = AudioUnet(UnetConfig())
    unet.load_state_dict({k.removeprefix(UNET): v for k, v in weights.items()}, assign=True)
    arguments = (torch.from_numpy(g[n]) for n in ("unet_x", "unet_t", "unet_context"))
    with torch.inference_mode():
        close(unet(*arguments), g["unet_eps"], STAGE)


@pytest.mark.slow
def test_the_published_sizes_decoder_and_vocoder(stored, needed):
    g = stored("fullsize")
    weights = made(int(g["weight_seed"]), part(needed, "audioldm."))
    with torch.device("meta"):
        decoder, vocoder = MelDecoder(), Vocoder()
    voice = "audioldm.vocoder."
    vocoder.load_state_dict(
        {k.removeprefix(voice): v for k, v in weights.items() if k.startswith(voice)}, assign=True
    )
    decoder.load_state_dict(
        {k.removeprefix("audioldm."): v for k, v in weights.items() if not k.startswith(voice)},
        assign=True,
    )
    with torch.inference_mode():
        mel = decoder(torch.from_numpy(g["vae_z"]))
        close(mel, g["vae_mel"], STAGE)
        close(vocoder(mel), g["wav"], STAGE)


@pytest.mark.slow
def test_the_published_sizes_clip(stored, needed):
    from earwitness.voice.codi.pipeline import _materialise, _transformers_clip

    g = stored("fullsize")
    weights = made(int(g["weight_seed"]), part(needed, "clip.model."))
    with torch.device("meta"):
        model = _transformers_clip(SIZES.clip)
    strange = model.load_state_dict(
        {k.removeprefix("clip.model."): v for k, v in weights.items()}, strict=False, assign=True
    )
    assert strange.missing_keys == ["logit_scale"]
    assert not strange.unexpected_keys
    _materialise(model)
    conditioner = clip_module.Conditioner(model.eval(), torch.device("cpu"))
    np.testing.assert_array_equal(tokens.tokenize([str(g["clip_text"])])[0], g["clip_text_ids"])
    close(conditioner.words([str(g["clip_text"])]), g["clip_text_emb"], STAGE)
    close(conditioner.no_words(), g["clip_uncond_text_emb"], STAGE)
    crop = Crop(*[int(n) for n in g["crop"]])
    close(conditioner.pictures([g["clip_img0"]], [crop]), g["clip_image_emb"], STAGE)
    close(conditioner.no_picture(), g["clip_uncond_image_emb"], STAGE)


def test_ddim_goes_from_the_most_noise_to_the_least():
    seen = []

    def predict(x, timesteps, context):
        seen.append(int(timesteps[0]))
        return torch.zeros_like(x)

    ddim(predict, torch.ones(1, 1), torch.zeros(2, 1, 1), schedule(4))
    assert seen == [751, 501, 251, 1]
