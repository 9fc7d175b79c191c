"""The published system's outputs and gradients, met within the tolerances stated with them."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from earwitness.atlas import logmel, metadata  # noqa: E402
from earwitness.atlas.sat2sound import audio, codebook, fusion, largest, losses, positions  # noqa: E402
from earwitness.atlas.sat2sound.config import Config, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.fusion import Metadata  # noqa: E402
from earwitness.atlas.sat2sound.model import HeadsGuessedWarning, Sat2Sound  # noqa: E402
from earwitness.atlas.sat2sound.satellite import SatelliteBranch, ground_distance  # noqa: E402
from earwitness.atlas.sat2sound.sparsemax import sparsemax  # noqa: E402

TYPICAL, WHOLE = 2e-5, 3e-4
SMALL = Sizes(
    vit_width=32, vit_depth=2, vit_heads=4, width=32, swin_width=8, swin_depths=(2, 2, 2, 2),
    swin_heads=(1, 2, 4, 8), swin_classes=8, text_width=40, codes=64, code_width=32,
)  # fmt: skip
ALL = ("asource", "tsource", "latlong", "month", "time")


@pytest.fixture(scope="module")
def folder(golden: Path) -> Path:
    held = golden / "sat2sound"
    if not held.is_dir():
        pytest.skip("the outputs of the published system (../shared/golden/sat2sound) are not here")
    return held


def read(folder: Path, letter: str) -> dict[str, np.ndarray]:
    with np.load(next(folder.glob(f"{letter}.npz"))) as held:
        return dict(held)


def weights(held: dict[str, np.ndarray], prefix: str) -> dict[str, Any]:
    start = "sd::" + prefix
    return {
        name[len(start) :]: torch.from_numpy(value)
        for name, value in held.items()
        if name.startswith(start)
    }


def close(got: Any, wanted: np.ndarray, tolerance: float = TYPICAL, what: str = "") -> None:
    """Compare relative to the largest value wanted."""
    if hasattr(got, "detach"):
        got = got.detach().cpu().numpy()
    assert np.shape(got) == np.shape(wanted), what
    scale = max(float(np.abs(wanted).max()), 1e-12)
    error = float(np.abs(np.asarray(got, np.float64) - wanted).max()) / scale
    print(f"ERR {what} {error:.2e} / {tolerance:g}")
    assert error <= tolerance, f"{what}: {error:.3g} of the largest value, allowed {tolerance:g}"


@pytest.mark.parametrize("kind", ["sparse", "dense"])
@pytest.mark.parametrize("plain", [False, True], ids=["blocked", "plain"])
def test_codebook_and_its_gradients(
    folder: Path, kind: str, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = read(folder, f"a_codebook_{kind}")
    sizes = replace(SMALL, swin_width=3, swin_heads=(1, 1, 1, 1))  # audio tokens of width 24
    book = codebook.Codebook(sizes, published=True)
    book.load_state_dict(weights(held, "fdt."))
    monkeypatch.setattr(largest, "_BLOCK", {"cpu": 1})  # blocks of 64 codes; see other tests
    embed = book.plain if plain else book
    tokens = {
        name: torch.from_numpy(held[f"in::{name}_tokens"]).requires_grad_()
        for name in ("image", "audio", "text")
    }
    mask = torch.from_numpy(held["in::text_attention_mask"])
    loss = torch.zeros(())
    for name, given in tokens.items():
        keep = mask if name == "text" else None
        embedding, attention = embed(given, name, keep)
        close(embedding, held[f"out::{name}.embedding"], what=f"a {kind} {name} embedding")
        close(attention, held[f"out::{name}.attention"], what=f"a {kind} {name} attention")
        assert ((attention > 0).sum(1).numpy() == held[f"out::{name}.support"]).all()
        scores = book.token_scores(given, name, keep)
        close(scores, held[f"out::{name}.token_att"], what=f"a {kind} {name} token scores")
        loss = loss + (embedding * torch.from_numpy(held["in::grad_R"])).sum()
    embedding, attention = embed(tokens["text"], "text")
    close(embedding, held["out::text_nomask.embedding"], what=f"a {kind} text without mask")
    close(attention, held["out::text_nomask.attention"], what=f"a {kind} text without mask")
    close(loss, held["out::grad_loss"], what=f"a {kind} loss")
    loss.backward()
    for name, parameter in book.named_parameters():
        close(parameter.grad, held[f"grad::fdt.{name}"], what=f"a {kind} gradient of {name}")
    for name, given in tokens.items():
        close(given.grad, held[f"grad::{name}_tokens"], what=f"a {kind} gradient of {name}")


def test_sparsemax_and_its_gradients(folder: Path) -> None:
    held = read(folder, "b_sparsemax")
    names = [name[5:] for name in held if name.startswith("out::")]
    assert len(names) == 8
    for name in names:
        scores = torch.from_numpy(held[f"in::{name}"]).requires_grad_()
        made = sparsemax(scores)
        close(made, held[f"out::{name}"], what=f"b {name}")
        (made * torch.from_numpy(held[f"in::{name}.R"])).sum().backward()
        wanted = held[f"grad::{name}"]
        if not wanted.any():
            assert float(scores.grad.abs().max()) < 1e-6
        else:
            close(scores.grad, wanted, what=f"b gradient {name}")


def test_encodings_of_place_and_time(folder: Path) -> None:
    held = read(folder, "c_metafusion")
    place = metadata.encode_place(held["enc::lat"], held["enc::lon"], published=True)
    np.testing.assert_allclose(place, held["enc::latlong"], atol=1e-7)
    hours = metadata.encode_hour(held["enc::hour"], published=True)
    np.testing.assert_allclose(hours, held["enc::time"], atol=1e-7)
    months = metadata.encode_month(held["enc::month"])
    np.testing.assert_allclose(months, held["enc::month_enc"], atol=1e-7)


def known(held: dict[str, np.ndarray], case: str = "") -> Metadata:
    def tensor(name: str) -> Any:
        return torch.from_numpy(held[f"in::{name}"])

    return Metadata(
        latlong=tensor("latlong"), month=tensor("month"), time=tensor("time"),
        asource=tensor("audio_source"), tsource=tensor("caption_source"),
        month_valid=tensor(f"{case}month_valid"), time_valid=tensor(f"{case}time_valid"),
    )  # fmt: skip


@pytest.mark.parametrize("case", ["allvalid", "leftaligned", "notaligned"])
@pytest.mark.parametrize(
    "kinds", ["latlong_month_time_asource_tsource", "latlong_month_time_tsource", "asource"]
)
def test_fusion_both_ways(folder: Path, kinds: str, case: str) -> None:
    held = read(folder, "c_metafusion")
    parts = tuple(part for part in ALL if part in kinds)
    fuser = fusion.MetadataFusion(parts, SMALL, published=True).eval()
    stored = weights(held, "sat_encoder.meta_fuser.")
    fuser.load_state_dict({name: stored[name] for name in fuser.state_dict()})
    tokens = torch.from_numpy(held["in::sat_tokens"])
    given = known(held, case + ".")
    made, mask = fuser.meta_embed(given, len(tokens))
    where = f"out::{kinds}.{case}"
    close(made, held[f"{where}.meta_tokens"], what=f"c {kinds} {case} tokens")
    assert (mask.numpy() == held[f"{where}.meta_mask"]).all()
    slow, _ = fuser(tokens, given)  # gradients on
    close(slow, held[f"{where}.slow"], what=f"c {kinds} {case} slow")
    with torch.no_grad():
        fast, _ = fuser(tokens, given)
    close(fast, held[f"{where}.fast"], what=f"c {kinds} {case} fast")
    fuser.requires_grad_(False)
    close(fuser(tokens, given)[0], held[f"{where}.fast"], what=f"c {kinds} {case} frozen")


def test_dropping_of_metadata(folder: Path) -> None:
    held = read(folder, "c_metafusion")
    for case in range(6):
        start = f"createmask::{case}."
        torch.manual_seed(int(held[start + "torch_seed"]))
        kept = fusion.drop(torch.from_numpy(held[start + "valid"]), float(held[start + "rate"]))
        assert (kept.numpy() == held[start + "out"]).all(), case


def test_positions(folder: Path) -> None:
    held = read(folder, "d_satellite")
    res = torch.from_numpy(held["pos::res"])
    close(positions.ground_positions(res, 14, 768), held["pos::dim768"], what="d positions 768")
    close(positions.ground_positions(res, 14, 32), held["pos::dim32"], what="d positions 32")
    far = positions.ground_positions(torch.tensor([30.0, 50.0]), 14, 32)
    close(far, held["pos::dim32_res30_50"], what="d positions far")
    first = positions.ground_positions(res[:1], 14, 32, first=True)
    close(first, held["pos::dim32_cls"], what="d positions with a first token")


@pytest.mark.parametrize("imagery", ["bingmap", "sentinel", "googleEarth"])
def test_satellite_branch(folder: Path, imagery: str) -> None:
    held = read(folder, "d_satellite")
    branch = SatelliteBranch(SMALL).eval()
    branch.load_state_dict(weights(held, "satmae_backbone."))
    images = torch.from_numpy(held["in::images_f16"]).float()
    ground_m = ground_distance(imagery, torch.from_numpy(held[f"out::{imagery}.zoom"]))
    close(ground_m, held[f"out::{imagery}.res"], 1e-7, what=f"d {imagery} metres")
    with torch.no_grad():
        inner, tokens = branch.backbone(images, ground_m), branch(images, ground_m)
        patches = branch.backbone.patch_embed(images[:1])
    close(inner, held[f"out::{imagery}.backbone_tokens"], what=f"d {imagery} inner tokens")
    close(tokens, held[f"out::{imagery}.tokens"], what=f"d {imagery} tokens")
    close(patches, held["out::patch_embed"], what="d patches")


@pytest.mark.parametrize("name", ["rand", "scaled_cos", "ties", "allequal", "diagmax"])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5])
def test_contrastive_loss_and_gradient(folder: Path, name: str, alpha: float) -> None:
    held = read(folder, "e_losses")
    scores = torch.from_numpy(held[f"in::{name}"]).requires_grad_()
    assert (losses.matches(scores).numpy() == held[f"out::{name}.match"]).all()
    loss = losses.contrastive_loss(scores, alpha)
    close(loss, held[f"out::{name}.a{alpha}.loss"], what=f"e {name} {alpha}")
    loss.backward()
    close(scores.grad, held[f"grad::{name}.a{alpha}"], 1e-4, what=f"e gradient {name} {alpha}")


@pytest.mark.parametrize("case", ["default", "nocomb", "nofdt", "alpha0", "trimodal"])
def test_total_loss_and_gradients(folder: Path, case: str) -> None:
    held = read(folder, "e_losses")
    names = ("sat", "audio", "audio_caption", "image_caption")
    given = [torch.from_numpy(held[f"in::getloss.{n}"]).requires_grad_() for n in names]
    scales = {
        name.removeprefix("logit_scale_"): tensor.requires_grad_()
        for name, tensor in weights(held, "").items()
    }
    found = losses.total_loss(
        *given, scales, alpha=0.0 if case == "alpha0" else 0.1,
        combined=case not in ("nocomb", "trimodal"),
        caption_weight=0.0 if case in ("nofdt", "trimodal") else 1.0,
    )  # fmt: skip
    where = f"out::getloss.{case}"
    close(found.total, held[f"{where}.loss"], what=f"e {case} total")
    close(found.multimodal, held[f"{where}.multimodal_loss"], what=f"e {case} multimodal")
    assert abs(float(found.caption.detach()) - held[f"{where}.fdt_loss"]) < 1e-6
    found.total.backward()
    tensors = dict(zip(names, given)) | {f"logit_scale_{n}": t for n, t in scales.items()}
    for name, tensor in tensors.items():
        wanted = held.get(f"grad::getloss.{case}.{name}")
        if wanted is None:
            assert tensor.grad is None
        else:
            close(tensor.grad, wanted, 1e-4, what=f"e {case} gradient {name}")


def test_log_mel(folder: Path) -> None:
    held = read(folder, "g_audio")
    close(logmel.mel_filters(), held["const::melW"], 1e-6, what="g filters")
    wave = held["in::wave_int16"].astype(np.float32) / 32768
    close(logmel.log_mel(wave)[None], held["out::mel"], 1e-3, what="g mel")
    short = logmel.prepare(wave[: 3 * 32000], 32000)
    close(logmel.log_mel(short)[None], held["out::mel_3s_zeropadded"], 1e-3, what="g mel 3 s")
    np.testing.assert_array_equal(
        logmel.log_mel(np.zeros(320000))[0, 500], held["out::mel_silence_frame"]
    )


def test_audio_branch(folder: Path) -> None:
    held = read(folder, "g_audio")
    branch = audio.Htsat(SMALL, published=True).eval()
    stored = weights(held, "audio_encoder.model.audio_enc.")
    here = branch.state_dict()
    absent = set(here) - set(stored)
    assert all("audio_feats_extractor" in name for name in absent)
    for name in here:  # constants that we make ourselves
        if name.endswith(("relative_position_index", "attn_mask")):
            assert torch.equal(here[name].float(), stored[name].float()), name
    branch.load_state_dict(stored, strict=False)
    mel = torch.from_numpy(np.concatenate([held["out::mel"], held["out::mel_3s_zeropadded"]]))
    with torch.no_grad():
        close(branch(mel), held["out::small.hidden"], what="g tokens")
        close(branch.pooled(mel), held["out::small.pooled"], what="g pooled")
        shorter = branch(mel[:, :, :500])
        close(shorter, held["out::small.hidden_T500"], what="g tokens of 500 frames")
        normed = branch.bn0(mel[:1].transpose(1, 3)).transpose(1, 3)
        close(audio.fold(normed), held["out::small.image"], what="g folded")


def test_small_checkpoint_end_to_end(folder: Path) -> None:
    held = read(folder, "i_tiny_e2e")
    with pytest.warns(HeadsGuessedWarning, match="4 are taken"):
        model = Sat2Sound.load(folder / "i_tiny.ckpt")
    assert model.config.sizes == SMALL
    assert model.config.parts == ALL
    assert not model.loaded
    images = torch.from_numpy(read(folder, "d_satellite")["in::images_f16"]).float()
    sounds = read(folder, "g_audio")
    text = torch.from_numpy(held["in::text_tokens"])
    mask = torch.from_numpy(held["in::text_mask"])
    zoom = torch.from_numpy(held["in::zoom"])
    with torch.no_grad():
        made = {
            "image": model.embed_image(images, zoom=zoom, metadata=known(held)),
            "audio": model.embed_audio(mels(sounds)),
            "audio_caption": model.embed_text(text, mask),
            "image_caption": model.embed_text(text.flip(0), torch.ones_like(mask)),
        }
        found = model.loss(*made.values())
    for name, value in made.items():
        close(value, held[f"out::{name}"], WHOLE, what=f"i {name}")
    close(found.total, held["out::loss"], WHOLE, what="i loss")
    close(found.multimodal, held["out::multimodal_loss"], WHOLE, what="i multimodal")
    close(found.caption, held["out::fdt_loss"], WHOLE, what="i caption loss")
    bare = Sat2Sound.load(folder / "i_tiny.ckpt", parts=(), vit_heads=4)
    assert len(bare.loaded.left_out) == 50
    with torch.no_grad():
        got = bare.embed_image(images, zoom=zoom)
    close(got, held["out::image_nometa"], WHOLE, what="i image without metadata")


def mels(held: dict[str, np.ndarray]) -> Any:
    mel = held["out::mel"]
    three = [mel, held["out::mel_3s_zeropadded"], mel[:, :, ::-1]]
    return torch.from_numpy(np.concatenate(three))


def recipe(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipe", folder / "recipe.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_full_size(folder: Path) -> None:
    held = read(folder, "h_fullsize")
    rule = recipe(folder)
    seed = 20260101
    model = Sat2Sound(Config(published=True, imagery="bingmap")).eval()
    wanted = {}
    for line in (folder / "keys.txt").read_text().splitlines():
        name, shape, kind = line.split("\t")
        wanted[name] = (shape, kind)
    here = {
        n: (str(tuple(t.shape)), str(t.dtype).removeprefix("torch."))
        for n, t in model.state_dict().items()
    }
    assert here == wanted
    model.load_state_dict(rule.fill_state_dict(model.state_dict(), seed))
    images = rule.normals(seed, "full.sat", (3, 3, 224, 224))
    images = torch.from_numpy(images.astype(np.float32).astype(np.float16)).float()
    words = 0.2 * rule.normals(seed, "full.cap", (3, 12, 1024)).astype(np.float32)
    seen = 0.2 * rule.normals(seed, "full.llava", (3, 20, 1024)).astype(np.float32)
    zoom = torch.from_numpy(held["in::zoom"])
    given = known(held)
    with torch.no_grad():
        inner = model.satmae_backbone(images, ground_distance("bingmap", zoom))
        close(inner[:, :8], held["out::sat_tokens_first8"], WHOLE, what="h satellite tokens")
        tokens, keep = model.image_tokens(images, zoom=zoom, metadata=given)
        close(tokens[:, :8], held["out::fused_tokens_first8"], WHOLE, what="h fused tokens")
        close(tokens[:, 196:], held["out::fused_meta_tokens"], WHOLE, what="h metadata tokens")
        image, weight = model.fdt(tokens, "image", keep)
        close((weight > 0).sum(1), held["out::image_support"], 5e-3, what="h image support")
        slow, keep = model.sat_encoder.meta_fuser(inner, given, zeroed=False)
        close(model.fdt(slow, "image", keep)[0], held["out::image_slowpath"], WHOLE,
              what="h image slow")  # fmt: skip
        close(model.fdt(inner, "image")[0], held["out::image_nometa"], WHOLE,
              what="h image without metadata")  # fmt: skip
        hidden = model.audio_encoder(mels(read(folder, "g_audio")))
        close(hidden, held["out::audio_hidden"], WHOLE, what="h audio tokens")
        sound, weight = model.fdt(hidden, "audio")
        close((weight > 0).sum(1), held["out::audio_support"], 5e-3, what="h audio support")
        told = model.embed_text(torch.from_numpy(words), torch.from_numpy(held["in::am"]))
        shown = model.embed_text(torch.from_numpy(seen), torch.from_numpy(held["in::lm"]))
        loss = model.loss(image, sound, told, shown).total
    for name, value in {
        "image": image, "audio": sound, "audio_caption": told, "image_caption": shown,
    }.items():  # fmt: skip
        close(value, held[f"out::{name}"], WHOLE, what=f"h {name}")
    close(loss, held["out::loss"], WHOLE, what="h loss")
