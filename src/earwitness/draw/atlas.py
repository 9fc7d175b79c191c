"""Maps as pictures: each query a panel with coast lines and a colour bar; and the leading one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.draw.canvas import FAINT, INK, PANEL, RULE, Canvas, Colour, Point, shorten
from earwitness.draw.ramp import kinds, painted, ramp

Bounds = tuple[float, float, float, float]
"""West, south, east, north, degrees."""

_MARGIN = 18
_TITLE = 30
_BAR = 40
_COAST: Colour = (8, 10, 14)


@dataclass(frozen=True)
class Sheet:
    """What all panels of a picture share.

    Parameters
    ----------
    bounds
        Where the values lie.
    coast
        Lines (n, 2), degrees east and north.
    notes
        What stands below: whom the imagery is owed to, what the map is not.
    """

    bounds: Bounds
    coast: Sequence[NDArray[np.float64]]
    notes: Sequence[str]


def robust_range(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the 1st and the 99.5th percentile of what is there, in steps for large maps."""
    step = max(1, int(math.sqrt(values.size / 250_000)))
    held = values[::step, ::step]
    held = held[np.isfinite(held)]
    if not held.size:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(held, (1, 99.5)))
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _size(bounds: Bounds, wanted: float) -> tuple[int, int]:
    west, south, east, north = bounds
    middle = math.radians((south + north) / 2)
    aspect = (east - west) * max(0.2, math.cos(middle)) / (north - south)
    width = max(160.0, min(wanted, 0.8 * wanted * aspect))
    return round(width), max(60, round(width / aspect))


def _projected(line: NDArray[np.float64], bounds: Bounds, box: tuple[float, ...]) -> list[Point]:
    west, south, east, north = bounds
    x0, y0, x1, y1 = box
    x = x0 + (line[:, 0] - west) / (east - west) * (x1 - x0)
    y = y0 + (north - line[:, 1]) / (north - south) * (y1 - y0)
    # Where a line leaves the map its last point is brought to the edge.
    return list(zip(np.clip(x, x0, x1).tolist(), np.clip(y, y0, y1).tolist(), strict=True))


def _map(canvas: Canvas, pixels: NDArray[np.uint8], sheet: Sheet, box: tuple[float, ...]) -> None:
    x0, y0, x1, y1 = box
    columns = pixels.shape[1]
    image = Image.fromarray(pixels)
    size = (round(x1 - x0) * canvas.SCALE, round(y1 - y0) * canvas.SCALE)
    # Cells that are larger than a pixel stay cells; smaller ones are averaged.
    way = Image.Resampling.NEAREST if columns <= size[0] else Image.Resampling.BOX
    canvas.picture(image.resize(size, way), (x0, y0, x1, y1))
    for line in sheet.coast:
        points = _projected(line, sheet.bounds, box)
        canvas.line(points, _COAST, 2.0)
        canvas.line(points, INK, 0.9)
    edge = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    canvas.line(edge, RULE, 1.0, closed=True)


def extent(bounds: Bounds) -> str:
    """Return where a map lies, in words.

    Examples
    --------
    >>> extent((170, -50, 190, 10.5))
    '50°S to 10.5°N, 170°E to 170°W'
    """
    west, south, east, north = bounds

    def lat(v: float) -> str:
        return f"{abs(v):g}°{'S' if v < 0 else 'N'}"

    def lon(v: float) -> str:
        v = v - 360 if v > 180 else v
        return f"{abs(v):g}°{'W' if v < 0 else 'E'}"

    return f"{lat(south)} to {lat(north)}, {lon(west)} to {lon(east)}"


def _bar(canvas: Canvas, box: tuple[float, ...], low: float, high: float, unit: str) -> None:
    x0, y0, x1, y1 = box
    canvas.picture(Image.fromarray(ramp()[None, :, :]), (x0, y0, x1, y1))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = x0 + share * (x1 - x0)
        anchor = "la" if share == 0 else "ra" if share == 1 else "ma"
        canvas.text((x, y1 + 4), f"{low + share * (high - low):.2f}", FAINT, 12, anchor)
    canvas.text((x1 + 12, (y0 + y1) / 2), unit, FAINT, 12, "lm")


