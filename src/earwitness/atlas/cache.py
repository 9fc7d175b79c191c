"""A folder of what was fetched, with a limit on its size: what was used longest ago goes first."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
import time
import warnings
from pathlib import Path

from earwitness.errors import OutputError
from earwitness.media.output import beside, reason

LARGEST_BYTES = 512 * 1024 * 1024
OLDEST_S = 30 * 24 * 3600.0

_SUFFIX = ".fetched"
_CHECKED_EVERY = 32


def cache_root() -> Path:
    """Return where imagery is kept: ``EARWITNESS_CACHE``, or the user's cache."""
    chosen = os.environ.get("EARWITNESS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "earwitness" / "imagery"


class DiskCache:
    """Bodies by their link, on disk.

    A cache never fails a fetch: where it cannot be read or written (no disk space, read only) that
    is said once, as a warning, and the network is asked.

    Parameters
    ----------
    folder
        Where; None is :func:`cache_root`.
    largest_bytes
        Most that is kept; 0 keeps nothing.
    oldest_s
        Longest that a body counts as fresh.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        largest_bytes: int = LARGEST_BYTES,
        oldest_s: float = OLDEST_S,
    ) -> None:
        self.folder = folder if folder is not None else cache_root()
        self.largest_bytes, self.oldest_s = largest_bytes, oldest_s
        self._lock = threading.Lock()
        self._puts = 0
        self._told = False

    def _file(self, key: str) -> Path:
        return self.folder / (hashlib.sha256(key.encode()).hexdigest() + _SUFFIX)

    def _tell(self, error: BaseException) -> None:
        if not self._told:
            self._told = True
            warnings.warn(
                f"the cache {self.folder} cannot be used ({reason(error)}); imagery is fetched "
                f"anew. Choose another folder with EARWITNESS_CACHE",
                stacklevel=3,
            )

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Return a body and its content type, or None."""
        file = self._file(key)
        try:
            if time.time() - file.stat().st_mtime > self.oldest_s:
                return None
            head, _, body = file.read_bytes().partition(b"\n")
            told = json.loads(head)
            if told["url"] != key or told["bytes"] != len(body):
                return None  # cut short, or by another program
            with contextlib.suppress(OSError):
                os.utime(file, (time.time(), file.stat().st_mtime))  # last used, for the eviction
            return body, str(told["type"])
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        except (ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, body: bytes, content_type: str) -> None:
        """Keep a body, and make room where the limit is passed."""
        if len(body) > self.largest_bytes // 4:
            return
        head = json.dumps({"url": key, "type": content_type, "bytes": len(body)})
        try:
            with beside(self._file(key)) as made:
                made.write_bytes(head.encode() + b"\n" + body)
        except OutputError as error:
            self._tell(error.__cause__ or error)
            return
        with self._lock:
            self._puts += 1
            if self._puts % _CHECKED_EVERY == 1:
                self._make_room()

    def _make_room(self) -> None:
        held = []
        with contextlib.suppress(OSError):
            for file in self.folder.glob(f"*{_SUFFIX}"):
                with contextlib.suppress(OSError):
                    about = file.stat()
                    held.append((about.st_atime, about.st_size, file))
        total = sum(size for _, size, _ in held)
        # A tenth below the limit, so that not every new tile has to look through the folder.
        for _, size, file in sorted(held, key=lambda row: row[0]):
            if total <= self.largest_bytes * 0.9 and total <= self.largest_bytes:
                break
            with contextlib.suppress(OSError):
                file.unlink()
            total -= size
