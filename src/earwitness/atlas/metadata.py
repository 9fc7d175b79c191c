"""Place, month, hour and labels as the numbers the satellite branch reads; NumPy alone.

``published=True`` gives the published encodings, in which hours 0 and 23 coincide, and both poles.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError

AUDIO_SOURCES = {"yfcc": 0, "iNat": 1, "aporee": 2, "freesound": 3}
CAPTION_SOURCES = {"meta": 0, "qwen": 1, "pengi": 2}
UNKNOWN = -1


def _within(values: ArrayLike, low: float, high: float, what: str) -> NDArray[np.float64]:
    held = np.asarray(values, dtype=np.float64)
    wrong = ~((held >= low) & (held <= high))
    if wrong.any():
        raise OptionError(
            f"{what} is {held[wrong].flat[0]:g}; allowed is {low:g} to {high:g}"
            + (f" ({int(wrong.sum())} of {held.size} are wrong)" if held.size > 1 else "")
        )
    return held


def _turn(share: NDArray[np.float64]) -> NDArray[np.float32]:
    angle = 2 * np.pi * share
    return np.stack([np.sin(angle), np.cos(angle)], axis=-1).astype(np.float32)


def encode_place(
    lat_deg: ArrayLike, lon_deg: ArrayLike, *, published: bool = False
) -> NDArray[np.float32]:
    """Encode places.

    Parameters
    ----------
    lat_deg, lon_deg : array, shape (...)
        Degrees north and east.
    published
        Let latitude go once round between the poles, so that they coincide. By default it goes
        half round: each latitude has a code of its own.

    Returns
    -------
    array, shape (..., 4), float32
        Sine and cosine of latitude, then of longitude.

    Examples
    --------
    >>> encode_place(90.0, 0.0).round(3).tolist()
    [1.0, 0.0, 0.0, 1.0]
    >>> bool(np.allclose(encode_place(90, 0, published=True), encode_place(-90, 0, published=True)))
    True
    """
    lat = _within(lat_deg, -90, 90, "a latitude")
    lon = _within(lon_deg, -180, 180, "a longitude")
    lat, lon = np.broadcast_arrays(lat, lon)
    return np.concatenate([_turn(lat / (180 if published else 360)), _turn(lon / 360)], axis=-1)


def encode_month(month: ArrayLike) -> NDArray[np.float32]:
    """Encode months 1 to 12, shape (...), as sine and cosine, shape (..., 2), float32."""
    return _turn(_within(month, 1, 12, "a month") / 12)


def encode_hour(hour: ArrayLike, *, published: bool = False) -> NDArray[np.float32]:
    """Encode hours of the day.

    Parameters
    ----------
    hour : array, shape (...)
        Local hours, 0 to 24, whole when ``published``.
    published
        Let the day have 23 hours, so that 0 and 23 coincide.

    Returns
    -------
    array, shape (..., 2), float32

    Examples
    --------
    >>> encode_hour(6).round(3).tolist()
    [1.0, 0.0]
    """
    return _turn(_within(hour, 0, 24, "an hour") / (23 if published else 24))


def encode_label(name: str | None, known: dict[str, int]) -> int:
    """Return a label's number, or -1 for None, an empty word or ``unknown``.

    Examples
    --------
    >>> encode_label("aporee", AUDIO_SOURCES), encode_label(None, AUDIO_SOURCES)
    (2, -1)
    """
    if name is None or name in ("", "unknown"):
        return UNKNOWN
    if name not in known:
        raise OptionError(
            f"no source is called {name!r}; choose from {', '.join(known)}, or 'unknown'"
        )
    return known[name]


@dataclass(frozen=True, slots=True)
class When:
    """Month (1 to 12) and hour (0 to 23) of a recording; None for what is not known."""

    month: int | None = None
    hour: int | None = None


_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"(?<![\d.:])(\d{1,2})(?::(\d{2})(?::\d{2}(?:\.\d+)?)?\s*([ap]m)?|\s*([ap]m))")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[-/.:](\d{1,2})(?:[-/.:](\d{1,2}))?(?!\d)")
_YEAR_FIRST_TIGHT = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(\d\d)(\d\d)(?:t?(\d\d)(\d\d)(?:\d\d)?z?)?(?!\d)"
)
_YEAR_SHORT = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{2})(?![\d/])")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?!\d)")


def _clock(text: str) -> tuple[int | None, str, bool]:
    """Return the hour, the text without the clock, and whether the clock is one."""
    found = _CLOCK.search(text.replace("t", " "))
    if found is None:
        return None, text, True
    hour, minute = int(found[1]), int(found[2] or 0)
    half = found[3] or found[4]
    if half is not None and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    rest = text[: found.start()] + " " + text[found.end() :]
    return hour, rest, hour < 24 and minute < 60


def _month(text: str) -> int | None:
    if found := _YEAR_FIRST.search(text):
        year, month, day = int(found[1]), int(found[2]), int(found[3] or 1)
    elif found := _YEAR_LAST.search(text) or _YEAR_SHORT.search(text):
        month, day, year = int(found[1]), int(found[2]), int(found[3])
        year += 2000 if year < 100 else 0
        if month > 12:  # the day came first
            month, day = day, month
    else:
        words = re.findall(r"[a-z]+", text)
        named = [_MONTHS.index(word[:3]) + 1 for word in words if word[:3] in _MONTHS]
        return named[0] if len(named) == 1 else None
    try:
        return datetime(year, month, day).month
    except ValueError:
        return None


def _read_as_published(text: str) -> When:
    parse: Any = import_module("dateutil.parser").parse
    lower = text.lower().strip()
    for half in ("am", "pm"):
        if half in lower:
            lower = lower[: lower.find(half) + 2].strip()
            break
    else:
        if "gmt" in lower:
            lower = lower[: lower.find("gmt")].strip()
    try:
        found = parse(lower)
    except (ValueError, ArithmeticError, TypeError, AttributeError, LookupError):
        return When()
    return When(found.month, found.hour)


def read_date(text: str | None, *, published: bool = False) -> When:
    """Read month and hour out of a date as data sets write them.

    ISO dates, ``13 May 2012 6:30pm``, ``5/13/2012`` (month first unless that cannot be), cut after
    the first am or pm, or before ``gmt``.

    Parameters
    ----------
    text
        The date, or None.
    published
        Read it as the published code does: by dateutil where that is installed (what a date lacks
        comes from today, and a date without a clock is of midnight), and cut after the first "am",
        be it America's. Without dateutil, only dates without a clock are taken for midnight.

    Returns
    -------
    When
        With None for what cannot be read.

    Examples
    --------
    >>> read_date("2012-05-13 18:30:00")
    When(month=5, hour=18)
    >>> read_date("13 May 2012")
    When(month=5, hour=None)
    """
    if text is None:
        return When()
    if published and find_spec("dateutil") is not None:
        return _read_as_published(text)
    lower = text.strip().lower()
    half = re.search(r"[ap]m\b", lower)
    if half is not None:
        lower = lower[: half.end()]
    else:
        lower = lower.split("gmt")[0]
    if tight := _YEAR_FIRST_TIGHT.search(lower):
        year, month_, day, at, minute = tight.groups()
        lower = f"{lower[: tight.start()]} {year}-{month_}-{day} "
        lower += f"{at}:{minute}" if at else tight.string[tight.end() :]
    hour, rest, sound = _clock(lower)
    month = _month(rest)
    if month is None or not sound:
        return When()
    return When(month, 0 if hour is None and published else hour)
