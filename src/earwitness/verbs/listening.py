"""``listen``: a picture becomes a scene that can be heard."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earwitness import __version__, plugins
from earwitness.draw.heard import draw_heard
from earwitness.errors import OptionError
from earwitness.look.compose import compose
from earwitness.look.contract import Picture
from earwitness.media import (
    check_replaceable,
    folder_beside,
    keep_previous,
    read_picture,
    write_scene,
)
from earwitness.scene import LARGEST_SEED, LONGEST_S, Scene, layout_named
from earwitness.verbs.heard import DEFAULT_RATE_HZ, Heard, check_rate, make_voice
from earwitness.verbs.progress import Progress, silent
from earwitness.verbs.rendering import ADM_FILE, write_adm, write_layouts
from earwitness.verbs.voicing import voice_scene
from earwitness.voice.phrases import understand

DEFAULT_LAYOUTS = ("5.1", "binaural")


@dataclasses.dataclass(frozen=True)
class Options:
    """How to listen. Every default is what most people want.

    Parameters
    ----------
    duration_s
        Length of the scene, seconds.
    sources
        Most sources; None decides by what is seen.
    prompt
        Words that add to or steer what is seen.
    fov_deg
        Horizontal angle of view of the picture; None takes EXIF's focal length, else 60°.
    seed
        What every random choice is drawn from.
    voice
        Who makes the sounds: the name of a voice, or ``library:FOLDER``.
    look
        Who looks: ``builtin``, or parts such as ``segmenter+depth``.
    name
        Who names; None is the look's own.
    region
        ``box`` (axis-aligned, as the paper found best) or ``polygon`` (minimal enclosing).
    rate_hz
        Sampling rate.

    Raises
    ------
    OptionError
        If one is outside what is allowed.
    """

    duration_s: float = 10.0
    sources: int | None = None
    prompt: str | None = None
    fov_deg: float | None = None
    seed: int = 0
    voice: str = "synth"
    look: str = "builtin"
    name: str | None = None
    region: str = "box"
    rate_hz: int = DEFAULT_RATE_HZ

    def __post_init__(self) -> None:
        if not 0.1 <= self.duration_s <= LONGEST_S:  # NaN fails this too
            raise OptionError(
                f"duration {self.duration_s:g} s; choose from 0.1 to {LONGEST_S:g} seconds"
            )
        if self.sources is not None and not 1 <= self.sources <= 64:
            raise OptionError(f"{self.sources} sources; choose from 1 to 64")
        if self.fov_deg is not None and not 5.0 <= self.fov_deg <= 170.0:
            raise OptionError(
                f"field of view {self.fov_deg:g}°; choose from 5 to 170 degrees, such as 60"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise OptionError(f"seed {self.seed}; choose a whole number from 0 to {LARGEST_SEED}")
        if self.region not in ("box", "polygon"):
            raise OptionError(f"region {self.region!r}; choose box or polygon")
        check_rate(self.rate_hz)


def look_at(picture: Picture, options: Options) -> Scene:
    """Return the scene that a picture shows, not yet voiced."""
    segmenter, _, depth = options.look.partition("+")
    asked = understand(options.prompt) if options.prompt else None
    return compose(
        picture,
        segmenter=plugins.make("segmenter", segmenter),
        namer=plugins.make("namer", options.name or "builtin"),
        depth=plugins.make("depth", depth or "builtin"),
        fov_deg=options.fov_deg,
        most=options.sources,
        wishes=asked.wishes if asked else (),
        refused=asked.refused if asked else (),
        region=options.region,
        seed=options.seed,
        duration_s=options.duration_s,
    )


def listen(
    path: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    layouts: Sequence[str] = DEFAULT_LAYOUTS,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    adm: bool = False,
    progress: Progress = silent,
    **options: Any,
) -> Heard:
    """Hear a picture.

    Parameters
    ----------
    path
        A still picture.
    out
        Folder to write: ``scene.json``, stems, a WAV for each layout, ``scene.png``. None writes
        nothing that stays; render what is wanted from what comes back.
    layouts
        Layouts to write into ``out``.
    renderer
        Name of a renderer for them; by default the one that suits each layout.
    loudness_lufs
        Integrated loudness of what is written, or None to keep the scene's own levels.
    adm
        Whether to write ``adm.wav`` too, a Broadcast Wave with each source as an object.
    progress
        Told of each stage.
    options
        As in :class:`Options`: ``duration_s``, ``sources``, ``prompt``, ``fov_deg``, ``seed``,
        ``voice``, ``look``, ``name``, ``region``, ``rate_hz``.

    Returns
    -------
    Heard
        The scene with its stems.

    Raises
    ------
    EarwitnessError
        If the picture, an option or the output is wrong; nothing is left half-written.

    Examples
    --------
    ``earwitness.listen("photo.jpg", prompt="light rain").render("5.1").write("photo.wav")``
    """
    chosen = Options(**options)
    wanted = tuple(dict.fromkeys(layout_named(name).name for name in layouts))
    voice = make_voice(chosen.voice)
    if out is not None:
        check_replaceable(Path(out))
    progress("reading", 0.0)
    picture = read_picture(path)
    progress("looking", 0.0)
    scene = look_at(picture, chosen)
    progress("looking", 1.0)
    scene = dataclasses.replace(
        scene, origin={**scene.origin, "voice": chosen.voice, "version": __version__}
    )
    if out is None:
        keeper = tempfile.TemporaryDirectory(prefix="earwitness-")
        folder = Path(keeper.name)
        scene = voice_scene(
            scene, folder, voice, rate_hz=chosen.rate_hz, pixels=picture.pixels, progress=progress
        )
        write_scene(folder, scene)
        return Heard(scene, folder, keeper)
    final = Path(out)
    with folder_beside(final) as made:
        keep_previous(final, made)
        scene = voice_scene(
            scene, made, voice, rate_hz=chosen.rate_hz, pixels=picture.pixels, progress=progress
        )
        write_scene(made, scene)
        heard = Heard(scene, made)
        levels = write_layouts(
            heard, wanted, renderer=renderer, loudness_lufs=loudness_lufs, progress=progress
        )
        if adm:
            write_adm(heard, made / ADM_FILE, progress=progress)
        progress("drawing", 0.0)
        draw_heard(scene, picture.pixels, levels).save(made / "scene.png")
    progress("done", 1.0)
    return Heard(scene, final)
