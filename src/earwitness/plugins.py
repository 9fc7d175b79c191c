"""The seam for other packages: replaceable parts, chosen by name, found through entry points.

A package adds a part by declaring an entry point in one of the :data:`GROUPS`; the object named
there is called (without arguments, unless the user gave some) and must satisfy the group's
``Protocol``.
"""

from __future__ import annotations

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from earwitness.errors import OptionError, PluginError

if TYPE_CHECKING:
    from earwitness.models.settings import Settings

GROUPS = {
    "voice": "earwitness.voices",
    "renderer": "earwitness.renderers",
    "segmenter": "earwitness.segmenters",
    "namer": "earwitness.namers",
    "depth": "earwitness.depths",
    "tracker": "earwitness.trackers",
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


def make(role: str, name: str, *arguments: str, settings: Settings | None = None) -> Any:
    """Make the part called ``name`` for a role.

    Parameters
    ----------
    role
        One of the keys of :data:`GROUPS`.
    name
        The entry point's name.
    arguments
        Words that the part is made with, such as the folder of a library or of weights; usually
        none.
    settings
        How models are run; given to parts that take an argument of that name.

    Returns
    -------
    object
        A new instance, as the role's Protocol describes it.

    Raises
    ------
    PluginError
        If no package offers that name, or what is offered cannot be loaded.
    OptionError
        If it takes no words, and some were given.
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
    options = {} if settings is None or not _takes(part, "settings") else {"settings": settings}
    if arguments and not _takes_words(part):
        raise OptionError(f"the {role} {name!r} takes no {arguments[0]!r}; write {name!r} alone")
    return part(*arguments, **options)


def made(role: str, spec: str, settings: Settings | None = None) -> Any:
    """Make the part that ``NAME`` or ``NAME:WORDS`` asks for.

    Parameters
    ----------
    role
        One of the keys of :data:`GROUPS`.
    spec
        A name, and after a colon what it is made with: ``library:recordings``,
        ``sam2:weights/sam2``.
    settings
        As in :func:`make`.
    """
    name, _, words = spec.partition(":")
    return make(role, name, *([words] if words else []), settings=settings)


def _parameters(part: Any) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(part).parameters.values())
    except (TypeError, ValueError):  # written in C: let it speak for itself
        return [inspect.Parameter("words", inspect.Parameter.VAR_POSITIONAL)]


def _takes(part: Any, name: str) -> bool:
    return any(one.name == name for one in _parameters(part))


def _takes_words(part: Any) -> bool:
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(one.kind in positional for one in _parameters(part))
