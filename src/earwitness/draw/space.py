"""Seen and heard directions from above, one circle for each layout."""

from __future__ import annotations

import math
from collections.abc import Sequence

from earwitness.draw.canvas import FAINT, INK, PANEL, RULE, Canvas, colour, shorten
from earwitness.measure.space import SpaceReport

_SIZE = 300
_MOST_NAMES = 12


def draw_space(reports: Sequence[SpaceReport]) -> Canvas:
    """Draw where each source is seen (ring) and heard (dot), the front upwards.

    Parameters
    ----------
    reports
        One for each layout.

    Returns
    -------
    Canvas
        The radius of a dot's place is the horizontal part of its direction: what is high up lies
        nearer the middle.
    """
    first = reports[0].sources
    named = first[:_MOST_NAMES] if len(first) <= _MOST_NAMES else ()
    height = _SIZE + 70 + 22 * math.ceil(len(named) / max(1, len(reports)))
    canvas = Canvas(max(_SIZE * len(reports), 320), height)
    for k, report in enumerate(reports):
        x, y, radius = _SIZE * (k + 0.5), 40 + _SIZE / 2, _SIZE / 2 - 26
        canvas.dot((x, y), radius, PANEL)
        canvas.ring((x, y), radius, RULE, 1.5)
        for azimuth in (0, 30, 110, 180, -110, -30):
            a = math.radians(azimuth)
            end = (x - radius * math.sin(a), y - radius * math.cos(a))
            canvas.line([(x, y), end], RULE, 0.5)
        for i, source in enumerate(report.sources):
            ink = colour(i)
            seen = (x - radius * source.seen[1], y - radius * source.seen[0])
            canvas.ring(seen, 6, ink, 2)
            if any(source.heard):
                heard = (x - radius * source.heard[1], y - radius * source.heard[0])
                canvas.line([seen, heard], ink, 1.5)
                canvas.dot(heard, 3.5, ink)
        mean = (
            "nothing heard" if math.isnan(report.mean_deg) else f"{report.mean_deg:.1f}° mean error"
        )
        canvas.text((x, 20), f"{report.layout}: {mean}", INK, 15, "mm")
        canvas.text((x, 36), "front", FAINT, 11, "mm")
    for i, source in enumerate(named):
        column, row = i % len(reports), i // len(reports)
        at = (_SIZE * column + 16, _SIZE + 46 + 22 * row)
        canvas.dot((at[0], at[1] + 7), 5, colour(i))
        canvas.text((at[0] + 12, at[1]), shorten(source.name, 32), INK, 13)
    words = "ring: where it is seen; dot: where it is heard"
    canvas.text((16, height - 22), words, FAINT, 12)
    return canvas
