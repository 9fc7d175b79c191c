"""A clip with what is heard drawn into it: regions, names, and a radar of where each sound is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from earwitness.draw.canvas import FAINT, INK, PAPER, Colour, colour, font, shorten
from earwitness.draw.plan import Plan
from earwitness.scene import Scene, Source, frame

WIDTH_PX = 960
"""Longest side of a preview."""

_TRAIL_S = 2.0
_HEARD = 0.02  # below this gain a source is not drawn


@dataclass(frozen=True, eq=False)
class Boxes:
    """Where in the clip's picture a source was seen through time.

    Parameters
    ----------
    times_s
        Ascending, shape ``(n,)``.
    boxes_px
        x0, y0, x1, y1 in pixels of the clip, shape ``(n, 4)``.
    """

    times_s: NDArray[np.float64]
    boxes_px: NDArray[np.float64]

    def at(self, time_s: float) -> NDArray[np.float64] | None:
        """Return the box at a time; None where the source is out of sight."""
        if not self.times_s[0] - 0.4 <= time_s <= self.times_s[-1] + 0.4:
            return None
        return np.array([np.interp(time_s, self.times_s, self.boxes_px[:, k]) for k in range(4)])


def _factor(rows: tuple[tuple[float, ...], ...], time_s: float) -> float:
    if not rows:
        return 1.0
    return float(np.interp(time_s, [row[0] for row in rows], [row[1] for row in rows]))


def _place(source: Source, time_s: float) -> tuple[float, float, float]:
    """Return azimuth, elevation and distance of a source at a time."""
    rows = source.trajectory
    place = [float(np.interp(time_s, rows[:, 0], rows[:, k])) for k in (1, 2, 3)]
    azimuth, elevation, distance = frame.angles(place)
    return float(azimuth), float(elevation), float(distance)


class Previewer:
    """Draws a scene into the frames of its clip.

    Parameters
    ----------
    scene
        What is heard; its ``origin`` tells the size and the angle of view of the clip.
    boxes
        By source id, where it was seen.
    size_px
        Width and height of the frames that will be drawn into.
    radar
        Whether the radar is drawn; without it the way of each thing through the picture is.
    text_px
        Size of the words.
    """

    def __init__(
        self,
        scene: Scene,
        boxes: Mapping[str, Boxes],
        size_px: tuple[int, int],
        *,
        radar: bool = True,
        text_px: int = 13,
    ) -> None:
        self._scene, self._boxes, self._size = scene, boxes, size_px
        # Pictures of a few pixels get words that can be read, though they hide much.
        self._shows_radar, self._text_px = radar, max(8, text_px)
        width = float(scene.origin.get("width_px", size_px[0]))
        self._scale = size_px[0] / width
        self._fov = float(scene.origin.get("fov_deg", 60.0))
        self._round = scene.origin.get("projection") == "equirect"
        self._radius = max(36.0, 0.16 * min(size_px))
        middle = (size_px[0] - self._radius - 14, size_px[1] - self._radius - 14)
        places = [row[1:] for source in scene.sources for row in source.positions]
        farthest = max((float(frame.angles(place)[2]) for place in places), default=10.0)
        self._plan = Plan(middle, self._radius, farthest)

    def draw(self, time_s: float, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a frame with what is heard at its time."""
        image = Image.fromarray(pixels)
        pen = ImageDraw.Draw(image, "RGBA")
        if self._shows_radar:
            self._radar(pen)
        for index, source in enumerate(self._scene.sources):
            gain = _factor(source.gain, time_s)
            if gain <= _HEARD:
                continue
            ink = colour(index)
            azimuth, elevation, distance = _place(source, time_s)
            self._region(pen, source, time_s, azimuth, elevation, ink)
            if self._shows_radar:
                self._dot(pen, source, azimuth, distance, gain, ink)
            elif source.id in self._boxes:
                self._trail(pen, self._boxes[source.id], time_s, ink)
        self._words(pen, time_s)
        return np.asarray(image, dtype=np.uint8)

    def _region(
        self,
        pen: ImageDraw.ImageDraw,
        source: Source,
        time_s: float,
        azimuth: float,
        elevation: float,
        ink: Colour,
    ) -> None:
        boxes = self._boxes.get(source.id)
        if boxes is not None:
            box = boxes.at(time_s)
            if box is None:
                return
            x0, y0, x1, y1 = (float(value) * self._scale for value in box)
        else:
            if source.region is None:
                return
            left, top, right, bottom = source.region.box_px
            point = self._pixel(azimuth, elevation)
            if point is None:
                return
            half = (right - left) / 2 * self._scale, (bottom - top) / 2 * self._scale
            x0, x1 = point[0] - half[0], point[0] + half[0]
            y0, y1 = point[1] - half[1], point[1] + half[1]
        for shift in (0.0, -float(self._size[0])) if self._round else (0.0,):
            pen.rectangle((x0 + shift, y0, x1 + shift, y1), outline=(*ink, 255), width=2)
        self._label(pen, (x0, y0 - self._text_px - 4), source.name, ink)

    def _trail(self, pen: ImageDraw.ImageDraw, boxes: Boxes, time_s: float, ink: Colour) -> None:
        """Draw the way of a thing through the picture, from where it came to where it goes."""
        near = np.abs(boxes.times_s - time_s) <= _TRAIL_S
        if near.sum() < 2:
            return
        middles = (boxes.boxes_px[near, :2] + boxes.boxes_px[near, 2:]) / 2 * self._scale
        way = [(float(x), float(y)) for x, y in middles]
        pen.line(way, fill=(*ink, 255), width=3, joint="curve")
        x, y = way[-1]
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=(*ink, 255))

    def _pixel(self, azimuth: float, elevation: float) -> tuple[float, float] | None:
        width, height = self._size
        if self._round:
            per_deg = width / 360.0
            return (width / 2 - azimuth * per_deg) % width, height / 2 - elevation * per_deg
        if abs(azimuth) > 85:
            return None
        focal = width / 2 / math.tan(math.radians(self._fov / 2))
        right = -focal * math.tan(math.radians(azimuth))
        up = math.hypot(focal, right) * math.tan(math.radians(elevation))
        return width / 2 + right, height / 2 - up

    def _label(
        self, pen: ImageDraw.ImageDraw, at: tuple[float, float], words: str, ink: Colour
    ) -> None:
        said = shorten(words, 30)
        size = self._text_px
        wide = pen.textlength(said, font=font(size)) + 8
        x = min(max(0.0, at[0]), max(0.0, self._size[0] - wide))
        y = min(max(0.0, at[1]), self._size[1] - size - 5.0)
        pen.rectangle((x, y, x + wide, y + size + 4), fill=(*ink, 225))
        pen.text((x + 4, y + 1), said, fill=PAPER, font=font(size))

    def _radar(self, pen: ImageDraw.ImageDraw) -> None:
        (x, y), r = self._plan.centre, self._radius
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(*PAPER, 190), outline=(*FAINT, 255))
        for ring in self._plan.rings_m[:-1]:
            reach = self._plan.reach_px(ring)
            pen.ellipse((x - reach, y - reach, x + reach, y + reach), outline=(*FAINT, 90))
        if self._fov < 350:
            for side in (self._fov / 2, -self._fov / 2):
                end = self._plan.point(side, self._plan.rings_m[-1])
                pen.line(((x, y), end), fill=(*FAINT, 150))
        pen.polygon(((x, y - 6), (x + 4, y + 4), (x - 4, y + 4)), fill=INK)

    def _dot(
        self,
        pen: ImageDraw.ImageDraw,
        source: Source,
        azimuth: float,
        distance: float,
        gain: float,
        ink: Colour,
    ) -> None:
        if source.spread_deg > 1.0:
            (x, y), reach = self._plan.centre, self._plan.reach_px(distance)
            # Pillow counts angles clockwise from the right; azimuth anticlockwise from the top.
            middle = -90.0 - azimuth
            pen.arc(
                (x - reach, y - reach, x + reach, y + reach),
                middle - source.spread_deg / 2,
                middle + source.spread_deg / 2,
                fill=(*ink, 255),
                width=4,
            )
            return
        x, y = self._plan.point(azimuth, distance)
        r = 2.5 + 3.0 * min(1.0, gain)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(*ink, 255))

    def _words(self, pen: ImageDraw.ImageDraw, time_s: float) -> None:
        beds = [bed.name for bed in self._scene.bed if _factor(bed.gain, time_s) > _HEARD]
        said = f"{time_s:5.1f} s"
        if self._shows_radar and beds:
            said += f"   all around: {', '.join(beds)}"
        size = self._text_px - 1
        top = self._size[1] - size - 6
        pen.rectangle(
            (0, top, 10 + pen.textlength(said, font=font(size)), self._size[1]), fill=(*PAPER, 190)
        )
        pen.text((5, top + 2), said, fill=INK, font=font(size))


def preview_pictures(
    pictures: Iterable[tuple[float, NDArray[np.uint8]]],
    scene: Scene,
    boxes: Mapping[str, Boxes],
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield frames with what is heard drawn into them.

    Parameters
    ----------
    pictures
        Times in seconds and uint8 RGB ``(h, w, 3)``.
    scene, boxes
        As in :class:`Previewer`.
    """
    previewer: Previewer | None = None
    for time_s, pixels in pictures:
        if previewer is None:
            previewer = Previewer(scene, boxes, (pixels.shape[1], pixels.shape[0]))
        yield time_s, previewer.draw(time_s, pixels)
