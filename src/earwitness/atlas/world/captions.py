"""Captions in varied words: one says what is heard, the other what one sees and expects to hear."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.atlas.world.layers import IGBP, Ground
from earwitness.atlas.world.rules import PRESENT
from earwitness.atlas.world.table import soundings

VARIANTS = 5
"""Captions of each kind for one set of sounds; few, so that their text states are kept once."""

_ALONE = ("{0}", "the sound of {0}", "{0} and nothing else", "a recording of {0}", "mostly {0}")
_TWO = ("{0} and {1}", "{0}, with {1}", "{0} while there is {1}", "{1} behind {0}", "{0}; also {1}")
_THREE = (
    "{0}, {1} and {2}", "{0} with {1} and, farther off, {2}", "{0} and {1}, some {2}",
    "first {0}, then {1}, then {2}", "{0}; {1}; {2}",
)  # fmt: skip
_SEEN = (
    "An aerial view of {g}. Likely sounds: {s}.", "From above: {g}. One would hear {s}.",
    "{g} seen from space, where {s} can be heard.", "The image shows {g}; expect {s}.",
    "A satellite picture of {g} with the sounds of {s}.",
)  # fmt: skip

LOOKS = {
    "evergreen needle": ("dark conifer woods", "northern evergreen forest"),
    "evergreen broad": ("dense green forest", "unbroken lush forest"),
    "deciduous needle": ("larch woods", "northern forest"),
    "deciduous broad": ("broad-leaved woods", "a leafy forest"),
    "mixed forest": ("mixed woods", "forest of many kinds of tree"),
    "closed shrub": ("dense scrub", "thick bushes"),
    "open shrub": ("sparse scrub", "scattered bushes on dry land"),
    "woody savanna": ("open woodland", "grassland with many trees"),
    "savanna": ("savanna", "grassland with scattered trees"),
    "grass": ("wide grassland", "open grassy plains"),
    "wetland": ("wetlands", "marshes and swamps"),
    "crop": ("farmland", "cultivated fields"),
    "urban": ("built-up land", "a town"),
    "crop mosaic": ("fields and woods side by side", "a patchwork of farmland"),
    "snow": ("snow and ice", "a white ice cap"),
    "barren": ("bare ground", "sand and rock without plants"),
    "water": ("a lake", "inland water"),
}
"""Class of land cover → words for it, seen from above."""

AROUND = {
    "ocean": ("open ocean", "blue water to the horizon"),
    "coast": ("a coast", "the shore"),
    "city": ("a big city", "a large built-up area"),
    "towns": ("towns", "settlements"),
}
"""What is told besides the land cover, or instead of it."""


def present(weights: ArrayLike) -> list[list[int]]:
    """Return the numbers of the concepts that are there, the strongest first, for each row."""
    rows = []
    for row in np.asarray(weights):
        order = np.argsort(-row, kind="stable")
        rows.append([int(i) for i in order if row[i] > PRESENT] or [int(order[0])])
    return rows


def looks(place: Ground, variant: NDArray[np.int64]) -> list[str]:
    """Return what each place looks like from above, in words."""
    made = []
    for row, number in enumerate(variant):
        sea, people = float(place.sea[row]), float(place.people[row])
        cover = IGBP[int(np.argmax(place.cover[row]))]
        pick = int(number) % 2
        land = LOOKS[cover][pick]
        if sea > 0.9:
            land = AROUND["ocean"][pick]
        elif sea > 0.06:
            land = AROUND["coast"][pick] + (" with ", " of ")[pick] + land
        if people > 1e6 and sea < 0.9:
            land = AROUND["city"][pick] + (" among ", " and ")[pick] + land
        elif people > 5e4 and sea < 0.9:
            towns = AROUND["towns"][pick]
            land = (f"{towns} and {land}", f"{land} with {towns}")[pick]
        made.append(land)
    return made


@cache
def _forms() -> re.Pattern[str]:
    written = []
    for number, form in enumerate(_SEEN):
        named = re.escape(form).replace(r"\{g\}", f"(?P<g{number}>.*)")
        written.append(named.replace(r"\{s\}", ".*"))
    return re.compile("|".join(written), re.IGNORECASE)


def look_told(caption: str) -> str | None:
    """Return what an image caption of :func:`captions` says of the ground, in small letters.

    None if it is no such caption.

    Examples
    --------
    >>> look_told("Farmland seen from space, where cows and wind can be heard.")
    'farmland'
    """
    found = _forms().fullmatch(caption)
    return None if found is None else next(g for g in found.groups() if g is not None).lower()


def captions(
    weights: ArrayLike, place: Ground, rng: np.random.Generator
) -> tuple[list[str], list[str]]:
    """Return an audio caption and an image caption of each place.

    Parameters
    ----------
    weights : array, shape (n, concepts)
        What was heard.
    place
        What lies round the places.
    rng
        Chance.
    """
    known = list(soundings().values())
    variant = rng.integers(0, VARIANTS, len(place.sea))
    ground = looks(place, variant)
    audio, image = [], []
    for row, there in enumerate(present(weights)):
        top = there[:3]
        number = int(variant[row])
        # Words follow from the set and the variant, so that few captions are all different.
        pick = np.random.default_rng([number, *top])
        heard = [known[i].heard[pick.integers(len(known[i].heard))] for i in top]
        seen = [known[i].seen[pick.integers(len(known[i].seen))] for i in top]
        form = (_ALONE, _TWO, _THREE)[len(top) - 1][number]
        audio.append(form.format(*heard))
        listed = " and ".join(seen) if len(seen) < 3 else ", ".join(seen)
        sentence = _SEEN[number].format(g=ground[row], s=listed)
        image.append(sentence[0].upper() + sentence[1:])
    return audio, image
