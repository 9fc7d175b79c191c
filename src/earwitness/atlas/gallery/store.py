"""The folder of a gallery and its tables. What LanceDB raises becomes one clear error here."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import GalleryError
from earwitness.extras import load
from earwitness.media.memory import cache_folder
from earwitness.media.output import reason

_KEY = b"earwitness"
_REMOTE = re.compile(r"^[a-z][a-z0-9+]+://")
VECTOR = "vector"


def default_gallery() -> str:
    """Return where maps keep embeddings when no gallery is named: a folder in the user's cache."""
    return str(cache_folder() / "gallery")


@contextlib.contextmanager
def explained(where: str, doing: str) -> Iterator[None]:
    """Turn what LanceDB and Arrow raise into :class:`GalleryError`."""
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        words = " ".join(reason(error).split())
        if re.search(r"no space|StorageFull|os error 28", words, re.IGNORECASE):
            words = "the disk is full"
        raise GalleryError(
            f"the gallery {where} could not be {doing}: {words[:300]}. If it is damaged, remove "
            f"it and build it again; or choose another with --gallery"
        ) from error


class Gallery:
    """A gallery, opened.

    Parameters
    ----------
    where
        Folder, or an address of object storage that LanceDB knows, such as ``s3://bucket/name``.
    create
        Whether a folder that is absent or empty becomes a new gallery.

    Raises
    ------
    GalleryError
        If there is no gallery, or the folder holds something else.
    PluginError
        If the extra ``[atlas]`` is not installed.
    """

    def __init__(self, where: str | os.PathLike[str], *, create: bool = False) -> None:
        lancedb = load("lancedb", "atlas", "a gallery")
        self.where = str(where)
        if not _REMOTE.match(self.where):
            folder = Path(self.where).expanduser()
            self.where = str(folder)
            if folder.exists() and not folder.is_dir():
                raise GalleryError(f"{folder} is a file; a gallery is a folder")
            held = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
            if held and not any(name.endswith(".lance") for name in held):
                raise GalleryError(
                    f"{folder} holds something that is no gallery ({held[0]}); choose another "
                    f"folder"
                )
            if not held and not create:
                raise GalleryError(
                    f"there is no gallery {folder}; make one with: earwitness gallery add "
                    f"{folder} FILES"
                )
        with explained(self.where, "opened"):
            if not _REMOTE.match(self.where):
                Path(self.where).mkdir(parents=True, exist_ok=True)
            self._database = lancedb.connect(self.where)

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables, sorted."""
        found: list[str] = []
        token: str | None = None
        with explained(self.where, "read"):
            while True:
                page = self._database.list_tables(page_token=token, limit=1000)
                found += page.tables
                token = page.page_token
                if not token:
                    return tuple(sorted(found))

    def table(self, name: str) -> Any | None:
        """Return a table, or None where there is none of that name."""
        if name not in self.tables():
            return None
        with explained(self.where, "read"):
            return self._database.open_table(name)

    def make(self, name: str, schema: Any, about: Mapping[str, Any]) -> Any:
        """Return a table, made if absent.

        Parameters
        ----------
        name
            Its name.
        schema
            A ``pyarrow.Schema`` with a column ``vector``.
        about
            What the rows depend on; kept with the schema, see :func:`about`.
        """
        # What the table says of itself may differ in last digits from what this machine would say;
        # to LanceDB that is another schema, and an error. So one that is there is opened.
        if (there := self.table(name)) is not None:
            return there
        with explained(self.where, "written"):
            return self._database.create_table(
                name,
                schema=schema.with_metadata({_KEY: json.dumps(dict(about)).encode()}),
                exist_ok=True,
            )

    def drop(self, name: str) -> None:
        """Remove a table, if it is there."""
        if name in self.tables():
            with explained(self.where, "written"):
                self._database.drop_table(name)

    def size_bytes(self) -> int | None:
        """Return the size on disk, or None on object storage."""
        if _REMOTE.match(self.where):
            return None
        return sum(f.stat().st_size for f in Path(self.where).rglob("*") if f.is_file())


def about(table: Any) -> dict[str, Any]:
    """Return what :meth:`Gallery.make` was told about a table.

    Raises
    ------
    GalleryError
        If another program made the table.
    """
    held = (table.schema.metadata or {}).get(_KEY)
    try:
        said = json.loads(held) if held else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise GalleryError(
            f"the table {table.name!r} was not made by earwitness; choose another gallery"
        )
    return said


def vector_type(dim: int) -> Any:
    """Return the Arrow type of embeddings: ``dim`` half floats."""
    arrow = load("pyarrow", "atlas", "a gallery")
    return arrow.list_(arrow.float16(), dim)


def to_arrow(vectors: NDArray[np.float16]) -> Any:
    """Return embeddings (n, dim) as an Arrow column."""
    arrow = load("pyarrow", "atlas", "a gallery")
    flat = arrow.array(np.ascontiguousarray(vectors, np.float16).ravel(), arrow.float16())
    return arrow.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def from_arrow(column: Any, dim: int) -> NDArray[np.float16]:
    """Return an Arrow column of embeddings as (n, dim)."""
    if isinstance(getattr(column, "num_chunks", None), int):
        column = column.combine_chunks()
    flat = np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float16)
    return flat.reshape(-1, dim)
