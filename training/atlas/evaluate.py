"""What a listener in real pictures from above would be told is where, with misses.

    python -m training.atlas.evaluate FOLDER

For each picture the patch model is trained anew without it and its kin, so that it is told from
pictures that the model never saw; ``--shipped`` takes the weights as they are. Prints a Markdown
table of ``spots.txt``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from training.atlas.images import PICTURES
from training.atlas.train import NAMES, described_cells, fit, read_labels

from earwitness.atlas.cover import model
from earwitness.atlas.cover.model import COARSE_M, FINE_M
from earwitness.atlas.place.areas import Area
from earwitness.atlas.place.compose import stretches

SPOTS = Path(__file__).with_name("spots.txt")
WITHIN_DEG = 30.0
FAINTEST_DB = 25.0
"""Stretches so far below the loudest are not counted as found, nor as false."""


@dataclass(frozen=True)
class Truth:
    """Something near a listener: its kind, and bearing in degrees, or None all around."""

    kind: str
    bearing_deg: float | None


@dataclass
class Spot:
    """A listener in a picture: place in hundredths, radius in metres, what is near."""

    picture: str
    x: float
    y: float
    radius_m: float
    near: list[Truth] = field(default_factory=list)


def read_spots(path: Path = SPOTS) -> list[Spot]:
    """Return every listener of the file."""
    spots: list[Spot] = []
    picture = ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == ">":
            picture = words[1]
        elif words[0] == "at":
            spots.append(Spot(picture, *(float(word) for word in words[1:])))
        elif words[0] in NAMES and words[1:] == ["around"]:
            spots[-1].near.append(Truth(words[0], None))
        elif words[0] in NAMES and len(words) == 3:
            x, y = (float(word) for word in words[1:])
            width, height = size(picture)
            east, south = (x - spots[-1].x) * width, (y - spots[-1].y) * height
            spots[-1].near.append(
                Truth(words[0], float(np.degrees(np.arctan2(east, -south))) % 360)
            )
        else:
            raise ValueError(f"{path.name}:{number}: {line!r} is not understood")
    return spots


_FOLDER: list[Path] = []


def size(picture: str) -> tuple[int, int]:
    """Return width and height of a picture, pixels."""
    with Image.open(_FOLDER[0] / f"{picture}.png") as image:
        return image.size


def heard(spot: Spot) -> list[Area]:
    """Return the stretches around a listener, by the model as it now is."""
    held = PICTURES[spot.picture]
    image = Image.open(_FOLDER[0] / f"{spot.picture}.png").convert("RGB")
    ground = held.ground_m if held.ground_m >= COARSE_M else FINE_M
    scale = held.ground_m / ground
    image = image.resize((round(image.width * scale), round(image.height * scale)), 3)
    half = spot.radius_m / ground
    n = max(64, round(2 * half / 32) * 32)
    x, y = spot.x / 100 * image.width, spot.y / 100 * image.height
    box = (round(x - n / 2), round(y - n / 2), round(x - n / 2) + n, round(y - n / 2) + n)
    pixels = np.asarray(image.crop(box))
    inside = np.asarray(Image.new("L", image.size, 255).crop(box)) > 0
    seen = inside & ~(pixels == 0).all(axis=2)
    return stretches(model.cover(pixels, ground), seen)


def told(truth: Truth, found: list[Area]) -> str:
    """Return what was found of a truth, in words; empty where nothing was."""
    mine = [area for area in found if area.kind == truth.kind]
    if truth.bearing_deg is None:
        wide = sum(area.spread_deg for area in mine)
        return f"spread {min(wide, 360):.0f}°" if wide >= 180 else ""
    best, off = None, 360.0
    for area in mine:
        away = abs((area.bearing_deg - truth.bearing_deg + 180) % 360 - 180)
        # A wide stretch is where it is wide; its middle may be elsewhere.
        away = max(0.0, away - area.spread_deg / 2) if area.spread_deg < 360 else 0.0
        if away < off:
            best, off = area, away
    if best is None or off > WITHIN_DEG:
        return ""
    middle = abs((best.bearing_deg - truth.bearing_deg + 180) % 360 - 180)
    return f"{best.bearing_deg:.0f}° (middle {middle:.0f}° off), {best.distance_m:.0f} m"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shipped", action="store_true", help="use the weights as they are")
    parser.add_argument("--keep", type=Path, help="described patches that train.py kept")
    options = parser.parse_args()
    folder = options.folder
    _FOLDER.append(folder)
    labels, spots = read_labels(), read_spots()
    both = [] if options.shipped else described_cells(folder, labels, options.keep)
    print("| picture | near the listener | truly | found |\n|---|---|---|---|")
    right = total = false = 0
    for picture in dict.fromkeys(spot.picture for spot in spots):
        probes = []
        for held in both:
            kin = np.array([p.split("-")[0] == picture.split("-")[0] for p in held.picture])
            arrays = (np.concatenate(held.x), *map(np.array, (held.kind, held.label, held.picture)))
            probes.append(fit(*(array[~kin] for array in arrays)))
        if probes:
            model._probes = lambda probes=tuple(probes): (NAMES, probes)
        for spot in (spot for spot in spots if spot.picture == picture):
            found = heard(spot)
            loudest = max((area.gain_db for area in found), default=0.0)
            found = [area for area in found if area.gain_db > loudest - FAINTEST_DB]
            for truth in spot.near:
                words = told(truth, found)
                true = "all around" if truth.bearing_deg is None else f"{truth.bearing_deg:.0f}°"
                print(f"| {picture} | {truth.kind} | {true} | {words or '**missed**'} |")
                right += bool(words)
                total += 1
            there = {truth.kind for truth in spot.near}
            extra = sorted({area.kind for area in found} - there)
            false += len(extra)
            if extra:
                print(f"| {picture} | – | not listed | {', '.join(extra)} |", flush=True)
    print(f"\n{right} of {total} found; {false} kinds told that are not listed")


if __name__ == "__main__":
    main()
