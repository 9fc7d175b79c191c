"""Watching a clip: shots, what is seen in them and where it moves, in one pass over its frames.

Every frame is used for the camera's turn and for visible motion, at a small size; only some are
looked at with the eyes, as many each second as the budget allows: the first of a shot, then at
steady intervals, longer ones while nothing moves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness.look.activity import Motion
from earwitness.look.camera import SMALL_SIDE_PX, Camera, View
from earwitness.look.contract import Picture
from earwitness.look.geometry import Box, focal_px
from earwitness.look.growth import SIDE_PX, growth, paired
from earwitness.look.lens import Lens
from earwitness.look.tracks import Seen
from earwitness.media.clips import Frame
from earwitness.scene import Scene, frame

Array = NDArray[np.float64]

MOTION_PER_S = 25.0
"""Most frames a second that camera and motion are worked out for."""

STILL = 0.01
_KEY_AFTER_S = 0.4  # the first frames of a shot are often still blended with the last one's end
_KEY_EVERY_S = 10.0
_GROWTH_WITHIN_S = 1.5
_STILL_PX, _MOST_STILLS = 640, 32

# Camera axes (x right, y down, z ahead) to the listener frame (x front, y left, z up).
_TO_LISTENER = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(eq=False)
class Shot:
    """One shot of a clip.

    Parameters
    ----------
    start_s, end_s
        First and last frame's time.
    times_s, turns, zooms
        Of every frame used: when, the camera's rotation to the shot's first frame in the listener
        frame ``(3, 3)``, and its focal length relative to it.
    seen
        Of every frame looked at: when, and the things seen, in the shot's world.
    keys
        Times at which the shot's surroundings were looked at, and the scenes of those frames.
    look_px
        Width and height of the frames as they were looked at.
    motion
        What moved.
    """

    start_s: float
    end_s: float
    times_s: list[float] = field(default_factory=list)
    turns: list[Array] = field(default_factory=list)
    zooms: list[float] = field(default_factory=list)
    seen: list[tuple[float, list[Seen]]] = field(default_factory=list)
    keys: list[tuple[float, Scene]] = field(default_factory=list)
    look_px: tuple[int, int] = (1, 1)
    motion: Motion = field(default_factory=Motion)

    def turn_at(self, time_s: float) -> Array:
        """Return the camera's rotation at the frame nearest to a time."""
        if not self.turns:
            return np.eye(3)
        after = min(bisect_left(self.times_s, time_s), len(self.turns) - 1)
        before = max(0, after - 1)
        nearer = time_s - self.times_s[before] < self.times_s[after] - time_s
        return self.turns[before if nearer else after]

    @property
    def moved(self) -> bool:
        """Whether the camera turned by more than a degree."""
        return any(float(np.trace(turn)) < 2.9997 for turn in self.turns)


def to_camera(places: Array, turns: Sequence[Array]) -> Array:
    """Return places of a shot's world as the camera sees them, shape ``(n, 3)``.

    Parameters
    ----------
    places
        Shape ``(n, 3)``, listener frame of the shot's first frame.
    turns
        The camera's rotation at each, ``n`` of ``(3, 3)``.
    """
    seen: Array = np.einsum("nji,nj->ni", np.stack(turns), places)
    return seen


class Memory(Protocol):
    """Where what was seen is kept, so that work that was stopped goes on where it was."""

    def recall(self, time_s: float) -> list[Seen] | None:
        """Return what was seen at a time, or None if that frame was not looked at yet."""
        ...

    def keep(self, time_s: float, seen: Sequence[Seen]) -> None:
        """Keep what was seen at a time."""
        ...

    def recall_still(self, time_s: float) -> Scene | None:
        """Return the scene of the frame at a time, or None."""
        ...

    def keep_still(self, time_s: float, scene: Scene) -> None:
        """Keep the scene of the frame at a time."""
        ...


