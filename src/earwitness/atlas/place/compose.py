"""The scene of a place from what covers the ground around it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earwitness.atlas.cover.model import Cover
from earwitness.atlas.place.areas import EAR_M, Area, areas, patch_grid
from earwitness.atlas.place.mix import Rule, rules
from earwitness.atlas.place.moment import Moment
from earwitness.scene import Bed, Source, concepts, frame

SEA_SHARE = 0.08
"""From here on, the share of sea within some sixty kilometres lets large water be the sea."""

RIVER_ELONGATION = 3.5
_WATER_LEAST_M2 = 60.0

# Metres above the ground from which a kind, or a concept, is heard.
_HEIGHT_M = {"trees": 6.0, "buildings": 3.0, "road": 0.6, "rail": 0.6}
_HEIGHT_OF = {"skylark": 40.0, "gull": 15.0, "dog": 0.5, "owl": 8.0, "songbird": 7.0, "crow": 12.0}
_LEAST = {"road": 0.45, "rail": 0.6, "water": 0.35, "crops": 0.55, "snow": 0.6}
_SURE = {"water": 0.5, "rail": 0.7, "snow": 0.6}
"""What a stretch has to reach in the mean: kinds that are told wrongly more often need more."""

_SMALLEST = {"road": 2, "rail": 4, "water": 2, "buildings": 1, "trees": 2}
_MOST = {"trees": 2, "buildings": 2, "grass": 1, "crops": 1, "bare": 1, "snow": 1, "road": 2}

_THIN = {"road", "rail", "buildings", "trees"}
"""What may be one patch wide; of other kinds such strings are mostly edges told wrongly."""

MOST_POINTS_M = 150.0
"""Farthest that single animals and people are put."""


@dataclass(frozen=True, eq=False)
class Heard:
    """What a place sounds like, not yet balanced and voiced.

    Parameters
    ----------
    sources, beds
        Of the scene.
    stretches
        For each source that is an area of ground: the area it comes from.
    """

    sources: tuple[Source, ...]
    beds: tuple[Bed, ...]
    stretches: dict[str, Area]


def stretches(cover: Cover, seen: NDArray[np.bool_]) -> list[Area]:
    """Return every stretch of every kind around the middle of the map.

    Parameters
    ----------
    cover
        What covers the ground.
    seen
        bool, any square shape: where there is imagery.
    """
    rows, columns = cover.probability.shape[1:]
    down = (np.arange(rows) + 0.5) * seen.shape[0] / rows
    across = (np.arange(columns) + 0.5) * seen.shape[1] / columns
    there = seen[np.ix_(down.astype(int), across.astype(int))]
    # A patch is of its likeliest kind; that keeps a field of doubtful grass from also being crops.
    likeliest = cover.probability.argmax(axis=0)
    found: list[Area] = []
    for number, name in enumerate(cover.names):
        mine = there & (likeliest == number)
        if name not in _THIN:
            beside = ndimage.convolve(mine.astype(int), np.ones((3, 3), int), mode="nearest")
            mine &= beside >= 4  # itself and three of its eight neighbours
        # A patch counts wholly or not at all: how sure the model is says nothing of how loud it is.
        odds = cover.probability[number]
        weight = (mine & (odds >= _LEAST.get(name, 0.35))).astype(float)
        few, most = _SMALLEST.get(name, 2), _MOST.get(name, 3)
        bridges = None
        if name == "water" and "road" in cover.names:
            # A river goes on beneath a bridge.
            road = likeliest == cover.names.index("road")
            bridges = road & ndimage.binary_dilation(
                weight > 0, np.ones((3, 3), bool), iterations=2
            )
        told = [
            replace(area, sure=float(odds[area.mask].mean()))
            for area in areas(name, weight, cover.patch_m, smallest=few, most=most, bridges=bridges)
        ]
        found += [area for area in told if area.sure >= _SURE.get(name, 0.4)]
    return found


def water_kind(area: Area, sea_share: float, map_m2: float) -> str:
    """Return whether water is sea, river or lake, by its shape and the nearness of the coast.

    Parameters
    ----------
    area
        The stretch.
    sea_share
        Share of sea within some sixty kilometres, 0 to 1.
    map_m2
        The whole map.
    """
    large = area.area_m2 > 0.04 * map_m2 and area.edges >= 1
    if sea_share >= SEA_SHARE and large and area.elongation < 3 * RIVER_ELONGATION:
        return "sea"
    if area.elongation >= RIVER_ELONGATION or (area.edges >= 2 and area.elongation >= 2.5):
        return "river"
    return "lake"


def compose(
    found: Sequence[Area],
    at: Moment,
    lat_deg: float,
    *,
    map_m2: float,
    sea_share: float = 0.0,
    weather: Collection[str] = (),
    heading_deg: float = 0.0,
    rng: np.random.Generator,
) -> Heard:
    """Return what is heard in the middle of a map.

    Parameters
    ----------
    found
        The stretches around.
    at, lat_deg
        When, and how far north.
    map_m2
        Ground that the map covers.
    sea_share
        Share of sea within some sixty kilometres.
    weather
        Concepts of the weather that was asked for; it stills some animals.
    heading_deg
        Where the listener looks, degrees clockwise from north.
    rng
        For where in a stretch single animals are.
    """
    by_kind: dict[str, list[Area]] = {}
    for area in found:
        kind = area.kind
        if kind == "water":
            if area.area_m2 < _WATER_LEAST_M2:
                continue
            kind = water_kind(area, sea_share, map_m2)
        by_kind.setdefault(kind, []).append(area)
    sources: list[Source] = []
    beds: dict[str, Bed] = {}
    where: dict[str, Area] = {}
    ids: dict[str, int] = {}
    taken: set[str] = set()
    for rule in rules():
        held = by_kind.get(rule.of, [])
        total_m2 = sum(area.area_m2 for area in held)
        if (rule.of != "air" and not held) or not rule.fits(at, lat_deg, total_m2, weather):
            continue
        if rule.made == "bed":
            if rule.of == "air" and beds:
                continue
            level = concepts()[rule.concept].level_db + rule.gain_db
            beds.setdefault(
                rule.concept, Bed(_id(rule.concept, ids), rule.words, rule.concept, level)
            )
        elif rule.made == "area":
            for area in held:
                source = _along(rule, area, heading_deg, ids)
                where[source.id] = area
                sources.append(source)
        elif rule.concept not in taken:
            taken.add(rule.concept)
            sources.append(_somewhere(rule, held, heading_deg, ids, rng))
    return Heard(tuple(sources), tuple(beds.values()), where)


def _id(concept: str, ids: dict[str, int]) -> str:
    ids[concept] = ids.get(concept, 0) + 1
    return f"{concept[:58]}-{ids[concept]}"


def _row(
    bearing_deg: float, flat_m: float, height_m: float, heading_deg: float
) -> tuple[float, ...]:
    place = frame.xyz(heading_deg - bearing_deg, 0.0, flat_m)
    return (0.0, *(round(float(v), 3) for v in place[:2]), round(height_m - EAR_M, 3))


def _along(rule: Rule, area: Area, heading_deg: float, ids: dict[str, int]) -> Source:
    height = _HEIGHT_M.get(area.kind, 0.0)
    row = _row(area.bearing_deg, max(area.distance_m, 1.0), height, heading_deg)
    distance = float(np.linalg.norm(row[1:]))
    usual = concepts()[rule.concept].level_db + rule.gain_db
    # The level at 1 m of a point there that is as loud at the listener as the whole stretch is.
    level = usual + area.gain_db + 20.0 * float(np.log10(max(distance, 1.0)))
    return Source(
        _id(rule.concept, ids),
        rule.words,
        rule.concept,
        "area",
        level_db=round(float(np.clip(level, -100.0, 160.0)), 2),
        positions=(row,),
        spread_deg=round(area.spread_deg, 1),
    )


def _somewhere(
    rule: Rule,
    held: Sequence[Area],
    heading_deg: float,
    ids: dict[str, int],
    rng: np.random.Generator,
) -> Source:
    """Put one thing into a stretch: near rather than far, where it may be heard."""
    area = held[0]
    patch_m = float(np.sqrt(area.area_m2 / area.mask.sum()))
    east, north = patch_grid(area.mask.shape[0], area.mask.shape[1], patch_m)
    x, y = east[area.mask], north[area.mask]
    flat = np.hypot(x, y)
    near = flat <= max(MOST_POINTS_M, float(flat.min()) + patch_m)
    x, y, flat = x[near], y[near], flat[near]
    chance = 1.0 / np.maximum(flat, 15.0)
    pick = int(rng.choice(len(x), p=chance / chance.sum()))
    dx, dy = rng.uniform(-0.4, 0.4, 2) * patch_m
    bearing = float(np.degrees(np.arctan2(x[pick] + dx, y[pick] + dy)))
    metres = max(float(np.hypot(x[pick] + dx, y[pick] + dy)), 4.0)
    height = _HEIGHT_OF.get(rule.concept, _HEIGHT_M.get(area.kind, 1.0))
    known = concepts()[rule.concept]
    return Source(
        _id(rule.concept, ids),
        rule.words,
        rule.concept,
        "point",
        level_db=known.level_db + rule.gain_db,
        positions=(_row(bearing, metres, height, heading_deg),),
    )


def thinned(heard: Heard, most: int) -> Heard:
    """Return the same with at most so many sources: each kind of sound once, then the loudest.

    A river that is heard twice gives way before the only road does.
    """
    if len(heard.sources) <= most:
        return heard

    def level(source: Source) -> float:
        return source.level_db - 20.0 * float(np.log10(max(source.distance_m, 1.0)))

    first: list[Source] = []
    later: list[Source] = []
    for source in sorted(heard.sources, key=level, reverse=True):
        known = {one.concept for one in first}
        (later if source.concept in known else first).append(source)
    kept = {source.id for source in (first + later)[:most]}
    return replace(heard, sources=tuple(source for source in heard.sources if source.id in kept))
