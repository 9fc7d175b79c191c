"""Train the probe that tells stuff apart, measure it by folds of pictures, and write its weights.

    python -m training.look.train PHOTOS            # folds, then stuff.npz
    python -m training.look.train PHOTOS --folds    # folds alone

PHOTOS is the folder that ``python -m training.look.photos PHOTOS`` filled.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import earwitness.look.eyes as eyes
from earwitness.look.eyes.stuff import describe

LABELS = Path(__file__).with_name("labels.txt")
WEIGHTS = Path(eyes.__file__).with_name("stuff.npz")
NAMES = (
    "sky", "water", "grass", "trees", "ground", "road",
    "building", "mountain", "snow", "sand", "thing", "indoor",
)  # fmt: skip
FOLDS = 8
SIDES = (512, 384)  # the size used, and a smaller one, so that texture's scale matters less
CELLS = 48  # the most cells taken from a box
STRENGTH = 5e-4  # inverse of the penalty on the weights; chosen by the folds


@dataclass(frozen=True)
class Box:
    """One hand-drawn box: class index, picture index, x0 y0 x1 y1 as fractions."""

    kind: int
    picture: int
    corners: tuple[float, float, float, float]


def read_labels(path: Path = LABELS) -> tuple[list[str], list[Box]]:
    """Return the pictures ("package path") and the boxes drawn on them."""
    pictures: list[str] = []
    boxes: list[Box] = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] == ">":
            pictures.append("/".join(words[1:]))
            continue
        x0, y0, x1, y1 = (float(w) / 100 for w in words[1:])
        if words[0] not in NAMES or not (0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1):
            raise ValueError(f"{path.name}:{number}: {line!r} is not a class and a box")
        boxes.append(Box(NAMES.index(words[0]), len(pictures) - 1, (x0, y0, x1, y1)))
    return pictures, boxes


def load(path: Path) -> np.ndarray:
    """Read a picture upright, at most 1600 pixels wide or high."""
    with Image.open(path) as file:
        picture = ImageOps.exif_transpose(file).convert("RGB")
    picture.thumbnail((1600, 1600))
    return np.asarray(picture)


def inside(box: Box, rows: int, columns: int, flip: bool) -> np.ndarray:
    """Return which cells have their centre in the box, at least one: bool (rows, columns)."""
    x0, y0, x1, y1 = box.corners
    if flip:
        x0, x1 = 1 - x1, 1 - x0
    y = (np.arange(rows) + 0.5) / rows
    x = (np.arange(columns) + 0.5) / columns
    down, across = (y >= y0) & (y <= y1), (x >= x0) & (x <= x1)
    # A thin box may fall between centres: take the nearest cell then.
    down[np.argmin(abs(y - (y0 + y1) / 2))] = True
    across[np.argmin(abs(x - (x0 + x1) / 2))] = True
    return down[:, None] & across[None, :]


def views(pixels: np.ndarray) -> list[tuple[np.ndarray, bool, int]]:
    """Return the picture, its mirror image, and a smaller copy: (pixels, mirrored, side)."""
    mirror = np.ascontiguousarray(pixels[:, ::-1])
    return [(pixels, False, SIDES[0]), (mirror, True, SIDES[0]), (pixels, False, SIDES[1])]


def gather(photos: Path, pictures: list[str], boxes: list[Box]) -> dict[str, np.ndarray]:
    """Describe the cells in every box: x (n, F), kind, box, first (of the unmirrored view)."""
    rng = np.random.default_rng(7)
    x, kind, number, first = [], [], [], []
    for p, name in enumerate(pictures):
        mine = [(i, b) for i, b in enumerate(boxes) if b.picture == p]
        for view, (pixels, flip, side) in enumerate(views(load(photos / name))):
            cells = describe(eyes.features(pixels, side=side), pixels)
            for i, box in mine:
                found = cells[:, inside(box, *cells.shape[1:], flip)].T
                if len(found) > CELLS:
                    found = found[rng.choice(len(found), CELLS, replace=False)]
                x.append(found)
                kind += [box.kind] * len(found)
                number += [i] * len(found)
                first += [view == 0] * len(found)
    return {
        "x": np.concatenate(x),
        "kind": np.array(kind),
        "box": np.array(number),
        "first": np.array(first),
    }


def fit(cells: dict[str, np.ndarray], use: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit the probe on some cells; every box counts the same, rare classes a little more."""
    kind, box = cells["kind"][use], cells["box"][use]
    per_box = np.bincount(box, minlength=cells["box"].max() + 1)
    weight = 1.0 / per_box[box]
    share = np.bincount(kind, weight, minlength=len(NAMES))
    weight = weight / np.sqrt(np.maximum(share, 1e-9))[kind]
    weight *= len(weight) / weight.sum()
    scaler = StandardScaler().fit(cells["x"][use])
    model = LogisticRegression(C=STRENGTH, max_iter=200, tol=1e-3)
    model.fit(scaler.transform(cells["x"][use]), kind, sample_weight=weight)
    full = np.zeros((len(NAMES), cells["x"].shape[1]))
    bias = np.full(len(NAMES), -20.0)
    full[model.classes_] = model.coef_ / scaler.scale_
    bias[model.classes_] = model.intercept_ - full[model.classes_] @ scaler.mean_
    return full.astype(np.float32), bias.astype(np.float32)


def folds(cells: dict[str, np.ndarray], boxes: list[Box], pictures: list[str]) -> np.ndarray:
    """Return the confusion of boxes (drawn, told), each told by a probe that never saw its picture.

    A box is told by the mean probability of its cells. Pictures fall into folds by their name.
    """
    fold = np.array([int(hashlib.sha256(p.encode()).hexdigest(), 16) % FOLDS for p in pictures])
    of_box = fold[[b.picture for b in boxes]]
    confusion = np.zeros((len(NAMES), len(NAMES)), int)
    for k in range(FOLDS):
        weight, bias = fit(cells, of_box[cells["box"]] != k)
        for i in np.flatnonzero(of_box == k):
            logits = cells["x"][(cells["box"] == i) & cells["first"]] @ weight.T + bias
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            mean = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
            confusion[boxes[i].kind, mean.argmax()] += 1
    return confusion


def report(confusion: np.ndarray) -> str:
    """Write the confusion as a table, right ones over all at the end of each row."""
    lines = ["drawn \\ told  " + " ".join(f"{n[:6]:>6}" for n in NAMES)]
    for name, row, right in zip(NAMES, confusion, confusion.diagonal()):
        cells = " ".join(f"{v or '.':>6}" for v in row)
        lines.append(f"{name:13}{cells}  {right}/{row.sum()}")
    lines.append(f"all: {confusion.trace()}/{confusion.sum()}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--folds", action="store_true", help="measure, do not write the weights")
    given = parser.parse_args()
    pictures, boxes = read_labels()
    cells = gather(given.photos, pictures, boxes)
    print(f"{len(pictures)} pictures, {len(boxes)} boxes, {len(cells['x'])} cells")
    print(report(folds(cells, boxes, pictures)))
    if not given.folds:
        weight, bias = fit(cells, np.ones(len(cells["x"]), bool))
        # Half precision is far finer than the labels are.
        np.savez_compressed(
            WEIGHTS, names=np.array(NAMES), weight=weight.astype(np.float16), bias=bias
        )
        print(f"wrote {WEIGHTS.name}, {WEIGHTS.stat().st_size} bytes")


if __name__ == "__main__":
    main()
