"""Train the patch model, measure it by leaving each picture out in turn, and write its weights.

    python -m training.atlas.train FOLDER            # folds, then cover.npz
    python -m training.atlas.train FOLDER --folds    # folds alone

FOLDER is what ``python -m training.atlas.images FOLDER`` filled.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from training.atlas import scenes
from training.atlas.drawn import DRAWINGS
from training.atlas.images import PICTURES

import earwitness.atlas.cover as cover
from earwitness.atlas.cover.model import COARSE_M, FINE_M, PATCH_PX, Probe, describe

LABELS = Path(__file__).with_name("labels.txt")
WEIGHTS = Path(cover.__file__).with_name("cover.npz")
NAMES = ("water", "trees", "grass", "crops", "buildings", "road", "rail", "bare", "snow")
CELLS = 30  # the most patches taken from one label
SCENE_CELLS = 14  # the most patches of one kind taken from one drawn place
SCENE_SHARE = 0.5  # part of what is shown that comes from drawn places
HIDDEN, DROPOUT, DECAY, STEPS = 48, 0.3, 0.03, 600
INSIDE = 0.6  # part of a patch that a label has to cover
INSIDE_LINE = 0.38  # … for roads and rails, which are narrower than a patch
LINES = ("road", "rail")


@dataclass(frozen=True)
class Label:
    """One drawn shape: kind, picture, corners in hundredths."""

    kind: int
    picture: str
    corners: tuple[tuple[float, float], ...]


@dataclass(eq=False)
class Cells:
    """Described patches: features (n, F), and for each its kind, label, picture and weight set."""

    x: list[np.ndarray]
    kind: list[int]
    label: list[int]
    picture: list[str]
    first: list[bool]

    def add(self, rows: np.ndarray, kind: int, label: int, picture: str, first: bool) -> None:
        """Add the patches of one label."""
        self.x.append(rows)
        self.kind += [kind] * len(rows)
        self.label += [label] * len(rows)
        self.picture += [picture] * len(rows)
        self.first += [first] * len(rows)


def read_labels(path: Path = LABELS) -> list[Label]:
    """Return every shape of the file, checked."""
    found, picture = [], ""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == ">":
            picture = words[1]
            if picture not in PICTURES:
                raise ValueError(f"{path.name}:{number}: no picture is called {picture!r}")
            continue
        values = [float(word) for word in words[1:]]
        wrong = words[0] not in NAMES or len(values) < 4 or len(values) % 2
        if wrong or not all(0 <= value <= 100 for value in values):
            raise ValueError(f"{path.name}:{number}: {line!r} is not a kind and a shape")
        if len(values) == 4:
            x0, y0, x1, y1 = values
            corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        else:
            corners = tuple(zip(values[::2], values[1::2], strict=True))
        found.append(Label(NAMES.index(words[0]), picture, corners))
    return found


def mask(label: Label, width: int, height: int) -> np.ndarray:
    """Return where a label lies: bool (height, width)."""
    image = Image.new("1", (width, height))
    points = [(x / 100 * width, y / 100 * height) for x, y in label.corners]
    ImageDraw.Draw(image).polygon(points, fill=1)
    return np.asarray(image)


def patches(where: np.ndarray, rows: int, columns: int, kind: str) -> np.ndarray:
    """Return which patches a mask covers enough, at least the one it covers most."""
    share = np.asarray(
        Image.fromarray(where.astype(np.float32)).resize((columns, rows), Image.Resampling.BOX)
    )
    inside = INSIDE_LINE if kind in LINES else INSIDE
    return (share >= inside) | ((share == share.max()) & (share > 0.25))


def turned(pixels: np.ndarray, where: list[np.ndarray], view: int) -> tuple:
    """Return picture and masks turned by quarters, and mirrored from the fifth view on."""

    def turn(array: np.ndarray) -> np.ndarray:
        out = np.rot90(array, view % 4)
        return np.ascontiguousarray(out[:, ::-1] if view >= 4 else out)

    return turn(pixels), [turn(one) for one in where]


def shifted(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Return the picture in other light: brightness, contrast and colour changed a little."""
    values = pixels.astype(np.float32)
    grey = values.mean(axis=2, keepdims=True)
    values = grey + (values - grey) * rng.choice([0.0, 0.5, 0.8, 1.0, 1.3])
    gain = rng.uniform(0.75, 1.3) * rng.uniform(0.94, 1.06, 3)
    lift = rng.uniform(-12, 30)
    return np.clip((values - 128 * 0.2) * gain + 128 * 0.2 + lift, 0, 255).astype(np.uint8)