class Watcher:
    """Takes a clip's frames and tells its shots.

    Parameters
    ----------
    lens
        How frames are looked at.
    looks_per_s
        Most frames a second that are looked at.
    name
        The clip's name, for messages.
    memory
        Where what was seen is kept, or None.
    """

    def __init__(
        self,
        lens: Lens,
        *,
        looks_per_s: float = 3.0,
        name: str = "clip",
        memory: Memory | None = None,
    ) -> None:
        self._memory = memory
        self._lens, self._interval_s, self._name = lens, 1.0 / looks_per_s, name
        self._shot: Shot | None = None
        self._camera: Camera | None = None
        self._size = (0, 0)
        self._last_frame_s = -1.0
        self._next_look_s = 0.0
        self._looks = 0
        self._before: list[tuple[float, Array, list[Seen]]] = []
        self.stills: list[tuple[float, NDArray[np.uint8]]] = []
        """Times and small pictures of frames spread over the clip, for drawing."""
        self._still_every_s = 0.0

    @property
    def looks(self) -> int:
        """How many frames were looked at."""
        return self._looks

    def watch(self, frames: Iterable[Frame]) -> Iterator[Shot | float]:
        """Yield the time of each frame that was used, and each shot when it has ended."""
        for one in frames:
            if one.time_s - self._last_frame_s < 0.8 / MOTION_PER_S and self._last_frame_s >= 0:
                if self._shot is not None:
                    self._shot.end_s = one.time_s
                continue
            ended = self._take(one)
            if ended is not None:
                yield ended
            yield one.time_s
        if self._shot is not None:
            yield self._shot

    def _take(self, one: Frame) -> Shot | None:
        grey = one.grey(SMALL_SIDE_PX)
        height, width = grey.shape
        focal = focal_px(width, height, fov_deg=self._lens.parts.fov_deg)
        if self._camera is None or self._size != (width, height):
            follows = self._lens.follows_camera
            self._camera, self._size = Camera(focal, turns=follows), (width, height)
        view = self._camera.add(grey)
        ended = None
        if view.cut or self._shot is None:
            ended, self._shot = self._shot, Shot(one.time_s, one.time_s)
            self._before = []
            self._next_look_s = one.time_s
        self._last_frame_s = one.time_s
        shot = self._shot
        shot.end_s = one.time_s
        shot.times_s.append(one.time_s)
        shot.turns.append(_TO_LISTENER @ view.turned @ _TO_LISTENER.T)
        shot.zooms.append(view.zoom)
        shot.motion.add(one.time_s, grey, _homography(view, focal, width, height))
        if one.time_s >= self._next_look_s - 1e-6:
            self._look(one, shot)
        return ended

    def _look(self, one: Frame, shot: Shot) -> None:
        seen = self._memory.recall(one.time_s) if self._memory is not None else None
        picture: Picture | None = None
        if seen is None:
            picture = self._picture(one)
            self._looks += 1
            seen = self._lens.things(picture, one.time_s, shot.zooms[-1])
            seen = self._grown(one, seen)
            if self._memory is not None:
                self._memory.keep(one.time_s, seen)
        else:
            self._before = [*self._before[-1:], (one.time_s, _brightness(one), seen)]
        self._keep_still(one)
        shot.look_px = _looked_px(one, self._lens.longest_px)
        shot.seen.append((one.time_s, [_in_world(each, shot.turns[-1]) for each in seen]))
        settling = (
            len(shot.keys) == 1
            and shot.keys[0][0] - shot.start_s < _KEY_AFTER_S <= one.time_s - shot.start_s
        )
        if not shot.keys or settling:
            shot.keys = [(one.time_s, self._still(one, picture))]
        elif one.time_s - shot.keys[-1][0] >= _KEY_EVERY_S:
            shot.keys.append((one.time_s, self._still(one, picture)))
        # A shot's first frame says nothing of motion.
        still = shot.motion.latest < STILL and not shot.moved and len(shot.times_s) > 1
        self._next_look_s = one.time_s + self._interval_s * (2.0 if still else 1.0)

    def _grown(self, one: Frame, seen: list[Seen]) -> list[Seen]:
        """Return what is seen with how much it has grown since the last two looks."""
        grey = _brightness(one)
        scale = grey.shape[1] / _looked_px(one, self._lens.longest_px)[0]
        boxes = [_times(each.box_px, scale) for each in seen]
        grew: list[list[tuple[Box, float]]] = [[] for _ in seen]
        for time_s, earlier, its in self._before:
            if earlier.shape != grey.shape or one.time_s - time_s > _GROWTH_WITHIN_S:
                continue
            there = [_times(each.box_px, scale) for each in its]
            for i, j in paired(there, boxes):
                surer = its[i].score >= seen[j].score
                value = growth(earlier, there[i], grey, boxes[j], surer_before=surer)
                if value is not None:
                    value += _per_pixel(seen[j]) - _per_pixel(its[i])
                    grew[j].append((its[i].box_px, round(value, 5)))
        self._before = [*self._before[-1:], (one.time_s, grey, seen)]
        return [replace(each, grew=tuple(rows)) for each, rows in zip(seen, grew, strict=True)]

    def _picture(self, one: Frame) -> Picture:
        return Picture(one.rgb(self._lens.longest_px), None, self._name)

    def _still(self, one: Frame, picture: Picture | None) -> Scene:
        scene = self._memory.recall_still(one.time_s) if self._memory is not None else None
        if scene is None:
            scene = self._lens.still(picture if picture is not None else self._picture(one))
            if self._memory is not None:
                self._memory.keep_still(one.time_s, scene)
        return scene

    def _keep_still(self, one: Frame) -> None:
        """Keep a small picture now and then; ever more seldom, so that they stay few."""
        if self.stills and one.time_s - self.stills[-1][0] < self._still_every_s:
            return
        self.stills.append((one.time_s, one.rgb(_STILL_PX)))
        if len(self.stills) > _MOST_STILLS:
            self.stills = self.stills[::2]
            self._still_every_s = 2 * max(self._still_every_s, self.stills[1][0] / 2)


