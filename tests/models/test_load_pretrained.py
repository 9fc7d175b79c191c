"""The loader on a tiny model of transformers that the tests build and save."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the loader needs the extra [hub]")
transformers = pytest.importorskip("transformers", reason="the loader needs the extra [hub]")
safetensors_torch = pytest.importorskip("safetensors.torch")

from earwitness.errors import OptionError, PluginError, WeightsError  # noqa: E402
from earwitness.extras import require  # noqa: E402
from earwitness.models.device import choose_device  # noqa: E402
from earwitness.models.register import register  # noqa: E402
from earwitness.models.resolve import check_keys, load_pretrained  # noqa: E402

ENTRY = register()["flan-t5-large"]
T5 = transformers.T5EncoderModel


@pytest.fixture
def folder(tmp_path) -> Path:
    torch.manual_seed(1)
    config = transformers.T5Config(
        vocab_size=32, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2
    )
    T5(config).save_pretrained(tmp_path / "t5")
    return tmp_path / "t5"


def edit(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    table = dict(safetensors_torch.load_file(path))
    change(table)
    safetensors_torch.save_file(table, path, metadata={"format": "pt"})


def test_a_whole_folder_loads_with_its_own_weights(folder):
    kept = safetensors_torch.load_file(folder / "model.safetensors")
    model = load_pretrained(T5, folder, ENTRY)
    assert not model.training
    key = "encoder.block.0.layer.0.SelfAttention.q.weight"
    torch.testing.assert_close(model.state_dict()[key], kept[key])
    check_keys(model, folder, ENTRY)


def test_a_missing_key_is_refused_and_not_made_up(folder, capfd):
    edit(folder, lambda t: t.pop("encoder.final_layer_norm.weight"))
    with pytest.raises(WeightsError, match=r"1 keys are missing.*final_layer_norm.weight"):
        load_pretrained(T5, folder, ENTRY)
    assert capfd.readouterr() == ("", "")


def test_a_key_too_many_is_refused_unless_it_is_known_to_be_unneeded(folder):
    edit(folder, lambda t: t.update(extra=torch.zeros(3)))
    with pytest.raises(WeightsError, match="unknown to the model, the first 'extra'"):
        load_pretrained(T5, folder, ENTRY)
    load_pretrained(T5, folder, ENTRY, unneeded=["^extra$"])


def test_another_shape_is_refused(folder):
    edit(folder, lambda t: t.update({"encoder.final_layer_norm.weight": torch.zeros(3)}))
    with pytest.raises(WeightsError, match=r"not .*T5|could not be loaded"):
        load_pretrained(T5, folder, ENTRY)


def test_a_truncated_file_is_refused(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="truncated"):
        load_pretrained(T5, folder, ENTRY)


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "ran"))


def test_a_bin_alone_is_refused_and_never_read(folder, tmp_path):
    (folder / "model.safetensors").unlink()
    trap = tmp_path / "ran.txt"
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Runs(trap), protocol=2))
    with pytest.raises(WeightsError, match="run a program"):
        load_pretrained(T5, folder, ENTRY)
    assert not trap.exists()


def test_another_model_is_refused_even_where_it_does_not_say_so(folder):
    with pytest.raises(WeightsError, match="another model"):
        load_pretrained(T5, folder, register()["clip"])
    nameless = replace(register()["clip"], identity="")
    with pytest.raises(WeightsError, match=r"not CLIP|could not be loaded"):
        load_pretrained(transformers.CLIPTextModel, folder, nameless)


def test_keys_are_checked_for_what_was_loaded_by_other_means(folder):
    model = load_pretrained(T5, folder, ENTRY)
    edit(folder, lambda t: t.pop("encoder.final_layer_norm.weight"))
    with pytest.raises(WeightsError, match="1 keys are missing"):
        check_keys(model, folder, ENTRY)


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == "cpu"
    with pytest.raises(OptionError, match="device cuda"):
        choose_device("cuda")
    with pytest.raises(OptionError, match="'tpu'"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == "cuda"
    with pytest.raises(PluginError, match=r"needs no_such_module.*earwitness\[hub\]"):
        require("no_such_module", what="this")
