"""``scene.json``: a scene as text and back, checked field by field.

The schema's name carries its version: ``earwitness.scene/1``. Unknown fields are refused, so that
a slip of a hand ("spread" for "spread_deg") is told and not ignored.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from earwitness.errors import SceneError
from earwitness.scene.scene import Air, Listener, Scene
from earwitness.scene.source import Bed, Credit, Region, Source

SCHEMA = "earwitness.scene/1"
LONGEST_TEXT = 64 * 1024 * 1024


def _thaw(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _thaw(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {k: _thaw(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_thaw(v) for v in value]
    return value


def to_json(scene: Scene) -> str:
    """Return the text of ``scene.json``: indented for people, one row of numbers to a line.

    Parameters
    ----------
    scene
        Any scene.

    Returns
    -------
    str
        JSON, ending in a line feed.
    """
    return _layout({"schema": SCHEMA, **_thaw(scene)}, 0) + "\n"


def _layout(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    flat = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if len(flat) + len(outer) <= 88 and not (
        isinstance(value, dict) and any(isinstance(v, dict | list) for v in value.values())
    ):
        return flat
    if isinstance(value, dict) and value:
        items = [f"{inner}{json.dumps(k)}: {_layout(v, depth + 1)}" for k, v in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{outer}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(inner + _layout(v, depth + 1) for v in value) + f"\n{outer}]"
    return flat


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise SceneError(twin, "two values", "each field once")
    return table


T = TypeVar("T")


def _build(
    kind: type[T], value: Any, where: str, convert: Mapping[str, Callable[[Any, str], Any]]
) -> T:
    """Make a ``kind`` from a JSON table, naming the field of whatever is wrong."""
    if not isinstance(value, dict):
        raise SceneError(where, value, "a table { … }")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    prefix = f"{where}." if where else ""
    for name in value:
        if name not in fields:
            raise SceneError(f"{prefix}{name}", value[name], f"no such field; {', '.join(fields)}")
    for name, f in fields.items():
        needed = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
        if needed and name not in value:
            raise SceneError(f"{prefix}{name}", None, "present: the field is missing")
    filled = {k: convert[k](v, f"{prefix}{k}") if k in convert else v for k, v in value.items()}
    try:
        return kind(**filled)
    except SceneError as error:
        raise (error.within(where) if where else error) from None


def _each(one: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def many(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise SceneError(where, value, "a list [ … ]")
        return tuple(one(item, f"{where}[{i}]") for i, item in enumerate(value))

    return many


def _maybe(one: Callable[[Any, str], T]) -> Callable[[Any, str], T | None]:
    return lambda value, where: None if value is None else one(value, where)


def _credit(value: Any, where: str) -> Credit:
    return _build(Credit, value, where, {})


def _region(value: Any, where: str) -> Region:
    return _build(Region, value, where, {})


def _source(value: Any, where: str) -> Source:
    return _build(Source, value, where, {"region": _maybe(_region), "credits": _each(_credit)})


def _bed(value: Any, where: str) -> Bed:
    return _build(Bed, value, where, {"credits": _each(_credit)})


def from_json(text: str) -> Scene:
    """Return the scene that a ``scene.json`` holds.

    Parameters
    ----------
    text
        JSON in the schema ``earwitness.scene/1``.

    Returns
    -------
    Scene
        Equal to the scene that :func:`to_json` was given.

    Raises
    ------
    SceneError
        With the field, what it held and what is allowed.

    Examples
    --------
    >>> from_json('{"schema": "earwitness.scene/1", "duration_s": 5}').duration_s
    5.0
    """
    if len(text) > LONGEST_TEXT:
        raise SceneError("scene.json", f"{len(text)} characters", f"at most {LONGEST_TEXT}")
    try:
        table = json.loads(text, object_pairs_hook=_no_twins)
    except json.JSONDecodeError as error:
        raise SceneError(
            f"scene.json line {error.lineno} column {error.colno}", error.msg, "JSON"
        ) from None
    except RecursionError:
        raise SceneError("scene.json", "lists within lists", "JSON of a few levels") from None
    except ValueError as error:  # an integer of thousands of digits
        raise SceneError("scene.json", str(error), "numbers of ordinary length") from None
    if not isinstance(table, dict) or table.get("schema") != SCHEMA:
        held = table.get("schema") if isinstance(table, dict) else type(table).__name__
        raise SceneError("schema", held, repr(SCHEMA))
    del table["schema"]
    return _build(
        Scene,
        table,
        "",
        {
            "sources": _each(_source),
            "bed": _each(_bed),
            "listener": lambda value, where: _build(Listener, value, where, {}),
            "air": lambda value, where: _build(Air, value, where, {}),
        },
    )
