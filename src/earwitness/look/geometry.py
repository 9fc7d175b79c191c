"""The pinhole camera: pixels to directions in the listener's frame, and angles of boxes.

The camera looks along the listener's nose: the middle of the picture is straight ahead, at azimuth
0 and elevation 0. Pixels are those of the upright picture, x to the right, y down, so azimuth
(left is positive) falls with x and elevation falls with y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError

LONG_SIDE_DEG = 60.0
"""Angle of view of the picture's longer side when neither the user nor the file says it: that of
a phone's or a kit lens at about 31 mm (for 36 mm film)."""

FILM_MM = 36.0
"""Longer side of the film that 35 mm focal lengths are given for."""

Box = tuple[float, float, float, float]


def focal_px(
    width_px: float,
    height_px: float,
    *,
    fov_deg: float | None = None,
    focal_35mm: float | None = None,
) -> float:
    """Return the focal length in pixels.

    Parameters
    ----------
    width_px, height_px
        Size of the picture.
    fov_deg
        *Horizontal* angle of view of the picture, from its left to its right edge, however it is
        held; it goes before ``focal_35mm``.
    focal_35mm
        Focal length as for 35 mm film, mm: 36 mm of film lie along the picture's longer side.

    Returns
    -------
    float
        Distance of the centre of projection from the picture, in pixels. Without either, the
        longer side spans 60°.

    Raises
    ------
    OptionError
        If an angle is not between 0° and 180°, or a length not above 0.

    Examples
    --------
    >>> round(focal_px(2000, 1000, fov_deg=90), 6)
    1000.0
    >>> focal_px(3600, 2400, focal_35mm=50), focal_px(2400, 3600, focal_35mm=50)
    (5000.0, 5000.0)
    """
    if not (width_px > 0 and height_px > 0):
        raise OptionError(f"a picture of {width_px} × {height_px} px; give sides above 0")
    if fov_deg is not None:
        if not 0.0 < fov_deg < 180.0:
            raise OptionError(f"field of view {fov_deg:g}°; choose from 5 to 170 degrees")
        return float(width_px / 2 / np.tan(np.radians(fov_deg / 2)))
    longer = max(width_px, height_px)
    if focal_35mm is not None:
        if not focal_35mm > 0:
            raise OptionError(f"focal length {focal_35mm:g} mm; give more than 0")
        return float(longer * focal_35mm / FILM_MM)
    return float(longer / 2 / np.tan(np.radians(LONG_SIDE_DEG / 2)))


@dataclass(frozen=True)
class Pinhole:
    """A picture's camera.

    Parameters
    ----------
    width_px, height_px
        Size of the picture.
    focal_px
        Focal length in pixels, see :func:`focal_px`.

    Examples
    --------
    >>> camera = Pinhole(2000, 1000, 1000.0)
    >>> [float(a) for a in camera.angles(0, 500)], camera.fov_deg
    ([45.0, 0.0], 90.0)
    """

    width_px: float
    height_px: float
    focal_px: float

    @property
    def fov_deg(self) -> float:
        """Horizontal angle of view."""
        return float(2 * np.degrees(np.arctan2(self.width_px / 2, self.focal_px)))

    def angles(
        self, x_px: ArrayLike, y_px: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return azimuth and elevation of pixels, degrees.

        Parameters
        ----------
        x_px, y_px
            Shape ``(...)``, broadcast together; may lie outside the picture.
        """
        right = np.asarray(x_px, np.float64) - self.width_px / 2
        down = np.asarray(y_px, np.float64) - self.height_px / 2
        azimuth = np.degrees(np.arctan2(-right, self.focal_px))
        elevation = np.degrees(np.arctan2(-down, np.hypot(self.focal_px, right)))
        return azimuth + 0.0, elevation + 0.0  # no −0.0 for what is straight ahead

    def pixel(
        self, azimuth_deg: ArrayLike, elevation_deg: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the pixel in which a direction is seen; NaN for those not ahead.

        Examples
        --------
        >>> x, y = Pinhole(640, 480, 500.0).pixel(*Pinhole(640, 480, 500.0).angles(12, 34))
        >>> round(float(x), 9), round(float(y), 9)
        (12.0, 34.0)
        """
        azimuth = np.radians(np.asarray(azimuth_deg, np.float64))
        elevation = np.radians(np.asarray(elevation_deg, np.float64))
        ahead = np.cos(azimuth) > 1e-9
        cosine = np.where(ahead, np.cos(azimuth), np.nan)
        right = -self.focal_px * np.sin(azimuth) / cosine
        up = np.hypot(self.focal_px, right) * np.tan(elevation)
        return right + self.width_px / 2, self.height_px / 2 - up

    def edges_deg(self, box_px: Box) -> tuple[float, float]:
        """Return the azimuths of a box's left and right edges, the left (larger) first."""
        left, right = self.angles([box_px[0], box_px[2]], self.height_px / 2)[0]
        return float(left), float(right)

    def width_deg(self, box_px: Box) -> float:
        """Return the horizontal angle that a box covers."""
        left, right = self.edges_deg(box_px)
        return left - right


def centre(box_px: Box) -> tuple[float, float]:
    """Return the middle of a box.

    Examples
    --------
    >>> centre((0, 0, 10, 4))
    (5.0, 2.0)
    """
    return (box_px[0] + box_px[2]) / 2, (box_px[1] + box_px[3]) / 2


def area(box_px: Box) -> float:
    """Return the area of a box, px²; 0 where it is inside out."""
    return max(0.0, box_px[2] - box_px[0]) * max(0.0, box_px[3] - box_px[1])


def common(a: Box, b: Box) -> float:
    """Return the area that two boxes share, px²."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union of two boxes.

    Examples
    --------
    >>> overlap((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    both = common(a, b)
    return both / max(area(a) + area(b) - both, 1e-12)


def inside(a: Box, b: Box) -> float:
    """Return the part of ``a`` that lies in ``b``."""
    return common(a, b) / max(area(a), 1e-12)


def around(boxes: list[Box]) -> Box:
    """Return the smallest box around boxes.

    Examples
    --------
    >>> around([(0, 0, 1, 1), (2, -1, 3, 1)])
    (0, -1, 3, 1)
    """
    return (
        min(b[0] for b in boxes),
        min(b[1] for b in boxes),
        max(b[2] for b in boxes),
        max(b[3] for b in boxes),
    )
