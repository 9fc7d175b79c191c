"""What tests of the page share: opening it, giving it files, waiting for what it says."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from .serving import Served

LONG_MS = 90_000
_DROP = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name));
    document.querySelector('#drop').dispatchEvent(
        new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""


def opened(browser: Any, served: Served, *, at: str = "", **options: Any) -> Any:
    """Open the page in a fresh profile, and note all that goes wrong in it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    page = context.new_page()
    page.set_default_timeout(LONG_MS)
    page.wrong, page.asked = [], set()
    page.on("console", lambda m: page.wrong.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda request: page.asked.add(request.url.split("/api")[0]))
    page.goto(served.url + at)
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


def spoken(page: Any, words: str) -> None:
    """Have words made into a scene of a second."""
    page.locator("#words").fill(words)
    page.locator("#seconds").fill("1")
    page.locator("#words-card button[type=submit]").click()
    ready(page)


def tab_to(page: Any, selector: str, most: int = 150) -> None:
    """Press the tabulator until something is in focus."""
    for _ in range(most):
        if page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def refusal(page: Any, place: str = "#error") -> str:
    """Wait for the page to refuse something, and return its words."""
    page.wait_for_selector(place, state="visible")
    return str(page.locator(place).text_content())
