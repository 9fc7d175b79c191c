"""Retrieval figures beside a plain transcription of the published computation, in one run.

Both ways, image → sound and sound → image, as the published evaluation asks for them one after the
other; one way alone is timed too.

The published code makes the whole table of similarities, and for each query a data frame whose
ranks it takes with pandas (if pandas is not installed, SciPy's ranks stand in, which are faster).
Widths: those of the published embeddings, of the small (5 M) model and of the model in the package.
What the product of all pairs alone takes is printed too: ours cannot be faster than that.

    python benchmarks/bench_retrieval.py --items 5000 --width 1024 192 128
    python benchmarks/bench_retrieval.py --items 100000 --width 1024 --alone
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from earwitness.atlas.metrics import normalise, published_figures, ranks_both_ways

try:
    import pandas
except ModuleNotFoundError:
    pandas = None


def published(left: NDArray[np.float32], right: NDArray[np.float32]) -> dict[str, float]:
    """Normalise, multiply, and rank row by row."""
    table = normalise(left) @ normalise(right).T
    found = []
    for i in range(len(table)):
        if pandas is None:
            found.append(rankdata(-table[i])[i])
            continue
        row = pandas.DataFrame({"dist": table[i, :]})
        row["rank"] = row.dist.rank(ascending=False)
        found.append(row.iloc[i]["rank"])
    return figures(np.array(found))


def published_both(
    left: NDArray[np.float32], right: NDArray[np.float32]
) -> tuple[dict[str, float], dict[str, float]]:
    return published(left, right), published(right, left)


def ours_both(
    left: NDArray[np.float32], right: NDArray[np.float32]
) -> tuple[dict[str, float], dict[str, float]]:
    there, back = ranks_both_ways(normalise(left), normalise(right))
    return figures(there), figures(back)


def figures(ranks: NDArray[np.float64]) -> dict[str, float]:
    k = 10 / 100 * len(ranks)
    return {"recall": float((ranks < k).mean()), "median": float(np.median(ranks))}


def timed(call, *arguments):
    start, used = time.perf_counter(), time.process_time()
    made = call(*arguments)
    return made, time.perf_counter() - start, time.process_time() - used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--width", type=int, nargs="+", default=[1024, 192, 128])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--alone", action="store_true", help="leave the published one out")
    options = parser.parse_args()
    for width in options.width:
        compare(options, width)


def compare(options: argparse.Namespace, width: int) -> None:
    rng = np.random.default_rng(0)
    left = rng.standard_normal((options.items, width), dtype=np.float32)
    right = rng.standard_normal((options.items, width), dtype=np.float32)
    right *= 6
    right += left
    by = "pandas" if pandas else "SciPy"
    print(f"{options.items} pairs of width {width}; the published ranks by {by}")
    if not options.alone:
        seconds = min(timed(np.matmul, left, right.T)[1] for _ in range(options.repeats))
        print(f"the product of all pairs alone: {seconds:.3f} s")
    ways = {"one way": (published_figures, published), "both ways": (ours_both, published_both)}
    for name, (call, other) in ways.items():
        ours, theirs = [], []
        wanted = None
        for _ in range(1 if options.alone else options.repeats):
            made, wall, used = timed(call, left, right)
            ours.append((wall, used))
            if not options.alone:
                wanted, wall, used = timed(other, left, right)
                theirs.append((wall, used))
        print(f"{name}: {made}")
        seconds, processor = (statistics.median(column) for column in zip(*ours))
        print(f"     ours: {seconds:8.3f} s ({processor:.3f} s of processor)")
        if theirs:
            assert values(made) == values(wanted)
            wall, used = (statistics.median(column) for column in zip(*theirs))
            print(f"published: {wall:8.3f} s ({used:.3f} s of processor)")
            print(
                f"ratio: {wall / seconds:.1f}× faster ({used / processor:.1f}× in processor time)"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"peak memory of the process until here: {peak:.2f} GiB", flush=True)


def values(made) -> list[float]:
    return [v for part in (made if isinstance(made, tuple) else (made,)) for v in part.values()]


if __name__ == "__main__":
    main()
