"""Folders and the store, on files written byte by byte; no network, no PyTorch."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earwitness.errors import OptionError, OutputError, WeightsError
from earwitness.models import resolve as resolve_module
from earwitness.models import store
from earwitness.models.folder import check_folder, keys
from earwitness.models.headers import read_header
from earwitness.models.hub import Revision
from earwitness.models.register import Entry, register
from earwitness.models.resolve import resolve

PLAIN = register()["depth-anything-v2"]
NC = register()["depth-anything-v2-base"]
PIPELINE = register()["audioldm2"]


def tensors(**shapes: tuple[int, ...]) -> bytes:
    table, data = {}, b""
    for key, shape in shapes.items():
        values = np.zeros(shape, dtype="<f4").tobytes()
        table[key] = {
            "dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data + values)],
        }  # fmt: skip
        data += values
    header = json.dumps(table).encode()
    return len(header).to_bytes(8, "little") + header + data


def folder_of(place: Path, identity: str = "depth_anything") -> Path:
    place.mkdir(parents=True)
    (place / "config.json").write_text(json.dumps({"model_type": identity}))
    (place / "model.safetensors").write_bytes(tensors(a=(2, 3), b=(4,)))
    return place


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("EARWITNESS_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(resolve_module, "_in_hub_cache", lambda entry: None)
    return tmp_path / "models"


class FakeHub:
    """A hub that holds one folder, and can be away or send damaged files."""

    def __init__(self, *, away: bool = False, damaged: bool = False) -> None:
        self.away, self.damaged, self.asked = away, damaged, []
        self.files = {
            "config.json": b'{"model_type": "depth_anything"}',
            "model.safetensors": tensors(a=(2, 3)),
        }

    def describe(self, entry: Entry) -> Revision:
        self.asked.append("describe")
        if self.away:
            raise WeightsError("the hub is away")
        hashes = {"config.json": "", "model.safetensors": ""}
        hashes["model.safetensors"] = hashlib.sha256(self.files["model.safetensors"]).hexdigest()
        return Revision("f" * 40, hashes, sum(map(len, self.files.values())))

    def download(self, entry: Entry, revision: Revision, folder: Path) -> None:
        self.asked.append("download")
        for name, data in self.files.items():
            (folder / name).write_bytes(data + b"x" if self.damaged else data)
        (folder / ".cache").mkdir(exist_ok=True)
        (folder / ".cache" / "notes").write_text("the client's own")


# --- folders ---


def test_a_right_folder_is_taken(tmp_path):
    place = folder_of(tmp_path / "m")
    assert check_folder(place, PLAIN) == place
    assert {k: v.shape for k, v in keys(place).items()} == {"a": (2, 3), "b": (4,)}


def test_another_model_s_folder_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"another model: it calls itself 'sam'.*fetch depth"):
        check_folder(folder_of(tmp_path / "m", "sam"), PLAIN)


@pytest.mark.parametrize("kept", [0, 4, 9, 60, -1])
def test_a_truncated_safetensors_is_refused(tmp_path, kept):
    place = folder_of(tmp_path / "m")
    path = place / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="truncated or no safetensors file"):
        check_folder(place, PLAIN)


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps({"a": 1}),
        b"\xff" * 64,
        (4).to_bytes(8, "little") + b"null" + b"x",
        (2).to_bytes(8, "little") + b"{}" + b"data that nobody announced",
        (16).to_bytes(8, "little") + b'{"a": {"b": 12}}',
    ],
)
def test_what_only_calls_itself_safetensors_is_refused(tmp_path, data):
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="no safetensors file"):
        read_header(path)


class _Runs:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (self.path, "ran"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt", "model.pkl"])
def test_a_pickle_alone_is_refused_and_never_read(tmp_path, name):
    place = folder_of(tmp_path / "m")
    (place / "model.safetensors").unlink()
    trap = tmp_path / "ran.txt"
    (place / name).write_bytes(pickle.dumps(_Runs(trap)))
    with pytest.raises(WeightsError, match=rf"only as {name}, whose reading can run a program"):
        check_folder(place, PLAIN)
    assert not trap.exists()


def test_a_pickle_beside_safetensors_is_not_looked_at(tmp_path):
    place = folder_of(tmp_path / "m")
    (place / "pytorch_model.bin").write_bytes(b"whatever")
    assert check_folder(place, PLAIN) == place


def test_a_shard_that_is_not_there_is_missed(tmp_path):
    place = folder_of(tmp_path / "m")
    index = {"weight_map": {"a": "model.safetensors", "z": "model-2.safetensors"}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"lacks 1 of the files.*'model-2.safetensors'"):
        check_folder(place, PLAIN)


@pytest.mark.parametrize("prepared", ["absent", "empty", "no config", "no weights", "bad json"])
def test_what_is_no_model_folder_is_refused_with_what_to_run(tmp_path, prepared):
    place = tmp_path / "m"
    if prepared != "absent":
        folder_of(place)
    if prepared in ("empty", "no config"):
        (place / "config.json").unlink()
    if prepared in ("empty", "no weights"):
        (place / "model.safetensors").unlink()
    if prepared == "bad json":
        (place / "config.json").write_text("{")
    with pytest.raises(WeightsError) as caught:
        check_folder(place, PLAIN)
    assert "\n" not in str(caught.value)
    if prepared in ("absent", "empty", "no config"):
        assert "Run: earwitness models fetch depth-anything-v2" in str(caught.value)


def test_a_pipeline_is_checked_part_by_part(tmp_path):
    place = tmp_path / "p"
    place.mkdir()
    index = {
        "_class_name": "AudioLDM2Pipeline", "unet": ["diffusers", "UNet"],
        "scheduler": ["diffusers", "DDIM"], "tokenizer": ["transformers", "T"],
        "nothing": [None, None],
    }  # fmt: skip
    (place / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="lacks its part 'unet'"):
        check_folder(place, PIPELINE)
    (place / "unet").mkdir()
    (place / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(WeightsError, match=r"only as diffusion_pytorch_model\.bin"):
        check_folder(place, PIPELINE)
    (place / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(tensors(a=(1,)))
    assert check_folder(place, PIPELINE) == place
    with pytest.raises(WeightsError, match="calls itself 'AudioLDM2Pipeline'"):
        check_folder(place, register()["stable-audio"])


# --- names and folders ---


def test_a_name_becomes_the_fetched_folder_and_a_folder_itself(root, tmp_path):
    place = folder_of(root / PLAIN.name)
    assert resolve(PLAIN.name) == place
    assert resolve(place, PLAIN.name) == place
    with pytest.raises(WeightsError, match="another model"):
        resolve(place, "sam-vit-base")


def test_what_is_not_here_says_what_to_run_at_once(root, tmp_path):
    begun = time.monotonic()
    with pytest.raises(WeightsError, match="Run: earwitness models fetch sam-vit-huge"):
        resolve("sam-vit-huge")
    assert time.monotonic() - begun < 5
    with pytest.raises(WeightsError, match="is no folder"):
        resolve(tmp_path / "nowhere")
    with pytest.raises(OptionError, match="nearest are"):
        resolve("sam-vit-hug")


# --- fetching ---


def test_fetched_weights_are_hashed_recorded_listed_and_verified(root):
    said: list[str] = []
    place = store.fetch(PLAIN.name, say=said.append, hub=FakeHub())
    assert place == root / PLAIN.name
    assert any("no revision is pinned; taking the newest, " + "f" * 40 in line for line in said)
    record = json.loads((place / store.RECORD).read_text())
    assert record["revision"] == "f" * 40
    assert set(record["files"]) == {"config.json", "model.safetensors"}
    assert store.verify(PLAIN.name) == ()
    row = next(r for r in store.listing() if r.entry.name == PLAIN.name)
    assert (row.folder, row.revision) == (place, "f" * 40)
    assert next(r for r in store.listing() if r.entry.name == "clap").folder is None


def test_what_changed_went_or_came_later_is_found(root):
    place = store.fetch(PLAIN.name, hub=FakeHub())
    (place / "config.json").write_text('{"model_type": "depth_anything", "x": 1}')
    (place / "more.py").write_text("print()")
    assert store.verify(PLAIN.name) == (
        "config.json changed since it was fetched",
        "more.py was not fetched with the others",
    )
    (place / "model.safetensors").unlink()
    assert any("model.safetensors is not there" in line for line in store.verify(PLAIN.name))
    with pytest.raises(WeightsError, match="not here"):
        store.verify("clap")


def test_a_forbidding_licence_is_shown_before_anything_is_asked_of_the_hub(root):
    hub, order = FakeHub(), []

    def agree(line: str) -> bool:
        order.append(list(hub.asked))
        assert "forbids commercial use" in line
        return False

    with pytest.raises(OptionError, match="declined"):
        store.fetch(NC.name, agree=agree, hub=hub)
    assert order == [[]]
    assert hub.asked == []
    said: list[str] = []
    store.fetch(NC.name, say=said.append, agree=lambda line: True, hub=hub)
    assert "forbids commercial use" in said[0]


def test_a_free_licence_asks_nobody(root):
    def never(line: str) -> bool:
        raise AssertionError(line)

    store.fetch(PLAIN.name, agree=never, hub=FakeHub())


def test_what_came_damaged_is_removed_and_not_taken_for_whole(root):
    with pytest.raises(WeightsError, match=r"came damaged: SHA-256 .*announced"):
        store.fetch(PLAIN.name, hub=FakeHub(damaged=True))
    assert not (root / PLAIN.name).exists()
    assert not (root / f"{PLAIN.name}.partial" / "model.safetensors").exists()
    store.fetch(PLAIN.name, hub=FakeHub())  # and goes on from there
    assert store.verify(PLAIN.name) == ()


def test_without_a_network_nothing_is_left_behind(root):
    with pytest.raises(WeightsError, match="the hub is away"):
        store.fetch(PLAIN.name, hub=FakeHub(away=True))
    assert not root.exists()


def test_what_is_on_no_hub_says_where_it_is(root):
    with pytest.raises(WeightsError, match="lyrebird-wav2clip"):
        store.fetch("wav2clip")


def test_an_entry_whose_files_went_is_refused(root, monkeypatch):
    entry = replace(PLAIN, files=("config.json", "gone.safetensors"))
    monkeypatch.setattr(store, "entry_named", lambda name: entry)
    with pytest.raises(WeightsError, match=r"has no gone\.safetensors"):
        store.fetch(PLAIN.name, hub=FakeHub())


def test_a_folder_in_the_way_stays(root):
    folder_of(root / PLAIN.name)
    with pytest.raises(OutputError, match="in the way"):
        store.fetch(PLAIN.name, hub=FakeHub())
    assert (root / PLAIN.name / "model.safetensors").exists()
