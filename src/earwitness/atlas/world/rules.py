"""The rules: what sounds at a place, a month and an hour.

They are made up, from general knowledge and in round figures. Nobody listened.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from earwitness.atlas.world.layers import CLIMATES, IGBP, Ground
from earwitness.atlas.world.table import names

Column = NDArray[np.float64]

PRESENT = 0.3
"""A concept counts as there from this weight on."""

MISSED = 0.1
"""Share of sounds that a recording misses."""

WANDER = 0.15
"""Deviation of the logarithm of a level from one recording to the next."""

BY_DAY, DAY = 0.7, (6, 20)
"""Share of recordings made in these hours; the others are made at any."""


def _between(hour: Column, first: float, last: float) -> Column:
    """Return 1 inside a part of the day and 0 outside, with an hour of slope."""
    middle, half = (first + last) / 2, (last - first) / 2
    away = np.abs((hour - middle + 12) % 24 - 12)
    return np.clip(half + 0.5 - away, 0, 1)


def _ramp(value: Column, low: float, high: float) -> Column:
    """Return 0 below ``low``, 1 above ``high``, a line between."""
    return np.clip((value - low) / (high - low), 0, 1)


def warmth(lat_deg: ArrayLike, month: ArrayLike) -> Column:
    """Return a rough air temperature at sea level, °C.

    Examples
    --------
    >>> float(warmth(52.0, 7)) > 15 > 5 > float(warmth(52.0, 1))
    True
    """
    lat = np.asarray(lat_deg, np.float64)
    yearly = 28 - 0.012 * np.abs(lat) ** 1.9
    season = np.cos(2 * np.pi * (np.asarray(month, np.float64) - 7) / 12) * np.sign(lat)
    return np.asarray(yearly + season * 0.22 * np.abs(lat))


def mixture(place: Ground, month: ArrayLike, hour: ArrayLike) -> NDArray[np.float32]:
    """Return how much there is of each concept.

    Parameters
    ----------
    place
        What lies round n places.
    month, hour : array, shape (n,)
        Month 1 to 12, local hour 0 to 24.

    Returns
    -------
    array, shape (n, concepts), float32
        0 to 1, in the order of :func:`earwitness.atlas.world.table.names`.
    """
    hour = np.asarray(hour, np.float64)
    month = np.asarray(month, np.float64)
    cover = {name: place.cover[:, i].astype(np.float64) for i, name in enumerate(IGBP)}
    part = {name: place.climate[:, i].astype(np.float64) for i, name in enumerate(CLIMATES)}

    def climates(*starts: str) -> Column:
        held: Column = sum(
            (share for name, share in part.items() if name.startswith(starts)),
            np.zeros(len(hour)),
        )
        # Sea in the window has no climate of the land; the land's own counts.
        return held / np.maximum(1 - part["Ocean"], 0.05)

    warm = warmth(place.lat_deg, month)
    far = np.abs(place.lat_deg)
    sea = place.sea.astype(np.float64)
    land = 1 - sea
    day = _between(hour, 6, 19)
    dark = 1 - _between(hour, 5.5, 20)
    dawn = _between(hour, 4, 8)
    mild = _ramp(warm, 4, 12)
    hot = _ramp(warm, 16, 23)
    tropical = climates("A")
    dry = climates("BW")
    high = _ramp(place.rugged.astype(np.float64), 0.55, 0.85)
    needle = cover["evergreen needle"] + cover["deciduous needle"]
    woods = needle + cover["deciduous broad"] + cover["mixed forest"]
    woods = woods + cover["evergreen broad"] * (1 - tropical) + 0.6 * cover["woody savanna"]
    savanna = cover["woody savanna"] + cover["savanna"] + 0.5 * cover["grass"]
    crops = cover["crop"] + cover["crop mosaic"] + 0.3 * cover["urban"]
    green = np.clip(woods + savanna + crops + cover["grass"] + cover["wetland"], 0, 1)
    people = np.log10(place.people.astype(np.float64) + 1)
    coast = _ramp(sea, 0.02, 0.12) * _ramp(land, 0.02, 0.12)
    inshore = np.clip(_ramp(1 - place.shore.astype(np.float64), 0.02, 0.15), 0, 1)
    frozen = np.where(
        place.lat_deg > 0, _ramp(far - 0.6 * warm, 64, 72), _ramp(far - 0.5 * warm, 60, 66)
    )
    cold = climates("EF", "ET") * _ramp(far, 52, 58)
    old_world_apes = (place.lon_deg < 125) & (place.lat_deg > -25)

    say = {
        "sea-waves": _ramp(sea, 0.1, 0.7) * (1 - frozen),
        "surf-sand": coast * (1 - 0.8 * frozen),
        "gull": np.maximum(coast, 0.6 * inshore * sea) * (0.45 + 0.45 * day) * (1 - 0.5 * tropical),
        "lake-lapping": _ramp(place.lake.astype(np.float64), 0.05, 0.4) * (1 - _ramp(-warm, 2, 10)),
        "ice": np.maximum(frozen * _ramp(sea, 0.1, 0.5), 0.8 * coast * cover["snow"]),
        "tropical-forest": _ramp(cover["evergreen broad"] * tropical, 0.1, 0.5),
        "monkey": _ramp(cover["evergreen broad"] * tropical, 0.2, 0.7)
        * old_world_apes * (0.35 + 0.4 * day),
        "cicadas": hot * _between(hour, 9, 20) * np.clip(woods + savanna + 0.5 * crops, 0, 1)
        * climates("Cs", "Cfa", "BSh", "Cw") * 0.9,
        "wind-trees": _ramp(woods, 0.1, 0.5) * 0.9,
        "songbird": mild * (0.25 + 0.6 * day) * (1 - tropical)
        * np.clip(woods + crops + 0.5 * cover["grass"], 0, 1),
        "dawn-chorus": dawn * mild * np.clip(woods + crops, 0, 1) * 0.9,
        "owl": dark * _ramp(woods, 0.2, 0.6) * 0.75,
        "crickets": dark * _ramp(warm, 12, 18) * green * (1 - 0.7 * dry) * 0.9,
        "frogs": _ramp(warm, 8, 14) * (0.35 + 0.45 * dark)
        * np.clip(2 * cover["wetland"] + climates("Af", "Am") * cover["evergreen broad"], 0, 1),
        "grasshoppers": _ramp(warm, 14, 20) * day * np.clip(savanna + cover["open shrub"], 0, 1)
        * 0.75,
        "savanna-night": dark * _ramp(warm, 15, 20) * np.clip(savanna, 0, 1)
        * climates("Aw", "As", "BSh") * 0.95,
        "wind": np.clip(cover["grass"] + cover["open shrub"] + 0.4 * cover["crop"], 0, 1)
        * (1 - tropical) * 0.75 * (1 - 0.6 * cold),
        "wind-desert": cover["barren"] * np.clip(dry + climates("BS"), 0, 1)
        + 0.5 * cover["open shrub"] * dry,
        "wind-polar": land * np.maximum(cold, _ramp(cover["snow"], 0.2, 0.6) * _ramp(far, 50, 58)),
        "wind-mountain": land * high * np.clip(climates("ET", "EF", "BWk", "Dw", "Ds", "Df", "Cwb")
        + cover["snow"] + 0.2, 0, 1) * (1 - cold),
        "cow": np.clip(1.1 * crops + 0.6 * cover["grass"], 0, 1) * (0.35 + 0.35 * day)
        * (1 - dry) * _ramp(warm, -5, 5),
        "sheep": np.clip(1.2 * cover["grass"] + 0.3 * crops, 0, 1)
        * climates("Cfb", "Cfc", "Cs", "BSk", "Dsb", "Dsa") * (0.45 + 0.3 * day),
        "tractor": _ramp(crops, 0.3, 0.9) * day * _ramp(warm, 5, 12) * 0.7,
        "traffic": land * _ramp(people, 4.6, 6.2),
        "crowd": land * _ramp(people, 5.7, 7.0) * (0.4 + 0.5 * _between(hour, 8, 23)),
        "harbour": coast * _ramp(people, 4.4, 5.8) * 0.8,
        "jet": _ramp(place.airports.astype(np.float64), 0, 3) * _ramp(people, 4.5, 6.5)
        * (0.4 + 0.4 * day),
        "rain": np.clip(0.55 * climates("Af", "Am") + 0.45 * climates("Cfb", "Cfc")
        + 0.3 * part["Ocean"] * _ramp(far, 38, 45) * (1 - frozen), 0, 1),
        "thunder": _between(hour, 13, 20) * hot
        * np.clip(climates("A", "Cfa", "Cwa") * (1 - 0.5 * sea), 0, 1) * 0.6,
    }  # fmt: skip
    made = np.stack([say[name] for name in names()], axis=1)
    return np.asarray(np.clip(made, 0, 1), np.float32)


def at_best(place: Ground, every_h: int = 1) -> NDArray[np.float32]:
    """Return how much there is of each concept in its own month and hour.

    This is what a map without a date is asked: where may an owl be heard, be it at night.

    Parameters
    ----------
    place
        What lies round n places.
    every_h
        Hours between looks.

    Returns
    -------
    array, shape (n, concepts), float32
        The largest of :func:`mixture` over twelve months and the hours of the day.
    """
    count = len(place.sea)
    most = np.zeros((count, len(names())), np.float32)
    for month in range(1, 13):
        for hour in range(0, 24, every_h):
            now = mixture(place, np.full(count, month), np.full(count, hour))
            np.maximum(most, now, out=most)
    return most


def heard(weights: ArrayLike, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return what one recording caught of a mixture: levels wander, and one in ten is missed.

    Parameters
    ----------
    weights : array, shape (n, concepts)
        From :func:`mixture`.
    rng
        Chance. If nothing is left, the strongest stays.
    """
    held = np.asarray(weights, np.float32)
    wander = held * np.exp(WANDER * rng.standard_normal(held.shape)).astype(np.float32)
    kept = wander * (rng.random(held.shape) > MISSED)
    silent = kept.max(axis=1) < PRESENT
    strongest = held.argmax(axis=1)
    rows = np.flatnonzero(silent)
    kept[rows, strongest[rows]] = np.maximum(held[rows, strongest[rows]], PRESENT + 0.05)
    return np.clip(kept, 0, 1).astype(np.float32)


