"""What stands between a clip's frames and the parts that look: a flat picture, or the whole sphere.

A lens answers two questions about a frame: which things are seen where (many times a second, for
tracks), and what its surroundings sound like (seldom).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from earwitness.look.compose import compose
from earwitness.look.contract import Depth, Namer, Picture, Segmenter
from earwitness.look.eyes import COCO_CLASSES
from earwitness.look.geometry import Box, Pinhole, centre, focal_px, overlap
from earwitness.look.naming import settled
from earwitness.look.outlines import box_of
from earwitness.look.round import compose_round, things_round
from earwitness.look.tracks import Seen
from earwitness.look.wishes import Wished
from earwitness.scene import Scene


@dataclass(frozen=True)
class Parts:
    """Who looks, and for what.

    Parameters
    ----------
    segmenter, namer, depth
        As their Protocols say.
    fov_deg
        Horizontal angle of view, or None for 60° along the longer side.
    wishes, refused
        What the user asked for, and did not want; see :func:`~earwitness.look.compose.compose`.
    region
        ``box`` or ``polygon``.
    seed
        For what is wished for and not seen.
    """

    segmenter: Segmenter
    namer: Namer
    depth: Depth
    fov_deg: float | None = None
    wishes: Sequence[Wished] = ()
    refused: Sequence[str] = ()
    region: str = "box"
    seed: int = 0


class Lens(Protocol):
    """How the frames of a clip are looked at."""

    @property
    def parts(self) -> Parts:
        """Who looks."""
        ...

    @property
    def follows_camera(self) -> bool:
        """Whether the camera's turn is to be worked out from the frames."""
        ...

    @property
    def longest_px(self) -> int:
        """Longest side at which frames are looked at."""
        ...

    def things(self, picture: Picture, time_s: float, zoom: float) -> list[Seen]:
        """Return the things in a frame, directions as the camera sees them."""
        ...

    def still(self, picture: Picture) -> Scene:
        """Return the scene that a single frame shows."""
        ...

    def view_deg(self, width_px: int, height_px: int) -> float:
        """Return the horizontal angle that frames show."""
        ...


@dataclass(frozen=True)
class FlatLens:
    """Frames as a pinhole camera makes them."""

    parts: Parts
    follows_camera: bool = field(default=True, init=False)
    longest_px: int = field(default=1024, init=False)

    def things(self, picture: Picture, time_s: float, zoom: float) -> list[Seen]:
        """Return the things in a frame; see :class:`Lens`."""
        parts = self.parts
        focal = focal_px(picture.width_px, picture.height_px, fov_deg=parts.fov_deg) * zoom
        found = [one for one in parts.segmenter.segment(picture) if one.what == "thing"]
        names = list(parts.namer.name(picture, found))
        far = list(parts.depth.distance(picture, found, names, focal_px=focal))
        camera = Pinhole(picture.width_px, picture.height_px, focal)
        seen = []
        for i in settled(found, names):
            name, box = names[i], box_of(found[i].mask)
            sure = min(found[i].score, name.score)
            told = (name.concept or "", name.words)
            seen.append(_seen(time_s, camera, box, far[i].metres, told, sure))
        # What the detector sees and nobody gives a name to still tells where a thing has gone.
        for one, name, away in zip(found, names, far, strict=True):
            known = one.hint in COCO_CLASSES and one.score >= _FOLLOWED
            if name.concept is None and not name.words and known:
                box = box_of(one.mask)
                if all(overlap(box, other.box_px) < _SAME for other in seen):
                    seen.append(_seen(time_s, camera, box, away.metres, ("", one.hint), one.score))
        return seen

    def still(self, picture: Picture) -> Scene:
        """Return the scene of one frame; see :class:`Lens`."""
        parts = self.parts
        return compose(
            picture,
            segmenter=parts.segmenter,
            namer=parts.namer,
            depth=parts.depth,
            fov_deg=parts.fov_deg,
            wishes=parts.wishes,
            refused=parts.refused,
            region=parts.region,
            seed=parts.seed,
        )

    def view_deg(self, width_px: int, height_px: int) -> float:
        """Return the horizontal angle of view; see :class:`Lens`."""
        focal = focal_px(width_px, height_px, fov_deg=self.parts.fov_deg)
        return round(float(2 * np.degrees(np.arctan2(width_px / 2, focal))), 3)


@dataclass(frozen=True)
class RoundLens:
    """Frames that show the whole sphere, equirectangular.

    Spherical cameras are levelled and held by their own sensors, so no turn is looked for.
    """

    parts: Parts
    follows_camera: bool = field(default=False, init=False)
    longest_px: int = field(default=3072, init=False)

    def things(self, picture: Picture, time_s: float, zoom: float) -> list[Seen]:
        """Return the things all around; see :class:`Lens`."""
        parts = self.parts
        return things_round(picture, parts.segmenter, parts.namer, parts.depth, time_s=time_s)

    def still(self, picture: Picture) -> Scene:
        """Return the scene of one frame; see :class:`Lens`."""
        parts = self.parts
        return compose_round(
            picture,
            segmenter=parts.segmenter,
            namer=parts.namer,
            depth=parts.depth,
            wishes=parts.wishes,
            refused=parts.refused,
            region=parts.region,
            seed=parts.seed,
        )

    def view_deg(self, width_px: int, height_px: int) -> float:
        """Return 360°."""
        return 360.0


_SAME, _FOLLOWED = 0.5, 0.3
_EDGE = 0.015  # of a side: a box nearer than this to the frame's edge is taken as cut off


def _seen(
    time_s: float,
    camera: Pinhole,
    box: Box,
    distance_m: float,
    told: tuple[str, str],
    score: float,
) -> Seen:
    x, y = centre(box)
    azimuth, elevation = camera.angles(x, y)
    low, high = camera.angles([x, x], [box[3], box[1]])[1]
    return Seen(
        time_s,
        float(azimuth),
        float(elevation),
        camera.width_deg(box),
        float(high - low),
        distance_m,
        *told,
        score,
        box,
        _cut(box, camera),
    )


def _cut(box: Box, picture: Pinhole) -> str:
    """Return which sides of the frame a box touches; see :class:`~earwitness.look.tracks.Seen`."""
    across, down = _EDGE * picture.width_px, _EDGE * picture.height_px
    touched = {
        "l": box[0] <= across,
        "t": box[1] <= down,
        "r": box[2] >= picture.width_px - across,
        "b": box[3] >= picture.height_px - down,
    }
    return "".join(side for side, yes in touched.items() if yes)
