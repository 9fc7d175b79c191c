"""Train a plain classifier on our sounds alone; let it name real recordings.

Run ``python -m benchmarks.real_recordings.run FOLDER TRUTH.csv``. The CSV has the columns ``file``
(relative to the folder) and ``concept``. Any recordings will do: nothing here was fitted to any.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.real_recordings.features import RATE_HZ, statistics, windows, worn
from earwitness.errors import EarwitnessError
from earwitness.scene import Credit, concepts
from earwitness.scene.concepts import FAMILIES
from earwitness.voice import recordings
from earwitness.voice.registry import models
from earwitness.voice.synthesiser import Part, part_sound

Features = NDArray[np.float64]


def trained_on(clips: int, wears: int) -> tuple[Features, list[str]]:
    """Return features of our sounds, every concept with controls of chance around the usual."""
    rows, names = [], []
    for number, (key, model) in enumerate(models().items()):
        rng = np.random.default_rng([7, number])
        for clip in range(clips):
            settings = {
                c.name: float(
                    c.default
                    + (0.6 if clip else 0.0)
                    * rng.triangular(-1, 0, 1)
                    * ((c.high - c.default) if rng.random() < 0.5 else (c.default - c.low))
                )
                for c in model.controls
            }
            part = Part(model, model.settings(settings))
            made = part_sound(part, 10 * RATE_HZ, RATE_HZ, clip, 0)
            for _ in range(wears):
                rows.append(statistics(worn(made, rng)))
                names.append(key)
    return np.array(rows), names


def named(folder: Path, truth: Path) -> tuple[list[tuple[str, str]], list[Features]]:
    """Return ``(file, concept)`` and the features of the windows of every recording."""
    known = models()
    pairs, found = [], []
    with truth.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["concept"] not in known:
                print(f"skipped, no model for its concept: {row}")
                continue
            recording = recordings.Recording(
                folder / row["file"], row["concept"], Credit("test", "unknown", "unknown")
            )
            try:
                samples = recordings.read(recording, RATE_HZ)
            except EarwitnessError as error:
                print(f"skipped: {error}")
                continue
            pairs.append((row["file"], row["concept"]))
            found.append(np.array([statistics(w) for w in windows(samples)]))
    return pairs, found


def report(name: str, chances: Features, classes: list[str], pairs: list[tuple[str, str]]) -> None:
    """Print accuracy per family: among all concepts, and the family itself."""
    known = concepts()
    sizes = Counter(known[c].family for c in classes)
    tally: dict[str, list[tuple[bool, bool, bool, bool]]] = defaultdict(list)
    family_of = np.array([known[c].family for c in classes])
    for row, (_, concept) in zip(chances, pairs, strict=True):
        order = [classes[i] for i in np.argsort(-row)]
        family = known[concept].family
        inside = [c for c in order if known[c].family == family]
        share = {f: row[family_of == f].sum() for f in FAMILIES}
        tally[family].append(
            (
                order[0] == concept,
                concept in order[:5],
                inside[0] == concept,
                max(share, key=lambda f: share[f]) == family,
            )
        )
    print(f"\n### {name}\n")
    print(
        "| family | recordings | right of all | in the first five | chance | right in its family "
        "| chance | family right |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    everything = [row for rows in tally.values() for row in rows]
    for family, rows in [*((f, tally[f]) for f in FAMILIES), ("all", everything)]:
        if not rows:
            continue
        a, b, c, d = (100 * np.mean(rows, axis=0)).tolist()
        inside_chance = (
            np.mean([100 / sizes[known[p[1]].family] for p in pairs])
            if family == "all"
            else 100 / sizes[family]  # type: ignore[index]
        )
        print(
            f"| {family} | {len(rows)} | {a:.1f} % | {b:.1f} % | {100 / len(classes):.1f} % "
            f"| {c:.1f} % | {inside_chance:.1f} % | {d:.1f} % |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--clips", type=int, default=10, help="of each concept")
    parser.add_argument("--wears", type=int, default=3, help="of each clip")
    parser.add_argument("--each", action="store_true", help="print what each was taken for")
    options = parser.parse_args()
    rows, names = trained_on(options.clips, options.wears)
    pairs, real = named(options.folder, options.truth)
    print(f"{len(set(names))} concepts, {len(rows)} training rows, {len(pairs)} recordings")
    counts = [len(r) for r in real]
    stacked = np.concatenate(real)
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.02, max_iter=300))
    forest = ExtraTreesClassifier(400, min_samples_leaf=2, random_state=0, n_jobs=1)
    for name, classifier in (("Logistic regression", linear), ("Forest", forest)):
        classifier.fit(rows, names)
        each = np.log(classifier.predict_proba(stacked) + 1e-4)
        cuts = np.cumsum(counts)[:-1]
        chances = np.array([part.mean(axis=0) for part in np.split(each, cuts)])
        chances = np.exp(chances - chances.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        classes = list(classifier.classes_)
        report(name, chances, classes, pairs)
        if options.each:
            print()
            for (file, concept), row in zip(pairs, chances, strict=True):
                taken = [classes[i] for i in np.argsort(-row)[:3]]
                print(f"{concept:18} {' '.join(taken):50} {file[-60:]}")


if __name__ == "__main__":
    main()
