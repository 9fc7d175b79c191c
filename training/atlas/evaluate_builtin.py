"""Measure a run on held-out cells: retrieval, concepts, words never in a caption.

    python training/atlas/evaluate_builtin.py world runs/builtin/averaged.pt
    python training/atlas/evaluate_builtin.py world builtin --split val

Takes checkpoints that ``earwitness train`` left, or the model in the package.
Concepts are found without a classifier: a place's embedding against that of the concept's words
(its phrases in concepts.toml, averaged). Two kinds of label: what was *drawn* for the recording,
with its chance and its hour, and what *may* be heard at the place: by the rules it sounds there at
some month and hour. Beside each stands what an oracle reaches that knows the rules themselves.
Intervals are bootstraps over whole 10° cells.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

from earwitness.atlas.contract import Embedder
from earwitness.atlas.dataset import open_pairs
from earwitness.atlas.dataset.reading import Pair
from earwitness.atlas.embedders import load_embedder, unit
from earwitness.atlas.marble import crops
from earwitness.atlas.metrics import ranks
from earwitness.atlas.world.layers import Ground, ground
from earwitness.atlas.world.rules import PRESENT, at_best, likely, likely_whenever, mixture
from earwitness.atlas.world.table import soundings


class Rows:
    """A split of the world in columns."""

    def __init__(self, world: Path, split: str) -> None:
        held: list[Pair] = list(open_pairs(world, split=split))
        self.pixels = np.stack([p.pixels for p in held])
        self.mels = [p.mels[0] for p in held]
        self.captions = [p.audio_caption for p in held]
        self.lat = np.array([p.lat_deg for p in held], float)
        self.lon = np.array([p.lon_deg for p in held], float)
        self.month = np.array([p.when.month for p in held])
        self.hour = np.array([p.when.hour for p in held])
        self.drawn = np.array([[name in p.concepts for name in soundings()] for p in held])


KNOWN = {
    "image": (),
    "image + lat/lon": ("lat", "lon"),
    "image + lat/lon + month + hour": ("lat", "lon", "month", "hour"),
}


def images(embedder: Embedder, rows: Rows, known: tuple[str, ...]) -> np.ndarray:
    named = {"lat": "lat_deg", "lon": "lon_deg"}
    return embedder.images(
        rows.pixels, **{named.get(name, name): getattr(rows, name) for name in known}
    )


def retrieval(left: np.ndarray, right: np.ndarray, cells: np.ndarray) -> dict[str, float]:
    there = ranks(left, right)
    back = ranks(right, left)
    count = len(left)
    good = there < count / 10
    rng = np.random.default_rng(0)
    kinds = np.unique(cells)
    tries = [
        np.concatenate([np.flatnonzero(cells == c) for c in rng.choice(kinds, len(kinds))])
        for _ in range(200)
    ]
    low, high = np.percentile([good[t].mean() for t in tries], [2.5, 97.5])
    return {
        "N": count,
        "R@10%": good.mean(),
        "R@10% low": low,
        "R@10% high": high,
        "R@10": (there < 10).mean(),
        "median rank": float(np.median(there)),
        "R@10% back": (back < count / 10).mean(),
    }


def concept_map(scores: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    found = {}
    for number, name in enumerate(soundings()):
        label = labels[:, number]
        if label.sum() >= 5:
            found[name] = float(average_precision_score(label, scores[:, number]))
    return found


def oracles(rows: Rows, around: Ground) -> dict[str, float]:
    """Return the mean average precision of one who knows the rules, with and without the date."""
    drawn = rows.drawn
    dated = likely(mixture(around, rows.month, rows.hour))
    whenever = likely_whenever(around)
    return {
        name: float(np.mean(list(concept_map(held, drawn).values())))
        for name, held in (("place, month and hour", dated), ("place", whenever))
    }


PAIRS = {
    "test": Path(__file__).parents[2] / "tests/atlas/zero_shot.toml",
    "dev": Path(__file__).with_name("dev_pairs.toml"),
}


def zero_shot(embedder: Embedder, which: str) -> tuple[int, list[str]]:
    held = tomllib.loads(PAIRS[which].read_text("utf-8"))
    names, words = list(held["places"]), list(held["words"])
    kind = [held["places"][n][0] for n in names]
    lat = np.array([held["places"][n][1] for n in names], float)
    lon = np.array([held["places"][n][2] for n in names], float)
    image = embedder.images(crops(lat, lon), lat_deg=lat, lon_deg=lon)
    wrong = [
        f"{w} → {names[b]}"
        for w, b in zip(words, (embedder.texts(words) @ image.T).argmax(1), strict=True)
        if kind[b] not in held["words"][w]
    ]
    return len(words) - len(wrong), wrong


def measure(name: str, rows: Rows, pairs: str, *, oracle: bool = True) -> dict:
    embedder = load_embedder(name)
    cells = np.floor((rows.lat + 90) / 10) * 100 + np.floor((rows.lon + 180) / 10)
    sound, words = embedder.spectrograms(rows.mels), embedder.texts(rows.captions)
    phrases = np.stack(
        [
            unit(embedder.texts([*s.heard, *s.seen]).mean(0, keepdims=True))[0]
            for s in soundings().values()
        ]
    )
    around = ground(rows.lat, rows.lon)
    may = at_best(around) > PRESENT
    figures: dict = {"model": Path(name).name}
    for title, known in KNOWN.items():
        image = images(embedder, rows, known)
        by, might = (concept_map(image @ phrases.T, held) for held in (rows.drawn, may))
        figures[title] = {
            "image→audio": retrieval(image, sound, cells),
            "image→caption": retrieval(image, words, cells),
            "image→audio+caption": retrieval(image, unit(sound + words), cells),
            "mAP drawn": float(np.mean(list(by.values()))),
            "mAP may": float(np.mean(list(might.values()))),
            "AP drawn": by,
            "AP may": might,
        }
    figures["audio→caption"] = retrieval(sound, words, cells)
    figures["prevalence"] = {"drawn": float(rows.drawn.mean()), "may": float(may.mean())}
    if oracle:
        figures["oracle, mAP drawn"] = oracles(rows, around)
    figures["words"], figures["words wrong"] = zero_shot(embedder, pairs)
    return figures


def main() -> None:
    given = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    given.add_argument("world", type=Path)
    given.add_argument("models", nargs="+", help="checkpoints, or builtin")
    given.add_argument("--split", default="test")
    given.add_argument("--out", type=Path, help="a folder for the figures as JSON")
    asked = given.parse_args()
    rows = Rows(asked.world, asked.split)
    for name in asked.models:
        # Words are chosen by on val and told on test.
        figures = measure(name, rows, "test" if asked.split == "test" else "dev")
        if asked.out is not None:
            asked.out.mkdir(parents=True, exist_ok=True)
            path = asked.out / f"{Path(name).parent.name or name}-{asked.split}.json"
            path.write_text(json.dumps(figures, indent=2, default=float) + "\n")
        for title in KNOWN:
            held = figures[title]
            print(
                name,
                title,
                {k: round(float(v), 3) for k, v in held["image→audio"].items()},
                "mAP drawn, may",
                round(held["mAP drawn"], 3),
                round(held["mAP may"], 3),
            )
        print("  AP", {k: round(v, 2) for k, v in figures["image + lat/lon"]["AP may"].items()})
        print("  oracle", figures["oracle, mAP drawn"], figures["prevalence"])
        print("  words", figures["words"], figures["words wrong"], flush=True)


if __name__ == "__main__":
    main()
