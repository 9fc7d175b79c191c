"""What every test and doctest shares: what needs the optional PyTorch, and what takes long."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

_NEED_TORCH = ("clip", "pipeline", "sampler", "unet", "vae", "vocoder", "weights")

collect_ignore_glob: list[str] = []
if find_spec("torch") is None:  # their doctests cannot even be imported
    collect_ignore_glob += [f"src/earwitness/voice/codi/{name}.py" for name in _NEED_TORCH]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--slow``."""
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "slow: takes above 20 s or 2 GB; run with --slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow unless it was asked for."""
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))
