"""Measure the detectors on the things boxed in ``things.txt``.

python -m training.look.evaluate PHOTOS
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from training.look.train import load

import earwitness.look.eyes as eyes
from earwitness.look.eyes.boxes import overlap, within

THINGS = Path(__file__).with_name("things.txt")
ANIMALS = ["bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"]
THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)


@dataclass
class Boxed:
    """What was boxed on one picture: (classes allowed, box), and regions to pass over."""

    name: str
    things: list[tuple[list[str], np.ndarray]] = field(default_factory=list)
    ignored: list[np.ndarray] = field(default_factory=list)


def read_things(path: Path = THINGS) -> list[Boxed]:
    """Read the boxes, as fractions of the longer side."""
    found: list[Boxed] = []
    for line in path.read_text().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == ">":
            found.append(Boxed("/".join(words[1:])))
            continue
        box = np.array([float(w) for w in words[1:]]) / 1000
        if words[0] == "ignore":
            found[-1].ignored.append(box)
        else:
            names = [n.replace("_", " ") for n in words[0].split("|")]
            found[-1].things.append((ANIMALS if names == ["animal"] else names, box))
    return found


def marks(boxed: Boxed, found: tuple[eyes.Detection, ...], longer: int) -> list[tuple[float, bool]]:
    """Return (score, right) of each detection; right is IoU of at least a half, once a thing."""
    free = list(boxed.things)
    out = []
    for one in found:
        box = np.array(one.box_px) / longer
        iou = [overlap(box, b[None])[0] if one.label in names else 0.0 for names, b in free]
        if iou and max(iou) >= 0.5:
            del free[int(np.argmax(iou))]
            out.append((one.score, True))
        elif not any(within(box, region[None])[0] > 0.5 for region in boxed.ignored):
            out.append((one.score, False))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    photos = parser.parse_args().photos
    every: list[tuple[float, bool]] = []
    things, seconds, pictures = 0, 0.0, 0
    for boxed in read_things():
        if not (photos / boxed.name).exists():
            print(f"not there: {boxed.name}")
            continue
        pixels = load(photos / boxed.name)
        start = time.perf_counter()
        found = eyes.detect(pixels, threshold=0.1)
        seconds += time.perf_counter() - start
        every += marks(boxed, found, max(pixels.shape[:2]))
        things += len(boxed.things)
        pictures += 1
    print(f"{pictures} pictures, {things} things, {seconds / pictures:.3f} s a picture")
    print("threshold  precision  recall")
    for threshold in THRESHOLDS:
        right = [r for score, r in every if score >= threshold]
        print(f"{threshold:9.2f}  {np.mean(right):9.2f}  {sum(right) / things:6.2f}")


if __name__ == "__main__":
    main()
