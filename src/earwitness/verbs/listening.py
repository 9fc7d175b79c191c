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
from earwitness.look.compose import compose
from earwitness.look.contract import Picture
from earwitness.look.round import compose_round
from earwitness.media import (
    check_replaceable,
    folder_beside,
    keep_previous,
    read_picture,
    write_scene,
)
from earwitness.media.clips import is_clip
from earwitness.scene import Scene, layout_named
from earwitness.verbs.heard import Heard, make_voice
from earwitness.verbs.options import DEFAULT_LAYOUTS, Options
from earwitness.verbs.progress import Progress, Shown, silent, unshown
from earwitness.verbs.rendering import ADM_FILE, write_adm, write_layouts
from earwitness.verbs.voicing import voice_scene
from earwitness.verbs.watching import ClipOptions, watch
from earwitness.voice.phrases import understand


def look_at(picture: Picture, options: Options, *, equirect: bool = False) -> Scene:
    """Return the scene that a picture shows, not yet voiced; ``equirect``: all the way round."""
    segmenter, _, depth = options.look.partition("+")
    asked = understand(options.prompt) if options.prompt else None
    if equirect:
        return compose_round(
            picture,
            segmenter=plugins.make("segmenter", segmenter),
            namer=plugins.make("namer", options.name or "builtin"),
            depth=plugins.make("depth", depth or "builtin"),
            most=options.sources,
            wishes=asked.wishes if asked else (),
            refused=asked.refused if asked else (),
            region=options.region,
            seed=options.seed,
            duration_s=options.still_s,
        )
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
        duration_s=options.still_s,
    )


def listen(
    path: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    layouts: Sequence[str] | None = None,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    adm: bool = False,
    progress: Progress = silent,
    shown: Shown = unshown,
    **options: Any,
) -> Heard:
    """Hear a picture or a clip.

    Parameters
    ----------
    path
        A still picture, a 360° panorama, a video, or an animated GIF, WebP or PNG.
    out
        Folder to write: ``scene.json``, stems, a WAV for each layout, ``scene.png``. A clip with
        its new sound is written beside it. None writes nothing that stays; render what is wanted
        from what comes back.
    layouts
        Layouts to write into ``out``; None is 5.1 and binaural, and for what shows 360°
        first-order ambisonics (AmbiX) too.
    renderer
        Name of a renderer for them; by default the one that suits each layout.
    loudness_lufs
        Integrated loudness of what is written, or None to keep the scene's own levels.
    adm
        Whether to write ``adm.wav`` too, a Broadcast Wave with each source as an object.
    progress
        Told of each stage.
    shown
        Called with the scene once it is seen, before it is voiced.
    options
        As in :class:`Options`: ``duration_s``, ``sources``, ``prompt``, ``fov_deg``, ``seed``,
        ``voice``, ``look``, ``name``, ``region``, ``rate_hz``; and as in
        :class:`~earwitness.verbs.watching.ClipOptions`: ``projection`` for pictures and clips,
        ``video``, ``video_layout``, ``codec``, ``keep_sound``, ``preview``, ``looks_per_s``,
        ``resume`` for clips.

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
    of_clips = {field.name for field in dataclasses.fields(ClipOptions)}
    moving = ClipOptions(**{key: options.pop(key) for key in of_clips & set(options)})
    chosen = Options(**options)
    if is_clip(path):
        return watch(
            path,
            out=out,
            layouts=layouts,
            renderer=renderer,
            loudness_lufs=loudness_lufs,
            adm=adm,
            clip_options=moving,
            options=chosen,
            progress=progress,
            shown=shown,
        )
    for name in layouts or ():
        layout_named(name)
    voice = make_voice(chosen.voice)
    if out is not None:
        check_replaceable(Path(out))
    progress("reading", 0.0)
    picture = read_picture(path)
    progress("looking", 0.0)
    equirect = moving.projection == "equirect" or (moving.projection == "auto" and picture.equirect)
    usual = (*DEFAULT_LAYOUTS, "foa") if equirect else DEFAULT_LAYOUTS
    wanted = tuple(dict.fromkeys(layout_named(name).name for name in layouts or usual))
    scene = look_at(picture, chosen, equirect=equirect)
    progress("looking", 1.0)
    scene = dataclasses.replace(
        scene, origin={**scene.origin, "voice": chosen.voice, "version": __version__}
    )
    shown(scene, picture.pixels)
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
