"""The page for people who cannot see it, or see it dark, or small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .paging import dropped, opened, ready, refusal, spoken
from .serving import ROOT, Served

pytest.importorskip("fastapi", reason="needs the extra [web]")

AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


def _serious(page: Any) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))  # through the debugger: the page's policy stays as it is
    found = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_any_state(
    browser: Any, served: Served, photo: Path, scheme: str
) -> None:
    if not AXE.is_file():
        pytest.skip("needs axe-core: npm ci in web/")
    page = opened(browser, served, color_scheme=scheme)
    assert _serious(page) == [], "empty"
    page.locator("summary").click()
    page.locator("#words").fill("surf on sand, thunder, a crowd, a motorway")
    page.locator("#seconds").fill("60")
    page.locator("#words-card button[type=submit]").click()
    page.wait_for_selector("#plan g.source")
    assert page.locator("#progress").is_visible()
    assert _serious(page) == [], "at work"
    page.locator("#cancel").click()
    page.wait_for_function("() => document.querySelector('#status').textContent === 'Cancelled.'")
    dropped(page, photo)
    ready(page)
    page.locator('[id^="mute-"]').first.click()
    page.locator("#play").click()
    assert _serious(page) == [], "a scene"
    page.locator("#play").click()
    page.locator("#add").fill("qwertyuiop")
    page.locator("#add-form button").click()
    refusal(page)
    assert _serious(page) == [], "an error"
    if page.locator("#open-map").is_visible():
        page.locator("#open-map").click()
        page.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
        for side, value in (("west", "-10"), ("south", "38"), ("east", "-8"), ("north", "39")):
            page.locator(f"#{side}").fill(value)
        if page.locator("#query-form").is_visible():
            page.locator("#all-hours").check()
            page.locator("#query-form button[type=submit]").click()
            page.wait_for_selector("#layer", state="visible")
        assert _serious(page) == [], "the map"
    page.context.close()


def test_what_happens_is_said_and_the_scene_stands_in_words(
    browser: Any, served: Served, photo: Path
) -> None:
    page = opened(browser, served)
    for selector, role in (("#status", "status"), ("#error", "alert")):
        assert page.locator(selector).get_attribute("role") == role
    page.evaluate(
        """() => {
            window.said = [];
            const status = document.querySelector('#status');
            new MutationObserver(() => window.said.push(status.textContent))
                .observe(status, {childList: true, characterData: true, subtree: true});
        }"""
    )
    dropped(page, photo)
    ready(page)
    said = page.evaluate("() => window.said")
    assert said[0].startswith("Sending")
    assert any("looking" in one for one in said) and any("voicing" in one for one in said)
    assert said[-1].startswith("Ready: 3 sounds")
    words = page.locator("#scene-words").text_content()
    assert words == page.locator("#picture").get_attribute("alt")
    assert "a dog barking ahead, two metres away" in words and "all around" in words
    named = page.locator("#plan g.source").first.get_attribute("aria-label")
    assert "dog" in named and "degrees" in named and "metres" in named
    # The tree that a screen reader walks: every control has a name.
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')].filter((c) =>
            !c.getAttribute('aria-label') && !c.labels?.length && !c.textContent.trim()
        ).map((c) => c.outerHTML)"""
    )
    assert unnamed == []
    page.context.close()


@pytest.mark.parametrize("width", [320, 375, 768])
def test_nothing_is_wider_than_the_screen(browser: Any, served: Served, width: int) -> None:
    page = opened(browser, served, viewport={"width": width, "height": 740}, has_touch=True)
    page.locator("summary").click()
    spoken(page, "a dog barking, surf on sand, church bells, light rain")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    if page.locator("#open-map").is_visible():
        page.locator("#open-map").click()
        page.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    page.context.close()
