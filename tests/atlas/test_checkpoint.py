"""Checkpoints: what is odd is named, what could run code is refused, what is converted is equal."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from earwitness.atlas.sat2sound.checkpoint import KeysError, to_safetensors  # noqa: E402
from earwitness.atlas.sat2sound.config import Config, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.fusion import Metadata  # noqa: E402
from earwitness.atlas.sat2sound.model import HeadsGuessedWarning, Sat2Sound  # noqa: E402
from earwitness.errors import OptionError, WeightsError  # noqa: E402

SIZES = Sizes(
    vit_width=32, vit_depth=2, vit_heads=4, width=16, swin_width=8, swin_depths=(1, 2, 1, 2),
    swin_heads=(1, 2, 4, 8), swin_classes=3, text_width=12, codes=30, code_width=20,
)  # fmt: skip
HYPER = {"metadata_type": "latlong_month_time_asource_tsource", "sat_type": "bingmap",
         "combined_modality_loss": 1, "pseudo_match_alpha": 0.1, "fdt_weight": 1.0,
         "meta_droprate": 0.5}  # fmt: skip


@pytest.fixture
def held() -> dict[str, Any]:
    torch.manual_seed(3)
    model = Sat2Sound(Config(sizes=SIZES, published=True, imagery="bingmap"))
    return {"state_dict": model.state_dict(), "hyper_parameters": dict(HYPER), "epoch": 1}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    def to(content: Any) -> Path:
        torch.save(content, tmp_path / "some.ckpt")
        return tmp_path / "some.ckpt"

    return to


def test_sizes_and_habits_come_from_the_file(held: Any, write: Callable[[Any], Path]) -> None:
    with pytest.warns(HeadsGuessedWarning):
        model = Sat2Sound.load(write(held))
    assert model.config == Config(sizes=SIZES, published=True, imagery="bingmap")
    assert not model.training


def test_every_odd_key_is_named(held: Any, write: Callable[[Any], Path]) -> None:
    weights = held["state_dict"]
    del weights["logit_scale_ia"], weights["fdt.audio_query_model.q_map.4.bias"]
    weights["projector_ac.weight"] = torch.zeros(2)
    weights["satmae_backbone.projector.linear1.bias"] = torch.zeros(7)
    path = write(held)
    with pytest.raises(KeysError) as caught:
        Sat2Sound.load(path, vit_heads=4)
    assert set(caught.value.keys.missing) == {
        "logit_scale_ia", "fdt.audio_query_model.q_map.4.bias",
    }  # fmt: skip
    assert caught.value.keys.extra == ("projector_ac.weight",)
    assert caught.value.keys.mismatched == {"satmae_backbone.projector.linear1.bias": ((7,), (16,))}
    for word in ("2 missing", "logit_scale_ia", "projector_ac.weight", "(7,) in the file"):
        assert word in str(caught.value)
    model = Sat2Sound.load(path, vit_heads=4, strict=False)
    assert model.loaded == caught.value.keys
    assert torch.equal(model.fdt.space_dict, weights["fdt.space_dict"])


def test_fewer_kinds_of_metadata_on_request(held: Any, write: Callable[[Any], Path]) -> None:
    model = Sat2Sound.load(write(held), vit_heads=4, parts=("latlong",))
    assert model.config.parts == ("latlong",)
    assert all(".meta_embed." in name for name in model.loaded.left_out)
    del held["state_dict"]["sat_encoder.meta_fuser.meta_embed.month_fc.fc1.weight"]
    held["hyper_parameters"]["metadata_type"] = "latlong"
    with pytest.raises(OptionError, match="reads latlong; it cannot be asked to read month"):
        Sat2Sound.load(write(held), vit_heads=4, parts=("month",))


class Bomb:
    """A pickle that would make a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("plain", [False, True])
def test_code_in_a_file_is_never_run(held: Any, tmp_path: Path, plain: bool) -> None:
    path, mark = tmp_path / "bomb.ckpt", tmp_path / "was-run"
    held["hyper_parameters"]["surprise"] = Bomb(mark)
    if plain:
        path.write_bytes(pickle.dumps({"surprise": Bomb(mark)}))
    else:
        torch.save(held, path)
    with pytest.raises(WeightsError, match="could run code"):
        Sat2Sound.load(path)
    assert not mark.exists()


@pytest.mark.parametrize(
    "content", [b"caption,lat,lon\nwaves,48,16\n", b'{"a": 1}', pickle.dumps(Path.touch, 0)]
)
def test_another_kind_of_file_is_called_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "some.ckpt").write_bytes(content)
    with pytest.raises(WeightsError, match=r"some\.ckpt is no checkpoint"):
        Sat2Sound.load(tmp_path / "some.ckpt")


@pytest.mark.parametrize("kept", [0, 10, 1000, 0.5, 0.999])
def test_a_file_cut_short_is_one_clear_error(
    held: Any, write: Callable[[Any], Path], kept: float
) -> None:
    path = write(held)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 or kept == 0 else kept * len(whole))])
    with pytest.raises(WeightsError, match=r"some\.ckpt"):
        Sat2Sound.load(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda h: h.pop("state_dict"), "no 'state_dict'"),
        (lambda h: h.pop("hyper_parameters"), "no 'hyper_parameters'"),
        (lambda h: h["state_dict"].clear(), "no Sat2Sound model"),
        (lambda h: h["state_dict"].update(word="x"), "no plain tensors: word"),
        (lambda h: h["state_dict"]["fdt.space_dict"].fill_(torch.nan), "not numbers"),
    ],
)
def test_other_files_are_refused(
    held: Any, write: Callable[[Any], Path], spoil: Callable[[Any], Any], message: str
) -> None:
    spoil(held)
    with pytest.raises(WeightsError, match=message):
        Sat2Sound.load(write(held))


