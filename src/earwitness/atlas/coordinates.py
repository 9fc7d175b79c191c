"""Latitude and longitude as people write them."""

from __future__ import annotations

import re

_ONE = r"""\s*(?P<before{0}>[NSEW])?\s*
(?P<degrees{0}>[+-]?\d+(?:\.\d*)?)\s*°?\s*
(?:(?P<minutes{0}>\d+(?:\.\d*)?)\s*['′’]\s*)?
(?:(?P<seconds{0}>\d+(?:\.\d*)?)\s*(?:"|″|”|''|′′)\s*)?
(?(before{0})|(?P<after{0}>[NSEW])?)\s*"""
_PAIR = re.compile(_ONE.format(1) + r"(?:[,;\s]|(?<=[NSEW°'′’\"″”]))" + _ONE.format(2), re.X | re.I)


def read_degrees(text: str) -> tuple[float, float] | None:
    """Return the latitude and longitude that a text is, or None if it is none.

    Parameters
    ----------
    text
        Two numbers, the latitude first, north and east positive; or with letters for north, south,
        east and west, in either order; with minutes and seconds of arc or without.

    Returns
    -------
    tuple of float, or None
        Degrees north and east, as far as they go: nobody looks whether there is such a latitude.

    Examples
    --------
    >>> read_degrees("47.3769 8.5417"), read_degrees("-33.9, 151.2")
    ((47.3769, 8.5417), (-33.9, 151.2))
    >>> read_degrees("48°51′24″N 2°21′E"), read_degrees("151.2° E, 33.9° S")
    ((48.856666667, 2.35), (-33.9, 151.2))
    >>> read_degrees("New York") is None
    True
    """
    found = _PAIR.fullmatch(text)
    if found is None:
        return None
    values: dict[str, float] = {}
    for number, otherwise in ((1, "NS"), (2, "EW")):
        before, after = found[f"before{number}"], found[f"after{number}"]
        degrees, letter = found[f"degrees{number}"], (before or after or "").upper()
        small = [float(found[f"{part}{number}"] or 0.0) for part in ("minutes", "seconds")]
        signed = degrees.startswith(("+", "-"))
        if max(small) >= 60.0 or (signed and letter):
            return None
        size = round(abs(float(degrees)) + small[0] / 60.0 + small[1] / 3600.0, 9)
        axis = "NS" if letter in ("N", "S") else "EW" if letter else otherwise
        if axis in values:
            return None
        values[axis] = -size if letter in ("S", "W") or degrees.startswith("-") else size
    if bool(found["before1"] or found["after1"]) != bool(found["before2"] or found["after2"]):
        return None
    return values["NS"], values["EW"]
