"""How long work tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with a stage in words and the part that is done, 0 to 1."""


def silent(stage: str, done: float) -> None:
    """Tell nobody."""
