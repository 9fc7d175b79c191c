"""The built-in segmenter: things that the detector finds, things it has no word for, and stuff."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earwitness.look.contract import Found, Picture
from earwitness.look.geometry import Box, area, inside, overlap
from earwitness.look.outlines import box_of
from earwitness.look.sight import Sight, grown, sight_of

MOST_THINGS = 40
LEAST_THING = 0.012  # of the picture: smaller parts that only the probe saw are its errors
LEAST_STUFF = 0.015
SOUNDING_STUFF = ("water", "trees", "building", "road", "grass", "sand", "snow", "mountain")
_SAME = 0.6  # intersection over union above which two boxes are one thing


class BuiltinSegmenter:
    """Regions from the built-in eyes.

    *Things* with a hint come from the detector, each cut out of its box; things without one are
    connected parts of what the probe calls "thing" and the detector did not find. *Stuff* is the
    connected parts of each kind, with its kind as hint.
    """

    def segment(self, picture: Picture) -> Sequence[Found]:
        """Return the regions, the largest first."""
        sight = sight_of(picture)
        things = _detected(sight, picture.height_px, picture.width_px)
        things += _undetected(sight, things, picture.height_px, picture.width_px)
        every = [found for found, _ in things] + _stuff(sight, picture.height_px, picture.width_px)
        return sorted(every, key=lambda found: -int(found.mask.sum()))


def rounded(box: Box, height: int, width: int) -> NDArray[np.bool_]:
    """Return a box with rounded corners as a mask: a superellipse that touches all four sides.

    Examples
    --------
    >>> rounded((1, 1, 4, 3), 4, 5).astype(int).tolist()
    [[0, 0, 0, 0, 0], [0, 1, 1, 1, 0], [0, 1, 1, 1, 0], [0, 0, 0, 0, 0]]
    """
    x0, y0 = int(np.clip(round(box[0]), 0, width - 1)), int(np.clip(round(box[1]), 0, height - 1))
    x1 = int(np.clip(round(box[2]), x0 + 1, width))
    y1 = int(np.clip(round(box[3]), y0 + 1, height))
    x = (np.arange(x0, x1) + 0.5 - (x0 + x1) / 2) / ((x1 - x0) / 2)
    y = (np.arange(y0, y1) + 0.5 - (y0 + y1) / 2) / ((y1 - y0) / 2)
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = x[None, :] ** 4 + y[:, None] ** 4 <= 1.0 + 1e-9
    if not mask.any():
        mask[y0:y1, x0:x1] = True
    return mask


def _detected(sight: Sight, height: int, width: int) -> list[tuple[Found, Box]]:
    kept: list[tuple[Found, Box]] = []
    thing = grown(sight.stuff.of("thing"), height, width)
    for one in sight.detections:
        if len(kept) == MOST_THINGS:
            break
        # A box that a surer one of any label covers is the same thing under another name, but
        # a rider and the bicycle share most of their box.
        limit = {True: _SAME, False: 0.75}
        if any(overlap(one.box_px, b) > limit[one.label == k.hint] for k, b in kept):
            continue
        mask = rounded(one.box_px, height, width)
        cut = mask & (thing > 0.3)
        # The detector's box is finer than the probe's grid: the cut is kept only where they agree.
        if cut.any() and overlap(box_of(cut), one.box_px) > 0.8:
            mask = cut
        kept.append((Found(mask, "thing", float(one.score), one.label), one.box_px))
    return kept


def _undetected(
    sight: Sight, known: list[tuple[Found, Box]], height: int, width: int
) -> list[tuple[Found, Box]]:
    likeliest = sight.stuff.probability.argmax(axis=0)
    thing = likeliest == sight.stuff.names.index("thing")
    found: list[tuple[Found, Box]] = []
    parts, count = ndimage.label(thing)
    sure = sight.stuff.of("thing")
    for part in range(1, count + 1):
        cells = parts == part
        if cells.mean() < LEAST_THING:
            continue
        mask = grown(np.where(cells, sure, 0).astype(np.float32), height, width) > 0.35
        if not mask.any():
            continue
        box = box_of(mask)
        if any(overlap(box, b) > _SAME and one.score >= 0.35 for one, b in known):
            continue
        held = sum(area(b) for one, b in known if one.score >= 0.4 and inside(b, box) > 0.7)
        if held > 0.6 * area(box):
            continue
        found.append((Found(mask, "thing", float(sure[cells].mean())), box))
    surest = max((one.score for one, _ in known), default=0.0)
    if not found and surest < 0.35 and sight.covered.get("thing", 0.0) < 0.02:
        # Nothing stands out: the picture as a whole may still be of one thing (a clock, a dam).
        whole: Box = (0.0, 0.0, float(width), float(height))
        central = rounded((0.06 * width, 0.06 * height, 0.94 * width, 0.94 * height), height, width)
        found.append((Found(central, "thing", 0.3, "whole"), whole))
    return found


def _stuff(sight: Sight, height: int, width: int) -> list[Found]:
    likeliest = sight.stuff.probability.argmax(axis=0)
    found: list[Found] = []
    for name in SOUNDING_STUFF:
        if name not in sight.stuff.names:
            continue
        mine = likeliest == sight.stuff.names.index(name)
        # One cell of something else (a post, a swan) does not part a lake.
        parts, count = ndimage.label(ndimage.binary_dilation(mine), np.ones((3, 3)))
        for part in range(1, count + 1):
            cells = mine & (parts == part)
            if cells.mean() < LEAST_STUFF:
                continue
            sure = sight.stuff.of(name)
            mask = grown(np.where(cells, sure, 0).astype(np.float32), height, width) > 0.3
            if mask.any():
                found.append(Found(mask, "stuff", float(sure[cells].mean()), name))
    return found
