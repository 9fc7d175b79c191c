"""Multichannel WAV: the right channel mask for every layout, streamed, RF64 past 4 GiB.

Libraries at hand either write no mask, or a wrong one for 7.1, or do not know the heights
(soundfile, scipy, the standard library); the header of WAVE_FORMAT_EXTENSIBLE is short and fixed.
A ``JUNK`` chunk keeps the place of ``ds64``, so that the file becomes RF64 (EBU Tech 3306) only
when it has grown beyond what RIFF can say.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OutputError
from earwitness.media.output import beside
from earwitness.scene import Layout

Subtype = Literal["pcm16", "pcm24", "float"]
SUBTYPES: tuple[Subtype, ...] = ("pcm16", "pcm24", "float")

_BYTES = {"pcm16": 2, "pcm24": 3, "float": 4}
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_RIFF_LIMIT = 0xFFFFFFFF


def encode(block: NDArray[np.floating], subtype: Subtype) -> bytes:
    """Return samples as the little-endian bytes of a WAV file.

    Parameters
    ----------
    block
        Shape ``(channels, samples)``, full scale ±1.
    subtype
        ``pcm16``, ``pcm24`` or ``float``. Integers are rounded and held inside full scale.

    Returns
    -------
    bytes
        Interleaved.
    """
    frames = np.ascontiguousarray(np.asarray(block).T)
    if subtype == "float":
        return frames.astype("<f4").tobytes()
    full = 2 ** (8 * _BYTES[subtype] - 1)
    whole = np.clip(np.rint(frames * float(full)), -full, full - 1)
    if subtype == "pcm16":
        return whole.astype("<i2").tobytes()
    return whole.astype("<i4")[..., None].view(np.uint8)[..., :3].tobytes()


def _header(layout: Layout, rate_hz: int, subtype: Subtype, data_bytes: int, frames: int) -> bytes:
    width = _BYTES[subtype]
    channels = len(layout.channels)
    code = 3 if subtype == "float" else 1
    guid = struct.pack("<H", code) + _GUID_TAIL
    fmt = struct.pack(
        "<HHIIHHHHI",
        0xFFFE,
        channels,
        rate_hz,
        rate_hz * channels * width,
        channels * width,
        8 * width,
        22,
        8 * width,
        layout.mask,
    )
    fmt += guid
    fact = struct.pack("<4sII", b"fact", 4, min(frames, _RIFF_LIMIT))
    rest = struct.pack("<4sI", b"fmt ", len(fmt)) + fmt + fact
    riff_bytes = 4 + 8 + 28 + len(rest) + 8 + data_bytes + data_bytes % 2
    if riff_bytes <= _RIFF_LIMIT:
        start = struct.pack("<4sI4s4sI28x", b"RIFF", riff_bytes, b"WAVE", b"JUNK", 28)
        return start + rest + struct.pack("<4sI", b"data", data_bytes)
    start = struct.pack("<4sI4s4sI", b"RF64", _RIFF_LIMIT, b"WAVE", b"ds64", 28)
    start += struct.pack("<QQQI", riff_bytes, data_bytes, frames, 0)
    return start + rest + struct.pack("<4sI", b"data", _RIFF_LIMIT)


class WavWriter:
    """A WAV file that grows block by block.

    Parameters
    ----------
    stream
        Seekable, opened for writing bytes.
    layout
        Its channels and mask.
    rate_hz
        Sampling rate.
    subtype
        ``pcm16``, ``pcm24`` or ``float``.
    """

    def __init__(
        self, stream: BinaryIO, layout: Layout, rate_hz: int, subtype: Subtype = "pcm24"
    ) -> None:
        self._stream, self._layout = stream, layout
        self._rate_hz, self._subtype = rate_hz, subtype
        self._frames = 0
        stream.write(_header(layout, rate_hz, subtype, 0, 0))

    def write(self, block: NDArray[np.floating]) -> None:
        """Append samples, shape ``(channels, samples)``."""
        if block.shape[0] != len(self._layout.channels):
            raise OutputError(
                f"a block of {block.shape[0]} channels does not fit {self._layout.title}, which "
                f"has {len(self._layout.channels)}"
            )
        self._stream.write(encode(block, self._subtype))
        self._frames += block.shape[1]

    def finish(self) -> None:
        """Write the final header; the stream stays open."""
        size = self._frames * len(self._layout.channels) * _BYTES[self._subtype]
        if size % 2:
            self._stream.write(b"\0")
        self._stream.seek(0)
        self._stream.write(_header(self._layout, self._rate_hz, self._subtype, size, self._frames))


def write_wav(
    path: str | os.PathLike[str],
    blocks: Iterable[NDArray[np.floating]],
    *,
    layout: Layout,
    rate_hz: int,
    subtype: Subtype = "pcm24",
) -> None:
    """Write blocks of samples as a WAV file, whole or not at all.

    Parameters
    ----------
    path
        The file; one that stands there is replaced when the new one is whole.
    blocks
        Each of shape ``(channels, samples)``, channels in the layout's order.
    layout, rate_hz, subtype
        As in :class:`WavWriter`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with beside(path) as made, made.open("wb") as stream:
        writer = WavWriter(stream, layout, rate_hz, subtype)
        for block in blocks:
            writer.write(block)
        writer.finish()
