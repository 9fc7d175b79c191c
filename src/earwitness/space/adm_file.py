"""Broadcast Wave with ADM metadata (ITU-R BS.2088 BW64), streamed, whole or not at all.

``chna`` and ``axml`` stand after the samples, so the length need not be known beforehand. Up to
4 GiB the file is plain RIFF, which more programs read; beyond it becomes BW64.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError
from earwitness.media.output import beside
from earwitness.media.wav import encode
from earwitness.space.adm import AdmObject, axml, chna

_RIFF_LIMIT = 0xFFFFFFFF
_BYTES = 3


def header(channels: int, rate_hz: int, frames: int, tail_bytes: int) -> bytes:
    """Return everything that stands before the samples.

    Parameters
    ----------
    channels, rate_hz, frames
        Of the 24-bit samples; ``channels * frames`` must be even, so that no pad byte is needed.
    tail_bytes
        Size of the chunks that stand after the samples.

    Returns
    -------
    bytes
        Always of the same length.
    """
    data_bytes = frames * channels * _BYTES
    width = channels * _BYTES
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, rate_hz * width, width, 24)
    riff_bytes = 4 + 36 + len(fmt) + 8 + data_bytes + tail_bytes
    if riff_bytes <= _RIFF_LIMIT:
        start = struct.pack("<4sI4s4sI28x", b"RIFF", riff_bytes, b"WAVE", b"JUNK", 28)
        return start + fmt + struct.pack("<4sI", b"data", data_bytes)
    start = struct.pack("<4sI4s4sI", b"BW64", _RIFF_LIMIT, b"WAVE", b"ds64", 28)
    start += struct.pack("<QQQI", riff_bytes, data_bytes, frames, 0)
    return start + fmt + struct.pack("<4sI", b"data", _RIFF_LIMIT)


def write_adm(
    path: str | os.PathLike[str],
    blocks: Iterable[NDArray[np.floating]],
    objects: Sequence[AdmObject],
    *,
    rate_hz: int,
    programme: str = "earwitness",
) -> None:
    """Write objects and their audio as an ADM BWF, 24-bit.

    Parameters
    ----------
    path
        The file; one that stands there is replaced when the new one is whole.
    blocks
        Each of shape ``(objects, samples)``, full scale ±1. Distance, air and Doppler shift are
        in these samples already.
    objects
        What each channel is.
    rate_hz
        Sampling rate.
    programme
        Name of the programme.

    Raises
    ------
    OptionError
        If a block has another number of channels, or a sample is beyond full scale.
    OutputError
        If the file cannot be written.
    """
    channels = len(objects)
    frames = 0
    with beside(path) as made, made.open("wb") as stream:
        stream.write(header(channels, rate_hz, 0, 0))
        for block in blocks:
            if block.ndim != 2 or block.shape[0] != channels:
                raise OptionError(f"a block of shape {block.shape} for {channels} objects")
            peak = float(np.abs(block).max(initial=0.0))
            if not peak <= 1.0:
                raise OptionError(
                    f"object audio with a peak of {peak:.3g} does not fit 24-bit samples; "
                    f"lower all objects by {20 * np.log10(peak):.1f} dB or more"
                )
            stream.write(encode(block, "pcm24"))
            frames += block.shape[1]
        text = axml(objects, frames / rate_hz, programme=programme)
        if frames * channels % 2:
            # Readers disagree about the pad byte after samples: one silent frame avoids it.
            stream.write(bytes(channels * _BYTES))
            frames += 1
        tail = b""
        for name, content in ((b"chna", chna(objects)), (b"axml", text)):
            tail += struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)
        stream.write(tail)
        stream.seek(0)
        stream.write(header(channels, rate_hz, frames, len(tail)))
