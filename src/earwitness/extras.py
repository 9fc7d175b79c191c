"""Packages of the extras: asked for where they are used, with an error that names the extra."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from earwitness.errors import PluginError


def _absent(what: str, lacking: str, extra: str) -> PluginError:
    return PluginError(
        f"{what} needs {lacking}, not installed here; run: pip install 'earwitness[{extra}]'"
    )


def require(*modules: str, what: str, extra: str = "hub") -> None:
    """Check that optional modules are installed, without importing them.

    Parameters
    ----------
    modules
        Such as ``torch``.
    what
        Who needs them ("the voice CoDi").
    extra
        The extra of earwitness that brings them.

    Raises
    ------
    PluginError
        With what to install.

    Examples
    --------
    >>> require("numpy", what="arithmetic")
    """
    lacking = [name for name in modules if find_spec(name) is None]
    if lacking:
        raise _absent(what, " and ".join(lacking), extra)


def load(module: str, extra: str, what: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module
        What to import.
    extra
        The extra that installs it.
    what
        What needs it, in words, for the message.

    Raises
    ------
    PluginError
        If it is not installed.

    Examples
    --------
    >>> load("no_such_module", "atlas", "a gallery")
    Traceback (most recent call last):
    ...
    earwitness.errors.PluginError: a gallery needs no_such_module, not installed here; ...
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        name = module.partition(".")[0]
        if (error.name or "").partition(".")[0] != name:
            raise
        raise _absent(what, name, extra) from None
