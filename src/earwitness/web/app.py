"""The HTTP service: its routes put together, and its answers to errors."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from earwitness import __version__
from earwitness.errors import EarwitnessError, PluginError
from earwitness.web import models, uploads
from earwitness.web.guard import Guard
from earwitness.web.jobs import BusyError
from earwitness.web.observe import log
from earwitness.web.routes.asking import add_ask_routes
from earwitness.web.routes.jobs import add_job_routes
from earwitness.web.routes.page import add_page_routes
from earwitness.web.routes.scenes import add_scene_routes
from earwitness.web.routes.world import add_world_routes
from earwitness.web.service import FullError, NotYetError, Service
from earwitness.web.store import NoSuchJobError

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
    add_job_routes(app, service)
    add_ask_routes(app, service)
    add_scene_routes(app, service)
    add_world_routes(app, service)
    add_page_routes(app, service)

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
