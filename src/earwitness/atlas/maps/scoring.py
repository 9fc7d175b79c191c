"""From a region to values: what is lacking is computed and kept, then every query is a product."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery import Gallery, LayerTable
from earwitness.atlas.gallery.probe import probe
from earwitness.atlas.maps.engines import computed
from earwitness.atlas.maps.grid import TILE, Grid
from earwitness.atlas.maps.work import Job

Progress = Callable[[str, float], None]


def silent(stage: str, done: float) -> None:
    """Tell nobody."""


_STRIP = 131_072
"""Cells whose embeddings are held at a time, about."""

_CHUNK = 16_384

_HELD = 256 << 20
"""Bytes of values from which they live in a file."""

_COMMIT_CELLS, _COMMIT_S = 16_384, 20.0
"""What a stopped run may lose: as many cells, or as many seconds."""


def strips(grid: Grid) -> Iterator[tuple[int, int]]:
    """Yield ranges of rows that hold whole tiles and about :data:`_STRIP` cells."""
    rows = max(1, _STRIP // max(1, grid.columns * TILE)) * TILE
    for first in range(0, grid.rows, rows):
        yield first, min(grid.rows, first + rows)


def _range(grid: Grid, first: int, end: int) -> tuple[int, int]:
    around = 2 * grid.parallels
    return (grid.top + first) * around, (grid.top + end) * around


def complete(
    gallery: Gallery,
    job: Job,
    grid: Grid,
    *,
    engine: str = "local",
    workers: int | None = None,
    progress: Progress = silent,
) -> LayerTable:
    """Make sure that a gallery holds the embeddings of every cell of a grid.

    Parameters
    ----------
    gallery
        Where they are kept; what is there already is not computed again.
    job
        Imagery, embedder and time.
    grid
        The cells.
    engine, workers
        See :func:`earwitness.atlas.maps.engines.computed`.
    progress
        Told after each tile.

    Returns
    -------
    LayerTable
        The layer, whole for this grid.
    """
    kept = LayerTable(gallery, job.layer(), probe(job.opened()[1]))
    lacking: list[NDArray[np.int64]] = []
    there = np.zeros(0, np.bool_)
    first_row = -1
    tiles = list(grid.tiles()) if kept.count() == 0 else None
    if tiles is not None:
        lacking = [grid.numbers(tile) for tile in tiles]
    else:
        bounds = iter(strips(grid))
        end = 0
        for tile in grid.tiles():
            if tile.row >= end:
                first_row, end = next(bounds)
                there = np.zeros((end - first_row) * grid.columns, np.bool_)
                at = grid.places(kept.numbers(*_range(grid, first_row, end)))
                there[at[at >= 0] - first_row * grid.columns] = True
            numbers = grid.numbers(tile)
            numbers = numbers[~there[grid.places(numbers) - first_row * grid.columns]]
            if len(numbers):
                lacking.append(numbers)
    total = sum(len(numbers) for numbers in lacking)
    if not total:
        return kept
    done, waiting, since = 0, [], time.monotonic()
    held = 0
    stage = "embedding the imagery"
    progress(stage, 0.0)
    try:
        for numbers, vectors in computed(
            job, lacking, engine=engine, workers=workers, count=len(lacking)
        ):
            waiting.append((numbers, vectors))
            held += len(numbers)
            done += len(numbers)
            progress(stage, done / total)
            if held >= _COMMIT_CELLS or time.monotonic() - since > _COMMIT_S:
                _commit(kept, waiting)
                held, since = 0, time.monotonic()
    finally:
        # Also when it is stopped: what was computed is kept.
        _commit(kept, waiting)
    kept.tidy()
    return kept


def _commit(kept: LayerTable, waiting: list[tuple[NDArray[np.int64], NDArray[np.float16]]]) -> None:
    if waiting:
        kept.add(
            np.concatenate([numbers for numbers, _ in waiting]),
            np.concatenate([vectors for _, vectors in waiting]),
        )
        waiting.clear()


def room(bands: int, grid: Grid) -> NDArray[np.float32]:
    """Return room for values (bands, rows, columns), NaN; in a nameless file if it is large."""
    shape = (bands, grid.rows, grid.columns)
    if 4 * bands * grid.cells <= _HELD:
        return np.full(shape, np.nan, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        # The file has lost its name when this returns, and goes with the array.
        made: NDArray[np.float32] = np.memmap(
            Path(folder) / "values", np.float32, mode="w+", shape=shape
        )
    for first, end in strips(grid):
        made[:, first:end] = np.nan
    return made


def score(
    kept: LayerTable,
    grid: Grid,
    queries: NDArray[np.float32],
    values: NDArray[np.float32],
    *,
    progress: Progress = silent,
) -> None:
    """Fill in how much each cell is like each query.

    Parameters
    ----------
    kept
        The layer.
    grid
        The cells.
    queries
        Embeddings of length 1, shape ``(bands, dim)``.
    values
        Where the cosine similarities go, shape ``(bands, rows, columns)``; NaN for cells without
        imagery.
    progress
        Told after each strip.
    """
    dim = kept.layer.dim
    flat = values.reshape(len(values), -1)
    for first, end in strips(grid):
        begin = first * grid.columns
        # In the order of the cells, whatever order they were kept in: a product's last bit
        # depends on its shape.
        dense = np.zeros(((end - first) * grid.columns, dim), np.float16)
        for numbers, vectors in kept.read(*_range(grid, first, end)):
            at = grid.places(numbers)
            inside = at >= 0
            dense[at[inside] - begin] = vectors[inside]
        for start in range(0, len(dense), _CHUNK):
            part = dense[start : start + _CHUNK].astype(np.float32)
            length = np.sqrt(np.einsum("nd,nd->n", part, part))
            there = length > 0.5
            part[there] /= length[there, None]
            likeness = part @ queries.T
            likeness[~there] = np.nan
            flat[:, begin + start : begin + start + len(part)] = likeness.T
        progress("asking", end / grid.rows)
