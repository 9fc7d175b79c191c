"""Who computes the tiles: processes of this machine, or a Ray cluster. Both give the same.

A tile is a function of the job and its cells alone, so it does not matter who computes it, nor
how often a worker dies in the middle: its tile is given to another. Few tiles are under way at a
time, so that memory does not grow with the map.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
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


def _serve(job: Job, pipe: Connection) -> None:
    """Be a worker: embed the tiles that come, until the other end closes."""
    # As many workers run as there are cores; and Ctrl-C is the parent's to hear.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    while True:
        try:
            numbers = pipe.recv()
        except EOFError:
            return
        answer: Vectors | Exception
        try:
            answer = embed_cells(job, numbers)
        except EarwitnessError as error:
            answer = error
        except Exception as error:
            # Not every exception can be sent; its words can.
            answer = MapError(f"a worker failed: {type(error).__name__}: {error}")
        pipe.send(answer)


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    under_way: Numbers | None = None


def _started(job: Job) -> _Worker:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(job, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _local(job: Job, tiles: Iterator[Numbers], count: int) -> Iterator[Done]:
    """Own processes instead of a pool of the standard library.

    A pool is broken as a whole by one worker that dies; and a second Ctrl-C while it closes can
    make it wait for ever.
    """
    workers: list[_Worker] = []
    lost: list[Numbers] = []
    deaths = 0
    try:
        while True:
            while len(workers) < count:
                workers.append(_started(job))
            for worker in workers:
                if worker.under_way is None:
                    numbers = lost.pop() if lost else next(tiles, None)
                    if numbers is not None:
                        worker.under_way = numbers
                        # A worker that has just died is found below.
                        with contextlib.suppress(OSError):
                            worker.pipe.send(numbers)
            busy = {worker.pipe: worker for worker in workers if worker.under_way is not None}
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                numbers, worker.under_way = worker.under_way, None
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    deaths += 1
                    if deaths >= _MOST_DEATHS:
                        raise MapError(_died.format(n=deaths)) from None
                    workers.remove(worker)
                    _end(worker)
                    if numbers is not None:
                        lost.append(numbers)
                    continue
                if isinstance(answer, Exception):
                    raise answer
                deaths = 0
                if numbers is not None:
                    yield numbers, answer
    finally:
        for worker in workers:
            _end(worker)


def _end(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.kill()
    worker.process.join(5)


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
    named = os.environ.get("RAY_ADDRESS", "")
    if named and named not in ("auto", "local"):
        _check_reachable(named)
    try:
        ray.init(address="auto", **quiet)
    except ConnectionError:
        ray.init(include_dashboard=False, **quiet)


def _check_reachable(address: str) -> None:
    """Knock at a cluster's door: Ray itself waits for half a minute where nobody is."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except (OSError, ValueError) as error:
        raise MapError(
            f"there is no Ray cluster at {address} (RAY_ADDRESS): {error}; start one with "
            f"'ray start --head', or unset RAY_ADDRESS"
        ) from None


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
