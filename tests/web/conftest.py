"""A service that runs, and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from .serving import ROOT, Served, serving

FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with its usual limits and one worker."""
    for package in ("fastapi", "uvicorn", "prometheus_client"):
        pytest.importorskip(package, reason="needs the extra [web]")
    with serving(tmp_path_factory.mktemp("served"), "--workers", "1") as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; skipped where it, or the built page, is not there."""
    if find_spec("playwright") is None:
        pytest.skip("needs the package playwright (extra [dev])")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    if not (ROOT / "src/earwitness/web/static/index.html").is_file():
        pytest.skip("the page is not built: make page (needs Node.js)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=program, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="session")
def photo() -> Path:
    """A photograph of two dogs."""
    return ROOT / "examples/dogs.jpg"
