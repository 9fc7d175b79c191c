"""Panoramas: an equirectangular picture looked at through overlapping flat views.

What looks at pictures was made for flat ones. So the sphere is shown to it in views of 90°, each
turned 45° from the next, in which everything is whole at least once; what several views see of one
thing is then put together again, also across the seam at ±180°.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earwitness.media.pictures import Picture, Window
from earwitness.scene import frame

Array = NDArray[np.float64]

VIEWS = 8
VIEW_FOV_DEG = 90.0
LARGEST_VIEW_PX = 768
_LEVEL_DEG = 15.0  # a part of the sphere whose middle is nearer to the horizon is looked at level


@dataclass(frozen=True)
class Extent:
    """A range of directions, as a region covers it.

    Parameters
    ----------
    azimuth_deg, elevation_deg
        Its middle.
    width_deg, height_deg
        Its size; a width may pass ±180°.
    """

    azimuth_deg: float
    elevation_deg: float
    width_deg: float
    height_deg: float

    def overlap(self, other: Extent) -> float:
        """Return the intersection over union with another extent.

        Examples
        --------
        Across the seam, too.

        >>> Extent(179, 0, 10, 10).overlap(Extent(-179, 0, 10, 10))
        0.6666666666666666
        """
        apart = abs(float(frame.wrap_deg(self.azimuth_deg - other.azimuth_deg)))
        wide = _common(apart, self.width_deg, other.width_deg)
        high = _common(
            abs(self.elevation_deg - other.elevation_deg), self.height_deg, other.height_deg
        )
        common = wide * high
        union = self.width_deg * self.height_deg + other.width_deg * other.height_deg - common
        return common / union if union > 0 else 0.0

    def inside(self, other: Extent) -> float:
        """Return which part of this extent lies inside another."""
        apart = abs(float(frame.wrap_deg(self.azimuth_deg - other.azimuth_deg)))
        wide = _common(apart, self.width_deg, other.width_deg)
        high = _common(
            abs(self.elevation_deg - other.elevation_deg), self.height_deg, other.height_deg
        )
        return wide * high / max(self.width_deg * self.height_deg, 1e-9)

    def joined(self, other: Extent) -> Extent:
        """Return the smallest extent that holds both."""
        shift = float(frame.wrap_deg(other.azimuth_deg - self.azimuth_deg))
        left = min(-self.width_deg / 2, shift - other.width_deg / 2)
        right = max(self.width_deg / 2, shift + other.width_deg / 2)
        low = min(
            self.elevation_deg - self.height_deg / 2, other.elevation_deg - other.height_deg / 2
        )
        high = max(
            self.elevation_deg + self.height_deg / 2, other.elevation_deg + other.height_deg / 2
        )
        return Extent(
            float(frame.wrap_deg(self.azimuth_deg + (left + right) / 2)),
            (low + high) / 2,
            min(360.0, right - left),
            high - low,
        )


def _common(apart: float, one: float, other: float) -> float:
    return max(0.0, min(one, other, (one + other) / 2 - apart))


@dataclass(frozen=True, eq=False)
class FlatView:
    """One flat view out of a panorama.

    Parameters
    ----------
    picture
        What is seen, square.
    yaw_deg
        Azimuth of its middle.
    focal_px
        Its focal length.
    pitch_deg
        Elevation of its middle.
    """

    picture: Picture
    yaw_deg: float
    focal_px: float
    pitch_deg: float = 0.0

    def directions(self, x_px: Array, y_px: Array) -> Array:
        """Return directions in the listener frame of points of the view, shape ``(..., 3)``."""
        x, y = np.broadcast_arrays(np.asarray(x_px, float), np.asarray(y_px, float))
        middle_x, middle_y = self.picture.width_px / 2, self.picture.height_px / 2
        ahead = np.stack([np.full(x.shape, self.focal_px), middle_x - x, middle_y - y], axis=-1)
        up, out = np.sin(np.radians(self.pitch_deg)), np.cos(np.radians(self.pitch_deg))
        lifted = ahead @ np.array([[out, 0.0, up], [0.0, 1.0, 0.0], [-up, 0.0, out]])
        return frame.to_listener(lifted, np.zeros(3), -self.yaw_deg)

    def extent(self, box_px: tuple[float, float, float, float]) -> Extent:
        """Return the directions that a box of the view covers."""
        x0, y0, x1, y1 = box_px
        middle = (x0 + x1) / 2, (y0 + y1) / 2
        sides = self.directions(np.array([x0, x1]), np.array([middle[1], middle[1]]))
        ends = self.directions(np.array([middle[0], middle[0]]), np.array([y0, y1]))
        left, right = frame.angles(sides)[0]
        high, low = frame.angles(ends)[1]
        width = float(frame.wrap_deg(left - right))
        return Extent(
            float(frame.wrap_deg(right + width / 2)),
            float((high + low) / 2),
            abs(width),
            float(abs(high - low)),
        )

    def whole(self, box_px: tuple[float, float, float, float], *, margin: float = 0.01) -> bool:
        """Return whether a box keeps clear of the view's sides, by a part of its width."""
        edge = margin * self.picture.width_px
        return box_px[0] > edge and box_px[2] < self.picture.width_px - edge


