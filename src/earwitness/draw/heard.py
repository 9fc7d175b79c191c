"""``scene.png``: what was heard, on one page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.draw.canvas import FAINT, INK, PANEL, RULE, Canvas, colour, shorten
from earwitness.draw.plan import draw_plan
from earwitness.draw.preview import Boxes, Previewer
from earwitness.scene import Layout, Region, Scene

_WIDTH = 1280
_MARGIN = 16
_FLOOR_DB = -60.0


def draw_heard(
    scene: Scene,
    pixels: NDArray[np.uint8] | None,
    levels: Sequence[tuple[Layout, NDArray[np.float64], NDArray[np.float64]]],
    *,
    strip: Sequence[tuple[float, NDArray[np.uint8]]] = (),
    boxes: Mapping[str, Boxes] | None = None,
) -> Canvas:
    """Draw the picture with its regions, the plan from above, and the level of each channel.

    Parameters
    ----------
    scene
        What was heard.
    pixels
        The picture, uint8 ``(height, width, 3)``, or None for a scene that has none.
    levels
        For each rendered layout: the layout, the root-mean-square level and the peak of each
        channel, dB re full scale, shape ``(channels,)``.
    strip
        Instead of the picture, frames of a clip and their times; up to four are shown.
    boxes
        By source id, where it was seen through time.

    Returns
    -------
    Canvas
        Ready to be saved.
    """
    shown = [row for row in levels if len(row[0].channels) <= 16]
    bars = 190 if shown else 0
    bed = 30 if scene.bed else 0
    top = 560
    canvas = Canvas(_WIDTH, _MARGIN * 3 + top + bed + bars)
    split = _WIDTH * 0.58
    photo_box = (float(_MARGIN), float(_MARGIN), split - 8, float(_MARGIN + top))
    if strip:
        _draw_strip(canvas, scene, strip, boxes or {}, photo_box)
    elif pixels is not None:
        _draw_photo(canvas, scene, pixels, photo_box)
    if strip or pixels is not None:
        plan_box = (split + 8, float(_MARGIN), float(_WIDTH - _MARGIN), float(_MARGIN + top))
    else:
        plan_box = (float(_MARGIN), float(_MARGIN), float(_WIDTH - _MARGIN), float(_MARGIN + top))
    draw_plan(canvas, scene, plan_box, title="from above")
    y = float(_MARGIN * 2 + top)
    if scene.bed:
        words = "all around: " + ", ".join(shorten(bed.name, 40) for bed in scene.bed)
        canvas.text((_MARGIN + 4, y), words, INK, 14)
        y += bed
    if shown:
        draw_levels(canvas, shown, (_MARGIN, y, _WIDTH - _MARGIN, y + bars - _MARGIN))
    return canvas


def _draw_photo(
    canvas: Canvas,
    scene: Scene,
    pixels: NDArray[np.uint8],
    box: tuple[float, float, float, float],
) -> None:
    x0, y0, x1, y1 = box
    canvas.box(box, PANEL, radius=8)
    height, width = pixels.shape[:2]
    scale = min((x1 - x0) / width, (y1 - y0) / height)
    left, top = (x0 + x1 - width * scale) / 2, (y0 + y1 - height * scale) / 2
    image = Image.fromarray(pixels)
    image.thumbnail((1600, 1600), Image.Resampling.BOX)  # large photos: cheap first step
    canvas.picture(image, (left, top, left + width * scale, top + height * scale))
    for index, source in enumerate(scene.sources):
        if source.region is None:
            continue
        for outline in _outlines(source.region, width):
            points = [(left + x * scale, top + y * scale) for x, y in outline]
            canvas.area(points, colour(index), 0.16)
            canvas.line(points, colour(index), 2.0, closed=True)
    taken: list[tuple[float, float, float]] = []
    for index, source in enumerate(scene.sources):
        if source.region is None:
            continue
        words = shorten(source.name)
        wide = canvas.text_width(words, 13) + 12
        x = min(max(left + source.region.box_px[0] * scale, x0 + 2), x1 - wide - 2)
        y = min(max(top + source.region.box_px[1] * scale - 20, y0 + 2), y1 - 24)
        while any(x < t[1] and x + wide > t[0] and abs(y - t[2]) < 21 for t in taken):
            y += 7
        taken.append((x, x + wide, y))
        canvas.label((x, y), words, colour(index), 13)


def _draw_strip(
    canvas: Canvas,
    scene: Scene,
    strip: Sequence[tuple[float, NDArray[np.uint8]]],
    boxes: Mapping[str, Boxes],
    box: tuple[float, float, float, float],
) -> None:
    """Draw frames of a clip, each with what is heard at its time and the way that it goes."""
    x0, y0, x1, y1 = box
    canvas.box(box, PANEL, radius=8)
    tall = strip[0][1].shape[0] > strip[0][1].shape[1]
    columns = 1 if len(strip) == 1 else 2
    if tall and len(strip) > 2:
        columns = len(strip)
    rows = -(-len(strip) // columns)
    wide, high = (x1 - x0) / columns, (y1 - y0) / rows
    for number, (time_s, pixels) in enumerate(strip):
        height, width = pixels.shape[:2]
        scale = min((wide - 6) / width, (high - 6) / height)
        words_px = round(12 / scale)
        drawn = Previewer(scene, boxes, (width, height), radar=False, text_px=words_px)
        left = x0 + wide * (number % columns) + (wide - width * scale) / 2
        top = y0 + high * (number // columns) + (high - height * scale) / 2
        canvas.picture(
            Image.fromarray(drawn.draw(time_s, pixels)),
            (left, top, left + width * scale, top + height * scale),
        )


def _outlines(region: Region, width: int) -> list[Sequence[Sequence[float]]]:
    """Return what to draw of a region; of one across a panorama's seam, the part at each edge."""
    if region.polygon_px:
        return [region.polygon_px]
    x0, y0, x1, y1 = region.box_px
    if x1 <= width:
        return [_corners(region.box_px)]
    return [_corners((x0, y0, float(width), y1)), _corners((0.0, y0, x1 - width, y1))]


