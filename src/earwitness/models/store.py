"""Fetch, list and verify weights; licences. What ``earwitness models`` does, without printing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from earwitness.errors import OptionError, OutputError, WeightsError
from earwitness.models.choice import chosen
from earwitness.models.folder import again, check_folder
from earwitness.models.hub import Hub, HuggingFace, Revision
from earwitness.models.register import REVISION, Entry, entry_named, register
from earwitness.models.resolve import store_root, where

RECORD = "earwitness.json"
"""What was fetched: hub id, revision, and the SHA-256 and size of each file."""

Say = Callable[[str], None]
Agree = Callable[[str], bool]


@dataclass(frozen=True)
class Row:
    """One line of ``models list``.

    Parameters
    ----------
    entry
        From the register.
    folder
        Where the weights are, or None.
    revision
        The commit that was fetched, where it is known.
    """

    entry: Entry
    folder: Path | None
    revision: str


def listing(root: Path | None = None) -> tuple[Row, ...]:
    """Return a row for every entry of the register, in its order; the network is not asked."""
    rows = []
    for entry in register().values():
        place = where(entry, root)
        held = _record(place) if place is not None else {}
        rows.append(Row(entry, place, str(held.get("revision", ""))))
    return tuple(rows)


def licences() -> tuple[tuple[str, str, str], ...]:
    """Return name, licence, and whether commercial use is allowed, for every entry.

    Examples
    --------
    >>> [row for row in licences() if row[0] == "audioldm2"]
    [('audioldm2', 'CC-BY-NC-SA-4.0', 'no')]
    """
    return tuple((e.name, e.licence, e.commercial) for e in register().values())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record(folder: Path) -> Mapping[str, Any]:
    try:
        table = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return table if isinstance(table, dict) else {}


def _kept(folder: Path) -> list[Path]:
    """Return the files of a folder that are the model's, not the client's."""
    return sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and p.name != RECORD and ".cache" not in p.relative_to(folder).parts
    )


def fetch(
    name: str,
    *,
    say: Say = lambda line: None,
    agree: Agree | None = None,
    revision: str | None = None,
    root: Path | None = None,
    hub: Hub | None = None,
) -> Path:
    """Fetch an entry's weights, check them against the hub's hashes, and return their folder.

    Parameters
    ----------
    name
        In the register.
    say
        Told each line for people; the licence, where it does not allow everything, comes
        before anything is downloaded.
    agree
        Asked with the licence's line where commerce is forbidden, conditional or unclear; a no
        ends it. None asks nobody: the line was shown.
    revision
        A commit in place of the pinned one, 40 hexadecimal digits.
    root
        Where to; by default the folder that ``EARWITNESS_MODELS`` names, or the user's cache.
    hub
        Where from; tests bring their own.

    Raises
    ------
    WeightsError
        If the hub cannot be reached (within seconds), or what came is not what it announced.
    OptionError
        If the name is unknown, or the licence was declined.
    OutputError
        If the folder cannot be written.
    """
    entry, _ = chosen(entry_named(name), root or store_root())
    if revision is not None:
        if not REVISION.match(revision):
            raise OptionError(f"revision {revision!r}; give a commit, 40 hexadecimal digits")
        entry = replace(entry, revision=revision)
    if not entry.hub:
        raise WeightsError(f"{entry.title} cannot be fetched: {entry.note}")
    if entry.warning:
        say(entry.warning)
        if agree is not None and not agree(entry.warning):
            raise OptionError(f"{entry.name} was not fetched: its licence was declined")
    else:
        say(f"{entry.name}: {entry.licence}.")
    source = hub or HuggingFace()
    found = source.describe(entry)
    lacking = [
        p for p in entry.files if not any(fnmatch(f, p) for f in found.files) and "*" not in p
    ]
    if lacking or not found.files:
        raise WeightsError(
            f"{entry.hub} at {found.commit[:12]} has no {', '.join(lacking or entry.files)}; "
            "the register is out of date"
        )
    if not entry.revision:
        say(f"{entry.name}: no revision is pinned; taking the newest, {found.commit}.")
    place = (root or store_root()) / entry.name
    size = found.size or entry.size_mb * 1_000_000
    say(f"{entry.name}: fetching {size / 1e6:.0f} MB from {entry.hub} into {place}.")
    partial = place.with_name(entry.name + ".partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        source.download(entry, found, partial)
        _finish(entry, found, partial)
        if place.exists():
            raise OutputError(f"{place} is in the way; what was fetched stays in {partial}")
        partial.rename(place)
    except OSError as error:
        raise OutputError(f"{place} cannot be written: {error}") from error
    say(f"{entry.name}: verified, {len(found.files)} files.")
    return place


def _finish(entry: Entry, revision: Revision, folder: Path) -> None:
    """Check what was downloaded against what was announced, and write down what it is."""
    files: dict[str, dict[str, Any]] = {}
    for path in _kept(folder):
        inside = path.relative_to(folder).as_posix()
        found = _sha256(path)
        announced = revision.files.get(inside, "")
        if announced and announced != found:
            path.unlink()
            raise WeightsError(
                f"{inside} of {entry.name} came damaged: SHA-256 {found[:12]}…, announced "
                f"{announced[:12]}…. It was removed. {again(entry)}"
            )
        files[inside] = {"sha256": found, "size": path.stat().st_size}
    absent = sorted(revision.files.keys() - files.keys())
    if absent:
        raise WeightsError(f"{entry.name}: {absent[0]} did not arrive. {again(entry)}")
    check_folder(folder, entry)
    record = {
        "name": entry.name,
        "hub": entry.hub,
        "revision": revision.commit,
        "licence": entry.licence,
        "files": files,
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def verify(name: str, *, root: Path | None = None) -> tuple[str, ...]:
    """Return what is wrong with fetched weights, in one line each; nothing if all is well.

    Parameters
    ----------
    name
        In the register.
    root
        As in :func:`fetch`.

    Raises
    ------
    WeightsError
        If they are not here.
    """
    entry = entry_named(name)
    place = where(entry, root)
    if place is None:
        raise WeightsError(
            f"the weights of {entry.name} ({entry.title}) are not here. {again(entry)}"
        )
    wrong: list[str] = []
    try:
        check_folder(place, entry)
    except WeightsError as error:
        wrong.append(str(error))
    noted = _record(place).get("files")
    if not isinstance(noted, dict):
        wrong.append(
            f"{place} has no {RECORD}: it was not fetched by earwitness, so there are no "
            "hashes to compare with"
        )
        return tuple(wrong)
    for inside, told in noted.items():
        path = place / inside
        if not path.is_file():
            wrong.append(f"{inside} is not there")
        elif _sha256(path) != told.get("sha256"):
            wrong.append(f"{inside} changed since it was fetched")
    there = {p.relative_to(place).as_posix() for p in _kept(place)}
    wrong += [f"{extra} was not fetched with the others" for extra in sorted(there - noted.keys())]
    return tuple(wrong)
