"""Whether a folder holds the model that was asked for, whole, and safe to read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from earwitness.errors import WeightsError
from earwitness.models.headers import Held, read_header
from earwitness.models.register import Entry

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".msgpack", ".h5")
"""Endings of files whose reading can run a program, or that are of other frameworks."""

_WEIGHTLESS = ("scheduler", "tokenizer", "feature_extractor", "processor", "image_processor")


def again(entry: Entry) -> str:
    """Return what to run to have the weights of an entry."""
    if entry.hub:
        return f"Run: earwitness models fetch {entry.name}"
    return f"See: {entry.note}"


def _json(path: Path) -> Mapping[str, Any]:
    try:
        table = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(table, dict):
        raise WeightsError(f"{path} holds a {type(table).__name__}; expected a table")
    return table


def keys(folder: Path) -> dict[str, Held]:
    """Return every tensor that the safetensors files of a folder say they hold.

    Parameters
    ----------
    folder
        Of one model; shards are put together as their index says.

    Raises
    ------
    WeightsError
        If there is none, one is truncated, a shard is absent, or there are only pickles.
    """
    files = sorted(p for p in folder.glob("*.safetensors") if p.is_file())
    for index in folder.glob("*.safetensors.index.json"):
        table = _json(index).get("weight_map")
        if not isinstance(table, dict):
            raise WeightsError(f"{index} has no weight_map; fetch the folder again")
        absent = sorted({str(v) for v in table.values()} - {p.name for p in files})
        if absent:
            raise WeightsError(
                f"{folder} lacks {len(absent)} of the files that {index.name} names, the first "
                f"{absent[0]!r}; fetch it again"
            )
    if not files:
        pickles = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
        if pickles:
            raise WeightsError(
                f"{folder} holds its weights only as {', '.join(pickles[:3])}, whose reading can "
                "run a program; earwitness reads .safetensors. Fetch a revision that has "
                "them, or convert the folder where you trust it"
            )
        raise WeightsError(f"{folder} holds no .safetensors file; give a folder with weights")
    found: dict[str, Held] = {}
    for path in files:
        found.update(read_header(path))
    return found


def _refuse_another(folder: Path, found: object, entry: Entry) -> None:
    allowed = entry.identity.split()
    if allowed and found not in allowed:
        raise WeightsError(
            f"{folder} holds another model: it calls itself {found!r}, and {entry.name} is "
            f"{' or '.join(repr(a) for a in allowed)}. {again(entry)}"
        )


def _components(folder: Path, table: Mapping[str, Any]) -> Iterable[Path]:
    """Yield the subfolders of a diffusers pipeline that must hold weights."""
    for part, value in table.items():
        if part.startswith("_") or not isinstance(value, list) or len(value) != 2:
            continue
        if value[0] is None or part.startswith(_WEIGHTLESS):
            continue
        yield folder / part


def check_folder(folder: Path, entry: Entry) -> Path:
    """Return a folder after checking that it holds what an entry describes.

    Nothing is loaded: configurations and the headers of safetensors files are read.

    Parameters
    ----------
    folder
        Of the model.
    entry
        From the register.

    Raises
    ------
    WeightsError
        If it is absent, empty, of another model, only pickles, or has a truncated file.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder} is no folder; give the one that holds {entry.title}. {again(entry)}"
        )
    if not any(folder.iterdir()):
        raise WeightsError(f"{folder} is empty. {again(entry)}")
    if entry.kind == "transformers":
        config = folder / "config.json"
        if not config.is_file():
            raise WeightsError(
                f"{folder} has no config.json; it is not the folder of {entry.title}. "
                f"{again(entry)}"
            )
        _refuse_another(folder, _json(config).get("model_type"), entry)
        keys(folder)
    elif entry.kind == "diffusers":
        index = folder / "model_index.json"
        if not index.is_file():
            raise WeightsError(
                f"{folder} has no model_index.json; it is not the folder of {entry.title}. "
                f"{again(entry)}"
            )
        table = _json(index)
        _refuse_another(folder, table.get("_class_name"), entry)
        for part in _components(folder, table):
            if not part.is_dir():
                raise WeightsError(f"{folder} lacks its part {part.name!r}. {again(entry)}")
            keys(part)
    elif entry.kind == "safetensors":
        keys(folder)
        absent = [p for p in entry.files if "*" not in p and not (folder / p).is_file()]
        if absent:
            raise WeightsError(f"{folder} lacks {', '.join(absent)}. {again(entry)}")
    # Files of PyTorch (CoDi, Sat2Sound) are checked by those who read them.
    return folder
