"""A process that does the work of jobs, apart from the service that answers.

What strangers send is decoded here and nowhere else: a decoder that crashes, hangs or eats memory
takes one worker with it, which is started anew, and fails one job with a clear message.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from earwitness.errors import EarwitnessError

Tell = Callable[[str, Any], None]
"""Called with ``progress`` and (stage, part), or ``seen`` and None."""


class Died(Exception):  # noqa: N818
    """The worker ended, or was ended, before its job was over."""


def _limit(gigabytes: float) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = int(gigabytes * 1e9)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with(parent: int) -> None:
    """End this process when the service is gone, however it went."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _serve(pipe: Connection, parent: int, gigabytes: float, megapixels: float, nice: int) -> None:
    with contextlib.suppress(AttributeError, OSError):  # no such thing on Windows
        os.nice(nice)  # the service itself goes first: it answers while this works
    os.environ["EARWITNESS_MAX_PIXELS"] = str(int(megapixels * 1e6))
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _limit(gigabytes)
    warnings.simplefilter("ignore")
    from earwitness.web import work

    while True:
        try:
            task, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        told = 0.0

        def tell(what: str, value: Any) -> None:
            nonlocal told
            now = time.monotonic()
            if what == "progress" and now - told < 0.1 and 0.0 < value[1] < 1.0:
                return
            told = now
            pipe.send((what, value))

        try:
            answer = work.TASKS[task](tell, **arguments)
        except EarwitnessError as error:
            pipe.send(("refused", str(error)))
        except MemoryError:
            pipe.send(("refused", "this needs more memory than the service gives to one job"))
        except Exception as error:  # a defect of ours: told, and logged by the service
            pipe.send(("defect", f"{type(error).__name__}: {error}"))
        else:
            pipe.send(("answer", answer))


class Worker:
    """A process that takes one task at a time; started when first needed.

    Parameters
    ----------
    gigabytes
        Most address space.
    megapixels
        Most that it decodes.
    nice
        How far it stands back behind the service when all cores are busy, as ``nice(1)`` counts.
    """

    def __init__(self, gigabytes: float, megapixels: float, nice: int = 2) -> None:
        self._limits = (gigabytes, megapixels, nice)
        self._process: Any = None
        self._pipe: Connection | None = None
        self._stopped = threading.Event()

    def _start(self) -> Connection:
        if self._pipe is not None and self._process.is_alive():
            return self._pipe
        self.end()
        self._stopped.clear()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, os.getpid(), *self._limits), daemon=True
        )
        self._process.start()
        theirs.close()
        self._pipe = ours
        return ours

    @property
    def pid(self) -> int | None:
        """The process's number, once it runs."""
        return self._process.pid if self._process is not None else None

    def run(self, task: str, arguments: dict[str, Any], tell: Tell, *, longest_s: float) -> Any:
        """Do a task and return its answer.

        Parameters
        ----------
        task
            One of :data:`earwitness.web.work.TASKS`.
        arguments
            What it is called with.
        tell
            Told on the way.
        longest_s
            It is ended after so many seconds.

        Raises
        ------
        EarwitnessError
            If what was asked for is wrong.
        Died
            If the process was stopped, ran out of time, or broke.
        """
        pipe = self._start()
        try:
            pipe.send((task, arguments))
            until = time.monotonic() + longest_s
            while True:
                if self._stopped.is_set():
                    raise Died("cancelled")
                if time.monotonic() > until:
                    raise Died(f"this took more than {longest_s:g} s, the most that one job gets")
                if not pipe.poll(0.1):
                    if not self._process.is_alive() and not pipe.poll(0):
                        raise Died("the worker broke down over this; the file may be damaged")
                    continue
                what, value = pipe.recv()
                if what == "answer":
                    return value
                if what == "refused":
                    raise EarwitnessError(value)
                if what == "defect":
                    raise Died(f"a defect in earwitness ({value})")
                tell(what, value)
        except (EOFError, OSError) as error:
            self.end()
            raise Died("the worker broke down over this; the file may be damaged") from error
        except Died as error:
            if "defect" not in str(error):
                self.end()
            raise

    def stop(self) -> None:
        """Let :meth:`run` end at once; may be called from another thread."""
        self._stopped.set()

    def end(self) -> None:
        """End the process."""
        if self._process is not None and self._process.is_alive():
            self._process.kill()
            self._process.join(5)
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None
