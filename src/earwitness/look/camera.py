"""The camera's own motion: how it turned from frame to frame, and where a shot ends.

A camera that pans turns the picture about its centre of projection, so frames are related by
``K R K⁻¹`` with a rotation ``R`` of three angles, whatever the scene's depth. The rotation (and a
change of focal length) is found by aligning brightness directly: Gauss–Newton in the inverse
compositional form (Baker & Matthews, "Lucas–Kanade 20 years on", IJCV 2004), coarse to fine, with
Tukey's weights, so that things that move on their own are left out of the account.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]

SMALL_SIDE_PX = 192
"""Longest side at which frames are compared."""

_GRAIN = 3.0  # grey levels: less than this tells nothing apart from noise and coding
_LEVELS = 3
_ROUNDS = 12
_LEAST_OVERLAP = 0.6
_CUT_CORRELATION = 0.35
_PLAIN_COST = 0.01  # below this nothing is left to explain
_EVERY = 2
_ZOOM_LEVELS, _ZOOM_GAIN = 2, 0.9


@dataclass(frozen=True, eq=False)
class View:
    """Where the camera looks at one frame.

    Parameters
    ----------
    turned
        Rotation from this frame's camera axes to those of the shot's first frame, ``(3, 3)``.
        Camera axes: x to the right, y down, z ahead.
    zoom
        Focal length relative to the shot's first frame.
    cut
        Whether a new shot begins with this frame.
    alike
        How well the frame fits the one before once turned, −1 to 1 (correlation).
    """

    turned: Array
    zoom: float
    cut: bool
    alike: float


def _pyramid(grey: Array) -> list[Array]:
    levels = [ndimage.gaussian_filter(grey, 1.0)]
    while len(levels) < _LEVELS and min(levels[-1].shape) >= 48:
        levels.append(ndimage.gaussian_filter(levels[-1], 1.0)[::2, ::2])
    return levels


class _Reference:
    """A frame that others are aligned to: its gradients and steepest-descent images."""

    def __init__(self, grey: Array, focal_px: float) -> None:
        self.levels = []
        for number, image in enumerate(_pyramid(grey)):
            focal = focal_px / 2**number
            height, width = image.shape
            v, u = np.mgrid[0:height, 0:width].astype(np.float64)
            x = (u - (width - 1) / 2) / focal
            y = (v - (height - 1) / 2) / focal
            gy, gx = np.gradient(image)
            gx, gy = gx * focal, gy * focal
            # How brightness changes with a small rotation about x, y, z and a small zoom.
            descent = np.stack(
                [
                    -gx * x * y - gy * (1 + y * y),
                    gx * (1 + x * x) + gy * x * y,
                    -gx * y + gy * x,
                    gx * x + gy * y,
                ],
                axis=-1,
            )
            rays = np.stack([x, y, np.ones_like(x)], axis=-1)
            # Neighbouring pixels of the largest say much the same.
            some = slice(None, None, _EVERY if number == 0 and min(image.shape) >= 48 else 1)
            self.levels.append((image[some, some], focal, rays[some, some], descent[some, some]))


def _sample(image: Array, rays: Array, focal: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return brightness along rays of a camera, and which rays hit its picture."""
    height, width = image.shape
    ahead = rays[..., 2] > 0.1
    depth = np.where(ahead, rays[..., 2], 1.0)
    u = rays[..., 0] / depth * focal + (width - 1) / 2
    v = rays[..., 1] / depth * focal + (height - 1) / 2
    inside = ahead & (u >= 1) & (v >= 1) & (u <= width - 2) & (v <= height - 2)
    values = ndimage.map_coordinates(image, [v, u], order=1, mode="nearest")
    return values, inside


@dataclass(frozen=True, eq=False)
class _Fit:
    turned: Array
    zoom: float
    overlap: float
    alike: float
    cost: float


def _align(
    reference: _Reference, levels: list[Array], turned: Array, zoom: float, *, zooms: bool = False
) -> _Fit:
    """Return how a frame is turned against the reference: rays_frame = turnedᵀ rays_reference.

    Whether it zooms too is asked last, of what fits already, and so at the finer sizes alone.
    """
    free = 4 if zooms else 3
    overlap, alike, cost = 0.0, -1.0, 1.0
    for number in reversed(range(_ZOOM_LEVELS if zooms else len(reference.levels))):
        if number >= len(reference.levels):
            continue
        image, focal, rays, descent = reference.levels[number]
        for _ in range(_ROUNDS):
            seen, inside = _sample(levels[number], rays @ turned, focal * zoom)
            overlap = float(inside.mean())
            if overlap < 0.1:
                return _Fit(turned, zoom, overlap, -1.0, 1.0)
            a, b = image[inside], seen[inside]
            error = (b - b.mean()) * (a.std() + 1.0) / (b.std() + 1.0) - (a - a.mean())
            spread = 1.4826 * float(np.median(np.abs(error))) + _GRAIN
            weight = np.maximum(0.0, 1 - (error / (4.0 * spread)) ** 2) ** 2
            steep = descent[inside][:, :free]
            weighted = steep * weight[:, None]
            hessian = weighted.T @ steep + np.eye(free) * 1e-6 * float(np.sum(steep**2) + 1.0)
            step = np.linalg.solve(hessian, weighted.T @ error)
            # Inverse compositional: the step warps the reference, so its inverse is put first.
            turned = Rotation.from_rotvec(step[:3]).as_matrix() @ turned
            if zooms:
                zoom = float(np.clip(zoom * np.exp(-step[3]), 0.25, 4.0))
            if float(np.abs(step).max()) * focal < 0.01:
                break
        cost = _cost(error)
        # Things that move on their own say nothing about how well the camera was followed.
        a, b = a[weight > 0.2], b[weight > 0.2]
        known = a.size > 1 and a.std() > 0.5 and b.std() > 0.5
        alike = float(np.corrcoef(a, b)[0, 1]) if known else 1.0
    return _Fit(turned, zoom, overlap, alike, cost)