def scales(ground_m: float) -> list[float]:
    """Return the metres per pixel that a picture is looked at in."""
    if ground_m < COARSE_M:
        return [g for g in (FINE_M, 0.35, 0.8) if g >= ground_m * 0.6]
    return [ground_m, ground_m * 2]


def _gather_one(arguments: tuple) -> tuple[int, Cells]:
    folder, name, labels, numbers = arguments
    rng = np.random.default_rng(sum(name.encode()))
    held = PICTURES[name]
    cells = Cells([], [], [], [], [])
    original = Image.open(folder / f"{name}.png").convert("RGB")
    for s, ground in enumerate(scales(held.ground_m)):
        factor = held.ground_m / ground
        size = (max(64, round(original.width * factor)), max(64, round(original.height * factor)))
        small = np.asarray(original.resize(size, Image.Resampling.BICUBIC))
        where = [mask(label, *size) for label in labels]
        for view in (0, 5, 3) if s == 0 else (2,):
            pixels, masks = turned(small, where, view)
            if view or s:
                pixels = shifted(rng, pixels)
            described = describe(pixels)
            black = (pixels == 0).all(axis=2)
            for label, number, place in zip(labels, numbers, masks):
                inside = patches(place & ~black, *described.shape[1:], NAMES[label.kind])
                rows = described[:, inside].T
                if len(rows) > CELLS:
                    rows = rows[rng.choice(len(rows), CELLS, replace=False)]
                cells.add(rows, label.kind, number, name, view == 0 and s == 0)
    return int(held.ground_m >= COARSE_M), cells


def gather(folder: Path, labels: list[Label]) -> list[Cells]:
    """Describe the patches of every label, fine and coarse pictures apart."""
    both = [Cells([], [], [], [], []), Cells([], [], [], [], [])]
    for name in PICTURES:
        mine = [(i, label) for i, label in enumerate(labels) if label.picture == name]
        if not mine or not (folder / f"{name}.png").exists():
            continue
        print(f"describing {name}", flush=True)
        numbers, own = zip(*mine)
        coarse, cells = _gather_one((folder, name, own, numbers))
        for one in ("x", "kind", "label", "picture", "first"):
            getattr(both[coarse], one).extend(getattr(cells, one))
    return both


