"""The nearest embeddings of a table: exact while it is small, by an index once it is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery.store import VECTOR, explained
from earwitness.extras import load

LEAST_INDEXED = 100_000
"""Rows below which looking at every one is fast enough, and exact."""

_NAME = "vector_idx"
_ROWS_PER_PART = 1024
_PROBES = 256
_REFINE = 4
_LATER = 0.02


@dataclass(frozen=True, slots=True)
class Found:
    """One answer.

    Parameters
    ----------
    score
        Cosine similarity with the query, -1 to 1.
    row
        The columns that were asked for.
    """

    score: float
    row: dict[str, Any]


def indexed(table: Any) -> bool:
    """Return whether a table has an index of its embeddings."""
    return any(VECTOR in index.columns for index in table.list_indices())


def _later(table: Any) -> int:
    """Return how many rows came after the index; they are looked at one by one."""
    stats = table.index_stats(_NAME)
    return 0 if stats is None else int(stats.num_unindexed_rows)


def build_index(table: Any, where: str, *, least: int = LEAST_INDEXED) -> bool:
    """Build or bring up to date the index of a table that is large enough.

    Parameters
    ----------
    table
        A table of a gallery.
    where
        The gallery, for messages.
    least
        Rows from which an index is worth it.

    Returns
    -------
    bool
        Whether there is one now.

    Notes
    -----
    Inverted file with scalar quantisation: parts of about 1,024 rows, of which 256 are looked
    through; four times the answers wanted are compared again with the whole embeddings. Figures
    come from ``benchmarks/bench_gallery.py``.
    """
    with explained(where, "indexed"):
        rows = int(table.count_rows())
        if rows < least:
            return indexed(table)
        # LanceDB's own way to take in later rows merges the parts, and with parts so large an
        # answer takes three times as long: the index is made anew once enough rows came.
        if indexed(table) and _later(table) <= _LATER * rows:
            return True
        kinds = load("lancedb.index", "atlas", "a gallery")
        parts = max(1, rows // _ROWS_PER_PART)
        config = kinds.IvfSq(distance_type="dot", num_partitions=parts, max_iterations=20)
        table.create_index(VECTOR, config=config, name=_NAME, replace=True)
        return True


def nearest(
    table: Any,
    vector: NDArray[np.float32],
    *,
    where: str,
    limit: int = 10,
    columns: Sequence[str] = (),
    only: str | None = None,
    exact: bool = False,
) -> list[Found]:
    """Return the rows most like a query, best first.

    Parameters
    ----------
    table
        A table of a gallery.
    vector
        The query's embedding, shape ``(dim,)``, length 1.
    where
        The gallery, for messages.
    limit
        How many.
    columns
        What to bring of each row.
    only
        A condition in SQL on the rows.
    exact
        Look at every row, also where there is an index.
    """
    with explained(where, "searched"):
        asked = (
            table.search(np.asarray(vector, np.float32), vector_column_name=VECTOR)
            .distance_type("dot")
            .limit(limit)
            .select([*columns, "_distance"])
        )
        if only:
            asked = asked.where(only, prefilter=True)
        if exact:
            asked = asked.bypass_vector_index()
        elif indexed(table):
            asked = asked.nprobes(_PROBES).refine_factor(_REFINE)
        rows = asked.to_list()
    return [
        Found(1.0 - float(row.pop("_distance")), {name: row[name] for name in columns})
        for row in rows
    ]
