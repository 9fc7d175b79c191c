"""Pictures of the page for its documentation: ``python -m benchmarks.shoot_page``.

A photograph is dropped in, desktop and phone, light and dark; and the map and a place where the
service can.
"""

from __future__ import annotations

import base64
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from benchmarks.bench_serve import start

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs/images"
MOST_BYTES = 150_000
_DROP = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name));
    document.querySelector('#drop').dispatchEvent(
        new DragEvent('drop', {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""
_CALM = "() => document.querySelector('#map-status').textContent.startsWith('The map is drawn')"
_READY = "() => document.querySelector('#status').textContent.startsWith('Ready')"


def keep(tab: Any, name: str, *, full: bool = False) -> None:
    """Write what the tab shows, as a JPEG of at most 150 kB."""
    image = Image.open(io.BytesIO(tab.screenshot(full_page=full))).convert("RGB")
    for quality in (85, 75, 65, 55, 45, 35):
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, optimize=True)
        if len(stream.getvalue()) <= MOST_BYTES:
            break
    (OUT / f"{name}.jpg").write_bytes(stream.getvalue())
    print(f"{name}.jpg {image.size[0]} × {image.size[1]}, {len(stream.getvalue()) // 1000} kB")


def main() -> None:
    """Take the pictures whose names begin with what is given; all of them without."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    from playwright.sync_api import sync_playwright

    photo = ROOT / "examples/dogs.jpg"
    data = base64.b64encode(photo.read_bytes()).decode()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        process, url = start(Path(folder), 1)
        httpx.get(f"{url}healthz", timeout=120)
        browser = play.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        hashed = ""
        for name, size, scheme in (
            ("page-desktop-light", (1280, 1820), "light"),
            ("page-desktop-dark", (1280, 1820), "dark"),
            ("page-phone-light", (390, 1700), "light"),
            ("page-phone-dark", (390, 1700), "dark"),
        ):
            if not name.startswith(wanted):
                continue
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
            )
            tab = context.new_page()
            tab.set_default_timeout(240_000)
            tab.goto(url + hashed)
            tab.wait_for_function("() => window.earwitness !== undefined")
            if not hashed:
                tab.evaluate(_DROP, [photo.name, data])
            tab.wait_for_function(_READY)
            hashed = tab.evaluate("location.hash")
            if not name.startswith("page-phone"):
                tab.evaluate("window.scrollTo(0, 0)")
            else:
                tab.evaluate("document.querySelector('#result').scrollIntoView()")
            tab.wait_for_timeout(500)
            keep(tab, name)
            context.close()
        able = httpx.get(f"{url}api/about").json()["features"]["map"]
        if able and any(name.startswith(wanted) for name in ("page-map", "page-place")):
            tab = browser.new_page(viewport={"width": 1280, "height": 1080}, color_scheme="light")
            tab.set_default_timeout(240_000)
            tab.goto(url)
            tab.wait_for_function("() => window.earwitness !== undefined")
            tab.locator("#open-map").click()
            tab.wait_for_function("() => document.documentElement.dataset.world === 'ready'")
            tab.locator("#query-form button[type=submit]").click()
            tab.wait_for_selector("#layer", state="visible")
            tab.wait_for_function(_CALM)
            tab.wait_for_timeout(1500)
            tab.evaluate("document.querySelector('#world').scrollIntoView()")
            keep(tab, "page-map")
            tab.locator("#place").fill("Lisbon")
            tab.locator("#place-card button[type=submit]").click()
            tab.wait_for_function(_READY)
            tab.locator("#open-map").click()
            tab.set_viewport_size({"width": 1280, "height": 1500})
            tab.evaluate("document.querySelector('#result').scrollIntoView()")
            tab.wait_for_timeout(500)
            keep(tab, "page-place")
        browser.close()
        process.terminate()
        process.wait(20)


if __name__ == "__main__":
    main()
