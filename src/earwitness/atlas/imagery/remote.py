"""A file on the network, read in parts: what a cloud-optimised GeoTIFF is made for."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from typing import Any

from earwitness.atlas.fetching import Fetcher
from earwitness.errors import FetchError

BLOCK_BYTES = 128 * 1024
_MOST_BLOCKS = 256
_MOST_READ_BYTES = 256 * 1024 * 1024


class RemoteBytes:
    """The bytes of one file, fetched by ranges, in blocks, through the guarded client.

    It is what rasterio is given as an opener. GDAL turns every trouble into one of its own words;
    the true one is kept in ``trouble``.

    Parameters
    ----------
    url
        Where; the server must answer ranges.
    fetcher
        Who fetches.
    """

    def __init__(self, url: str, fetcher: Fetcher) -> None:
        self._url, self._fetcher = url, fetcher
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._read_bytes = 0
        self.size = 0
        self.trouble: FetchError | None = None

    def __call__(self, path: str, mode: str = "rb", **rest: Any) -> RemoteFile:
        """Return a file; whatever path is asked for, it is this one."""
        return RemoteFile(self)

    def block(self, number: int) -> bytes:
        """Return one block.

        Raises
        ------
        FetchError
            As :meth:`~earwitness.atlas.fetching.Fetcher.get`, or without ranges.
        """
        with self._lock:
            if number in self._blocks:
                self._blocks.move_to_end(number)
                return self._blocks[number]
            try:
                return self._fetch(number)
            except FetchError as error:
                self.trouble = error
                raise

    def _fetch(self, number: int) -> bytes:
        first = number * BLOCK_BYTES
        got = self._fetcher.get(
            self._url,
            types=(),
            largest_bytes=BLOCK_BYTES,
            headers={"Range": f"bytes={first}-{first + BLOCK_BYTES - 1}"},
        )
        total = got.headers.get("content-range", "").rpartition("/")[2]
        if got.status != 206 or not total.isdigit():
            raise FetchError(
                "the server gives whole files only, no ranges; fetch the file and give its path"
            )
        self.size = int(total)
        self._read_bytes += len(got.body)
        if self._read_bytes > _MOST_READ_BYTES:
            raise FetchError(f"more than {_MOST_READ_BYTES} bytes of one file are needed")
        self._blocks[number] = got.body
        if len(self._blocks) > _MOST_BLOCKS:
            self._blocks.popitem(last=False)
        return got.body


class RemoteFile(io.RawIOBase):
    """A position in :class:`RemoteBytes`: what GDAL reads."""

    def __init__(self, held: RemoteBytes) -> None:
        super().__init__()
        self._held = held
        self._at = 0
        held.block(0)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._held.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the position on."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self._held.size - self._at))
        done = 0
        while done < wanted:
            number, offset = divmod(self._at, BLOCK_BYTES)
            part = self._held.block(number)[offset : offset + wanted - done]
            if not part:
                break
            view[done : done + len(part)] = part
            done += len(part)
            self._at += len(part)
        return done
