"""Finished sounds read from files, with the layout that their channels are in."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

import av
import av.error
import numpy as np
import soundfile
from numpy.typing import NDArray

from earwitness.errors import LayoutError, MediaError
from earwitness.media.clips import SAFE_OPTIONS
from earwitness.media.output import reason
from earwitness.scene import Layout, Sound, layout_named, layouts

MOST_SAMPLES = 256 * 1024 * 1024
"""Of all channels together: a gibibyte."""

SUFFIXES = (
    ".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".w64", ".rf64", ".caf", ".m4a",
    ".aac",
)  # fmt: skip

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


def decode(path: str | os.PathLike[str], longest_s: float) -> tuple[NDArray[np.float32], int]:
    """Return the samples of a sound file, or of a clip's sound track, and their rate.

    Parameters
    ----------
    path
        What libsndfile reads, or else what FFmpeg does (AAC, M4A, a video).
    longest_s
        Read this much at most.

    Returns
    -------
    samples : ndarray, shape ``(channels, samples)``, float32
    rate_hz : int

    Raises
    ------
    MediaError
        If there is no such file, it cannot be read, or is longer than memory allows.
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise MediaError(f"{file} {what}; give a sound file, such as a .wav")
    try:
        try:
            with soundfile.SoundFile(str(file)) as stream:
                rate_hz = int(stream.samplerate)
                count = int(min(longest_s * rate_hz, stream.frames))
                _check_length(str(file), count, rate_hz, stream.channels)
                return stream.read(count, dtype="float32", always_2d=True).T, rate_hz
        except soundfile.LibsndfileError as unknown:
            try:
                with file.open("rb") as opened:
                    return decode_by_ffmpeg(opened, longest_s, str(file))
            except (av.error.FFmpegError, IndexError):
                raise unknown from None
    except (RuntimeError, OSError, TypeError, ValueError) as error:
        raise MediaError(f"{file} cannot be read as a sound: {reason(error)}") from error


def _check_length(name: str, samples: int, rate_hz: int, channels: int) -> None:
    if samples * channels > MOST_SAMPLES:
        raise MediaError(
            f"{name} lasts {samples / rate_hz / 60:.0f} minutes or more; cut it to a part of it"
        )


def decode_by_ffmpeg(
    stream: BinaryIO, longest_s: float, name: str = "the sound"
) -> tuple[NDArray[np.float32], int]:
    """Return the samples of a sound that libsndfile does not read, such as M4A, and their rate.

    Parameters
    ----------
    stream
        An open file, or bytes as one.
    longest_s
        Read this much at most.
    name
        For messages.

    Returns
    -------
    samples : ndarray, shape ``(channels, samples)``, float32
    rate_hz : int

    Raises
    ------
    av.error.FFmpegError, IndexError
        If it cannot be read, or has no sound.
    MediaError
        If it is longer than memory allows.
    """
    with av.open(stream, mode="r", options=dict(SAFE_OPTIONS)) as held:
        sound = held.streams.audio[0]
        rate_hz, channels = int(sound.rate), int(sound.channels)
        to_floats = av.AudioResampler(format="fltp", layout=sound.layout, rate=rate_hz)
        left = int(min(longest_s * rate_hz, MOST_SAMPLES // channels + 1))
        blocks = [np.zeros((channels, 0), np.float32)]
        try:
            for frame in held.decode(sound):
                for part in to_floats.resample(frame):
                    blocks.append(part.to_ndarray().astype(np.float32)[:, :left])
                    left -= blocks[-1].shape[1]
                if left <= 0:
                    break
        except av.error.InvalidDataError:
            if len(blocks) == 1:
                raise  # a damaged end only ends the sound
        _check_length(name, sum(block.shape[1] for block in blocks), rate_hz, channels)
        return np.concatenate(blocks, axis=1), rate_hz


def read_sound(path: str | os.PathLike[str], layout: str | None = None) -> Sound:
    """Read a whole sound file.

    Parameters
    ----------
    path
        WAV, FLAC, Ogg, MP3, AIFF, M4A or what else libsndfile or FFmpeg reads.
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
    samples, rate_hz = decode(file, float("inf"))
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
