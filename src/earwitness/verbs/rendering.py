"""``render``: a scene's folder becomes loudspeaker, ambisonic, binaural or object-based files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OutputError
from earwitness.media import Subtype
from earwitness.media.folder import FILE_SUFFIXES
from earwitness.models.settings import Settings
from earwitness.scene import Layout, layout_named
from earwitness.space.objects import export_adm
from earwitness.verbs.heard import Heard
from earwitness.verbs.progress import Progress, silent

ADM_FILE = "adm.wav"

LevelRow = tuple[Layout, NDArray[np.float64], NDArray[np.float64]]
"""A layout, the level of each of its channels and the peak of each, dB re full scale."""


def write_layouts(
    heard: Heard,
    layouts: Sequence[str],
    *,
    folder: Path | None = None,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    rate_hz: int | None = None,
    subtype: Subtype = "pcm24",
    progress: Progress = silent,
) -> list[LevelRow]:
    """Render a scene for each layout and write ``LAYOUT.wav`` into a folder.

    Parameters
    ----------
    heard
        The scene.
    layouts
        Names of layouts.
    folder
        Where to write; None is the scene's own folder.
    renderer, loudness_lufs, rate_hz
        As in :meth:`Heard.render`.
    subtype
        ``pcm16``, ``pcm24`` or ``float``.
    progress
        Told while it works.

    Returns
    -------
    list of LevelRow
        What was measured.
    """
    rows = []
    for name in layouts:
        rendered = heard.render(
            name,
            renderer=renderer,
            loudness_lufs=loudness_lufs,
            rate_hz=rate_hz,
            progress=progress,
        )
        file = (folder or heard.folder) / f"{rendered.layout.title}.wav"
        levels = rendered.write(file, subtype=subtype, progress=progress)
        rows.append((rendered.layout, levels.rms_db, levels.peak_db))
    return rows


def write_adm(
    heard: Heard, path: Path, *, rate_hz: int | None = None, progress: Progress = silent
) -> None:
    """Write a scene as Broadcast Wave with each source as an object (ITU-R BS.2076, ADM)."""
    progress("writing objects", 0.0)
    rate = rate_hz or heard.rate_hz
    export_adm(heard.scene, lambda: heard.stems(rate), path, rate_hz=rate)
    progress("writing objects", 1.0)


def render(
    folder: str | os.PathLike[str],
    *,
    layouts: Sequence[str] = ("5.1",),
    out: str | os.PathLike[str] | None = None,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    rate_hz: int | None = None,
    subtype: Subtype = "pcm24",
    adm: bool = False,
    voice: str = "synth",
    models: Settings | None = None,
    progress: Progress = silent,
) -> Heard:
    """Render a scene's folder again, for other layouts or after edits by hand.

    Sources whose ``stem`` is null are voiced first, so a source that was renamed or added by
    hand sounds too.

    Parameters
    ----------
    folder
        A scene's folder, or its ``scene.json``.
    layouts
        Names of layouts.
    out
        Folder to write into; None is the scene's own. A single layout may name a ``.wav`` or
        ``.flac`` file instead.
    renderer, loudness_lufs, rate_hz, subtype
        As in :func:`write_layouts`.
    adm
        Whether to write ``adm.wav`` too.
    voice
        Who voices what has no stem.
    models
        How a voice that is a foundation model is run.
    progress
        Told while it works.

    Returns
    -------
    Heard
        The scene.
    """
    wanted = tuple(dict.fromkeys(layout_named(name).name for name in layouts))
    heard = Heard.open(folder).voiced(voice, rate_hz=rate_hz, settings=models, progress=progress)
    target = Path(out) if out is not None else heard.folder
    if out is not None and target.suffix.lower() in FILE_SUFFIXES - {".wav", ".flac"}:
        raise OutputError(f"{target} ends in {target.suffix!r}; write a .wav or a .flac")
    if out is not None and target.suffix.lower() in (".wav", ".flac"):
        if len(wanted) != 1:
            raise OutputError(
                f"{target} is one file and {len(wanted)} layouts were asked for; give a folder"
            )
        rendered = heard.render(
            wanted[0],
            renderer=renderer,
            loudness_lufs=loudness_lufs,
            rate_hz=rate_hz,
            progress=progress,
        )
        rendered.write(target, subtype=subtype, progress=progress)
        target = target.parent
    else:
        write_layouts(
            heard,
            wanted,
            folder=target,
            renderer=renderer,
            loudness_lufs=loudness_lufs,
            rate_hz=rate_hz,
            subtype=subtype,
            progress=progress,
        )
    if adm:
        write_adm(heard, target / ADM_FILE, rate_hz=rate_hz, progress=progress)
    progress("done", 1.0)
    return heard
