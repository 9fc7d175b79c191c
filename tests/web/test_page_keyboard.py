"""The page by keyboard alone, and turned by a phone's own orientation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .paging import ears, opened, ready, settled, sources, spoken, tab_to
from .serving import Served

pytest.importorskip("fastapi", reason="needs the extra [web]")


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """The page, whose mouse is never used here."""
    made = opened(browser, served)
    yield made
    assert made.wrong == []
    made.context.close()


def test_a_photo_is_chosen_heard_edited_and_taken_away(page: Any, photo: Path) -> None:
    # Who listens first tells the browser to hand choosers over, which takes a moment.
    page.on("filechooser", lambda _: None)
    tab_to(page, "#file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photo)
    ready(page)
    assert page.evaluate("() => document.activeElement.id") == "result", "focus goes on to it"
    tab_to(page, "#play")
    page.keyboard.press("Space")
    page.wait_for_function("() => window.earwitness.playing()")
    page.keyboard.press("Space")
    assert not page.evaluate("() => window.earwitness.playing()")

    tab_to(page, "#plan g.source")  # moved in the plan, by the arrows
    before = sources(page)[0]["positions"]
    page.keyboard.press("ArrowLeft")
    settled(page)
    page.keyboard.press("ArrowUp")
    settled(page)
    assert sources(page)[0]["positions"] != before
    assert page.evaluate("() => document.activeElement.matches('#plan g.source')")

    tab_to(page, "#yaw")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("() => window.earwitness.listener().yaw") == -5
    assert page.locator("#yaw").get_attribute("aria-valuetext") == "5° to the right"
    tab_to(page, "#walk")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => window.earwitness.listener().x") > 0.9

    tab_to(page, '#sources [id^="name-"]')
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("a wolf howling")
    page.keyboard.press("Enter")
    settled(page)
    assert sources(page)[0]["concept"] == "wolf"
    tab_to(page, '#sources [id^="level-"]')
    level = sources(page)[0]["level_db"]
    page.keyboard.press("ArrowLeft")
    settled(page)
    assert sources(page)[0]["level_db"] < level
    everything = sum(ears(page))
    tab_to(page, '#sources [id^="solo-"]')
    page.keyboard.press("Space")
    assert page.locator('[aria-pressed="true"]').count() == 1
    page.keyboard.press("Space")
    tab_to(page, '#sources [id^="mute-"]')
    page.keyboard.press("Space")
    assert sum(ears(page)) < everything
    page.keyboard.press("Space")

    page.keyboard.press("ControlOrMeta+z")  # the level, the name
    settled(page)
    page.keyboard.press("ControlOrMeta+z")
    settled(page)
    assert sources(page)[0]["concept"] == "dog"
    page.keyboard.press("ControlOrMeta+Shift+z")
    settled(page)
    assert sources(page)[0]["concept"] == "wolf"
    page.keyboard.press("Shift+Tab")
    tab_to(page, '#sources [id^="remove-"]')
    count = len(sources(page))
    page.keyboard.press("Enter")
    settled(page)
    assert len(sources(page)) == count - 1

    tab_to(page, "#add")
    page.keyboard.type("church bells")
    page.keyboard.press("Enter")
    page.wait_for_function("(n) => window.earwitness.scene().sources.length === n", arg=count)
    settled(page)
    tab_to(page, "#what")
    page.keyboard.type("5.1")
    assert page.locator("#what").input_value() == "5.1"
    tab_to(page, "#download")
    with page.expect_download() as waited:
        page.keyboard.press("Enter")
    assert waited.value.suggested_filename.endswith("5.1.wav")


def test_a_place_and_a_map_are_asked_for_and_a_cell_is_heard(page: Any) -> None:
    able = page.evaluate("() => fetch('/api/about').then(a => a.json())")
    if not (able["features"]["visit"] and able["features"]["map"]):
        pytest.skip(f"needs {able['why_not']['visit']}")
    tab_to(page, "#open-map")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
    tab_to(page, "#map canvas")
    middle = page.locator("#middle").text_content()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "(was) => document.querySelector('#middle').textContent !== was", arg=middle
    )
    tab_to(page, "#queries")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("sea waves on a beach")
    for side, value in (("west", "-10"), ("south", "36"), ("east", "-6"), ("north", "40")):
        tab_to(page, f"#{side}")
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type(value)
    page.keyboard.press("Enter")
    page.wait_for_selector("#layer", state="visible")
    page.wait_for_function(  # the cell in the middle of the map is said without being clicked
        "() => /beach at [0-9., -]+: -?[0-9.]+$/.test(document.querySelector('#cell').textContent)"
    )
    page.locator("body").focus()
    page.evaluate("() => document.activeElement.blur()")
    tab_to(page, "#hear-middle")
    page.keyboard.press("Enter")
    ready(page)
    assert page.evaluate("() => window.earwitness.scene().origin.kind") == "place"
    tab_to(page, "#walk")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => window.earwitness.listener().x") == pytest.approx(5.0)


PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 780},
    "has_touch": True,
    "is_mobile": True,
}


def _yaw(page: Any, degrees: float) -> None:
    page.wait_for_function(
        "(yaw) => Math.abs(window.earwitness.listener().yaw - yaw) < 0.6", arg=degrees
    )


def test_a_phone_turns_the_head_flat_in_the_hand_and_upright(browser: Any, served: Served) -> None:
    page = opened(browser, served, **PHONE)
    spoken(page, "a dog barking")
    wire = page.context.new_cdp_session(page)

    def held(alpha: float, beta: float, gamma: float) -> None:
        at = {"alpha": alpha, "beta": beta, "gamma": gamma}
        wire.send("DeviceOrientation.setDeviceOrientationOverride", at)

    held(30, 0, 0)  # flat: the way it points now is ahead
    page.locator("#phone").tap()
    page.wait_for_function(
        "() => document.querySelector('#phone').getAttribute('aria-pressed') === 'true'"
    )
    page.evaluate("() => addEventListener('deviceorientation', () => { window.sensed = true; })")
    held(30, 0.2, 0)
    page.wait_for_function("() => window.sensed")
    held(120, 0, 0)  # a quarter to the left, as seen from above
    _yaw(page, 90)
    held(120, 50, 0)  # lifted: still there
    _yaw(page, 90)
    held(75, 85, 0)
    _yaw(page, 45)
    page.locator("#phone").tap()
    page.wait_for_function(
        "() => document.querySelector('#phone').getAttribute('aria-pressed') === 'false'"
    )
    held(10, 0, 0)  # no longer heeded
    page.locator("#home").tap()
    _yaw(page, 0)
    assert page.wrong == []
    page.context.close()


@pytest.mark.parametrize(("answer", "told"), [("granted", "turns your head"), ("denied", "Allow")])
def test_where_a_phone_must_be_asked_it_is(
    browser: Any, served: Served, answer: str, told: str
) -> None:
    page = opened(browser, served, **PHONE)
    spoken(page, "a dog barking")
    page.evaluate(
        "(answer) => { DeviceOrientationEvent.requestPermission = async () => answer; }", answer
    )
    page.locator("#phone").tap()
    page.wait_for_function(
        "(told) => document.querySelector('#status').textContent.includes(told)", arg=told
    )
    pressed = page.locator("#phone").get_attribute("aria-pressed")
    assert pressed == ("true" if answer == "granted" else "false")
    page.context.close()
