"""Clips whose truth is known: a photographed thing flown along a path in space, over a photograph.

The thing is a card with a real cut-out on it that faces the camera; the world behind is a real
photograph, wide and infinitely far, so that the camera can pan over it. Everything is projected as
a pinhole camera does it; nothing of the look is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

Array = NDArray[np.float64]
EXAMPLES = Path(__file__).parents[1] / "examples"

DOG_M = 0.55
"""Height of the dog: that of the usual one, which is what a look at a single camera can go by."""

WORLD_DEG = 130.0
"""Horizontal angle that the photograph behind is stretched over."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What a clip shows.

    Parameters
    ----------
    times_s
        Of its frames, shape ``(n,)``.
    seen
        The thing as the camera sees it, listener frame (x front, y left, z up), metres,
        shape ``(n, 3)``.
    world
        The thing in the world, shape ``(n, 3)``; the camera is at the origin.
    yaw_deg
        Where the camera looks, anticlockwise, shape ``(n,)``.
    """

    times_s: Array
    seen: Array
    world: Array
    yaw_deg: Array

    @property
    def azimuth_deg(self) -> Array:
        """Azimuth as the camera sees it."""
        return np.degrees(np.arctan2(self.seen[:, 1], self.seen[:, 0]))

    @property
    def distance_m(self) -> Array:
        """Distance."""
        return np.linalg.norm(self.seen, axis=1)


def dog() -> Image.Image:
    """Return a dog's head out of ``examples/dogs.jpg``, RGBA, its edge feathered."""
    photo = Image.open(EXAMPLES / "dogs.jpg").convert("RGB")
    head = photo.crop((310, 350, 580, 670))
    mask = Image.new("L", head.size, 0)
    ImageDraw.Draw(mask).ellipse((8, 4, head.width - 8, head.height - 4), fill=255)
    head.putalpha(mask.filter(ImageFilter.GaussianBlur(5)))
    return head


def motorcycle() -> Image.Image:
    """Return scikit-image's motorcycle, RGBA, cut out along a polygon."""
    from skimage import data

    photo = Image.fromarray(data.stereo_motorcycle()[0]).convert("RGB")
    scale = photo.width / 500.0
    outline = [
        (62, 140), (95, 100), (130, 108), (190, 130), (235, 120), (300, 95), (325, 55), (350, 48),
        (395, 85), (395, 130), (440, 190), (462, 250), (450, 300), (420, 312), (375, 290),
        (340, 220), (310, 250), (240, 262), (225, 295), (215, 260), (150, 275), (100, 265),
        (78, 225), (82, 180),
    ]  # fmt: skip
    mask = Image.new("L", photo.size, 0)
    ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for x, y in outline], fill=255)
    photo.putalpha(mask.filter(ImageFilter.GaussianBlur(2)))
    box = mask.getbbox()
    assert box is not None
    return photo.crop(box)


def stream() -> Image.Image:
    """Return ``examples/stream.jpg``."""
    return Image.open(EXAMPLES / "stream.jpg").convert("RGB")


def _behind(world: NDArray[np.uint8], yaw_deg: float, focal: float, size: tuple[int, int]) -> Array:
    """Return what the camera sees of the world without the thing."""
    width, height = size
    v, u = np.mgrid[0:height, 0:width].astype(float) + 0.5
    azimuth = yaw_deg - np.degrees(np.arctan2(u - width / 2, focal))
    rise = (height / 2 - v) / np.hypot(focal, u - width / 2)
    per_deg = world.shape[1] / WORLD_DEG
    column = world.shape[1] / 2 - azimuth * per_deg
    row = world.shape[0] / 2 - rise * np.degrees(1.0) * per_deg
    return np.stack(
        [
            ndimage.map_coordinates(world[..., k], [row, column], order=1, mode="mirror")
            for k in range(3)
        ],
        axis=-1,
    )


def render_clip(
    out: Path,
    *,
    thing: Image.Image,
    world: Image.Image,
    where: Callable[[Array], Array],
    height_m: float,
    yaw_deg: Callable[[Array], Array] = lambda t: np.zeros_like(t),
    seconds: float = 6.0,
    fps: int = 25,
    size_px: tuple[int, int] = (640, 360),
    fov_deg: float = 60.0,
    noise: float = 2.0,
    seed: int = 0,
) -> Truth:
    """Write a clip and return what it shows.

    Parameters
    ----------
    out
        An ``.mp4`` file.
    thing
        RGBA cut-out.
    world
        The photograph behind.
    where
        Times ``(n,)`` → places of the thing in the world ``(n, 3)``, metres.
    height_m
        How tall the thing is.
    yaw_deg
        Times → where the camera looks.
    seconds, fps, size_px, fov_deg
        Of the clip.
    noise
        Standard deviation of the sensor's noise, grey levels.
    seed
        Of the noise.
    """
    times = np.arange(round(seconds * fps)) / fps
    places, yaws = where(times), yaw_deg(times)
    turn = np.radians(yaws)
    seen = np.stack(
        [
            places[:, 0] * np.cos(turn) + places[:, 1] * np.sin(turn),
            -places[:, 0] * np.sin(turn) + places[:, 1] * np.cos(turn),
            places[:, 2],
        ],
        axis=1,
    )
    width, height = size_px
    focal = width / 2 / np.tan(np.radians(fov_deg / 2))
    behind = np.asarray(world, np.uint8)
    rng = np.random.default_rng(seed)
    with av.open(str(out), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "18"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for number, ((x, y, z), yaw) in enumerate(zip(seen, yaws, strict=True)):
            image = Image.fromarray(
                np.clip(_behind(behind, float(yaw), focal, size_px), 0, 255).astype(np.uint8)
            )
            tall = focal * height_m / x
            card = thing.resize(
                (max(1, round(tall * thing.width / thing.height)), max(1, round(tall))),
                Image.Resampling.LANCZOS,
            )
            left = round(width / 2 - focal * y / x - card.width / 2)
            top = round(height / 2 - focal * z / x - card.height / 2)
            image.paste(card, (left, top), card)
            pixels = np.asarray(image, float) + rng.normal(0, noise, (height, width, 1))
            frame = av.VideoFrame.from_ndarray(
                np.clip(pixels, 0, 255).astype(np.uint8), format="rgb24"
            )
            frame.pts, frame.time_base = number, Fraction(1, fps)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return Truth(times, seen, places, yaws)


def crossing(t: Array) -> Array:
    """Return a path from the left to the right, first coming nearer."""
    x = 3.3 - 1.5 * t / 6.0
    return np.stack([x, x * np.tan(np.radians(20 - 44 * t / 6.0)), np.full_like(t, -0.06)], axis=1)


def receding(t: Array) -> Array:
    """Return a path that goes away from the right to the left."""
    x = 1.5 + 2.5 * t / 6.0
    return np.stack([x, x * np.tan(np.radians(-18 + 36 * t / 6.0)), -0.05 * x], axis=1)


def pan(t: Array) -> Array:
    """Return a camera that pans 24° to the left and eases in and out."""
    return np.asarray(-12 + 24 * (0.5 - 0.5 * np.cos(np.pi * t / t[-1])))
