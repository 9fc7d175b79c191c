"""The built-in model where PyTorch is not installed, and as a checkpoint where it is."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

sys.path.insert(0, str(Path(__file__).parent))
from made_data import png, row

WITHOUT = """
    import sys

    class Absent:
        def find_spec(self, name, *_):
            if name.partition(".")[0] in ("torch", "transformers"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, Absent())
"""


def run_without(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    whole = textwrap.dedent(WITHOUT) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", whole, *arguments], capture_output=True, text=True, check=False
    )


def test_loaded_by_name_without_pytorch() -> None:
    done = run_without(
        """
        from earwitness.atlas.sat2sound import Sat2Sound
        from earwitness.errors import PluginError
        model = Sat2Sound.load("builtin")
        print(model.texts(["gulls over the sea"]).shape)
        for wrong in (lambda: Sat2Sound.load("a.ckpt"), Sat2Sound):
            try:
                wrong()
            except PluginError as error:
                print("earwitness[train]" in str(error))
        """
    )
    assert done.stdout.split("\n")[:3] == ["(1, 128)", "True", "True"], done.stderr


def test_embeds_and_evaluates_without_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet needs the extra [train]")
    import csv
    import json

    import soundfile

    from earwitness.atlas.metrics import normalise

    folder = tmp_path / "set"
    folder.mkdir()
    with (folder / "set.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "audio", "caption", "image_caption", "lat", "lon", "time"])
        for n in range(6):
            held = row(n)
            (folder / f"{n}.png").write_bytes(png((20 * n, 90, 60), 16))
            (folder / f"{n}.flac").write_bytes(held["audio"])
            date = held["date"] if n % 2 else ""
            writer.writerow(
                [f"{n}.png", f"{n}.flac", held["audio_caption"], "a place", held["lat"],
                 held["lon"], date]
            )  # fmt: skip
    soundfile.write(tmp_path / "a.wav", np.random.default_rng(0).normal(0, 0.1, 48000), 48000)
    done = run_without(
        """
        from earwitness.cli.main import main
        folder, out, page = sys.argv[1:]
        code = main(["embed", "--checkpoint", "builtin", "--image", folder + "/1.png", "--lat", "1",
                     "--lon", "2", "--audio", folder + "/../a.wav", "--text", "rain", "-o", out])
        for split in ("train", "val", "test"):
            done = main(["evaluate", "retrieval", "--checkpoint", "builtin", "--data", folder,
                         "--split", split, "--ablate", "--resamples", "20", "-o", page])
            if done == 0:
                break
        print("torch" in sys.modules, code, done)
        """,
        str(folder), str(tmp_path / "t.npz"), str(tmp_path / "f.json"),
    )  # fmt: skip
    assert done.stdout.split("\n")[-2] == "False 0 0", done.stdout + done.stderr
    with np.load(tmp_path / "t.npz") as held:
        assert held["embedding"].shape == (3, 128)
        np.testing.assert_allclose(normalise(held["embedding"]), held["embedding"], atol=1e-5)
    figures = json.loads((tmp_path / "f.json").read_text())
    assert "without latlong" in figures["ablations"]
    assert "image→image caption" in next(iter(figures["tables"].values()))


def test_spectrograms_averaged_by_fours_are_the_sounds_themselves() -> None:
    """The built-in world stores 250 frames where a sound has 1001; the network sees the same."""
    from earwitness.atlas.embedders import BuiltinEmbedder
    from earwitness.errors import OptionError

    embedder = BuiltinEmbedder()
    mel = np.random.default_rng(3).normal(-40, 12, (1001, 64)).astype(np.float32)
    power = (10 ** (mel[:1000].astype(np.float64) / 10)).reshape(250, 4, 64).mean(1)
    short = (10 * np.log10(power)).astype(np.float32)
    whole, averaged = embedder.spectrograms([mel, short])
    assert float(whole @ averaged) > 0.9999
    with pytest.raises(OptionError, match=r"\(1001, 64\) and \(250, 64\)"):
        embedder.spectrograms([mel[:500]])


def test_loaded_by_name_with_pytorch() -> None:
    pytest.importorskip("torch", reason="needs the extra [train]")
    from earwitness.atlas.embedders import BuiltinEmbedder
    from earwitness.atlas.sat2sound import Sat2Sound

    assert isinstance(Sat2Sound.load("builtin"), BuiltinEmbedder)