def all_round(width_px: int, height_px: int) -> Window:
    """Return what an equirectangular picture shows that tells no window.

    Examples
    --------
    >>> all_round(4000, 2000)
    Window(left_deg=180.0, top_deg=90.0, width_deg=360.0)
    """
    return Window(180.0, 180.0 * height_px / width_px, 360.0)


def flat_views(picture: Picture) -> list[FlatView]:
    """Return the flat views of an equirectangular picture, from behind on the left round.

    Parameters
    ----------
    picture
        Its window tells what it shows. Without one its full width stands for 360° with azimuth 0
        in the middle and +180° at the left edge, its full height for 180° of elevation (or less,
        about the horizon, when it is flatter than 2:1). Of a part of the sphere no view shows
        more than that from side to side.
    """
    step = 360.0 / VIEWS
    window = picture.window or all_round(picture.width_px, picture.height_px)
    if window.width_deg >= 360.0:
        return [
            flat_view(picture, float(frame.wrap_deg(180.0 - step * number)))
            for number in range(VIEWS)
        ]
    fov = min(VIEW_FOV_DEG, window.width_deg)
    room = window.width_deg - fov
    count = 1 + math.ceil(room / step)
    middle = window.top_deg - _height_deg(picture, window) / 2
    pitch = float(np.clip(middle, -45.0, 45.0)) if abs(middle) > _LEVEL_DEG else 0.0
    return [
        flat_view(picture, float(frame.wrap_deg(window.left_deg - fov / 2 - turn)), pitch, fov)
        for turn in np.linspace(0.0, room, count)
    ]


def _height_deg(picture: Picture, window: Window) -> float:
    return window.width_deg * picture.height_px / picture.width_px


def flat_view(
    picture: Picture, yaw_deg: float, pitch_deg: float = 0.0, fov_deg: float = VIEW_FOV_DEG
) -> FlatView:
    """Return one flat, square view of an equirectangular picture.

    Parameters
    ----------
    picture
        As in :func:`flat_views`.
    yaw_deg, pitch_deg
        Azimuth and elevation of its middle.
    fov_deg
        Angle that it shows.
    """
    height, width = picture.pixels.shape[:2]
    window = picture.window or all_round(width, height)
    side = int(min(LARGEST_VIEW_PX, max(64, width / window.width_deg * fov_deg * 1.2)))
    focal = float(side / 2 / np.tan(np.radians(fov_deg / 2)))
    # A picture much larger than its views is brought down first, so that nothing flickers.
    shrink = max(1, round(width / window.width_deg / (focal * np.pi / 180.0)))
    blank = FlatView(Picture(np.zeros((side, side, 3), np.uint8)), yaw_deg, focal, pitch_deg)
    y, x = np.mgrid[0:side, 0:side] + 0.5
    azimuth, elevation, _ = frame.angles(blank.directions(x, y))
    u, v = to_equirect(azimuth, elevation, width, height, window)
    # All the way round it goes on at the other side; a part of the sphere ends as it is there.
    whole = window.width_deg >= 360.0
    rows, columns = v - 0.5, np.mod(u - 0.5, width) if whole else u - 0.5
    beyond: Literal["grid-wrap", "nearest"] = "grid-wrap" if whole else "nearest"
    seen = np.zeros((side, side, 3), np.float32)
    for across in (np.arange(shrink) + 0.5) / shrink - 0.5:
        for k in range(3):
            seen[..., k] += ndimage.map_coordinates(
                picture.pixels[..., k],
                [rows, columns + across * shrink],
                order=1,
                mode=beyond,
                output=np.float32,
            )
    pixels = np.clip(seen / shrink, 0, 255).astype(np.uint8)
    name = f"{picture.name} towards {yaw_deg:.0f}°"
    return FlatView(Picture(pixels, None, name), yaw_deg, focal, pitch_deg)


