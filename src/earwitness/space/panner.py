"""The point-source panner of ITU-R BS.2127-1, clause 6.1: a direction to loudspeaker gains.

The sphere around the listener is cut into regions whose corners are loudspeakers, real or virtual:
the facets of their convex hull. In a triangle the gains are those of vector base amplitude
panning (Pulkki, JAES 45(6), 1997); in a quadrilateral, a bilinear law; around the poles, where no
loudspeaker stands, a virtual one is mixed into its neighbours. Where a layer of heights is
missing, the loudspeakers of the middle layer stand in for it. Stereo is a fold-down of 0+5+0.

Here each region answers for many directions at once, and a triangle is chosen by the largest of
its smallest weights, so that rounding on an edge can never leave a direction without gains.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from earwitness.errors import LayoutError
from earwitness.scene import Layout, frame, layout_named
from earwitness.space.directions import unit

Array = NDArray[np.float64]

_LAYER_DEG = 30.0
_SAME_PLANE = 1e-5
_INSIDE = 1e-9


@dataclass(frozen=True, eq=False)
class Panner:
    """Gains of a layout's loudspeakers for any direction.

    Made by :func:`point_source_panner`.

    Parameters
    ----------
    layout
        The layout whose channel order the gains have.
    corners
        Directions of all corners of the regions, shape ``(corners, 3)``.
    triangles
        Indices of corners, shape ``(triangles, 3)``.
    quads
        Indices of corners in cyclic order, shape ``(quads, 4)``.
    pole_mix
        What the last corners, virtual loudspeakers above and below, send to the other corners,
        shape ``(poles, corners - poles)``.
    mix
        What each corner but the poles sends to each loudspeaker (LFE left out), shape
        ``(speakers, corners - poles)``.
    bases
        Matrices that turn a direction into the weights of a triangle's corners, shape
        ``(triangles, 3, 3)``.
    """

    layout: Layout
    corners: Array
    triangles: NDArray[np.intp]
    quads: NDArray[np.intp]
    pole_mix: Array
    mix: Array
    bases: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        bases = np.linalg.inv(self.corners[self.triangles].transpose(0, 2, 1))
        object.__setattr__(self, "bases", bases)

    def gains(self, directions: ArrayLike) -> Array:
        """Return the gain of every channel for every direction.

        Parameters
        ----------
        directions
            Shape ``(n, 3)``: x front, y left, z up; any length.

        Returns
        -------
        ndarray, shape ``(n, channels)``
            In the layout's channel order, none negative, LFE 0. The squares sum to 1; for stereo
            they fall to 1/2 behind the listener, as the standard has it.

        Raises
        ------
        OptionError
            If a direction is not finite or not three numbers.

        Examples
        --------
        >>> panner = point_source_panner(layout_named("5.1"))
        >>> panner.gains([[1, 0, 0], [0, 1, 0]]).round(3)
        array([[0.   , 0.   , 1.   , 0.   , 0.   , 0.   ],
               [0.367, 0.   , 0.   , 0.   , 0.93 , 0.   ]])
        """
        towards = unit(directions)
        kind = self.layout.name
        if kind == "0+1+0":
            heard = np.ones((len(towards), 1))
        elif kind == "0+2+0":
            heard = _fold_to_stereo(towards)
        else:
            # Some 30 regions for each direction: in slices, so that memory stays small.
            slices = np.split(towards, range(8192, len(towards), 8192))
            heard = np.concatenate([self._regions(part) for part in slices])
        out = np.zeros((len(towards), len(self.layout.channels)))
        out[:, [i for i, channel in enumerate(self.layout.channels) if not channel.lfe]] = heard
        return out

    def _regions(self, towards: Array) -> Array:
        rows = np.arange(len(towards))
        weights = np.einsum("tij,nj->nti", self.bases, towards)
        smallest = weights.min(axis=2)
        best = smallest.argmax(axis=1)
        chosen = np.clip(weights[rows, best], 0.0, None)
        sent = np.zeros((len(towards), len(self.corners)))
        sent[rows[:, None], self.triangles[best]] = chosen
        left = np.flatnonzero(smallest[rows, best] < -_INSIDE)
        for quad in self.quads:
            if not left.size:
                break
            inside, found = _quad_gains(self.corners[quad], towards[left])
            sent[left[inside]] = 0.0
            sent[np.ix_(left[inside], quad)] = found[inside]
            left = left[~inside]
        # Twice normalised, as in the standard: inside the region, and after virtual
        # loudspeakers are mixed into real ones (poles first, then the missing layers).
        sent /= np.linalg.norm(sent, axis=1, keepdims=True)
        real = self.mix.shape[1]
        around = sent[:, :real] + sent[:, real:] @ self.pole_mix
        around /= np.linalg.norm(around, axis=1, keepdims=True)
        heard = around @ self.mix.T
        return np.asarray(heard / np.linalg.norm(heard, axis=1, keepdims=True))


def _quad_gains(corners: Array, towards: Array) -> tuple[NDArray[np.bool_], Array]:
    """Return which directions lie in a quadrilateral, and the gains of its four corners.

    The position (x, y) in the quadrilateral is found where its bilinear surface meets the
    direction; either coordinate is the root of a quadratic that does not hold the other.
    """
    x, has_x = _root(corners, towards)
    y, has_y = _root(np.roll(corners, -1, axis=0), towards)
    gains = np.stack([(1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y], axis=1)
    ahead = np.einsum("nc,cj,nj->n", gains, corners, towards) > 0
    return has_x & has_y & ahead, gains


def _root(corners: Array, towards: Array) -> tuple[Array, NDArray[np.bool_]]:
    a, b, c, d = corners
    second = towards @ np.cross(b - a, c - d)
    first = towards @ (np.cross(a, c - d) + np.cross(b - a, d))
    zeroth = towards @ np.cross(a, d)
    discriminant = np.maximum(first**2 - 4 * second * zeroth, 0.0)
    # The form of the quadratic formula that does not cancel, nor divide by a vanishing square.
    q = -0.5 * (first + np.where(first < 0, -1.0, 1.0) * np.sqrt(discriminant))
    tiny = 1e-300
    roots = np.stack(
        [
            np.where(np.abs(q) > tiny, zeroth / np.where(np.abs(q) > tiny, q, 1.0), -1.0),
            np.where(np.abs(second) > 1e-12, q / np.where(np.abs(second) > 1e-12, second, 1), -1.0),
        ]
    )
    inside = (roots > -_INSIDE) & (roots < 1 + _INSIDE)
    root = np.where(inside[0], roots[0], roots[1])
    return np.clip(root, 0.0, 1.0), np.asarray(inside.any(axis=0))


def _fold_to_stereo(towards: Array) -> Array:
    """Return stereo gains: 0+5+0 mixed down, with the position and the energy put right."""
    five = layout_named("0+5+0")
    labels = ["M+030", "M-030", "M+000", "M+110", "M-110"]
    order = [[channel.label for channel in five.channels].index(label) for label in labels]
    gains = point_source_panner(five).gains(towards)[:, order]
    # BS.775's mix, but with a centre of 1/√3 that keeps the velocity vector.
    centre, side = 1 / np.sqrt(3), np.sqrt(0.5)
    mixed = gains @ np.array([[1, 0], [0, 1], [centre, centre], [side, 0], [0, side]])
    mixed /= np.linalg.norm(mixed, axis=1, keepdims=True)
    front, back = gains[:, :3].max(axis=1), gains[:, 3:].max(axis=1)
    # From 0 dB ahead to -3 dB behind.
    return np.asarray(mixed * 0.5 ** (0.5 * back / (front + back))[:, None])


def _with_missing_layers(azimuth: Array, elevation: Array) -> tuple[Array, Array, Array]:
    """Return azimuths and elevations with stand-ins for missing layers, and their mix."""
    speakers = len(azimuth)
    all_azimuth, all_elevation = list(azimuth), list(elevation)
    sends = list(np.eye(speakers))
    middle = np.abs(elevation) <= 10
    for layer_deg in (-_LAYER_DEG, _LAYER_DEG):
        upwards = elevation * np.sign(layer_deg)
        here = (upwards >= 10) & (upwards <= 70)
        # 40° of room beside the layer keeps a source that moves level from jumping up and down.
        widest = np.abs(azimuth[here]).max() + 40.0 if here.any() else 0.0
        at = float(elevation[here].mean()) if here.any() else layer_deg
        for i in np.flatnonzero(middle & (np.abs(azimuth) >= widest - 1e-5)):
            all_azimuth.append(azimuth[i])
            all_elevation.append(at)
            sends.append(np.eye(speakers)[i])
    return np.array(all_azimuth), np.array(all_elevation), np.array(sends).T


def _facets(corners: Array) -> list[list[int]]:
    """Return the facets of the convex hull, coplanar triangles joined."""
    hull = ConvexHull(corners)
    planes: list[tuple[Array, set[int]]] = []
    for triangle, plane in zip(hull.simplices, hull.equations, strict=True):
        for known, members in planes:
            if np.linalg.norm(known - plane) < _SAME_PLANE:
                members.update(int(i) for i in triangle)
                break
        else:
            planes.append((plane, {int(i) for i in triangle}))
    return [sorted(members) for _, members in planes]


def _around(corners: Array) -> NDArray[np.intp]:
    """Return the order of a facet's corners around its centre."""
    offsets = corners - corners.mean(axis=0)
    first = offsets[0]
    second = np.cross(corners.mean(axis=0), first)
    return np.argsort(np.arctan2(offsets @ second, offsets @ first))


