"""Captions and recordings of a gallery: rows in, nearest rows out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery.probe import probe, same
from earwitness.atlas.gallery.search import build_index, nearest
from earwitness.atlas.gallery.store import (
    VECTOR,
    Gallery,
    about,
    explained,
    to_arrow,
    vector_type,
)
from earwitness.errors import GalleryError
from earwitness.extras import load

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

LARGEST_SOUND = 64 << 20
"""Bytes of the largest recording that a gallery takes in."""


@dataclass(frozen=True, slots=True)
class Caption:
    """What is heard somewhere, in words.

    Parameters
    ----------
    text
        The words.
    source
        Where they come from.
    licence
        Under which terms.
    lat_deg, lon_deg
        Where it is, if known.
    """

    text: str
    source: str = "unknown"
    licence: str = "unknown"
    lat_deg: float | None = None
    lon_deg: float | None = None

    @property
    def key(self) -> str:
        """What tells it from others: its words and its place."""
        return _key(self.text, self.lat_deg, self.lon_deg)


@dataclass(frozen=True, slots=True)
class Recording:
    """A sound with what is known of it.

    Parameters
    ----------
    title
        What is heard, in words.
    sound
        The file as it came: encoded bytes.
    suffix
        Its kind, such as ``.wav``.
    duration_s
        Length.
    author, licence, url
        Who made it, under which terms, where it was.
    lat_deg, lon_deg, date
        Where and when it was made, if known.
    """

    title: str
    sound: bytes
    suffix: str
    duration_s: float
    author: str = "unknown"
    licence: str = "unknown"
    url: str = ""
    lat_deg: float | None = None
    lon_deg: float | None = None
    date: str | None = None

    @property
    def key(self) -> str:
        """What tells it from others: its bytes."""
        return hashlib.sha256(self.sound).hexdigest()[:32]


def _key(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


_Row = TypeVar("_Row", Caption, Recording)


class Shelf(Generic[_Row]):
    """The captions, or the recordings, of a gallery, all embedded by one embedder.

    Parameters
    ----------
    gallery
        Where they are.
    kind
        :class:`Caption` or :class:`Recording`.
    """

    def __init__(self, gallery: Gallery, kind: type[_Row]) -> None:
        self._gallery = gallery
        self._kind: type[_Row] = kind
        self.name = f"{kind.__name__.lower()}s"
        self.rows: Any | None = gallery.table(self.name)

    @property
    def embedder(self) -> str | None:
        """Name of the embedder, or None where nothing is there yet."""
        return None if self.rows is None else str(about(self.rows).get("embedder"))

    def count(self) -> int:
        """Return how many rows there are."""
        return 0 if self.rows is None else int(self.rows.count_rows())

    def fits(self, embedder: Embedder) -> bool:
        """Return whether an embedder is the one that embedded what is there, if anything is."""
        if self.rows is None:
            return True
        held = np.asarray(about(self.rows).get("probe") or [0.0])
        return self.embedder == embedder.name and same(held, probe(embedder))

    def check(self, embedder: Embedder) -> None:
        """Check that an embedder is the one that embedded what is there.

        Raises
        ------
        GalleryError
            If it is another, or another version of it.
        """
        if self.fits(embedder):
            return
        if self.embedder != embedder.name:
            raise GalleryError(
                f"the {self.name} of the gallery {self._gallery.where} were embedded by "
                f"{self.embedder!r}, not by {embedder.name!r}; name that one with --embedder, or "
                f"use another gallery"
            )
        raise GalleryError(
            f"the {self.name} of the gallery {self._gallery.where} were embedded by another "
            f"version of {self.embedder!r}; build the gallery again"
        )

    def keys(self) -> set[str]:
        """Return the keys of the rows that are there."""
        if self.rows is None:
            return set()
        with explained(self._gallery.where, "read"):
            found = self.rows.search().select(["key"]).limit(None).to_arrow()
        return set(found["key"].to_pylist())

    def add(self, rows: Sequence[_Row], vectors: NDArray[np.float32], embedder: Embedder) -> None:
        """Add rows with their embeddings (n, dim), as one commit.

        Raises
        ------
        GalleryError
            If another embedder made what is there, or the disk is full.
        """
        arrow = load("pyarrow", "atlas", "a gallery")
        self.check(embedder)
        schema = self._schema(vectors.shape[1])
        if self.rows is None:
            said = {
                "embedder": embedder.name,
                "dim": vectors.shape[1],
                "probe": [round(float(v), 4) for v in probe(embedder)],
            }
            self.rows = self._gallery.make(self.name, schema, said)
        columns: dict[str, Any] = {"key": [row.key for row in rows]}
        for field in fields(self._kind):
            columns[field.name] = [getattr(row, field.name) for row in rows]
        columns[VECTOR] = to_arrow(vectors.astype(np.float16))
        with explained(self._gallery.where, "written"):
            self.rows.add(arrow.table(columns, schema=schema))

    def _schema(self, dim: int) -> Any:
        arrow: Any = load("pyarrow", "atlas", "a gallery")
        kinds: dict[str, Any] = {"sound": arrow.large_binary()}
        for name in ("lat_deg", "lon_deg", "duration_s"):
            kinds[name] = arrow.float64()
        return arrow.schema(
            [
                arrow.field("key", arrow.string()),
                *(
                    arrow.field(field.name, kinds.get(field.name, arrow.string()))
                    for field in fields(self._kind)
                ),
                arrow.field(VECTOR, vector_type(dim)),
            ]
        )

    def nearest(
        self, vector: NDArray[np.float32], *, limit: int = 10, only: str | None = None
    ) -> list[tuple[float, _Row]]:
        """Return the rows most like a query (dim,), best first, with their cosine similarity."""
        if self.rows is None:
            return []
        names = [field.name for field in fields(self._kind)]
        found = nearest(
            self.rows,
            vector,
            where=self._gallery.where,
            limit=limit,
            columns=names,
            only=only,
        )
        return [(answer.score, self._kind(**answer.row)) for answer in found]

    def index(self) -> bool:
        """Build the index if there are enough rows; return whether there is one."""
        return self.rows is not None and build_index(self.rows, self._gallery.where)


def fill(
    shelf: Shelf[_Row],
    rows: Iterable[_Row],
    embed: Callable[[Sequence[_Row]], NDArray[np.float32]],
    embedder: Embedder,
    *,
    batch: int = 64,
    tell: Callable[[int], None] = lambda seen: None,
) -> int:
    """Embed and add the rows that a shelf lacks, a batch at a time, so that a stop loses little.

    Parameters
    ----------
    shelf
        Where they go.
    rows
        What to add; what is there already is left out.
    embed
        Gives the embeddings (n, dim) of rows.
    embedder
        Whose they are.
    batch
        Rows embedded at a time.
    tell
        Told how many rows have gone by.

    Returns
    -------
    int
        How many were new.
    """
    shelf.check(embedder)
    known = shelf.keys()
    waiting: list[_Row] = []
    added = seen = 0

    def put() -> None:
        nonlocal added
        if waiting:
            shelf.add(waiting, embed(waiting), embedder)
            added += len(waiting)
            waiting.clear()
        tell(seen)

    for row in rows:
        seen += 1
        if row.key not in known:
            known.add(row.key)
            waiting.append(row)
        if len(waiting) >= batch:
            put()
    put()
    return added


def as_dict(row: Caption | Recording) -> dict[str, Any]:
    """Return what people read of a row: all but the samples."""
    told = asdict(row)
    told.pop("sound", None)
    return told