def _notes(canvas: Canvas, notes: Sequence[str], y: float) -> None:
    for k, line in enumerate(notes):
        canvas.text((_MARGIN, y + 17 * k), line, FAINT, 12)


def _lines(words: Sequence[str], width_px: float) -> list[str]:
    """Break notes into lines that fit a width."""
    probe = Canvas(8, 8)
    made: list[str] = []
    for note in words:
        line = ""
        for word in note.split():
            longer = f"{line} {word}".strip()
            if line and probe.text_width(longer, 12) > width_px:
                made.append(line)
                longer = word
            line = longer
        made.append(line)
    return made


def draw_maps(
    values: NDArray[np.float32],
    titles: Sequence[str],
    sheet: Sheet,
    *,
    ranges: Sequence[tuple[float, float]] | None = None,
    unit: str = "similarity",
    width_px: int | None = None,
) -> Canvas:
    """Draw each band as a panel.

    Parameters
    ----------
    values
        Shape ``(bands, rows, columns)``, no larger than what is worth drawing.
    titles
        One for each band.
    sheet
        Bounds, coast and notes.
    ranges
        Lowest and highest value of each colour bar; None takes :func:`robust_range`.
    unit
        What the values are, beside the bar.
    width_px
        Width of one panel; None is 1200 for one and 760 for several.
    """
    several = len(values) > 1
    width, height = _size(sheet.bounds, width_px or (760 if several else 1200))
    across = min(2, len(values)) if width > 300 else min(4, len(values))
    down = math.ceil(len(values) / across)
    cell_w, cell_h = width + _MARGIN, _TITLE + height + 10 + _BAR
    total = max(across * cell_w + _MARGIN, 520)
    notes = _lines([extent(sheet.bounds), *sheet.notes], total - 2 * _MARGIN)
    canvas = Canvas(total, _MARGIN + down * cell_h + 10 + 17 * len(notes) + _MARGIN)
    for k, (band, title) in enumerate(zip(values, titles, strict=True)):
        x = _MARGIN + (k % across) * cell_w
        y = _MARGIN + (k // across) * cell_h
        low, high = ranges[k] if ranges else robust_range(band)
        canvas.text((x, y), shorten(title, max(20, width // 9)), INK, 18)
        top = y + _TITLE
        _map(canvas, painted(band, low, high, PANEL), sheet, (x, top, x + width, top + height))
        bar = (x, top + height + 10, x + min(width * 0.7, 460), top + height + 20)
        _bar(canvas, bar, low, high, unit)
    _notes(canvas, notes, _MARGIN + down * cell_h + 6)
    return canvas


def draw_leading(
    leading: NDArray[np.int16], names: Sequence[str], sheet: Sheet, *, width_px: int = 1200
) -> Canvas:
    """Draw which of several leads in each cell.

    Parameters
    ----------
    leading
        Number of the name, shape ``(rows, columns)``; -1 for none.
    names
        What they are.
    sheet
        Bounds, coast and notes.
    width_px
        Width of the map.
    """
    width, height = _size(sheet.bounds, width_px)
    inks = kinds(len(names))
    table = np.array([*inks, PANEL], np.uint8)
    total = max(width + 2 * _MARGIN, 520)
    across = max(1, (total - 2 * _MARGIN) // 250)
    rows = math.ceil(len(names) / across)
    notes = _lines([extent(sheet.bounds), *sheet.notes], total - 2 * _MARGIN)
    tall = _MARGIN + height + 14 + rows * 24 + 8 + 17 * len(notes) + _MARGIN
    canvas = Canvas(total, tall)
    box = (float(_MARGIN), float(_MARGIN), float(_MARGIN + width), float(_MARGIN + height))
    _map(canvas, table[leading], sheet, box)
    share = [float((leading == k).mean()) for k in range(len(names))]
    for k, name in enumerate(names):
        x = _MARGIN + (k % across) * 250
        y = _MARGIN + height + 14 + (k // across) * 24
        canvas.box((x, y + 2, x + 16, y + 18), inks[k], radius=3)
        canvas.text((x + 24, y + 2), f"{shorten(name, 24)}  {share[k]:.0%}", INK, 13)
    _notes(canvas, notes, _MARGIN + height + 14 + rows * 24 + 4)
    return canvas