@cache
def point_source_panner(layout: Layout) -> Panner:
    """Return the panner of a loudspeaker layout; the same object for the same layout.

    Parameters
    ----------
    layout
        Of kind ``loudspeakers``: mono, stereo, or loudspeakers around the listener.

    Returns
    -------
    Panner

    Raises
    ------
    LayoutError
        If the layout is not one of loudspeakers.

    Examples
    --------
    >>> point_source_panner(layout_named("stereo")).gains([[1.0, 0.0, 0.0]]).round(4)
    array([[0.7071, 0.7071]])
    """
    if layout.kind != "loudspeakers":
        raise LayoutError(f"{layout.title} has no loudspeakers to pan to; give a layout that has")
    speakers = [channel for channel in layout.channels if not channel.lfe]
    if len(speakers) < 3:
        empty = np.zeros((0, 3))
        none = np.zeros((0, 3), np.intp)
        return Panner(layout, empty, none, np.zeros((0, 4), np.intp), empty, empty)
    azimuth, elevation, mix = _with_missing_layers(
        np.array([channel.azimuth_deg for channel in speakers]),
        np.array([channel.elevation_deg for channel in speakers]),
    )
    # No virtual loudspeaker stands above where a real one does.
    poles = [[0.0, 0.0, -1.0]] + [[0.0, 0.0, 1.0]] * (not np.any(elevation > 80))
    corners = np.concatenate([frame.xyz(azimuth, elevation), poles])
    triangles, quads = [], []
    for facet in _facets(corners):
        if len(facet) == 3:
            triangles.append(facet)
        elif len(facet) == 4:
            quads.append(np.array(facet)[_around(corners[facet])])
        else:
            raise LayoutError(
                f"{layout.title} has a region of {len(facet)} loudspeakers in one plane; "
                f"the panner knows regions of 3 and 4"
            )
    virtual = len(azimuth) + np.arange(len(poles))
    pole_mix = np.zeros((len(poles), len(azimuth)))
    for row, pole in zip(pole_mix, virtual, strict=True):
        ring = {i for facet in triangles + [list(q) for q in quads] if pole in facet for i in facet}
        neighbours = sorted(ring - {pole})
        row[neighbours] = 1.0 / np.sqrt(len(neighbours))
    return Panner(
        layout,
        corners,
        np.array(triangles, np.intp).reshape(-1, 3),
        np.array(quads, np.intp).reshape(-1, 4),
        pole_mix,
        mix,
    )
