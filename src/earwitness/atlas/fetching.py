"""The one way onto the network: guarded, limited, patient, polite.

- Only ``http`` and ``https``, only public addresses (unless ``allow_private``). A name is looked up
  once, its addresses are checked, and the connection is made to an address that was checked; so it
  is with each redirect. A name that changes its address between the check and the connection
  gains nothing.
- Every answer has a largest size, a set of content types and a last moment.
- Errors that pass (time-outs, 429, 5xx) are tried again with a growing, random pause.
- Each host is asked at a limited rate, by a client that says who it is.
- Proxies of the environment are not used: through a proxy no address could be checked.
"""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin

from earwitness import __version__
from earwitness.atlas.addresses import Target, resolve, target
from earwitness.atlas.cache import DiskCache
from earwitness.errors import FetchError
from earwitness.extras import load

USER_AGENT = f"earwitness/{__version__} (Python package; soundscapes from imagery)"
IMAGES = ("image/png", "image/jpeg", "image/webp", "image/tiff")
JSON = ("application/json", "application/geo+json")
LARGEST_BYTES = 16 * 1024 * 1024
MOST_REDIRECTS = 5

_AGAIN = (429, 500, 502, 503, 504)
_REDIRECTS = (301, 302, 303, 307, 308)
_CHUNK = 64 * 1024
_LONGEST_PAUSE_S = 20.0


@dataclass(frozen=True)
class Fetched:
    """What came back.

    Parameters
    ----------
    body
        The bytes, whole.
    content_type
        Without parameters, in lower case: ``image/png``.
    url
        Where it came from, after redirects.
    headers
        Names in lower case.
    status
        200 or 206.
    """

    body: bytes
    content_type: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


class _Pace:
    """Lets one request to a host pass every so many seconds."""

    def __init__(self, per_s: float) -> None:
        self._step = 1.0 / per_s
        self._next: dict[str, float] = {}
        self._lock = threading.Lock()

    def pause_s(self, host: str) -> float:
        with self._lock:
            now = time.monotonic()
            due = max(now, self._next.get(host, 0.0))
            self._next[host] = due + self._step
            return due - now


