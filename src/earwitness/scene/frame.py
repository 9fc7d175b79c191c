"""The listener frame, and every conversion into and out of it.

**x front, y left, z up**, metres, right-handed, as in SOFA and AmbiX. Azimuth is in degrees,
anticlockwise from the front seen from above (left is positive, as in ITU-R BS.2051); elevation is
in degrees, upwards from the horizontal plane.

>>> xyz(0, 0)
array([1., 0., 0.])
>>> xyz(90, 0).round(12)
array([0., 1., 0.])
>>> xyz(0, 90).round(12)
array([0., 0., 1.])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

SPEED_OF_SOUND_M_S = 343.0
"""Speed of sound used everywhere, in metres per second (dry air at 20 °C)."""

_COMPASS = (
    "ahead",
    "ahead to the left",
    "to the left",
    "behind to the left",
    "behind",
    "behind to the right",
    "to the right",
    "ahead to the right",
)


def xyz(
    azimuth_deg: ArrayLike, elevation_deg: ArrayLike = 0.0, distance_m: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """Return Cartesian positions from spherical ones.

    Parameters
    ----------
    azimuth_deg, elevation_deg, distance_m
        Angles in degrees and distance in metres, broadcast together, shape ``(...)``.

    Returns
    -------
    ndarray, shape ``(..., 3)``
        x (front), y (left), z (up) in metres.
    """
    azimuth, elevation, distance = np.broadcast_arrays(
        np.radians(np.asarray(azimuth_deg, dtype=np.float64)),
        np.radians(np.asarray(elevation_deg, dtype=np.float64)),
        np.asarray(distance_m, dtype=np.float64),
    )
    flat = distance * np.cos(elevation)
    return np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), distance * np.sin(elevation)], axis=-1
    )


def angles(
    positions_m: ArrayLike,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return azimuth, elevation and distance of Cartesian positions.

    Parameters
    ----------
    positions_m
        Shape ``(..., 3)``, metres in the listener frame.

    Returns
    -------
    azimuth_deg, elevation_deg, distance_m : ndarray, shape ``(...)``
        Azimuth in (−180, 180], elevation in [−90, 90]. The origin itself gives zeros.

    Examples
    --------
    >>> [float(v) for v in angles([0.0, -2.0, 0.0])]
    [-90.0, 0.0, 2.0]
    """
    position = np.asarray(positions_m, dtype=np.float64)
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    flat = np.hypot(x, y)
    azimuth = np.degrees(np.arctan2(y, x))
    azimuth = np.where(azimuth <= -180.0, 180.0, azimuth)
    return azimuth, np.degrees(np.arctan2(z, flat)), np.hypot(flat, z)


def wrap_deg(angle_deg: ArrayLike) -> NDArray[np.float64]:
    """Return angles brought into (−180, 180].

    Examples
    --------
    >>> wrap_deg([190.0, -180.0, 370.0])
    array([-170.,  180.,   10.])
    """
    angle = np.asarray(angle_deg, dtype=np.float64)
    return np.asarray(180.0 - np.mod(180.0 - angle, 360.0), dtype=np.float64)


def to_listener(
    positions_m: ArrayLike, listener_m: ArrayLike, yaw_deg: float
) -> NDArray[np.float64]:
    """Return positions as seen by a listener who stands elsewhere and has turned the head.

    Parameters
    ----------
    positions_m
        Shape ``(..., 3)``, metres in the scene.
    listener_m
        Where the listener's head is, shape ``(3,)``, metres.
    yaw_deg
        Where the listener looks: degrees anticlockwise from the scene's front.

    Returns
    -------
    ndarray, shape ``(..., 3)``

    Examples
    --------
    A source on the left is ahead once the head has turned left.

    >>> to_listener([0.0, 1.0, 0.0], [0, 0, 0], 90).round(12) + 0.0
    array([1., 0., 0.])
    """
    moved = np.asarray(positions_m, dtype=np.float64) - np.asarray(listener_m, dtype=np.float64)
    yaw = np.radians(yaw_deg)
    x, y = moved[..., 0], moved[..., 1]
    return np.stack(
        [x * np.cos(yaw) + y * np.sin(yaw), y * np.cos(yaw) - x * np.sin(yaw), moved[..., 2]],
        axis=-1,
    )


def angle_between_deg(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    """Return the angle between directions, in degrees.

    Parameters
    ----------
    a, b
        Vectors of any length above 0, shape ``(..., 3)``, broadcast together.

    Returns
    -------
    ndarray, shape ``(...)``
    """
    u, v = np.broadcast_arrays(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    # atan2 of cross and dot stays exact for small angles, where arccos does not.
    across = np.linalg.norm(np.cross(u, v), axis=-1)
    angle: NDArray[np.float64] = np.degrees(np.arctan2(across, np.sum(u * v, axis=-1)))
    return angle


def in_words(azimuth_deg: float, elevation_deg: float = 0.0) -> str:
    """Return a direction as a person would say it.

    Parameters
    ----------
    azimuth_deg, elevation_deg
        In degrees.

    Returns
    -------
    str

    Examples
    --------
    >>> in_words(35), in_words(-90), in_words(0, 60)
    ('ahead to the left', 'to the right', 'above')
    """
    if elevation_deg >= 50.0:
        return "above"
    if elevation_deg <= -60.0:
        return "below"
    # 'Ahead' is narrower than the other sectors: in a photo everything lies in front.
    azimuth = float(wrap_deg(azimuth_deg))
    if abs(azimuth) < 10.0:
        words = "ahead"
    elif abs(azimuth) < 67.5:
        words = _COMPASS[1] if azimuth > 0 else _COMPASS[7]
    else:
        words = _COMPASS[round(azimuth / 45.0) % 8]
    return words + (", high up" if elevation_deg >= 25.0 else "")