def draw(folder: Path, both: list[Cells], count: int, first_number: int) -> None:
    """Add drawn pictures to both sets."""
    rng = np.random.default_rng(11)
    number = first_number
    fine = [n for n in PICTURES if PICTURES[n].ground_m < COARSE_M and "quay" not in n]
    grounds = {}
    for name in fine:
        image = Image.open(folder / f"{name}.png").convert("RGB")
        scale = PICTURES[name].ground_m / FINE_M
        sized = image.resize((round(image.width * scale), round(image.height * scale)))
        grounds[name] = np.asarray(sized)
    for kind, drawing in DRAWINGS.items():
        for which in range(count * {"road": 3}.get(kind, 1)):
            coarse = kind in ("snow", "crops", "water", "grass", "bare") and which % 4 == 3
            ground_m = float(rng.choice([10.0, 30.0])) if coarse else float(rng.uniform(0.4, 0.7))
            base = grounds[fine[rng.integers(len(fine))]]
            side = 320
            reps = [-(-side // n) for n in base.shape[:2]]
            wide = np.tile(base, (*reps, 1))
            y, x = (
                rng.integers(0, wide.shape[0] - side + 1),
                rng.integers(0, wide.shape[1] - side + 1),
            )
            ground = wide[y : y + side, x : x + side].astype(np.float64)
            if rng.random() < 0.4:
                soil = DRAWINGS[str(rng.choice(["grass", "crops", "bare"]))]
                ground, _ = soil(rng, ground, ground_m)
            pixels, where = drawing(rng, ground, ground_m)
            pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
            pixels = shifted(rng, pixels)
            described = describe(pixels)
            rows = described[:, patches(where, *described.shape[1:], kind)].T
            if len(rows) > 12:
                rows = rows[rng.choice(len(rows), 12, replace=False)]
            both[int(coarse)].add(
                rows, NAMES.index("water" if kind == "river" else kind), number, "drawn", False
            )
            number += 1


def add_scenes(cells: Cells, count: int, first_number: int) -> None:
    """Add patches of drawn places, each patch of them a label of its own kind."""
    rng = np.random.default_rng(1)
    for which in range(count):
        if which == count // 2:
            rng = np.random.default_rng(2)
        pixels, told = scenes.scene(rng, float(rng.uniform(0.35, 0.8)))
        pixels = shifted(rng, pixels) if rng.random() < 0.5 else pixels
        described = describe(pixels)
        kind = scenes.patches(told, *described.shape[1:]).ravel()
        flat = described.reshape(len(described), -1)
        for number in range(len(NAMES)):
            mine = np.flatnonzero(kind == number)
            if len(mine) > SCENE_CELLS:
                mine = rng.choice(mine, SCENE_CELLS, replace=False)
            cells.add(flat[:, mine].T, number, first_number + which, "scene", False)


def weights_of(kind: np.ndarray, label: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return how often each patch is shown: labels alike, rare kinds more, scenes their share."""
    scene = picture == "scene"
    weight = np.where(scene, 1.0, 1.0 / np.maximum(np.bincount(label)[label], 1))
    weight = np.where(picture == "drawn", 0.25 * weight, weight)
    for part, whole in ((scene, SCENE_SHARE), (~scene, 1.0 - SCENE_SHARE)):
        if part.any():
            share = np.bincount(kind[part], weight[part], minlength=len(NAMES))
            weight[part] /= np.sqrt(np.maximum(share, 1e-9))[kind[part]]
            weight[part] *= whole / weight[part].sum()
    return weight / weight.sum()


def fit(x: np.ndarray, kind: np.ndarray, label: np.ndarray, picture: np.ndarray) -> Probe:
    """Fit the network; features are scaled, and the scale then goes into its weights."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    middle, spread = x.mean(axis=0), x.std(axis=0) + 1e-3
    inputs = torch.from_numpy(((x - middle) / spread).astype(np.float32)).clamp(-6, 6)
    kinds = torch.from_numpy(kind)
    shown = torch.from_numpy(weights_of(kind, label, picture))
    net = nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(x.shape[1], HIDDEN),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(HIDDEN, len(NAMES)),
    )
    steps = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(steps, 5e-3, STEPS)
    for _ in range(STEPS):
        batch = torch.multinomial(shown, 1024, replacement=True)
        loss = nn.functional.cross_entropy(net(inputs[batch]), kinds[batch], label_smoothing=0.03)
        steps.zero_grad()
        loss.backward()
        steps.step()
        rate.step()
    inward, outward = net[1], net[4]
    scaled = inward.weight.detach().numpy() / spread
    bias = inward.bias.detach().numpy() - scaled @ middle
    parts = (scaled, bias, outward.weight.detach().numpy(), outward.bias.detach().numpy())
    return Probe(*(part.astype(np.float32) for part in parts))


def folds(cells: dict[str, np.ndarray]) -> np.ndarray:
    """Tell each label of each picture by a probe that never saw the picture; return the counts."""
    counts = np.zeros((len(NAMES), len(NAMES)), int)
    for name in dict.fromkeys(cells["picture"]):
        if name in ("drawn", "scene"):
            continue
        out = cells["picture"] == name
        # Kin of the picture (the same flight) are left out with it.
        kin = np.array([p.split("-")[0] == name.split("-")[0] for p in cells["picture"]])
        probe = fit(*(cells[k][~kin] for k in ("x", "kind", "label", "picture")))
        test = out & cells["first"]
        logits = probe.logits(cells["x"][test].T).T
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        right = 0
        for label in np.unique(cells["label"][test]):
            mine = cells["label"][test] == label
            kind = int(cells["kind"][test][mine][0])
            told = int(odds[mine].mean(axis=0).argmax())
            counts[kind, told] += 1
            right += kind == told
        print(f"  {name:22s} {right} of {len(np.unique(cells['label'][test]))} shapes right")
    return counts


def table(counts: np.ndarray) -> str:
    """Return the confusion as a Markdown table."""
    lines = [f"| drawn \\ told | {' | '.join(NAMES)} | right |", "|---" * (len(NAMES) + 2) + "|"]
    for i, name in enumerate(NAMES):
        if counts[i].sum():
            row = " | ".join(str(v) if v else "" for v in counts[i])
            lines.append(f"| {name} | {row} | {counts[i, i]}/{counts[i].sum()} |")
    lines.append(f"\n{np.trace(counts)} of {counts.sum()} ({np.trace(counts) / counts.sum():.0%})")
    return "\n".join(lines)


def described_cells(
    folder: Path, labels: list[Label], kept: Path | None = None, drawn: int = 64, places: int = 1000
) -> list[Cells]:
    """Return every described patch, fine and coarse; kept ones are taken as they are."""
    if kept is not None and kept.exists():
        return [Cells(**held) for held in pickle.loads(kept.read_bytes())]
    both = gather(folder, labels)
    draw(folder, both, drawn, len(labels))
    last = max(max(cells.label) for cells in both)
    add_scenes(both[0], places, last + 1)
    if kept is not None:
        kept.write_bytes(pickle.dumps([vars(cells) for cells in both]))
    return both


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", action="store_true", help="measure, write nothing")
    parser.add_argument("--drawn", type=int, default=64, help="drawings of each kind")
    parser.add_argument("--scenes", type=int, default=1000, help="drawn places")
    parser.add_argument("--no-folds", action="store_true", help="do not measure")
    parser.add_argument("--keep", type=Path, help="keep the described patches here, or take them")
    options = parser.parse_args()
    labels = read_labels()
    both = described_cells(options.folder, labels, options.keep, options.drawn, options.scenes)
    probes = []
    for title, held in zip(("fine (0.25 to 1 m)", "coarse (5 to 150 m)"), both, strict=True):
        cells = {
            "x": np.concatenate(held.x),
            "kind": np.array(held.kind),
            "label": np.array(held.label),
            "picture": np.array(held.picture),
            "first": np.array(held.first),
        }
        print(f"\n{title}: {len(cells['x'])} patches")
        if not options.no_folds:
            print(table(folds(cells)), flush=True)
        if not options.folds:
            probes.append(fit(*(cells[k] for k in ("x", "kind", "label", "picture"))))
    if options.folds:
        return
    arrays = {
        f"{size}_{part}": getattr(probe, part).astype(np.float16 if "bias" not in part else "f4")
        for size, probe in zip(("fine", "coarse"), probes, strict=True)
        for part in ("inward", "inward_bias", "outward", "outward_bias")
    }
    np.savez_compressed(WEIGHTS, names=np.array(NAMES), **arrays)
    digest = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    print(f"\n{WEIGHTS.name}: {WEIGHTS.stat().st_size} bytes, sha256 {digest[:16]}")
    print(f"patches of {PATCH_PX} px; fine pictures at {FINE_M} m")


if __name__ == "__main__":
    main()
