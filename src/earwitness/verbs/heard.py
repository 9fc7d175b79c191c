"""A scene together with its folder: what ``listen`` gives back and ``render`` opens."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness import plugins
from earwitness.errors import OptionError, OutputError
from earwitness.media import Subtype, read_scene, stem_file, write_flac, write_scene, write_wav
from earwitness.media.output import beside
from earwitness.media.stems import FileStem
from earwitness.models.settings import Settings
from earwitness.scene import Layout, Scene, Sound, layout_named
from earwitness.scene.words import scene_in_words
from earwitness.space.contract import Stem
from earwitness.space.gained import GainedStem
from earwitness.space.render import Rendering, render_scene
from earwitness.verbs.progress import Progress, counted, silent
from earwitness.verbs.voicing import voice_scene
from earwitness.voice.contract import Voice

DEFAULT_RATE_HZ = 48000


@dataclasses.dataclass(frozen=True, eq=False)
class Rendered:
    """Channels ready to be heard or written.

    Parameters
    ----------
    rendering
        What the renderer made; it streams.
    layout
        Its layout.
    """

    rendering: Rendering
    layout: Layout

    @property
    def sound(self) -> Sound:
        """All samples at once."""
        return self.rendering.sound()

    def write(
        self,
        path: str | os.PathLike[str],
        *,
        subtype: Subtype = "pcm24",
        progress: Progress = silent,
    ) -> Levels:
        """Write a WAV (or, up to 8 channels, a FLAC) file, whole or not at all.

        Parameters
        ----------
        path
            Ends in ``.wav`` or ``.flac``.
        subtype
            ``pcm16``, ``pcm24`` or ``float``, for WAV; FLAC has 24 bits.
        progress
            Told while it writes.

        Returns
        -------
        Levels
            What was measured on the way.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        file = Path(path)
        total = self.rendering.samples
        blocks = counted(self.rendering.blocks(), total, lambda part: progress("writing", part))
        levels = Levels(self.layout)
        metered = levels.passing(blocks)
        rate = self.rendering.rate_hz
        if file.suffix.lower() in (".wav", ""):
            write_wav(file, metered, layout=self.layout, rate_hz=rate, subtype=subtype)
        elif file.suffix.lower() == ".flac":
            channels = len(self.layout.channels)
            if channels > 8:
                raise OutputError(
                    f"FLAC holds at most 8 channels and {self.layout.title} has {channels}; "
                    f"write a .wav"
                )
            with beside(file) as made:
                write_flac(made, metered, rate_hz=rate, channels=channels, name=str(file))
        else:
            raise OutputError(f"{file} ends in {file.suffix!r}; write a .wav or a .flac")
        return levels


class Levels:
    """Root-mean-square level and peak of each channel, measured as blocks pass.

    Parameters
    ----------
    layout
        Whose channels.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._energy = np.zeros(len(layout.channels))
        self._peak = np.zeros(len(layout.channels))
        self._samples = 0

    def passing(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Pass blocks on and measure them."""
        for block in blocks:
            wide = block.astype(np.float64)
            self._energy += np.sum(wide**2, axis=1)
            self._peak = np.maximum(self._peak, np.abs(wide).max(axis=1, initial=0.0))
            self._samples += block.shape[1]
            yield block

    @property
    def rms_db(self) -> NDArray[np.float64]:
        """Level of each channel, dB re full scale; −200 for silence."""
        mean = self._energy / max(1, self._samples)
        return np.asarray(10 * np.log10(np.maximum(mean, 1e-20)), dtype=np.float64)

    @property
    def peak_db(self) -> NDArray[np.float64]:
        """Sample peak of each channel, dB re full scale; −200 for silence."""
        return np.asarray(20 * np.log10(np.maximum(self._peak, 1e-10)), dtype=np.float64)