def likely(weights: ArrayLike) -> NDArray[np.float32]:
    """Return how likely :func:`heard` leaves each concept of a mixture there.

    Parameters
    ----------
    weights : array, shape (n, concepts)
        From :func:`mixture`.

    Returns
    -------
    array, shape (n, concepts), float32
        Probabilities. Concepts count as independent, which they are but for the strongest one.

    Examples
    --------
    >>> likely([[0.9, 0.3, 0.0]]).round(2)
    array([[0.96, 0.45, 0.  ]], dtype=float32)
    """
    held = np.asarray(weights, np.float64)
    there = (1 - MISSED) * ndtr(np.log(np.maximum(held, 1e-9) / PRESENT) / WANDER)
    rows = np.arange(len(held))
    there[rows, held.argmax(axis=1)] += np.prod(1 - there, axis=1)
    return np.asarray(there, np.float32)


def share_of_hour(hour: ArrayLike) -> Column:
    """Return the share of recordings that are made in each hour, counted from 0.

    Examples
    --------
    >>> round(float(share_of_hour(range(24)).sum()), 9)
    1.0
    """
    first, last = DAY
    at = np.asarray(hour)
    by_day = (at >= first) & (at < last)
    return np.where(by_day, BY_DAY / (last - first), 0.0) + (1 - BY_DAY) / 24


def likely_whenever(place: Ground, every_h: int = 1) -> NDArray[np.float32]:
    """Return how likely a recording of no known date has each concept.

    Parameters
    ----------
    place
        What lies round n places.
    every_h
        Hours between looks, a divisor of 24.

    Returns
    -------
    array, shape (n, concepts), float32
        The mean of :func:`likely` over months, and over hours as often as they are recorded.
    """
    count = len(place.sea)
    made = np.zeros((count, len(names())))
    for first in range(0, 24, every_h):
        share = share_of_hour(np.arange(first, first + every_h)).sum() / 12
        hour = np.full(count, first + (every_h - 1) / 2)
        for month in range(1, 13):
            made += share * likely(mixture(place, np.full(count, month), hour))
    return made.astype(np.float32)
