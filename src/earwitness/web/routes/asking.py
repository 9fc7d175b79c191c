"""Routes of what is asked for: pictures, words, places, maps, scenes."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.concurrency import run_in_threadpool

from earwitness.errors import OptionError, PluginError
from earwitness.web import layers, models, uploads, work
from earwitness.web.service import Service
from earwitness.web.store import Record

_OCTETS: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def add_ask_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of what is asked for: pictures, words, places, maps, scenes."""
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
