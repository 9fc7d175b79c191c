"""The page in a real browser: seen, heard, walked in, edited, by mouse and by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .paging import drag, dropped, ears, opened, ready, refusal, settled, sources, spoken
from .serving import Served, serving

pytest.importorskip("fastapi", reason="needs the extra [web]")

_WATCH = """() => {
    window.early = null;
    new MutationObserver(() => {
        if (window.early === null && document.querySelector('#regions polygon'))
            window.early = document.querySelector('#play').disabled;
    }).observe(document.querySelector('#regions'), {childList: true});
}"""


@pytest.fixture(scope="module")
def heard(browser: Any, served: Served, photo: Path) -> Iterator[Any]:
    """The page after a photo was dropped into it."""
    page = opened(browser, served)
    page.evaluate(_WATCH)
    dropped(page, photo)
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
    assert heard.evaluate("() => window.early"), "regions were to appear before the sound"
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


def test_a_sound_added_by_words_is_heard_and_removed_again(heard: Any, dog: str) -> None:
    before = [source["id"] for source in sources(heard)]
    heard.locator("#add").fill("a motorway")
    heard.locator("#add-form button").click()
    heard.wait_for_function("(n) => window.earwitness.scene().sources.length > n", arg=len(before))
    settled(heard)
    (new,) = [source for source in sources(heard) if source["id"] not in before]
    assert (new["concept"], new["kind"]) == ("motorway", "area") and new["stem"]
    heard.locator(f"#solo-{dog}").click()  # no longer alone
    heard.locator(f"#solo-{new['id']}").click()
    narrow = ears(heard)
    assert sum(narrow) > 1e-4
    heard.locator(f"#width-{new['id']}").fill("360")
    heard.locator(f"#width-{new['id']}").press("Enter")
    settled(heard)
    assert sources(heard)[-1]["spread_deg"] == 360
    wide = ears(heard)
    assert abs(wide[0] - wide[1]) / sum(wide) < abs(narrow[0] - narrow[1]) / sum(narrow)
    heard.locator(f"#remove-{new['id']}").click()
    settled(heard)
    assert [source["id"] for source in sources(heard)] == before
    heard.locator("#add").fill("qwertyuiop")
    heard.locator("#add-form button").click()
    assert "qwertyuiop" in refusal(heard)
    heard.wrong.clear()  # the browser notes the refused request


def test_the_address_of_a_result_opens_it_again(browser: Any, served: Served, heard: Any) -> None:
    there = heard.evaluate("() => location.hash")
    again = opened(browser, served, at=there)
    ready(again)
    assert [s["id"] for s in sources(again)] == [s["id"] for s in sources(heard)]
    assert again.wrong == []
    again.context.close()


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


def test_in_a_queue_the_place_is_told_and_waiting_can_be_ended(
    browser: Any, served: Served
) -> None:
    page = opened(browser, served)
    begun = page.evaluate(
        """async () => {
            const body = JSON.stringify({words: 'surf on sand, thunder, a crowd', duration_s: 30});
            const headers = {'content-type': 'application/json'};
            const all = [];
            for (let i = 0; i < 3; i++) {
                const answer = await fetch('/api/words', {method: 'POST', headers, body});
                all.push((await answer.json()).id);
            }
            return all;
        }"""
    )
    page.locator("#words").fill("a dog barking")
    page.locator("#words-card button[type=submit]").click()
    page.wait_for_function(
        "() => /Waiting; [23] before you/.test(document.querySelector('#status').textContent)"
    )
    page.locator("#cancel").click()
    page.wait_for_function("() => document.querySelector('#status').textContent === 'Cancelled.'")
    for job in reversed(begun):
        page.evaluate("(job) => fetch(`/api/jobs/${job}`, {method: 'DELETE'})", job)
    page.context.close()


def test_beyond_loopback_the_printed_address_opens_the_page(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0", "--workers", "1") as guarded:
        page = opened(browser, guarded)
        assert "token" not in page.url
        spoken(page, "a dog barking")
        assert page.wrong == []
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
    told = worldly.locator("#cell").text_content()
    assert re.match(r"sea waves on a beach at 3[78]\.\d\d, -[78]\.\d\d: 0?-?\d\.\d", told), told
    ready(worldly)
    assert worldly.wrong == []
