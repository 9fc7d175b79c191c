"""Clips and animations through the page, and files that the page refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .paging import dropped, ears, opened, ready, refusal, sources, spoken
from .serving import Served, serving

pytest.importorskip("fastapi", reason="needs the extra [web]")
av = pytest.importorskip("av")

FRAMES, PER_S = 16, 8


@pytest.fixture(scope="module")
def walk(photo: Path) -> list[Image.Image]:
    """Frames of a camera that pans over two dogs."""
    with Image.open(photo) as image:
        return [
            image.crop((150 + 10 * i, 350, 870 + 10 * i, 890)).resize((360, 270))
            for i in range(FRAMES)
        ]


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """The page."""
    made = opened(browser, served)
    yield made
    made.context.close()


def _taken_away(page: Any, what: str, into: Path) -> Path:
    page.locator("#what").select_option(what)
    with page.expect_download() as waited:
        page.locator("#download").click()
    file = into / waited.value.suggested_filename
    waited.value.save_as(file)
    return file


def _check_heard(file: Path) -> None:
    """Check that a clip has its picture, and a track of six channels that sounds."""
    with av.open(str(file)) as held:
        assert len(held.streams.video) == 1
        (sound,) = held.streams.audio
        assert sound.codec_context.layout.nb_channels == 6
        loudest = max(abs(frame.to_ndarray()).max() for frame in held.decode(sound))
    assert loudest > 0.01


def test_a_clip_is_seen_heard_and_comes_back_with_its_sound(
    page: Any, walk: list[Image.Image], tmp_path: Path
) -> None:
    file = tmp_path / "dogs.webm"
    with av.open(str(file), "w") as held:
        stream = held.add_stream("libvpx", rate=PER_S)
        stream.width, stream.height, stream.pix_fmt = 360, 270, "yuv420p"
        for image in walk:
            held.mux(stream.encode(av.VideoFrame.from_image(image)))
        held.mux(stream.encode())
    dropped(page, file)
    ready(page)
    assert page.evaluate("() => window.earwitness.scene().origin.kind") == "clip"
    assert any("dog" in source["name"] for source in sources(page))
    assert sum(ears(page)) > 1e-3
    page.locator("#play").click()  # the clip runs along, from the file in this browser
    page.wait_for_selector("#film", state="visible")
    page.wait_for_function("() => document.querySelector('#film').currentTime > 0")
    page.locator("#play").click()
    page.wait_for_selector("#film", state="hidden")
    taken = _taken_away(page, "clip", tmp_path)
    assert taken.stem == "dogs" and taken.suffix in (".webm", ".mkv")
    _check_heard(taken)
    assert page.wrong == []


def test_an_animation_comes_back_as_a_clip_with_sound(
    page: Any, walk: list[Image.Image], tmp_path: Path
) -> None:
    file = tmp_path / "dogs.gif"
    walk[0].save(file, save_all=True, append_images=walk[1:], duration=1000 // PER_S, loop=0)
    dropped(page, file)
    ready(page)
    assert page.evaluate("() => window.earwitness.scene().origin.kind") == "clip"
    page.locator("#play").click()  # it moves while it sounds
    page.wait_for_selector("#picture[src^='blob:']")
    page.locator("#play").click()
    page.wait_for_selector("#picture:not([src^='blob:'])")
    taken = _taken_away(page, "clip", tmp_path)
    assert taken.suffix == ".mp4"
    _check_heard(taken)


def test_a_panorama_sounds_from_behind_too(page: Any, photo: Path, tmp_path: Path) -> None:
    with Image.open(photo) as image:
        dogs = image.crop((250, 300, 850, 1150)).resize((240, 340))
    round_picture = Image.new("RGB", (1600, 800), (120, 140, 160))
    round_picture.paste((90, 120, 70), (0, 400, 1600, 800))
    round_picture.paste(dogs, (20, 250))  # at the left edge: behind, to the left
    file = tmp_path / "round.png"
    round_picture.save(file)
    page.locator("summary").click()
    page.locator("#projection").select_option("equirect")
    dropped(page, file)
    ready(page)
    assert page.evaluate("() => window.earwitness.scene().origin.kind") == "panorama"
    dogs_there = [s for s in sources(page) if "dog" in s["concept"]]
    assert dogs_there and all(s["positions"][0][1] < 0 for s in dogs_there)


BAD = {
    "holiday.jpg": (b"Dear diary, this is no photo. " * 9, "nothing that is known here"),
    "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 300, "HEIC"),
    "half.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "half.png"),
    "film.mp4": (b"\0\0\0\x20ftypisom" + b"\0" * 300, "film.mp4"),
    "empty.jpg": (b"", "empty"),
}


def test_what_is_no_picture_is_refused_in_words_and_the_scene_stays(
    page: Any, tmp_path: Path
) -> None:
    spoken(page, "a dog barking")
    for name, (body, told) in BAD.items():
        file = tmp_path / name
        file.write_bytes(body)
        page.evaluate("() => { document.querySelector('#error').hidden = true; }")
        dropped(page, file)
        words = refusal(page)
        assert told in words and "defect" not in words and "/" not in words, words
        assert page.locator("#scene").is_visible(), "what was heard before is still there"
        assert page.locator("#progress").is_hidden()
    page.locator("#play").click()
    page.wait_for_function("() => window.earwitness.playing()")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(
    browser: Any, photo: Path, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", "--upload-mb", "0.05", "--workers", "1") as small:
        page = opened(browser, small)
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url))
        dropped(page, photo)
        assert "larger than 0.05 MB" in refusal(page)
        assert not any("/api/listen" in url for url in sent)
        page.context.close()
