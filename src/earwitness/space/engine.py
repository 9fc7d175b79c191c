"""What all renderers share: stems through air, distance and delay into channels, streamed.

What stands still is linear and does not change with time: it is mixed in the frequency domain,
by overlap-save, a transform of each stem once for all channels. What moves goes sample by sample
(:mod:`~earwitness.space.delay`) and is added in the time domain. How a direction becomes channels
is the :class:`Spatial`'s own.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from earwitness.errors import LayoutError, SceneError
from earwitness.scene import Bed, Layout, Scene, Source
from earwitness.space.air import compact_air_response
from earwitness.space.air_stem import AirStem
from earwitness.space.contract import BLOCK, Stem
from earwitness.space.decorrelation import LENGTH_S, decorrelators
from earwitness.space.distance import amplitude, attenuation
from earwitness.space.filters import Filters
from earwitness.space.lfe import SEND, low_pass
from earwitness.space.path import Path
from earwitness.space.stems import Tape

PAN_EVERY = 256
"""Samples between two directions of a moving source; gains in between are interpolated."""

AIR_REACH_S = 0.0107
"""How far the filter of the air reaches to each side."""

TRANSFORM = 16384
_SMALLEST_TRANSFORM = 4096
_MOST_RESPONSES = 48 * 1024 * 1024  # complex numbers' bytes are eight times as many
_GROUP = 32  # stems transformed together, so that their spectra stay in the processor's cache
_MOST_WORKERS = min(4, os.cpu_count() or 1)

Spectra = NDArray[np.complex64]
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Setting:
    """What a spatial needs to know before anything sounds.

    Parameters
    ----------
    layout
        The channels.
    rate_hz
        Sampling rate.
    transform
        Length of the Fourier transforms.
    seed
        Of the decorrelating filters.
    """

    layout: Layout
    rate_hz: int
    transform: int
    seed: int

    def decorrelators(self, count: int) -> NDArray[np.float32]:
        """Return decorrelating filters, shape ``(count, taps)``."""
        return decorrelators(count, self.rate_hz, self.seed)

    def spectra(self, filters: NDArray[np.floating]) -> Spectra:
        """Return the transforms of causal filters, shape ``(..., transform // 2 + 1)``."""
        return np.asarray(
            scipy.fft.rfft(np.asarray(filters, dtype=np.float32), n=self.transform, axis=-1),
            dtype=np.complex64,
        )


@dataclass(frozen=True)
class Still:
    """How something that stands still comes into the channels.

    Parameters
    ----------
    gains
        Gain of each copy in each channel, shape ``(copies, channels)``. A single copy is the
        sound itself; several are decorrelated by the filters of the same indices.
    response
        Instead of gains: a filter for each channel, shape ``(channels, transform // 2 + 1)``.
    delay
        Whole samples by which all of it comes later.
    """

    gains: NDArray[np.float64] | None = None
    response: Spectra | None = None
    delay: int = 0


class Moving(ABC):
    """How something that moves comes into the channels."""

    @abstractmethod
    def add(self, into: Samples, start: int) -> int:
        """Add samples ``start`` on, as many as ``into`` has, and return the oldest still needed."""


class Spatial(ABC):
    """How a direction becomes channels: the part that differs between renderers.

    Gains and responses are for a source at 1 m of amplitude 1; distance and level are put on by
    the engine, unless :attr:`own_distance`.
    """

    reach: int
    """Taps of its longest filter."""

    own_distance = False
    """Whether distance and the LFE channel are in :meth:`still` already."""

    responses = False
    """Whether :meth:`still` answers with responses (so that room must be kept for them)."""

    @abstractmethod
    def still(self, source: Source, place: NDArray[np.float64], setting: Setting) -> Still:
        """Return how a source that stands at ``place`` comes into the channels."""

    @abstractmethod
    def moving(self, source: Source, path: Path, tape: Tape, setting: Setting) -> Moving:
        """Return how a source that moves comes into the channels, distance included."""

    @abstractmethod
    def bed(self, setting: Setting) -> Still:
        """Return how a diffuse sound of unit power comes into the channels."""


@dataclass
class _Part:
    """A stem that stands still, ready to be mixed."""

    tape: Tape
    still: Still
    level: float
    air: NDArray[np.float32] | None
    sent: float  # to LFE

    def __post_init__(self) -> None:
        if self.still.response is not None:
            self.still.response[...] *= np.float32(self.level)


class _Desk:
    """Arrays that one stretch is mixed in; made anew they would cost more than the sums in them."""

    def __init__(self, parts: int, channels: int, transform: int) -> None:
        bins = transform // 2 + 1
        self.segments = np.zeros((_whole(parts), transform), np.float32)
        self.padded = np.zeros((_whole(channels), bins), np.complex64)
        self.total = self.padded[:channels]
        self.product = np.zeros_like(self.total)


class _Mixer:
    """Overlap-save of all that stands still, several stretches at a time."""

    def __init__(self, parts: list[_Part], setting: Setting, back: int, ahead: int) -> None:
        self._parts, self._setting = parts, setting
        self.back, self.ahead = back, ahead
        copies = max((len(p.still.gains) for p in parts if p.still.gains is not None), default=0)
        filters = setting.decorrelators(copies) if copies > 1 else np.zeros((0, 1), np.float32)
        self._copies = setting.spectra(filters)
        self._low_pass = setting.spectra(low_pass(setting.rate_hz))
        channels = len(setting.layout.channels)
        self._desks = [
            _Desk(len(parts), channels, setting.transform) for _ in range(_MOST_WORKERS + 1)
        ]

    def stretches(self, total: int, hop: int) -> Iterator[Samples]:
        """Yield all samples of every channel, ``hop`` at a time.

        Stems are read here, in order; what follows is done by threads, which numpy and scipy let
        run side by side. The samples do not depend on how many there are.
        """
        waiting: deque[tuple[_Desk, Future[Samples]]] = deque()
        with ThreadPoolExecutor(_MOST_WORKERS) as pool:
            for start in range(0, total, hop):
                if len(waiting) == len(self._desks):
                    desk, mixed = waiting.popleft()
                    yield mixed.result()
                else:
                    desk = self._desks[len(waiting)]
                count = min(hop, total - start)
                self._read(desk, start, count)
                waiting.append((desk, pool.submit(self._mix, desk, count)))
            for _, mixed in waiting:
                yield mixed.result()

    def _read(self, desk: _Desk, start: int, count: int) -> None:
        """Fill a desk with what the stems sound for samples ``start`` to ``start + count``."""
        desk.segments[...] = 0.0
        for part, segment in zip(self._parts, desk.segments, strict=False):
            begin = start - self.back - part.still.delay
            part.tape.put(segment[: self.back + count + self.ahead], begin)
            part.tape.forget(begin + count)

    def _mix(self, desk: _Desk, count: int) -> Samples:
        """Return ``count`` samples of every channel from what was read."""
        size = self._setting.transform
        desk.total[...] = 0.0
        parts, segments = self._parts, desk.segments
        sounding = [i for i in range(len(parts)) if segments[i].any()]
        if len(sounding) < len(parts):  # what is silent here costs nothing
            rows = sounding + [len(parts) - 1] * (_whole(len(sounding)) - len(sounding))
            parts, segments = [parts[i] for i in sounding], segments[rows]
        for first in range(0, len(parts), _GROUP):
            group = parts[first : first + _GROUP]
            spectra = scipy.fft.rfft(segments[first : first + _whole(len(group))], axis=1)
            self._lay_out(group, spectra[: len(group)], desk)
        for channel in self._setting.layout.lfe:
            desk.total[channel] *= self._low_pass
        mixed = scipy.fft.irfft(desk.padded, n=size, axis=1)
        kept = mixed[: len(desk.total), self.back : self.back + count]
        return np.asarray(kept, dtype=np.float32)

    def _lay_out(self, group: list[_Part], spectra: Spectra, desk: _Desk) -> None:
        """Add the spectra of some stems to the spectra of the channels."""
        lfe = list(self._setting.layout.lfe)
        rows: list[Spectra] = []
        gains: list[NDArray[np.float64]] = []
        filtered = any(p.still.gains is None or len(p.still.gains) > 1 for p in group)
        for part, spectrum in zip(group, spectra, strict=True):
            if part.air is not None:
                spectrum *= part.air
            still = part.still
            if still.response is not None:
                desk.total += np.multiply(still.response, spectrum, out=desk.product)
            elif still.gains is not None and len(still.gains) > 1:
                rows += [spectrum * copy for copy in self._copies[: len(still.gains)]]
                gains += list(still.gains * part.level)
            plain = np.zeros(len(desk.total))
            if still.gains is not None and len(still.gains) == 1:
                plain += still.gains[0] * part.level
            plain[lfe] += part.sent
            if plain.any() or not filtered:
                rows.append(spectrum)
                gains.append(plain)
        if rows:
            weights = np.array(gains, dtype=np.float32).T
            stacked = np.stack(rows) if filtered else spectra
            _add_product(weights, stacked.view(np.float32), desk.total.view(np.float32))


def _whole(rows: int) -> int:
    """Return a number of rows that the transform takes four at a time; odd ones cost double."""
    return -(-rows // 4) * 4


def _add_product(
    weights: NDArray[np.float32], rows: NDArray[np.float32], total: NDArray[np.float32]
) -> None:
    """Add ``weights @ rows`` to ``total``, in pieces that stay in the processor's cache.

    Pieces this small are also below what BLAS libraries share out between threads, whose waiting
    for each other costs more than this product when the machine is busy.
    """
    width = max(64, 200_000 // weights.size)
    for first in range(0, rows.shape[1], width):
        piece = slice(first, first + width)
        total[:, piece] += weights @ rows[:, piece]


def check_stems(scene: Scene, stems: Mapping[str, Stem]) -> None:
    """Raise :class:`~earwitness.errors.SceneError` if something in a scene has no stem."""
    named = [(f"sources[{i}].stem", source.id) for i, source in enumerate(scene.sources)]
    named += [(f"bed[{i}].stem", bed.id) for i, bed in enumerate(scene.bed)]
    for where, name in named:
        if name not in stems:
            raise SceneError(where, None, "a stem: voice the scene first")


def samples_in(scene: Scene, rate_hz: int) -> int:
    """Return how many samples a scene lasts: at least one."""
    return max(1, round(scene.duration_s * rate_hz))


def stream(
    scene: Scene,
    stems: Mapping[str, Stem],
    spatial: Spatial,
    *,
    layout: Layout,
    rate_hz: int,
    transform: int | None = None,
    air: bool = True,
) -> Iterator[Samples]:
    """Yield a scene's channels in blocks.

    Parameters
    ----------
    scene
        What sounds.
    stems
        A stem for each source and bed, by id.
    spatial
        How directions become channels.
    layout, rate_hz
        Channels and sampling rate.
    transform
        Length of the Fourier transforms, a power of two; None chooses by the work's size. The
        samples do not depend on it beyond rounding.
    air
        Whether air absorbs.

    Yields
    ------
    ndarray, shape ``(channels, at most BLOCK)``

    Raises
    ------
    SceneError
        If a stem is missing.
    """
    check_stems(scene, stems)
    things = len(scene.sources) + len(scene.bed)
    size = transform or TRANSFORM
    while (
        transform is None
        and spatial.responses
        and things * len(layout.channels) * size // 2 > _MOST_RESPONSES
        and size > _SMALLEST_TRANSFORM
    ):
        size //= 2
    air_reach = 64 * max(1, round(AIR_REACH_S * rate_hz / 64)) if air else 0
    spread = bool(scene.bed) or any(source.kind == "area" for source in scene.sources)
    back = air_reach + spatial.reach + (round(LENGTH_S * rate_hz) if spread else 0)
    back += len(low_pass(rate_hz)) if layout.lfe else 0
    while size < 3 * (back + air_reach):  # long filters, high rates
        size *= 2
    hop = (size - back - air_reach) // PAN_EVERY * PAN_EVERY
    setting = Setting(layout, rate_hz, size, scene.seed)
    parts: list[_Part] = []
    movers: list[tuple[Moving, Tape, float]] = []
    for source in scene.sources:
        path = Path.of(source, scene.listener)
        level = amplitude(source.level_db)
        if path.moves:
            tape = Tape(stems[source.id])
            tape = Tape(AirStem(tape, path, scene.air, rate_hz)) if air else tape
            movers.append((spatial.moving(source, path, tape, setting), tape, level))
            continue
        place = path.at(np.zeros(1))[0]
        distance = float(np.linalg.norm(place))
        spreading = float(attenuation(distance))
        parts.append(
            _Part(
                Tape(stems[source.id]),
                spatial.still(source, place, setting),
                level if spatial.own_distance else level * spreading,
                compact_air_response([distance], rate_hz, size, scene.air, reach=air_reach)[0]
                if air
                else None,
                0.0 if spatial.own_distance else level * spreading * SEND,
            )
        )
    parts += [_bed_part(bed, stems[bed.id], spatial.bed(setting)) for bed in scene.bed]
    mixer = _Mixer(parts, setting, back, air_reach)
    lfe = list(layout.lfe)
    lows = Filters(low_pass(rate_hz)[None])
    total = samples_in(scene, rate_hz)
    moved, scratch = np.zeros((2, len(layout.channels), hop if movers else 0), dtype=np.float32)
    for start, channels in zip(range(0, total, hop), mixer.stretches(total, hop), strict=True):
        count = channels.shape[1]
        moved[...] = 0.0
        for mover, tape, level in movers:
            part = scratch[:, :count]
            part[...] = 0.0
            tape.forget(mover.add(part, start))
            part *= np.float32(level)
            moved[:, :count] += part
        if movers:
            if lfe:
                moved[lfe, :count] = lows(moved[lfe, :count])
            channels += moved[:, :count]
        for first in range(0, count, BLOCK):
            yield channels[:, first : first + BLOCK]


def _bed_part(bed: Bed, stem: Stem, still: Still) -> _Part:
    level = amplitude(bed.level_db)
    return _Part(Tape(stem), still, level, None, level * SEND)


def refuse(renderer: str, layout: Layout, makes: str) -> LayoutError:
    """Return the error of a renderer that cannot make a layout."""
    return LayoutError(
        f"the renderer {renderer!r} cannot make {layout.title}; it makes {makes}. "
        f"Choose such a layout, or another renderer"
    )
