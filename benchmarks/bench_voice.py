"""How fast every concept is made: seconds of sound per second of one core.

Run ``python -m benchmarks.bench_voice [--duration 10] [--repeats 3] [concept …]``. Threads of the
numerical libraries are held to one; the wish is at least 40 times real time for every concept,
through the whole voice (model, loudness, limiter, ends).
"""

from __future__ import annotations

import argparse
import os
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from earwitness.scene import concepts  # noqa: E402
from earwitness.voice.contract import Request  # noqa: E402
from earwitness.voice.registry import models  # noqa: E402
from earwitness.voice.synthesiser import Synthesiser  # noqa: E402

WISH = 40.0


def speed(concept: str, duration_s: float, repeats: int) -> float:
    """Return seconds of sound per second of CPU, the best of some tries."""
    best = float("inf")
    for seed in range(repeats):
        request = Request(concepts()[concept].label, concept, duration_s, seed=seed)
        start = time.process_time()
        for _ in Synthesiser().voice(request).blocks:
            pass
        best = min(best, time.process_time() - start)
    return duration_s / best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("concepts", nargs="*")
    parser.add_argument("--duration", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    keys = options.concepts or list(models())
    speed(keys[0], 1.0, 1)  # what is loaded once is no part of it
    rows = sorted((speed(key, options.duration, options.repeats), key) for key in keys)
    print(f"{options.duration:g} s at 48 kHz, one core; times real time, slowest first\n")
    print("| concept | family | × real time |\n|---|---|---:|")
    for figure, key in rows:
        print(f"| {key} | {concepts()[key].family} | {figure:.0f} |")
    slow = [key for figure, key in rows if figure < WISH]
    print(f"\n{len(rows)} concepts, slowest {rows[0][0]:.0f}×, below {WISH:g}×: {slow or 'none'}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
