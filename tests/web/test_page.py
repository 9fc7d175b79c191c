"""The page in a real browser: seen, heard, walked in, edited, by mouse and by keyboard."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .serving import ROOT, Served

pytest.importorskip("fastapi", reason="needs the extra [web]")

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"
LONG_MS = 90_000
_DROP = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name));
    document.querySelector('#drop').dispatchEvent(
        new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""


def opened(browser: Any, served: Served, **options: Any) -> Any:
    """Open the page in a fresh profile, and note all that goes wrong in it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    page = context.new_page()
    page.set_default_timeout(LONG_MS)
    page.wrong, page.asked = [], set()
    page.on("console", lambda m: page.wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda request: page.asked.add(request.url.split("/api")[0]))
    page.goto(served.url)
    page.wait_for_function("() => window.earwitness !== undefined")
    return page


def dropped(page: Any, file: Path) -> None:
    page.evaluate(_DROP, [file.name, base64.b64encode(file.read_bytes()).decode()])


def ready(page: Any) -> None:
    page.wait_for_function(
        "() => { const told = document.querySelector('#error');"
        " if (!told.hidden) throw new Error(told.textContent);"
        " return document.querySelector('#status').textContent.startsWith('Ready'); }"
    )


def settled(page: Any) -> None:
    page.evaluate("() => window.earwitness.settled()")


def ears(page: Any, seconds: float = 1.0) -> tuple[float, float]:
    """Return the energy at the left and the right ear, of the page's own graph."""
    made = page.evaluate("(s) => window.earwitness.energies(s)", seconds)
    return made["left"], made["right"]


def sources(page: Any) -> list[dict[str, Any]]:
    return list(page.evaluate("() => window.earwitness.scene().sources"))


def drag(page: Any, source: str, to: tuple[float, float]) -> None:
    """Drag a source in the plan to a share of its width and height."""
    page.locator("#plan").scroll_into_view_if_needed()
    box = page.locator("#plan").bounding_box()
    spot = page.locator(f'#plan g[data-id="{source}"] circle').last.bounding_box()
    page.mouse.move(spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2)
    page.mouse.down()
    goal = (box["x"] + to[0] * box["width"], box["y"] + to[1] * box["height"])
    page.mouse.move(*goal, steps=6)
    page.mouse.up()
    settled(page)


@pytest.fixture(scope="module")
def heard(browser: Any, served: Served, photo: Path) -> Iterator[Any]:
    """The page after a photo was dropped into it."""
    page = opened(browser, served)
    dropped(page, photo)
    # Regions are there before the sound: the picture's shapes appear while it is being voiced.
    page.wait_for_selector("#regions polygon", state="attached")
    page.early = page.locator("#play").is_disabled()
    ready(page)
    yield page
    page.context.close()


@pytest.fixture
def dog(heard: Any) -> str:
    """The id of a point source, alone to be heard, straight ahead; the head as at first."""
    point = [s for s in sources(heard) if s["kind"] == "point"][-1]  # the topmost in the plan
    heard.locator("#home").click()
    for pressed in heard.locator('[id^="solo-"][aria-pressed="true"]').all():
        pressed.click()
    heard.locator(f"#solo-{point['id']}").click()
    heard.locator(f"#azimuth-{point['id']}").fill("0")
    heard.locator(f"#azimuth-{point['id']}").press("Enter")
    settled(heard)
    return str(point["id"])


def test_a_photo_dropped_in_is_listed_shown_and_audible(heard: Any) -> None:
    assert heard.early, "regions were to appear before the sound"
    names = heard.locator("#sources input[type=text]").evaluate_all("all => all.map(i => i.value)")
    assert any("dog" in name for name in names)
    assert heard.locator("#regions polygon").count() >= 1
    assert heard.locator("#plan g.source").count() == len(sources(heard))
    assert "dog" in heard.locator("#scene-words").text_content()
    assert min(ears(heard)) > 1e-3
    heard.locator("#play").click()
    heard.wait_for_function("() => window.earwitness.playing()")
    heard.locator("#play").click()


def test_the_ears_follow_a_source_dragged_from_left_to_right(heard: Any, dog: str) -> None:
    balance = []
    for across in (0.25, 0.4, 0.5, 0.6, 0.75):  # up to 40° to either side
        drag(heard, dog, (across, 0.15))
        left, right = ears(heard)
        balance.append(10 * (left - right) / (left + right))
    assert balance == sorted(balance, reverse=True)
    assert balance[0] > 2.0 and balance[-1] < -2.0
    assert abs(balance[2]) < 2.5


