"""Pictures from above drawn by a program, for kinds that the real ones lack: rail, crops, snow.

A drawn band or field is laid over a real picture where there is one, so that its surroundings are
real. What the model learns from drawings is not measured on real pictures; the model card says so.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def _noise(rng: np.random.Generator, shape: tuple[int, int], grain_px: float) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.standard_normal(shape), grain_px)
    return field / max(float(field.std()), 1e-9)


def _coloured(base: np.ndarray, bright: np.ndarray) -> np.ndarray:
    return np.clip(base[None, None] * bright[..., None], 0, 255)


def _across(rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates across and along a line of random direction and bend, pixels."""
    y, x = np.mgrid[0:side, 0:side] - side / 2.0
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle) + rng.uniform(-0.25, 0.25) * side
    return across + rng.uniform(-0.6, 0.6) * along**2 / side, along


def rail(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lay one to six railway tracks over a picture; return it and where they lie."""
    side = len(ground)
    across_px, along_px = _across(rng, side)
    across, along = across_px * ground_m, along_px * ground_m
    tracks = int(rng.choice([1, 2, 2, 2, 3, 4, 6]))
    spacing, half = 4.2, 4.2 * (tracks - 1) / 2 + 2.6
    band = np.abs(across) < half + 0.3 * _noise(rng, (side, side), 2 / ground_m)
    ballast = np.array([1.06, 1.0, 0.92]) * rng.uniform(70, 135)
    bright = 1 + 0.10 * _noise(rng, (side, side), 0.5) + 0.06 * _noise(rng, (side, side), 6)
    out = _coloured(ballast, bright)
    for number in range(tracks):
        middle = (number - (tracks - 1) / 2) * spacing
        bed = np.abs(across - middle) < 1.3
        sleeper = bed & ((along % 1.2) < 0.5)
        out[sleeper] *= rng.uniform(0.75, 1.2)
        out[bed] *= rng.uniform(0.85, 1.0)
        for side_m in (-0.72, 0.72):
            line = np.exp(-(((across - middle - side_m) / max(0.12, ground_m * 0.45)) ** 2))
            out += (rng.uniform(0.15, 0.9) * 255 - out) * line[..., None] * rng.uniform(0.3, 0.7)
    return np.where(band[..., None], out, ground), np.abs(across) < half


def road(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a road with marks, cars and verges over a picture; return it and where it lies."""
    side = len(ground)
    across_px, along_px = _across(rng, side)
    across, along = across_px * ground_m, along_px * ground_m
    lanes = int(rng.choice([1, 2, 2, 2, 4, 6]))
    half = lanes * 1.75 + 0.5
    grey = np.array([1.0, 1.0, rng.uniform(0.95, 1.06)]) * rng.uniform(45, 190)
    bright = 1 + 0.03 * _noise(rng, (side, side), 0.6) + 0.05 * _noise(rng, (side, side), 12)
    out = _coloured(grey, bright)
    for number in range(1, lanes):
        mark = (np.abs(across - (number * 3.5 - half + 0.5)) < 0.15) & ((along % 9) < 4)
        out[mark] = out[mark] * 0.4 + 140
    for _ in range(int(rng.poisson(lanes * side * ground_m / 90))):
        lane = (rng.integers(lanes) + 0.5) * 3.5 - half + 0.5
        car = (np.abs(across - lane) < 0.9) & (np.abs(along - rng.uniform(-1, 1) * side / 2) < 2.2)
        out[car] = rng.uniform(20, 245, 3) * 0.4 + rng.uniform(20, 245) * 0.6
    return np.where((np.abs(across) < half)[..., None], out, ground), np.abs(across) < half


def crops(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw fields side by side, each with its rows; return them and where they lie (everywhere)."""
    side = len(ground)
    out = np.zeros((side, side, 3))
    kinds = [(70, 110, 50), (95, 125, 60), (150, 140, 80), (190, 170, 110), (120, 95, 70),
             (60, 95, 55), (140, 160, 80), (165, 135, 100)]  # fmt: skip
    y, x = np.mgrid[0:side, 0:side].astype(float)
    turn = rng.uniform(0, np.pi)
    across = x * np.cos(turn) + y * np.sin(turn)
    width = rng.uniform(60, 220) / ground_m if ground_m < 3 else rng.uniform(8, 40)
    number = np.floor((across + rng.uniform(0, width)) / width).astype(int)
    for field in np.unique(number):
        base = np.array(kinds[rng.integers(len(kinds))]) * rng.uniform(0.7, 1.15)
        angle = turn + rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.05)
        rows = x * np.cos(angle) + y * np.sin(angle)
        period = max(2.2, rng.uniform(0.8, 6.0) / ground_m)
        stripe = np.sin(2 * np.pi * rows / period) * rng.uniform(0.02, 0.14)
        wheel = (rows % max(6.0, rng.uniform(12, 30) / ground_m) < 1.2) * -0.12
        bright = 1 + (stripe + wheel) * (ground_m < 3)
        bright = bright + 0.03 * _noise(rng, (side, side), 0.6)
        bright = bright + 0.05 * _noise(rng, (side, side), 15)
        out[number == field] = _coloured(base, bright)[number == field]
    return out, np.ones((side, side), bool)


def snow(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw snow: white to blue, drifts, shadows, some tracks; return it and where it lies."""
    side = len(ground)
    del ground_m
    hill = _noise(rng, (side, side), rng.uniform(12, 60))
    slope = ndimage.sobel(hill, axis=int(rng.integers(2)))
    shade = np.tanh(slope / max(float(slope.std()), 1e-9) * rng.uniform(0.2, 1.2))
    white = np.array([0.97, 0.985, 1.0]) * rng.uniform(205, 250)
    blue = np.array([0.80, 0.90, 1.06]) * rng.uniform(130, 215)
    share = np.clip(0.75 + 0.5 * shade, 0, 1)[..., None]
    out = white * share + blue * (1 - share)
    out = out * (1 + 0.012 * _noise(rng, (side, side), 0.7))[..., None]
    return np.clip(out, 0, 255), np.ones((side, side), bool)


def sea(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw open water: dark, swell and glitter; return it and where it lies (everywhere)."""
    side = len(ground)
    base = np.array([(30, 60, 75), (45, 85, 85), (20, 40, 60), (70, 95, 85), (85, 90, 70),
                     (12, 38, 38), (10, 22, 25), (60, 75, 60), (110, 105, 85)])  # fmt: skip
    colour = base[rng.integers(len(base))] * rng.uniform(0.7, 1.4)
    y, x = np.mgrid[0:side, 0:side].astype(float)
    angle, length = rng.uniform(0, np.pi), max(3.0, rng.uniform(3, 25) / ground_m)
    bend = 4 * _noise(rng, (side, side), 20)
    swell = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle) + bend) / length)
    bright = (
        1 + rng.uniform(0, 0.08) * swell + rng.uniform(0.01, 0.06) * _noise(rng, (side, side), 0.8)
    )
    return _coloured(colour, bright), np.ones((side, side), bool)


def grass(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a lawn or meadow: green to straw, patchy, sometimes mown in stripes, some tufts."""
    side = len(ground)
    base = np.array([(70, 105, 45), (95, 125, 60), (120, 130, 75), (150, 145, 95), (60, 110, 50)])
    colour = base[rng.integers(len(base))] * rng.uniform(0.75, 1.3)
    bright = 1 + rng.uniform(0.02, 0.07) * _noise(rng, (side, side), 0.7)
    bright += rng.uniform(0.02, 0.08) * _noise(rng, (side, side), rng.uniform(6, 30))
    if rng.random() < 0.3:
        y, x = np.mgrid[0:side, 0:side].astype(float)
        angle, width = rng.uniform(0, np.pi), max(3.0, rng.uniform(2, 6) / ground_m)
        bright += 0.05 * np.sign(np.sin(np.pi * (x * np.cos(angle) + y * np.sin(angle)) / width))
    tint = 1 + 0.035 * _noise(rng, (side, side), 25)[..., None] * np.array([1.0, 0.1, -0.4])
    return np.clip(_coloured(colour, bright) * tint, 0, 255), np.ones((side, side), bool)


def bare(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw bare ground: sand, earth, rock or gravel, without edges, with ripples and stones."""
    side = len(ground)
    del ground_m
    base = np.array([(205, 185, 145), (170, 140, 105), (150, 145, 135), (140, 105, 80),
                     (225, 215, 195), (110, 100, 90)])  # fmt: skip
    colour = base[rng.integers(len(base))] * rng.uniform(0.8, 1.12)
    bright = 1 + rng.uniform(0.01, 0.06) * _noise(rng, (side, side), 0.6)
    bright += rng.uniform(0.02, 0.07) * _noise(rng, (side, side), rng.uniform(4, 40))
    stones = _noise(rng, (side, side), 0.8) > rng.uniform(2.3, 4.0)
    bright[stones] *= rng.uniform(0.6, 1.3)
    return _coloured(colour, bright), np.ones((side, side), bool)


def river(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lay a river or a pond with its banks over a picture; return it and where it lies."""
    side = len(ground)
    across_px, along_px = _across(rng, side)
    wavy = across_px + 12 * _noise(rng, (side, side), 45)
    if rng.random() < 0.35:
        reach = np.hypot(wavy, along_px * rng.uniform(0.5, 1.0))
        inside = reach - rng.uniform(12, 60) / ground_m
    else:
        inside = np.abs(wavy) - rng.uniform(4, 30) / ground_m
    water, _ = sea(rng, ground, ground_m)
    bank = np.clip(1 - np.abs(inside) / max(2.0, rng.uniform(1, 5) / ground_m), 0, 1)[..., None]
    tone = np.array([1.0, 1.0, 0.85]) * rng.uniform(30, 170)
    out = np.where((inside < 0)[..., None], water, ground)
    return out * (1 - 0.7 * bank) + tone * 0.7 * bank, inside < -1


def trees(
    rng: np.random.Generator, ground: np.ndarray, ground_m: float
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a wood over a picture: crowns lit from one side, their shadows on the other."""
    side = len(ground)
    out, light = ground * rng.uniform(0.3, 0.7), rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    crown = np.array([(70, 95, 45), (95, 110, 60), (55, 80, 50), (120, 120, 75), (80, 85, 60)])
    colour = crown[rng.integers(len(crown))] * rng.uniform(0.6, 1.3)
    shadow = np.array([(25, 35, 55), (15, 25, 15), (30, 35, 35)])[rng.integers(3)]
    size_m = rng.uniform(1.5, 5.5)
    spacing = size_m * rng.uniform(0.9, 1.7) / ground_m
    for _ in range(min(2500, int((side / spacing) ** 2))):
        cx, cy = rng.uniform(0, side, 2)
        radius = max(1.5, size_m * rng.uniform(0.6, 1.3) / ground_m)
        low_x, high_x = int(max(cx - 3 * radius, 0)), int(min(cx + 3 * radius, side)) + 1
        low_y, high_y = int(max(cy - 3 * radius, 0)), int(min(cy + 3 * radius, side)) + 1
        part = np.s_[low_y:high_y, low_x:high_x]
        dx, dy = (x[part] - cx) / radius, (y[part] - cy) / radius
        fall = np.hypot(dx + 0.9 * np.cos(light), dy + 0.9 * np.sin(light)) < 1
        out[part][fall] = out[part][fall] * 0.25 + shadow * 0.75
        inside = np.hypot(dx, dy) < 1 + 0.15 * np.sin(6 * np.arctan2(dy, dx) + cx)
        lit = 0.85 + 0.45 * (dx * np.cos(light) + dy * np.sin(light))
        leaf = colour * rng.uniform(0.8, 1.2)
        out[part][inside] = (leaf * np.clip(lit, 0.35, 1.5)[..., None])[inside]
    out = out * (1 + 0.08 * _noise(rng, (side, side), 0.7))[..., None]
    return np.clip(out, 0, 255), np.ones((side, side), bool)


DRAWINGS = {
    "trees": trees,
    "river": river,
    "rail": rail,
    "road": road,
    "crops": crops,
    "snow": snow,
    "water": sea,
    "grass": grass,
    "bare": bare,
}
