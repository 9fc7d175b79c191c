"""``listen``: a picture becomes a scene that can be heard."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earwitness import __version__
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
from earwitness.models.settings import Settings
from earwitness.scene import Scene, layout_named
from earwitness.verbs.heard import Heard, make_voice
from earwitness.verbs.options import DEFAULT_LAYOUTS, Options
from earwitness.verbs.parts import Looking, looking, preset
from earwitness.verbs.progress import Progress, Shown, silent, unshown
from earwitness.verbs.rendering import ADM_FILE, write_adm, write_layouts
from earwitness.verbs.voicing import voice_scene
from earwitness.verbs.watching import ClipOptions, watch


def look_at(picture: Picture, options: Options, *, equirect: bool = False) -> Scene:
    """Return the scene that a picture shows, not yet voiced; ``equirect``: all the way round."""
    voice = make_voice(options.voice, options.models)
    return _scene(picture, looking(options, voice), options, equirect=equirect)


def _scene(picture: Picture, parts: Looking, options: Options, *, equirect: bool) -> Scene:
    shared: dict[str, Any] = {
        "segmenter": parts.segmenter,
        "namer": parts.namer,
        "depth": parts.depth,
        "most": options.sources,
        "wishes": parts.wishes,
        "refused": parts.refused,
        "region": options.region,
        "seed": options.seed,
        "duration_s": options.still_s,
    }
    if equirect:
        scene = compose_round(picture, **shared)
    else:
        scene = compose(picture, fov_deg=options.fov_deg, **shared)
    if options.name == "picture" and scene.sources:
        # Without names there is no surrounding sound to speak of: SEE-2-SOUND has regions alone.
        scene = dataclasses.replace(scene, bed=())
    if parts.prompt:
        scene = dataclasses.replace(scene, origin={**scene.origin, "prompt": parts.prompt})
    return scene


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
        A still picture, a 360° panorama, a video, or an animated GIF, WebP, PNG or AVIF.
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
        ``resume`` for clips; and as in :class:`~earwitness.models.settings.Settings` for foundation
        models: ``device``, ``precision``, ``low_memory``, ``batch``, ``steps``, ``guidance``,
        ``negative``, ``candidates``, ``ranker``, ``shelf``. ``preset="see-2-sound"`` sets what is
        not given to the choices of that paper.

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
    named = options.pop("preset", None)
    if named is not None:
        usual_options = dict(preset(named))
        layouts = layouts or usual_options.pop("layouts", None)
        renderer = renderer or usual_options.pop("renderer", None)
        options = {**usual_options, **{k: v for k, v in options.items() if v is not None}}
        options = {k: v for k, v in options.items() if k not in ("layouts", "renderer")}
    of_models = {field.name for field in dataclasses.fields(Settings)}
    asked = {key: options.pop(key) for key in of_models & set(options)}
    if asked:
        given: Settings | None = options.get("models")
        # What was given by itself goes before what a preset says.
        kept = given.generates if given is not None else {}
        options["models"] = dataclasses.replace(given or Settings(), **{**asked, **kept})
    chosen = Options(**{key: value for key, value in options.items() if value is not None})
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
    voice = make_voice(chosen.voice, chosen.models)
    parts = looking(chosen, voice)
    if out is not None:
        check_replaceable(Path(out))
    progress("reading", 0.0)
    picture = read_picture(path)
    progress("looking", 0.0)
    equirect = moving.projection == "equirect" or (moving.projection == "auto" and picture.equirect)
    usual = (*DEFAULT_LAYOUTS, "foa") if equirect else DEFAULT_LAYOUTS
    wanted = tuple(dict.fromkeys(layout_named(name).name for name in layouts or usual))
    scene = _scene(picture, parts, chosen, equirect=equirect)
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