def test_other_files_by_name(tmp_path: Path, held: Any, write: Callable[[Any], Path]) -> None:
    with pytest.raises(WeightsError, match="there is no file"):
        Sat2Sound.load(tmp_path / "none.ckpt")
    (tmp_path / "bad.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0nonsense")
    with pytest.raises(WeightsError, match="no whole safetensors file"):
        Sat2Sound.load(tmp_path / "bad.safetensors")
    held["hyper_parameters"]["metadata_fusion"] = "late"
    with pytest.raises(OptionError, match="metadata_fusion='late'"):
        Sat2Sound.load(write(held), vit_heads=4)


def test_safetensors_hold_the_same_model(
    held: Any, write: Callable[[Any], Path], tmp_path: Path
) -> None:
    path = write(held)
    to_safetensors(path, tmp_path / "some.safetensors", vit_heads=4)
    before = Sat2Sound.load(path, vit_heads=4)
    after = Sat2Sound.load(tmp_path / "some.safetensors")
    assert after.config == before.config
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, after.state_dict()[name])


def test_small_model_is_small_and_comes_back(tmp_path: Path) -> None:
    model = Sat2Sound(Config(sizes=Sizes.small(), imagery="sentinel")).eval()
    count = sum(p.numel() for p in model.parameters())
    assert 3e6 < count < 7e6
    model.save(tmp_path / "ours.pt")
    again = Sat2Sound.load(tmp_path / "ours.pt")
    images, zoom = torch.randn(2, 3, 224, 224), torch.tensor([1, 3])
    unknown = Metadata(latlong=torch.randn(2, 4), asource=torch.tensor([-1, 2]))
    with torch.no_grad():
        assert torch.equal(
            model.embed_image(images, zoom=zoom, metadata=unknown),
            again.embed_image(images, zoom=zoom, metadata=unknown),
        )


def test_what_is_missing_does_not_reach_our_embeddings() -> None:
    model = Sat2Sound(Config(sizes=SIZES)).eval()
    images, zoom = torch.randn(2, 3, 224, 224), torch.tensor([1, 1])
    made = []
    with torch.no_grad():
        for value in (0.0, 5.0):
            known = Metadata(time=torch.full((2, 2), value), time_valid=torch.tensor([0, 1]))
            made.append(model.embed_image(images, zoom=zoom, metadata=known))
    torch.testing.assert_close(made[0][0], made[1][0], rtol=1e-6, atol=1e-7)
    assert not torch.equal(made[0][1], made[1][1])


@pytest.mark.parametrize("shape", [(2, 1, 224, 224), (2, 4, 224, 224), (2, 3, 256, 256)])
def test_wrong_images_are_refused(shape: tuple[int, ...]) -> None:
    model = Sat2Sound(Config(sizes=SIZES))
    with pytest.raises(OptionError, match="three channels"):
        model.embed_image(torch.zeros(shape), zoom=torch.ones(2))
    with pytest.raises(OptionError, match="either zoom or ground_m"):
        model.embed_image(torch.zeros(2, 3, 224, 224))
    with pytest.raises(OptionError, match="at most 1024"):
        model.embed_audio(torch.zeros(1, 1, 1025, 64))


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"codes": 1 << 20, "code_width": 1 << 20}, "asks for|of another shape"),
        ({"vit_width": 10**12, "width": 10**12}, "says that vit_width is 1000000000000"),
        ({"vit_depth": 10**9}, "says that it has 1000000004 layers"),
        ({"image_px": 16 * 10**4}, "says that an image has 10000 × 10000 patches"),
    ],
)
def test_a_file_that_says_it_is_huge_takes_no_memory(
    tmp_path: Path, changes: dict[str, int], told: str, strict: bool
) -> None:
    small = Config(sizes=replace(SIZES, swin_depths=(1, 1, 1, 1)))
    Sat2Sound(small).save(tmp_path / "model.pt")
    held = torch.load(tmp_path / "model.pt", weights_only=True)
    held["earwitness"]["sizes"] |= changes
    torch.save(held, tmp_path / "model.pt")
    with pytest.raises(WeightsError, match=told):
        Sat2Sound.load(tmp_path / "model.pt", strict=strict)


def test_tensors_that_are_not_what_they_hold_are_refused(
    held: Any, write: Callable[[Any], Path]
) -> None:
    weights = held["state_dict"]
    weights["fdt.space_dict"] = torch.zeros(1).expand(10**6, 10**6)
    with pytest.raises(WeightsError, match=r"larger than what it holds of them: fdt\.space_dict"):
        Sat2Sound.load(write(held), vit_heads=4)
    weights["fdt.space_dict"] = torch.eye(30).to_sparse()
    with pytest.raises(WeightsError, match=r"no plain tensors: fdt\.space_dict"):
        Sat2Sound.load(write(held), vit_heads=4)


def test_a_packed_file_that_grows_when_it_is_unpacked_is_refused(
    held: Any, write: Callable[[Any], Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(write(held)) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    packed = tmp_path / "packed.pt"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, b"N0" * 10**7 if name.endswith("data.pkl") else content)
    with pytest.raises(WeightsError, match="a checkpoint is not compressed"):
        Sat2Sound.load(packed)


def test_a_configuration_that_is_no_json_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"w": torch.zeros(2)}, tmp_path / "m.safetensors", {"earwitness": "{"})
    with pytest.raises(WeightsError, match="configuration that is no JSON"):
        Sat2Sound.load(tmp_path / "m.safetensors")
