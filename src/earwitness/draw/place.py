"""``scene.png`` of a place: the ground from above, what sounds where, from where it is heard."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.draw.canvas import (
    FAINT,
    INK,
    PANEL,
    PAPER,
    Canvas,
    Colour,
    Point,
    colour,
    shorten,
)
from earwitness.draw.heard import draw_levels
from earwitness.scene import Layout, Scene, Source

_WIDTH = 1280
_MARGIN = 16
_TILE = 760.0

LevelRow = tuple[Layout, NDArray[np.float64], NDArray[np.float64]]


def draw_place(
    scene: Scene,
    pixels: NDArray[np.uint8],
    heats: Mapping[str, NDArray[np.floating]],
    levels: Sequence[LevelRow],
    *,
    radius_m: float,
    title: str,
    attribution: str,
    heading_deg: float = 0.0,
) -> Canvas:
    """Draw the tile with the ring of what is heard, one small map for each kind, and the levels.

    Parameters
    ----------
    scene
        What is heard.
    pixels
        The ground, uint8 ``(n, n, 3)``, north up, the listener in the middle.
    heats
        For each kind of ground or sound: how likely it is where, 0 to 1, any grid.
    levels
        As in :func:`~earwitness.draw.heard.draw_heard`.
    radius_m
        Half the side of the ground, metres.
    title
        Where and when.
    attribution
        Whom the picture is owed to.
    heading_deg
        Where the listener looks, clockwise from north.
    """
    shown = [row for row in levels if len(row[0].channels) <= 16]
    bars = 190 if shown else 0
    bed = 30 if scene.bed else 0
    head = 34
    canvas = Canvas(_WIDTH, round(_MARGIN * 3 + head + _TILE + bed + bars))
    canvas.text((_MARGIN, _MARGIN - 2), shorten(title, 130), INK, 18)
    top = float(_MARGIN + head)
    tile = (float(_MARGIN), top, _MARGIN + _TILE, top + _TILE)
    _draw_tile(canvas, scene, pixels, tile, radius_m, heading_deg)
    attribute(canvas, attribution, tile)
    side = (tile[2] + _MARGIN, top, float(_WIDTH - _MARGIN), tile[3])
    _draw_heats(canvas, pixels, heats, side)
    y = tile[3] + _MARGIN
    if scene.bed:
        words = "all around: " + ", ".join(shorten(bed.name, 40) for bed in scene.bed)
        canvas.text((_MARGIN + 4, y), words, INK, 14)
        y += bed
    if shown:
        draw_levels(canvas, shown, (_MARGIN, y, _WIDTH - _MARGIN, y + bars - _MARGIN))
    return canvas


def attribute(canvas: Canvas, words: str, box: tuple[float, float, float, float]) -> None:
    """Write whom a picture is owed to onto its lower edge, where it cannot be cut off unseen."""
    plain = re.sub(r"<[^>]*>", "", words).replace("&copy;", "©").strip()
    if not plain:
        return
    size = 12.0
    while size > 7 and canvas.text_width(plain, size) > box[2] - box[0] - 12:
        size -= 0.5
    most = int(len(plain) * min(1.0, (box[2] - box[0] - 12) / canvas.text_width(plain, size)))
    plain = shorten(plain, max(most, 8))
    width = canvas.text_width(plain, size)
    canvas.box((box[2] - width - 10, box[3] - size - 7, box[2], box[3]), PAPER, alpha=0.75)
    canvas.text((box[2] - width - 5, box[3] - size - 4), plain, INK, size)


def _bearing(source: Source, heading_deg: float) -> float:
    return (heading_deg - source.azimuth_deg) % 360.0


def _point(centre: Point, bearing_deg: float, reach: float) -> Point:
    angle = math.radians(bearing_deg)
    return (centre[0] + reach * math.sin(angle), centre[1] - reach * math.cos(angle))


def _draw_tile(
    canvas: Canvas,
    scene: Scene,
    pixels: NDArray[np.uint8],
    box: tuple[float, float, float, float],
    radius_m: float,
    heading_deg: float,
) -> None:
    canvas.picture(Image.fromarray(pixels), box)
    centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    half = (box[2] - box[0]) / 2
    ring = half * 0.78
    canvas.ring(centre, ring, PAPER, 9)
    canvas.ring(centre, ring, FAINT, 1)
    for name, bearing in (("N", 0), ("E", 90), ("S", 180), ("W", 270)):
        canvas.text(_point(centre, bearing, half * 0.96), name, INK, 15, anchor="mm")
    taken: list[tuple[float, float, float, float]] = []
    wide = 0
    for index, source in enumerate(scene.sources):
        # Arcs lie side by side, so that a narrow one is not hidden under one that is all around.
        out = ring + 7.0 * wide if source.kind == "area" else ring
        wide += source.kind == "area"
        _draw_arc(canvas, centre, out, _bearing(source, heading_deg), source, colour(index))
        reach = source.distance_m / radius_m * half
        if reach < ring and source.kind == "point":
            at = _point(centre, _bearing(source, heading_deg), reach)
            canvas.dot(at, 7, PAPER)
            canvas.dot(at, 5, colour(index))
    for index, source in enumerate(scene.sources):
        _draw_name(canvas, centre, ring, _bearing(source, heading_deg), source, index, box, taken)
    canvas.dot(centre, 11, PAPER)
    points = [
        _point(centre, heading_deg + turn, reach)
        for turn, reach in ((0, 10), (130, 8), (180, 4), (230, 8))
    ]
    canvas.area(points, INK)
    bar_m = float(f"{radius_m / 2.5:.0e}")
    length = bar_m / radius_m * half
    x, y = box[0] + 14, box[3] - 18
    canvas.box((x - 6, y - 20, x + length + 6, y + 8), PAPER, alpha=0.7, radius=4)
    canvas.line([(x, y), (x + length, y)], INK, 2.5)
    words = f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"
    canvas.text((x, y - 17), words, INK, 12)


def _draw_arc(
    canvas: Canvas, centre: Point, ring: float, bearing: float, source: Source, ink: Colour
) -> None:
    """Draw where on the ring a source is heard from: an arc as wide as it is, or a dot."""
    if source.kind == "area" and source.spread_deg > 4:
        half = min(source.spread_deg, 359.0) / 2
        steps = max(3, int(source.spread_deg / 4))
        arc = [bearing - half + 2 * half * i / steps for i in range(steps + 1)]
        canvas.line([_point(centre, a, ring) for a in arc], ink, 5)
    else:
        canvas.line([centre, _point(centre, bearing, ring)], ink, 1)
    canvas.dot(_point(centre, bearing, ring), 7, PAPER)
    canvas.dot(_point(centre, bearing, ring), 5.5, ink)


def _draw_name(
    canvas: Canvas,
    centre: Point,
    ring: float,
    bearing: float,
    source: Source,
    index: int,
    box: tuple[float, float, float, float],
    taken: list[tuple[float, float, float, float]],
) -> None:
    far = source.distance_m
    metres = f"{far / 1000:.1f} km" if far >= 1000 else f"{far:.0f} m"
    words = f"{shorten(source.name, 28)}, {metres}"
    width = canvas.text_width(words, 12) + 12
    x, y = _point(centre, bearing, ring - 14)
    x = min(max(x - width / 2, box[0] + 3), box[2] - width - 3)
    y = min(max(y - 10, box[1] + 3), box[3] - 44)
    step = 5.0 if y < centre[1] else -5.0
    while any(x < t[2] and x + width > t[0] and y < t[3] and y + 20 > t[1] for t in taken):
        y += step
    taken.append((x, y, x + width, y + 20))
    canvas.label((x, y), words, colour(index), 12)


def _draw_heats(
    canvas: Canvas,
    pixels: NDArray[np.uint8],
    heats: Mapping[str, NDArray[np.floating]],
    box: tuple[float, float, float, float],
) -> None:
    """Draw one small map for each kind, the most present first."""
    x0, y0, x1, y1 = box
    canvas.box(box, PANEL, radius=8)
    canvas.text((x0 + 12, y0 + 8), "what is where (brighter: surer)", INK, 14)
    order = sorted(heats, key=lambda name: -float(np.mean(heats[name])))
    columns = 2
    small = (x1 - x0 - 12 * (columns + 1)) / columns
    rows = max(1, int((y1 - y0 - 36) // (small * 0.72 + 26)))
    small = min(small, (y1 - y0 - 36) / rows - 26)
    ground = Image.fromarray(pixels).convert("L").resize((240, 240), Image.Resampling.BOX)
    grey = np.asarray(ground, np.float32)[..., None] * np.float32(0.45)
    for number, name in enumerate(order[: rows * columns]):
        heat = np.clip(np.asarray(heats[name], np.float32), 0.0, 1.0)
        big = Image.fromarray((heat * 255).astype(np.uint8)).resize(
            (240, 240), Image.Resampling.NEAREST
        )
        share = np.asarray(big, np.float32)[..., None] / 255
        ink = np.array(colour(0), np.float32)
        mixed = grey * (1 - 0.8 * share) + ink * 0.8 * share
        x = x0 + 12 + (number % columns) * ((x1 - x0 - 12) / columns)
        y = y0 + 34 + (number // columns) * (small + 26)
        at = (x, y + 18, x + small, y + 18 + small)
        canvas.picture(Image.fromarray(mixed.astype(np.uint8)), at)
        canvas.text((x, y), f"{shorten(name, 22)}, {float(heat.mean()):.0%}", INK, 12)
