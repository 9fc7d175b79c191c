"""Routes of the page, and of who watches the service."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from earwitness.web import models
from earwitness.web.pages import pages
from earwitness.web.service import Service
from earwitness.web.store import NoSuchJobError


def add_page_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of the page, and of who watches the service."""
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
