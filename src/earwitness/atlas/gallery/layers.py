"""Layers: the embeddings of a lattice of places, kept cell by cell.

What was computed stays, whichever region asked for it; a map that was stopped goes on from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery.probe import same
from earwitness.atlas.gallery.search import indexed
from earwitness.atlas.gallery.store import (
    VECTOR,
    Gallery,
    about,
    explained,
    from_arrow,
    to_arrow,
    vector_type,
)
from earwitness.errors import GalleryError
from earwitness.extras import load

PREFIX = "cells_"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Layer:
    """All that an embedding of a cell depends on.

    Parameters
    ----------
    imagery
        Name of the imagery with its version.
    embedder
        Name of the embedder with its version.
    dim
        Numbers in an embedding.
    image_px, ground_m
        Size of the crop, and metres in a pixel.
    parallels
        Cells from pole to pole.
    date, month, hour
        When; None for what was left open. ``date`` matters only to imagery that changes with it.
    utc
        Whether the hour is the same moment everywhere rather than the same local hour.
    """

    imagery: str
    embedder: str
    dim: int
    image_px: int
    ground_m: float
    parallels: int
    date: str | None = None
    month: int | None = None
    hour: float | None = None
    utc: bool = False

    @property
    def table(self) -> str:
        """Name of the layer's table."""
        told = json.dumps([_VERSION, asdict(self)], sort_keys=True)
        return PREFIX + hashlib.sha256(told.encode()).hexdigest()[:20]


class LayerTable:
    """The embeddings of one layer, in a gallery.

    Parameters
    ----------
    gallery
        Where it is kept.
    layer
        Which it is; made if absent.
    probe
        What the embedder makes of a fixed image, shape ``(dim,)``. If it made something else of it
        when the layer was begun, it is another embedder of the same name, and the layer begins
        anew. None leaves that unchecked.
    """

    def __init__(
        self, gallery: Gallery, layer: Layer, probe: NDArray[np.float32] | None = None
    ) -> None:
        arrow = load("pyarrow", "atlas", "a gallery")
        self.layer, self._where = layer, gallery.where
        self._schema = arrow.schema(
            [
                arrow.field("cell", arrow.int64()),
                arrow.field(VECTOR, vector_type(layer.dim)),
            ]
        )
        if probe is not None and (there := gallery.table(layer.table)) is not None:
            held = np.asarray(about(there).get("probe") or np.zeros(layer.dim))
            if not same(held, probe):
                gallery.drop(layer.table)
        said: dict[str, Any] = {"layer": asdict(layer)}
        if probe is not None:
            said["probe"] = [round(float(v), 4) for v in probe]
        self.rows = gallery.make(layer.table, self._schema, said)

    def add(self, numbers: NDArray[np.int64], vectors: NDArray[np.float16]) -> None:
        """Keep embeddings (n, dim) of cells (n,), as one commit: all of them or none."""
        arrow = load("pyarrow", "atlas", "a gallery")
        rows = arrow.table(
            {"cell": arrow.array(numbers, arrow.int64()), VECTOR: to_arrow(vectors)},
            schema=self._schema,
        )
        with explained(self._where, "written"):
            self.rows.add(rows)

    def numbers(self, low: int, high: int) -> NDArray[np.int64]:
        """Return the numbers of the cells that are kept, from ``low`` up to below ``high``."""
        with explained(self._where, "read"):
            found = (
                self.rows.search()
                .where(f"cell >= {low} AND cell < {high}")
                .select(["cell"])
                .limit(None)
                .to_arrow()
            )
        return np.asarray(found["cell"].to_numpy(), np.int64)

    def read(self, low: int, high: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float16]]]:
        """Yield what is kept of cells from ``low`` up to below ``high``: numbers and embeddings."""
        with explained(self._where, "read"):
            batches = (
                self.rows.search()
                .where(f"cell >= {low} AND cell < {high}")
                .select(["cell", VECTOR])
                .limit(None)
                .to_batches(65_536)
            )
            for batch in batches:
                yield (
                    np.asarray(batch.column("cell").to_numpy(), np.int64),
                    from_arrow(batch.column(VECTOR), self.layer.dim),
                )

    def tidy(self) -> None:
        """Join the many small parts that a long run wrote."""
        with explained(self._where, "written"):
            parts = self.rows.stats()["fragment_stats"]["num_fragments"]
            if parts > 8 and not indexed(self.rows):
                self.rows.optimize()

    def count(self) -> int:
        """Return how many cells are kept."""
        with explained(self._where, "read"):
            return int(self.rows.count_rows())


def layers(gallery: Gallery) -> list[tuple[Layer, Any]]:
    """Return every layer of a gallery with its table."""
    found = []
    for name in gallery.tables():
        if name.startswith(PREFIX):
            table = gallery.table(name)
            said = about(table).get("layer")
            try:
                found.append((Layer(**said), table))  # type: ignore[arg-type]
            except TypeError:
                raise GalleryError(
                    f"the table {name!r} of the gallery {gallery.where} was made by another "
                    f"version of earwitness; remove it, or choose another gallery"
                ) from None
    return found
