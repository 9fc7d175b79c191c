"""The table of weights, checked when it is first read."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

from earwitness.errors import OptionError, WeightsError

Kind = Literal["transformers", "diffusers", "safetensors", "codi", "checkpoint", "package"]
Commercial = Literal["yes", "no", "conditions", "unclear"]

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}\Z")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z")
REVISION = re.compile(r"[0-9a-f]{40}\Z")


@dataclass(frozen=True)
class Entry:
    """One set of weights.

    Parameters
    ----------
    name
        As it is asked for.
    role, title, note
        In words.
    hub
        Its id on the hub; empty where it is published elsewhere.
    revision
        The pinned commit, 40 hexadecimal digits; empty where none is pinned.
    kind
        How its folder is laid out.
    identity
        What its configuration calls it; a folder that says something else is refused.
    licence, commercial
        As its page tells.
    size_mb
        To download, about, 10⁶ bytes.
    files
        Patterns of the files that are needed.
    """

    name: str
    role: str
    title: str
    hub: str
    revision: str
    kind: Kind
    identity: str
    licence: str
    commercial: Commercial
    size_mb: int
    files: tuple[str, ...]
    note: str

    @property
    def warning(self) -> str:
        """What must be said before the weights are fetched; empty where there is nothing."""
        if self.commercial == "no":
            return f"{self.name}: {self.licence}. This licence forbids commercial use."
        if self.commercial == "conditions":
            return (
                f"{self.name}: {self.licence}. It allows commercial use on conditions; read them."
            )
        if self.commercial == "unclear":
            return (
                f"{self.name}: {self.licence}. Whether commercial use is allowed is not clear; "
                "ask the publisher."
            )
        return ""


def _wrong(name: str, field: str, held: Any, allowed: str) -> WeightsError:
    return WeightsError(f"register.toml {name}.{field} holds {held!r}; allowed is {allowed}")


def _entry(name: str, row: Mapping[str, Any]) -> Entry:
    wanted = {f.name: f.type for f in fields(Entry) if f.name != "name"}
    if not _NAME.match(name):
        raise _wrong(name, "name", name, "a-z, 0-9, '.' and '-'")
    if set(row) != set(wanted):
        raise _wrong(name, "fields", sorted(row), f"exactly {', '.join(wanted)}")
    texts = ("role", "title", "hub", "revision", "identity", "licence", "note")
    for field in texts:
        if not isinstance(row[field], str):
            raise _wrong(name, field, row[field], "text")
    for field in ("role", "title", "licence"):
        if not row[field]:
            raise _wrong(name, field, "", "some text")
    if row["hub"] and not HUB_ID.match(row["hub"]):
        raise _wrong(name, "hub", row["hub"], "'owner/name' or nothing")
    if row["revision"] and not REVISION.match(row["revision"]):
        raise _wrong(name, "revision", row["revision"], "40 hexadecimal digits or nothing")
    for field, known in (("kind", get_args(Kind)), ("commercial", get_args(Commercial))):
        if row[field] not in known:
            raise _wrong(name, field, row[field], ", ".join(known))
    size = row["size_mb"]
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise _wrong(name, "size_mb", size, "a whole number above 0")
    patterns = row["files"]
    if not isinstance(patterns, list) or not all(isinstance(p, str) and p for p in patterns):
        raise _wrong(name, "files", patterns, "a list of patterns")
    if row["hub"] and not patterns:
        raise _wrong(name, "files", patterns, "at least one pattern where there is a hub id")
    return Entry(name=name, **{**row, "files": tuple(patterns)})


def parse(text: str) -> Mapping[str, Entry]:
    """Return the entries that a table in TOML holds, by name.

    Raises
    ------
    WeightsError
        With the field, what it holds and what is allowed.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WeightsError(f"register.toml is no TOML: {error}") from None
    return MappingProxyType({name: _entry(name, row) for name, row in table.items()})


@cache
def register() -> Mapping[str, Entry]:
    """Return every entry by its name, in the order of the table.

    Examples
    --------
    >>> register()["depth-anything-v2-base"].warning
    'depth-anything-v2-base: CC-BY-NC-4.0. This licence forbids commercial use.'
    """
    return parse(files(__package__).joinpath("register.toml").read_text("utf-8"))


def entry_named(name: str) -> Entry:
    """Return the entry of a name.

    Raises
    ------
    OptionError
        With the nearest names, if there is none.

    Examples
    --------
    >>> entry_named("sam-vit-hug")
    Traceback (most recent call last):
    ...
    earwitness.errors.OptionError: no weights are called 'sam-vit-hug'; nearest are sam-vit-huge...
    """
    found = register().get(name)
    if found is None:
        near = difflib.get_close_matches(name, register(), n=3, cutoff=0.5)
        raise OptionError(
            f"no weights are called {name!r}; "
            + (f"nearest are {', '.join(near)}; " if near else "")
            + "`earwitness models list` shows all"
        )
    return found
