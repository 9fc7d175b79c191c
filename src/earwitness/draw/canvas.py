"""A canvas of our own on Pillow: smooth lines, text in a font that Pillow carries, one palette.

Charts here are few and of our own kinds (a photo with outlines, a plan, bars), so Pillow, which
is needed anyway, is enough; a plotting library would weigh more than everything else drawn.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from earwitness.media.output import beside

Colour = tuple[int, int, int]
Point = tuple[float, float]

PAPER: Colour = (18, 22, 28)
PANEL: Colour = (27, 32, 40)
INK: Colour = (236, 239, 244)
FAINT: Colour = (138, 147, 160)
RULE: Colour = (58, 66, 78)

# Okabe & Ito's colours, which people with colour-blindness can tell apart, a little lighter.
PALETTE: tuple[Colour, ...] = (
    (240, 180, 40),
    (102, 190, 240),
    (30, 190, 145),
    (245, 235, 95),
    (80, 150, 220),
    (235, 115, 40),
    (225, 140, 185),
    (190, 200, 210),
)


def colour(index: int) -> Colour:
    """Return the palette's colour for an index, round and round."""
    return PALETTE[index % len(PALETTE)]


@cache
def font(size_px: float) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return the font that Pillow carries, at a size in pixels."""
    return ImageFont.load_default(size=size_px)


class Canvas:
    """A picture to draw on, drawn at twice its size and brought down, so that edges are smooth.

    Parameters
    ----------
    width_px, height_px
        Size of the result.
    ground
        Colour of the paper.
    """

    SCALE = 2

    def __init__(self, width_px: int, height_px: int, ground: Colour = PAPER) -> None:
        self.width_px, self.height_px = width_px, height_px
        self._image = Image.new("RGB", (width_px * self.SCALE, height_px * self.SCALE), ground)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def _up(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.SCALE, y * self.SCALE) for x, y in points]

    def picture(self, image: Image.Image, box: tuple[float, float, float, float]) -> None:
        """Draw an image into a box x0, y0, x1, y1."""
        x0, y0, x1, y1 = (round(v * self.SCALE) for v in box)
        sized = image.resize((max(1, x1 - x0), max(1, y1 - y0)), Image.Resampling.LANCZOS)
        self._image.paste(sized.convert("RGB"), (x0, y0))

    def line(
        self, points: Sequence[Point], ink: Colour, width: float = 1.0, *, closed: bool = False
    ) -> None:
        """Draw a line through points."""
        up = self._up(points)
        if closed and up:
            up = [*up, up[0], up[1]]
        self._draw.line(up, fill=ink, width=max(1, round(width * self.SCALE)), joint="curve")

    def area(self, points: Sequence[Point], ink: Colour, alpha: float = 1.0) -> None:
        """Fill a polygon."""
        if len(points) >= 3:
            self._draw.polygon(self._up(points), fill=(*ink, round(255 * alpha)))

    def box(
        self,
        box: tuple[float, float, float, float],
        ink: Colour,
        *,
        alpha: float = 1.0,
        radius: float = 0.0,
    ) -> None:
        """Fill a rectangle with rounded corners."""
        x0, y0, x1, y1 = (v * self.SCALE for v in box)
        if x1 > x0 and y1 > y0:
            self._draw.rounded_rectangle(
                (x0, y0, x1, y1), radius * self.SCALE, fill=(*ink, round(255 * alpha))
            )

    def ring(self, centre: Point, radius: float, ink: Colour, width: float = 1.0) -> None:
        """Draw a circle's line."""
        (x, y), r = centre, radius
        self._draw.ellipse(
            [v * self.SCALE for v in (x - r, y - r, x + r, y + r)],
            outline=ink,
            width=max(1, round(width * self.SCALE)),
        )

    def dot(self, centre: Point, radius: float, ink: Colour, alpha: float = 1.0) -> None:
        """Fill a circle."""
        (x, y), r = centre, radius
        self._draw.ellipse(
            [v * self.SCALE for v in (x - r, y - r, x + r, y + r)], fill=(*ink, round(255 * alpha))
        )

    def text(
        self, at: Point, words: str, ink: Colour = INK, size: float = 14.0, anchor: str = "la"
    ) -> None:
        """Write words; ``anchor`` as in Pillow (``mm`` is the middle)."""
        self._draw.text(
            (at[0] * self.SCALE, at[1] * self.SCALE),
            words,
            fill=ink,
            font=font(size * self.SCALE),
            anchor=anchor,
        )

    def text_width(self, words: str, size: float = 14.0) -> float:
        """Return how wide words are, in pixels."""
        return float(self._draw.textlength(words, font=font(size * self.SCALE))) / self.SCALE

    def label(self, at: Point, words: str, ink: Colour, size: float = 14.0) -> None:
        """Write dark words on a coloured plate whose upper left corner is ``at``."""
        width = self.text_width(words, size)
        x = min(max(at[0], 2.0), max(2.0, self.width_px - width - 12.0))
        y = max(at[1], 2.0)
        self.box((x, y, x + width + 10, y + size + 7), ink, alpha=0.92, radius=4)
        self.text((x + 5, y + 3.5), words, PAPER, size)

    def image(self) -> Image.Image:
        """Return what was drawn."""
        return self._image.resize((self.width_px, self.height_px), Image.Resampling.BOX)

    def save(self, path: str | os.PathLike[str], *, small: bool = True) -> None:
        """Write a PNG, whole or not at all; ``small`` takes the time to make it small."""
        with beside(Path(path)) as made:
            self.image().save(made, format="PNG", optimize=small)


def shorten(words: str, most: int = 34) -> str:
    """Return words cut at ``most`` characters, with dots where they were cut."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"
