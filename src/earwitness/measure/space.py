"""What is seen against what is heard: the angle between, source by source.

The error of a source is the angle between where it is (the scene) and where it is heard. A
direction that has nothing to do with the scene, drawn evenly from the sphere, errs by 90° on
average: that is **chance**, and it is 90° for azimuth alone, too. A layout in one plane cannot
give height, so its error is the azimuth's. Two ears tell only the angle to the left or right of the
median plane; their error is of that angle, and chance there depends on the source and is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from earwitness.errors import OptionError
from earwitness.measure.directions import (
    WINDOW,
    Direction,
    Method,
    heard_in,
    plane,
    transform,
)
from earwitness.scene import Layout, Scene, Sound, Source
from earwitness.scene.frame import angle_between_deg, angles, to_listener, wrap_deg

CHANCE_DEG = 90.0
STEP_S = 0.25
"""Length of the pieces in which a moving source is followed."""
DOMINANCE = 4.0
"""In a finished file a bin counts for a source that has so many times the power of all others."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SourceError:
    """How far from where it is seen a source is heard.

    Parameters
    ----------
    id, name
        The source's.
    seen
        Unit vector from the listener to the source (its first position, if it moves).
    heard
        Unit vector of what is heard (in the first piece, if it moves); zeros: nothing was.
    error_deg
        The angle that counts for the layout; NaN where nothing is heard.
    full_deg
        The angle in three dimensions.
    chance_deg
        What ``error_deg`` is on average for a direction drawn from the sphere.
    distance_m
        From the listener.
    lost_db
        Level of the source at 1 m less the level that is heard (an arbitrary constant added).
    part
        Part of the source's energy that was used: 1 when it was heard alone.
    """

    id: str
    name: str
    seen: tuple[float, float, float]
    heard: tuple[float, float, float]
    error_deg: float
    full_deg: float
    chance_deg: float
    distance_m: float
    lost_db: float
    part: float = 1.0


@dataclass(frozen=True)
class SpaceReport:
    """The errors of a scene or of a set of scenes.

    Parameters
    ----------
    layout
        Name of the layout.
    how
        ``alone`` (each source rendered by itself) or ``in the mix`` (a finished file).
    sources
        Each source; those that could not be heard have NaN.
    """

    layout: str
    how: str
    sources: tuple[SourceError, ...]

    def _known(self, name: str) -> Array:
        values = np.array([getattr(s, name) for s in self.sources], dtype=np.float64)
        return values[np.isfinite([s.error_deg for s in self.sources])]

    @property
    def heard(self) -> int:
        """How many sources could be heard."""
        return len(self._known("error_deg"))

    @property
    def mean_deg(self) -> float:
        """Mean error; NaN without a source."""
        known = self._known("error_deg")
        return float(known.mean()) if known.size else float("nan")

    @property
    def median_deg(self) -> float:
        """Median error."""
        known = self._known("error_deg")
        return float(np.median(known)) if known.size else float("nan")

    @property
    def worst_deg(self) -> float:
        """Largest error."""
        known = self._known("error_deg")
        return float(known.max()) if known.size else float("nan")

    @property
    def chance_deg(self) -> float:
        """Mean error of directions that have nothing to do with the scene."""
        known = self._known("chance_deg")
        return float(known.mean()) if known.size else float("nan")

    @property
    def side_rank(self) -> float:
        """Spearman's rank correlation of seen and heard leftness: 1 is the same order, 0 none."""
        known = [s for s in self.sources if np.isfinite(s.error_deg)]
        return rank_correlation([s.seen[1] for s in known], [s.heard[1] for s in known])

    @property
    def distance_rank(self) -> float:
        """Spearman's rank correlation of distance with lost level: 1 is farther, fainter."""
        far, lost = self._known("distance_m"), self._known("lost_db")
        return rank_correlation(far, lost)


