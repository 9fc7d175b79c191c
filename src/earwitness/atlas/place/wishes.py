"""Words that steer a place: time of day and season, weather, what shall sound and what not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from earwitness.scene import Bed, Source, concepts, frame

HOURS = {
    "dawn": 5.5, "daybreak": 5.5, "sunrise": 6.0, "morning": 8.5, "noon": 12.0, "midday": 12.0,
    "daytime": 13.0, "afternoon": 15.0, "evening": 19.5, "sunset": 20.0, "dusk": 21.0,
    "nightfall": 21.5, "night": 23.0, "midnight": 0.0,
}  # fmt: skip
SEASONS = {
    "spring": "2025-05-05", "springtime": "2025-05-05", "summer": "2025-07-10",
    "summertime": "2025-07-10", "autumn": "2025-10-10", "fall": "2025-10-10",
    "winter": "2025-01-15", "wintertime": "2025-01-15",
}  # fmt: skip
_HALF_YEAR_ON = {"05": "11", "07": "01", "10": "04", "01": "07"}
_AROUND = "at in on the a an during early late by of around time"
WEATHER = frozenset(
    ("wind", "blizzard", "rain-light", "rain-heavy", "rain-leaves", "rain-water", "thunder-far",
     "thunder-near", "hail")
)  # fmt: skip
_PERCHED = frozenset(
    ("songbird", "blackbird", "great-tit", "nightingale", "sparrow", "cuckoo", "skylark", "crow",
     "gull", "owl", "pigeon", "woodpecker", "eagle", "parrot")
)  # fmt: skip
_SORT = {"rain": "rain", "wind": "wind", "traffic": "traffic"}


class Wished(Protocol):
    """One thing that is to sound, as the voice understands it."""

    @property
    def concept(self) -> str:
        """Key in the vocabulary."""
        ...

    @property
    def words(self) -> str:
        """The words that named it."""
        ...

    @property
    def strength(self) -> float:
        """−1 faint to 1 strong."""
        ...

    @property
    def distance_m(self) -> float | None:
        """Metres, or None."""
        ...


@dataclass(frozen=True)
class Time:
    """What words said of when, and the words that are left.

    Parameters
    ----------
    day
        ISO date, or None.
    hour
        Local hour, or None.
    rest
        The words without those of time and season.
    """

    day: str | None
    hour: float | None
    rest: str


def time_in(words: str, lat_deg: float) -> Time:
    """Take time of day and season out of words.

    Parameters
    ----------
    words
        Such as "light rain on a winter evening".
    lat_deg
        South of the equator summer is in January.

    Examples
    --------
    >>> time_in("light rain on a winter evening", 50.0)
    Time(day='2025-01-15', hour=19.5, rest='light rain')
    """
    day: str | None = None
    hour: float | None = None
    kept: list[str] = []
    for word in re.findall(r"\S+", words):
        bare = word.strip(",.;").lower()
        if bare in HOURS or bare in SEASONS:
            if bare in HOURS:
                hour = HOURS[bare]
            else:
                day = SEASONS[bare]
            while kept and kept[-1].lower() in _AROUND.split():
                kept.pop()
            if word.endswith((",", ";")) and kept:
                kept[-1] += ","
        else:
            kept.append(word)
    if day is not None and lat_deg < 0:
        year, month, number = day.split("-")
        day = f"{year}-{_HALF_YEAR_ON[month]}-{number}"
    rest = " ".join(kept).strip(" ,;")
    if all(word in _AROUND.split() for word in rest.lower().split()):
        rest = ""
    return Time(day, hour, rest)


def _sort(concept: str) -> str:
    return _SORT.get(concept.split("-")[0], concept)


def steered(
    sources: Sequence[Source],
    beds: Sequence[Bed],
    wishes: Sequence[Wished],
    refused: Iterable[str],
    *,
    rng: np.random.Generator,
) -> tuple[list[Source], list[Bed]]:
    """Return sources and beds once wishes are heeded.

    A wish for what is there makes it stronger or fainter; a wish for what is not there puts it
    somewhere around the listener; weather becomes a bed, in the place of weather of its sort.

    Parameters
    ----------
    sources, beds
        What the place gave.
    wishes, refused
        What is to sound, and concepts that are not to.
    rng
        For directions of what the map does not show.
    """
    wanted = {wish.concept for wish in wishes}
    gone = {_sort(one) for one in refused} - {_sort(one) for one in wanted}
    kept = [source for source in sources if _sort(source.concept) not in gone]
    layers = [bed for bed in beds if _sort(bed.concept) not in gone]
    ids = {one.id for one in kept} | {one.id for one in layers}
    for wish in wishes:
        known = concepts().get(wish.concept)
        if known is None:
            continue
        gain = 5.0 * float(wish.strength or 0.0)
        name = _new_id(wish.concept, ids)
        if known.kind == "bed":
            layers = [bed for bed in layers if _sort(bed.concept) != _sort(wish.concept)]
            layers.append(Bed(name, wish.words, wish.concept, known.level_db + gain))
            continue
        match = next((s for s in kept if s.concept == wish.concept), None)
        if match is not None:
            kept.remove(match)
            kept.insert(0, replace(match, name=wish.words, level_db=match.level_db + 4.0 + gain))
            continue
        far = wish.distance_m or float(np.clip(10 ** ((known.level_db - 62) / 20), 4.0, 300.0))
        azimuth = float(rng.uniform(-180.0, 180.0))
        height = 6.0 if wish.concept in _PERCHED else 0.0
        place = frame.xyz(azimuth, 0.0, max(far, 1.0))
        wide = known.kind == "area"
        kept.insert(
            0,
            Source(
                name,
                wish.words,
                wish.concept,
                "area" if wide else "point",
                level_db=known.level_db + gain,
                positions=((0.0, *(round(float(v), 3) for v in place[:2]), height),),
                spread_deg=70.0 if wide else 0.0,
            ),
        )
    return kept, layers


def _new_id(concept: str, ids: set[str]) -> str:
    number = 1
    while f"{concept[:58]}-{number}" in ids:
        number += 1
    ids.add(f"{concept[:58]}-{number}")
    return f"{concept[:58]}-{number}"
