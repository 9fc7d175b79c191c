"""Weights that are archives: whoever reads them, none is unpacked to more than it is."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from earwitness.errors import WeightsError
from earwitness.models.packed import check_packed


def write(path: Path, kind: int) -> Path:
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr("archive/data.pkl", b"N0" * 10**6)
    return path


def test_what_is_stored_as_it_is_passes(tmp_path: Path) -> None:
    check_packed(write(tmp_path / "w.pt", zipfile.ZIP_STORED))
    check_packed(tmp_path / "not there.pt")


def from_module(name: str, function: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        pytest.importorskip("torch", reason="needs the extra [train]")
        return getattr(import_module(name), function)(path)

    return read


@pytest.mark.parametrize(
    "read",
    [
        check_packed,
        from_module("earwitness.atlas.sat2sound.checkpoint", "read"),
        from_module("earwitness.voice.codi.weights", "read"),
        from_module("earwitness.measure.wav2clip", "read_weights"),
    ],
)
def test_what_grows_is_refused_by_every_reader(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    packed = write(tmp_path / "w.pt", zipfile.ZIP_DEFLATED)
    with pytest.raises(WeightsError, match="would unpack to 2000000 bytes"):
        read(packed)
