"""Who computes the tiles: processes of this machine, or a Ray cluster. Both give the same.

A tile is a function of the job and its cells alone, so it does not matter who computes it, nor
how often a worker dies in the middle: its tile is given to another. Few tiles are under way at a
time, so that memory does not grow with the map.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.maps.work import Job, embed_cells
from earwitness.errors import EarwitnessError, MapError
from earwitness.extras import load

Engine = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = ("local", "ray")

Numbers = NDArray[np.int64]
Vectors = NDArray[np.float16]
Done = tuple[Numbers, Vectors]

_MOST_DEATHS = 8
"""Workers that may die without one tile done in between."""


def cores() -> int:
    """Return how many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def computed(
    job: Job,
    tiles: Iterable[Numbers],
    *,
    engine: str = "local",
    workers: int | None = None,
    count: int | None = None,
) -> Iterator[Done]:
    """Yield each tile's cells with their embeddings, in the order in which they are ready.

    Parameters
    ----------
    job
        What to compute.
    tiles
        The cells of each tile.
    engine
        ``local`` or ``ray``.
    workers
        Processes, or tiles under way on the cluster; None is one for each core.
    count
        How many tiles there are, if known: a single one is computed here.

    Raises
    ------
    OptionError
        If there is no such engine.
    MapError
        If workers die again and again.
    """
    if engine == "ray":
        return _ray(job, iter(tiles), workers)
    workers = cores() if workers is None else workers
    if workers == 1 or count == 1:
        return ((numbers, embed_cells(job, numbers)) for numbers in tiles)
    return _local(job, iter(tiles), workers)


_died = (
    "workers died {n} times without a tile done in between; is memory short, or does the "
    "embedder crash? What was done is kept: the same command goes on from there"
)


def _start_worker() -> None:
    """Let a worker take one core, and leave it to the parent to stop at Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _local(job: Job, tiles: Iterator[Numbers], workers: int) -> Iterator[Done]:
    lost: list[Numbers] = []
    deaths, over = 0, False
    while lost or not over:
        pool = ProcessPoolExecutor(
            workers, mp_context=get_context("spawn"), initializer=_start_worker
        )
        under_way: dict[Future[Vectors], Numbers] = {}
        try:
            while True:
                while len(under_way) < 2 * workers:
                    numbers = lost.pop() if lost else next(tiles, None)
                    if numbers is None:
                        over = True
                        break
                    # Noted first: a pool that broke refuses what it is given.
                    lost.append(numbers)
                    under_way[pool.submit(embed_cells, job, numbers)] = lost.pop()
                if not under_way:
                    return
                for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                    vectors = future.result()
                    deaths = 0
                    yield under_way.pop(future), vectors
        except BrokenProcessPool:
            deaths += 1
            lost.extend(under_way.values())
            if deaths >= _MOST_DEATHS:
                raise MapError(_died.format(n=deaths)) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ray(job: Job, tiles: Iterator[Numbers], workers: int | None) -> Iterator[Done]:
    ray = load("ray", "scale", "--engine ray")
    ours = not ray.is_initialized()
    if ours:
        _join(ray)
    try:
        workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        remote = ray.remote(num_cpus=1, max_retries=_MOST_DEATHS)(embed_cells)
        held = ray.put(job)
        under_way: dict[Any, Numbers] = {}
        while True:
            while len(under_way) < 2 * workers:
                numbers = next(tiles, None)
                if numbers is None:
                    break
                under_way[remote.remote(held, numbers)] = numbers
            if not under_way:
                return
            ready, _ = ray.wait(list(under_way), num_returns=1)
            for reference in ready:
                numbers = under_way.pop(reference)
                yield numbers, np.asarray(_got(ray, reference))
    finally:
        if ours:
            ray.shutdown()


def _join(ray: Any) -> None:
    """Join the cluster of ``RAY_ADDRESS`` or of this machine; without one, start a small one."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        if os.environ.get("RAY_ADDRESS"):
            raise MapError(
                f"there is no Ray cluster at {os.environ['RAY_ADDRESS']} (RAY_ADDRESS); start "
                f"one with 'ray start --head', or unset RAY_ADDRESS"
            ) from None
        ray.init(include_dashboard=False, **quiet)


def _got(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, EarwitnessError):
            raise cause from None
        raise
    except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
        raise MapError(_died.format(n=_MOST_DEATHS)) from None
