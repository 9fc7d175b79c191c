"""Routes of maps, towns and the Earth below them."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from earwitness.web import layers, models
from earwitness.web.routes.identity import JobId
from earwitness.web.service import Service
from earwitness.web.store import NoSuchJobError


def add_world_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of maps, towns and the Earth below them."""

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
