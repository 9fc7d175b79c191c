"""Every error that earwitness raises on purpose: one base class, one short subclass per cause.

A message says what was received, what was expected, and what to do next. The command line prints
it on one line and ends with exit code 1; a traceback is shown only with ``--debug``.
"""

from __future__ import annotations

import json
from typing import Any


class EarwitnessError(Exception):
    """The base of all errors a user can cause and can mend."""


class MediaError(EarwitnessError):
    """A picture, clip or sound that cannot be read or written."""


class OutputError(EarwitnessError):
    """A folder or file that cannot be written (read only, disk full, in the way)."""


class OptionError(EarwitnessError):
    """An option or argument outside what is allowed."""


class LayoutError(OptionError):
    """A loudspeaker layout that is not known."""


class PluginError(EarwitnessError):
    """A part (voice, renderer, segmenter, …) asked for by name that is not there."""


class LookError(EarwitnessError):
    """A picture in which nothing could be heard."""


class VoiceError(EarwitnessError):
    """Words that name no sound, or a sound that could not be made."""


class WeightsError(EarwitnessError):
    """Weights that are not there, not whole, of another model, or not safe to read."""


class GalleryError(EarwitnessError):
    """A gallery that is not there, not whole, or made by another embedder."""


class MapError(EarwitnessError):
    """A map whose making stopped: a worker that dies again and again, imagery that is not had."""


class FetchError(EarwitnessError):
    """Something on the network that could not be fetched, or may not be.

    Parameters
    ----------
    message
        What was wrong.
    status
        The HTTP status that was answered, if one was.
    passing
        Whether it may go well another time (a time-out, an overloaded server).
    """

    def __init__(self, message: str, *, status: int | None = None, passing: bool = False) -> None:
        self.status, self.passing = status, passing
        super().__init__(message)


class PlaceError(EarwitnessError):
    """A place that is not on Earth, is not known by that name, or has no imagery."""


class SceneError(EarwitnessError):
    """A scene with a field that holds something not allowed.

    Parameters
    ----------
    field
        Where, as a path such as ``sources[2].positions[0]``.
    held
        The value found there.
    allowed
        What is allowed there, in words.

    Examples
    --------
    >>> raise SceneError("duration_s", -1, "a number of seconds above 0")
    Traceback (most recent call last):
    ...
    earwitness.errors.SceneError: duration_s holds -1; allowed is a number of seconds above 0
    """

    def __init__(self, field: str, held: Any, allowed: str) -> None:
        self.field, self.held, self.allowed = field, held, allowed
        shown = json.dumps(held) if isinstance(held, float) else repr(held)  # NaN, Infinity
        if len(shown) > 80:
            shown = shown[:77] + "..."
        super().__init__(f"{field} holds {shown}; allowed is {allowed}")

    def within(self, parent: str) -> SceneError:
        """Return the same error with ``parent`` (a field, or a file and ``": "``) before it."""
        join = "" if self.field.startswith("[") or parent.endswith(": ") else "."
        return SceneError(f"{parent}{join}{self.field}", self.held, self.allowed)
