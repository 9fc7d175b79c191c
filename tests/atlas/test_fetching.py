"""The guarded fetcher, against servers on loopback that misbehave."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
import warnings

import numpy as np
import pytest

pytest.importorskip("urllib3", reason="the extra [atlas] is not installed")

from earwitness.atlas import addresses
from earwitness.atlas.cache import DiskCache
from earwitness.atlas.fetching import USER_AGENT, Fetcher
from earwitness.errors import FetchError

from .servers import (
    cut_short,
    dripping,
    endless,
    in_turn,
    page,
    redirect,
    serving,
    silent,
)

BODY = b"\x89PNG a body"


@pytest.fixture
def server():
    with serving() as running:
        running.pages["/ok"] = page(200, "image/png", BODY)
        yield running


def fetcher(**options):
    options = {"allow_private": True, "tries": 1, "timeout_s": 10.0, "total_s": 30.0, **options}
    return Fetcher(rate_per_s=1000.0, seed=0, **options)


def test_a_body_comes_back_with_its_type_and_the_server_is_told_who_asks(server):
    got = fetcher().get(f"{server.url}/ok")
    assert (got.body, got.content_type, got.status) == (BODY, "image/png", 200)
    assert server.headers["/ok"]["User-Agent"] == USER_AGENT
    assert server.headers["/ok"]["Host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:{port}/ok",
        "http://0.0.0.0:{port}/ok",
        "http://2130706433:{port}/ok",  # 127.0.0.1 as one number
        "http://[::1]:{port}/ok",
        "http://[::ffff:127.0.0.1]:{port}/ok",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://224.0.0.1/",
    ],
)
def test_no_private_address_is_reached(server, url):
    with pytest.raises(FetchError, match=r"private address|is not found"):
        fetcher(allow_private=False).get(url.format(port=server.port))
    assert not server.asked


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a.png",
        "gopher://example.org/",
        "//example.org/a",
        "http:///a",
        "http://user:word@example.org/",
        "http://example.org:99999/",
        "http://example.org/a\r\nHost: b",
        "http://" + "a" * 5000,
        "",
    ],
)
def test_what_is_no_link_is_refused(url):
    with pytest.raises(FetchError):
        fetcher().get(url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "to", ["http://10.0.0.1/a.png", "http://169.254.169.254/", "http://localhost:1/"]
)
def test_a_redirect_to_another_private_address_is_refused(server, status, to):
    server.pages["/away"] = redirect(to, status)
    with pytest.raises(FetchError, match="private address"):
        fetcher().get(f"{server.url}/away")


def test_a_redirect_to_a_file_is_refused(server):
    server.pages["/away"] = redirect("file:///etc/passwd")
    with pytest.raises(FetchError, match="no link that is fetched"):
        fetcher().get(f"{server.url}/away")


def test_a_redirect_on_the_same_server_is_followed_and_a_circle_is_not(server):
    server.pages["/once"] = redirect("/ok")
    server.pages["/circle"] = redirect("/circle")
    got = fetcher().get(f"{server.url}/once")
    assert (got.body, got.url) == (BODY, f"{server.url}/ok")
    with pytest.raises(FetchError, match="more than 5 times"):
        fetcher().get(f"{server.url}/circle")
    assert server.asked["/circle"] == 6


def test_the_connection_goes_to_the_address_that_was_checked(server, monkeypatch):
    """A name whose address changes after the check (DNS rebinding) gains nothing."""
    asked = []

    def lookup(host, port, **rest):
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", lookup)
    connected = []

    def connect(address, *args, **rest):
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    with pytest.raises(FetchError, match="cannot be reached"):
        fetcher(allow_private=False).get(f"http://rebind.example:{server.port}/ok")
    assert asked == ["rebind.example"]
    assert connected == ["93.184.215.14"]


def test_a_name_with_a_public_and_a_private_address_is_refused(monkeypatch):
    rows = [(2, 1, 6, "", (a, 80)) for a in ("93.184.215.14", "10.1.2.3")]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *a, **k: rows)
    with pytest.raises(FetchError, match=r"10\.1\.2\.3, a private address"):
        fetcher(allow_private=False).get("http://both.example/")


@pytest.mark.parametrize("claimed", [5_000_000_000, None])
def test_a_body_too_large_is_not_read(server, claimed):
    server.pages["/huge"] = endless(claimed)
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"sends .* bytes; at most 100000 are taken"):
        fetcher().get(f"{server.url}/huge", largest_bytes=100_000)
    assert time.monotonic() - start < 4.5


def test_a_compressed_bomb_is_not_unpacked(server):
    import gzip

    server.pages["/bomb"] = page(
        200, "image/png", gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"
    )
    with pytest.raises(FetchError, match="more than 1000000 bytes"):
        fetcher().get(f"{server.url}/bomb", largest_bytes=1_000_000)


@pytest.mark.parametrize("slow", [dripping(), dripping(head=True), silent(5.0)])
def test_a_slow_server_is_left_in_time(server, slow):
    server.pages["/slow"] = slow
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"took longer than 1 s|was silent for 0.5 s"):
        fetcher(timeout_s=0.5, total_s=1.0).get(f"{server.url}/slow")
    assert time.monotonic() - start < 4.5


def test_the_wrong_content_type_is_refused(server):
    server.pages["/page"] = page(200, "text/html; charset=utf-8", b"<html>")
    with pytest.raises(FetchError, match="sent text/html where image/png"):
        fetcher().get(f"{server.url}/page")
    assert fetcher().get(f"{server.url}/page", types=("text/",)).body == b"<html>"


def test_a_body_cut_short_is_told(server):
    server.pages["/short"] = cut_short("image/png", bytes(1000))
    with pytest.raises(FetchError, match=r"closed the connection|broke"):
        fetcher().get(f"{server.url}/short")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again_with_growing_pauses(server, status):
    bad = page(status, "text/plain", b"")
    server.pages["/late"] = in_turn(bad, bad, bad, page(200, "image/png", BODY))
    pauses = []
    got = fetcher(tries=4, sleep=pauses.append).get(f"{server.url}/late")
    waited = [pause for pause in pauses if pause > 0.01]
    assert (got.body, server.asked["/late"]) == (BODY, 4)
    assert len(waited) == 3
    assert all(pause <= 0.5 * 2 ** (n + 1) for n, pause in enumerate(waited))
    assert len(set(waited)) == 3


def test_a_server_that_says_when_to_come_back_is_heeded_within_reason(server):
    server.pages["/wait"] = in_turn(
        page(503, "text/plain", b"", Retry_After="7"),
        page(503, "text/plain", b"", Retry_After="86400"),
        page(200, "image/png", BODY),
    )
    pauses = []
    fetcher(tries=3, sleep=pauses.append).get(f"{server.url}/wait")
    assert [pause for pause in pauses if pause > 5] == [7.0, 20.0]


def test_what_does_not_pass_is_not_tried_again(server):
    with pytest.raises(FetchError, match="answered 404") as caught:
        fetcher(tries=4, sleep=lambda s: None).get(f"{server.url}/nothing")
    assert caught.value.status == 404
    assert server.asked["/nothing"] == 1


def test_a_server_that_is_down_gives_one_error_after_all_tries():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    pauses = []
    with pytest.raises(FetchError, match="cannot be reached"):
        fetcher(tries=3, sleep=pauses.append).get(f"http://127.0.0.1:{port}/a.png")
    assert len([pause for pause in pauses if pause > 0.01]) == 2


def test_a_host_is_asked_at_a_limited_rate(server):
    pauses = []  # that are asked for and not made: the clock stands nearly still
    client = Fetcher(allow_private=True, rate_per_s=0.01, sleep=pauses.append)
    for _ in range(5):
        client.get(f"{server.url}/ok")
    assert np.diff(pauses) == pytest.approx(np.full(4, 100.0), abs=5.0)


def test_the_cache_answers_the_second_time(server, tmp_path):
    for _ in range(2):
        client = fetcher(cache=DiskCache(tmp_path))
        assert client.get(f"{server.url}/ok").body == BODY
    assert server.asked["/ok"] == 1


def test_what_may_not_be_stored_is_not(server, tmp_path):
    server.pages["/secret"] = page(200, "image/png", BODY, Cache_Control="no-store")
    client = fetcher(cache=DiskCache(tmp_path))
    client.get(f"{server.url}/secret")
    client.get(f"{server.url}/secret")
    assert server.asked["/secret"] == 2


def test_a_cached_body_that_was_damaged_is_fetched_again(server, tmp_path):
    client = fetcher(cache=DiskCache(tmp_path))
    client.get(f"{server.url}/ok")
    (file,) = tmp_path.glob("*.fetched")
    file.write_bytes(file.read_bytes()[:-3])
    assert client.get(f"{server.url}/ok").body == BODY
    assert server.asked["/ok"] == 2


def test_a_stale_body_is_fetched_again(server, tmp_path):
    client = fetcher(cache=DiskCache(tmp_path, oldest_s=0.0))
    client.get(f"{server.url}/ok")
    time.sleep(0.02)
    client.get(f"{server.url}/ok")
    assert server.asked["/ok"] == 2


def test_the_cache_stays_within_its_size(tmp_path):
    cache = DiskCache(tmp_path, largest_bytes=200_000)
    for number in range(161):
        cache.put(f"http://a.example/{number}", bytes(10_000), "image/png")
    # It looks every 32 bodies, so it may be above the limit by that many.
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 200_000 + 32 * 10_100
    assert cache.get("http://a.example/160") is not None
    assert cache.get("http://a.example/0") is None


def test_a_cache_that_cannot_be_written_is_said_once_and_the_body_comes_all_the_same(
    server, tmp_path, monkeypatch
):
    def full(*args, **rest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkstemp", full)
    client = fetcher(cache=DiskCache(tmp_path))
    with pytest.warns(UserWarning, match="No space left on device"):
        assert client.get(f"{server.url}/ok").body == BODY
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert client.get(f"{server.url}/ok").body == BODY


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_a_certificate_is_checked_against_the_name_and_not_the_address(certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    with serving(context) as server:
        server.pages["/ok"] = page(200, "image/png", BODY)
        assert fetcher().get(f"https://localhost:{server.port}/ok").body == BODY
        with pytest.raises(FetchError, match="no valid certificate"):
            fetcher().get(f"https://127.0.0.1:{server.port}/ok")
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(context) as server, pytest.raises(FetchError, match="no valid certificate"):
        fetcher().get(f"https://localhost:{server.port}/ok")
