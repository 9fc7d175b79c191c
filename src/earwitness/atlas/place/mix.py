"""Which sounds a stretch of ground makes at a moment: the rules of ``mix.toml``, checked."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

from earwitness.atlas.place.moment import Moment
from earwitness.errors import SceneError
from earwitness.scene import concepts

As = Literal["area", "point", "bed"]
KINDS = (
    "sea", "river", "lake", "trees", "grass", "crops", "buildings", "road", "rail", "bare", "snow",
    "air",
)  # fmt: skip
Range = tuple[float, float]


@dataclass(frozen=True)
class Rule:
    """One row of ``mix.toml``; its head says what each field means."""

    of: str
    made: As
    concept: str
    words: str
    gain_db: float = 0.0
    sun: Range = (-90.0, 90.0)
    summer: Range = (-1.0, 1.0)
    latitude: Range = (0.0, 90.0)
    least_m2: float = 0.0
    stills: frozenset[str] = frozenset()

    def fits(self, at: Moment, lat_deg: float, area_m2: float, weather: Collection[str]) -> bool:
        """Return whether it sounds at a moment, on so much ground, in that weather."""
        return (
            self.sun[0] <= at.sun_deg <= self.sun[1]
            and self.summer[0] <= at.summer <= self.summer[1]
            and self.latitude[0] <= abs(lat_deg) <= self.latitude[1]
            and area_m2 >= self.least_m2
            and not self.stills & frozenset(weather)
        )


def _rule(number: int, row: dict[str, Any]) -> Rule:
    where = f"mix.toml sound {number}"
    known = {"of", "as", "concept", "words", "gain_db", "sun", "summer", "latitude", "least_m2",
             "stills"}  # fmt: skip
    if extra := set(row) - known:
        raise SceneError(where, sorted(extra), f"only {', '.join(sorted(known))}")
    if row["of"] not in KINDS:
        raise SceneError(f"{where} of", row["of"], ", ".join(KINDS))
    if row["as"] not in get_args(As):
        raise SceneError(f"{where} as", row["as"], "area, point or bed")
    if row["concept"] not in concepts():
        raise SceneError(f"{where} concept", row["concept"], "a key of the vocabulary")
    ranges: dict[str, Range] = {}
    for name in ("sun", "summer", "latitude"):
        if name in row:
            low, high = (float(value) for value in row[name])
            if not low < high:
                raise SceneError(f"{where} {name}", row[name], "two numbers, the lower first")
            ranges[name] = (low, high)
    return Rule(
        row["of"],
        row["as"],
        row["concept"],
        str(row.get("words", concepts()[row["concept"]].label)),
        float(row.get("gain_db", 0.0)),
        least_m2=float(row.get("least_m2", 0.0)),
        stills=frozenset(row.get("stills", ())),
        **ranges,
    )


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of the file.

    Examples
    --------
    >>> [rule.concept for rule in rules() if rule.of == "river"]
    ['river']
    """
    text = files(__package__).joinpath("mix.toml").read_text("utf-8")
    return tuple(_rule(i, row) for i, row in enumerate(tomllib.loads(text)["sound"]))