def test_turning_the_head_turns_the_ears(heard: Any, dog: str) -> None:
    front = ears(heard)
    heard.locator("#yaw").fill("90")  # to the left: what was ahead is at the right ear
    turned_left = ears(heard)
    heard.locator("#yaw").fill("-90")
    turned_right = ears(heard)
    assert 0.5 < front[0] / front[1] < 2.0
    assert turned_left[1] > 2 * turned_left[0]
    assert turned_right[0] > 2 * turned_right[1]


def test_walking_past_a_source_leaves_it_behind_and_nearing_it_makes_it_louder(
    heard: Any, dog: str
) -> None:
    heard.locator(f"#distance-{dog}").fill("6")
    heard.locator(f"#distance-{dog}").press("Enter")
    settled(heard)
    far = sum(ears(heard))
    heard.locator("#walk").focus()
    for _ in range(4):
        heard.keyboard.press("ArrowUp")
    assert heard.evaluate("() => window.earwitness.listener().x") == pytest.approx(4.0)
    assert sum(ears(heard)) > 4 * far  # from 6 m to 2 m: 9.5 dB


def test_a_renamed_source_alone_is_voiced_again_and_undo_brings_it_back(
    heard: Any, dog: str
) -> None:
    fetched: list[str] = []
    heard.on("request", lambda r: fetched.append(r.url) if "/stems/" in r.url else None)
    name = heard.locator(f"#name-{dog}")
    before, was = ears(heard), name.input_value()
    name.fill("a wolf howling")
    name.press("Enter")
    settled(heard)
    changed = next(s for s in sources(heard) if s["id"] == dog)
    assert (changed["name"], changed["concept"]) == ("a wolf howling", "wolf")
    assert len({url.split("?")[0] for url in fetched}) == 1, "only that stem is made again"
    assert ears(heard) != before
    heard.locator("#undo").click()
    settled(heard)
    assert heard.locator(f"#name-{dog}").input_value() == was
    assert ears(heard) == pytest.approx(before, rel=1e-3)
    heard.locator("#redo").click()
    settled(heard)
    assert heard.locator(f"#name-{dog}").input_value() == "a wolf howling"
    heard.locator("#undo").click()
    settled(heard)


def test_a_name_that_means_no_sound_is_refused_and_nothing_changes(heard: Any, dog: str) -> None:
    name = heard.locator(f"#name-{dog}")
    was = name.input_value()
    name.fill("qwertyuiop")
    name.press("Enter")
    settled(heard)
    assert "qwertyuiop" in heard.locator("#error").text_content()
    assert heard.locator(f"#name-{dog}").input_value() == was
    heard.wrong.clear()  # the browser notes the refused request


def test_mute_and_level_are_heard(heard: Any, dog: str) -> None:
    before = sum(ears(heard))
    level = heard.locator(f"#level-{dog}")
    level.focus()
    for _ in range(6):
        heard.keyboard.press("ArrowLeft")
        settled(heard)
    assert sum(ears(heard)) == pytest.approx(before * 10**-0.6, rel=0.15)
    heard.locator(f"#solo-{dog}").click()
    everything = sum(ears(heard))
    heard.locator(f"#mute-{dog}").click()
    assert sum(ears(heard)) < everything
    heard.locator(f"#mute-{dog}").click()


def test_a_scene_taken_away_as_a_zip_loads_again(heard: Any, tmp_path: Path) -> None:
    heard.locator("#what").select_option("scene")
    with heard.expect_download() as waited:
        heard.locator("#download").click()
    file = tmp_path / "taken.zip"
    waited.value.save_as(file)
    there = [s["id"] for s in sources(heard)]
    heard.locator("#zip").set_input_files(file)
    ready(heard)
    assert [s["id"] for s in sources(heard)] == there
    assert heard.locator("#regions polygon").count() >= 1
    assert min(ears(heard)) > 1e-3


def test_nothing_went_wrong_and_no_other_host_was_asked(heard: Any, served: Served) -> None:
    assert heard.wrong == []
    assert {url for url in heard.asked if not url.startswith("blob:")} <= {
        served.url.rstrip("/"),
        served.url,
        *(url for url in heard.asked if url.startswith(served.url)),
    }


