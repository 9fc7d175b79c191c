"""A world map at 1° (64,800 cells), ten queries: from imagery, then from stored embeddings.

    python -m benchmarks.bench_map [--embedder builtin] [--engine local]

Peer in the same run: the product of the same embeddings with the queries, held in memory (NumPy),
which is what no store can beat.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from earwitness.atlas.gallery import Gallery
from earwitness.atlas.gallery.layers import layers
from earwitness.atlas.maps.asking import WORLD_QUERIES
from earwitness.verbs.mapping import map_region


def main() -> None:
    """Map twice, print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--embedder", default="builtin")
    parser.add_argument("--engine", default="local")
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        options = {
            "embedder": asked.embedder,
            "engine": asked.engine,
            "workers": asked.workers,
            "gallery": Path(folder) / "bench.gallery",
        }
        times = {}
        for name, out in (
            ("from imagery, values only", None),
            ("from stored embeddings, values only", None),
            ("from stored embeddings, all files", Path(folder) / "world.tif"),
        ):
            start = time.perf_counter()
            made = map_region("world", WORLD_QUERIES, step_deg=1.0, out=out, **options)
            times[name] = time.perf_counter() - start
            print(f"{name:>36}: {times[name]:6.2f} s  {made.values.shape}")
        ((layer, table),) = layers(Gallery(Path(folder) / "bench.gallery"))
        rng = np.random.default_rng(0)
        vectors = rng.normal(size=(table.count_rows(), layer.dim)).astype(np.float32)
        queries = rng.normal(size=(len(WORLD_QUERIES), layer.dim)).astype(np.float32)
        start = time.perf_counter()
        np.asarray(vectors @ queries.T)
        print(f"{'the product alone, in memory':>36}: {time.perf_counter() - start:6.2f} s")


if __name__ == "__main__":
    main()
