"""What one service gives to strangers: sizes, times, numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields

from earwitness.errors import OptionError

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """The bounds of a service; all are told at ``/api/about``.

    Parameters
    ----------
    workers
        Processes that hear; each takes one job at a time.
    upload_mb
        Largest file that is taken, megabytes.
    picture_mpx
        Most megapixels that are decoded.
    duration_s
        Longest scene, seconds.
    clip_s
        Longest clip, seconds.
    job_s
        Longest time a job may work, seconds.
    queue
        Most jobs that wait; more are refused with 503.
    keep_h
        Hours that a result stays after it was last opened.
    store_gb
        Most that all results take on disk; beyond it new work is refused with 507.
    worker_gb
        Most address space of one worker, gigabytes.
    map_cells
        Most cells of a map.

    Raises
    ------
    OptionError
        If one is not above 0.
    """

    workers: int = max(1, min(4, os.cpu_count() or 1))
    upload_mb: float = 200.0
    picture_mpx: float = 60.0
    duration_s: float = 60.0
    clip_s: float = 120.0
    job_s: float = 600.0
    queue: int = 100
    keep_h: float = 24.0
    store_gb: float = 20.0
    worker_gb: float = 8.0
    map_cells: int = 60_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise OptionError(f"{field.name} is {value}; give a number above 0")

    @property
    def upload_bytes(self) -> int:
        """Largest upload in bytes."""
        return int(self.upload_mb * MB)
