"""A gallery of a million embeddings: time of an answer, and recall against the exact answer.

    python -m benchmarks.bench_gallery [--rows 1000000] [--embedder builtin] [--queries 200]

The embeddings are those of a real map where there is one: the built-in imagery at 0.25° (1,036,800
cells, computed once, many minutes). ``--made`` draws them instead: a mixture of Gaussians on the
sphere, 4,000 centres, as wide as the distances between them, which is no easier than real ones.
The peer is the product with all embeddings in memory (NumPy, float32), in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery import Gallery, Layer, LayerTable
from earwitness.atlas.gallery.search import build_index, nearest
from earwitness.atlas.maps.grid import WORLD, Grid
from earwitness.atlas.maps.scoring import complete
from earwitness.atlas.maps.work import Job
from earwitness.verbs.keeping import outdoor_captions


def made(rows: int, dim: int, rng: np.random.Generator) -> NDArray[np.float16]:
    """Draw unit embeddings around centres."""
    centres = rng.normal(size=(4000, dim)).astype(np.float32)
    vectors = np.empty((rows, dim), np.float16)
    for start in range(0, rows, 100_000):
        n = min(100_000, rows - start)
        part = centres[rng.integers(len(centres), size=n)]
        part = part + rng.normal(size=(n, dim)).astype(np.float32)
        vectors[start : start + n] = part / np.linalg.norm(part, axis=1, keepdims=True)
    return vectors


def queries_near(
    vectors: NDArray[np.float16], count: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return queries: embeddings of the gallery moved by as much noise as half their length."""
    dim = vectors.shape[1]
    taken = vectors[rng.choice(len(vectors), count, replace=False)].astype(np.float32)
    taken += rng.normal(size=taken.shape).astype(np.float32) * (0.5 / np.sqrt(dim))
    return taken / np.linalg.norm(taken, axis=1, keepdims=True)


def real(
    gallery: Gallery, embedder: str, count: int, rng: np.random.Generator
) -> tuple[Any, NDArray[np.float16], NDArray[np.float32]]:
    """Embed the world at 0.25°; ask with the words of the built-in voice and with other images."""
    grid = Grid.covering(WORLD, 0.25)
    job = Job("builtin", embedder, grid.parallels)
    kept = complete(gallery, job, grid, progress=lambda stage, done: print(f"\r{done:.0%}", end=""))
    model = job.opened()[1]
    vectors = np.zeros((grid.cells, model.dim), np.float16)
    for numbers, part in kept.read(0, grid.cells):
        vectors[numbers] = part
    words = model.texts([caption.text for caption in outdoor_captions()])
    asked = np.concatenate([words, queries_near(vectors, count - len(words), rng)])
    return kept.rows, vectors, asked[:count]


def measure(
    table: Any, where: str, vectors: NDArray[np.float16], asked: NDArray[np.float32]
) -> None:
    """Print times and recall@10."""
    whole = vectors.astype(np.float32)
    took, exact_took, recall, least = [], [], [], []
    for query in asked:
        start = time.perf_counter()
        scores = whole @ query
        true = np.argpartition(-scores, 10)[:10]
        exact_took.append(time.perf_counter() - start)
        # Embeddings that are equal count as found: the tenth best score decides.
        least.append(float(scores[true].min()))
    for query in asked[:5]:
        nearest(table, query, where=where, columns=("cell",))
    for query, tenth in zip(asked, least, strict=True):
        start = time.perf_counter()
        found = nearest(table, query, where=where, columns=("cell",))
        took.append(time.perf_counter() - start)
        scores = whole[[f.row["cell"] for f in found]] @ query
        recall.append(np.mean(scores >= tenth - 1e-6))
    for name, times in (("gallery", took), ("NumPy, exact", exact_took)):
        ms = np.array(times) * 1000
        print(f"{name:>14}: median {np.median(ms):6.1f} ms, 95 % {np.percentile(ms, 95):6.1f} ms")
    print(f"recall@10 {np.mean(recall):.4f} over {len(asked)} queries")


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--embedder", default="builtin")
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--gallery", help="keep the gallery here")
    asked = parser.parse_args()
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as folder:
        gallery = Gallery(asked.gallery or folder, create=True)
        if asked.made:
            vectors = made(asked.rows, asked.dim, rng)
            layer = Layer("made", "made", asked.dim, 1, 1.0, 180)
            kept = LayerTable(gallery, layer)
            if kept.count() == 0:
                for start in range(0, len(vectors), 50_000):
                    part = vectors[start : start + 50_000]
                    kept.add(np.arange(start, start + len(part)), part)
            table = kept.rows
            queries = queries_near(vectors, asked.queries, rng)
        else:
            table, vectors, queries = real(gallery, asked.embedder, asked.queries, rng)
        start = time.perf_counter()
        build_index(table, gallery.where)
        took = time.perf_counter() - start
        print(f"{len(vectors)} embeddings of {vectors.shape[1]}; index {took:.1f} s")
        measure(table, gallery.where, vectors, queries)


if __name__ == "__main__":
    main()
