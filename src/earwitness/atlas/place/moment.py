"""When: date and hour as what matters to the sounds of a place, the sun's height and the season."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from earwitness.errors import OptionError

SPRING = {True: (5, 14), False: (11, 14)}
"""Month and day taken where no date is given, north and south of the equator."""

MORNING_H = 9.0
"""Hour taken where none is given."""

_SOLSTICE_DAY = 172.0
_YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Moment:
    """A moment at a place.

    Parameters
    ----------
    month
        1 to 12.
    hour
        Local hour, 0 to 24.
    sun_deg
        The sun's height above the horizon, degrees.
    summer
        1 at midsummer, −1 at midwinter, 0 at the equinoxes; in the tropics always near 0.6.
    given
        Whether date and hour were given.
    """

    month: int
    hour: float
    sun_deg: float
    summer: float
    given: tuple[bool, bool]

    @property
    def words(self) -> str:
        """The moment in words, such as ``May, 06:00``."""
        name = date(2000, self.month, 1).strftime("%B")
        minutes = round(self.hour * 60) % (24 * 60)
        return f"{name}, {minutes // 60:02d}:{minutes % 60:02d}"


def day_of(text: str) -> date:
    """Return the day that an ISO date or month names; of a month, the middle.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> day_of("2026-05").isoformat()
    '2026-05-15'
    """
    try:
        return date.fromisoformat(f"{text}-15" if text.count("-") == 1 else text)
    except ValueError:
        raise OptionError(f"date {text!r}; give it as 2026-05-14 or 2026-05") from None


def moment(lat_deg: float, day: str | None, hour: float | None) -> Moment:
    """Return what a date and a local hour mean at a latitude.

    Parameters
    ----------
    lat_deg
        Degrees north.
    day
        ISO date (``2026-05-14``) or a month (``2026-05``); None is a day in spring.
    hour
        Local (solar) hour, 0 to 24; None is nine in the morning.

    Raises
    ------
    OptionError
        If the date or the hour is none.

    Examples
    --------
    >>> winter = moment(60.0, "2026-12-21", 12)
    >>> round(winter.sun_deg), round(winter.summer, 1)
    (7, -1.0)
    >>> moment(-34.0, "2026-01-10", 12).summer > 0.9
    True
    """
    if hour is not None and not 0.0 <= hour <= 24.0:
        raise OptionError(f"hour {hour:g}; give 0 to 24")
    if day is None:
        month, number = SPRING[lat_deg >= 0]
        when = date(2025, month, number)
    else:
        when = day_of(day)
    at = MORNING_H if hour is None else float(hour) % 24.0
    turn = 2 * math.pi * (when.timetuple().tm_yday - _SOLSTICE_DAY) / _YEAR_DAYS
    tilt = math.radians(23.44) * math.cos(turn)
    lat, angle = math.radians(lat_deg), math.radians(15.0 * (at - 12.0))
    height = math.sin(lat) * math.sin(tilt) + math.cos(lat) * math.cos(tilt) * math.cos(angle)
    temperate = min(1.0, max(0.0, (abs(lat_deg) - 15.0) / 15.0))
    season = math.cos(turn) * (1.0 if lat_deg >= 0 else -1.0)
    return Moment(
        when.month,
        at,
        math.degrees(math.asin(max(-1.0, min(1.0, height)))),
        temperate * season + (1.0 - temperate) * 0.6,
        (day is not None, hour is not None),
    )
