"""Train the built-in model with one thing left out each time, all for the same steps; measure all.

    python training/atlas/ablations.py world runs/ablations --steps 200

Writes ``ablations.csv`` into the folder. Runs that are there are not made again.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch
from evaluate_builtin import measure
from lessons import Lessons, labels
from train_builtin import learn, parser
from worlddata import read

RUNS = {
    "whole": [],
    "metadata": ["--without", "metadata"],
    "image-captions": ["--without", "image-captions"],
    "codebook": ["--without", "codebook"],
    "with-pseudo-positives": ["--alpha", "0.1"],
    "lessons": ["--without", "lessons"],
}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--steps", type=int, default=200)
    given.add_argument("--split", default="test")
    asked = given.parse_args()
    torch.set_num_threads(1)
    rows = read(asked.world, "train")
    lessons, there = Lessons.open(asked.world), labels(rows)
    held = read(asked.world, asked.split)
    lines = []
    for name, options in RUNS.items():
        run = asked.out / name
        plan = ["--steps", str(asked.steps), "--threads", "1", *options]
        if not (run / "config.json").exists():
            learn(parser().parse_args([str(asked.world), str(run), *plan]), rows, lessons, there)
        figures = measure(run, held, "dev", oracle=False)
        line = {"run": name, "steps": asked.steps, "dev words of 30": figures["words"]}
        for known in ("image", "image + lat/lon", "image + lat/lon + month + hour"):
            if name != "metadata" or known == "image":
                part = figures[known]
                line |= {
                    f"{known}: R@10%": round(part["image→audio"]["R@10%"], 3),
                    f"{known}: mAP drawn": round(part["mAP drawn"], 3),
                    f"{known}: mAP may": round(part["mAP may"], 3),
                }
        lines.append(line)
        print(line, flush=True)
        with (asked.out / "ablations.csv").open("w", newline="") as opened:
            table = csv.DictWriter(opened, list(lines[0]))
            table.writeheader()
            table.writerows(lines)


if __name__ == "__main__":
    main()
