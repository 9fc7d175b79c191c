"""What `visit` hears at well-known places in the built-in imagery, against what one would expect.

    python -m benchmarks.coarse_places [--set tune|held] [--markdown]

``coarse_places.csv`` says for each place and time what belongs there (``right``: has to be heard),
what may be (``fine``), both told by a person; all else that is heard is wrong. The limits and the
penalties of ``atlas/place`` were set with the places ``tune`` in view; ``held`` were written before
and looked at afterwards alone.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from earwitness.atlas.embedders import load_embedder
from earwitness.atlas.place.coarse import chosen, place_scores
from earwitness.atlas.place.moment import moment
from earwitness.verbs.visiting import surroundings


@dataclass(frozen=True)
class Told:
    """What was heard at one place."""

    name: str
    when: str
    right: tuple[str, ...]
    missed: tuple[str, ...]
    fine: tuple[str, ...]
    wrong: tuple[str, ...]


def tell(which: str, embedder: str = "builtin") -> Iterator[Told]:
    """Yield what is heard at each place of a set."""
    model = load_embedder(embedder)
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["set"] == which]
    for row in rows:
        lat, lon = float(row["lat"]), float(row["lon"])
        at = moment(lat, row["date"], float(row["hour"]))
        heard = chosen(place_scores(model, lat, lon, at), surroundings(lat, lon, at))
        right, fine = row["right"].split(), row["fine"].split()
        yield Told(
            row["name"],
            at.words,
            tuple(name for name in heard if name in right),
            tuple(name for name in right if name not in heard),
            tuple(name for name in heard if name in fine),
            tuple(name for name in heard if name not in right and name not in fine),
        )


def main() -> None:
    """Print the table and its sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="tune", choices=["tune", "held"])
    parser.add_argument("--embedder", default="builtin")
    given = parser.parse_args()
    told = list(tell(given.set, given.embedder))
    print("| place | when | heard, as expected | heard, may be | heard, wrong | missed |")
    print("|---|---|---|---|---|---|")
    for one in told:
        cells = (one.right, one.fine, one.wrong, one.missed)
        print(f"| {one.name} | {one.when} | " + " | ".join(", ".join(c) for c in cells) + " |")
    right = sum(len(one.right) for one in told)
    missed = sum(len(one.missed) for one in told)
    wrong = sum(len(one.wrong) for one in told)
    heard = right + wrong + sum(len(one.fine) for one in told)
    clean = sum(not one.wrong and not one.missed for one in told)
    print(
        f"\n{right} of {right + missed} expected sounds heard; {wrong} of {heard} heard are wrong; "
    )
    print(f"{clean} of {len(told)} places without a fault")


if __name__ == "__main__":
    main()
