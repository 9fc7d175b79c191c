"""The service by its API: what is taken, what is refused, what is kept, what survives."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .serving import Served, serving

pytest.importorskip("fastapi", reason="needs the extra [web]")
httpx = pytest.importorskip("httpx", reason="needs the package httpx (extra [dev])")

from earwitness.web.uploads import kind_of, plain_name  # noqa: E402

OCTETS = {"content-type": "application/octet-stream"}


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[Any]:
    with httpx.Client(base_url=served.url, timeout=60) as made:
        yield made


def wait(client: Any, job: str, longest_s: float = 90) -> dict[str, Any]:
    """Wait until a job is over."""
    until = time.monotonic() + longest_s
    while time.monotonic() < until:
        made = client.get(f"/api/jobs/{job}").json()
        if made["state"] in ("done", "failed", "cancelled"):
            return dict(made)
        time.sleep(0.1)
    raise AssertionError(f"not over: {made}")


@pytest.fixture(scope="module")
def scene(client: Any) -> str:
    """The job of a scene made of words."""
    asked = {"words": "a dog barking, light rain", "duration_s": 1}
    job = client.post("/api/words", json=asked).json()["id"]
    assert wait(client, job)["state"] == "done"
    return str(job)


def jpeg(width: int = 64, height: int = 48, **options: Any) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return stream.getvalue()


def send(client: Any, body: bytes, name: str = "a.jpg", path: str = "/api/listen") -> Any:
    return client.post(path, params={"name": name}, content=body, headers=OCTETS)


def refused(answer: Any, *statuses: int) -> str:
    """Check that an answer is a refusal that says what is wrong; return what it says."""
    assert answer.status_code in statuses, (answer.status_code, answer.text)
    told = answer.json()["error"]
    assert len(told) > 15 and "Traceback" not in told and "/upload-" not in told
    return str(told)


# What is served.


def test_health_metrics_and_openapi_are_there(client: Any) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    assert "earwitness_queue" in client.get("/metrics").text
    paths = client.get("/api/openapi.json").json()["paths"]
    assert {"/api/listen", "/api/visit", "/api/map", "/api/jobs/{job}/events"} <= set(paths)


def test_every_answer_carries_a_strict_policy(client: Any) -> None:
    for path in ("/", "/api/about", "/nowhere", "/api/jobs/x"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_progress_comes_as_server_sent_events_until_the_end(client: Any) -> None:
    asked = {"words": "a fountain", "duration_s": 1}
    job = client.post("/api/words", json=asked).json()["id"]
    states = []
    with client.stream("GET", f"/api/jobs/{job}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                states.append(json.loads(line[6:]))
    assert states[-1]["state"] == "done"
    assert [s["done"] for s in states] == sorted(s["done"] for s in states)
    assert any(s["seen"] and s["state"] == "running" for s in states), "seen before it sounds"


def test_a_job_that_waits_has_a_place_in_the_queue_and_can_be_cancelled(client: Any) -> None:
    asked = {"words": "surf on sand, thunder, a motorway", "duration_s": 30}
    jobs = [client.post("/api/words", json=asked).json() for _ in range(3)]
    assert jobs[2]["position"] >= 1
    for job in reversed(jobs):
        assert client.post(f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


def test_downloads_are_made_in_any_layout(client: Any, scene: str) -> None:
    import soundfile

    for what, channels in (("binaural", 2), ("5.1", 6), ("adm", None)):
        job = client.post(f"/api/jobs/{scene}/downloads", json={"what": what}).json()["id"]
        assert wait(client, job)["state"] == "done"
        sound = soundfile.info(io.BytesIO(client.get(f"/api/jobs/{job}/file").content))
        assert sound.frames == sound.samplerate
        assert channels in (None, sound.channels)
    told = refused(client.post(f"/api/jobs/{scene}/downloads", json={"what": "9.1"}), 422)
    assert "9.1" in told
    refused(client.post(f"/api/jobs/{scene}/downloads", json={"what": "clip"}), 422)


def test_moving_a_source_needs_no_new_sound_and_renaming_makes_only_its_own(
    client: Any, scene: str
) -> None:
    before = client.get(f"/api/jobs/{scene}/scene").json()
    edit = json.loads(json.dumps(before["scene"]))
    edit["sources"][0]["positions"][0][1:3] = [0.0, 30.0]
    made = client.put(f"/api/jobs/{scene}/scene", json=edit).json()
    assert made["voicing"] is None and made["view"]["stems"] == before["stems"]
    assert "to the left" in made["view"]["words"]
    edit["sources"][0]["name"] = "a wolf howling"
    made = client.put(f"/api/jobs/{scene}/scene", json=edit).json()
    assert wait(client, made["voicing"]["id"])["state"] == "done"
    after = client.get(f"/api/jobs/{scene}/scene").json()
    changed = {key for key in after["stems"] if after["stems"][key] != before["stems"][key]}
    assert changed == {edit["sources"][0]["id"]}
    assert after["scene"]["sources"][0]["concept"] == "wolf"
    back = client.put(f"/api/jobs/{scene}/scene", json=before["scene"]).json()
    wait(client, back["voicing"]["id"])


def test_words_add_to_a_scene_and_leave_the_rest_as_it_is(client: Any, scene: str) -> None:
    before = client.get(f"/api/jobs/{scene}/scene").json()
    made = client.post(f"/api/jobs/{scene}/sounds", json={"words": "church bells, a dog"}).json()
    assert wait(client, made["voicing"]["id"])["state"] == "done"
    after = client.get(f"/api/jobs/{scene}/scene").json()
    kept = len(before["scene"]["sources"])
    assert after["scene"]["sources"][:kept] == before["scene"]["sources"]
    assert {s["concept"] for s in after["scene"]["sources"][kept:]} == {"church-bells", "dog"}
    assert {key: after["stems"][key] for key in before["stems"]} == before["stems"]
    assert after["voiced"]
    told = refused(client.post(f"/api/jobs/{scene}/sounds", json={"words": "qwertyuiop"}), 422)
    assert "qwertyuiop" in told
    assert client.put(f"/api/jobs/{scene}/scene", json=before["scene"]).status_code == 200


def test_a_map_of_the_whole_world_through_the_day_is_taken(client: Any) -> None:
    if not client.get("/api/about").json()["features"]["map"]:
        pytest.skip("needs the extra [atlas]")
    asked = {"west_deg": -180, "south_deg": -85, "east_deg": 180, "north_deg": 85}
    answer = client.post("/api/map", json=asked | {"queries": ["surf"], "hours": [0, 6, 12, 18]})
    assert answer.status_code == 202
    client.delete(f"/api/jobs/{answer.json()['id']}")
    fine = client.post("/api/map", json=asked | {"queries": ["surf"], "step_deg": 0.5})
    assert "60000" in refused(fine, 422)


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    from earwitness.web.observe import log, write_log

    read = threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            read.wait(10)
            return super().write(text)

    stream = Slow()
    writer = write_log(stream)
    for number in range(100):
        log("event", number=number, job="a" * 24)
    assert stream.getvalue() == ""  # all were handed on, none is written yet
    read.set()
    writer.stop()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["number"] for line in lines] == list(range(100))
    assert {line["job"] for line in lines} == {"a" * 6}, "whoever knows an id may see the job"


# What is refused.


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s["sources"][0].update(stem="../../../../etc/passwd"),
        lambda s: s["sources"][0].update(level_db=1e9),
        lambda s: s["sources"][0].update(id="../x"),
        lambda s: s.update(duration_s=86400),
        lambda s: s.update(seed=7),
        lambda s: s.update(schema="other"),
        lambda s: s["sources"][0].update(spread=3),
        lambda s: s["sources"].append(dict(s["sources"][0])),
    ],
)
def test_a_wrong_edit_is_refused_and_changes_nothing(client: Any, scene: str, change: Any) -> None:
    before = client.get(f"/api/jobs/{scene}/scene").json()["scene"]
    edit = json.loads(json.dumps(before))
    change(edit)
    refused(client.put(f"/api/jobs/{scene}/scene", json=edit), 422)
    assert client.get(f"/api/jobs/{scene}/scene").json()["scene"] == before


def test_a_stem_named_by_the_client_is_never_opened(client: Any, scene: str) -> None:
    edit = client.get(f"/api/jobs/{scene}/scene").json()["scene"]
    true = edit["sources"][0]["stem"]
    edit["sources"][0]["stem"] = "stems/other.flac"
    made = client.put(f"/api/jobs/{scene}/scene", json=edit).json()
    assert made["view"]["scene"]["sources"][0]["stem"] == true


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2fapp.py",
        "/api/jobs/..%2f..%2fetc/scene",
        "/api/jobs/........................../scene",
        "/api/jobs/{job}/stems/..%2f..%2frecord.json",
        "/api/jobs/{job}/stems/record.json",
        "/api/jobs/{job}/map/..%2fvalues.png",
    ],
)
def test_no_path_leaves_its_place(served: Served, client: Any, scene: str, path: str) -> None:
    import http.client
    from urllib.parse import urlsplit

    wire = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=20)
    wire.request("GET", path.replace("{job}", scene))  # unlike httpx it sends the path as it is
    answer = wire.getresponse()
    body = answer.read()
    assert answer.status in (404, 409, 422), body[:200]
    assert b"root:" not in body and b"created_s" not in body and b"import" not in body


def test_ids_cannot_be_guessed_or_listed(client: Any, scene: str) -> None:
    assert len(scene) == 24
    assert client.get("/api/jobs").status_code == 404
    other = ("A" if scene[0] != "A" else "B") + scene[1:]
    assert client.get(f"/api/jobs/{other}").status_code == 404


@pytest.mark.parametrize(
    "tiles",
    [
        "http://169.254.169.254/latest/meta-data/{z}/{x}/{y}",
        "http://localhost:22/{z}/{x}/{y}.png",
        "file:///etc/passwd",
        "/etc/passwd",
    ],
)
def test_no_address_from_a_client_is_fetched(client: Any, tiles: str) -> None:
    about = client.get("/api/about").json()
    asked = {"lat_deg": 38.7, "lon_deg": -9.1, "tiles": tiles}
    told = refused(client.post("/api/visit", json=asked), 422, 501)
    assert "imagery" in told or not about["features"]["visit"]


def test_pages_of_other_sites_and_other_names_are_refused(served: Served, client: Any) -> None:
    words = {"words": "a dog"}
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
    ):
        refused(client.post("/api/words", json=words, headers=headers), 403)
    refused(client.get("/api/about", headers={"host": "evil.example"}), 421)
    same = client.post(
        "/api/words", json={"words": "nothing known"}, headers={"origin": served.url.rstrip("/")}
    )
    assert same.status_code == 422


def test_bodies_above_the_limit_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, "--upload-mb", "0.5", "--workers", "1") as made:
        with httpx.Client(base_url=made.url, timeout=30) as client:
            told = refused(send(client, jpeg() + b"0" * 600_000), 413)
            assert "0.5 MB" in told

            def endless() -> Iterator[bytes]:  # without a length, as a stream
                for _ in range(200):
                    yield jpeg()[:1000] + b"0" * 50_000

            try:
                answer = client.post("/api/listen", content=endless(), headers=OCTETS)
                assert answer.status_code == 413
            except httpx.TransportError:
                pass  # the service hung up while more was being sent
            refused(client.post("/api/words", content=b" " * 5_000_000), 413)
            assert client.get("/healthz").status_code == 200
        assert not list(tmp_path.glob("upload-*"))


def test_beyond_loopback_a_token_is_needed(tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0", "--workers", "1") as made:
        where, _, token = made.url.partition("?token=")
        assert len(token) >= 24
        with httpx.Client(base_url=where, timeout=30) as client:
            assert client.get("/healthz").status_code == 200
            refused(client.get("/api/about"), 401)
            refused(client.get("/api/about", headers={"authorization": "Bearer wrong"}), 401)
            refused(client.get("/", params={"token": "wrong"}), 401)
            bearer = {"authorization": f"Bearer {token}"}
            assert client.get("/api/about", headers=bearer).status_code == 200
            entered = client.get("/", params={"token": token})
            assert entered.status_code == 303 and "HttpOnly" in entered.headers["set-cookie"]
            assert client.get("/api/about").status_code == 200  # by the cookie


# Uploads that are not what they seem.


def _png_bomb() -> bytes:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


BAD = {
    "empty": b"",
    "text": b"hello, this is no picture at all, it is text\n" * 5,
    "html": b"<html><script>alert(1)</script></html>" * 3,
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>" * 2,
    "playlist": b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.0,\nhttp://127.0.0.1:22/a.ts\n" * 2,
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 3,
    "elf": b"\x7fELF" + b"\0" * 100,
    "pdf": b"%PDF-1.7\n" + b"0" * 100,
    "truncated jpeg": jpeg(400, 300)[:4000],
    "head alone": jpeg()[:80],
    "png bomb": _png_bomb(),
    "gif of javascript": b"GIF89a/*" + b"\0" * 40 + b"*/=1;alert(1)" * 20,
    "mp4 of nothing": b"\0\0\0\x20ftypisom" + b"\0" * 200,
    "mkv of nothing": b"\x1aE\xdf\xa3" + b"\0" * 200,
    "tiny": jpeg(4, 4),
    "zip": b"PK\x03\x04" + b"\0" * 100,
}


@pytest.mark.parametrize("name", BAD)
def test_an_upload_that_is_no_picture_is_refused_with_a_reason(client: Any, name: str) -> None:
    refused(send(client, BAD[name], "picture.jpg"), 415, 422)


def test_damaged_files_never_break_the_service(client: Any, photo: Path) -> None:
    draw = random.Random(8)
    small = io.BytesIO()
    with Image.open(photo) as image:
        image.resize((200, 150)).save(small, "PNG")
    whole = {"png": small.getvalue(), "jpeg": jpeg(200, 150), "webp": b""}
    stream = io.BytesIO()
    Image.open(io.BytesIO(whole["jpeg"])).save(stream, "WEBP")
    whole["webp"] = stream.getvalue()
    for _ in range(24):
        body = bytearray(whole[draw.choice(sorted(whole))])
        for _ in range(draw.randint(1, 40)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        answer = send(client, bytes(body[: draw.randint(30, len(body))]), "x.png")
        assert answer.status_code in (202, 415, 422), answer.text
        if answer.status_code == 202:  # what is left of it can be seen
            assert client.delete(f"/api/jobs/{answer.json()['id']}").status_code == 204
        else:
            refused(answer, 415, 422)
    assert client.get("/healthz").status_code == 200


def test_a_picture_is_known_by_its_content_and_served_anew(client: Any) -> None:
    hidden = b"<script>alert('kept in the comment')</script>"
    answer = send(client, jpeg(comment=hidden) + b"PK\x03\x04 and a zip behind", "page.html")
    assert answer.status_code == 202
    job = answer.json()["id"]
    served = client.get(f"/api/jobs/{job}/picture")
    assert served.headers["content-type"] == "image/jpeg"
    assert hidden not in served.content and b"a zip behind" not in served.content
    client.delete(f"/api/jobs/{job}")
    assert client.get(f"/api/jobs/{job}").status_code == 404


def test_kinds_and_names() -> None:
    assert kind_of(jpeg()) == "picture"
    assert kind_of(b"\0\0\0\x20ftypisom") == "clip"
    assert plain_name("..\\..\\a\x00b.jpg") == "ab.jpg"
    assert plain_name("...") == "upload"


# Zips.


def _zip(entries: dict[str, bytes], **attributes: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as held:
        for name, body in entries.items():
            about = zipfile.ZipInfo(name)
            about.compress_type = zipfile.ZIP_DEFLATED
            about.external_attr = attributes.get("attr", 0) << 16
            held.writestr(about, body)
    return stream.getvalue()


SCENE = b'{"schema": "earwitness.scene/1", "duration_s": 2}'
DOG = (
    b'{"schema": "earwitness.scene/1", "duration_s": 2, "sources": [{"id": "dog-1", "name": "a dog"'
    b', "concept": "dog", "stem": "stems/dog-1.flac"}]}'
)
BAD_ZIPS = {
    "no zip": b"PK\x03\x04" + b"\1" * 300,
    "a picture": jpeg(),
    "no scene": _zip({"readme.txt": b"hello"}),
    "traversal": _zip({"scene.json": SCENE, "../../evil.json": b"{}"}),
    "absolute": _zip({"scene.json": SCENE, "/etc/cron.d/evil": b"{}"}),
    "backslash": _zip({"scene.json": SCENE, "..\\evil.json": b"{}"}),
    "link": _zip({"scene.json": b"/etc/passwd"}, attr=0o120777),
    "bomb": _zip({"scene.json": SCENE, "stems/a.flac": b"\0" * 80_000_000}),
    "two scenes": _zip({"scene.json": SCENE, "a/scene.json": SCENE}),
    "many": _zip({f"f{i}": b"" for i in range(1500)}),
    "wrong scene": _zip({"scene.json": b'{"schema": "earwitness.scene/1", "duration_s": -1}'}),
    "too long": _zip({"scene.json": b'{"schema": "earwitness.scene/1", "duration_s": 80000}'}),
    "missing stem": _zip({"scene.json": DOG}),
    "stem of text": _zip({"scene.json": DOG, "stems/dog-1.flac": b"no sound"}),
}


@pytest.mark.parametrize("name", BAD_ZIPS)
def test_a_zip_that_is_no_scene_is_refused_and_leaves_nothing(
    served: Served, client: Any, name: str
) -> None:
    refused(send(client, BAD_ZIPS[name], "scene.zip", "/api/scenes"), 415, 422)
    assert not list(served.data.glob("upload-*"))
    assert not list(served.data.parent.rglob("evil*"))


def test_a_scene_as_a_zip_comes_back_the_same(client: Any, scene: str) -> None:
    job = client.post(f"/api/jobs/{scene}/downloads", json={"what": "scene"}).json()["id"]
    wait(client, job)
    body = client.get(f"/api/jobs/{job}/file").content
    loaded = send(client, body, "scene.zip", "/api/scenes")
    assert loaded.status_code == 201 and loaded.json()["state"] == "done"
    there = client.get(f"/api/jobs/{loaded.json()['id']}/scene").json()
    here = client.get(f"/api/jobs/{scene}/scene").json()
    assert there["scene"] == here["scene"]
    for key, url in here["stems"].items():
        assert client.get(url).content == client.get(there["stems"][key]).content


# What survives.


def test_after_a_kill_what_was_done_is_there_and_what_was_not_is_marked_failed(
    tmp_path: Path,
) -> None:
    with (
        serving(tmp_path, "--workers", "1") as first,
        httpx.Client(base_url=first.url, timeout=30) as client,
    ):
        short = client.post("/api/words", json={"words": "a dog", "duration_s": 1}).json()["id"]
        assert wait(client, short)["state"] == "done"
        asked = {"words": "surf on sand, thunder, a motorway, a crowd", "duration_s": 60}
        begun = [client.post("/api/words", json=asked).json()["id"] for _ in range(3)]
        until = time.monotonic() + 30
        while client.get(f"/api/jobs/{begun[0]}").json()["state"] == "queued":
            assert time.monotonic() < until
            time.sleep(0.05)
        children = Path(f"/proc/{first.process.pid}/task/{first.process.pid}/children")
        workers = children.read_text().split() if children.exists() else []
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
    with (
        serving(tmp_path, "--workers", "1") as second,
        httpx.Client(base_url=second.url, timeout=30) as client,
    ):
        assert client.get(f"/api/jobs/{short}").json()["state"] == "done"
        view = client.get(f"/api/jobs/{short}/scene").json()
        assert all(client.get(url).status_code == 200 for url in view["stems"].values())
        for job in begun:
            made = client.get(f"/api/jobs/{job}").json()
            assert made["state"] == "failed" and "stopped" in made["message"]
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers):
        assert time.monotonic() < until, "a worker outlived its service"
        time.sleep(0.1)


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--workers", "1", "--job-seconds", "0.3") as made,
        httpx.Client(base_url=made.url, timeout=30) as client,
    ):
        asked = {"words": "surf on sand, thunder", "duration_s": 60}
        over = wait(client, client.post("/api/words", json=asked).json()["id"])
        assert over["state"] == "failed" and "more than 0.3 s" in over["message"]


def test_when_too_many_wait_more_are_refused_for_now(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--workers", "1", "--queue", "2") as made,
        httpx.Client(base_url=made.url, timeout=30) as client,
    ):
        asked = {"words": "surf on sand, thunder", "duration_s": 60}
        answers = [client.post("/api/words", json=asked) for _ in range(6)]
        assert answers[0].status_code == 202
        refused(answers[-1], 503)
        assert answers[-1].headers["retry-after"]


def test_results_expire(tmp_path: Path) -> None:
    from earwitness.web.store import NoSuchJobError, Store

    store = Store(tmp_path)
    from dataclasses import replace

    old = store.write(replace(store.create("words", name="a", options={}), state="done"))
    running = store.create("words", name="b", options={})
    assert store.expire(time.time() + 1) == 1
    assert store.read(running.id).state == "queued"
    with pytest.raises(NoSuchJobError):
        store.read(old.id)
