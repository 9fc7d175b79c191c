"""Make ``coast.npz`` from the npm package world-atlas (Natural Earth, public domain).

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python -m benchmarks.make_coast package/land-50m.json src/earwitness/atlas/maps/coast.npz

Lines are kept as differences of 1/180° east and 1/360° north, which fit 16 bits and compress well.
The edges at ±180° and at the pole, which close the polygons, are no coast and are left out.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def arcs(topology: dict[str, object]) -> list[NDArray[np.float64]]:
    """Return the arcs of a TopoJSON file as (n, 2) longitude and latitude."""
    transform = topology["transform"]
    scale, shift = np.array(transform["scale"]), np.array(transform["translate"])  # type: ignore[index]
    return [np.cumsum(np.array(a), axis=0) * scale + shift for a in topology["arcs"]]  # type: ignore[attr-defined]


def coast(lines: list[NDArray[np.float64]]) -> list[NDArray[np.int64]]:
    """Cut the edges that are no coast out of lines, in steps of 1/180° and 1/360°."""
    made = []
    for line in lines:
        lon, lat = line[:, 0], line[:, 1]
        at_edge = (np.abs(lon) > 179.99) | (lat < -89.9)
        false_edge = (at_edge[:-1] & at_edge[1:]) | (np.abs(np.diff(lon)) > 180)
        for part in np.split(line, np.flatnonzero(false_edge) + 1):
            steps = np.rint(part * (180, 360)).astype(np.int64)
            moved = np.r_[True, (np.diff(steps, axis=0) != 0).any(axis=1)]
            if moved.sum() >= 2:
                made.append(steps[moved])
    return made


def main() -> None:
    """Read one file, write the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    asked = parser.parse_args()
    lines = coast(arcs(json.loads(asked.source.read_text("utf-8"))))
    steps = np.concatenate([np.diff(line, axis=0, prepend=0) for line in lines])
    if np.abs(steps).max() > 32767:
        raise SystemExit("a step is too long for 16 bits")
    asked.target.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        asked.target,
        steps=steps.astype(np.int16),
        lengths=np.array([len(line) for line in lines], np.uint16),
    )
    print(f"{len(lines)} lines, {len(steps)} points, {asked.target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
