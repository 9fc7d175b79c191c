"""The map as one HTML file that works from disk: it loads nothing and asks no network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.maps.coast import Line
from earwitness.media.output import beside

MOST_VALUES = 4_000_000
"""Values that a page carries; larger maps are made coarser, and the page says so."""

_STEPS = 65_534
_MISSING = 65_535


@dataclass(frozen=True)
class Band:
    """One band as the page shows it: its query, its hour, the ends of its colour bar."""

    query: str
    hour: float | None
    low: float
    high: float


def coarser(
    values: NDArray[np.float32], most: int = MOST_VALUES
) -> tuple[NDArray[np.float32], int]:
    """Return values (bands, rows, columns) averaged over blocks until there are few enough.

    Returns
    -------
    values, factor
        Cells along a block's side; 1 where nothing was done. A block without a value is NaN.
    """
    bands, rows, columns = values.shape
    factor = max(1, math.ceil(math.sqrt(values.size / most)))
    if factor == 1:
        return values, 1
    down, across = math.ceil(rows / factor), math.ceil(columns / factor)
    made = np.full((bands, down, across), np.nan, np.float32)
    starts = np.arange(0, columns, factor)
    for row in range(down):
        part = np.asarray(values[:, row * factor : (row + 1) * factor], np.float64)
        there = np.isfinite(part)
        total = np.add.reduceat(np.where(there, part, 0.0).sum(axis=1), starts, axis=1)
        count = np.add.reduceat(there.sum(axis=1), starts, axis=1)
        made[:, row] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return made, factor


def _packed(values: NDArray[np.generic]) -> str:
    return base64.b64encode(gzip.compress(values.tobytes(), 6, mtime=0)).decode("ascii")


def _quantised(values: NDArray[np.float32]) -> tuple[NDArray[np.uint16], float, float]:
    there = np.isfinite(values)
    least = float(values[there].min()) if there.any() else 0.0
    most = float(values[there].max()) if there.any() else 1.0
    most = most if most > least else least + 1e-6
    steps = np.rint((np.where(there, values, least) - least) / (most - least) * _STEPS)
    made = np.where(there, steps, _MISSING).astype("<u2")
    return made, least, most


def _lines(coast: Sequence[Line], bounds: tuple[float, float, float, float]) -> NDArray[np.int16]:
    west, south, east, north = bounds
    parts: list[NDArray[np.int16]] = []
    for line in coast:
        share = np.clip((line - (west, south)) / (east - west, north - south), -0.02, 1.02)
        steps = np.rint(share * 32_000).astype("<i2")
        for start in range(0, len(steps), 30_000):
            part = steps[start : start + 30_001]
            parts += [np.array([len(part)], "<i2"), part.ravel()]
    return np.concatenate(parts) if parts else np.zeros(0, "<i2")


def page(
    values: NDArray[np.float32],
    bands: Sequence[Band],
    bounds: tuple[float, float, float, float],
    *,
    title: str,
    coast: Sequence[Line],
    notes: Sequence[str],
    ramp: NDArray[np.uint8],
    kinds: Sequence[tuple[int, int, int]],
    unit: str = "cosine similarity",
    leading: bool = False,
) -> str:
    """Return the page.

    Parameters
    ----------
    values
        Shape ``(bands, rows, columns)``; NaN where there is no imagery.
    bands
        One for each band.
    bounds
        West, south, east, north, degrees.
    title
        Its heading.
    coast
        Lines (n, 2), degrees east and north.
    notes
        What stands below.
    ramp, kinds
        Colours of values, shape ``(256, 3)``, and one for each query.
    unit
        What the values are.
    leading
        Show first which query leads.

    Returns
    -------
    str
        HTML. Values are in steps of 1/65,534 of each band's range.
    """
    values, factor = coarser(values)
    rows, columns = values.shape[1:]
    quantised = [_quantised(band) for band in values]
    if factor > 1:
        notes = [*notes, f"Each cell here is the mean of {factor} × {factor} cells of the raster."]
    step = (bounds[3] - bounds[1]) / rows
    hours = list(dict.fromkeys(band.hour for band in bands))
    data: dict[str, Any] = {
        "rows": rows,
        "columns": columns,
        "bounds": bounds,
        "bands": [
            {
                "query": band.query,
                "hour": band.hour,
                "low": band.low,
                "high": band.high,
                "least": least,
                "most": most,
            }
            for band, (_, least, most) in zip(bands, quantised, strict=True)
        ],
        "hours": [clock(hour) for hour in hours],
        "values": _packed(np.concatenate([q.ravel() for q, _, _ in quantised])),
        "coast": _packed(_lines(coast, bounds)),
        "ramp": ramp.tolist(),
        "kinds": [list(kind) for kind in kinds],
        "digits": max(0, min(6, math.ceil(-math.log10(step)) + 1)),
        "unit": unit,
        "notes": list(notes),
        "leading": leading,
    }
    room = files("earwitness.atlas.maps")
    script = "\n" + (room / "page.js").read_text("utf-8").strip() + "\n"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    # "</script>" in a query must not end the data.
    held = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    made = (room / "page.html").read_text("utf-8")
    made = made.replace("@@HASH@@", digest).replace("\n@@SCRIPT@@\n", script)
    before, _, after = made.partition("@@DATA@@")
    return before.replace("@@TITLE@@", html.escape(title)) + held + after


def clock(hour: float | None) -> str:
    """Return an hour as people write it.

    Examples
    --------
    >>> clock(6), clock(17.5), clock(None)
    ('06:00', '17:30', '')
    """
    return "" if hour is None else f"{int(hour):02d}:{round(hour % 1 * 60):02d}"


def write_page(path: str | os.PathLike[str], made: str) -> None:
    """Write a page, whole or not at all."""
    with beside(Path(path)) as file:
        file.write_text(made, encoding="utf-8")
