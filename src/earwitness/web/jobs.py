"""The queue: jobs wait in order, a bounded number of workers takes them, each can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from earwitness.errors import EarwitnessError
from earwitness.web.limits import Limits
from earwitness.web.store import NoSuchJobError, Record, Store
from earwitness.web.worker import Died, Worker

Listener = Callable[[str, Record], None]
"""Called with an event's name and the job: ``started``, ``over``."""


class BusyError(EarwitnessError):
    """More work than the service takes on."""


class Jobs:
    """The queue of a service and its workers.

    Parameters
    ----------
    store
        Where jobs are.
    limits
        How many, how long.
    listener
        Told when a job starts and ends, for metrics and logs.
    """

    def __init__(
        self, store: Store, limits: Limits, listener: Listener = lambda event, job: None
    ) -> None:
        self.store, self.limits, self._listener = store, limits, listener
        self._live: dict[str, Record] = {}
        self._waiting: list[str] = []
        self._workers: dict[str, Worker] = {}
        self._busy: set[str] = set()
        self._change = threading.Condition()
        self._closing = False
        self._threads = [
            threading.Thread(target=self._work, name=f"jobs-{number}", daemon=True)
            for number in range(limits.workers)
        ]

    def start(self) -> None:
        """Start taking jobs."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop all work; what is unfinished is marked failed."""
        with self._change:
            self._closing = True
            for worker in self._workers.values():
                worker.stop()
            self._change.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(5)
        self.store.recover()

    def check_room(self) -> None:
        """Check that one more job may wait.

        Raises
        ------
        BusyError
            If the queue is full.
        """
        if len(self._waiting) >= self.limits.queue:
            raise BusyError(
                f"{self.limits.queue} jobs are waiting already; try again in a few minutes"
            )

    def submit(self, record: Record) -> Record:
        """Put a job into the queue.

        Raises
        ------
        BusyError
            If the queue is full.
        """
        with self._change:
            self.check_room()
            self._live[record.id] = record
            self._waiting.append(record.id)
            self._change.notify()
        return record

    def get(self, job: str) -> Record:
        """Return what is known of a job now.

        Raises
        ------
        NoSuchJobError
            If there is none.
        """
        return self._live.get(job) or self.store.read(job)

    def live(self, job: str) -> Record | None:
        """Return a job that waits or runs, without a look at the disk; None for any other."""
        return self._live.get(job)

    def position(self, job: str) -> int | None:
        """Return how many jobs are before one, or None when it does not wait."""
        try:
            return self._waiting.index(job)
        except ValueError:
            return None

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many jobs run."""
        return len(self._workers)

    def cancel(self, job: str) -> Record:
        """Cancel a job that waits or runs; one that is over stays as it is."""
        with self._change:
            record = self.get(job)
            if job in self._waiting:
                self._waiting.remove(job)
                return self._finish(replace(record, state="cancelled", stage="cancelled"))
            if job in self._workers:
                self._workers[job].stop()
        until = time.monotonic() + 10
        while not record.over and time.monotonic() < until:
            time.sleep(0.02)
            record = self.get(job)
        return record

    def _finish(self, record: Record) -> Record:
        try:
            self.store.write(record)
        except (EarwitnessError, OSError):
            record = replace(record, state="failed", message="the service's disk is full")
        self._live.pop(record.id, None)
        self._listener("over", record)
        return record

    def _take(self) -> Record | None:
        """Return the first job whose scene nobody else works on; None to stop."""
        with self._change:
            while not self._closing:
                for job in self._waiting:
                    scene = self._live[job].parent or job
                    if scene not in self._busy:
                        self._waiting.remove(job)
                        self._busy.add(scene)
                        return self._live[job]
                self._change.wait(1.0)
        return None

    def _work(self) -> None:
        worker = Worker(self.limits.worker_gb, self.limits.picture_mpx)
        while (record := self._take()) is not None:
            with self._change:
                self._workers[record.id] = worker
            try:
                self._do(record, worker)
            finally:
                with self._change:
                    self._workers.pop(record.id, None)
                    self._busy.discard(record.parent or record.id)
                    self._change.notify_all()
        worker.end()

    def _do(self, record: Record, worker: Worker) -> None:
        started = time.monotonic()
        record = replace(record, state="running", stage="starting")
        self._live[record.id] = record
        self._listener("started", record)

        def tell(what: str, value: Any) -> None:
            now = self._live[record.id]
            if what == "seen":
                self._live[record.id] = replace(now, seen=True)
            else:
                self._live[record.id] = replace(now, stage=value[0], done=round(value[1], 3))

        try:
            self.store.write(record)
            folder = self.store.place(record.parent or record.id)
            own = str(self.store.place(record.id))
            arguments = {"folder": str(folder), "own": own, **record.options}
            answer = worker.run(record.kind, arguments, tell, longest_s=self.limits.job_s)
            changes: dict[str, Any] = {"state": "done", "stage": "done", "done": 1.0, "seen": True}
            changes["files"] = tuple(answer.get("files", ())) if isinstance(answer, dict) else ()
        except (NoSuchJobError, EarwitnessError) as error:
            changes = {"state": "failed", "stage": "failed", "message": str(error)}
        except Died as error:
            why = str(error)
            stopped = why == "cancelled"
            changes = {"state": "cancelled" if stopped else "failed", "message": why}
            changes["stage"] = str(changes["state"])
        except Exception as error:
            changes = {"state": "failed", "stage": "failed", "message": f"a defect: {error}"}
        changes["message"] = self.store.without_paths(changes.get("message", ""))
        changes["took_s"] = round(time.monotonic() - started, 3)
        self._finish(replace(self._live[record.id], **changes))
