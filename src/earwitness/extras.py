"""Packages of the extras: loaded where they are used, with an error that names the extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from earwitness.errors import PluginError


def load(module: str, extra: str, purpose: str) -> Any:
    """Import a module of an extra.

    Parameters
    ----------
    module
        What to import.
    extra
        The extra that installs it.
    purpose
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
    earwitness.errors.PluginError: a gallery needs the package 'no_such_module', which is not
    installed; install the extra that brings it: pip install 'earwitness[atlas]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != module.partition(".")[0]:
            raise
        raise PluginError(
            f"{purpose} needs the package {module.partition('.')[0]!r}, which is not installed; "
            f"install the extra that brings it: pip install 'earwitness[{extra}]'"
        ) from None
