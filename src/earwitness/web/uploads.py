"""What people send: taken in blocks, bounded, known by its first bytes and not by its name."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from pathlib import Path

from earwitness.errors import EarwitnessError

SNIFFED = 64
_AT_ONCE = 1 << 20
_STILL_BRANDS = (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif")


class TooLargeError(EarwitnessError):
    """A body above the limit."""


class KindError(EarwitnessError):
    """A file of a kind that is not taken."""


def kind_of(head: bytes) -> str | None:
    r"""Return what a file is by its first bytes: ``picture``, ``clip``, ``zip``, or None.

    Examples
    --------
    >>> kind_of(b"\xff\xd8\xff\xe0" + b"." * 20), kind_of(b"<script>alert(1)</script>")
    ('picture', None)
    """
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")):
        return "picture"
    if head.startswith((b"II*\x00", b"MM\x00*")):
        return "picture"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "picture"
    if head[4:8] == b"ftyp":
        return "picture" if head[8:12] in _STILL_BRANDS else "clip"
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free") or head.startswith(b"\x1aE\xdf\xa3"):
        return "clip"
    if (head[:4] == b"RIFF" and head[8:12] == b"AVI ") or head.startswith(b"OggS"):
        return "clip"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    return None


def plain_name(name: str, otherwise: str = "upload") -> str:
    r"""Return a file's name as messages and downloads show it; it is never opened.

    Examples
    --------
    >>> plain_name("../../etc/passwd"), plain_name("C:\\photos\\a b.jpg"), plain_name("")
    ('passwd', 'a b.jpg', 'upload')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return kept.strip(" .")[:80] or otherwise


async def receive(
    blocks: AsyncIterator[bytes], file: Path, *, name: str, most_bytes: int, allowed: set[str]
) -> str:
    """Write a body into a file and return its kind.

    Parameters
    ----------
    blocks
        The body as it comes.
    file
        Where to.
    name
        What messages call it.
    most_bytes
        Largest body.
    allowed
        Which kinds are taken.

    Raises
    ------
    TooLargeError, KindError
        If it is not to be taken; what was written is the caller's to remove.
    """
    from anyio import open_file

    head, size, kind = b"", 0, None
    held = bytearray()
    # Written from a thread and in large pieces: a slow disk must not keep others waiting.
    async with await open_file(file, "wb") as target:
        async for block in blocks:
            size += len(block)
            if size > most_bytes:
                raise TooLargeError(
                    f"{name} is larger than {most_bytes / 1e6:g} MB, the most that is taken here"
                )
            if kind is None and len(head) < SNIFFED:
                head += block[: SNIFFED - len(head)]
                if len(head) == SNIFFED:
                    kind = _known(head, name, allowed)
            held += block
            if len(held) >= _AT_ONCE:
                await target.write(bytes(held))
                held.clear()
        await target.write(bytes(held))
    if size == 0:
        raise KindError(f"{name} is empty (0 bytes); choose a file with something in it")
    return kind or _known(head, name, allowed)


def _known(head: bytes, name: str, allowed: set[str]) -> str:
    kind = kind_of(head)
    if kind not in allowed:
        wanted = (
            "a scene's zip"
            if allowed == {"zip"}
            else "a picture (JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF) or a clip (MP4, MOV, WebM, "
            "MKV, AVI)"
        )
        held = "a zip" if kind == "zip" else f"a {kind}" if kind else "nothing that is known here"
        raise KindError(f"{name} is {held} by its content; give {wanted}")
    return kind or ""
