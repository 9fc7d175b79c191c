"""Starting the service: addresses, the token, the log, the browser."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
import threading
import webbrowser
from pathlib import Path
from typing import Any

from earwitness.errors import OptionError
from earwitness.media.memory import cache_folder
from earwitness.web.guard import LOOPBACK
from earwitness.web.limits import Limits
from earwitness.web.observe import log, write_log


def is_loopback(host: str) -> bool:
    """Return whether an address is this machine's own.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def run(
    *,
    host: str,
    port: int,
    token: str | None,
    hosts: tuple[str, ...],
    data: Path | None,
    tiles: tuple[str, ...],
    limits: Limits,
    open_page: bool,
) -> None:
    """Serve until stopped.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one.
    token
        Secret; drawn when the address is not loopback.
    hosts
        More names under which the service is reached.
    data
        Folder of jobs; None is in the user's cache.
    tiles
        Imagery offered beside the built-in one.
    limits
        Bounds.
    open_page
        Whether to open a browser.

    Raises
    ------
    OptionError
        If the address cannot be listened at.
    """
    import uvicorn

    from earwitness.web.app import make_app
    from earwitness.web.service import Service

    own = is_loopback(host)
    if token is not None and len(token) < 12:
        raise OptionError("the token is shorter than 12 characters; give a longer one")
    secret = token or (None if own else secrets.token_urlsafe(24))
    # Beyond loopback the token stands against rebinding; names are checked where they are given.
    names = (*LOOPBACK, *hosts, host) if own or hosts else ()
    writer = write_log(sys.stderr)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host.strip("[]"), port))
    except (OSError, OverflowError) as error:
        raise OptionError(
            f"cannot listen at {host} port {port}: {getattr(error, 'strerror', error)}; "
            f"choose another --port"
        ) from error
    listening.listen(256)  # from here on whoever comes is kept waiting, not turned away
    port = int(listening.getsockname()[1])
    service = Service(data or cache_folder() / "serve", limits, tiles=tiles)
    app = make_app(service, hosts=names, token=secret)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
    if secret is not None:
        address += f"?token={secret}"
    print(f"earwitness listens at {address}", flush=True)  # noqa: T201
    settings: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False}
    server = uvicorn.Server(
        uvicorn.Config(app, timeout_graceful_shutdown=3, timeout_keep_alive=15, **settings)
    )
    if open_page and own:
        threading.Timer(1.0, lambda: webbrowser.open(address)).start()
    log("service starts", port=port, workers=limits.workers, features=service.features)
    try:
        server.run(sockets=[listening])
    finally:
        writer.stop()
