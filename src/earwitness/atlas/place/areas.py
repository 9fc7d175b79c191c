"""Patches on a map become areas around a listener: from where, how wide, how far, how strong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

EAR_M = 1.7
"""Height of the listener's ears above the ground."""

STRETCH_M2 = 100.0
"""The area that a concept's usual level stands for: a stretch of some ten metres."""

ARC_SHARE = 0.8
"""Part of the energy that has to come from within an area's spread."""

FULL_CIRCLE_DEG = 300.0
"""An area that spreads wider is all around."""

_BINS = 180


@dataclass(frozen=True, eq=False)
class Area:
    """One connected stretch of a kind, as heard from the middle of the map.

    Parameters
    ----------
    kind
        Such as ``water``.
    bearing_deg
        Degrees clockwise from north, where most of its sound comes from.
    spread_deg
        The arc that holds :data:`ARC_SHARE` of its energy, widened to the whole; 360 all around.
    distance_m
        Along the ground, weighted by the energy.
    gain_db
        Level at the listener, of an area whose every :data:`STRETCH_M2` has 0 dB at 1 m.
    area_m2
        On the ground.
    elongation
        Length over width of the stretch; 1 for a disc, 10 and more for a river.
    edges
        On how many sides of the map (0 to 4) it goes on beyond the edge.
    mask
        bool ``(rows, columns)``, the patches.
    sure
        Mean probability of the kind in them.
    """

    kind: str
    bearing_deg: float
    spread_deg: float
    distance_m: float
    gain_db: float
    area_m2: float
    elongation: float
    edges: int
    mask: NDArray[np.bool_]
    sure: float

    @property
    def azimuth_deg(self) -> float:
        """Azimuth for a listener who faces north (anticlockwise)."""
        return float(180.0 - (180.0 + self.bearing_deg) % 360.0)


def patch_grid(
    rows: int, columns: int, patch_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return metres east and north of each patch's middle, shape ``(rows, columns)``."""
    east = (np.arange(columns) - (columns - 1) / 2) * patch_m
    north = ((rows - 1) / 2 - np.arange(rows)) * patch_m
    x, y = np.meshgrid(east, north)
    return x, y


def areas(
    kind: str,
    weight: NDArray[np.floating],
    patch_m: float,
    *,
    least: float = 0.5,
    smallest: int = 1,
    most: int = 3,
    bridges: NDArray[np.bool_] | None = None,
) -> list[Area]:
    """Return the stretches of one kind, the loudest first.

    Parameters
    ----------
    kind
        Its name.
    weight
        ``(rows, columns)``, 0 to 1: how likely each patch is of that kind.
    patch_m
        Side of a patch, metres.
    least
        Patches below are left out.
    smallest
        Fewest patches of a stretch.
    most
        Most stretches.
    bridges
        bool ``(rows, columns)``: patches that join what lies on both sides and are no part of it.

    Returns
    -------
    list of Area

    Examples
    --------
    >>> field = np.zeros((21, 21)); field[0:3, 18:21] = 1  # the upper right corner
    >>> found = areas("water", field, 10.0)[0]
    >>> round(found.bearing_deg), found.distance_m > 100
    (45, True)
    """
    held = np.asarray(weight, np.float64)
    there = held >= least
    joined = there if bridges is None else there | bridges
    labels, count = ndimage.label(joined, structure=np.ones((3, 3), int))
    east, north = patch_grid(held.shape[0], held.shape[1], patch_m)
    found = []
    for number in range(1, count + 1):
        mask = (labels == number) & there
        if mask.sum() >= max(smallest, 1):
            found.append(_area(kind, mask, held, east, north, patch_m))
    return sorted(found, key=lambda area: -area.gain_db)[:most]


def _area(
    kind: str,
    mask: NDArray[np.bool_],
    weight: NDArray[np.float64],
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    patch_m: float,
) -> Area:
    x, y, p = east[mask], north[mask], weight[mask]
    flat = np.hypot(x, y)
    # A patch is not a point: within it the mean of 1/d² is that of a third of its side or so.
    squared = np.maximum(flat**2, (0.3 * patch_m) ** 2) + EAR_M**2
    energy = p * patch_m**2 / STRETCH_M2 / squared
    total = float(energy.sum())
    # What lies underfoot has no direction: its energy goes all around.
    inside = flat < 0.6 * patch_m
    bearing, spread = _arc(np.arctan2(x, y), np.where(inside, 0.0, energy), patch_m, flat)
    if energy[inside].sum() > 0.3 * total:
        spread = 360.0
    return Area(
        kind,
        bearing,
        spread,
        float(max((energy * flat).sum() / total, 0.5)),
        10.0 * float(np.log10(total)),
        float(p.size * patch_m**2),
        _elongation(x, y, patch_m),
        _edges(mask),
        mask,
        float(p.mean()),
    )


def _arc(
    bearing_rad: NDArray[np.float64],
    energy: NDArray[np.float64],
    patch_m: float,
    flat_m: NDArray[np.float64],
) -> tuple[float, float]:
    """Return the middle and the width of the arc that energy comes from, degrees."""
    if energy.sum() <= 0:
        return 0.0, 360.0
    bins = np.zeros(_BINS)
    step = 2 * np.pi / _BINS
    # Each patch is smeared over the angle that it fills.
    half = np.arctan2(patch_m / 2, np.maximum(flat_m, patch_m / 2))
    for share in np.linspace(-0.8, 0.8, 5):
        at = ((bearing_rad + share * half) % (2 * np.pi) / step).astype(int) % _BINS
        np.add.at(bins, at, energy / 5)
    vector = (energy * np.exp(1j * bearing_rad)).sum() / energy.sum()
    bearing = float(np.degrees(np.angle(vector))) % 360.0
    wanted = ARC_SHARE * bins.sum()
    twice = np.concatenate([[0.0], np.cumsum(np.concatenate([bins, bins]))])
    ends = np.searchsorted(twice, twice[:_BINS] + wanted - 1e-12)
    widths = ends - np.arange(_BINS)
    start = int(widths.argmin())
    width = float(widths[start]) * 360.0 / _BINS / ARC_SHARE
    if width >= FULL_CIRCLE_DEG:
        return bearing, 360.0
    if abs(vector) < 0.3:  # opposite sides: the mean says little, the densest arc more
        bearing = (start + widths[start] / 2) * 360.0 / _BINS % 360.0
    return bearing, min(width, 360.0)


def _elongation(x: NDArray[np.float64], y: NDArray[np.float64], patch_m: float) -> float:
    """Return length over width: the area against the square of the longest way across."""
    if x.size < 2:
        return 1.0
    spread = np.cov(np.stack([x, y])) + np.eye(2) * patch_m**2 / 12.0
    length = np.sqrt(12.0 * float(np.linalg.eigvalsh(spread)[-1]))
    # For a rectangle the length is √12 times the standard deviation along it.
    return float(max(1.0, length**2 / (x.size * patch_m**2)))


def _edges(mask: NDArray[np.bool_]) -> int:
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return int(sum(bool(side.any()) for side in sides))
