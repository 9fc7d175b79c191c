"""What sounds in a scene: sources, their regions in the picture, and the diffuse bed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import SceneError
from earwitness.scene import frame

SourceKind = Literal["point", "area"]

FARTHEST_M = 1e6
LOUDEST_DB = 200.0
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")


def finite(name: str, value: Any, low: float, high: float) -> float:
    """Return ``value`` as a float after checking that it is a number from low to high.

    Raises
    ------
    SceneError
        If it is no number, not finite, or outside.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise SceneError(name, value, f"a number from {low:g} to {high:g}")
    number = float(value)
    if not math.isfinite(number) or not low <= number <= high:
        raise SceneError(name, value, f"a finite number from {low:g} to {high:g}")
    return number


def text(name: str, value: Any, longest: int = 500) -> str:
    """Return ``value`` after checking that it is non-empty printable text."""
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise SceneError(name, value, f"text of 1 to {longest} characters")
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise SceneError(name, value, "text without control characters")
    return value


def identifier(name: str, value: Any) -> str:
    """Return ``value`` after checking that it can name a file."""
    if not isinstance(value, str) or not _ID.match(value):
        raise SceneError(
            name, value, "1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        )
    return value


def stem_path(name: str, value: Any) -> str | None:
    """Return a stem's path after checking that it stays inside the scene's folder."""
    if value is None:
        return None
    parts = value.split("/") if isinstance(value, str) else []
    bad = (
        not parts
        or any(part in ("", ".", "..") for part in parts)
        or any(c in value for c in "\\:")
        or any(ord(c) < 32 for c in value)
        or len(value) > 200
    )
    if bad:
        raise SceneError(
            name, value, "null or a path inside the scene's folder, such as 'stems/dog-1.flac'"
        )
    return str(value)


def rows(name: str, value: Any, columns: int) -> tuple[tuple[float, ...], ...]:
    """Return a table of finite numbers as a tuple of tuples."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise SceneError(name, value, f"rows of {columns} numbers")
    table = []
    for i, row in enumerate(value):
        if not isinstance(row, Sequence) or isinstance(row, str) or len(row) != columns:
            raise SceneError(f"{name}[{i}]", row, f"{columns} numbers")
        table.append(tuple(finite(f"{name}[{i}][{j}]", v, -1e9, 1e9) for j, v in enumerate(row)))
    return tuple(table)


def _ascending(name: str, table: Sequence[tuple[float, ...]]) -> None:
    for i in range(1, len(table)):
        if table[i][0] <= table[i - 1][0]:
            raise SceneError(f"{name}[{i}][0]", table[i][0], f"a time after {table[i - 1][0]:g} s")


def gain_rows(value: Any) -> tuple[tuple[float, ...], ...]:
    """Return rows of t_s, factor after checking times and factors."""
    table = rows("gain", value, 2)
    _ascending("gain", table)
    for i, row in enumerate(table):
        finite(f"gain[{i}][1]", row[1], 0.0, 4.0)
    return table


@dataclass(frozen=True)
class Region:
    """Where in the picture a source was seen.

    Parameters
    ----------
    box_px
        x0, y0, x1, y1 in pixels of the upright picture, x to the right, y down, x0 < x1, y0 < y1.
    polygon_px
        The minimal enclosing polygon, rows of x, y; may be empty.
    score
        How sure the look is, 0 to 1.
    """

    box_px: tuple[float, float, float, float]
    polygon_px: tuple[tuple[float, ...], ...] = ()
    score: float = 1.0

    def __post_init__(self) -> None:
        box = rows("box_px", [self.box_px], 4)[0]
        if not (box[0] < box[2] and box[1] < box[3]):
            raise SceneError("box_px", self.box_px, "x0, y0, x1, y1 with x0 < x1 and y0 < y1")
        polygon = rows("polygon_px", self.polygon_px, 2)
        if 0 < len(polygon) < 3:
            raise SceneError("polygon_px", self.polygon_px, "no points, or three and more")
        object.__setattr__(self, "box_px", box)
        object.__setattr__(self, "polygon_px", polygon)
        object.__setattr__(self, "score", finite("score", self.score, 0.0, 1.0))


@dataclass(frozen=True)
class Credit:
    """Who made a recording that is used, and under which licence.

    Parameters
    ----------
    title, author, licence, url
        As the recording's owner gave them; ``url`` may be empty.
    """

    title: str
    author: str
    licence: str
    url: str = ""

    def __post_init__(self) -> None:
        for name in ("title", "author", "licence"):
            text(name, getattr(self, name))
        if self.url:
            text("url", self.url, 2000)


@dataclass(frozen=True)
class Source:
    """One thing that sounds, from somewhere.

    Parameters
    ----------
    id
        Unique in the scene; lower-case letters, digits, ``-`` and ``_``.
    name
        In words ("dog barking"); it is what the voice is asked for.
    concept
        Key of a concept in the vocabulary, or of a voice's own.
    kind
        ``point`` or ``area`` (sounds from all along ``spread_deg``).
    level_db
        Level of the source at 1 m, dB re 20 µPa (K-weighted, while it sounds). For an area it is
        the level that a point at the same place with the same power would have.
    positions
        Trajectory: rows of t_s, x_m, y_m, z_m in the scene's frame, times ascending. One row
        means that it stands still. Between rows the position is interpolated, before the first
        and after the last it is held.
    spread_deg
        Horizontal angle that the source covers, 0 to 360.
    region
        Where it was seen, or None.
    stem
        Path of its mono sound inside the scene's folder, or None before it is voiced.
    gain
        How strongly it sounds through time: rows of t_s, factor (0 silent, 1 as it is), times
        ascending, straight lines between; before the first and after the last row the factor is
        held. Empty: always 1. It is how things enter, leave and follow visible motion.
    credits
        Recordings used in the stem.

    Examples
    --------
    >>> dog = Source("dog-1", "dog barking", "dog", positions=((0, 4, 1, 0),), level_db=80)
    >>> round(dog.azimuth_deg, 1), round(dog.distance_m, 2)
    (14.0, 4.12)
    """

    id: str
    name: str
    concept: str
    kind: SourceKind = "point"
    level_db: float = 70.0
    positions: tuple[tuple[float, ...], ...] = ((0.0, 1.0, 0.0, 0.0),)
    spread_deg: float = 0.0
    region: Region | None = None
    stem: str | None = None
    gain: tuple[tuple[float, ...], ...] = ()
    credits: tuple[Credit, ...] = field(default=())

    def __post_init__(self) -> None:
        identifier("id", self.id)
        text("name", self.name)
        identifier("concept", self.concept)
        if self.kind not in ("point", "area"):
            raise SceneError("kind", self.kind, "'point' or 'area'")
        put = object.__setattr__
        put(self, "level_db", finite("level_db", self.level_db, -LOUDEST_DB, LOUDEST_DB))
        put(self, "spread_deg", finite("spread_deg", self.spread_deg, 0.0, 360.0))
        table = rows("positions", self.positions, 4)
        if not table:
            raise SceneError("positions", self.positions, "at least one row of t_s, x_m, y_m, z_m")
        _ascending("positions", table)
        for i, row in enumerate(table):
            if max(abs(v) for v in row[1:]) > FARTHEST_M:
                raise SceneError(
                    f"positions[{i}]", row, f"metres from -{FARTHEST_M:g} to {FARTHEST_M:g}"
                )
        put(self, "positions", table)
        put(self, "gain", gain_rows(self.gain))
        put(self, "stem", stem_path("stem", self.stem))
        put(self, "credits", tuple(self.credits))

    @property
    def trajectory(self) -> NDArray[np.float64]:
        """The positions as an array, shape ``(rows, 4)``: t_s, x_m, y_m, z_m."""
        return np.array(self.positions, dtype=np.float64)

    @property
    def moves(self) -> bool:
        """Whether the position changes."""
        return len({row[1:] for row in self.positions}) > 1

    @property
    def azimuth_deg(self) -> float:
        """Azimuth of the first position."""
        return float(frame.angles(self.positions[0][1:])[0])

    @property
    def elevation_deg(self) -> float:
        """Elevation of the first position."""
        return float(frame.angles(self.positions[0][1:])[1])

    @property
    def distance_m(self) -> float:
        """Distance of the first position from the scene's origin."""
        return float(frame.angles(self.positions[0][1:])[2])


@dataclass(frozen=True)
class Bed:
    """A diffuse sound that comes from everywhere, such as wind or a distant city.

    Parameters
    ----------
    id, name, concept, stem, gain, credits
        As in :class:`Source`.
    level_db
        Level at the listener, dB re 20 µPa.
    """

    id: str
    name: str
    concept: str
    level_db: float = 40.0
    stem: str | None = None
    gain: tuple[tuple[float, ...], ...] = ()
    credits: tuple[Credit, ...] = field(default=())

    def __post_init__(self) -> None:
        identifier("id", self.id)
        text("name", self.name)
        identifier("concept", self.concept)
        put = object.__setattr__
        put(self, "level_db", finite("level_db", self.level_db, -LOUDEST_DB, LOUDEST_DB))
        put(self, "gain", gain_rows(self.gain))
        put(self, "stem", stem_path("stem", self.stem))
        put(self, "credits", tuple(self.credits))
