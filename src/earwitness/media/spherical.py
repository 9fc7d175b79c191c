"""Spherical video: whether a file says that it is, and marks for players that read it.

Marks are the boxes of Google's Spherical Video V2 (``sv3d``) and Spatial Audio (``SA3D``) metadata,
which sit in the sample descriptions of an MP4 or MOV file. Files that we wrote ourselves have their
index (``moov``) at the end, so that a box can be put in without moving the samples.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from earwitness.errors import OutputError

_UUID_V1 = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_DEEPEST = 12
_LARGEST_INDEX = 256 * 1024 * 1024

# Boxes that hold boxes, and how many bytes of their own come first.
_PARENTS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"stsd": 8}
_VIDEO_ENTRY, _AUDIO_ENTRY = 78, 28


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Yield kind, start, start of the content, and end of each box."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield kind, at, at + head, at + size
        at += size


def _index(stream: BinaryIO) -> tuple[int, bytes] | None:
    """Return where ``moov`` starts, and it; None if there is none."""
    stream.seek(0, 2)
    length, at = stream.tell(), 0
    while at + 8 <= length:
        stream.seek(at)
        head = stream.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
        elif size == 0:
            size = length - at
        if size < 8:
            return None
        if kind == b"moov":
            if size > _LARGEST_INDEX or at + size > length:
                return None
            stream.seek(at)
            return at, stream.read(size)
        at += size
    return None


def _walk(
    data: bytes, start: int, end: int, trail: tuple[int, ...] = ()
) -> Iterator[tuple[bytes, tuple[int, ...], int, int]]:
    """Yield every box below: kind, starts of the boxes that it is in, start of content, end."""
    for kind, at, content, stop in _boxes(data, start, end):
        yield kind, (*trail, at), content, stop
        if kind in _PARENTS and len(trail) < _DEEPEST:
            yield from _walk(data, content + _PARENTS[kind], stop, (*trail, at))


def says_spherical(path: Path) -> bool:
    """Return whether a file says that its picture is an equirectangular sphere.

    Parameters
    ----------
    path
        MP4 or MOV with Spherical Video V2 boxes or V1 metadata, or Matroska/WebM with a
        projection. Whatever else it may be: False.
    """
    with path.open("rb") as stream:
        head = stream.read(1 << 16)
        if head[:4] == b"\x1aE\xdf\xa3":
            # Projection (0x7670) with ProjectionType (0x7671) 1, which is equirectangular.
            at = head.find(b"\x76\x70")
            return at >= 0 and b"\x76\x71\x81\x01" in head[at : at + 64]
        if head[4:8] not in (b"ftyp", b"moov", b"free", b"wide", b"skip", b"mdat"):
            return False
        found = _index(stream)
    if found is None:
        return False
    data = found[1]
    for kind, _, content, stop in _walk(data, 0, len(data)):
        if kind == b"uuid" and data[content : content + 16] == _UUID_V1:
            words = data[content + 16 : stop].lower()
            if b"equirectangular" in words:
                return True
        if kind == b"stsd":
            for _, _, entry, end in _boxes(data, content + 8, stop):
                for inner, _, body, last in _boxes(data, entry + _VIDEO_ENTRY, end):
                    if inner == b"sv3d" and b"equi" in data[body:last]:
                        return True
    return False


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def sphere_box() -> bytes:
    """Return an ``sv3d`` box: equirectangular, the whole sphere, unturned."""
    full = struct.pack(">I", 0)
    header = _box(b"svhd", full + b"earwitness\x00")
    pose = _box(b"prhd", full + struct.pack(">iii", 0, 0, 0))
    whole = _box(b"equi", full + struct.pack(">IIII", 0, 0, 0, 0))
    return _box(b"sv3d", header + _box(b"proj", pose + whole))


def ambisonic_box(order: int) -> bytes:
    """Return an ``SA3D`` box: periodic AmbiX (ACN, SN3D) of an order, channels in their order.

    Examples
    --------
    >>> len(ambisonic_box(1))
    36
    """
    channels = (order + 1) ** 2
    head = struct.pack(">BBIBBI", 0, 0, order, 0, 0, channels)
    return _box(b"SA3D", head + struct.pack(f">{channels}I", *range(channels)))


def mark(path: Path, *, sphere: bool, order: int | None) -> None:
    """Put marks into an MP4 or MOV file that was just written.

    Parameters
    ----------
    path
        A file whose ``moov`` comes after its samples.
    sphere
        Whether the picture is an equirectangular sphere. A file that says so already stays.
    order
        Order of the ambisonics that its sound track carries, or None.

    Raises
    ------
    OutputError
        If the file is laid out in another way.
    """
    with path.open("r+b") as stream:
        found = _index(stream)
        if found is None:
            raise OutputError(f"{path} has no index that marks could be put into")
        start, data = found
        stream.seek(0, 2)
        if stream.tell() != start + len(data):
            raise OutputError(f"{path} has its index before its samples; it cannot be marked")
        if sphere and b"sv3d" not in data:
            data = _put(data, b"vide", sphere_box())
        if order is not None and b"SA3D" not in data:
            data = _put(data, b"soun", ambisonic_box(order))
        stream.seek(start)
        stream.write(data)


def _put(data: bytes, handler: bytes, box: bytes) -> bytes:
    """Return an index with a box at the end of the first sample description of a kind of track."""
    for kind, trail, content, stop in _walk(data, 0, len(data)):
        if kind != b"stsd" or _handler(data, trail) != handler:
            continue
        entry = next(iter(_boxes(data, content + 8, stop)), None)
        if entry is None:
            break
        made = bytearray(data)
        for at in (*trail, entry[1]):
            (size,) = struct.unpack_from(">I", made, at)
            struct.pack_into(">I", made, at, size + len(box))
        made[entry[3] : entry[3]] = box
        return bytes(made)
    raise OutputError("the file that was written has no track to mark")


def _handler(data: bytes, trail: tuple[int, ...]) -> bytes:
    """Return what the track that a box is in is for: ``vide`` or ``soun``."""
    track = trail[1]
    (size,) = struct.unpack_from(">I", data, track)
    for kind, _, content, _ in _walk(data, track + 8, track + size):
        if kind == b"hdlr":
            return data[content + 8 : content + 12]
    return b""
