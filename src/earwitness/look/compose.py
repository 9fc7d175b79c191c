"""A picture becomes a scene: regions, names and distances put together, not yet voiced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from PIL import Image

from earwitness.errors import LookError
from earwitness.look.balance import balanced
from earwitness.look.contract import Depth, Name, Namer, Picture, Segmenter
from earwitness.look.geometry import Box, Pinhole, area, centre, focal_px
from earwitness.look.groups import Part, grouped
from earwitness.look.naming import settled
from earwitness.look.outlines import box_of, centroid, enclosing_polygon
from earwitness.look.sight import sight_of
from earwitness.look.surroundings import bed as bed_of
from earwitness.look.wishes import Unseen, Wished, steered
from earwitness.scene import Bed, Region, Scene, Source, concepts, frame

WORKING_PX = 1024
"""Longer side at which a picture is looked at."""

SMALLEST_PX = 16
MOST = 8
"""Most sources when the user does not say."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class _View:
    """How the small picture that was looked at relates to the true one, and to directions."""

    camera: Pinhole
    scale: float
    region: str

    def box(self, box_px: Box) -> Box:
        s = self.scale
        return (box_px[0] * s, box_px[1] * s, box_px[2] * s, box_px[3] * s)


def reduced(picture: Picture, longest_px: int = WORKING_PX) -> Picture:
    """Return a picture made small enough to be looked at quickly; small ones as they are.

    Examples
    --------
    >>> reduced(Picture(np.zeros((600, 4096, 3), np.uint8))).pixels.shape
    (150, 1024, 3)
    """
    longer = max(picture.width_px, picture.height_px)
    if longer <= longest_px:
        return picture
    factor = longest_px / longer
    size = (max(1, round(picture.width_px * factor)), max(1, round(picture.height_px * factor)))
    small = Image.fromarray(picture.pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    return Picture(np.asarray(small, np.uint8), picture.focal_35mm, picture.name)


def compose(
    picture: Picture,
    *,
    segmenter: Segmenter,
    namer: Namer,
    depth: Depth,
    fov_deg: float | None = None,
    most: int | None = None,
    wishes: Sequence[Wished] = (),
    refused: Sequence[str] = (),
    region: str = "box",
    seed: int = 0,
    duration_s: float = 10.0,
) -> Scene:
    """Return the scene that a picture shows.

    Parameters
    ----------
    picture
        Any size from 16 px; it is looked at with at most 1024 px on its longer side.
    segmenter, namer, depth
        The parts that look.
    fov_deg
        Horizontal angle of view; None takes the file's focal length, else 60° for the longer side.
    most
        Most sources; None takes up to eight, the most salient.
    wishes
        What the user asked for, see :mod:`earwitness.look.wishes`.
    refused
        Concepts that shall not sound.
    region
        ``box``: directions are those of the middles of axis-aligned boxes (SEE-2-SOUND, eq. 3).
        ``polygon``: of the centroids of minimal enclosing polygons (eq. 2).
    seed
        For the directions of things that were wished for and not seen.
    duration_s
        Length of the scene.

    Returns
    -------
    Scene
        Sources with ``region`` in pixels of the picture as given, at least one bed, no stems.

    Raises
    ------
    LookError
        If the picture is smaller than 16 px, or a part does not keep its contract.
    """
    if min(picture.width_px, picture.height_px) < SMALLEST_PX:
        raise LookError(
            f"{picture.name} is {picture.width_px} × {picture.height_px} px; nothing can be seen "
            f"in less than {SMALLEST_PX} px, give a larger picture"
        )
    small = reduced(picture)
    scale = picture.width_px / small.width_px
    focal = focal_px(
        small.width_px, small.height_px, fov_deg=fov_deg, focal_35mm=picture.focal_35mm
    )
    view = _View(Pinhole(small.width_px, small.height_px, focal), scale, region)
    found = list(segmenter.segment(small))
    for one in found:
        if one.mask.shape != small.pixels.shape[:2]:
            raise LookError(
                f"the segmenter {type(segmenter).__name__} gave a mask of shape {one.mask.shape} "
                f"for a picture of shape {small.pixels.shape[:2]}; they must be the same"
            )
    names = _answers(namer, namer.name(small, found), len(found))
    metres = _answers(depth, depth.distance(small, found, names, focal_px=focal), len(found))
    sight = sight_of(small)
    road = sight.covered.get("road", 0.0) > 0.08
    every = [Part.of(f, n, d) for f, n, d in zip(found, names, metres)]
    heard = grouped([every[i] for i in settled(found, names)], on_road=road)
    silent = [part for part in every if part.name.concept is None]
    beds = [(part.name.concept or "", part.name.words) for part in heard if _is_bed(part.name)]
    heard = [part for part in heard if not _is_bed(part.name)]
    beds += bed_of(sight, frozenset(part.name.concept or "" for part in heard))
    heard = sorted(heard, key=lambda part: (-salience(part), part.box))
    rng = np.random.default_rng(seed)
    heard, unseen, beds = steered(
        heard, silent, beds, wishes, refused, half_view_deg=view.camera.fov_deg / 2, rng=rng
    )
    room = MOST if most is None else most
    wished = unseen[:room]
    heard = heard[: max(0, room - len(wished))]
    ids: dict[str, int] = {}
    sources = [_source(part, view, ids) for part in heard]
    sources += [unseen_source(one, ids) for one in wished]
    layers = [bed_layer(concept, words, ids) for concept, words in dict(beds).items()]
    evened, behind = balanced(sources, layers)
    return Scene(
        evened,
        behind,
        duration_s=duration_s,
        seed=seed,
        origin={
            "kind": "picture",
            "name": picture.name,
            "width_px": picture.width_px,
            "height_px": picture.height_px,
            "fov_deg": round(view.camera.fov_deg, 3),
            "fov_from": _focal_source(picture, fov_deg),
            "region": region,
            "segmenter": type(segmenter).__name__,
            "namer": type(namer).__name__,
            "depth": type(depth).__name__,
        },
    )


def _answers(part: object, answers: Sequence[_T], count: int) -> list[_T]:
    if len(answers) != count:
        raise LookError(
            f"{type(part).__name__} gave {len(answers)} answers for {count} regions; it must give "
            f"one for each"
        )
    return list(answers)


def _focal_source(picture: Picture, fov_deg: float | None) -> str:
    if fov_deg is not None:
        return "given"
    return "file" if picture.focal_35mm is not None else "assumed"


def _is_bed(name: Name) -> bool:
    concept = concepts().get(name.concept or "")
    return concept is not None and concept.kind == "bed"


def salience(part: Part) -> float:
    """Return how much a part is the picture's: sure, large, loud."""
    height, width = part.mask.shape
    covered = min(1.0, area(part.box) / (height * width))
    concept = concepts().get(part.name.concept or "")
    level = (concept.level_db if concept else 70.0) - 20 * np.log10(max(part.distance.metres, 1.0))
    loud = float(np.clip((level - 20.0) / 60.0, 0.3, 1.3))
    size = covered**0.35 if part.what == "thing" else 0.7 * covered**0.5
    return float(part.name.score * size * loud)


def _id(concept: str, ids: dict[str, int]) -> str:
    ids[concept] = ids.get(concept, 0) + 1
    return f"{concept[:58]}-{ids[concept]}"


def _source(part: Part, view: _View, ids: dict[str, int]) -> Source:
    polygon = enclosing_polygon(part.mask)
    box = box_of(part.mask)
    x, y = centroid(polygon) if view.region == "polygon" else centre(box)
    azimuth, elevation = view.camera.angles(x, y)
    return source_of(
        part,
        ids,
        azimuth_deg=float(azimuth),
        elevation_deg=float(elevation),
        width_deg=view.camera.width_deg(box),
        box_px=view.box(box),
        polygon_px=tuple(
            (round(px * view.scale, 2), round(py * view.scale, 2)) for px, py in polygon
        ),
    )


def source_of(
    part: Part,
    ids: dict[str, int],
    *,
    azimuth_deg: float,
    elevation_deg: float,
    width_deg: float,
    box_px: Box,
    polygon_px: tuple[tuple[float, float], ...] = (),
) -> Source:
    """Return the source that a part is, seen in a direction; ``ids`` counts those of a kind."""
    concept = concepts().get(part.name.concept or "")
    key = part.name.concept or ""
    place = frame.xyz(azimuth_deg, elevation_deg, part.distance.metres)
    wide = part.count > 1 or (concept is not None and concept.kind == "area")
    return Source(
        _id(key, ids),
        part.name.words or (concept.label if concept else key),
        key,
        "area" if wide else "point",
        level_db=_level(key, part.count),
        positions=((0.0, *(round(float(v), 6) for v in place)),),
        spread_deg=round(width_deg, 2) if wide else 0.0,
        region=Region(box_px, polygon_px, round(float(np.clip(part.name.score, 0, 1)), 4)),
    )


def _level(concept: str, count: int = 1) -> float:
    known = concepts().get(concept)
    # Voices that are not in step add as powers.
    more = 10 * float(np.log10(count)) if known is not None and known.kind == "point" else 0.0
    return round((known.level_db if known is not None else 70.0) + more, 2)


def unseen_source(one: Unseen, ids: dict[str, int]) -> Source:
    """Return the source of something that was wished for and is not seen."""
    known = concepts().get(one.concept)
    wide = known is not None and known.kind == "area"
    place = frame.xyz(one.azimuth_deg, one.elevation_deg, one.distance_m)
    return Source(
        _id(one.concept, ids),
        one.words,
        one.concept,
        "area" if wide else "point",
        level_db=_level(one.concept) + one.gain_db,
        positions=((0.0, *(round(float(v), 6) for v in place)),),
        spread_deg=70.0 if wide else 0.0,
    )


def bed_layer(concept: str, words: str, ids: dict[str, int]) -> Bed:
    """Return the bed of a concept."""
    known = concepts().get(concept)
    level = known.level_db if known is not None else 45.0
    if known is not None and known.kind != "bed":
        level -= 25.0  # a level at one metre, heard as a background
    return Bed(_id(concept, ids), words, concept, level_db=level)
