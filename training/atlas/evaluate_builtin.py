"""Measure a run on held-out cells: retrieval, concepts, words never in a caption.

    python training/atlas/evaluate_builtin.py world runs/builtin

Concepts are found without a classifier: a place's embedding against that of the concept's words
(its phrases in concepts.toml, averaged). Intervals are bootstraps over whole 10° cells.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from train_builtin import make_model
from worlddata import MEAN, SPREAD, Rows, read

from earwitness.atlas.builtin.words import word_states
from earwitness.atlas.marble import crops
from earwitness.atlas.metadata import encode_place
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.world.rules import PRESENT
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


def concept_map(image: np.ndarray, phrases: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    found = {}
    for number, name in enumerate(soundings()):
        label = weights[:, number] > PRESENT
        if label.sum() >= 5:
            found[name] = float(average_precision_score(label, image @ phrases[number]))
    return found


def zero_shot(model, config_parts: tuple[str, ...]) -> tuple[int, list[str]]:
    held = tomllib.loads(
        (Path(__file__).parents[2] / "tests/atlas/zero_shot.toml").read_text("utf-8")
    )
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
        for w, b in zip(words, scores.argmax(1))
        if kind[b] not in held["words"][w]
    ]
    return len(words) - len(wrong), wrong


def measure(world: Path, run: Path, rows: Rows) -> dict:
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
        "without": told["without"],
        "minutes": told["minutes"],
        "parameters": told["parameters"],
    }
    for name, parts in {
        "image": (),
        "image + lat/lon": ("latlong",),
        "image + lat/lon + month + hour": ("latlong", "month", "time"),
    }.items():
        image = embed(model, rows, parts)
        by = concept_map(image, phrases, rows.weights)
        figures[name] = {
            "image→audio": retrieval(image, sound, cells),
            "image→caption": retrieval(image, words, cells),
            "image→audio+caption": retrieval(image, unit(sound + words), cells),
            "mAP": float(np.mean(list(by.values()))),
            "AP": by,
        }
    figures["audio→caption"] = retrieval(sound, words, cells)
    figures["prevalence"] = float((rows.weights > PRESENT).mean())
    figures["zero-shot"], figures["zero-shot wrong"] = zero_shot(model, model.config.parts)
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
        figures = measure(asked.world, run, rows)
        (run / f"figures-{asked.split}.json").write_text(
            json.dumps(figures, indent=2, default=float) + "\n"
        )
        for name in ("image", "image + lat/lon", "image + lat/lon + month + hour"):
            held = figures[name]
            print(
                run.name,
                name,
                {k: round(float(v), 3) for k, v in held["image→audio"].items()},
                "mAP",
                round(held["mAP"], 3),
            )
        print("  AP", {k: round(v, 2) for k, v in figures["image + lat/lon"]["AP"].items()})
        print("  zero-shot", figures["zero-shot"], figures["zero-shot wrong"], flush=True)


if __name__ == "__main__":
    main()
