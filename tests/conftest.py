"""What every test shares."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of oracles computed by independent systems; absent in a user's clone."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("the oracles (../shared/golden) are not here: a clone of the repository alone")
    return folder
