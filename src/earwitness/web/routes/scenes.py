"""Routes of scenes: to see, edit, hear, take away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool

from earwitness.errors import LayoutError, OptionError
from earwitness.scene import layout_named
from earwitness.web import models, uploads, work
from earwitness.web.routes.identity import JobId
from earwitness.web.service import Service
from earwitness.web.store import NoSuchJobError


def add_scene_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of scenes: to see, edit, hear, take away."""

    @app.get("/api/jobs/{job}/scene", tags=["scene"])
    def scene(job: JobId) -> models.SceneView:
        """Return the scene: as soon as it is seen, though not all may be heard yet."""
        return service.scene(job)

    @app.put(
        "/api/jobs/{job}/scene",
        tags=["scene"],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
        },
    )
    async def edit(request: Request, job: JobId) -> models.Edited:
        """Put an edited ``scene.json`` in its place; only what was renamed or added sounds anew."""
        text = (await request.body()).decode("utf-8", "replace")
        return await run_in_threadpool(service.edit, job, text)

    @app.post("/api/jobs/{job}/sounds", tags=["scene"])
    def add(job: JobId, asked: models.SoundsAsked) -> models.Edited:
        """Put more into the scene: what words name."""
        return service.add(job, asked.words)

    @app.get(
        "/api/jobs/{job}/picture",
        tags=["scene"],
        response_class=FileResponse,
        responses={200: {"content": {"image/jpeg": {}}}},
    )
    def picture(job: JobId) -> FileResponse:
        """Return the picture, or the ground from above."""
        file = service.store.place(job) / work.PICTURE
        if not file.is_file():
            raise NoSuchJobError("there is no picture here")
        return FileResponse(file, media_type="image/jpeg")

    @app.get(
        "/api/jobs/{job}/stems/{part}",
        tags=["scene"],
        response_class=FileResponse,
        responses={200: {"content": {"audio/flac": {}}}},
    )
    def stem(job: JobId, part: Annotated[str, InPath(max_length=64)]) -> FileResponse:
        """Return the sound of one source, mono."""
        file = service.stem(job, part)
        kind = "audio/wav" if file.suffix == ".wav" else "audio/flac"
        return FileResponse(
            file, media_type=kind, headers={"cache-control": "private, max-age=3600"}
        )

    @app.post("/api/jobs/{job}/downloads", status_code=202, tags=["scene"])
    def download(job: JobId, asked: models.DownloadAsked) -> models.Job:
        """Make a file to take away: a layout such as 5.1 or binaural, adm, stems, scene, clip."""
        record = service.opened(job)
        place = service.scene_folder(job)
        what = asked.what
        if what == "clip":
            if (
                not (place / work.INPUT).is_file()
                or not service.scene(job).scene["origin"].get("kind") == "clip"
            ):
                raise OptionError("this scene was not seen in a clip; choose a layout instead")
        elif what not in ("adm", "stems", "scene"):
            try:
                what = layout_named(what).name
            except LayoutError as error:
                raise OptionError(f"{error}; or adm, stems, scene, clip") from None
        stem = Path(uploads.plain_name(record.name, "scene")).stem or "scene"
        ends = {"adm": "adm.wav", "stems": "stems.zip", "scene": "scene.zip", "clip": "mp4"}
        title = ends.get(what) or f"{layout_named(what).title}.wav"
        return service.submit(
            "download", name=f"{stem}.{title}", options={"what": what}, parent=job
        )
