"""Modules of the extra ``[atlas]``, asked for at use, with a word about what to install."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from earwitness.errors import PluginError


def atlas_module(name: str, purpose: str) -> Any:
    """Return a module that comes with the extra ``[atlas]``.

    Parameters
    ----------
    name
        Such as ``rasterio``.
    purpose
        What it is for, in words that fit after "for".

    Raises
    ------
    PluginError
        If it is not installed.

    Examples
    --------
    >>> atlas_module("no_such_module", "imagery")
    Traceback (most recent call last):
    ...
    earwitness.errors.PluginError: no_such_module is not installed, which is needed for imagery; ...
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            raise
        raise PluginError(
            f"{name.partition('.')[0]} is not installed, which is needed for {purpose}; install "
            f"the extra: pip install 'earwitness[atlas]'"
        ) from None
