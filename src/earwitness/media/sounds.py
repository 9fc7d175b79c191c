"""Finished sounds read from files, with the layout that their channels are in."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import soundfile

from earwitness.errors import LayoutError, MediaError
from earwitness.media.output import reason
from earwitness.scene import Layout, Sound, layout_named, layouts

MOST_SAMPLES = 256 * 1024 * 1024
"""Of all channels together: a gibibyte."""

SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".w64", ".rf64", ".caf")

_BY_COUNT = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1", 9: "hoa2", 10: "5.1.4", 12: "7.1.4"}
_QUAD = 0x33


def _mask(file: Path) -> int:
    """Return the channel mask of a WAV file; 0 where it has none."""
    with file.open("rb") as stream:
        head = stream.read(4096)
    at = head.find(b"fmt ")
    if at < 0 or len(head) < at + 32:
        return 0
    size, code = struct.unpack_from("<IH", head, at + 4)
    extended = code == 0xFFFE and size >= 40
    return int(struct.unpack_from("<I", head, at + 28)[0]) if extended else 0


def layout_of(file: Path, channels: int) -> Layout:
    """Return the layout of a file: the one it is named after, else the usual one of its channels.

    Parameters
    ----------
    file
        ``foa.wav`` or ``street-binaural.flac`` name a layout; two channels that do not are stereo.
    channels
        How many the file has.

    Raises
    ------
    LayoutError
        If no layout has so many channels.
    """
    stem = file.stem.lower()
    for layout in layouts():
        for name in (layout.name, *layout.aliases):
            named = stem == name or stem.endswith(("-" + name, "_" + name, "." + name, " " + name))
            if named and len(layout.channels) == channels:
                return layout
    if channels == 4:
        return layout_named("quad" if _mask(file) == _QUAD else "foa")
    root = round(channels**0.5)
    if channels in _BY_COUNT:
        return layout_named(_BY_COUNT[channels])
    if root * root == channels and 2 <= root - 1 <= 7:
        return layout_named(f"hoa{root - 1}")
    raise LayoutError(f"{file} has {channels} channels, which no layout has; name it with --layout")


def read_sound(path: str | os.PathLike[str], layout: str | None = None) -> Sound:
    """Read a whole sound file.

    Parameters
    ----------
    path
        WAV, FLAC, Ogg, MP3, AIFF or what else libsndfile reads.
    layout
        What its channels are; None asks :func:`layout_of`.

    Returns
    -------
    Sound

    Raises
    ------
    MediaError
        If it cannot be read, is empty, longer than memory allows, or has samples that are no
        numbers.
    LayoutError
        If the layout does not fit.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise MediaError(f"{file} {what}; give a sound file, such as a .wav")
    try:
        with soundfile.SoundFile(str(file)) as stream:
            if stream.frames * stream.channels > MOST_SAMPLES:
                minutes = stream.frames / stream.samplerate / 60
                raise MediaError(f"{file} lasts {minutes:.0f} minutes; cut it to a part of it")
            samples = stream.read(dtype="float32", always_2d=True).T
            rate_hz = int(stream.samplerate)
    except (RuntimeError, OSError, TypeError) as error:
        raise MediaError(f"{file} cannot be read as a sound: {reason(error)}") from error
    if samples.shape[1] == 0:
        raise MediaError(f"{file} holds no sound at all; give one that does")
    if not np.isfinite(samples).all():
        raise MediaError(f"{file} has samples that are not numbers; write it again")
    chosen = layout_named(layout) if layout else layout_of(file, len(samples))
    if len(chosen.channels) != len(samples):
        raise LayoutError(
            f"{file} has {len(samples)} channels and {chosen.title} {len(chosen.channels)}; "
            f"choose another layout"
        )
    return Sound(np.ascontiguousarray(samples), rate_hz, chosen.name)
