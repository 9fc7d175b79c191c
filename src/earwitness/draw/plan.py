"""The plan from above: the listener in the middle, every source, its distance and its spread."""

from __future__ import annotations

import math
from collections.abc import Sequence

from earwitness.draw.canvas import FAINT, INK, PANEL, RULE, Canvas, Colour, Point, colour, shorten
from earwitness.scene import Scene, Source, frame

_NEAREST_M = 0.5
_MOST_LABELS = 16


def _rings(farthest_m: float) -> list[float]:
    """Return round distances for the rings, from near to beyond the farthest source."""
    rings = [1.0]
    while rings[-1] < farthest_m and len(rings) < 12:
        rings.append(rings[-1] * (3.0 if str(rings[-1])[0] == "1" else 10.0 / 3.0))
    return [float(f"{ring:.1g}") for ring in rings[-6:]]


class Plan:
    """Scene metres to pixels: direction kept, distance on a logarithmic scale.

    Parameters
    ----------
    centre
        Where the listener stands, pixels.
    radius_px
        Radius of the outermost ring.
    farthest_m
        Distance of the farthest source.
    """

    def __init__(self, centre: Point, radius_px: float, farthest_m: float) -> None:
        self.centre, self.radius_px = centre, radius_px
        self.rings_m = _rings(max(2.0, farthest_m))
        self._low = math.log(min(_NEAREST_M, self.rings_m[0] / 2))
        self._high = math.log(self.rings_m[-1])

    def reach_px(self, distance_m: float) -> float:
        """Return how far from the centre a distance is drawn."""
        span = (math.log(max(distance_m, 1e-3)) - self._low) / (self._high - self._low)
        return self.radius_px * min(max(span, 0.04), 1.0)

    def point(self, azimuth_deg: float, distance_m: float) -> Point:
        """Return the pixel of a direction and distance; the front is up."""
        angle, reach = math.radians(azimuth_deg), self.reach_px(distance_m)
        return (self.centre[0] - reach * math.sin(angle), self.centre[1] - reach * math.cos(angle))


def draw_plan(
    canvas: Canvas, scene: Scene, box: tuple[float, float, float, float], *, title: str = "plan"
) -> None:
    """Draw the plan of a scene into a box x0, y0, x1, y1."""
    x0, y0, x1, y1 = box
    canvas.box(box, PANEL, radius=8)
    canvas.text((x0 + 14, y0 + 10), title, INK, 15)
    canvas.text((x1 - 14, y0 + 12), "front is up; rings in metres", FAINT, 12, anchor="ra")
    centre = ((x0 + x1) / 2, (y0 + y1) / 2 + 8)
    radius = min(x1 - x0, y1 - y0 - 40) / 2 - 16
    places = [row[1:] for source in scene.sources for row in source.positions]
    farthest = max((float(frame.angles(place)[2]) for place in places), default=10.0)
    plan = Plan(centre, radius, farthest)
    for ring in plan.rings_m:
        reach = plan.reach_px(ring)
        canvas.ring(centre, reach, RULE)
        canvas.text((centre[0] + 3, centre[1] + reach - 15), f"{ring:g}", FAINT, 11)
    for azimuth in range(0, 360, 45):
        angle = math.radians(azimuth)
        end = (centre[0] - radius * math.sin(angle), centre[1] - radius * math.cos(angle))
        canvas.line([centre, end], RULE)
    fov = scene.origin.get("fov_deg")
    if isinstance(fov, int | float) and 0 < fov < 360:
        for side in (fov / 2, -fov / 2):
            canvas.line([centre, plan.point(side, plan.rings_m[-1])], FAINT, 1.2)
    for index, source in enumerate(scene.sources):
        _draw_source(canvas, plan, source, colour(index))
    canvas.area(_head(centre, scene.listener.yaw_deg), INK)
    labels = [
        (plan.point(source.azimuth_deg, source.distance_m), source, colour(index))
        for index, source in enumerate(scene.sources)
    ]
    # Of a long clip's many sources those that were there longest are named.
    labels = sorted(labels, key=lambda row: len(row[1].positions), reverse=True)[:_MOST_LABELS]
    _draw_labels(canvas, labels, box)


def _head(centre: Point, yaw_deg: float) -> list[Point]:
    points = []
    for angle_deg, reach in ((0, 12), (130, 9), (180, 5), (230, 9)):
        angle = math.radians(angle_deg + yaw_deg)
        points.append((centre[0] - reach * math.sin(angle), centre[1] - reach * math.cos(angle)))
    return points


def _draw_source(canvas: Canvas, plan: Plan, source: Source, ink: Colour) -> None:
    azimuth, distance = source.azimuth_deg, source.distance_m
    if source.spread_deg > 1.0:
        half = source.spread_deg / 2
        steps = max(2, int(source.spread_deg / 3))
        arc = [azimuth - half + source.spread_deg * i / steps for i in range(steps + 1)]
        outer = [plan.point(a, distance * 1.18) for a in arc]
        inner = [plan.point(a, distance / 1.18) for a in reversed(arc)]
        canvas.area(outer + inner, ink, 0.42 if source.kind == "area" else 0.25)
    if source.moves:
        track = [
            (float(a), float(d))
            for a, _, d in zip(*frame.angles(source.trajectory[:, 1:]), strict=True)
        ]
        canvas.line([plan.point(a, d) for a, d in track], ink, 2.0)
    canvas.dot(plan.point(azimuth, distance), 6 if source.kind == "point" else 4.5, ink)


def _draw_labels(
    canvas: Canvas,
    labels: Sequence[tuple[Point, Source, Colour]],
    box: tuple[float, float, float, float],
) -> None:
    """Write each source's name beside it, moved down until it covers no other."""
    taken: list[tuple[float, float, float, float]] = []
    for (x, y), source, ink in sorted(labels, key=lambda row: row[0][1]):
        words = f"{shorten(source.name, 26)}, {source.distance_m:.3g} m"
        width = canvas.text_width(words, 12) + 4
        left = x + 9 if x + 9 + width < box[2] - 4 else max(box[0] + 4, x - 9 - width)
        top = y - 7
        while any(
            left < t[2] and left + width > t[0] and top < t[3] and top + 14 > t[1] for t in taken
        ):
            top += 5
        taken.append((left, top, left + width, top + 14))
        canvas.text((left, top), words, ink, 12)
