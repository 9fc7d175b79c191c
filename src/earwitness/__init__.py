"""earwitness: hear what you see.

>>> import earwitness
>>> earwitness.__version__.count(".")
2
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Loaded when first used, so that ``import earwitness`` stays light. The stub beside this file
# tells type checkers the same.
_WHERE = {
    "listen": "earwitness.verbs.listening",
    "render": "earwitness.verbs.rendering",
    "visit": "earwitness.verbs.visiting",
    "map_region": "earwitness.verbs.mapping",
    "find_places": "earwitness.verbs.finding",
    "hear_at": "earwitness.verbs.finding",
    "Heard": "earwitness.verbs.heard",
    "Scene": "earwitness.scene",
    "Source": "earwitness.scene",
    "Bed": "earwitness.scene",
    "Sound": "earwitness.scene",
    "EarwitnessError": "earwitness.errors",
}

__all__ = [
    "Bed",
    "EarwitnessError",
    "Heard",
    "Scene",
    "Sound",
    "Source",
    "__version__",
    "find_places",
    "hear_at",
    "listen",
    "map_region",
    "render",
    "visit",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'earwitness' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
