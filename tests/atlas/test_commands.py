"""The commands train, evaluate, embed, convert and caption, on a set made on the spot."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [train]")
for _module in ("pyarrow", "accelerate", "tensorboard", "safetensors"):
    pytest.importorskip(_module, reason="needs the extra [train]")

sys.path.insert(0, str(Path(__file__).parent))
from made_data import flac, png, row, write_parquet  # noqa: E402

from earwitness.atlas.dataset.batches import make_batch  # noqa: E402
from earwitness.atlas.sat2sound.config import Config, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.fusion import Metadata  # noqa: E402
from earwitness.atlas.sat2sound.model import Sat2Sound  # noqa: E402
from earwitness.atlas.sat2sound.training import TrainingPlan  # noqa: E402
from earwitness.cli.main import main  # noqa: E402
from earwitness.errors import OptionError, WeightsError  # noqa: E402
from earwitness.verbs.captioning import PROMPT, caption_tiles  # noqa: E402
from earwitness.verbs.embedding import embed  # noqa: E402
from earwitness.verbs.evaluating import _Checkpoint, evaluate_retrieval, neighbours  # noqa: E402
from earwitness.verbs.training import read_log, train  # noqa: E402

TINY = Sizes(
    vit_width=16, vit_depth=1, vit_heads=2, width=16, fusion_feedforward=16, swin_width=4,
    swin_depths=(1, 1, 1, 1), swin_heads=(1, 1, 1, 1), text_width=8, codes=24, code_width=16,
)  # fmt: skip
CONFIG = Config(sizes=TINY, temperature=5.0)
PLAN = TrainingPlan(steps=4, warm_up=1, chunk=4, save_every=1, averaging=0.9, learning_rate=3e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parquet(tmp_path_factory.mktemp("data") / "set", [row(n) for n in range(24)])


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "whole"
    learn(data, folder)
    return folder


def learn(data: Path, folder: Path, *, killed_at: int = 0) -> None:
    def kill(step: int, _: dict[str, float]) -> None:
        if step == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)

    train(
        data, folder, plan=PLAN, config=CONFIG, batch=8, text="words:8", device="cpu",
        validate_every=2, states_at=folder.parent / "states.sqlite", on_step=kill,
    )  # fmt: skip


def test_a_run_leaves_what_is_needed_to_tell_and_to_go_on(run: Path) -> None:
    names = {p.name for p in run.iterdir()}
    assert {"last.pt", "averaged.pt", "run.json", "log.jsonl", "best.json", "tensorboard"} <= names
    log = read_log(run)
    assert [int(line["step"]) for line in log] == [1, 2, 3, 4]
    assert "I2S R@10%" in log[1]
    told = json.loads((run / "run.json").read_text())
    assert told["model"]["text_encoder"] == "words:8"
    best = json.loads((run / "best.json").read_text())
    assert [recall for _, recall, _ in best] == sorted((b[1] for b in best), reverse=True)
    assert all((run / name).exists() for name, _, _ in best)


def test_a_run_killed_goes_on_to_the_same_weights(data: Path, run: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import torch; torch.set_num_threads(1)\n"
        "from pathlib import Path; from test_commands import learn\n"
        "learn(Path(sys.argv[1]), Path(sys.argv[2]), killed_at=int(sys.argv[3]))"
    )
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    command = [sys.executable, "-c", code, str(data)]
    subprocess.run([*command, str(whole), "0"], check=True)
    victim = subprocess.run([*command, str(cut), "2"], check=False)
    assert victim.returncode == -signal.SIGKILL
    assert torch.load(cut / "last.pt", weights_only=True)["step"] == 1
    subprocess.run([*command, str(cut), "0"], check=True)
    a, b = (torch.load(n / "last.pt", weights_only=True) for n in (whole, cut))
    for part in ("state_dict", "averaged"):
        for name, tensor in a[part].items():
            assert torch.equal(tensor, b[part][name]), name
    assert [x["loss"] for x in read_log(whole)] == [x["loss"] for x in read_log(cut)]


def test_a_run_goes_on_with_its_own_data_and_batches_alone(
    data: Path, run: Path, tmp_path: Path
) -> None:
    given = {"plan": PLAN, "config": CONFIG, "text": "words:8", "device": "cpu"}
    fewer = write_parquet(tmp_path / "fewer", [row(n) for n in range(12)])
    weights = (run / "averaged.pt").read_bytes()
    with pytest.raises(OptionError, match=r"fewer, rows 21 → 12"):
        train(fewer, run, batch=8, **given)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="batch 8 → 6"):
        train(data, run, batch=6, **given)  # type: ignore[arg-type]
    (tmp_path / "moved").mkdir()
    moved = (tmp_path / "moved" / data.name).absolute()
    moved.symlink_to(data.absolute())
    train(moved, run, batch=8, **given)  # type: ignore[arg-type]
    assert (run / "averaged.pt").read_bytes() == weights


def test_a_run_killed_before_its_averages_were_written_has_them_in_the_end(
    data: Path, run: Path, tmp_path: Path
) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other)
    (other / "averaged.pt").unlink()
    learn(data, other)
    ours, wanted = (Sat2Sound.load(f / "averaged.pt").state_dict() for f in (other, run))
    assert all(torch.equal(ours[name], wanted[name]) for name in wanted)


def test_the_last_step_is_told_again_when_it_was_not_kept(
    data: Path, run: Path, tmp_path: Path
) -> None:
    other = tmp_path / "run"
    script = (
        "import sys; from pathlib import Path; from test_commands import learn\n"
        f"learn(Path({str(data)!r}), Path({str(other)!r}), killed_at=4)\n"
    )
    stopped = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent)
    assert stopped.returncode == -signal.SIGKILL
    learn(data, other)
    assert [line["step"] for line in read_log(other)] == [1, 2, 3, 4]
    assert "I2S R@10%" in read_log(other)[3]
    assert (other / "best.json").read_text() == (run / "best.json").read_text()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda held: held.update(step=-1),
        lambda held: held.update(plan=5),
        lambda held: held["optimiser"]["param_groups"].clear(),
        lambda held: held.update(averaged=[1]),
    ],
)
def test_a_spoilt_state_is_one_clear_error(
    data: Path, run: Path, tmp_path: Path, spoil: Callable[[Any], Any]
) -> None:
    other = tmp_path / "run"
    shutil.copytree(run, other)
    held = torch.load(other / "last.pt", weights_only=True)
    spoil(held)
    torch.save(held, other / "last.pt")
    with pytest.raises(WeightsError, match=r"training state|is of step -1 of 4"):
        learn(data, other)


def test_a_start_that_is_not_what_was_asked_for_is_refused(
    data: Path, run: Path, tmp_path: Path
) -> None:
    with pytest.raises(OptionError, match="cannot be trained on"):
        train(data, tmp_path / "a", start="builtin", text="words", device="cpu")
    with pytest.raises(OptionError, match="has other sizes than small; leave --size out"):
        train(
            data, tmp_path / "b", start=run / "averaged.pt", sizes="small", text="words:8",
            device="cpu",
        )  # fmt: skip


def test_retrieval_is_told_in_all_settings(
    data: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    out = tmp_path / "figures.json"
    report = evaluate_retrieval(
        run / "averaged.pt", data, split="train", concepts=True, ablate=True, resamples=50,
        device="cpu", out=out,
    )  # fmt: skip
    held = json.loads(out.read_text())
    table = held["tables"]["train"]
    for setting in ("none", "audio", "query"):
        for way in ("image→sound", "sound→image"):
            value, low, high = table[f"{way} ({setting})"]["R@10%"]
            assert 0 <= low <= value <= high <= 1
    assert {"image→image caption", "sound caption→image"} <= set(table)
    assert set(held["concepts"]["train"]) <= {"humming", "whistling", "hissing", "rumbling"}
    assert {"all", "without latlong", "without any"} <= set(report.ablations)
    assert report.count == 21
    page = tmp_path / "page.html"
    assert neighbours(run / "averaged.pt", data, page, split="train", codes=3, device="cpu") <= 3
    assert page.read_text().count("<section>") >= 1
    with pytest.raises(OptionError, match="no code 24"):
        neighbours(run / "averaged.pt", data, page, chosen=(24,), device="cpu")


def test_a_zoom_is_told_of_the_rows_that_have_it(run: Path, tmp_path: Path) -> None:
    rows = [row(n, zoom=(1, 3, 3)[n % 3], split="test") for n in range(18)]
    mixed = write_parquet(tmp_path / "mixed", rows)
    given = {"resamples": 0, "text": "words:8", "device": "cpu"}
    of_three = write_parquet(tmp_path / "three", [r for r in rows if r["zoom"] == 3])
    told = evaluate_retrieval(run / "averaged.pt", mixed, zooms=(1, 3), **given)  # type: ignore[arg-type]
    alone = evaluate_retrieval(run / "averaged.pt", of_three, **given)  # type: ignore[arg-type]
    assert told.count == 12
    assert told.tables["test, zoom 3"]["image→sound (none)"]["mean"].value == pytest.approx(
        alone.tables["test"]["image→sound (none)"]["mean"].value
    )
    with pytest.raises(OptionError, match="no good row of zoom 5"):
        evaluate_retrieval(run / "averaged.pt", mixed, zooms=(5,), **given)  # type: ignore[arg-type]


def test_what_cannot_be_told_is_said(data: Path, run: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="does not tell its codes"):
        neighbours("builtin", data, tmp_path / "page.html")
    with pytest.raises(WeightsError, match=r"is a folder; of a run, give its averaged\.pt"):
        evaluate_retrieval(run, data, device="cpu")
    with pytest.raises(OptionError, match="a text is empty"):
        embed(run / "averaged.pt", tmp_path / "t.csv", texts=["waves", " "], device="cpu")


def test_a_model_without_a_codebook_has_no_codes_to_show(data: Path, tmp_path: Path) -> None:
    Sat2Sound(replace(CONFIG, codebook=False)).save(tmp_path / "model.pt")
    page = tmp_path / "page.html"
    with pytest.raises(OptionError, match="trained without a codebook"):
        neighbours(tmp_path / "model.pt", data, page, text="words:8", device="cpu")
    Sat2Sound(CONFIG).save(tmp_path / "other.pt")
    with pytest.raises(OptionError, match="codes is 0"):
        neighbours(tmp_path / "other.pt", data, page, codes=0, text="words:8", device="cpu")
    assert not page.exists()


def test_what_an_ablation_leaves_out_is_unknown_to_the_model(
    data: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    source = _Checkpoint(
        run / "averaged.pt", data, None, "train", False, None, "cpu", lambda *_: None
    )
    model = Sat2Sound.load(run / "averaged.pt")
    batch = make_batch(list(source.pairs), model.config, source._words)
    whole = batch.metadata
    only = Metadata(latlong=whole.latlong, latlong_valid=whole.latlong_valid)
    for parts, told in (((), Metadata()), (("latlong",), only)):
        with torch.no_grad():
            wanted = model.embed_image(batch.images, ground_m=batch.ground_m, metadata=told)
        np.testing.assert_allclose(source.embed(None, parts).image, wanted.numpy(), atol=1e-5)
    source.close()


def test_images_sounds_and_words_to_a_table(run: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    (tmp_path / "a.png").write_bytes(png((10, 20, 30), 40))
    (tmp_path / "a.flac").write_bytes(flac(300, 1))
    for name in ("t.parquet", "t.csv", "t.npz"):
        count = embed(
            run / "averaged.pt", tmp_path / name, images=[tmp_path / "a.png"],
            sounds=[tmp_path / "a.flac"], texts=["a hum"], lat_deg=10, lon_deg=20, device="cpu",
        )  # fmt: skip
        assert count == 3
    table = parquet.read_table(tmp_path / "t.parquet").to_pydict()
    assert table["kind"] == ["image", "audio", "text"]
    values = np.array(table["embedding"])
    np.testing.assert_allclose(np.linalg.norm(values, axis=1), 1, rtol=1e-5)
    with np.load(tmp_path / "t.npz") as held:
        np.testing.assert_allclose(held["embedding"], values, atol=1e-6)
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 4


def test_converting_names_every_odd_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Sat2Sound(replace(CONFIG, text_encoder="words:8"))
    held = {"state_dict": dict(model.state_dict()), "earwitness": model.config.as_dict()}
    torch.save(held, tmp_path / "good.pt")
    held["state_dict"]["odd"] = torch.zeros(1)
    torch.save(held, tmp_path / "odd.pt")
    assert main(["convert", str(tmp_path / "good.pt"), str(tmp_path / "g.safetensors")]) == 0
    again = Sat2Sound.load(tmp_path / "g.safetensors").state_dict()
    assert all(torch.equal(t, again[n]) for n, t in model.state_dict().items())
    capsys.readouterr()
    assert main(["convert", str(tmp_path / "odd.pt"), str(tmp_path / "o.safetensors")]) == 1
    assert "1 extra: odd" in capsys.readouterr().err
    assert not (tmp_path / "o.safetensors").exists()


def test_captions_go_on_after_a_stop(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    tiles = tmp_path / "tiles"
    tiles.mkdir()
    for n in range(5):
        (tiles / f"{n}.png").write_bytes(png((n, n, n)))
    asked: list[int] = []

    def captioner(images: object) -> list[str]:
        some = list(images)  # type: ignore[call-overload]
        if sum(asked) >= 2 and len(asked) == 1:
            asked.append(0)
            raise KeyboardInterrupt
        asked.append(len(some))
        return [f"grey {np.asarray(i)[0, 0, 0]}" for i in some]

    out = tmp_path / "captions.parquet"
    with pytest.raises(KeyboardInterrupt):
        caption_tiles(tiles, out, captioner=captioner, name="test", batch=2)
    assert not out.exists()
    assert caption_tiles(tiles, out, captioner=captioner, name="test", batch=2) == (5, {})
    assert sum(asked) == 5  # nothing was asked twice
    told = parquet.read_table(out).to_pydict()
    assert told["image_caption"] == [f"grey {n}" for n in range(5)]
    assert set(told["prompt"]) == {PROMPT}
    assert not list(tmp_path.glob(".captions*"))


@pytest.mark.parametrize("name", ["llava", "smolvlm"])
def test_a_vision_language_model_captions_a_folder(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("transformers", reason="needs the extra [hub]")
    import pyarrow.parquet as parquet
    from PIL import Image

    sys.path.insert(0, str(Path(__file__).parents[1] / "foundation"))
    import tiny

    weights, tiles = tiny.save(name, tmp_path / "weights"), tmp_path / "tiles"
    (tiles / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for n, side in enumerate((40, 64, 90, 33, 64)):
        pixels = rng.integers(0, 255, (side, side + n, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tiles / ("below" if n > 2 else ".") / f"{n}.png")
    command = ["caption", str(tiles), "--model", str(weights), "--as", name, "--device", "cpu"]
    told = {}
    for batch in ("1", "2", "5"):
        out = tmp_path / f"batch-{batch}.parquet"
        assert main([*command, "--batch", batch, "-o", str(out)]) == 0
        told[batch] = parquet.read_table(out).to_pydict()
    assert told["1"]["key"] == ["0.png", "1.png", "2.png", "below/3.png", "below/4.png"]
    assert any(told["1"]["image_caption"])  # weights drawn at random may say nothing to some
    assert told["1"] == told["2"] == told["5"]  # images asked together do not mix
    (tiles / "1.png").write_bytes(b"no image")
    out = tmp_path / "odd.parquet"
    capsys.readouterr()
    assert main([*command, "--batch", "2", "-o", str(out)]) == 1
    assert "1.png" in capsys.readouterr().err
    assert not out.exists()
    assert main([*command, "--batch", "2", "-o", str(out), "--skip-bad"]) == 0
    assert parquet.read_table(out).column("key").to_pylist() == [
        "0.png", "2.png", "below/3.png", "below/4.png",
    ]  # fmt: skip
    assert "torchvision" not in sys.modules
