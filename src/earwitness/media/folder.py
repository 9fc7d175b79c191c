"""A scene as a folder: ``scene.json`` and one FLAC stem for each source and bed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitness.errors import MediaError, OutputError, SceneError
from earwitness.media.output import beside, reason
from earwitness.scene import Scene, from_json, to_json

SCENE_FILE = "scene.json"
STEMS = "stems"
OWN_FILES = (SCENE_FILE, "scene.previous.json", "scene.png")
"""Files that earwitness itself puts into a scene's folder, beside the stems and the sounds."""
FILE_SUFFIXES = {".wav", ".flac", ".mp3", ".ogg", ".m4a", ".mp4", ".mov", ".mkv", ".webm"}
"""Endings of sounds and videos, which a folder is given by mistake alone."""
_LONGEST_JSON = 64 * 1024 * 1024


def write_scene(folder: str | os.PathLike[str], scene: Scene) -> Path:
    """Write ``scene.json`` into a folder, whole or not at all.

    Parameters
    ----------
    folder
        An existing folder.
    scene
        What to write.

    Returns
    -------
    Path
        The file.
    """
    file = Path(folder) / SCENE_FILE
    with beside(file) as made:
        made.write_text(to_json(scene), encoding="utf-8")
    return file


def read_scene(folder: str | os.PathLike[str]) -> tuple[Scene, Path]:
    """Read a scene's folder and check that its stems are there.

    Parameters
    ----------
    folder
        The folder, or its ``scene.json``.

    Returns
    -------
    scene, folder
        The scene and the folder that its stems are in.

    Raises
    ------
    MediaError
        If there is no scene.
    SceneError
        If a field is wrong, or a stem is missing, unreadable or outside the folder.
    """
    place = Path(folder)
    if place.name == SCENE_FILE and place.is_file():
        place = place.parent
    file = place / SCENE_FILE
    if not place.exists():
        raise MediaError(f"there is no scene {place}; make one with: earwitness listen PICTURE")
    if not file.is_file():
        raise MediaError(
            f"{place} holds no {SCENE_FILE}; give the folder that 'earwitness listen' wrote"
        )
    try:
        if file.stat().st_size > _LONGEST_JSON:
            raise MediaError(f"{file} is larger than {_LONGEST_JSON} bytes; it is no scene")
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MediaError(f"{file} is not UTF-8 text ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise MediaError(f"{file} cannot be read: {reason(error)}") from error
    try:
        scene = from_json(text)
        stems = [(f"sources[{i}].stem", source.stem) for i, source in enumerate(scene.sources)]
        stems += [(f"bed[{i}].stem", bed.stem) for i, bed in enumerate(scene.bed)]
        for field, stem in stems:
            if stem is not None:
                stem_file(place, stem, field=field)
    except SceneError as error:
        raise error.within(f"{file}: ") from None
    return scene, place


def stem_file(folder: Path, stem: str, *, field: str = "stem") -> Path:
    """Return the file of a stem after checking that it is a mono sound inside the folder.

    Parameters
    ----------
    folder
        The scene's folder.
    stem
        Path inside it.
    field
        The field's name, for the message.

    Raises
    ------
    SceneError
        If it is missing, outside the folder (also by a link), no sound, or not mono.
    """
    file = (folder / stem).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise SceneError(field, stem, "a file inside the scene's folder, not a link out of it")
    if not file.is_file():
        raise SceneError(field, stem, "a file that exists; voice it again or set the stem to null")
    try:
        info = soundfile.info(str(file))
    except (RuntimeError, OSError, TypeError):
        raise SceneError(field, stem, "a FLAC or WAV file that can be read") from None
    if info.channels != 1:
        raise SceneError(field, f"{stem} with {info.channels} channels", "a mono sound")
    return file


def write_flac(
    path: Path,
    blocks: Iterable[NDArray[np.floating]],
    *,
    rate_hz: int,
    channels: int = 1,
    name: str | None = None,
) -> int:
    """Write blocks as a 24-bit FLAC file.

    Parameters
    ----------
    path
        The file; its folder exists. The caller keeps half-written files from sight.
    blocks
        Each of shape ``(samples,)`` for mono or ``(channels, samples)``, full scale ±1.
    rate_hz
        Sampling rate; FLAC knows up to 655350 Hz.
    channels
        1 to 8.
    name
        What messages call the file; None is its own name.

    Returns
    -------
    int
        Samples written.

    Raises
    ------
    OutputError
        If the file cannot be written to its end.
    """
    written, name = 0, name or path.name
    try:
        with soundfile.SoundFile(
            str(path), "w", rate_hz, channels, subtype="PCM_24", format="FLAC"
        ) as file:
            for block in blocks:
                file.write(np.asarray(block, dtype=np.float32).T)
                written += block.shape[-1]
        # libsndfile does not tell when closing fails, as on a full disk: look again.
        if soundfile.info(str(path)).frames != written:
            raise OutputError(f"{name} could not be written to its end; is the disk full?")
    except (OSError, RuntimeError, AssertionError) as error:
        raise OutputError(
            f"{name} could not be written: {reason(error).rstrip('.')}; is the disk full?"
        ) from error
    return written


def check_replaceable(folder: Path) -> None:
    """Check that a folder may be replaced: it is absent, empty, or a scene and nothing else.

    Raises
    ------
    OutputError
        If something else stands there, so that nothing that people put there is lost, or if the
        name is that of a sound or a video.
    """
    if folder.suffix.lower() in FILE_SUFFIXES:
        raise OutputError(
            f"{folder} is a name for a file; --out is a folder, in which 5.1.wav and the others "
            f"are written: give such as {folder.stem}.scene"
        )
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another folder with --out")
    held = sorted(item.name for item in folder.iterdir())
    if not held:
        return
    others = [
        name
        for name in held
        if name not in OWN_FILES and name != STEMS and Path(name).suffix != ".wav"
    ]
    if SCENE_FILE not in held or others:
        what = others[0] if others else held[0]
        raise OutputError(
            f"{folder} holds something that is no scene ({what}); "
            f"choose another folder with --out, or remove it"
        )


def keep_previous(old: Path, new: Path) -> None:
    """Keep the ``scene.json`` of the folder about to be replaced, for hand edits are work."""
    file = old / SCENE_FILE
    if file.is_file():
        (new / "scene.previous.json").write_bytes(file.read_bytes())
