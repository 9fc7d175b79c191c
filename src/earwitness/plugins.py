"""The seam for other packages: replaceable parts, chosen by name, found through entry points.

A package adds a part by declaring an entry point in one of the :data:`GROUPS`; the object named
there is called (without arguments, unless the user gave some) and must satisfy the group's
``Protocol``.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from earwitness.errors import PluginError

GROUPS = {
    "voice": "earwitness.voices",
    "renderer": "earwitness.renderers",
    "segmenter": "earwitness.segmenters",
    "namer": "earwitness.namers",
    "depth": "earwitness.depths",
    "guide": "earwitness.guides",
    "tiles": "earwitness.tiles",
}
"""Role → entry point group. The role is the word used in options and messages."""


def _found(role: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUPS[role])}


def names(role: str) -> tuple[str, ...]:
    """Return the names that can be chosen for a role, sorted.

    Parameters
    ----------
    role
        One of the keys of :data:`GROUPS`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> "synth" in names("voice")
    True
    """
    return tuple(sorted(_found(role)))


def make(role: str, name: str, *arguments: str) -> Any:
    """Make the part called ``name`` for a role.

    Parameters
    ----------
    role
        One of the keys of :data:`GROUPS`.
    name
        The entry point's name.
    arguments
        Words that the part is made with, such as the folder of a library; usually none.

    Returns
    -------
    object
        A new instance, as the role's Protocol describes it.

    Raises
    ------
    PluginError
        If no package offers that name, or what is offered cannot be loaded.
    """
    found = _found(role)
    if name not in found:
        raise PluginError(
            f"no {role} is called {name!r}; there is {', '.join(sorted(found)) or 'none'}. "
            f"Choose one of these, or install the package that adds it "
            f"(entry point group {GROUPS[role]!r})"
        )
    try:
        part = found[name].load()
    except ImportError as error:
        raise PluginError(
            f"the {role} {name!r} needs a module that is not installed: {error}. Install it, or "
            f"choose another of {', '.join(sorted(found))}"
        ) from error
    return part(*arguments)
