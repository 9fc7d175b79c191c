"""A scene as audio objects: one mono track for each thing that sounds, for ADM files.

A track holds everything but the direction: level, distance, air, and the Doppler shift. Any
renderer of objects (the EBU ADM Renderer, a cinema) then does what our panning does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import Channel, Layout, Scene, Source, layout_named
from earwitness.scene.frame import SPEED_OF_SOUND_M_S, xyz
from earwitness.space.adm import AdmObject
from earwitness.space.adm_file import write_adm
from earwitness.space.contract import BLOCK, Stem
from earwitness.space.delay import EmissionClock, MovingVoice
from earwitness.space.engine import PAN_EVERY, Moving, Setting, Spatial, Still, samples_in, stream
from earwitness.space.moving import GainMoving
from earwitness.space.panning import copies_of
from earwitness.space.path import Path
from earwitness.space.render import LOUDNESS_LUFS, TRUE_PEAK_DB, Spool, render_scene
from earwitness.space.spread import arc
from earwitness.space.stems import Tape

BED_AZIMUTHS_DEG = (30.0, -30.0, 0.0, 110.0, -110.0, 70.0, -70.0, 150.0, -150.0)
"""Where the decorrelated copies of a bed are put."""

_ROWS_EVERY = 2 * PAN_EVERY


class _Tracks(Spatial):
    """A channel for each copy of each source and bed, and LFE as the last one."""

    reach = 0

    def __init__(self, scene: Scene) -> None:
        self._first: dict[str, int] = {}
        total = 0
        for source in scene.sources:
            self._first[source.id] = total
            total += copies_of(source)
        self._beds = iter(range(total, 10**6, len(BED_AZIMUTHS_DEG)))
        total += len(scene.bed) * len(BED_AZIMUTHS_DEG)
        self.layout = Layout(
            "objects",
            (),
            "loudspeakers",
            (
                *(Channel(f"object {i + 1}", f"object {i + 1}") for i in range(total)),
                Channel("LFE1", "LFE", lfe=True),
            ),
            0,
        )

    def _one_hot(self, source: Source) -> NDArray[np.float64]:
        count, first = copies_of(source), self._first[source.id]
        gains = np.eye(len(self.layout.channels))[first : first + count]
        return np.asarray(gains / np.sqrt(count), dtype=np.float64)

    def still(self, source: Source, place: NDArray[np.float64], setting: Setting) -> Still:
        """Return each copy in a channel of its own."""
        return Still(gains=self._one_hot(source))

    def moving(self, source: Source, path: Path, tape: Tape, setting: Setting) -> Moving:
        """Return each copy in a channel of its own, with the Doppler shift in it."""
        gains = self._one_hot(source)
        return GainMoving(
            MovingVoice(path, tape, setting.rate_hz, real_delay=False),
            lambda places: np.broadcast_to(gains, (len(places), *gains.shape)),
            setting.decorrelators(len(gains)),
            setting.layout.lfe,
        )

    def bed(self, setting: Setting) -> Still:
        """Return decorrelated copies in the next channels."""
        count = len(BED_AZIMUTHS_DEG)
        first = next(self._beds)
        filters = np.zeros((len(self.layout.channels), setting.decorrelators(1).shape[1]))
        filters[first : first + count] = setting.decorrelators(count) / np.sqrt(count)
        return Still(response=setting.spectra(filters))


def object_tracks(
    scene: Scene, stems: Mapping[str, Stem], *, rate_hz: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the objects' audio in blocks, in the order of :func:`objects_of`.

    Parameters
    ----------
    scene
        What sounds.
    stems
        A stem for each source and bed, by id.
    rate_hz
        Sampling rate.

    Yields
    ------
    ndarray, shape ``(objects, at most BLOCK)``
        On the renderers' common scale (full scale is 120 dB).
    """
    tracks = _Tracks(scene)
    yield from stream(scene, stems, tracks, layout=tracks.layout, rate_hz=rate_hz)


