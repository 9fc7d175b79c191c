"""The one loader: a name or a folder to weights, whole, the right ones, and safe to read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from earwitness.errors import WeightsError
from earwitness.extras import require
from earwitness.models.choice import chosen
from earwitness.models.folder import again, check_folder, keys
from earwitness.models.register import Entry, entry_named, register

VARIABLE = "EARWITNESS_MODELS"
"""Environment variable with the folder that fetched weights are kept in."""


def store_root() -> Path:
    """Return the folder that fetched weights are kept in, one subfolder for each name."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "earwitness" / "models"


def _in_hub_cache(entry: Entry) -> Path | None:
    """Return the snapshot that the hub's own tools have fetched, if it is there."""
    # Asked of the disk first: importing the hub's tools takes seconds.
    home = os.environ.get("HF_HOME") or Path(
        os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface"
    )
    cache = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()
    if not (cache / f"models--{entry.hub.replace('/', '--')}").is_dir():
        return None
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError
    except ImportError:
        return None
    try:
        found = snapshot_download(
            entry.hub,
            revision=entry.revision or None,
            allow_patterns=list(entry.files),
            local_files_only=True,
        )
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    place = Path(found)
    complete = all(any(place.glob(pattern)) for pattern in entry.files if "*" not in pattern)
    return place if complete else None


def where(entry: Entry, root: Path | None = None) -> Path | None:
    """Return the folder that an entry's weights are in, or None; the network is not asked."""
    entry, folder = chosen(entry, root or store_root())
    if folder is not None:
        return folder
    place = (root or store_root()) / entry.name
    if place.is_dir():
        return place
    return _in_hub_cache(entry) if entry.hub else None


def resolve(what: str | Path, name: str | None = None) -> Path:
    """Return the checked folder of a model. Nothing is ever downloaded here.

    Parameters
    ----------
    what
        A name in the register, or a local folder.
    name
        For a folder: the name of the entry that it must hold.

    Returns
    -------
    Path

    Raises
    ------
    WeightsError
        If the weights are not here, not whole, another model's, or pickles.
    OptionError
        If it is neither a folder nor a name in the register.
    """
    text = str(what)
    folder = Path(text).expanduser()
    if text in register() and os.sep not in text:
        entry = entry_named(text)
        found = where(entry)
        if found is None:
            raise WeightsError(
                f"the weights of {entry.name} ({entry.title}) are not here (looked in "
                f"{store_root()} and the "
                f"hub's cache). {again(entry)}, or give their folder"
            )
        return check_folder(found, entry)
    if folder.is_dir():
        if name is not None:
            return check_folder(folder, entry_named(name))
        return folder
    if os.sep in text or text.startswith((".", "~")):
        raise WeightsError(f"{folder} is no folder; give one with weights, or a name")
    return resolve(entry_named(text).name)  # says which names are near


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from printing its own report of what this module checks itself."""
    logging: Any = import_module("transformers.utils.logging")
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _account(folder: Path, info: Mapping[str, Any], unneeded: Sequence[str], entry: Entry) -> None:
    """Refuse a load after which a key has no value, or a value has no key."""
    strange = [
        key
        for key in info.get("unexpected_keys", ())
        if not any(re.search(pattern, key) for pattern in unneeded)
    ]
    for what, held in (
        ("missing", info.get("missing_keys", ())),
        ("of another shape", info.get("mismatched_keys", ())),
        ("unknown to the model", strange),
        ("not loadable", [*info.get("error_msgs", ()), *info.get("conversion_errors", ())]),
    ):
        if held:
            first = sorted(str(k[0] if isinstance(k, tuple) else k) for k in held)[0]
            raise WeightsError(
                f"{folder} is not {entry.title}, or not all of it: {len(held)} keys are {what}, "
                f"the first {first!r}. {again(entry)}"
            )


def load_pretrained(
    kind: Any, folder: Path, entry: Entry, *, unneeded: Sequence[str] = (), **options: Any
) -> Any:
    """Return a model of transformers or diffusers with every one of its weights from a folder.

    Parameters
    ----------
    kind
        The class, with ``from_pretrained``.
    folder
        Local, from :func:`resolve`.
    entry
        What it must be.
    unneeded
        Regular expressions of keys that the folder may hold beyond what the class needs.
    options
        Passed on, such as ``dtype``.

    Returns
    -------
    object
        In evaluation mode.

    Raises
    ------
    WeightsError
        If a key is missing, left over or misshaped, a file is truncated or a pickle, or the folder
        is another model's.
    """
    require("transformers", what=entry.title)
    from safetensors import SafetensorError

    check_folder(folder, entry)
    try:
        with quiet():
            model, info = kind.from_pretrained(
                str(folder),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
                **options,
            )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, SafetensorError) as error:
        line = next((x.strip() for x in str(error).splitlines() if x.strip()), type(error).__name__)
        raise WeightsError(
            f"{folder} could not be loaded as {entry.title}: {line[:200]}. {again(entry)}"
        ) from error
    _account(folder, info, unneeded, entry)
    return model.eval()


def check_keys(module: Any, folder: Path, entry: Entry, *, unneeded: Sequence[str] = ()) -> None:
    """Check a module that was loaded by other means against the headers of its files.

    Parameters
    ----------
    module
        A PyTorch module, such as one part of a diffusers pipeline.
    folder
        With its safetensors files.
    entry
        What it is.
    unneeded
        As in :func:`load_pretrained`.

    Raises
    ------
    WeightsError
        If a key of either has none in the other, or another shape. Keys that share their memory
        with one that is there (tied weights) need not be.
    """
    held = keys(folder)
    state = module.state_dict()
    there = {state[k].data_ptr() for k in state.keys() & held.keys()}
    missing = [k for k in state if k not in held and state[k].data_ptr() not in there]
    shapes = [k for k in state.keys() & held.keys() if tuple(state[k].shape) != held[k].shape]
    info = {
        "missing_keys": missing,
        "mismatched_keys": shapes,
        "unexpected_keys": sorted(held.keys() - state.keys()),
    }
    _account(folder, info, unneeded, entry)
