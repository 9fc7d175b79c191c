"""Whole places drawn by a program, each pixel with its kind: colours, widths and ways vary widely.

Real pictures teach what ground looks like; these teach what does not depend on it: that a wide
smooth band of another colour is water, a narrow one a road, and that an edge between two kinds is
neither. Nothing here is tuned to look like one place; some are flat colours, as on a map.
"""

from __future__ import annotations

import colorsys

import numpy as np
from scipy import ndimage
from training.atlas.drawn import _noise, rail, trees

NAMES = ("water", "trees", "grass", "crops", "buildings", "road", "rail", "bare", "snow")
NONE = 255


def _hsv(rng: np.random.Generator, hue: tuple, sat: tuple, value: tuple) -> np.ndarray:
    h, s, v = rng.uniform(*hue) / 360, rng.uniform(*sat), rng.uniform(*value)
    return np.array(colorsys.hsv_to_rgb(h % 1.0, s, v)) * 255


def _water(rng: np.random.Generator) -> np.ndarray:
    how = rng.random()
    if how < 0.55:
        return _hsv(rng, (175, 245), (0.2, 1.0), (0.2, 1.0))  # blue, as on maps and in the sun
    if how < 0.85:
        return _hsv(rng, (90, 230), (0.1, 0.7), (0.05, 0.45))  # dark and murky
    return _hsv(rng, (25, 70), (0.2, 0.5), (0.25, 0.55))  # brown


