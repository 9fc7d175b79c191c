"""How far things are, in metres, without a depth network.

Three witnesses are heard for each region, each with an uncertainty: its known size, the ground it
stands on, and how far such things usually are. The weighted median of their logarithms decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.look.contract import Distance, Found, Name, Picture
from earwitness.look.eyes import Stuff
from earwitness.look.geometry import Box
from earwitness.look.labels import Kind
from earwitness.look.naming import kind_of
from earwitness.look.outlines import box_of
from earwitness.look.sight import sight_of
from earwitness.scene import concepts

CAMERA_M = 1.6
"""Height of the camera above the ground: at the eye of someone who stands."""

NEAREST_M, FARTHEST_M = 0.5, 5000.0
_FLAT = ("water", "road", "ground", "grass", "sand", "snow")
_GROUND_SEEN_M = 400.0  # farther ground is a line in the picture
_EDGE = 0.022  # of a side: a box nearer than this to the picture's edge is taken as cut off
_TREE_M = 9.0


@dataclass(frozen=True)
class Horizon:
    """Where the horizon lies.

    Parameters
    ----------
    row_px
        Its row in the picture (the camera is held upright).
    sigma_px
        Standard deviation of that.
    """

    row_px: float
    sigma_px: float


def horizon(stuff: Stuff, height_px: int) -> Horizon:
    """Return where the horizon lies, from where sky ends and flat ground begins.

    Sky is never seen below the horizon, water and roads never above it; what they leave open is
    settled by the middle of the picture.

    Parameters
    ----------
    stuff
        What covers the picture.
    height_px
        Height of the picture.
    """
    likeliest = stuff.probability.argmax(axis=0)
    rows = likeliest.shape[0]
    cell = height_px / rows

    def mask(*names: str) -> NDArray[np.bool_]:
        return np.isin(likeliest, [stuff.names.index(n) for n in names if n in stuff.names])

    low, high = 0.0, float(height_px)
    sky = mask("sky")
    if sky.mean() > 0.03:
        # The last row in which a tenth of the picture's width is sky.
        low = float((np.flatnonzero(sky.mean(axis=1) > 0.1)[-1:] + 1).sum()) * cell
    flat = mask("water", "road")
    if flat.mean() > 0.04:
        first = np.flatnonzero(flat.mean(axis=1) > 0.1)[:1]
        high = float(first[0]) * cell if first.size else high
    if low > high:  # sky mirrored in water, or a hill: believe neither
        low, high = 0.0, float(height_px)
    row = float(np.clip(height_px / 2, low, high))
    gap = high - low
    sigma = np.clip(0.35 * gap, 0.02 * height_px, 0.12 * height_px)
    return Horizon(row, float(sigma))


def weighted_median(estimates: Sequence[Distance]) -> Distance:
    """Return the weighted median of distances in the logarithm.

    Each weighs by the inverse square of its uncertainty's logarithm. The result's uncertainty is
    that of the weights together, widened where the witnesses disagree.

    Examples
    --------
    >>> weighted_median([Distance(4.0, 1.3), Distance(4.0, 2.0), Distance(50.0, 4.0)]).metres
    4.0
    """
    logs = np.log([one.metres for one in estimates])
    spread = np.maximum(np.log([one.factor for one in estimates]), 0.05)
    weights = 1 / spread**2
    order = np.argsort(logs, kind="stable")
    cumulative = np.cumsum(weights[order])
    middle = logs[order[int(np.searchsorted(cumulative, cumulative[-1] / 2))]]
    apart = float(np.sqrt(np.sum(weights * (logs - middle) ** 2) / np.sum(weights)))
    sigma = float(np.hypot(1 / np.sqrt(weights.sum()), 0.7 * apart))
    return Distance(float(np.exp(middle)), float(np.exp(np.clip(sigma, 0.1, 1.6))))


def by_size(box: Box, kind: Kind, *, focal_px: float, height_px: int, width_px: int) -> Distance:
    """Return the distance at which a thing of known size fills a box.

    A box that the picture's edge cuts shows a part only: the distance by its height is then the
    farthest that it can be, and lies with that by its width on either side of the truth.
    """
    tall, wide = box[3] - box[1], box[2] - box[0]
    cut_across = box[0] < _EDGE * width_px or box[2] > (1 - _EDGE) * width_px
    cut_down = box[1] < _EDGE * height_px or box[3] > (1 - _EDGE) * height_px
    from_height = focal_px * kind.height_m / max(tall, 1.0)
    from_length = focal_px * kind.length_m / max(wide, 1.0)
    if not cut_down:
        # Lying or curled up it is lower than it stands: then its length tells more.
        lies = kind.animal and tall < 0.6 * wide * kind.height_m / kind.length_m
        return Distance(from_length, 1.6) if lies else Distance(from_height, 1.35)
    # Height and width each show too little of it or, with arms stretched out, too much.
    between = float(np.sqrt(from_height * from_length))
    return Distance(min(from_height, between), 1.9 if cut_across else 1.7)


def by_ground(foot_px: float, line: Horizon, *, focal_px: float) -> Distance | None:
    """Return how far a foot on the ground is: d = f · camera height / (foot − horizon).

    Parameters
    ----------
    foot_px
        Row of the foot.
    line
        The horizon.
    focal_px
        Focal length in pixels.

    Returns
    -------
    Distance or None
        None where the foot is at or above the horizon.

    Examples
    --------
    >>> by_ground(660.0, Horizon(500.0, 5.0), focal_px=1000.0).metres
    10.0
    """
    below = foot_px - line.row_px
    if below < max(2.0, 0.5 * line.sigma_px):
        return None
    # The slope of the logarithm in the horizon's row, and the unknown height of the camera.
    sigma = float(np.hypot(line.sigma_px / below, 0.45))
    return Distance(focal_px * CAMERA_M / below, float(np.exp(min(sigma, 2.0))))


def _range(one: Distance) -> Distance:
    return Distance(float(np.clip(one.metres, NEAREST_M, FARTHEST_M)), one.factor)


class BuiltinDepth:
    """Distances from known sizes, the ground plane and stuff."""

    def distance(
        self,
        picture: Picture,
        found: Sequence[Found],
        names: Sequence[Name],
        *,
        focal_px: float,
    ) -> Sequence[Distance]:
        """Return how far each region is."""
        stuff = sight_of(picture).stuff
        line = horizon(stuff, picture.height_px)
        return [
            _of_stuff(one, name, line, focal_px)
            if one.what == "stuff"
            else _of_thing(one, name, line, focal_px)
            for one, name in zip(found, names)
        ]


def _of_thing(found: Found, name: Name, line: Horizon, focal_px: float) -> Distance:
    height, width = found.mask.shape
    box = box_of(found.mask)
    kind = kind_of(name)
    witnesses = [Distance(8.0, 5.0)]
    if kind is not None:
        witnesses.append(by_size(box, kind, focal_px=focal_px, height_px=height, width_px=width))
    else:
        concept = concepts().get(name.concept or "")
        size_m = concept.size_m if concept is not None else 0.0
        if size_m > 0:
            witnesses.append(Distance(focal_px * size_m / max(box[3] - box[1], 1.0), 2.0))
    if box[3] < (1 - _EDGE) * height:
        ground = by_ground(box[3], line, focal_px=focal_px)
        if ground is not None:
            witnesses.append(ground)
    return _range(weighted_median([_range(one) for one in witnesses]))


def _of_ground(mask: NDArray[np.bool_], line: Horizon, focal_px: float) -> Distance:
    """Return from how far, on the whole, a stretch of ground or water is heard.

    Each row of the picture shows a strip at one distance d. Its area grows as its angular width
    times d·Δd, its sound falls with d², so it counts as its width times Δd / d; the mean of the
    logarithm of d is taken. A brook that narrows into the distance is thus heard from near.
    """
    width = mask.sum(axis=1).astype(np.float64)
    below = np.arange(len(width)) + 0.5 - line.row_px
    seen = (width > 0) & (below * _GROUND_SEEN_M >= focal_px * CAMERA_M)
    if not seen.any():
        return Distance(150.0, 3.0)
    weight = width[seen] / below[seen]
    log = np.log(focal_px * CAMERA_M / below[seen])
    mean = float(np.average(log, weights=weight))
    spread = float(np.sqrt(np.average((log - mean) ** 2, weights=weight)))
    sigma = float(np.hypot(0.5 * spread, 0.45))
    return Distance(float(np.exp(mean)), float(np.exp(min(sigma, 1.5))))


def _of_stuff(found: Found, name: Name, line: Horizon, focal_px: float) -> Distance:
    height, width = found.mask.shape
    box = box_of(found.mask)
    near = by_ground(box[3], line, focal_px=focal_px)
    if found.hint in _FLAT:
        return _range(_of_ground(found.mask, line, focal_px))
    witnesses = [Distance(30.0, 4.0)]
    if found.hint == "trees":
        cut = box[1] < _EDGE * height or box[3] > (1 - _EDGE) * height
        witnesses.append(
            Distance(focal_px * _TREE_M / max(box[3] - box[1], 1.0), 3.0 if cut else 2.0)
        )
    kind = kind_of(name)
    if kind is not None:
        witnesses.append(by_size(box, kind, focal_px=focal_px, height_px=height, width_px=width))
    if near is not None and box[3] < (1 - _EDGE) * height:
        witnesses.append(near)
    return _range(weighted_median([_range(one) for one in witnesses]))
