"""Routes of jobs: how far they are, their files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from earwitness.web import models
from earwitness.web.routes.identity import JobId
from earwitness.web.service import NotYetError, Service
from earwitness.web.store import NoSuchJobError

_BEAT_S = 15.0
_LOOK_S = 0.1


def add_job_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of jobs: how far they are, their files."""

    @app.get("/api/jobs/{job}", tags=["jobs"])
    def job_state(job: JobId) -> models.Job:
        """How far a job is."""
        return service.view(service.opened(job))

    @app.post("/api/jobs/{job}/cancel", tags=["jobs"])
    def cancel(job: JobId) -> models.Job:
        """Stop a job that waits or runs."""
        return service.view(service.jobs.cancel(job))

    @app.delete("/api/jobs/{job}", status_code=204, tags=["jobs"])
    def forget(job: JobId) -> Response:
        """Stop a job and remove all that belongs to it."""
        service.forget(job)
        return Response(status_code=204)

    @app.get(
        "/api/jobs/{job}/events",
        tags=["jobs"],
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events(job: JobId) -> StreamingResponse:
        """Stream the job's state whenever it changes, until it is over (server-sent events)."""
        await run_in_threadpool(service.jobs.get, job)

        async def stream() -> AsyncIterator[str]:
            last, beat = "", time.monotonic()
            while True:
                try:
                    record = service.jobs.live(job)
                    if record is None:  # over: its last state is on the disk
                        record = await run_in_threadpool(service.jobs.get, job)
                except NoSuchJobError:
                    return
                text = service.view(record).model_dump_json()
                if text != last:
                    last, beat = text, time.monotonic()
                    yield f"event: job\ndata: {text}\n\n"
                if record.over:
                    return
                if time.monotonic() - beat > _BEAT_S:
                    beat = time.monotonic()
                    yield ": still here\n\n"
                await asyncio.sleep(_LOOK_S)

        return StreamingResponse(
            stream(),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    @app.get(
        "/api/jobs/{job}/file",
        tags=["jobs"],
        response_class=FileResponse,
        responses={200: {"content": {"application/octet-stream": {}}}},
    )
    def file(job: JobId) -> FileResponse:
        """Return the file that a download job made."""
        record = service.opened(job)
        if not record.files:
            raise NotYetError("this job has no file; wait until it is done")
        place = service.store.place(job) / record.files[0]
        if not place.is_file():
            raise NoSuchJobError("the file is gone; make it again")
        name = record.name
        if record.options.get("what") == "clip":  # its container is known now
            name = str(Path(name).with_suffix(place.suffix))
        return FileResponse(place, filename=name, media_type="application/octet-stream")
