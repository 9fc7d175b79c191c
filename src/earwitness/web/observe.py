"""What the service tells those who run it: Prometheus metrics and a log of JSON lines."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
import time
from collections.abc import Callable
from typing import Any, TextIO

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from earwitness.web.store import Record

LOG = logging.getLogger("earwitness.web")
_SERVER = logging.getLogger("uvicorn.error")


class JsonLines(logging.Formatter):
    """One JSON table on a line for each record.

    Examples
    --------
    >>> record = logging.LogRecord("a", logging.INFO, "", 0, "started", (), None)
    >>> json.loads(JsonLines().format(record))["event"]
    'started'
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        table: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        table |= getattr(record, "fields", {})
        if record.exc_info:
            table["traceback"] = self.formatException(record.exc_info)
        return json.dumps(table, ensure_ascii=False)


class _Handed(logging.handlers.QueueHandler):
    """Hands records on as they are; the usual one turns them into text before."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record


def write_log(stream: TextIO) -> logging.handlers.QueueListener:
    """Write the service's log, and what its web server finds wrong, to a stream.

    Lines are written from a thread: whoever reads them slowly must not stop the service.

    Parameters
    ----------
    stream
        Where to.

    Returns
    -------
    logging.handlers.QueueListener
        To be stopped at the end, so that the last lines are written.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    writer = logging.handlers.QueueListener(lines, handler)
    for logger, level in ((LOG, logging.INFO), (_SERVER, logging.WARNING)):
        logger.handlers[:] = [_Handed(lines)]
        logger.setLevel(level)
        logger.propagate = False
    writer.start()
    return writer


def log(event: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Write an event with its fields; ids of jobs are cut, for whoever has one may see the job."""
    if isinstance(fields.get("job"), str):
        fields["job"] = fields["job"][:6]
    LOG.log(level, event, extra={"fields": fields})


class Metrics:
    """The service's numbers.

    Parameters
    ----------
    waiting, running
        Asked when the numbers are read.
    """

    def __init__(self, waiting: Callable[[], float], running: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        made: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter(
            "earwitness_requests", "Requests answered", ["method", "route", "status"], **made
        )
        self.jobs = Counter("earwitness_jobs", "Jobs that ended", ["kind", "state"], **made)
        self.seconds = Histogram(
            "earwitness_job_seconds",
            "Seconds from a job's start to its end",
            ["kind"],
            buckets=(0.3, 1, 2, 5, 10, 20, 60, 180, 600),
            **made,
        )
        self.refused = Counter("earwitness_refused", "Requests refused", ["reason"], **made)
        self.uploaded = Counter("earwitness_upload_bytes", "Bytes taken in uploads", **made)
        Gauge("earwitness_queue", "Jobs that wait", **made).set_function(waiting)
        Gauge("earwitness_running", "Jobs that run", **made).set_function(running)

    def job(self, event: str, record: Record) -> None:
        """Count a job and log it."""
        if event == "over":
            self.jobs.labels(record.kind, record.state).inc()
            self.seconds.labels(record.kind).observe(record.took_s)
        fields: dict[str, Any] = {"job": record.id, "kind": record.kind, "state": record.state}
        if event == "over":
            fields["took_s"] = record.took_s
        if record.message:
            fields["message"] = record.message
        log(f"job {event}", **fields)

    def text(self) -> bytes:
        """Return the numbers in Prometheus' text format."""
        return bytes(generate_latest(self.registry))
