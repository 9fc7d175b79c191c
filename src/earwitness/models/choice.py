"""What the user chose in place of the register: another folder, hub id or revision of a model."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from earwitness.errors import WeightsError
from earwitness.models.register import HUB_ID, REVISION, Entry

CONFIG = "models.toml"
"""Name of the file, in the folder that fetched weights are kept in."""

_ALLOWED = ("folder", "hub", "revision")


def choices(root: Path) -> Mapping[str, Mapping[str, str]]:
    """Return what ``models.toml`` in a folder says of each model; nothing where there is none.

    Parameters
    ----------
    root
        The folder that fetched weights are kept in.

    Raises
    ------
    WeightsError
        If it is no TOML, or says something that is not allowed.
    """
    path = root / CONFIG
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as TOML: {error}") from None
    for name, row in table.items():
        if not isinstance(row, dict) or set(row) - set(_ALLOWED):
            raise WeightsError(
                f"{path} [{name}] may hold {', '.join(_ALLOWED)} alone, such as "
                'folder = "/data/sam2"'
            )
        _check(path, name, row)
    return table


def _check(path: Path, name: str, row: Mapping[str, Any]) -> None:
    for field, pattern, allowed in (
        ("hub", HUB_ID, "'owner/name'"),
        ("revision", REVISION, "40 hexadecimal digits"),
    ):
        held = row.get(field)
        if held is not None and not (isinstance(held, str) and pattern.match(held)):
            raise WeightsError(f"{path} [{name}] {field} holds {held!r}; allowed is {allowed}")
    if not isinstance(row.get("folder", ""), str):
        raise WeightsError(f"{path} [{name}] folder holds {row['folder']!r}; allowed is text")


def chosen(entry: Entry, root: Path) -> tuple[Entry, Path | None]:
    """Return an entry with what was chosen for it, and its folder where one was.

    Parameters
    ----------
    entry
        From the register.
    root
        As in :func:`choices`.
    """
    row = choices(root).get(entry.name, {})
    changed = replace(
        entry,
        hub=row.get("hub", entry.hub),
        revision=row.get("revision", entry.revision),
    )
    place = row.get("folder")
    return changed, Path(os.path.expandvars(place)).expanduser() if place else None
