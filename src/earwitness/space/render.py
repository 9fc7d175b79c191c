"""A scene as a finished sound: rendered once, measured, brought to loudness, read in blocks."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness import plugins
from earwitness.errors import LayoutError, OptionError, OutputError
from earwitness.loudness import Meter, channel_weights
from earwitness.scene import Layout, Scene, Sound
from earwitness.space.contract import BLOCK, Renderer, Stem
from earwitness.space.engine import samples_in
from earwitness.space.level import Limiter

LOUDNESS_LUFS = -23.0
TRUE_PEAK_DB = -1.0
MOST_REDUCTION_DB = 15.0
"""Deepest that the limiter reaches; a scene whose peaks need more stays quieter than asked for."""

METERS_DB = 0.05
"""Room left below the ceiling: true-peak meters differ by some hundredths of a decibel."""

TOLERANCE_LU = 0.05
_ROUNDS = 6
_WORTH = 0.1  # LU that a decibel of limiting must bring nearer to the loudness asked for
_IN_MEMORY = 64 * 1024 * 1024

DEFAULTS = {"loudspeakers": "panning", "ambisonics": "ambisonics", "binaural": "binaural"}
"""Kind of layout → the renderer that is used when none is named."""


class Spool:
    """Rendered samples that wait on disk (small ones in memory) until they are levelled.

    Parameters
    ----------
    channels
        How many.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self.samples = 0

    def append(self, block: NDArray[np.float32]) -> None:
        """Append samples, shape ``(channels, samples)``."""
        try:
            self._file.write(np.ascontiguousarray(block.T, dtype=np.float32).tobytes())
        except OSError as error:
            raise OutputError(
                f"the rendered sound could not be kept in {tempfile.gettempdir()}: "
                f"{error.strerror or error}. Make room there, or set TMPDIR to another folder"
            ) from error
        self.samples += block.shape[1]

    def span(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return samples ``start`` to ``stop``, silence where there are none."""
        out = np.zeros((self._channels, stop - start), dtype=np.float32)
        first, last = max(0, start), min(stop, self.samples)
        if first < last:
            width = 4 * self._channels
            self._file.seek(first * width)
            held = np.frombuffer(self._file.read((last - first) * width), dtype=np.float32)
            out[:, first - start : last - start] = held.reshape(-1, self._channels).T
        return out


class Rendering:
    """A rendered scene at its final level. Made by :func:`render_scene`.

    Attributes
    ----------
    layout, rate_hz, samples
        Channels, sampling rate, length.
    gain_db
        Gain put on what the renderer made.
    loudness_lufs, true_peak_db
        Of the result, measured.
    limited
        Whether the limiter had to work.
    reduction_db
        Deepest that it reached.
    """

    def __init__(
        self,
        spool: Spool,
        layout: Layout,
        rate_hz: int,
        *,
        loudness_lufs: float | None,
        true_peak_db: float,
        meter: Meter,
    ) -> None:
        self._spool = spool
        self.layout, self.rate_hz, self.samples = layout, rate_hz, spool.samples
        self.limited, self.reduction_db = False, 0.0
        self._limit_db, self._trim_db = true_peak_db - METERS_DB, 0.0
        self.loudness_lufs, self.true_peak_db = meter.integrated_lufs, meter.true_peak_db
        self.gain_db = 0.0
        if np.isneginf(self.true_peak_db):
            return
        if loudness_lufs is not None:
            # The gate of silence belongs to what is heard in the end, so the gain is sought from
            # full scale downwards and not from how faint the scene is on its own scale.
            self.gain_db = -self.true_peak_db
            for _ in range(_ROUNDS):
                self.gain_db += loudness_lufs - meter.loudness_after(self.gain_db)
        if self.true_peak_db + self.gain_db <= self._limit_db:
            self.true_peak_db += self.gain_db
            self.loudness_lufs = meter.loudness_after(self.gain_db)
        else:
            self._fit(loudness_lufs, true_peak_db)

    def _fit(self, loudness_lufs: float | None, true_peak_db: float) -> None:
        """Find the gain that reaches the loudness with the limiter at work."""
        self.limited = True
        most_db = true_peak_db + MOST_REDUCTION_DB - self.true_peak_db
        self.gain_db = min(self.gain_db, most_db)
        yields = 1.0  # by how much loudness grows with gain; the limiter takes some of it back
        tried: list[tuple[float, float, float, float, float]] = []
        for _ in range(_ROUNDS):
            meter = Meter(channel_weights(self.layout), self.rate_hz)
            for block in self.blocks():
                meter.add(block)
            loudness = meter.integrated_lufs
            short_lu = 0.0 if loudness_lufs is None else loudness_lufs - loudness
            tried.append(
                (abs(short_lu), self.gain_db, loudness, meter.true_peak_db, self.reduction_db)
            )
            if len(tried) > 1:
                step_db = tried[-1][1] - tried[-2][1]
                if tried[-2][0] - tried[-1][0] < _WORTH * abs(step_db):
                    break  # more limiting brings next to nothing: blows are as loud as can be
                yields = float(np.clip((loudness - tried[-2][2]) / step_db, 0.1, 1.0))
            step_db = min(short_lu / yields, most_db - self.gain_db)
            if abs(step_db) <= TOLERANCE_LU:
                break
            self.gain_db += step_db
        _, self.gain_db, self.loudness_lufs, self.true_peak_db, self.reduction_db = min(tried)
        # A gain that moves can lift a value between samples by some hundredths of a decibel.
        excess_db = max(0.0, self.true_peak_db - true_peak_db)
        self._trim_db = -excess_db
        self.true_peak_db -= excess_db
        self.loudness_lufs -= excess_db

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the sound from its beginning, blocks of shape ``(channels, at most BLOCK)``."""
        gain = 10 ** (self.gain_db / 20)
        limiter = None
        if self.limited:
            limiter = Limiter(self._spool.span, self.rate_hz, gain, 10 ** (self._limit_db / 20))
        for start in range(0, self.samples, BLOCK):
            stop = min(start + BLOCK, self.samples)
            if limiter is None:
                yield self._spool.span(start, stop) * np.float32(gain)
            else:
                yield limiter.limit(start, stop) * np.float32(10 ** (self._trim_db / 20))
        if limiter is not None:
            self.reduction_db = limiter.deepest_db

    def sound(self) -> Sound:
        """Return all samples at once."""
        return Sound(np.concatenate(list(self.blocks()), axis=1), self.rate_hz, self.layout.name)


def renderer_for(layout: Layout, name: str | None = None) -> Renderer:
    """Return the renderer of a name, or the one that suits a layout.

    Parameters
    ----------
    layout
        What shall be made.
    name
        ``panning``, ``propagation``, ``ambisonics``, ``binaural`` or one that a package added.

    Raises
    ------
    LayoutError
        If that renderer cannot make the layout.
    PluginError
        If there is no renderer of that name.

    Examples
    --------
    >>> from earwitness.scene import layout_named
    >>> type(renderer_for(layout_named("foa"))).__name__
    'AmbisonicsRenderer'
    """
    renderer: Renderer = plugins.make("renderer", name or DEFAULTS[layout.kind])
    if not renderer.lays_out(layout):
        suited = DEFAULTS[layout.kind]
        raise LayoutError(
            f"the renderer {name!r} cannot make {layout.title}; choose another layout, or leave "
            f"the renderer out: {suited!r} then makes it"
        )
    return renderer


def render_scene(
    scene: Scene,
    stems: Callable[[], Mapping[str, Stem]],
    *,
    layout: Layout,
    renderer: str | Renderer | None = None,
    rate_hz: int = 48000,
    loudness_lufs: float | None = LOUDNESS_LUFS,
    true_peak_db: float = TRUE_PEAK_DB,
    progress: Callable[[float], None] = lambda part: None,
) -> Rendering:
    """Render a scene and bring it to loudness.

    The scene is rendered once and kept aside while it is measured; the gain, and where peaks
    demand it the limiter, are put on while it is read. Memory does not grow with duration.

    Parameters
    ----------
    scene
        What sounds.
    stems
        Called once for a fresh reader of every stem, by id, at ``rate_hz``.
    layout
        What to make.
    renderer
        A name, a renderer, or None for the one that suits the layout.
    rate_hz
        Sampling rate.
    loudness_lufs
        Integrated loudness of the result (ITU-R BS.1770), or None for the scene's own levels, a
        full-scale sample standing for 120 dB.
    true_peak_db
        True peak that is never exceeded, dBTP. Single peaks are limited, by at most
        :data:`MOST_REDUCTION_DB`; what would need more stays quieter than asked for.
    progress
        Told from 0 to 1 while it renders.

    Returns
    -------
    Rendering

    Raises
    ------
    LayoutError, PluginError
        If the renderer cannot make the layout, or there is none of that name.
    OptionError
        If the true peak allowed is not from −60 to 0.
    SceneError
        If a stem is missing.
    """
    if not -60.0 <= true_peak_db <= 0.0:
        raise OptionError(f"a true peak of {true_peak_db} dB; choose from -60 to 0")
    made = (
        renderer_for(layout, renderer)
        if renderer is None or isinstance(renderer, str)
        else (renderer)
    )
    total = samples_in(scene, rate_hz)
    spool = Spool(len(layout.channels))
    meter = Meter(channel_weights(layout), rate_hz)
    for block in made.render(scene, stems(), layout=layout, rate_hz=rate_hz):
        spool.append(block)
        meter.add(block)
        progress(spool.samples / total)
    return Rendering(
        spool,
        layout,
        rate_hz,
        loudness_lufs=loudness_lufs,
        true_peak_db=true_peak_db,
        meter=meter,
    )
