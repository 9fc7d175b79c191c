"""What was seen of a clip, kept in the user's cache, so that stopped work goes on where it was.

One line of JSON for each frame that was looked at, written as it comes. The file's name is a hash
of all that the answers depend on; nothing in it is run, and a line that is damaged is left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

_MOST_FILES = 64
_LARGEST = 256 * 1024 * 1024


def cache_folder() -> Path:
    """Return the folder for what can be made again: ``$XDG_CACHE_HOME`` or the system's own."""
    given = os.environ.get("XDG_CACHE_HOME")
    if given:
        return Path(given) / "earwitness"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "earwitness"
    return Path.home() / ".cache" / "earwitness"


class LineStore:
    """Plain values by kind and time, appended to a file of lines.

    Parameters
    ----------
    clip
        The clip that they are about.
    depends_on
        Whatever else the values depend on: versions, options.
    """

    def __init__(self, clip: Path, depends_on: str) -> None:
        status = clip.stat()
        about = f"{clip.resolve()}|{status.st_size}|{status.st_mtime_ns}|{depends_on}"
        name = hashlib.sha256(about.encode()).hexdigest()[:32]
        self._file = cache_folder() / "clips" / f"{name}.jsonl"
        self._values: dict[tuple[str, float], Any] = {}
        self._usable = True
        try:
            if self._file.exists() and self._file.stat().st_size < _LARGEST:
                for line in self._file.read_text("utf-8").splitlines():
                    self._take(line)
        except (OSError, UnicodeDecodeError):
            self._values = {}

    def _take(self, line: str) -> None:
        try:
            kind, time_s, value = json.loads(line)
            self._values[str(kind), float(time_s)] = value
        except (ValueError, KeyError, TypeError):
            return

    def __len__(self) -> int:
        return len(self._values)

    def get(self, kind: str, time_s: float) -> Any:
        """Return the value of a kind and time, or None."""
        return self._values.get((kind, round(time_s, 6)))

    def put(self, kind: str, time_s: float, value: Any) -> None:
        """Keep a value. A cache that cannot be written is done without."""
        key = (kind, round(time_s, 6))
        self._values[key] = value
        if not self._usable:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps([*key, value]) + "\n")
        except OSError:
            self._usable = False

    def prune(self) -> None:
        """Remove the oldest files when there are many."""
        try:
            files = sorted(self._file.parent.glob("*.jsonl"), key=lambda f: f.stat().st_mtime)
            for old in files[:-_MOST_FILES]:
                old.unlink(missing_ok=True)
        except OSError:
            return
