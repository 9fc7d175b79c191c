"""Ambisonic gains: real spherical harmonics in ACN order with SN3D weights (AmbiX).

Nachbar, Zotter, Deleflie and Sontacchi, "AmbiX: a suggested ambisonics format", Ambisonics
Symposium 2011. No Condon-Shortley phase.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError
from earwitness.scene.layout import HIGHEST_ORDER
from earwitness.space.directions import unit


def sh_gains(directions: ArrayLike, order: int) -> NDArray[np.float64]:
    """Return the gains that encode plane waves from given directions.

    Parameters
    ----------
    directions
        Shape ``(n, 3)``: x front, y left, z up; any length.
    order
        Ambisonic order, 1 to 7.

    Returns
    -------
    ndarray, shape ``(n, (order + 1) ** 2)``
        Channel ``l * (l + 1) + m`` holds degree ``l``, index ``m``. The squares of each degree sum
        to 1.

    Raises
    ------
    OptionError
        If the order is not offered, or a direction is not finite.

    Examples
    --------
    First order is W, Y, Z, X: 1, left, up, front.

    >>> sh_gains([[0, 1, 0]], 1)
    array([[1., 1., 0., 0.]])
    """
    if not 1 <= order <= HIGHEST_ORDER:
        raise OptionError(f"ambisonic order {order}; give 1 to {HIGHEST_ORDER}")
    x, y, z = unit(directions).T
    out = np.empty((len(x), (order + 1) ** 2))
    # (x + iy)^m is cos^m(elevation) times cosine and sine of m·azimuth: exact at the poles, too.
    around = np.ones_like(x, dtype=np.complex128)
    diagonal = 1.0
    for m in range(order + 1):
        # Legendre functions without their cos^m(elevation), by the recurrence in the degree.
        before, now = np.zeros_like(z), np.full_like(z, diagonal)
        for degree in range(m, order + 1):
            weight = math.sqrt(
                (2 - (m == 0)) * math.factorial(degree - m) / math.factorial(degree + m)
            )
            out[:, degree * (degree + 1) + m] = weight * now * around.real
            if m:
                out[:, degree * (degree + 1) - m] = weight * now * around.imag
            above = ((2 * degree + 1) * z * now - (degree + m) * before) / (degree + 1 - m)
            before, now = now, above
        diagonal *= 2 * m + 1
        around = around * (x + 1j * y)
    # A signed zero would show as -0 in tables.
    return out + 0.0


def intensity_direction(foa: ArrayLike) -> NDArray[np.float64]:
    """Return where a first-order recording sounds from: its mean pseudo-intensity.

    Parameters
    ----------
    foa
        Shape ``(4, samples)`` or more channels, of which the first four are used: ACN, SN3D.

    Returns
    -------
    ndarray, shape ``(3,)``
        Unit vector x, y, z. Zeros where no direction stands out (silence).

    Notes
    -----
    Jarrett, Habets and Naylor, "3D source localization in the spherical harmonic domain using
    a pseudointensity vector", EUSIPCO 2010.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(1000)
    >>> intensity_direction(sh_gains([[0, 0, 2.0]], 1).T * noise)
    array([0., 0., 1.])
    """
    w, y, z, x = np.asarray(foa, dtype=np.float64)[:4]
    intensity = np.array([w @ x, w @ y, w @ z])
    size = float(np.linalg.norm(intensity))
    return np.asarray(intensity / size if size > 0 else np.zeros(3))