def _unmoved(reference: _Reference, levels: list[Array], turned: Array, zoom: float) -> _Fit:
    """Return how well a frame fits where the last one did: a still camera must not drift."""
    image, focal, rays, _ = reference.levels[0]
    seen, inside = _sample(levels[0], rays @ turned, focal * zoom)
    a, b = image[inside], seen[inside]
    if a.size < 2:
        return _Fit(turned, zoom, 0.0, -1.0, 1.0)
    error = (b - b.mean()) * (a.std() + 1.0) / (b.std() + 1.0) - (a - a.mean())
    known = a.std() > 0.5 and b.std() > 0.5
    alike = float(np.corrcoef(a, b)[0, 1]) if known else 1.0
    return _Fit(turned, zoom, float(inside.mean()), alike, _cost(error))


def _cost(error: Array) -> float:
    """Return how badly pixels fit, 0 to 1, each counted only so far (Geman–McClure)."""
    square = (error / (4 * _GRAIN)) ** 2
    return float(np.mean(square / (1 + square)))


class Camera:
    """Follows the camera through a clip, frame by frame.

    Parameters
    ----------
    focal_px
        Focal length at the size of the frames given to :meth:`add`, pixels.
    turns
        Whether its turn is to be worked out; otherwise cuts alone are.

    Examples
    --------
    >>> camera = Camera(focal_px=160.0)
    >>> flat = np.zeros((108, 192), np.uint8)
    >>> camera.add(flat).cut, camera.add(flat).cut
    (True, False)
    """

    def __init__(self, focal_px: float, *, turns: bool = True) -> None:
        self._focal_px, self._turns = focal_px, turns
        self._reference: _Reference | None = None
        self._reference_turned = np.eye(3)
        self._reference_zoom = 1.0
        self._since: tuple[Array, float] = (np.eye(3), 1.0)
        self._step: Array = np.eye(3)
        self._last: Array | None = None
        self._zooms, self._cost = False, 0.0

    def add(self, grey: NDArray[np.uint8]) -> View:
        """Take the next frame, uint8 ``(h, w)``, and return where the camera looks."""
        image = grey.astype(np.float64)
        if self._reference is None or self._last is None or self._last.shape != image.shape:
            return self._begin(image, -1.0)
        if not self._turns:
            return self._unturned(image)
        levels = _pyramid(image)
        turned, zoom = self._since
        # Two guesses: it turns on as it did, or it stands still.
        fits = [_align(self._reference, levels, turned @ self._step, zoom)]
        if fits[0].cost > max(0.05, 1.03 * self._cost):
            fits.append(_align(self._reference, levels, turned, zoom))
        fit = min(fits, key=lambda one: one.cost)
        # Things that come nearer look like a zoom where they fill much of the picture; a camera
        # that zooms explains far more of it.
        if fit.cost > _PLAIN_COST:
            # While it zooms already, what holds the zoom fast is no good place to begin.
            begin = (turned, zoom) if self._zooms else (fit.turned, fit.zoom)
            zoomed = _align(self._reference, levels, *begin, zooms=True)
            self._zooms = zoomed.cost < _ZOOM_GAIN * fit.cost
            if self._zooms:
                fit = zoomed
        still = _unmoved(self._reference, levels, turned, zoom)
        if still.cost <= fit.cost * 1.02 + 1e-4:
            fit = still
        if fit.alike < _CUT_CORRELATION and _far_apart(self._last, image):
            return self._begin(image, fit.alike)
        self._step, self._cost = turned.T @ fit.turned, fit.cost
        self._since = (fit.turned, fit.zoom)
        self._last = image
        view = View(
            self._reference_turned @ fit.turned, self._reference_zoom * fit.zoom, False, fit.alike
        )
        # Far from the reference, or changed too much: go on from here.
        if fit.overlap < _LEAST_OVERLAP or fit.cost > 0.3:
            self._anchor(image, view.turned, view.zoom)
        return view

    def _unturned(self, image: Array) -> View:
        before = self._last if self._last is not None else image
        known = before.std() > 0.5 and image.std() > 0.5
        alike = float(np.corrcoef(before.ravel(), image.ravel())[0, 1]) if known else 1.0
        if alike < _CUT_CORRELATION and _far_apart(before, image):
            return self._begin(image, alike)
        self._last = image
        return View(np.eye(3), 1.0, False, alike)

    def _begin(self, image: Array, alike: float) -> View:
        self._last, self._step = image, np.eye(3)
        self._anchor(image, np.eye(3), 1.0)
        return View(np.eye(3), 1.0, True, alike)

    def _anchor(self, image: Array, turned: Array, zoom: float) -> None:
        self._reference = _Reference(image, self._focal_px * zoom)
        self._reference_turned, self._reference_zoom = turned, zoom
        self._since = (np.eye(3), 1.0)
        self._cost = 0.0


def _far_apart(a: Array, b: Array) -> bool:
    """Return whether two frames differ as frames of different shots do: in their brightnesses."""
    bins = np.arange(0, 257, 16)
    first = np.histogram(a, bins)[0] / a.size
    second = np.histogram(b, bins)[0] / b.size
    blocks = [ndimage.zoom(frame, 8 / max(frame.shape), order=1) for frame in (a, b)]
    moved = float(np.abs(blocks[0] - blocks[1]).mean())
    return float(np.abs(first - second).sum()) > 0.25 or moved > 20.0