class Fetcher:
    """A guarded HTTP client. It may be used from several threads.

    Parameters
    ----------
    allow_private
        Whether a link may name an address of the local network or of this machine. A redirect from
        there to another such address is refused all the same.
    cache
        What keeps bodies, or None.
    timeout_s
        Longest silence: to connect, and between two parts of an answer.
    total_s
        Longest time for one try, whatever arrives.
    tries
        How often, in all.
    rate_per_s
        Most requests a second to one host.
    user_agent
        Who we are.
    seed
        For the pauses; None is the system's.
    sleep
        What waits (tests give their own).

    Examples
    --------
    ``Fetcher().get("https://tiles.example/0/0/0.png", types=IMAGES).body``
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        cache: DiskCache | None = None,
        timeout_s: float = 10.0,
        total_s: float = 60.0,
        tries: int = 4,
        rate_per_s: float = 8.0,
        user_agent: str = USER_AGENT,
        seed: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._urllib3 = load("urllib3", "atlas", "fetching imagery")
        self.allow_private, self.cache = allow_private, cache
        self.timeout_s, self.total_s, self.tries = timeout_s, total_s, max(1, tries)
        self.user_agent = user_agent
        self._pace = _Pace(rate_per_s)
        self._rng = random.Random(seed)
        self._sleep = sleep
        self._pools: dict[tuple[str, str, int, str], Any] = {}
        self._lock = threading.Lock()

    def get(
        self,
        url: str,
        *,
        types: Sequence[str] = IMAGES,
        largest_bytes: int = LARGEST_BYTES,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        cached: bool = True,
        accept: Callable[[bytes], object] | None = None,
    ) -> Fetched:
        """Fetch a body.

        Parameters
        ----------
        url
            ``http`` or ``https``.
        types
            Content types that are taken; one that ends in ``/`` takes the whole family; none takes
            every type.
        largest_bytes
            Most that is read.
        headers
            More to send.
        params
            Added to the query.
        cached
            Whether the cache is asked and told.
        accept
            Looks at a body before it is kept and raises :class:`FetchError` where it is damaged;
            with ``passing``, it is fetched again.

        Raises
        ------
        FetchError
            With what was wrong and what to do; its ``status`` holds the HTTP status if there
            was one.
        """
        if params:
            url += ("&" if "?" in url else "?") + urlencode(dict(params))
        use = self.cache if cached and not headers else None
        if use is not None:
            target(url)  # a link that may not be fetched is not answered from the cache either
            held = use.get(url)
            if held is not None and len(held[0]) <= largest_bytes and _fits(held[1], types):
                if accept is not None:
                    accept(held[0])
                return Fetched(held[0], held[1], url)
        got = self._patient("GET", url, None, types, largest_bytes, headers or {}, accept)
        if use is not None and "no-store" not in got.headers.get("cache-control", ""):
            use.put(url, got.body, got.content_type)
        return got

    def post(
        self,
        url: str,
        body: bytes,
        *,
        types: Sequence[str] = JSON,
        largest_bytes: int = LARGEST_BYTES,
        headers: Mapping[str, str] | None = None,
    ) -> Fetched:
        """Send a body (JSON unless ``headers`` say otherwise) and return the answer."""
        sent = {"Content-Type": "application/json", **(headers or {})}
        return self._patient("POST", url, body, types, largest_bytes, sent)

    def _patient(
        self,
        method: str,
        url: str,
        body: bytes | None,
        types: Sequence[str],
        largest_bytes: int,
        headers: Mapping[str, str],
        accept: Callable[[bytes], object] | None = None,
    ) -> Fetched:
        for number in range(1, self.tries + 1):
            try:
                got = self._follow(method, url, body, types, largest_bytes, headers)
                if accept is not None:
                    accept(got.body)
                return got
            except FetchError as error:
                if not error.passing or number == self.tries:
                    raise
                # Full jitter: many clients that failed together do not come back together.
                pause = self._rng.uniform(0.0, min(_LONGEST_PAUSE_S, 0.5 * 2.0**number))
                self._sleep(max(pause, getattr(error, "retry_after_s", 0.0)))
        raise FetchError(f"{url[:100]} was not fetched")  # for type checkers: tries is at least 1

    def _follow(
        self,
        method: str,
        url: str,
        body: bytes | None,
        types: Sequence[str],
        largest_bytes: int,
        headers: Mapping[str, str],
    ) -> Fetched:
        last = time.monotonic() + self.total_s
        first = target(url)
        for _ in range(MOST_REDIRECTS + 1):
            aim = target(url)
            sent = dict(headers)
            if aim.authority != first.authority:
                sent.pop("Authorization", None)
            # A private server that the user named may not send on to another private one.
            private = self.allow_private and aim.authority == first.authority
            with self._answer(method, aim, body, sent, last, private) as answer:
                place = answer.headers.get("Location")
                if answer.status in _REDIRECTS and place:
                    url = urljoin(url, place)
                    if answer.status in (301, 302, 303) and method == "POST":
                        method, body = "GET", None
                    continue
                return self._read(answer, aim, url, types, largest_bytes, last)
        raise FetchError(
            f"{first.host} sends from one link to the next more than {MOST_REDIRECTS} times"
        )

    @contextlib.contextmanager
    def _answer(
        self,
        method: str,
        aim: Target,
        body: bytes | None,
        headers: Mapping[str, str],
        last: float,
        private: bool,
    ) -> Any:
        """Connect to a checked address, send, and give the answer with its head read."""
        self._sleep(self._pace.pause_s(aim.host))
        addresses = resolve(aim.host, aim.port, allow_private=private)
        errors = self._urllib3.exceptions
        sent = {
            "Host": aim.authority,
            "User-Agent": self.user_agent,
            "Accept-Encoding": "identity",
            **headers,
        }
        answer = None
        trouble: Exception | None = None
        for address in addresses[:3]:
            pool = self._pool(aim, address)
            _Deadline.arm(last)
            try:
                answer = pool.urlopen(
                    method,
                    aim.path,
                    body=body,
                    headers=sent,
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    assert_same_host=False,
                    timeout=self._urllib3.Timeout(connect=self.timeout_s, read=self.timeout_s),
                )
                break
            except (errors.HTTPError, OSError) as error:
                trouble = error
            finally:
                _Deadline.disarm()
        if answer is None:
            raise self._trouble(aim, trouble, last) from trouble
        try:
            yield answer
        finally:
            answer.close()

    def _pool(self, aim: Target, address: str) -> Any:
        key = (aim.scheme, aim.host, aim.port, address)
        with self._lock:
            if key not in self._pools:
                if aim.scheme == "https":
                    # The certificate is the name's, though the connection is to the address.
                    pool = self._urllib3.HTTPSConnectionPool(
                        address,
                        aim.port,
                        maxsize=8,
                        cert_reqs="CERT_REQUIRED",
                        server_hostname=aim.host,
                        assert_hostname=aim.host,
                    )
                else:
                    pool = self._urllib3.HTTPConnectionPool(address, aim.port, maxsize=8)
                pool.ConnectionCls = _watched(pool.ConnectionCls)
                self._pools[key] = pool
            return self._pools[key]

    def _read(
        self,
        answer: Any,
        aim: Target,
        url: str,
        types: Sequence[str],
        largest_bytes: int,
        last: float,
    ) -> Fetched:
        if time.monotonic() > last:
            raise _too_slow(aim, self.total_s)
        told = {name.lower(): str(value) for name, value in answer.headers.items()}
        content_type = told.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status in _AGAIN:
            raise _again(aim, answer.status, told)
        if answer.status not in (200, 206):
            raise FetchError(
                f"{aim.host} answered {answer.status} {answer.reason or ''} for {aim.path[:100]}; "
                f"check the link",
                status=answer.status,
            )
        if not _fits(content_type, types):
            raise FetchError(
                f"{aim.host} sent {content_type or 'no content type'} where "
                f"{' or '.join(types)} was expected; check that the link is one of a file",
                status=answer.status,
            )
        size = told.get("content-length", "")
        if size.isdigit() and int(size) > largest_bytes:
            raise _too_large(aim, int(size), largest_bytes)
        body = bytearray()
        errors = self._urllib3.exceptions
        try:
            while chunk := answer.read1(_CHUNK):
                body += chunk
                if len(body) > largest_bytes:
                    raise _too_large(aim, None, largest_bytes)
                if time.monotonic() > last:
                    raise _too_slow(aim, self.total_s)
        except (errors.HTTPError, OSError) as error:
            raise self._trouble(aim, error, last) from error
        if size.isdigit() and len(body) < int(size) and "content-encoding" not in told:
            raise FetchError(
                f"{aim.host} closed the connection after {len(body)} of {size} bytes", passing=True
            )
        return Fetched(bytes(body), content_type, url, told, answer.status)

    def _trouble(self, aim: Target, error: Exception | None, last: float) -> FetchError:
        errors = self._urllib3.exceptions
        if time.monotonic() >= last:
            return _too_slow(aim, self.total_s)
        if isinstance(error, errors.SSLError):
            return FetchError(f"{aim.host} has no valid certificate: {error}")
        if isinstance(error, errors.NewConnectionError | ConnectionRefusedError):
            return FetchError(
                f"{aim.authority} cannot be reached; check the link and the network", passing=True
            )
        if isinstance(error, errors.TimeoutError | TimeoutError):
            return FetchError(
                f"{aim.host} was silent for {self.timeout_s:g} s; try again later", passing=True
            )
        if isinstance(error, errors.IncompleteRead) or "IncompleteRead" in str(error):
            return FetchError(
                f"{aim.host} closed the connection in the middle; try again later", passing=True
            )
        return FetchError(f"the connection to {aim.host} broke: {error}", passing=True)


def _fits(content_type: str, types: Sequence[str]) -> bool:
    return not types or any(
        content_type.startswith(one) if one.endswith("/") else content_type == one for one in types
    )


def _again(aim: Target, status: int, told: Mapping[str, str]) -> FetchError:
    error = FetchError(
        f"{aim.host} answered {status}, which may pass; try again later"
        + (", more slowly" if status == 429 else ""),
        status=status,
        passing=True,
    )
    after = told.get("retry-after", "")
    if after.isdigit():
        error.retry_after_s = min(float(after), _LONGEST_PAUSE_S)  # type: ignore[attr-defined]
    return error


def _too_large(aim: Target, size: int | None, largest: int) -> FetchError:
    held = f"{size} bytes" if size is not None else f"more than {largest} bytes"
    return FetchError(f"{aim.host} sends {held}; at most {largest} are taken. Check the link")


def _too_slow(aim: Target, total_s: float) -> FetchError:
    return FetchError(f"{aim.host} took longer than {total_s:g} s; try again later", passing=True)


class _Deadline:
    """Cuts the thread's connection off when an answer's head drips in too slowly."""

    _here = threading.local()

    @classmethod
    def arm(cls, last: float) -> None:
        held: list[Any] = []

        def cut() -> None:
            for connection in held:
                sock = getattr(connection, "sock", None)
                if sock is not None:
                    with contextlib.suppress(OSError):
                        sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(max(0.0, last - time.monotonic()), cut)
        timer.daemon = True
        cls._here.held, cls._here.timer = held, timer
        timer.start()

    @classmethod
    def disarm(cls) -> None:
        cls._here.timer.cancel()

    @classmethod
    def watch(cls, connection: Any) -> None:
        held = getattr(cls._here, "held", None)
        if held is not None:
            held.append(connection)


def _watched(kind: Any) -> Any:
    """Return a kind of connection that tells :class:`_Deadline` of itself when it is used."""

    class Watched(kind):  # type: ignore[misc]
        def request(self, *args: Any, **kwargs: Any) -> Any:
            _Deadline.watch(self)
            return super().request(*args, **kwargs)

    return Watched