class Heard:
    """A scene and the folder that its stems are in.

    Parameters
    ----------
    scene
        The scene.
    folder
        Where its stems are.
    keeper
        Whatever must live as long as the folder (a temporary folder), or None.
    files
        What was written beside the folder: the clip with its new sound, the preview.

    Examples
    --------
    ``earwitness.listen("photo.jpg").render("5.1").write("photo.wav")``
    """

    def __init__(
        self,
        scene: Scene,
        folder: Path,
        keeper: tempfile.TemporaryDirectory[str] | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        self.scene, self.folder, self._keeper = scene, folder, keeper
        self.files = tuple(files)

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Heard:
        """Open a scene's folder.

        Raises
        ------
        MediaError, SceneError
            If there is no scene, or it or a stem is wrong.
        """
        scene, place = read_scene(folder)
        return cls(scene, place)

    def __repr__(self) -> str:
        return f"<Heard {len(self.scene.sources)} sources, {self.scene.duration_s:g} s>"

    @property
    def words(self) -> str:
        """The scene in words."""
        return scene_in_words(self.scene)

    @property
    def rate_hz(self) -> int:
        """Rate of the stems: the highest of them, or 48 kHz where there is none."""
        rates = [
            FileStem(stem_file(self.folder, item.stem)).file_rate_hz
            for item in self.scene.parts
            if item.stem is not None
        ]
        return max(rates, default=DEFAULT_RATE_HZ)

    def voiced(
        self,
        voice: str = "synth",
        *,
        rate_hz: int | None = None,
        settings: Settings | None = None,
        progress: Progress = silent,
    ) -> Heard:
        """Make the stems that are missing (null in ``scene.json``) and write the scene again."""
        if all(item.stem is not None for item in self.scene.parts):
            return self
        scene = voice_scene(
            self.scene,
            self.folder,
            make_voice(voice, settings),
            rate_hz=rate_hz or self.rate_hz,
            progress=progress,
        )
        write_scene(self.folder, scene)
        return Heard(scene, self.folder, self._keeper)

    def stems(self, rate_hz: int) -> Mapping[str, Stem]:
        """Return a fresh reader for every stem, by id."""
        readers: dict[str, Stem] = {}
        for item in self.scene.parts:
            if item.stem is not None:
                reader: Stem = FileStem(stem_file(self.folder, item.stem), rate_hz)
                readers[item.id] = GainedStem(reader, item.gain, rate_hz) if item.gain else reader
        return readers

    def render(
        self,
        layout: str = "5.1",
        *,
        renderer: str | None = None,
        loudness_lufs: float | None = -23.0,
        rate_hz: int | None = None,
        progress: Progress = silent,
    ) -> Rendered:
        """Render the scene for a layout.

        Parameters
        ----------
        layout
            Such as ``5.1``, ``7.1.4``, ``hoa3``, ``binaural``.
        renderer
            Name of a renderer; by default the one that suits the layout.
        loudness_lufs
            Integrated loudness of the result (ITU-R BS.1770), or None to keep the scene's own
            levels. The true peak stays below −1 dBTP either way.
        rate_hz
            Sampling rate; by default that of the stems.
        progress
            Told while it renders.

        Raises
        ------
        OptionError
            If an option is not allowed, or the renderer cannot make the layout.
        """
        chosen = layout_named(layout)
        if loudness_lufs is not None and not -60.0 <= loudness_lufs <= -5.0:
            raise OptionError(f"loudness {loudness_lufs} LUFS; choose from -60 to -5")
        rate = check_rate(rate_hz) if rate_hz is not None else self.rate_hz
        rendering = render_scene(
            self.scene,
            lambda: self.stems(rate),
            layout=chosen,
            renderer=renderer,
            rate_hz=rate,
            loudness_lufs=loudness_lufs,
            progress=lambda part: progress(f"rendering {chosen.title}", part),
        )
        return Rendered(rendering, chosen)


def check_rate(rate_hz: int) -> int:
    """Return a sampling rate after checking that it is one that sounds are made at."""
    if not 8000 <= rate_hz <= 192000:
        raise OptionError(f"rate {rate_hz} Hz; choose from 8000 to 192000, such as 48000")
    return int(rate_hz)


def make_voice(name: str, settings: Settings | None = None) -> Voice:
    """Return a voice by name; ``library:FOLDER`` gives the library that folder.

    Parameters
    ----------
    name
        ``NAME`` or ``NAME:WORDS``.
    settings
        How models are run.

    Raises
    ------
    OptionError
        If settings ask something of it that only voices that generate can do.
    """
    made: Voice = plugins.made("voice", name, settings)
    if settings is not None and settings.generates and not hasattr(made, "any_words"):
        asked = ", ".join(f"{k} {v}" for k, v in settings.generates.items())
        raise OptionError(
            f"{asked}: the voice {name!r} does not generate by diffusion; leave it out, or choose "
            "codi, audioldm2, stable-audio or tangoflux"
        )
    return made
