"""Measure a run on held-out cells: retrieval, concepts, words never in a caption.

    python training/atlas/evaluate_builtin.py world runs/builtin

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
import torch
from scipy.special import ndtr
from sklearn.metrics import average_precision_score
from train_builtin import make_model
from worlddata import MEAN, SPREAD, Rows, read

from earwitness.atlas.builtin.words import word_states
from earwitness.atlas.marble import crops
from earwitness.atlas.metadata import encode_place
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.world.layers import Ground, ground
from earwitness.atlas.world.rules import PRESENT, at_best, mixture
from earwitness.atlas.world.table import soundings


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def ranks(scores: np.ndarray) -> np.ndarray:
    own = np.diagonal(scores)[:, None]
    return (scores > own).sum(1) + ((scores == own).sum(1) + 1) / 2


@torch.no_grad()
def embed(model, rows: Rows, parts: tuple[str, ...]) -> np.ndarray:
    made = []
    for first in range(0, len(rows.lat), 256):
        part = np.arange(first, min(first + 256, len(rows.lat)))
        held = rows.batch(part)
        made.append(
            model.embed_image(
                held.images, ground_m=held.ground_m, metadata=rows.metadata(part, parts)
            ).numpy()
        )
    return unit(np.concatenate(made))


@torch.no_grad()
def others(model, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    sound, words = [], []
    for first in range(0, len(rows.lat), 256):
        held = rows.batch(np.arange(first, min(first + 256, len(rows.lat))))
        sound.append(model.embed_audio(held.mel).numpy())
        words.append(model.embed_text(held.audio_words, held.audio_mask).numpy())
    return unit(np.concatenate(sound)), unit(np.concatenate(words))


@torch.no_grad()
def texts(model, words: list[str]) -> np.ndarray:
    states, mask = word_states(words)
    return unit(model.embed_text(torch.from_numpy(states), torch.from_numpy(mask)).numpy())


def retrieval(left: np.ndarray, right: np.ndarray, cells: np.ndarray) -> dict[str, float]:
    there = ranks(left @ right.T)
    back = ranks(right @ left.T)
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


def chance(weights: np.ndarray) -> np.ndarray:
    """Return how likely each concept is drawn (rules.heard), given what the rules say."""
    held = weights.astype(np.float64)
    likely = 0.9 * ndtr(np.log(np.maximum(held, 1e-9) / PRESENT) / 0.15)
    rows = np.arange(len(held))
    likely[rows, held.argmax(axis=1)] += np.prod(1 - likely, axis=1)  # the strongest stays
    return likely


def oracles(rows: Rows, around: Ground) -> dict[str, float]:
    """Return the mean average precision of one who knows the rules, with and without the date."""
    drawn = rows.weights > PRESENT
    dated = chance(mixture(around, rows.month, rows.hour))
    whenever = np.zeros_like(dated)
    count = len(rows.lat)
    for hour in range(24):  # as often as build._hours has it
        often = 0.3 / 24 + (0.7 / 14 if 6 <= hour < 20 else 0.0)
        for month in range(1, 13):
            now = mixture(around, np.full(count, month), np.full(count, hour))
            whenever += often / 12 * chance(now)
    return {
        name: float(np.mean(list(concept_map(held, drawn).values())))
        for name, held in (("place, month and hour", dated), ("place", whenever))
    }


PAIRS = {
    "test": Path(__file__).parents[2] / "tests/atlas/zero_shot.toml",
    "dev": Path(__file__).with_name("dev_pairs.toml"),
}


def zero_shot(model, which: str) -> tuple[int, list[str]]:
    held = tomllib.loads(PAIRS[which].read_text("utf-8"))
    names = list(held["places"])
    kind = [held["places"][n][0] for n in names]
    lat = np.array([held["places"][n][1] for n in names], float)
    lon = np.array([held["places"][n][2] for n in names], float)
    pixels = torch.from_numpy(
        ((crops(lat, lon).astype(np.float32) / 255 - MEAN) / SPREAD).transpose(0, 3, 1, 2).copy()
    )
    with torch.no_grad():
        image = unit(
            model.embed_image(
                pixels,
                ground_m=torch.ones(len(names)),
                metadata=Metadata(latlong=torch.from_numpy(encode_place(lat, lon))),
            ).numpy()
        )
    words = list(held["words"])
    scores = texts(model, words) @ image.T
    wrong = [
        f"{w} → {names[b]}"
        for w, b in zip(words, scores.argmax(1), strict=True)
        if kind[b] not in held["words"][w]
    ]
    return len(words) - len(wrong), wrong


def measure(run: Path, rows: Rows, pairs: str, *, oracle: bool = True) -> dict:
    told = json.loads((run / "config.json").read_text())
    model = make_model(told["without"], 0)
    model.load_state_dict(torch.load(run / "weights.pt", weights_only=True))
    model.eval()
    cells = np.floor((rows.lat + 90) / 10) * 100 + np.floor((rows.lon + 180) / 10)
    sound, words = others(model, rows)
    phrases = np.stack(
        [
            unit(texts(model, [*s.heard, *s.seen]).mean(0, keepdims=True))[0]
            for s in soundings().values()
        ]
    )
    figures: dict = {
        k: told.get(k)
        for k in ("without", "steps", "batch", "heard", "alpha", "processor minutes", "parameters")
    }
    around = ground(rows.lat, rows.lon)
    drawn, may = rows.weights > PRESENT, at_best(around) > PRESENT
    for name, parts in {
        "image": (),
        "image + lat/lon": ("latlong",),
        "image + lat/lon + month + hour": ("latlong", "month", "time"),
    }.items():
        image = embed(model, rows, parts)
        by, might = (concept_map(image @ phrases.T, held) for held in (drawn, may))
        figures[name] = {
            "image→audio": retrieval(image, sound, cells),
            "image→caption": retrieval(image, words, cells),
            "image→audio+caption": retrieval(image, unit(sound + words), cells),
            "mAP drawn": float(np.mean(list(by.values()))),
            "mAP may": float(np.mean(list(might.values()))),
            "AP drawn": by,
            "AP may": might,
        }
    figures["audio→caption"] = retrieval(sound, words, cells)
    figures["prevalence"] = {"drawn": float(drawn.mean()), "may": float(may.mean())}
    if oracle:
        figures["oracle, mAP drawn"] = oracles(rows, around)
    figures["words"], figures["words wrong"] = zero_shot(model, pairs)
    return figures


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("runs", type=Path, nargs="+")
    given.add_argument("--split", default="test")
    asked = given.parse_args()
    torch.set_num_threads(2)
    rows = read(asked.world, asked.split)
    for run in asked.runs:
        # Words are chosen by on val and told on test.
        figures = measure(run, rows, "test" if asked.split == "test" else "dev")
        (run / f"figures-{asked.split}.json").write_text(
            json.dumps(figures, indent=2, default=float) + "\n"
        )
        for name in ("image", "image + lat/lon", "image + lat/lon + month + hour"):
            held = figures[name]
            print(
                run.name,
                name,
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