def heard_path(path: Path, duration_s: float, rate_hz: int) -> NDArray[np.float64]:
    """Return where a source is *heard* to be: rows of t_s, x_m, y_m, z_m in the listener's frame.

    Sound is heard from where the source was when it left it.
    """
    if not path.moves:
        return np.concatenate([[0.0], path.at(np.zeros(1))[0]])[None]
    lead_s = float(path.distance(np.zeros(1))[0]) / SPEED_OF_SOUND_M_S
    step_s = _ROWS_EVERY / rate_hz
    count = int(np.ceil(duration_s / step_s)) + 1
    places = path.at(EmissionClock(path.distance, step_s, lead_s).at(0, count))
    return np.column_stack([np.arange(count) * step_s, places])


def objects_of(scene: Scene, *, rate_hz: int) -> list[AdmObject]:
    """Return what each track of a scene is.

    Parameters
    ----------
    scene
        What sounds.
    rate_hz
        Sampling rate of the tracks.

    Returns
    -------
    list of AdmObject
        The copies of each source, the copies of each bed, and LFE. All are points: the extent of
        an area lies in its copies. ADM's own extent reaches upwards too, which panning's does
        not; with it the height loudspeakers differ by 0.9 dB from our render, without by 0.4 dB.
    """
    found = []
    for source in scene.sources:
        rows = heard_path(Path.of(source, scene.listener), scene.duration_s, rate_hz)
        count = copies_of(source)
        width = source.spread_deg if source.kind == "area" else 0.0
        if count == 1:
            found.append(AdmObject(source.name, rows))
            continue
        middles = arc(rows[:, 1:], width, count)
        for i in range(count):
            copy = np.column_stack([rows[:, 0], middles[:, i]])
            found.append(AdmObject(f"{source.name} {i + 1}/{count}", copy))
    for bed in scene.bed:
        for azimuth_deg in BED_AZIMUTHS_DEG:
            place = np.concatenate([[0.0], xyz(azimuth_deg)])[None]
            found.append(AdmObject(f"{bed.name} {azimuth_deg:+.0f}°", place))
    return [*found, AdmObject("low-frequency effects", speaker="LFE1")]


def export_adm(
    scene: Scene,
    stems: Callable[[], Mapping[str, Stem]],
    path: str | os.PathLike[str],
    *,
    rate_hz: int = 48000,
    loudness_lufs: float | None = LOUDNESS_LUFS,
) -> float:
    """Write a scene as an ADM Broadcast Wave file.

    Parameters
    ----------
    scene
        What sounds.
    stems
        Called for fresh readers of every stem, at ``rate_hz``.
    path
        The file.
    rate_hz
        Sampling rate.
    loudness_lufs
        The gain is that of the 5.1 render at this loudness, so that the file played in 5.1 is
        what ``5.1.wav`` is. Objects are not limited: where a track would pass −1 dB, all of them
        are lowered together.

    Returns
    -------
    float
        The gain, dB.
    """
    reference = render_scene(
        scene,
        stems,
        layout=layout_named("5.1"),
        renderer="panning",
        rate_hz=rate_hz,
        loudness_lufs=loudness_lufs,
    )
    objects = objects_of(scene, rate_hz=rate_hz)
    spool = Spool(len(objects))
    peak = 0.0
    for block in object_tracks(scene, stems(), rate_hz=rate_hz):
        peak = max(peak, float(np.abs(block).max()))
        spool.append(block)
    gain_db = reference.gain_db
    if peak > 0:
        gain_db = min(gain_db, TRUE_PEAK_DB - 20 * float(np.log10(peak)))
    gain = np.float32(10 ** (gain_db / 20))
    total = samples_in(scene, rate_hz)
    write_adm(
        path,
        (gain * spool.span(start, min(start + BLOCK, total)) for start in range(0, total, BLOCK)),
        objects,
        rate_hz=rate_hz,
    )
    return gain_db