def _corners(box_px: tuple[float, float, float, float]) -> tuple[tuple[float, float], ...]:
    x0, y0, x1, y1 = box_px
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def draw_levels(
    canvas: Canvas,
    levels: Sequence[tuple[Layout, NDArray[np.float64], NDArray[np.float64]]],
    box: tuple[float, float, float, float],
) -> None:
    """Draw the level and the peak of each channel of each layout into a box x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    canvas.box(box, PANEL, radius=8)
    count = sum(len(layout.channels) for layout, _, _ in levels)
    gap = 34.0
    step = min(62.0, (x1 - x0 - 60 - gap * len(levels)) / max(1, count))
    floor, ceiling = y1 - 26, y0 + 32
    for mark in (0, -20, -40, -60):
        y = floor + (ceiling - floor) * (1 - mark / _FLOOR_DB)
        canvas.line([(x0 + 44, y), (x1 - 12, y)], RULE)
        canvas.text((x0 + 38, y), f"{mark}", FAINT, 11, anchor="rm")
    canvas.text((x0 + 14, y0 + 7), "dB", FAINT, 11)
    x = x0 + 56
    for number, (layout, rms_db, peak_db) in enumerate(levels):
        words = f"{layout.title}: level and peak of each channel"
        if canvas.text_width(words, 13) > step * len(layout.channels) + gap - 8:
            words = layout.title
        canvas.text((x, y0 + 7), words, INK, 13)
        for channel, rms, peak in zip(layout.channels, rms_db, peak_db, strict=True):
            for value, ink, half in ((rms, colour(number + 1), 0.30), (peak, INK, 0.30)):
                height = (floor - ceiling) * max(0.0, 1 - max(value, _FLOOR_DB) / _FLOOR_DB)
                middle = x + step / 2
                if ink is INK:
                    if math.isfinite(value) and value > _FLOOR_DB:
                        at = floor - height
                        canvas.line(
                            [(middle - step * half, at), (middle + step * half, at)], ink, 1.5
                        )
                else:
                    canvas.box(
                        (middle - step * half, floor - height, middle + step * half, floor), ink
                    )
            canvas.text((x + step / 2, y1 - 20), channel.short, FAINT, 11, anchor="ma")
            x += step
        x += gap
