"""Train the built-in model with one thing left out each time, by the official command; measure all.

    python training/atlas/ablations.py world runs/ablations --steps 200

Writes ``ablations.csv`` into the folder. Runs that are there are gone on with, or not made again.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

from evaluate_builtin import KNOWN, Rows, measure

RUNS = {
    "whole": [],
    "metadata": ["--without", "metadata"],
    "image-captions": ["--without", "image-captions"],
    "codebook": ["--without", "codebook"],
    "with-pseudo-positives": ["--pseudo-positives", "0.1"],
    "lessons": ["--without", "lessons"],
}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--steps", type=int, default=200)
    given.add_argument("--split", default="val")
    asked = given.parse_args()
    rows = Rows(asked.world, asked.split)
    lines = []
    for name, options in RUNS.items():
        run = asked.out / name
        command = ["train", "--data", str(asked.world), "--out", str(run), "--validate-every", "0"]
        subprocess.run(
            [sys.executable, "-m", "earwitness", *command, "--steps", str(asked.steps), *options],
            check=True,
        )
        figures = measure(str(run / "averaged.pt"), rows, "dev", oracle=False)
        line = {"run": name, "steps": asked.steps, "dev words of 30": figures["words"]}
        for known in KNOWN:
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