def to_equirect(
    azimuth_deg: Array,
    elevation_deg: Array,
    width_px: int,
    height_px: int,
    window: Window | None = None,
) -> tuple[Array, Array]:
    """Return the pixel of directions in an equirectangular picture.

    Parameters
    ----------
    azimuth_deg, elevation_deg
        The directions.
    width_px, height_px
        Size of the picture.
    window
        What it shows of the sphere; None is all the way round. Directions that it does not show
        are past its nearer side.

    Examples
    --------
    >>> [float(v) for v in to_equirect(np.array(0.0), np.array(0.0), 4000, 2000)]
    [2000.0, 1000.0]
    """
    window = window or all_round(width_px, height_px)
    per_degree = width_px / window.width_deg
    middle = window.left_deg - window.width_deg / 2
    x = width_px / 2 - frame.wrap_deg(np.asarray(azimuth_deg) - middle) * per_degree
    y = (window.top_deg - np.asarray(elevation_deg)) * per_degree
    return x, np.clip(y, 0.5, height_px - 0.5)


def box_of_extent(
    extent: Extent, width_px: int, height_px: int, window: Window | None = None
) -> tuple[float, float, float, float]:
    """Return an extent's box in the equirectangular picture.

    One that crosses the seam at the right edge goes on past it: ``x1`` is then beyond the width.
    In a part of the sphere it ends at the picture's sides.
    """
    window = window or all_round(width_px, height_px)
    x, y = to_equirect(
        np.array(extent.azimuth_deg), np.array(extent.elevation_deg), width_px, height_px, window
    )
    half_x = extent.width_deg / 2 * width_px / window.width_deg
    half_y = extent.height_deg / 2 * width_px / window.width_deg
    if window.width_deg >= 360.0:
        x0 = float(np.mod(x - half_x, width_px))
        x1 = x0 + max(1.0, 2 * half_x)
    else:
        x0 = float(np.clip(x - half_x, 0, width_px - 1))
        x1 = float(np.clip(x + half_x, x0 + 1, width_px))
    return (
        x0,
        float(np.clip(y - half_y, 0, height_px - 1)),
        x1,
        float(np.clip(y + half_y, 1, height_px)),
    )


@dataclass(frozen=True)
class Sight:
    """Something that one view saw.

    Parameters
    ----------
    extent
        Where.
    concept
        What it is taken for.
    what
        ``thing`` or ``stuff``.
    score
        How sure, 0 to 1.
    whole
        Whether it keeps clear of the view's edges.
    index
        Of the caller's own record.
    """

    extent: Extent
    concept: str
    what: str
    score: float
    whole: bool
    index: int


def merged(sights: Sequence[Sight]) -> list[tuple[Extent, list[int]]]:
    """Put together what several views saw of the same things.

    Parameters
    ----------
    sights
        Of all views.

    Returns
    -------
    list of (Extent, list of int)
        For each thing, where it is, and the indices of the sights it was made from, the best
        first. Stuff grows together to its whole extent; of a thing the best whole sight counts.
    """
    order = sorted(sights, key=lambda one: (one.whole, one.score), reverse=True)
    groups: list[tuple[Extent, list[Sight]]] = []
    for one in order:
        for number, (extent, members) in enumerate(groups):
            if members[0].concept != one.concept or members[0].what != one.what:
                continue
            same = extent.overlap(one.extent) > 0.3 or one.extent.inside(extent) > 0.6
            if one.what == "stuff":
                touching = extent.overlap(one.extent) > 0.02
                if touching or same:
                    groups[number] = (extent.joined(one.extent), [*members, one])
                    break
            elif same:
                groups[number] = (extent, [*members, one])
                break
        else:
            groups.append((one.extent, [one]))
    return [(extent, [one.index for one in members]) for extent, members in _grown(groups)]


def _grown(groups: list[tuple[Extent, list[Sight]]]) -> list[tuple[Extent, list[Sight]]]:
    """Join stuff that came to touch while it grew."""
    done: list[tuple[Extent, list[Sight]]] = []
    for extent, members in groups:
        for number, (other, theirs) in enumerate(done):
            joins = (
                members[0].what == "stuff"
                and theirs[0].what == "stuff"
                and theirs[0].concept == members[0].concept
                and other.overlap(extent) > 0.02
            )
            if joins:
                done[number] = (other.joined(extent), theirs + members)
                break
        else:
            done.append((extent, members))
    return done