def _brightness(one: Frame) -> Array:
    return one.grey(SIDE_PX).astype(np.float64)


def _per_pixel(one: Seen) -> float:
    """Return the logarithm of the angle that a pixel shows where a thing is.

    It falls towards the edges and with the zoom; what grows in pixels only comes no nearer.
    """
    angle = 2 * np.tan(np.radians(max(one.height_deg, 0.05)) / 2)
    return float(np.log(angle / max(one.box_px[3] - one.box_px[1], 1e-6)))


def _times(box: Box, scale: float) -> Box:
    return (box[0] * scale, box[1] * scale, box[2] * scale, box[3] * scale)


def _looked_px(one: Frame, longest_px: int) -> tuple[int, int]:
    scale = min(1.0, longest_px / max(one.width_px, one.height_px))
    return max(1, round(one.width_px * scale)), max(1, round(one.height_px * scale))


def _in_world(one: Seen, turned: Array) -> Seen:
    """Return what the camera saw as it lies in the shot's world."""
    place = turned @ frame.xyz(one.azimuth_deg, one.elevation_deg, 1.0)
    azimuth, elevation, _ = frame.angles(place)
    return replace(one, azimuth_deg=float(azimuth), elevation_deg=float(elevation))


def _homography(view: View, focal: float, width: int, height: int) -> Array:
    """Return this frame's pixels → pixels of the shot's first frame."""
    middle = np.array([[1.0, 0, (width - 1) / 2], [0, 1.0, (height - 1) / 2], [0, 0, 1.0]])
    of_first = middle @ np.diag([focal, focal, 1.0])
    of_this = middle @ np.diag([focal * view.zoom, focal * view.zoom, 1.0])
    made: Array = of_first @ view.turned @ np.linalg.inv(of_this)
    return made
