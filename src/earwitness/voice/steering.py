"""From what was wished to the controls of a model, whichever controls it has.

A wish says "heavy", "fast", "three", "at 30 °C"; a model has controls in physical units. The
link is made by the controls' names and units, so a new model is steered without a new table.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from earwitness.voice.lexicon import word_set
from earwitness.voice.model import Control, Model
from earwitness.voice.phrases import Wish

# An attribute of a wish, parts of the names of controls that it moves up, and down.
_RULES: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    (
        "strength",
        word_set(
            "strength force intensity effort excitement wind_m_s rain_mm_h flow density height "
            "loudness energy agitation activity vigour power crackle drops_per drop_rate "
            "discharge slope gust diameter"
        ),
        frozenset(),
    ),
    (
        "tempo",
        word_set("tempo rate speed rpm per_min per_s bpm cadence"),
        word_set("interval period gap pause"),
    ),
    ("size", word_set("size mass length radius body"), word_set("pitch f0")),
    ("pitch", word_set("pitch f0 carrier tone frequency"), frozenset()),
)
_MATERIALS = {
    "metal": 1.0,
    "glass": 0.8,
    "stone": 0.7,
    "plastic": 0.5,
    "wood": 0.4,
    "gravel": 0.4,
    "canvas": 0.2,
    "sand": 0.15,
    "mud": 0.1,
    "leaves": 0.1,
    "grass": 0.05,
    "snow": 0.0,
    "carpet": 0.0,
}
"""Hardness of what is struck, 0 to 1, for controls called so."""

_HOURS = {
    "dawn": 5.0,
    "morning": 8.0,
    "noon": 12.0,
    "afternoon": 15.0,
    "evening": 20.0,
    "night": 23.0,
}
_COUNTED = word_set("count animals birds people voices number singers dogs insects players")


def moved(control: Control, amount: float) -> float:
    """Return a control's value moved from its usual one toward an end of its range.

    Parameters
    ----------
    control
        Any control.
    amount
        −1 (its low end) to 1 (its high end).

    Returns
    -------
    float
        Moved along the logarithm where the range spans a decade or more above 0.

    Examples
    --------
    >>> wind = Control("wind_m_s", "m/s", 1, 25, 5, "")
    >>> round(moved(wind, 1.0), 1), round(moved(wind, -1.0), 1), moved(wind, 0.0)
    (25.0, 1.0, 5)
    """
    if amount == 0.0:
        return control.default
    end = control.high if amount > 0 else control.low
    share = min(1.0, abs(amount))
    if control.low > 0 and control.high >= 10 * control.low:
        return float(np.exp(np.interp(share, [0, 1], np.log([control.default, end]))))
    return float(np.interp(share, [0, 1], [control.default, end]))


def _named(control: Control, parts: Iterable[str]) -> bool:
    return any(part in control.name for part in parts)


def controls(model: Model, wish: Wish) -> dict[str, float]:
    """Return every control of a model as a wish sets it.

    Parameters
    ----------
    model
        The model.
    wish
        What was understood.

    Returns
    -------
    dict
        Name → value within the control's range.

    Examples
    --------
    >>> from earwitness.voice.model import Model
    >>> crickets = Model("crickets", (Control("temperature_c", "°C", 5, 40, 20, ""),), "", None)
    >>> controls(crickets, Wish("crickets", "crickets", temperature_c=30.0))
    {'temperature_c': 30.0}
    """
    wanted: dict[str, float] = {}
    for control in model.controls:
        for attribute, up, down in _RULES:
            amount = float(getattr(wish, attribute))
            way = 1.0 if _named(control, up) else -1.0 if _named(control, down) else 0.0
            if amount * way and control.name not in wanted:
                wanted[control.name] = moved(control, amount * way)
        if control.name in wish.words.split():
            wanted[control.name] = control.high  # "a dog panting"
        if wish.count is not None and control.name.split("_")[0] in _COUNTED:
            wanted[control.name] = float(wish.count)
        if wish.temperature_c is not None and "temperature" in control.name:
            wanted[control.name] = wish.temperature_c
        if wish.distance_m is not None and control.name == "distance_m":
            wanted[control.name] = wish.distance_m
        if wish.material in _MATERIALS and _named(control, ("hardness", "material")):
            span = control.high - control.low
            wanted[control.name] = control.low + span * _MATERIALS[wish.material]
        if wish.material is not None and control.name in (wish.material, f"{wish.material}_share"):
            wanted[control.name] = control.high
        if wish.time_of_day is not None and control.name in ("hour", "hour_h", "time_h"):
            wanted[control.name] = _HOURS[wish.time_of_day]
        for value, unit in wish.quantities:
            if control.unit == unit or (unit == "1/min" and control.unit in ("bpm", "rpm")):
                wanted[control.name] = value
            elif unit == "1/min" and control.unit == "1/s":
                wanted[control.name] = value / 60
    return model.settings(wanted)
