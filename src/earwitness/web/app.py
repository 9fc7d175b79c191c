"""The HTTP service: routes, answers to errors, the page."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from earwitness import __version__
from earwitness.errors import EarwitnessError, LayoutError, OptionError, PluginError
from earwitness.scene import layout_named
from earwitness.web import layers, models, uploads, work
from earwitness.web.guard import Guard
from earwitness.web.jobs import BusyError
from earwitness.web.observe import log
from earwitness.web.pages import pages
from earwitness.web.service import FullError, NotYetError, Service
from earwitness.web.store import NoSuchJobError, Record

UPLOADS = ("/api/listen", "/api/scenes")
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (NoSuchJobError, 404),
    (NotYetError, 409),
    (uploads.TooLargeError, 413),
    (uploads.KindError, 415),
    (BusyError, 503),
    (FullError, 507),
    (PluginError, 501),
    (EarwitnessError, 422),
)
_BEAT_S = 15.0
_LOOK_S = 0.1

JobId = Annotated[str, InPath(pattern=r"^[A-Za-z0-9_-]{24}$")]
_OCTETS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"model": models.Problem}
    for code in (400, 401, 403, 404, 405, 409, 413, 415, 421, 422, 501, 503, 507)
}


def status_of(error: Exception) -> int:
    """Return the HTTP status that says what an error means."""
    return next(code for kind, code in _STATUS if isinstance(error, kind))


def make_app(service: Service, *, hosts: tuple[str, ...] = (), token: str | None = None) -> FastAPI:
    """Return the service as an ASGI application.

    Parameters
    ----------
    service
        What answers.
    hosts
        Names under which it may be reached; empty for any.
    token
        Secret, or None.

    Returns
    -------
    FastAPI
    """

    @contextlib.asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="earwitness",
        version=__version__,
        summary="Hear what you see.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=life,
        responses=_PROBLEMS,
    )
    _errors(app, service)
    _job_routes(app, service)
    _ask_routes(app, service)
    _scene_routes(app, service)
    _world_routes(app, service)
    _page_routes(app, service)

    @app.middleware("http")
    async def count(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        started = time.monotonic()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "none")
        service.metrics.requests.labels(request.method, route, str(response.status_code)).inc()
        if route not in ("/healthz", "/metrics"):
            log(
                "request",
                method=request.method,
                route=route,
                status=response.status_code,
                ms=round((time.monotonic() - started) * 1000, 1),
            )
        return response

    app.add_middleware(
        Guard,
        hosts=hosts,
        token=token,
        # A little above, so that the route itself can say which file was too large.
        upload_bytes=service.limits.upload_bytes + 1_000_000,
        upload_paths=UPLOADS,
        refused=lambda reason: service.metrics.refused.labels(reason).inc(),
    )
    return app


def _errors(app: FastAPI, service: Service) -> None:
    def told(status: int, message: str) -> JSONResponse:
        headers = {"retry-after": "30"} if status == 503 else None
        return JSONResponse({"error": message}, status, headers)

    @app.exception_handler(EarwitnessError)
    async def ours(request: Request, error: EarwitnessError) -> JSONResponse:
        return told(status_of(error), service.store.without_paths(" ".join(str(error).split())))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first.get("loc", ())[1:]) or "the request"
        return told(422, f"{where}: {first.get('msg', 'is wrong')}")

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        answer = told(error.status_code, str(error.detail))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def defect(request: Request, error: Exception) -> JSONResponse:
        return told(500, "a defect in earwitness; whoever runs this service finds it in the log")

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> JSONResponse:
        return told(413, "the body is larger than is taken here, or was cut off")


def _job_routes(app: FastAPI, service: Service) -> None:
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


async def _taken(
    service: Service, request: Request, name: str, allowed: set[str]
) -> tuple[Path, str]:
    """Take a body into a folder of its own."""
    await run_in_threadpool(service.check_room)
    folder = Path(
        await run_in_threadpool(tempfile.mkdtemp, prefix="upload-", dir=service.store.folder)
    )
    try:
        kind = await uploads.receive(
            request.stream(),
            folder / work.INPUT,
            name=name,
            most_bytes=service.limits.upload_bytes,
            allowed=allowed,
        )
        size = await run_in_threadpool((folder / work.INPUT).stat)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    service.metrics.uploaded.inc(size.st_size)
    return folder, kind


def _moved(service: Service, folder: Path, record: Record) -> None:
    for item in folder.iterdir():
        item.replace(service.store.folder / record.id / item.name)


def _ask_routes(app: FastAPI, service: Service) -> None:
    limits = service.limits

    def short(duration_s: float) -> float:
        if duration_s > limits.duration_s:
            raise OptionError(
                f"duration {duration_s:g} s; at most {limits.duration_s:g} s are made here"
            )
        return duration_s

    def offered(feature: str) -> None:
        if not service.features[feature]:
            raise PluginError(f"this service cannot do that; it needs {service.why_not[feature]}")

    def imagery(tiles: str) -> str:
        # Only what the operator named: an address from a client is never fetched.
        if tiles not in service.tiles:
            raise OptionError(
                f"there is no imagery {tiles[:80]!r} here; choose one of {', '.join(service.tiles)}"
            )
        return tiles

    @app.post("/api/listen", status_code=202, tags=["make"], openapi_extra=_OCTETS)
    async def listen(
        request: Request,
        name: Annotated[str, Query(max_length=300)] = "upload",
        duration_s: Annotated[float | None, Query(ge=0.1, allow_inf_nan=False)] = None,
        prompt: Annotated[str | None, Query(max_length=500)] = None,
        fov_deg: Annotated[float | None, Query(ge=5, le=170, allow_inf_nan=False)] = None,
        sources: Annotated[int | None, Query(ge=1, le=64)] = None,
        seed: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0,
        projection: Annotated[str, Query(pattern="^(auto|flat|equirect)$")] = "auto",
    ) -> models.Job:
        """Hear a picture, panorama or clip: the body is the file itself."""
        if duration_s is not None:
            short(duration_s)
        shown = uploads.plain_name(name)
        folder, _ = await _taken(service, request, shown, {"picture", "clip"})
        try:
            what = await service.look_into("check", folder, shown, longest_s=limits.clip_s)
            if what["what"] == "clip" and duration_s is None:
                duration_s = min(limits.clip_s, float(what["length_s"] or limits.clip_s))
            options = {
                "name": shown,
                "duration_s": duration_s,
                "prompt": prompt or None,
                "fov_deg": fov_deg,
                "sources": sources,
                "seed": seed,
                "projection": projection,
            }

            def begin() -> models.Job:  # the disk may be slow: others are answered meanwhile
                record = service.store.create("listen", name=shown, options=options)
                _moved(service, folder, record)
                return service.enter(record)

            return await run_in_threadpool(begin)
        finally:
            await run_in_threadpool(shutil.rmtree, folder, True)

    @app.post("/api/words", status_code=202, tags=["make"])
    def words(asked: models.WordsAsked) -> models.Job:
        """Hear words."""
        from earwitness.voice.phrases import understand

        understand(asked.words)  # told at once when they name no sound
        short(asked.duration_s)
        return service.submit("words", name=asked.words, options=asked.model_dump())

    @app.post("/api/visit", status_code=202, tags=["make"])
    def visit(asked: models.VisitAsked) -> models.Job:
        """Hear a place on Earth."""
        offered("visit")
        imagery(asked.tiles)
        short(asked.duration_s)
        options = asked.model_dump(exclude={"place", "lat_deg", "lon_deg"})
        if asked.lat_deg is not None and asked.lon_deg is not None:
            options["where"] = [asked.lat_deg, asked.lon_deg]
            name = f"{asked.lat_deg:.4f}, {asked.lon_deg:.4f}"
        elif asked.place:
            from earwitness.atlas.gazetteer import place_named

            options["where"] = asked.place
            name = str(place_named(asked.place))
        else:
            raise OptionError("no place was given; give place, or lat_deg and lon_deg")
        return service.submit("visit", name=name, options=options)

    @app.post("/api/map", status_code=202, tags=["make"])
    def map_(asked: models.MapAsked) -> models.Job:
        """Map where in a region something would be heard."""
        offered("map")
        imagery(asked.tiles)
        from earwitness.atlas.maps.grid import Grid, Region

        region = (asked.west_deg, asked.south_deg, asked.east_deg, asked.north_deg)
        times = max(1, len(asked.hours))
        step_deg = asked.step_deg or layers.step_for(
            Region(*region), min(layers.WANTED_CELLS, limits.map_cells) // times, asked.tiles
        )
        grid = Grid.covering(Region(*region), step_deg)
        cells = grid.rows * grid.columns * times
        if cells > limits.map_cells:
            raise OptionError(
                f"this map has {cells} cells; at most {limits.map_cells} are made here. Choose a "
                f"smaller region, a larger step, or fewer hours"
            )
        options: dict[str, Any] = {
            "region": list(region),
            "queries": asked.queries,
            "hours": asked.hours or None,
            "date": asked.date,
            "step_deg": step_deg,
            "tiles": asked.tiles,
        }
        return service.submit("map", name=", ".join(asked.queries), options=options)

    @app.post("/api/scenes", status_code=201, tags=["make"], openapi_extra=_OCTETS)
    async def load(
        request: Request, name: Annotated[str, Query(max_length=300)] = "scene.zip"
    ) -> models.Job:
        """Load a scene that was downloaded as a zip: the body is the zip itself."""
        shown = uploads.plain_name(name, "scene.zip")
        folder, _ = await _taken(service, request, shown, {"zip"})
        try:
            await service.look_into(
                "unpack",
                folder,
                shown,
                most_bytes=3 * limits.upload_bytes,
                longest_s=max(limits.duration_s, limits.clip_s),
            )

            def begin() -> models.Job:
                (folder / work.INPUT).unlink()
                record = service.store.create("load", name=shown, options={})
                _moved(service, folder, record)
                record = replace(record, state="done", stage="done", done=1.0, seen=True)
                service.metrics.job("over", record)
                return service.view(service.store.write(record))

            return await run_in_threadpool(begin)
        finally:
            await run_in_threadpool(shutil.rmtree, folder, True)


def _scene_routes(app: FastAPI, service: Service) -> None:
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


def _world_routes(app: FastAPI, service: Service) -> None:
    @app.get("/api/jobs/{job}/map", tags=["map"])
    def map_view(job: JobId) -> models.MapView:
        """Return what a soundscape map holds."""
        return models.MapView(**service.map_about(job)[1])

    @app.get(
        "/api/jobs/{job}/map/{band}.png",
        tags=["map"],
        response_class=FileResponse,
        responses={200: {"content": {"image/png": {}}}},
    )
    def layer(job: JobId, band: Annotated[int, InPath(ge=0, le=1000)]) -> FileResponse:
        """Return one band as a picture in Web Mercator."""
        folder, about = service.map_about(job)
        if band >= len(about["names"]):
            raise NoSuchJobError(f"this map has {len(about['names'])} bands; count from 0")
        return FileResponse(folder / f"{band}.png", media_type="image/png")

    @app.get("/api/jobs/{job}/map/cell", tags=["map"])
    def map_cell(
        job: JobId,
        lat_deg: Annotated[models.Latitude, Query()],
        lon_deg: Annotated[models.Longitude, Query()],
    ) -> models.Cell:
        """Return the values at a place."""
        folder, about = service.map_about(job)
        return models.Cell(**layers.cell(folder, about, lat_deg, lon_deg))

    @app.get("/api/places", tags=["map"])
    def places(
        q: Annotated[str, Query(min_length=1, max_length=100)],
        limit: Annotated[int, Query(ge=1, le=20)] = 8,
    ) -> list[models.PlaceFound]:
        """Find towns by name, without a network."""
        from earwitness.atlas.gazetteer import find_places

        return [
            models.PlaceFound(
                name=place.name,
                country=place.country,
                lat_deg=place.lat_deg,
                lon_deg=place.lon_deg,
                population=place.population,
            )
            for place in find_places(q, limit)
        ]

    kept = {"cache-control": "public, max-age=86400"}

    @app.get(
        "/api/world/{zoom}/{x}/{y}.jpg",
        tags=["map"],
        response_class=Response,
        responses={200: {"content": {"image/jpeg": {}}}},
    )
    def earth(
        zoom: Annotated[int, InPath(ge=0, le=22)],
        x: Annotated[int, InPath(ge=0, le=2**22)],
        y: Annotated[int, InPath(ge=0, le=2**22)],
    ) -> Response:
        """Return a tile of the Earth from above (Blue Marble)."""
        if zoom > layers.DEEPEST_ZOOM:
            raise NoSuchJobError(f"tiles go to zoom {layers.DEEPEST_ZOOM}")
        return Response(layers.earth_tile(zoom, x, y), media_type="image/jpeg", headers=kept)

    @app.get(
        "/api/world/coast.json",
        tags=["map"],
        response_class=Response,
        responses={200: {"content": {"application/geo+json": {}}}},
    )
    def coast() -> Response:
        """Return the world's coast lines."""
        import gzip

        packed = gzip.compress(layers.coast_geojson(), 6)
        return Response(
            packed, media_type="application/geo+json", headers={**kept, "content-encoding": "gzip"}
        )


def _page_routes(app: FastAPI, service: Service) -> None:
    held = pages()

    @app.get("/api/about", tags=["service"])
    def about() -> models.About:
        """Return what this service can do, and its limits."""
        return service.about()

    @app.get("/healthz", tags=["service"])
    async def health() -> dict[str, str | int]:
        """Return that the service lives."""
        return {"status": "ok", "waiting": service.jobs.waiting, "running": service.jobs.running}

    @app.get("/metrics", tags=["service"], response_class=Response)
    def metrics() -> Response:
        """Return numbers for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/{name:path}", include_in_schema=False)
    def page(request: Request, name: str) -> Response:
        found = held.get(name or "index.html")
        if found is None:
            raise NoSuchJobError("there is no such page")
        headers = {
            "etag": f'"{found.tag}"',
            "vary": "accept-encoding",
            "cache-control": "public, max-age=31536000, immutable" if found.lasting else "no-cache",
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        if found.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            return Response(found.packed, media_type=found.kind, headers=headers)
        return Response(found.body, media_type=found.kind, headers=headers)