def _road(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.75:
        return np.array([1.0, 1.0, rng.uniform(0.94, 1.06)]) * rng.uniform(45, 215)
    return _hsv(rng, (20, 45), (0.1, 0.4), (0.45, 0.85))


def _roof(rng: np.random.Generator) -> np.ndarray:
    how = rng.random()
    if how < 0.45:
        return np.array([1.0, 1.0, rng.uniform(0.93, 1.07)]) * rng.uniform(60, 245)
    if how < 0.85:
        return _hsv(rng, (0, 30), (0.25, 0.75), (0.35, 0.9))
    return _hsv(rng, (0, 360), (0.1, 0.7), (0.3, 0.9))


_GROUND = {
    "grass": lambda rng: _hsv(rng, (65, 135), (0.25, 1.0), (0.3, 1.0)),
    "bare": lambda rng: _hsv(rng, (15, 50), (0.1, 0.5), (0.45, 0.95)),
    "crops": lambda rng: _hsv(rng, (30, 110), (0.25, 0.65), (0.35, 0.9)),
    "trees": lambda rng: _hsv(rng, (75, 150), (0.3, 0.8), (0.12, 0.45)),
    "snow": lambda rng: np.array([0.98, 0.99, 1.0]) * rng.uniform(215, 252),
}


def _textured(
    rng: np.random.Generator, colour: np.ndarray, side: int, rough: float, kind: str
) -> np.ndarray:
    """Return a field of a colour (side, side, 3) with the texture of its kind, or none."""
    fine, broad = {
        "water": (0.025, 0.02), "road": (0.03, 0.03), "grass": (0.06, 0.06), "bare": (0.05, 0.06),
        "crops": (0.04, 0.05), "trees": (0.22, 0.05), "snow": (0.012, 0.02),
    }.get(kind, (0.03, 0.03))  # fmt: skip
    grain = 1.6 if kind == "trees" else 0.7
    bright = np.ones((side, side))
    if rough > 0:
        bright += rough * fine * _noise(rng, (side, side), grain * rng.uniform(0.8, 1.8))
        bright += rough * broad * _noise(rng, (side, side), rng.uniform(6, 25))
    if kind == "crops":
        y, x = np.mgrid[0:side, 0:side].astype(float)
        turn = rng.uniform(0, np.pi)
        rows = x * np.cos(turn) + y * np.sin(turn)
        bright += rng.uniform(0.03, 0.15) * np.sin(2 * np.pi * rows / rng.uniform(2.5, 12))
    return np.clip(colour * bright[..., None], 0, 255)


def _way(rng: np.random.Generator, side: int, bend: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance across a line of random direction, place and bend, and along it, px."""
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    turn = rng.uniform(0, np.pi)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = -x * np.sin(turn) + y * np.cos(turn) + rng.uniform(-0.42, 0.42) * side
    return across + bend * rng.uniform(-0.5, 0.5) * along**2 / side, along


def scene(
    rng: np.random.Generator, ground_m: float, side: int = 320
) -> tuple[np.ndarray, np.ndarray]:
    """Return a drawn place: uint8 ``(side, side, 3)``, and each pixel's kind (255: not told)."""
    rough = 0.0 if rng.random() < 0.25 else rng.uniform(0.3, 1.6)
    bend = 0.0 if rng.random() < 0.4 else rng.uniform(0, 1)
    kind = str(
        rng.choice(["grass", "bare", "crops", "trees", "snow"], p=[0.5, 0.18, 0.12, 0.15, 0.05])
    )
    out = _textured(rng, _GROUND[kind](rng), side, rough, kind)
    told = np.full((side, side), NAMES.index(kind), np.uint8)

    def paint(where: np.ndarray, name: str, look: np.ndarray) -> None:
        out[where] = look[where]
        told[where] = NAMES.index(name)

    for _ in range(int(rng.integers(0, 3))):  # fields and woods of other kinds
        other = str(rng.choice(["grass", "bare", "crops", "trees", "trees"]))
        if rng.random() < 0.5:
            where = _noise(rng, (side, side), rng.uniform(15, 45)) > rng.uniform(0.5, 1.2)
        else:
            across, along = _way(rng, side, 0)
            width, length = rng.uniform(20, 80) / ground_m, rng.uniform(20, 80) / ground_m
            shift = rng.uniform(-0.3, 0.3) * side
            where = (np.abs(across) < width / 2) & (np.abs(along - shift) < length / 2)
        if other == "trees" and rough > 0 and rng.random() < 0.6:
            look, _ = trees(rng, out.copy(), ground_m)
        else:
            look = _textured(rng, _GROUND[other](rng), side, rough, other)
        paint(where, other, look)
    if rng.random() < 0.7:
        across, along = _way(rng, side, bend)
        if bend:
            across = across + 8 * bend * _noise(rng, (side, side), 35)
        shape = rng.random()
        if shape < 0.6:  # a river
            where = np.abs(across) < rng.uniform(5, 35) / ground_m
        elif shape < 0.85:  # a lake
            reach = np.hypot(across, (along - rng.uniform(-0.3, 0.3) * side) * rng.uniform(0.5, 1))
            where = reach < rng.uniform(10, 70) / ground_m
        else:  # a shore
            where = across > 0
        paint(where, "water", _textured(rng, _water(rng), side, rough, "water"))
        if rng.random() < 0.3:
            edge = where ^ ndimage.binary_dilation(where, iterations=int(rng.integers(1, 6)))
            out[edge] = _road(rng)
            told[edge] = NONE
    for _ in range(int(rng.integers(0, 3))):
        across, along = _way(rng, side, bend)
        half = rng.uniform(2.0, 9.0) / ground_m
        where = np.abs(across) < half
        look = _textured(rng, _road(rng), side, rough, "road")
        if rng.random() < 0.5:
            look[(np.abs(across) < 0.3 / ground_m) & (along * ground_m % 9 < 4)] = 225
        if rng.random() < 0.3:
            for _ in range(int(rng.integers(2, 15))):
                lane = rng.choice([-0.5, 0.5]) * half
                spot = rng.uniform(-0.6, 0.6) * side
                car = (np.abs(across - lane) < 1 / ground_m) & (
                    np.abs(along - spot) < 2.2 / ground_m
                )
                look[car] = rng.uniform(20, 245, 3)
        paint(where, "road", look)
    if rng.random() < 0.15:
        look, where = rail(rng, out.copy(), ground_m)
        out[:] = look
        told[where] = NAMES.index("rail")
    if rng.random() < 0.55:
        _houses(rng, out, told, ground_m, rough)
    if rng.random() < 0.3:
        out[:] = ndimage.gaussian_filter(out, (*[rng.uniform(0.3, 1.0)] * 2, 0))
    return np.clip(out, 0, 255).astype(np.uint8), told


def _houses(
    rng: np.random.Generator, out: np.ndarray, told: np.ndarray, ground_m: float, rough: float
) -> None:
    """Add houses on what is neither water nor road, with their shadows."""
    side = len(out)
    y, x = np.mgrid[0:side, 0:side].astype(float)
    turn, like = rng.uniform(0, np.pi), rng.random() < 0.5
    roof = _roof(rng)
    shade = rng.uniform(0.3, 0.8) if rng.random() < 0.7 else 1.0
    sun = rng.uniform(0, 2 * np.pi)
    largest = rng.choice([14.0, 20.0, 45.0])
    middle, reach = rng.uniform(0, side, 2), rng.uniform(0.2, 0.8) * side
    for _ in range(int(rng.integers(1, 40))):
        cx, cy = middle + rng.normal(0, reach, 2)
        wide, deep = rng.uniform(7, largest, 2) / ground_m
        angle = turn + (0 if like else rng.uniform(0, np.pi))
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = -(x - cx) * np.sin(angle) + (y - cy) * np.cos(angle)
        where = (np.abs(u) < wide / 2) & (np.abs(v) < deep / 2)
        if not where.any() or np.isin(told[where], (0, 5, 6)).any():
            continue
        far = rng.uniform(2, 6) / ground_m
        fall = ndimage.shift(where, (far * np.sin(sun), far * np.cos(sun)), order=0) & ~where
        out[fall] *= shade
        if not like:
            roof = _roof(rng)
        bright = 1 + rough * 0.03 * rng.standard_normal((side, side))
        halves = np.where(v > 0, 1.0, rng.uniform(0.75, 1.0)) * bright
        out[where] = np.clip(roof * halves[..., None], 0, 255)[where]
        told[where] = NAMES.index("buildings")


def patches(told: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the kind of each patch, -1 where none has enough of it; edges belong to the larger."""
    size_y, size_x = told.shape[0] // rows, told.shape[1] // columns
    cut = told[: rows * size_y, : columns * size_x].reshape(rows, size_y, columns, size_x)
    share = np.stack([(cut == number).mean(axis=(1, 3)) for number in range(len(NAMES))])
    kind = share.argmax(axis=0)
    most = share.max(axis=0)
    thin = np.isin(kind, (5, 6)) & (most >= 0.42)
    # A road on less of a patch than that is the ground it lies on.
    return np.where((most >= 0.55) | thin, kind, -1)
