"""Who may ask, and what answers may do: hosts, origins, the token, headers, sizes of bodies.

A page of another site must not be able to use a service on loopback: its requests carry its own
``Origin``, and a name that it pointed at 127.0.0.1 stands in ``Host``. Both are checked.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "earwitness"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPEN = ("/healthz",)
MOST_JSON = 4_000_000
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; font-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), accelerometer=(self), "
    "gyroscope=(self), magnetometer=(self)",
}


def host_of(value: str) -> str:
    """Return a ``Host`` header's name without its port.

    Examples
    --------
    >>> host_of("localhost:8765"), host_of("[::1]:80"), host_of("Example.org")
    ('localhost', '[::1]', 'example.org')
    """
    if value.startswith("["):
        return value.partition("]")[0].lower() + "]"
    return value.partition(":")[0].lower()


class Guard:
    """ASGI middleware in front of all else.

    Parameters
    ----------
    app
        What answers.
    hosts
        Names under which the service may be reached; empty with a token allows any.
    token
        Secret that every request must carry, or None.
    upload_bytes
        Largest body of an upload; of everything else it is :data:`MOST_JSON`.
    upload_paths
        Which paths take uploads.
    refused
        Called with a reason whenever a request is refused.
    """

    def __init__(
        self,
        app: App,
        *,
        hosts: Iterable[str],
        token: str | None,
        upload_bytes: int,
        upload_paths: Iterable[str],
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.app, self.token = app, token
        self.hosts = {host_of(host) for host in hosts}
        self._upload_bytes, self._upload_paths = upload_bytes, frozenset(upload_paths)
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the app do so."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}

        async def dressed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                held = [(k, v) for k, v in message["headers"] if k.decode().lower() != "server"]
                names = {k.decode().lower() for k, _ in held}
                held += [(k.encode(), v.encode()) for k, v in HEADERS.items() if k not in names]
                if "cache-control" not in names:
                    held.append((b"cache-control", b"no-store"))
                message["headers"] = held
            await send(message)

        why = self._why_not(scope, headers)
        if why is not None:
            self._refused(why[1])
            await _answer(dressed, why[0], why[2])
            return
        if self._enters(scope, headers):
            cookie = f"{COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            if headers.get("x-forwarded-proto") == "https" or scope.get("scheme") == "https":
                cookie += "; Secure"
            await _answer(dressed, 303, "", ((b"location", b"/"), (b"set-cookie", cookie.encode())))
            return
        most = self._upload_bytes if scope["path"] in self._upload_paths else MOST_JSON
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            self._refused("size")
            await _answer(dressed, 413, f"the body is larger than {most / 1e6:g} MB")
            return
        left = most

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                self._refused("size")
                return {"type": "http.disconnect"}
            return message

        await self.app(scope, bounded, dressed)

    def _why_not(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str, str] | None:
        host = host_of(headers.get("host", ""))
        if self.hosts and host not in self.hosts:
            return (
                421,
                "host",
                (f"this service is not reached as {host[:80]!r}; start it with --allow-host NAME"),
            )
        if scope["path"] in OPEN:
            return None
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            origin = headers.get("origin")
            if origin is not None and urlsplit(origin).netloc.lower() != headers["host"].lower():
                return 403, "origin", "requests from pages of other sites are refused"
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return 403, "origin", "requests from pages of other sites are refused"
        if self.token is not None and not (
            self._same(self._token_in(headers)) or self._enters(scope, headers)
        ):
            return (
                401,
                "token",
                (
                    "this service needs its token: open the address that it printed, or send "
                    "'Authorization: Bearer TOKEN'"
                ),
            )
        return None

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), (self.token or "").encode())

    def _token_in(self, headers: dict[str, str]) -> str:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return given.strip()
        try:
            held = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return held.value if held is not None else ""

    def _enters(self, scope: Scope, headers: dict[str, str]) -> bool:
        """Whether this is the printed address, which hands over the token once."""
        if self.token is None or scope["path"] != "/" or scope["method"] != "GET":
            return False
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        return bool(asked) and self._same(asked)


async def _answer(
    send: Send, status: int, message: str, more: tuple[tuple[bytes, bytes], ...] = ()
) -> None:
    body = json.dumps({"error": message}).encode() if message else b""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *more]})
    await send({"type": "http.response.body", "body": body})
