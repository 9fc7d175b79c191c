"""Gather real recordings that Debian packages ship.

Run ``python -m benchmarks.real_recordings.gather FOLDER``; it needs ``apt-get`` and ``dpkg-deb``.
Into the folder come the sound files of the packages below with their copyright files; two kinds of
archive are opened as well (Qt resources, OpenTTD's sound set). ``truth.csv`` names what they are.
The recordings are not part of this repository: their licences (GPL, CC BY-SA, CC0 …, in each
package's copyright file) are theirs.
"""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

PACKAGES = (
    "gcompris-qt-data",
    "lincity-ng-data",
    "minetest-data",
    "openttd-opensfx",
    "searchandrescue-data",
    "simutrans-pak64",
    "sonic-pi-samples",
    "tuxpaint-stamps-default",
    "unknown-horizons",
    "wesnoth-1.16-data",
    "widelands-data",
)
SOUNDS = (".ogg", ".wav", ".mp3", ".flac", ".oga", ".opus", ".aac", ".m4a")


def packages(folder: Path) -> None:
    for name in PACKAGES:
        subprocess.run(["apt-get", "download", "-q", name], cwd=folder, check=True)
        for package in folder.glob(f"{name}_*.deb"):
            target = folder / name
            subprocess.run(["dpkg-deb", "-x", package, target], check=True)
            package.unlink()
            for path in target.rglob("*"):
                kept = (*SOUNDS, ".cat", ".rcc")
                if path.is_file() and path.suffix not in kept and path.name != "copyright":
                    path.unlink()
        print(name)


def qt_resources(path: Path, target: Path) -> None:
    """Write the sounds of a Qt binary resource file (big-endian; tree, names, data)."""
    data = path.read_bytes()
    if data[:4] != b"qres":
        return
    version, tree, payload, names = struct.unpack(">IIII", data[4:20])
    size = 14 if version < 2 else 22

    def walk(index: int, above: list[str]) -> None:
        node = tree + index * size
        offset, flags = struct.unpack(">IH", data[node : node + 6])
        here = above
        if index:
            (length,) = struct.unpack(">H", data[names + offset : names + offset + 2])
            start = names + offset + 6
            here = [*above, data[start : start + 2 * length].decode("utf-16-be")]
        if flags & 2:
            count, first = struct.unpack(">II", data[node + 6 : node + 14])
            for child in range(first, first + count):
                walk(child, here)
        elif here[-1].endswith(SOUNDS) and not flags & 4:
            (at,) = struct.unpack(">I", data[node + 10 : node + 14])
            (length,) = struct.unpack(">I", data[payload + at : payload + at + 4])
            content = data[payload + at + 4 : payload + at + 4 + length]
            file = target.joinpath(*here)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(zlib.decompress(content[4:]) if flags & 1 else content)

    walk(0, [])


def openttd_sounds(path: Path, target: Path) -> None:
    """Write the WAV files of an OpenTTD sound set, named by number and description."""
    data = path.read_bytes()
    target.mkdir(parents=True, exist_ok=True)
    for number in range(struct.unpack("<I", data[:4])[0] // 8):
        (at,) = struct.unpack("<I", data[8 * number : 8 * number + 4])
        at &= 0x7FFFFFFF
        if at >= len(data):
            break
        name = data[at + 1 : at + data[at]].split(b"\0")[0].decode("latin1").strip() or "s"
        start = data.find(b"RIFF", at)
        if start < 0:
            break
        (length,) = struct.unpack("<I", data[start + 4 : start + 8])
        name = name.replace("/", "_").replace('"', "")[:40]
        (target / f"{number:02d}_{name}.wav").write_bytes(data[start : start + 8 + length])


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    packages(folder)
    for path in sorted((folder / "gcompris-qt-data").rglob("*.rcc")):
        qt_resources(path, folder / "gcompris-extracted" / path.stem)
    for path in (folder / "openttd-opensfx").rglob("*.cat"):
        openttd_sounds(path, folder / "opensfx-extracted")


if __name__ == "__main__":
    main()
