"""Relative depth tied to metres: by known sizes, the ground plane and the sky.

A network for relative depth gives d = (1/z - b) / a: the inverse of depth z, up to a scale a and
an offset b that differ from picture to picture. Wherever a picture tells a depth by itself there is
an anchor (d, 1/z), and a line through the anchors gives a and b.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.look.contract import Found, Name, Picture
from earwitness.look.distance import CAMERA_M, FARTHEST_M, NEAREST_M, by_size, horizon
from earwitness.look.labels import Kind
from earwitness.look.naming import kind_of
from earwitness.look.outlines import box_of
from earwitness.look.sight import grown, sight_of
from earwitness.scene import concepts

Array = NDArray[np.float64]

_FLAT = ("water", "road", "ground", "grass", "sand", "snow")
_GROUND_ROWS = 24
_USUAL_M = 8.0
_FAR_M = 400.0
_ROUNDS = 12


@dataclass(frozen=True)
class Anchor:
    """Where depth is known.

    Parameters
    ----------
    mask
        bool ``(height, width)``: the pixels that it speaks of.
    inverse
        1/z there, 1/m.
    sigma
        Its standard deviation, 1/m.
    """

    mask: NDArray[np.bool_]
    inverse: float
    sigma: float


def anchors_of(
    picture: Picture, found: Sequence[Found], names: Sequence[Name], *, focal_px: float
) -> list[Anchor]:
    """Return what a picture tells of depth by itself.

    Parameters
    ----------
    picture, found, names
        What is seen.
    focal_px
        Focal length in pixels.

    Returns
    -------
    list of Anchor
        Things of known size, rows of flat ground below the horizon, and the sky, which is at no
        inverse depth.
    """
    sight = sight_of(picture)
    height, width = picture.height_px, picture.width_px
    anchors = []
    for one, name in zip(found, names, strict=True):
        if one.what == "thing":
            anchor = _of_size(one, name, focal_px, height, width)
            if anchor is not None:
                anchors.append(anchor)
    likeliest = np.stack([grown(sight.stuff.of(n), height, width) for n in sight.stuff.names])
    which = likeliest.argmax(axis=0)
    known = [sight.stuff.names.index(n) for n in _FLAT if n in sight.stuff.names]
    flat = np.isin(which, known)
    for one in found:
        if one.what == "thing":
            flat &= ~one.mask
    anchors += ground_anchors(flat, horizon(sight.stuff, height).row_px, focal_px)
    if "sky" in sight.stuff.names:
        sky = which == sight.stuff.names.index("sky")
        if sky.mean() > 0.02:
            anchors.append(Anchor(sky, 0.0, 1 / _FAR_M))
    return anchors


def _of_size(found: Found, name: Name, focal_px: float, height: int, width: int) -> Anchor | None:
    box = box_of(found.mask)
    kind: Kind | None = kind_of(name)
    if kind is not None:
        told = by_size(box, kind, focal_px=focal_px, height_px=height, width_px=width)
        metres, factor = told.metres, told.factor
    else:
        concept = concepts().get(name.concept or "")
        if concept is None or concept.size_m <= 0 or concept.kind != "point":
            return None
        metres, factor = focal_px * concept.size_m / max(box[3] - box[1], 1.0), 2.0
    metres = float(np.clip(metres, NEAREST_M, FARTHEST_M))
    return Anchor(found.mask, 1 / metres, float(np.log(factor)) / metres)


def ground_anchors(flat: NDArray[np.bool_], horizon_px: float, focal_px: float) -> list[Anchor]:
    """Return anchors from rows of flat ground: 1/z = (row - horizon) / (f · camera's height).

    Parameters
    ----------
    flat
        bool ``(height, width)``: where the ground is flat.
    horizon_px
        The horizon's row.
    focal_px
        Focal length in pixels.
    """
    height = flat.shape[0]
    first = int(np.ceil(horizon_px + 0.02 * height))
    anchors = []
    for edge in np.linspace(first, height, _GROUND_ROWS + 1)[:-1].astype(int):
        last = min(height, edge + max(1, (height - first) // _GROUND_ROWS))
        mask = np.zeros_like(flat)
        mask[edge:last] = flat[edge:last]
        if mask[edge:last].mean() < 0.08:
            continue
        rows = np.flatnonzero(mask.any(axis=1))
        below = float(rows.mean()) + 0.5 - horizon_px
        inverse = below / (focal_px * CAMERA_M)
        # The camera's height is a guess; together the rows count as a few anchors, not as many.
        anchors.append(Anchor(mask, inverse, inverse * 0.45 * (_GROUND_ROWS / 6) ** 0.5))
    return anchors


def tied(raw: NDArray[np.floating], anchors: Sequence[Anchor]) -> tuple[Array, float]:
    """Return depth in metres from inverse depth of unknown scale and offset.

    Parameters
    ----------
    raw
        Shape ``(height, width)``: more is nearer.
    anchors
        Where depth is known.

    Returns
    -------
    depth : ndarray of float64 ``(height, width)``
        Metres along the camera's axis.
    factor : float
        How sure, as a factor: from how well the anchors agree.
    """
    values = np.asarray(raw, np.float64)
    d = np.array([float(np.median(values[one.mask])) for one in anchors])
    inverse = np.array([one.inverse for one in anchors])
    sigma = np.array([max(one.sigma, 1e-5) for one in anchors])
    low, high = (float(v) for v in np.percentile(values, [1, 99]))
    span = max(high - low, 1e-9)
    # Weakly: the farthest that is seen is far, and the middle of the picture is at a usual depth.
    d = np.concatenate([d, [low, float(np.median(values))]])
    inverse = np.concatenate([inverse, [1 / _FAR_M, 1 / _USUAL_M]])
    sigma = np.concatenate([sigma, [0.5 / _USUAL_M, 1.6 / _USUAL_M]])
    scale, offset = _line((d - low) / span, inverse, sigma)
    fitted = scale * (values - low) / span + offset
    depth = 1 / np.clip(fitted, 1 / FARTHEST_M, 1 / NEAREST_M)
    told = scale * (d[:-2] - low) / span + offset
    sure = inverse[:-2] > 2 / _FAR_M
    if sure.sum() < 1:
        return depth, 2.5
    apart = np.log(np.maximum(told[sure], 1 / FARTHEST_M) / inverse[:-2][sure])
    weight = (inverse[:-2][sure] / sigma[:-2][sure]) ** 2
    spread = float(np.sqrt(np.average(np.minimum(apart**2, 1.0), weights=weight)))
    alone = 1 / np.sqrt(weight.sum())
    return depth, float(np.exp(np.clip(np.hypot(spread, alone), 0.15, 1.2)))


def _line(x: Array, y: Array, sigma: Array) -> tuple[float, float]:
    """Return slope (at least a little) and offset of a line, little moved by outliers.

    Weighted least squares, each round with the weights of Geman and McClure for what lies far.
    An anchor is uncertain by a factor: what says "far" where all others say "near" is as uncertain
    as they are, not as little as its own small inverse.
    """
    part = np.where(y > 0, sigma / np.maximum(y, 1e-9), 0.0)
    wide = np.maximum(sigma, part * float(np.median(y)))
    weight = 1 / wide**2
    slope, offset = 1 / _USUAL_M, 0.0
    for _ in range(_ROUNDS):
        total = weight.sum()
        mx, my = float(weight @ x / total), float(weight @ y / total)
        var = float(weight @ (x - mx) ** 2)
        slope = float(weight @ ((x - mx) * (y - my))) / var if var > 1e-12 else slope
        slope = max(slope, 1e-4)
        offset = my - slope * mx
        told = slope * x + offset
        wide = np.maximum(sigma, part * told)
        weight = 1 / wide**2 / (1 + ((y - told) / wide / 2) ** 2) ** 2
    return slope, offset