def rank_correlation(first: ArrayLike, second: ArrayLike) -> float:
    """Return Spearman's rank correlation; NaN for fewer than 3 values, or where all are equal.

    Examples
    --------
    >>> rank_correlation([1, 2, 5], [0.0, 6.0, 14.0])
    1.0
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def merge(reports: Sequence[SpaceReport]) -> SpaceReport:
    """Return the report of a set: the sources of all scenes together, in one layout.

    Raises
    ------
    OptionError
        If there is none, or the layouts differ.
    """
    if not reports or len({(r.layout, r.how) for r in reports}) != 1:
        raise OptionError("reports of different layouts or ways; merge those of one layout")
    sources = tuple(source for report in reports for source in report.sources)
    return SpaceReport(reports[0].layout, reports[0].how, sources)


def lateral_chance_deg(lateral_deg: float) -> float:
    """Return the mean error of the angle to the side for directions drawn from the sphere.

    Examples
    --------
    >>> round(lateral_chance_deg(0.0), 1), round(lateral_chance_deg(90.0), 1)
    (32.7, 90.0)
    """
    # The sine of the angle to the side of an even direction is even from −1 to 1.
    drawn = np.degrees(np.arcsin(np.linspace(-1, 1, 4001)))
    return float(np.abs(drawn - lateral_deg).mean())


def error_of(seen: ArrayLike, heard: ArrayLike, layout: Layout) -> tuple[float, float, float]:
    """Return the error that counts for a layout, the full angle, and what chance would give.

    Parameters
    ----------
    seen, heard
        Vectors x, y, z of any length above 0.
    layout
        What was listened to.

    Returns
    -------
    error_deg, full_deg, chance_deg

    Examples
    --------
    >>> from earwitness.scene import layout_named
    >>> error_of([1, 0, 1], [0, 1, 0], layout_named("5.1"))
    (90.0, 90.0, 90.0)
    """
    a, b = np.asarray(seen, dtype=np.float64), np.asarray(heard, dtype=np.float64)
    full = float(angle_between_deg(a, b))
    if layout.kind == "binaural":
        sides = [np.degrees(np.arcsin(np.clip(v[1] / np.linalg.norm(v), -1, 1))) for v in (a, b)]
        return float(abs(sides[0] - sides[1])), full, lateral_chance_deg(float(sides[0]))
    if plane(layout):
        turn = wrap_deg(angles(a)[0] - angles(b)[0])
        return float(np.abs(turn)), full, CHANCE_DEG
    return full, full, CHANCE_DEG


def place(scene: Scene, source: Source, times_s: ArrayLike) -> Array:
    """Return where a source is, as its listener sees it, at given times: shape ``(times, 3)``."""
    path, times = source.trajectory, np.atleast_1d(np.asarray(times_s, dtype=np.float64))
    at = np.stack([np.interp(times, path[:, 0], path[:, k]) for k in (1, 2, 3)], axis=-1)
    return to_listener(at, scene.listener.position_m, scene.listener.yaw_deg)


def _unit(vector: Array) -> tuple[float, float, float]:
    size = float(np.linalg.norm(vector))
    x, y, z = (float(v) for v in (vector / size if size > 0 else np.zeros(3)))
    return x, y, z


def _judge(
    scene: Scene,
    source: Source,
    sound: Sound,
    spectra: NDArray[np.complex128],
    mask: Array,
    method: Method,
) -> tuple[Direction, float, float, float]:
    """Return what is heard and its errors; a moving source is followed piece by piece."""
    layout = sound.channels
    whole = heard_in(spectra, layout, sound.rate_hz, mask=mask, method=method)
    if not source.moves:
        if not whole.heard:
            return whole, float("nan"), float("nan"), float("nan")
        return whole, *error_of(place(scene, source, 0.0)[0], whole.towards, layout)
    hop_s = WINDOW / 2 / sound.rate_hz
    width = max(1, round(STEP_S / hop_s))
    rows, weights, first = [], [], whole
    for start in range(0, spectra.shape[2], width):
        piece = heard_in(
            spectra[:, :, start : start + width],
            layout,
            sound.rate_hz,
            mask=np.broadcast_to(mask, spectra.shape[1:])[:, start : start + width],
            method=method,
        )
        if not piece.heard:
            continue
        middle_s = (start + (min(start + width, spectra.shape[2]) - start - 1) / 2) * hop_s
        rows.append(error_of(place(scene, source, middle_s)[0], piece.towards, layout))
        weights.append(10 ** (piece.level_db / 10))
        first = piece if len(rows) == 1 else first
    if not rows:
        return whole, float("nan"), float("nan"), float("nan")
    error, full, chance = (float(v) for v in np.average(rows, axis=0, weights=weights))
    return Direction(first.towards, whole.focus, whole.level_db), error, full, chance


def judge_alone(
    scene: Scene, source: Source, sound: Sound, *, method: Method = "beam"
) -> SourceError:
    """Return the error of a source that was rendered by itself.

    Parameters
    ----------
    scene
        What was rendered; its listener counts.
    source
        The source that sounds.
    sound
        What any renderer made of it, at a level that is the same for all sources of the scene.
    method
        For loudspeakers, see :mod:`~earwitness.measure.directions`.
    """
    spectra = transform(sound.samples)
    found, error, full, chance = _judge(scene, source, sound, spectra, np.ones((1, 1)), method)
    at = place(scene, source, 0.0)[0]
    return SourceError(
        source.id,
        source.name,
        _unit(at),
        found.towards,
        error,
        full,
        chance,
        float(np.linalg.norm(at)),
        source.level_db - found.level_db,
    )


def judge_mix(
    scene: Scene,
    sound: Sound,
    alone: Sequence[ArrayLike],
    *,
    method: Method = "beam",
    least: float = 0.01,
) -> SpaceReport:
    """Return the errors of a finished sound in which all sources play together.

    A bin of time and frequency counts for the source that there has :data:`DOMINANCE` times the
    power of all others. That is known from the sources' own sounds, so they must be at hand, at
    the levels and times they have in the mix; where sources overlap everywhere (two rains), nothing
    is left to judge and the error is NaN. ``part`` tells how much of a source was left.

    Parameters
    ----------
    scene
        What is heard.
    sound
        The finished file.
    alone
        Each source's own sound as it arrives (mono, at the sound's rate), in the scene's order.
    method
        For loudspeakers.
    least
        Smallest part of a source's energy from which a direction is told.

    Raises
    ------
    OptionError
        If there is not one sound for each source.
    """
    if len(alone) != len(scene.sources):
        raise OptionError(f"{len(alone)} sounds for {len(scene.sources)} sources; give one each")
    mix = transform(sound.samples)
    length = sound.samples.shape[1]
    powers = []
    for wave in alone:
        mono = np.asarray(wave, dtype=np.float64)[:length]
        own = transform(np.pad(mono, (0, length - len(mono))))
        powers.append(np.abs(own[0]) ** 2)
    total = np.sum(powers, axis=0) if powers else np.zeros(mix.shape[1:])
    rows = []
    for source, power in zip(scene.sources, powers):
        mask = (power > DOMINANCE * (total - power)).astype(np.float64)
        mask *= power > 1e-6 * power.max(initial=0.0)
        part = float((mask * power).sum() / max(float(power.sum()), 1e-30))
        if part < least:
            mask = np.zeros_like(mask)
        found, error, full, chance = _judge(scene, source, sound, mix, mask, method)
        at = place(scene, source, 0.0)[0]
        used = float((mask * power).sum())
        # What of the source is in those bins, against what is heard in them.
        lost = 10 * np.log10(max(used, 1e-20)) - found.level_db + source.level_db
        lost -= 10 * np.log10(max(float(power.sum()), 1e-20))
        rows.append(
            SourceError(
                source.id,
                source.name,
                _unit(at),
                found.towards,
                error,
                full,
                chance,
                float(np.linalg.norm(at)),
                float(lost),
                part,
            )
        )
    return SpaceReport(sound.channels.title, "in the mix", tuple(rows))
