"""Jobs on disk: a folder for each, with a record that is whole at every moment.

A record is written beside and renamed, so a service that is killed leaves the old or the new one.
Whoever knows a job's id may see it; ids are 144 random bits and are never listed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from earwitness.errors import EarwitnessError, OutputError
from earwitness.media import beside

State = Literal["queued", "running", "done", "failed", "cancelled"]
Kind = Literal["listen", "words", "visit", "map", "load", "voice", "download"]
OVER: tuple[State, ...] = ("done", "failed", "cancelled")
STOPPED = "the service stopped while this was being made; nothing of it is kept, so ask again"
_ID = re.compile(r"[A-Za-z0-9_-]{24}\Z")


class NoSuchJobError(EarwitnessError):
    """An id that belongs to no job, or to one that has expired."""


@dataclass(frozen=True)
class Record:
    """What is known of a job.

    Parameters
    ----------
    id
        Unguessable.
    kind
        What is made.
    state
        ``queued``, ``running``, and one of ``done``, ``failed``, ``cancelled``.
    created_s
        Unix time.
    opened_s
        When somebody last asked for it; it expires some hours after.
    name
        What people call it: a file's name, a place, the words.
    options
        What was asked for.
    parent
        The job whose scene this one works on, or None.
    stage, done
        What is being done, in words, and what part of all is done.
    seen
        Whether the scene is known already, though it cannot be heard yet.
    message
        What went wrong.
    files
        Names of what can be downloaded.
    took_s
        Seconds from its start to its end.
    """

    id: str
    kind: Kind
    state: State = "queued"
    created_s: float = 0.0
    opened_s: float = 0.0
    name: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    parent: str | None = None
    stage: str = ""
    done: float = 0.0
    seen: bool = False
    message: str = ""
    files: tuple[str, ...] = ()
    took_s: float = 0.0

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in OVER


class Store:
    """The folder that all jobs are in.

    Parameters
    ----------
    folder
        Made when it is not there, readable by its owner alone.

    Examples
    --------
    >>> import tempfile
    >>> store = Store(Path(tempfile.mkdtemp()))
    >>> job = store.create("words", name="a dog", options={})
    >>> store.read(job.id).state, len(job.id)
    ('queued', 24)
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be made: {error.strerror}; choose another with --data"
            ) from error

    def without_paths(self, message: str) -> str:
        """Return a message as strangers may read it: no folder of this machine stands in it.

        Examples
        --------
        >>> Store(Path("/tmp")).without_paths("/tmp/upload-1/.scene-2/scene.json: wrong")
        'scene.json: wrong'
        """
        inside = re.escape(str(self.folder)) + r"(/[^\s:/]*)*/"
        return re.sub(inside, "", message)

    def place(self, job: str) -> Path:
        """Return the folder of a job, after checking that the id is one.

        Raises
        ------
        NoSuchJobError
            If there is no such job.
        """
        if not _ID.match(job) or not (self.folder / job / "record.json").is_file():
            raise NoSuchJobError("there is no such result; it may have expired, so make it again")
        return self.folder / job

    def create(
        self, kind: Kind, *, name: str, options: dict[str, Any], parent: str | None = None
    ) -> Record:
        """Return a new job that waits, written down."""
        now = time.time()
        record = Record(
            secrets.token_urlsafe(18),
            kind,
            created_s=now,
            opened_s=now,
            name=name[:200],
            options=options,
            parent=parent,
            stage="waiting",
        )
        (self.folder / record.id).mkdir(mode=0o700)
        return self.write(record)

    def write(self, record: Record) -> Record:
        """Write a record down, whole or not at all."""
        with beside(self.folder / record.id / "record.json") as made:
            made.write_text(json.dumps(asdict(record), ensure_ascii=False), "utf-8")
        return record

    def read(self, job: str) -> Record:
        """Return what is written of a job.

        Raises
        ------
        NoSuchJobError
            If there is no such job.
        """
        try:
            table = json.loads((self.place(job) / "record.json").read_text("utf-8"))
            return Record(**{**table, "files": tuple(table["files"])})
        except (OSError, ValueError, TypeError, KeyError):
            raise NoSuchJobError("there is no such result; it may have expired") from None

    def all(self) -> Iterator[Record]:
        """Return every job that can be read."""
        for place in sorted(self.folder.iterdir()):
            with contextlib.suppress(NoSuchJobError):
                yield self.read(place.name)

    def recover(self) -> list[Record]:
        """Mark as failed what a stopped service left unfinished; return what was marked."""
        marked = [
            self.write(replace(record, state="failed", message=STOPPED, stage="stopped"))
            for record in self.all()
            if not record.over
        ]
        for place in self.folder.iterdir():  # uploads that never became a job
            if place.name.startswith("upload-") or (
                _ID.match(place.name) and not (place / "record.json").is_file()
            ):
                shutil.rmtree(place, ignore_errors=True)
                place.unlink(missing_ok=True) if place.is_file() else None
        return marked

    def remove(self, job: str) -> None:
        """Remove a job with all its files."""
        shutil.rmtree(self.place(job), ignore_errors=True)

    def expire(self, before_s: float) -> int:
        """Remove jobs that are over and were last opened before a time; return how many."""
        old = [r.id for r in self.all() if r.over and r.opened_s < before_s]
        for job in old:
            with contextlib.suppress(NoSuchJobError):
                self.remove(job)
        return len(old)

    def size_bytes(self) -> int:
        """Return what all jobs take on disk."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    total += (Path(folder) / name).lstat().st_size
        return total