def _tab_to(page: Any, selector: str, most: int = 120) -> None:
    for _ in range(most):
        if page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_the_keyboard_alone_asks_listens_turns_walks_moves_and_downloads(
    browser: Any, served: Served
) -> None:
    page = opened(browser, served)
    _tab_to(page, "#file")
    _tab_to(page, "#words")
    page.keyboard.type("a dog barking, light rain")
    _tab_to(page, "#seconds")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("2")
    _tab_to(page, "#words-card button")
    page.keyboard.press("Enter")
    ready(page)
    _tab_to(page, "#play")
    page.keyboard.press("Space")
    page.wait_for_function("() => window.earwitness.playing()")
    _tab_to(page, "#plan g.source")
    before = sources(page)[0]["positions"]
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert sources(page)[0]["positions"] != before
    assert page.evaluate("() => document.activeElement.matches('#plan g.source')")
    _tab_to(page, "#yaw")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("() => window.earwitness.listener().yaw") == 5
    _tab_to(page, "#walk")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => window.earwitness.listener().x") > 0.9
    _tab_to(page, '#sources [id^="name-"]')
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("a wolf howling")
    page.keyboard.press("Enter")
    settled(page)
    assert sources(page)[0]["concept"] == "wolf"
    _tab_to(page, '#sources [id^="solo-"]')
    page.keyboard.press("Space")
    assert page.locator('[aria-pressed="true"]').count() == 1
    _tab_to(page, "#what")
    _tab_to(page, "#download")
    with page.expect_download() as waited:
        page.keyboard.press("Enter")
    assert waited.value.suggested_filename.endswith("binaural.wav")
    assert page.wrong == []
    page.context.close()


def _serious(page: Any) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))  # through the debugger: the page's policy stays as it is
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Any, served: Served, scheme: str) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm ci in web/")
    page = opened(browser, served, color_scheme=scheme)
    assert _serious(page) == []
    page.locator("#words").fill("a dog barking, surf on sand, light rain")
    page.locator("#seconds").fill("1")
    page.locator("#words-card button").click()
    ready(page)
    assert _serious(page) == []
    if page.locator("#open-map").is_visible():
        page.locator("#open-map").click()
        page.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
        assert _serious(page) == []
    page.context.close()


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Any, served: Served) -> None:
    page = opened(browser, served, viewport={"width": 375, "height": 740}, has_touch=True)
    page.locator("#words").fill("a dog barking")
    page.locator("#seconds").fill("1")
    page.locator("#words-card button").click()
    ready(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 375
    page.context.close()


@pytest.fixture
def worldly(browser: Any, served: Served) -> Iterator[Any]:
    """The page with its map open, where the service can hear places."""
    page = opened(browser, served)
    able = page.evaluate("() => fetch('/api/about').then(a => a.json())")
    if not (able["features"]["visit"] and able["features"]["map"]):
        page.context.close()
        pytest.skip(f"needs {able['why_not']['visit']}")
    page.locator("#open-map").click()
    page.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
    yield page
    page.context.close()


def test_a_click_on_the_map_is_a_visit(worldly: Any) -> None:
    worldly.locator("#map canvas").click(position={"x": 300, "y": 200})
    ready(worldly)
    scene = worldly.evaluate("() => window.earwitness.scene()")
    assert scene["origin"]["kind"] == "place"
    assert sum(ears(worldly)) > 1e-3
    assert worldly.locator("#picture-view").is_visible()
    assert worldly.wrong == []


@pytest.mark.slow
def test_a_query_draws_a_layer_whose_cells_tell_their_value(worldly: Any) -> None:
    worldly.locator("#queries").fill("sea waves on a beach")
    for side, value in (("west", "-10"), ("south", "36"), ("east", "-6"), ("north", "40")):
        worldly.locator(f"#{side}").fill(value)
    worldly.locator("#query-form button[type=submit]").click()
    worldly.wait_for_selector("#layer", state="visible")
    assert float(worldly.locator("#bar-low").text_content()) < float(
        worldly.locator("#bar-high").text_content()
    )
    box = worldly.locator("#map canvas").bounding_box()
    middle = {"x": box["width"] / 2, "y": box["height"] / 2}
    worldly.locator("#map canvas").click(position=middle)
    worldly.wait_for_function(
        "() => /-?[0-9.]+$/.test(document.querySelector('#cell').textContent)"
    )
    assert "sea waves on a beach at 3" in worldly.locator("#cell").text_content()
    ready(worldly)
    assert worldly.wrong == []
