"""The built page: read once, compressed once, served from memory; no path is ever opened."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

_PACKED = (".js", ".css", ".html", ".svg", ".json", ".webmanifest", ".txt", ".mjs")
MISSING = b"""<!doctype html><html lang="en"><title>earwitness</title>
<p>The page is not built in this installation. From a clone, run <code>make serve</code>; the API
works without it, see <a href="/api/openapi.json">its description</a>.</p></html>
"""


@dataclass(frozen=True)
class Page:
    """One file of the page.

    Parameters
    ----------
    body, packed
        As it is, and gzipped (None where that gains nothing).
    kind
        Media type.
    tag
        Changes with the content.
    lasting
        Whether its name changes with its content, so that browsers may keep it.
    """

    body: bytes
    packed: bytes | None
    kind: str
    tag: str
    lasting: bool


def _walk(folder: Traversable, prefix: str = "") -> dict[str, Page]:
    found: dict[str, Page] = {}
    for item in folder.iterdir():
        if item.is_dir():
            found |= _walk(item, f"{prefix}{item.name}/")
            continue
        body = item.read_bytes()
        kind = mimetypes.guess_type(item.name)[0] or "application/octet-stream"
        if item.name.endswith((".js", ".mjs")):
            kind = "text/javascript"
        if kind.startswith("text/"):
            kind += "; charset=utf-8"
        packed = gzip.compress(body, 9, mtime=0) if item.name.endswith(_PACKED) else None
        name = f"{prefix}{item.name}"
        tag = hashlib.sha256(body).hexdigest()[:20]
        found[name] = Page(body, packed, kind, tag, prefix.startswith("assets"))
    return found


def pages() -> dict[str, Page]:
    """Return every file of the built page by its name; a page that says so when it is not built."""
    folder = files("earwitness.web").joinpath("static")
    found = _walk(folder) if folder.is_dir() else {}
    if "index.html" not in found:
        found["index.html"] = Page(MISSING, None, "text/html; charset=utf-8", "missing", False)
    return found
