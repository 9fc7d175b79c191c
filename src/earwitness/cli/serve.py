"""``earwitness serve``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""\b
Examples
  earwitness serve
  earwitness serve --port 9000 --no-open
  earwitness serve --host 0.0.0.0 --allow-host sounds.example.org
"""
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen at. Anything but loopback needs a token, which is printed.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True)
@click.option(
    "--token",
    envvar="EARWITNESS_TOKEN",
    help="Secret that opens the service.  [default: none on loopback, else drawn at random]",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    metavar="NAME",
    help="A name under which the service is reached, as behind a proxy; may be given often.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder for jobs and results.  [default: earwitness/serve in the user's cache]",
)
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that work at once.")
@click.option(
    "--upload-mb", type=float, default=200.0, show_default=True, help="Largest file taken."
)
@click.option("--keep-hours", type=float, default=24.0, show_default=True, help="How long to keep.")
@click.option("--queue", type=int, default=100, show_default=True, help="Most jobs that wait.")
@click.option(
    "--job-seconds", type=float, default=600.0, show_default=True, help="Longest a job may take."
)
@click.option("--tiles", multiple=True, metavar="NAME", help="Imagery offered beside builtin.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser.")
def serve(
    host: str,
    port: int,
    token: str | None,
    hosts: tuple[str, ...],
    data: Path | None,
    workers: int | None,
    upload_mb: float,
    keep_hours: float,
    queue: int,
    job_seconds: float,
    tiles: tuple[str, ...],
    opens: bool,
) -> None:
    """Serve the page: drop in a picture, click the map, listen, walk, edit.

    Everything stays on this machine: the page asks no other host for anything. Stop with Ctrl-C.
    """
    from earwitness.extras import load

    load("fastapi", "web", "the page")
    load("uvicorn", "web", "the page")
    load("prometheus_client", "web", "the page")
    from earwitness.web.limits import Limits
    from earwitness.web.running import run

    usual = Limits()
    run(
        host=host,
        port=port,
        token=token,
        hosts=hosts,
        data=data,
        tiles=tiles,
        limits=Limits(
            workers=workers or usual.workers,
            upload_mb=upload_mb,
            keep_h=keep_hours,
            queue=queue,
            job_s=job_seconds,
        ),
        open_page=opens,
    )
