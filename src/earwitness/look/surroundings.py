"""What the surroundings sound like: which water it is, wind in trees, and the bed of the scene.

The classifier's word for the whole picture ("seashore", "lakeside", "dam", "alp") and the parts
that each kind of stuff covers decide together. The rules are few and written out, because no
labelled pictures of such sounds are at hand to learn them from.
"""

from __future__ import annotations

import numpy as np

from earwitness.look.contract import Found, Name
from earwitness.look.labels import indices, kinds
from earwitness.look.sight import Sight
from earwitness.scene import concepts

# Classes of the classifier that speak of the place, by what they speak for.
_PLACES = {
    "sea": "144 146-150 403 437 460 484 510 540 554 625 628 814 871 913 914 976-978",
    "beach": "977 978",
    "lake": "97-100 137 449 472 576 718 975",
    "dam": "525",
    "fountain": "562",
    "mountain": "970 972 979 980",
    "rails": "466 547 565 705 820",
    "street": "468 475 654 656 675 734 779 829 874 919 920",
    "harbour": "510 536 554 628 403",
    "jungle": "87-90 93 96 365-384 48 953 955",
    "reef": "0-6 107-109 327-329 389-397 801 973 983",
    "table": "504 550 572 762 809 923-925 927-935 959-969",
    "stage": "818 819 854",
}
_CLASSES = {name: list(indices(text)) for name, text in _PLACES.items()}


def place(sight: Sight, name: str) -> float:
    """Return how much the classifier sees of a sort of place in the whole picture, 0 to 1."""
    return float(sight.whole[_CLASSES[name]].sum())


def white(sight: Sight, found: Found) -> float:
    """Return the part of a region that is white and bright, as foam is."""
    pixels = sight.pixels_under(found.mask)
    if not pixels.size:
        return 0.0
    low, high = pixels.min(axis=1).astype(np.int16), pixels.max(axis=1).astype(np.int16)
    return float(((low > 150) & (high - low < 40)).mean())


def water(sight: Sight, found: Found) -> tuple[str, str]:
    """Return concept and words of a stretch of water.

    Parameters
    ----------
    sight
        What the eyes see of the whole picture.
    found
        The region of the water.
    """
    covered = sight.covered
    foam = white(sight, found)
    if place(sight, "dam") > 0.4:
        if foam > 0.12:
            return "waterfall", "water rushing down a weir"
        return "river", "a river at a dam"
    if place(sight, "fountain") > 0.5:
        return "fountain", "a fountain"
    sea = place(sight, "sea") + 2.0 * covered.get("sand", 0.0) + 0.4 * open_horizon(sight)
    land = covered.get("trees", 0.0) + 0.5 * covered.get("mountain", 0.0)
    fresh = place(sight, "lake") + 1.5 * land + 0.7 * covered.get("building", 0.0) + 0.15
    rocky = covered.get("trees", 0.0) + covered.get("ground", 0.0) + covered.get("grass", 0.0)
    if covered.get("sky", 0.0) < 0.06 and rocky > 0.4 and covered.get("water", 0.0) < 0.5:
        if foam > 0.2 and covered.get("water", 0.0) > 0.15:
            return "waterfall", "a waterfall"
        if foam > 0.03:
            return "stream", "a stream over stones"
    if sea > fresh:
        if covered.get("sand", 0.0) > 0.04 or place(sight, "beach") > 0.35:
            return "surf-sand", "surf on the sand"
        return "sea-waves", "sea waves"
    return "lake-lapping", "water lapping at the shore"


def open_horizon(sight: Sight) -> float:
    """Return the part of the picture's columns in which sky stands right on water."""
    names = sight.stuff.names
    if "sky" not in names or "water" not in names:
        return 0.0
    likeliest = sight.stuff.probability.argmax(axis=0)
    sky, sea = likeliest == names.index("sky"), likeliest == names.index("water")
    meets = (sky[:-1] & sea[1:]).any(axis=0)
    return float(meets.mean())


def name_stuff(sight: Sight, found: Found) -> Name:
    """Return what a region of stuff sounds like; most stuff makes no sound."""
    part = float(found.mask.mean())
    if found.hint == "water" and found.score > 0.45 and part > 0.035:
        concept, words = water(sight, found)
        return Name(concept, words, found.score)
    if found.hint == "trees" and found.score > 0.5 and part > 0.05:
        return Name("wind-trees", "wind in the trees", found.score)
    if found.hint == "building" and part > 0.1:
        church = kinds()["church"]
        sure = sight.whole_kinds["church"]
        if sure >= church.need:
            return Name(church.concept, church.one, min(1.0, sure))
    return Name(None, found.hint, found.score)


def bed(sight: Sight, heard: frozenset[str]) -> list[tuple[str, str]]:
    """Return concepts and words of what is heard from everywhere; at least one.

    Parameters
    ----------
    sight
        What the eyes see.
    heard
        Concepts of the sources, which tell of the place too.
    """
    covered = sight.covered

    def part(*names: str) -> float:
        return sum(covered.get(name, 0.0) for name in names)

    vehicles = {"car", "traffic", "bus", "truck", "tram", "motorcycle", "bicycle"} & heard
    jungle = {"monkey", "parrot"} & heard
    outside = part("sky", "trees", "grass", "water", "mountain", "snow", "sand", "road")
    if place(sight, "reef") > 0.4 or heard & {"dolphin", "underwater"}:
        return [("underwater", "under water")]
    if part("indoor") > 0.3 and outside < 0.25:
        if place(sight, "stage") > 0.15 or len(heard & {"guitar", "violin", "drums", "choir"}) > 0:
            return [("cafe", "a murmuring audience")]
        if place(sight, "table") > 0.4:
            return [("cafe", "a café")]
        return [("ventilation", "the quiet hum of a room")]
    if part("snow") > 0.25:
        return [("wind-polar", "wind over snow")]
    if heard & {"ship-horn"} or place(sight, "harbour") > 0.4:
        return [("harbour", "a harbour")]
    if vehicles or part("road") > 0.25 or part("building") > 0.25 or place(sight, "street") > 0.4:
        return [("traffic-far", "distant traffic")]
    if jungle and part("trees", "grass") > 0.2:
        return [("tropical-forest", "a tropical forest")]
    if part("mountain") > 0.12 and part("mountain") > part("trees"):
        return [("wind-mountain", "wind over a mountain ridge")]
    if part("sand") > 0.2 or (part("ground") > 0.4 and part("trees", "grass", "water") < 0.1):
        return [("wind-desert", "dry wind over bare ground")]
    if part("trees") > 0.2 and sight.brightness > 45:
        return [("dawn-chorus", "birds singing")]
    return [("wind", "a light wind")]


def check() -> None:
    """Check that every concept named here is in the vocabulary.

    Examples
    --------
    >>> check()
    """
    named = (
        "waterfall river fountain stream surf-sand sea-waves lake-lapping wind-trees underwater "
        "cafe ventilation wind-polar harbour traffic-far tropical-forest wind-mountain wind-desert "
        "dawn-chorus wind"
    )
    lacking = set(named.split()) - set(concepts())
    if lacking:
        raise ValueError(f"concepts that are not in the vocabulary: {sorted(lacking)}")
