"""Questions put to a map: words and sounds as embeddings, and when."""

from __future__ import annotations

import calendar
import datetime
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError
from earwitness.scene import Sound

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

WORLD_QUERIES = (
    "sea waves",
    "surf on a beach",
    "a tropical forest with insects and birds",
    "wind in a desert",
    "polar wind over ice",
    "city traffic",
    "farm animals",
    "a boreal forest with birds",
    "insects of the savanna",
    "thunder",
)
"""What the maps in the documentation show; asked for where only ``--dominant`` was."""

_MOST_QUERIES = 256
_LONGEST = 500


def month_of(when: str | None) -> tuple[str | None, int | None]:
    """Return a date as ISO text, and its month.

    Parameters
    ----------
    when
        ``2026-07-15``, ``2026-07``, or a month's name; None for whenever.

    Examples
    --------
    >>> month_of("2026-07-15"), month_of("July"), month_of(None)
    (('2026-07-15', 7), (None, 7), (None, None))
    """
    if when is None:
        return None, None
    words = str(when).strip()
    names = [name.lower() for name in calendar.month_name]
    starts = [k for k, name in enumerate(names) if k and name.startswith(words.lower())]
    if len(words) >= 3 and len(starts) == 1:
        return None, starts[0]
    try:
        whole = f"{words}-15" if re.fullmatch(r"\d{4}-\d{2}", words) else words
        day = datetime.date.fromisoformat(whole)
    except ValueError:
        raise OptionError(
            f"{words!r} is no date; give one as 2026-07-15, 2026-07, or a month such as July"
        ) from None
    return day.isoformat(), day.month


def check_hour(hour: float | None) -> float | None:
    """Return an hour of the day, 0 up to 24, or None.

    Raises
    ------
    OptionError
        If it is none.
    """
    if hour is None:
        return None
    if not (math.isfinite(hour) and 0 <= hour <= 24):
        raise OptionError(f"the hour is {hour:g}; allowed is 0 to 24, local time")
    return float(hour) % 24


def hours_of(words: str) -> tuple[float, ...]:
    """Read hours: ``0-23``, or ``0,6,12,18``.

    Examples
    --------
    >>> hours_of("5-8"), hours_of("0,12"), hours_of("22-1")
    ((5.0, 6.0, 7.0, 8.0), (0.0, 12.0), (22.0, 23.0, 0.0, 1.0))
    """
    try:
        made: list[float] = []
        for part in words.split(","):
            span = re.fullmatch(r"\s*(\d+)\s*-\s*(\d+)\s*", part)
            if span:
                first, last = int(span[1]), int(span[2])
                if not (first <= 24 and last <= 24):
                    raise ValueError
                made += [(first + k) % 24 for k in range((last - first) % 24 + 1)]
            else:
                hour = float(part)
                if not 0 <= hour <= 24:
                    raise ValueError
                made.append(hour % 24)
    except ValueError:
        raise OptionError(f"{words!r} are no hours; give such as 0-23, or 0,6,12,18") from None
    return tuple(dict.fromkeys(float(hour) for hour in made))


def check_queries(words: Sequence[str], sounds: int = 0) -> None:
    """Check the words of queries, and that there are some.

    Raises
    ------
    OptionError
        If there is no query, one is empty or too long, or there are too many.
    """
    if not words and not sounds:
        raise OptionError(
            'there is nothing to ask; give words with --query, such as --query "sea waves", or a '
            "sound with --query-audio"
        )
    if len(words) + sounds > _MOST_QUERIES:
        raise OptionError(f"{len(words) + sounds} queries; the most is {_MOST_QUERIES}")
    for one in words:
        if not one.strip():
            raise OptionError("a query is empty; give words such as: a mountain stream")
        if len(one) > _LONGEST:
            raise OptionError(f"a query has {len(one)} letters; the most is {_LONGEST}")


def embed_queries(
    embedder: Embedder, words: Sequence[str], sounds: Sequence[Sound] = ()
) -> NDArray[np.float32]:
    """Return the embeddings of queries, words first, each of length 1, shape ``(n, dim)``.

    Raises
    ------
    OptionError
        If there is no query, one is empty or too long, or there are too many.
    """
    check_queries(words, len(sounds))
    parts = []
    if words:
        parts.append(np.asarray(embedder.texts(list(words)), np.float32))
    if sounds:
        parts.append(np.asarray(embedder.sounds(list(sounds)), np.float32))
    made = np.concatenate(parts)
    length = np.linalg.norm(made, axis=1, keepdims=True)
    if not np.isfinite(made).all() or (length < 1e-6).any():
        which = int(np.flatnonzero(~np.isfinite(length[:, 0]) | (length[:, 0] < 1e-6))[0])
        what = repr(words[which]) if which < len(words) else f"sound {which - len(words) + 1}"
        raise OptionError(
            f"the embedder {embedder.name!r} can make nothing of {what}; say it in other words"
        )
    unit: NDArray[np.float32] = (made / length).astype(np.float32)
    return unit
