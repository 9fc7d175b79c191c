"""What was seen of a clip, kept between runs: stopped work goes on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from earwitness.errors import SceneError
from earwitness.look.tracks import Seen
from earwitness.media.memory import LineStore
from earwitness.scene import Scene, from_json, to_json


class ClipMemory:
    """Remembers what was seen at each time of a clip; see :class:`~earwitness.look.shots.Memory`.

    Parameters
    ----------
    clip
        The clip.
    depends_on
        Whatever else the answers depend on: versions, options.
    """

    def __init__(self, clip: Path, depends_on: str) -> None:
        self._store = LineStore(clip, depends_on)
        self._store.prune()

    def recall(self, time_s: float) -> list[Seen] | None:
        """Return what was seen at a time, or None if that frame was not looked at yet."""
        rows = self._store.get("seen", time_s)
        if not isinstance(rows, list):
            return None
        try:
            return [_seen(row) for row in rows]
        except (TypeError, ValueError):
            return None

    def keep(self, time_s: float, seen: Sequence[Seen]) -> None:
        """Keep what was seen at a time."""
        self._store.put("seen", time_s, [list(astuple(one)) for one in seen])

    def recall_still(self, time_s: float) -> Scene | None:
        """Return the scene of the frame at a time, or None."""
        text = self._store.get("still", time_s)
        try:
            return from_json(text) if isinstance(text, str) else None
        except SceneError:
            return None

    def keep_still(self, time_s: float, scene: Scene) -> None:
        """Keep the scene of the frame at a time."""
        self._store.put("still", time_s, to_json(scene))


def _seen(row: Sequence[Any]) -> Seen:
    time_s, azimuth, elevation, width, height, distance = (float(value) for value in row[:6])
    concept, words, score, place, cut, grew = row[6:]
    return Seen(
        time_s, azimuth, elevation, width, height, distance,
        str(concept), str(words), float(score), _box(place), str(cut),
        tuple((_box(there), float(value)) for there, value in grew),
    )  # fmt: skip


def _box(row: Sequence[Any]) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in row)
    return x0, y0, x1, y1
