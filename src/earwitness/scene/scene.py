"""The scene: what sounds, from where, for how long, heard by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earwitness.errors import SceneError
from earwitness.scene.source import FARTHEST_M, Bed, Source, finite, rows

LONGEST_S = 24 * 3600.0
MOST_SOURCES = 512
LARGEST_SEED = 2**63 - 1


@dataclass(frozen=True)
class Listener:
    """Who hears the scene.

    Parameters
    ----------
    position_m
        Where the head is: x, y, z in the scene's frame.
    yaw_deg
        Where the nose points: degrees anticlockwise from the scene's front.
    """

    position_m: tuple[float, ...] = (0.0, 0.0, 0.0)
    yaw_deg: float = 0.0

    def __post_init__(self) -> None:
        position = rows("position_m", [self.position_m], 3)[0]
        if max(abs(v) for v in position) > FARTHEST_M:
            raise SceneError("position_m", self.position_m, f"metres up to {FARTHEST_M:g}")
        object.__setattr__(self, "position_m", position)
        object.__setattr__(self, "yaw_deg", finite("yaw_deg", self.yaw_deg, -3600.0, 3600.0))


@dataclass(frozen=True)
class Air:
    """The air that sound travels through, for its absorption (ISO 9613-1).

    Parameters
    ----------
    temperature_c
        In °C, −50 to 60.
    humidity_percent
        Relative humidity, 1 to 100.
    pressure_kpa
        Atmospheric pressure, 20 to 120.
    """

    temperature_c: float = 15.0
    humidity_percent: float = 60.0
    pressure_kpa: float = 101.325

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "temperature_c", finite("temperature_c", self.temperature_c, -50.0, 60.0))
        put(self, "humidity_percent", finite("humidity_percent", self.humidity_percent, 1.0, 100.0))
        put(self, "pressure_kpa", finite("pressure_kpa", self.pressure_kpa, 20.0, 120.0))


def _plain(name: str, value: Any, depth: int = 0) -> Any:
    """Return a copy of JSON-like data; refuse everything else."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return finite(name, value, -1e18, 1e18) if isinstance(value, float) else value
    if isinstance(value, str):
        if len(value) > 10000:
            raise SceneError(name, value, "text of at most 10000 characters")
        return value
    if depth < 4 and isinstance(value, list | tuple):
        return tuple(_plain(f"{name}[{i}]", v, depth + 1) for i, v in enumerate(value))
    if depth < 4 and isinstance(value, Mapping):
        return {str(k): _plain(f"{name}.{k}", v, depth + 1) for k, v in value.items()}
    raise SceneError(name, value, "text, a number, true, false, null, or a list or table of these")


@dataclass(frozen=True)
class Scene:
    """Sources, a diffuse bed, a listener, a duration and a seed.

    Parameters
    ----------
    sources
        What sounds from somewhere; ids unique, also against the bed's.
    bed
        What sounds from everywhere.
    duration_s
        Above 0, at most a day.
    seed
        What every random choice was drawn from.
    listener, air
        Who hears, through what.
    origin
        Where the scene comes from: a small table of plain values (file name, size in pixels,
        field of view, options, versions). It is kept, never interpreted by the renderer.

    Raises
    ------
    SceneError
        With the field, what it held and what is allowed.

    Examples
    --------
    >>> Scene(seed=-1)
    Traceback (most recent call last):
    ...
    earwitness.errors.SceneError: seed holds -1; allowed is a whole number ...
    """

    sources: tuple[Source, ...] = ()
    bed: tuple[Bed, ...] = ()
    duration_s: float = 10.0
    seed: int = 0
    listener: Listener = field(default_factory=Listener)
    air: Air = field(default_factory=Air)
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "sources", tuple(self.sources))
        put(self, "bed", tuple(self.bed))
        put(self, "duration_s", finite("duration_s", self.duration_s, 0.001, LONGEST_S))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise SceneError("seed", self.seed, f"a whole number from 0 to {LARGEST_SEED}")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise SceneError("seed", self.seed, f"a whole number from 0 to {LARGEST_SEED}")
        if len(self.sources) + len(self.bed) > MOST_SOURCES:
            raise SceneError(
                "sources", f"{len(self.sources)} sources", f"at most {MOST_SOURCES} with the bed"
            )
        seen: set[str] = set()
        named = [(f"sources[{i}].id", source.id) for i, source in enumerate(self.sources)]
        named += [(f"bed[{i}].id", bed.id) for i, bed in enumerate(self.bed)]
        for where, name in named:
            if name in seen:
                raise SceneError(where, name, "an id that no other has")
            seen.add(name)
        if not isinstance(self.origin, Mapping):
            raise SceneError("origin", self.origin, "a table of plain values")
        put(self, "origin", _plain("origin", self.origin))

    @property
    def parts(self) -> tuple[Source | Bed, ...]:
        """Everything that has a stem: the sources, then the bed."""
        return (*self.sources, *self.bed)
