"""A scene's folder as one zip file, and back with every entry distrusted."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import soundfile

from earwitness.errors import MediaError
from earwitness.media import (
    SCENE_FILE,
    STEMS,
    beside,
    folder_beside,
    read_scene,
    stem_file,
    write_scene,
)
from earwitness.scene import Scene

_MOST_ENTRIES = 1200
_RATIO = 100
_FREE = 10_000_000
_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(flac|wav)\Z")
PICTURE = "picture.jpg"


def pack(folder: Path, out: Path, picture: Path | None, *, stems_only: bool = False) -> None:
    """Write a scene's folder into a zip, whole or not at all.

    Parameters
    ----------
    folder
        The scene's.
    out
        The zip.
    picture
        The picture it was seen in, or None.
    stems_only
        Leave out all but the stems.
    """
    scene, place = read_scene(folder)
    with beside(out) as made, zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as held:
        if not stems_only:
            held.write(place / SCENE_FILE, SCENE_FILE, zipfile.ZIP_DEFLATED)
            if picture is not None:
                held.write(picture, PICTURE)
        for item in scene.parts:
            if item.stem is not None:
                held.write(stem_file(place, item.stem), f"{STEMS}/{Path(item.stem).name}")


def _checked(entry: zipfile.ZipInfo, zip_name: str) -> str | None:
    """Return the name under which an entry is taken, or None when it is of no use.

    Raises
    ------
    MediaError
        If the entry would go where it should not.
    """
    raw = entry.filename
    parts = PurePosixPath(raw).parts
    if (
        "\\" in raw
        or ":" in raw
        or raw.startswith("/")
        or ".." in parts
        or any(ord(c) < 32 for c in raw)
    ):
        raise MediaError(
            f"{zip_name} holds {raw[:80]!r}, a path out of its folder; it is no zip of a scene"
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise MediaError(f"{zip_name} holds {raw[:80]!r}, a link; put the file itself into it")
    if entry.flag_bits & 1:
        raise MediaError(f"{zip_name} is encrypted; zip it without a password")
    if entry.is_dir():
        return None
    if len(parts) > 1 and parts[-2] == STEMS and len(parts) <= 3:
        return f"{STEMS}/{parts[-1]}" if _STEM.match(parts[-1]) else None
    if len(parts) <= 2 and parts[-1] in (SCENE_FILE, PICTURE):
        return parts[-1]
    return None


def unpack(zip_file: Path, out: Path, *, name: str, most_bytes: int, longest_s: float) -> Scene:
    """Take a scene's zip apart into a folder, and check the scene and every stem.

    Parameters
    ----------
    zip_file
        What was sent.
    out
        The scene's folder to make.
    name
        What messages call the zip.
    most_bytes
        Most that all entries may hold, counted while they are unpacked.
    longest_s
        Longest scene and stem.

    Returns
    -------
    Scene

    Raises
    ------
    MediaError, SceneError
        If the zip, the scene or a stem is not right.
    """
    try:
        with zipfile.ZipFile(zip_file) as held, folder_beside(out) as made:
            _unpack_into(held, made, name, most_bytes)
            scene, _ = read_scene(made)
            _check_length(scene, made, name, longest_s)
            write_scene(made, scene)
            return scene
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError) as error:
        raise MediaError(
            f"{name} is no zip that can be read ({error}); download the scene again"
        ) from None


def _unpack_into(held: zipfile.ZipFile, made: Path, name: str, most_bytes: int) -> None:
    entries = held.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise MediaError(f"{name} holds {len(entries)} files; at most {_MOST_ENTRIES} are taken")
    wanted: dict[str, zipfile.ZipInfo] = {}
    for entry in entries:
        inside = _checked(entry, name)
        if inside is None:
            continue
        if inside in wanted:
            raise MediaError(f"{name} holds {inside} twice; it is no zip of a scene")
        wanted[inside] = entry
    if SCENE_FILE not in wanted:
        raise MediaError(f"{name} holds no {SCENE_FILE}; give a scene that was downloaded here")
    (made / STEMS).mkdir()
    total = 0
    for inside, entry in wanted.items():
        size = 0
        with held.open(entry) as source, (made / inside).open("wb") as target:
            while block := source.read(1 << 16):
                size += len(block)
                total += len(block)
                # Counted, not read from the zip's own table, which may lie.
                if total > most_bytes or size > _FREE + _RATIO * max(1, entry.compress_size):
                    raise MediaError(
                        f"{name} unpacks to more than is taken here ({most_bytes} bytes in all)"
                    )
                target.write(block)


def _check_length(scene: Scene, folder: Path, name: str, longest_s: float) -> None:
    if scene.duration_s > longest_s:
        raise MediaError(
            f"the scene in {name} lasts {scene.duration_s:g} s; at most {longest_s:g} s here"
        )
    for item in scene.parts:
        if item.stem is not None:
            about = soundfile.info(str(stem_file(folder, item.stem)))
            if about.samplerate > 192_000 or about.frames > (longest_s + 5) * about.samplerate:
                raise MediaError(
                    f"{item.stem} in {name} is longer than {longest_s:g} s or sampled above "
                    f"192 kHz; make it shorter"
                )
