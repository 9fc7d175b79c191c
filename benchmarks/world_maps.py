"""The ten world maps of docs/maps.md, and which of them leads where.

    python -m benchmarks.world_maps docs/images/maps

Each is asked at 1°; thunder in July, the others with the month left open. The second column printed
is the AUC over the forty named places of tests/atlas/named_places.csv.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
from pathlib import Path

import numpy as np

from earwitness.atlas.maps.asking import WORLD_QUERIES
from earwitness.atlas.maps.coast import coast_within
from earwitness.draw.atlas import Sheet, draw_leading, draw_maps
from earwitness.verbs.mapping import map_region

_PLACES = Path(__file__).parents[1] / "tests" / "atlas" / "test_named_places.py"


def main() -> None:
    """Map, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--embedder", default="builtin")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    spec = importlib.util.spec_from_file_location("named_places", _PLACES)
    assert spec is not None and spec.loader is not None
    named = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(named)
    areas = named.figures(asked.embedder)
    bands = []
    sheet = None
    for query in WORLD_QUERIES:
        made = map_region(
            "world",
            [query],
            step_deg=1.0,
            embedder=asked.embedder,
            date="July" if query == "thunder" else None,
        )
        sheet = Sheet(made.bounds, coast_within(made.bounds, 0.25), made.notes)
        bands.append(made.values[0])
        title = f"{query}, in July" if query == "thunder" else query
        name = re.sub(r"[^a-z]+", "-", query.lower()).strip("-")
        canvas = draw_maps(made.values, [title], sheet, width_px=800)
        canvas.image().save(asked.folder / f"{name}.jpg", quality=84, optimize=True)
        print(f"{areas[query]:.3f}  {title}  {name}.jpg")
    assert sheet is not None
    leading = np.argmax(np.stack(bands), axis=0).astype(np.int16)
    canvas = draw_leading(leading, WORLD_QUERIES, sheet, width_px=1000)
    canvas.image().save(asked.folder / "leading.jpg", quality=84, optimize=True)


if __name__ == "__main__":
    main()
