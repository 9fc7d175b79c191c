"""A web server on loopback whose pages misbehave on request; used by several test modules."""

from __future__ import annotations

import contextlib
import io
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """Pages by path; what is asked for is counted and its headers are kept."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.fallback: Page | None = None
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.times: list[float] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                outer.asked[path] += 1
                outer.times.append(time.monotonic())
                outer.headers[path] = dict(self.headers)
                page = outer.pages.get(path) or outer.fallback
                with contextlib.suppress(OSError):
                    if page is None:
                        body(self, 404, "text/plain", b"no such page")
                    else:
                        page(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.do_GET()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A client that hangs up is no fault, and its traceback no line of the program's.
        setattr(self.http, "handle_error", lambda *_: None)  # noqa: B010
        self.http.daemon_threads = True
        if context is not None:
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True)
        self.port = self.http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(context)
    try:
        yield server
    finally:
        server.close()


def body(
    handler: BaseHTTPRequestHandler, status: int, content_type: str, data: bytes, **headers: str
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", content_type)
    handler.send_header("Content-Length", str(len(data)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def page(status: int, content_type: str, data: bytes, **headers: str) -> Page:
    return lambda handler: body(handler, status, content_type, data, **headers)


def redirect(to: str, status: int = 302) -> Page:
    return page(status, "text/plain", b"", Location=to)


def endless(claimed: int | None) -> Page:
    """A body that never ends, its length claimed or not."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/png")
        if claimed is not None:
            handler.send_header("Content-Length", str(claimed))
        handler.send_header("Connection", "close")
        handler.end_headers()
        while True:
            handler.wfile.write(bytes(1 << 16))

    return answer


def dripping(content_type: str = "image/png", *, head: bool = False) -> Page:
    """An answer that comes a byte at a time, for ever; ``head`` drips the head."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if head:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        else:
            handler.send_response(200)
            handler.send_header("Content-Type", content_type)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
        for number in range(10000):
            handler.wfile.write(b"X-%d: a\r\n" % number if head else b"a")
            handler.wfile.flush()
            time.sleep(0.05)

    return answer


def silent(seconds: float) -> Page:
    return lambda handler: time.sleep(seconds)


def cut_short(content_type: str, data: bytes) -> Page:
    """Half of what was promised, then the connection is closed."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data[: len(data) // 2])
        handler.close_connection = True

    return answer


def in_turn(*pages: Page) -> Page:
    """One page after the other; the last one stays."""
    left = list(pages)
    return lambda handler: (left.pop(0) if len(left) > 1 else left[0])(handler)


def png(pixels: object) -> bytes:
    from PIL import Image

    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")  # type: ignore[arg-type]
    return held.getvalue()
