"""``listen`` to what moves: a clip becomes a scene with trajectories, and a clip that sounds."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from earwitness import __version__, plugins
from earwitness.draw.heard import draw_heard
from earwitness.draw.preview import WIDTH_PX, Boxes, preview_pictures
from earwitness.errors import MediaError, OptionError, OutputError
from earwitness.look.contract import Segmenter
from earwitness.look.followed import FollowingSegmenter
from earwitness.look.lens import FlatLens, Lens, Parts, RoundLens
from earwitness.look.shots import Shot, Watcher
from earwitness.look.watching import Watched, watched
from earwitness.media import check_replaceable, folder_beside, keep_previous, write_scene
from earwitness.media.clips import Clip, frames, read_clip
from earwitness.media.mux import (
    clip_pictures,
    codec_for,
    holds,
    suffix_for,
    write_under_picture,
    write_with_drawn_picture,
)
from earwitness.media.track import own_sound, wav_blocks
from earwitness.scene import LONGEST_S, Layout, layout_named
from earwitness.space.mixing import mixed, own_layout_for
from earwitness.space.render import Rendering
from earwitness.verbs.heard import Heard, make_voice
from earwitness.verbs.options import Options
from earwitness.verbs.parts import Looking, looking
from earwitness.verbs.progress import Progress, Shown, counted, silent, unshown
from earwitness.verbs.remembering import ClipMemory
from earwitness.verbs.rendering import ADM_FILE, write_adm, write_layouts
from earwitness.verbs.voicing import voice_scene

Projection = Literal["auto", "flat", "equirect"]
PROJECTIONS = ("auto", "flat", "equirect")
LOOKS_PER_S = 3.0
_MOST_LOOKS_PER_S = 60.0
_SEEN_AS = 5  # changes whenever what is kept of a look changes its meaning


@dataclasses.dataclass(frozen=True)
class ClipOptions:
    """What is made of a clip, beside its scene.

    Parameters
    ----------
    video
        The clip with its new sound: ``.mp4``, ``.mov`` or ``.mkv``. None names it after the clip,
        beside the scene's folder, MP4 where that can hold the picture.
    video_layout
        Layout of its sound track; None is 5.1, and first-order ambisonics for a 360° clip.
    codec
        ``aac``, ``opus``, ``flac``, ``alac``, ``ac3`` or ``pcm``.
    keep_sound
        Whether the clip's own sound is mixed in, as loud as the scene, or left out.
    projection
        ``flat``, ``equirect`` (360°), or ``auto``: what the file says.
    preview
        Whether a video is written that shows what is heard where.
    looks_per_s
        Most frames a second that are looked at; all of them serve motion.
    resume
        Whether what was seen in an earlier run is used and kept.

    Raises
    ------
    OptionError
        If one is outside what is allowed.
    """

    video: str | os.PathLike[str] | None = None
    video_layout: str | None = None
    codec: str = "aac"
    keep_sound: bool = False
    projection: Projection = "auto"
    preview: bool = False
    looks_per_s: float = LOOKS_PER_S
    resume: bool = True

    def __post_init__(self) -> None:
        if self.projection not in PROJECTIONS:
            raise OptionError(
                f"projection {self.projection!r}; choose one of {', '.join(PROJECTIONS)}"
            )
        if not 0.1 <= self.looks_per_s <= _MOST_LOOKS_PER_S:
            raise OptionError(
                f"{self.looks_per_s:g} looks a second; choose from 0.1 to {_MOST_LOOKS_PER_S:g}"
            )
        if self.video_layout is not None:
            layout_named(self.video_layout)


@dataclasses.dataclass(frozen=True)
class _Files:
    """What is written beside the scene's folder."""

    video: Path
    preview: Path


def watch(
    path: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    layouts: Sequence[str] | None = None,
    renderer: str | None = None,
    loudness_lufs: float | None = -23.0,
    adm: bool = False,
    clip_options: ClipOptions | None = None,
    options: Options | None = None,
    progress: Progress = silent,
    shown: Shown = unshown,
) -> Heard:
    """Hear a clip: a video, or an animated GIF, WebP, PNG or AVIF.

    Parameters
    ----------
    path
        The clip.
    out
        Folder of the scene; the clip with its new sound is written beside it. None writes nothing
        that stays.
    layouts
        Layouts to write as WAV into ``out``; None is 5.1 and binaural, for a 360° clip
        first-order ambisonics too.
    renderer, loudness_lufs, adm
        As in :func:`~earwitness.verbs.listening.listen`.
    clip_options
        What is made of the clip beside its scene.
    options
        How to listen.
    progress
        Told of each stage and how far it is.
    shown
        Called with the scene once all is seen, before it is voiced.

    Returns
    -------
    Heard
        The scene with its stems; ``files`` names what was written beside it.

    Raises
    ------
    EarwitnessError
        If the clip, an option or the output is wrong; nothing is left half-written.
    """
    asked, made = options or Options(), clip_options or ClipOptions()
    progress("reading", 0.0)
    clip = read_clip(path)
    round_picture = made.projection == "equirect" or (made.projection == "auto" and clip.spherical)
    layout = layout_named(made.video_layout or ("foa" if round_picture else "5.1"))
    codec_for(made.codec, layout)
    wanted = tuple(
        dict.fromkeys(
            layout_named(name).name
            for name in layouts or ("5.1", "binaural", *(("foa",) if round_picture else ()))
        )
    )
    # What cannot be had is told before anything is watched.
    parts = looking(asked, make_voice(asked.voice, asked.models))
    final = Path(out) if out is not None else None
    if final is not None:
        check_replaceable(final)
    files = _files(clip, made, final)
    seen, watcher = _watched(
        clip, asked, made, parts, round_picture=round_picture, progress=progress
    )
    scene = dataclasses.replace(
        seen.scene,
        origin={
            **seen.scene.origin,
            "kind": "clip",
            "projection": "equirect" if round_picture else "flat",
            "looks": sum(len(shot.seen) for shot in seen.shots),
            "voice": asked.voice,
            "version": __version__,
            **({"prompt": parts.prompt} if parts.prompt else {}),
        },
    )
    seen = dataclasses.replace(seen, scene=scene)
    shown(scene, None)
    work = _Work(clip, seen, made, asked, layout, renderer, loudness_lufs, progress)
    if final is None:
        keeper = tempfile.TemporaryDirectory(prefix="earwitness-")
        heard = work.voiced(Path(keeper.name))
        written = work.write_clips(heard, files, {}) if made.video is not None else ()
        return Heard(heard.scene, heard.folder, keeper, written)
    with folder_beside(final) as folder:
        keep_previous(final, folder)
        heard = work.voiced(folder)
        levels = write_layouts(
            heard, wanted, renderer=renderer, loudness_lufs=loudness_lufs, progress=progress
        )
        if adm:
            write_adm(heard, folder / ADM_FILE, progress=progress)
        progress("drawing", 0.0)
        sheet = draw_heard(
            heard.scene, None, levels, strip=_strip(watcher), boxes=_boxes(seen, clip)
        )
        sheet.save(folder / "scene.png")
        wavs = {name: folder / f"{layout_named(name).title}.wav" for name in wanted}
        written = work.write_clips(heard, files, wavs)
    progress("done", 1.0)
    return Heard(heard.scene, final, files=written)


def _files(clip: Clip, made: ClipOptions, final: Path | None) -> _Files:
    """Return where the clip with its new sound goes, after checking that it can go there."""
    if made.video is not None:
        video = Path(made.video)
        fitting = suffix_for(clip)
        if not holds(video.suffix, clip) and fitting is not None:
            raise OutputError(
                f"{video} cannot hold the picture of {clip.path} as it is (codec {clip.codec}); "
                f"give a name that ends in {fitting}"
            )
    else:
        beside = final.parent if final is not None else Path()
        fitting = suffix_for(clip)
        suffix = fitting or ".mp4"
        if suffix == ".mp4" and made.codec == "pcm":
            suffix = ".mov" if fitting is None or holds(".mov", clip) else ".mkv"
        video = beside / f"{clip.path.stem}.heard{suffix}"
    if fitting is None:
        warnings.warn(
            f"the picture of {clip.path.name}, in the codec {clip.codec}, fits into no MP4, MKV or "
            f"MOV as it is; it is coded anew in H.264",
            stacklevel=2,
        )
    preview = video.with_name(f"{clip.path.stem}.preview.mp4")
    for file in (video, preview):
        if file.exists() and file.resolve() == clip.path.resolve():
            raise OutputError(f"{file} is the clip itself; choose another name with --video")
    return _Files(video, preview)


def _watched(
    clip: Clip,
    asked: Options,
    made: ClipOptions,
    who: Looking,
    *,
    round_picture: bool,
    progress: Progress,
) -> tuple[Watched, Watcher]:
    """Look at a clip from its first to its last frame."""
    segmenter: Segmenter = who.segmenter
    if asked.track is not None:
        tracker = plugins.made("tracker", asked.track, asked.models)
        segmenter = FollowingSegmenter(segmenter, tracker)
    parts = Parts(
        segmenter,
        who.namer,
        who.depth,
        fov_deg=asked.fov_deg,
        wishes=who.wishes,
        refused=who.refused,
        region=asked.region,
        seed=asked.seed,
    )
    lens: Lens = RoundLens(parts) if round_picture else FlatLens(parts)
    about = (
        *(_SEEN_AS, __version__, asked.look, asked.name, asked.fov_deg, asked.prompt, asked.region),
        asked.track,
        *(asked.seed, round_picture),
    )
    memory = ClipMemory(clip.path, repr(about)) if made.resume else None
    watcher = Watcher(lens, looks_per_s=made.looks_per_s, name=clip.path.name, memory=memory)
    longest_s = asked.duration_s if asked.duration_s is not None else LONGEST_S
    expected_s = min(clip.duration_s or longest_s, longest_s)
    shots: list[Shot] = []
    last_s, count = 0.0, 0
    for told in watcher.watch(frames(clip, longest_s=longest_s)):
        if isinstance(told, Shot):
            shots.append(told)
        else:
            last_s, count = told, count + 1
            progress(f"watching {clip.path.name}", min(1.0, told / expected_s))
    if count < 2:
        raise MediaError(
            f"{clip.path} holds a single frame; nothing moves in it. Save the frame as a picture "
            f"(PNG) and listen to that"
        )
    last_s = max(last_s, max(shot.end_s for shot in shots))
    step_s = last_s / (count - 1) if clip.animated else 1.0 / clip.frames_per_s
    length_s = min(longest_s, last_s + step_s)
    if clip.duration_s is not None and length_s < 0.9 * expected_s:
        warnings.warn(
            f"{clip.path.name} says that it lasts {clip.duration_s:.1f} s and could be read for "
            f"{length_s:.1f} s only; it was cut short or is damaged",
            stacklevel=2,
        )
    if clip.animated and clip.duration_s is not None and longest_s >= clip.duration_s:
        length_s = clip.duration_s
    seen = watched(
        shots,
        lens,
        duration_s=max(0.1, round(length_s, 6)),
        size_px=(clip.width_px, clip.height_px),
        most=asked.sources,
        name=clip.path.name,
    )
    return seen, watcher


@dataclasses.dataclass(frozen=True)
class _Work:
    """What is made once a clip was watched."""

    clip: Clip
    seen: Watched
    made: ClipOptions
    asked: Options
    layout: Layout
    renderer: str | None
    loudness_lufs: float | None
    progress: Progress

    def voiced(self, folder: Path) -> Heard:
        """Return the scene with stems in a folder."""
        scene = voice_scene(
            self.seen.scene,
            folder,
            make_voice(self.asked.voice, self.asked.models),
            rate_hz=self.asked.rate_hz,
            follows=self.seen.follows,
            progress=self.progress,
        )
        write_scene(folder, scene)
        return Heard(scene, folder)

    def write_clips(
        self, heard: Heard, files: _Files, wavs: Mapping[str, Path]
    ) -> tuple[Path, ...]:
        """Write the clip with its new sound, and the preview; return what was written."""
        clip, scene = self.clip, heard.scene
        sound = self._sound(heard, self.layout, wavs)
        length_s = scene.duration_s
        sphere = scene.origin.get("projection") == "equirect"
        longest_s = length_s if self.asked.duration_s is not None else None
        blocks = self._counted(sound, f"writing {files.video.name}", length_s)
        write_under_picture(
            clip,
            files.video,
            blocks,
            layout=self.layout,
            rate_hz=self.asked.rate_hz,
            codec=self.made.codec,
            length_s=length_s,
            longest_s=longest_s,
            sphere=sphere,
        )
        if not self.made.preview:
            return (files.video,)
        stereo = layout_named("binaural")
        write_with_drawn_picture(
            preview_pictures(
                clip_pictures(clip, longest_s, longest_side_px=WIDTH_PX),
                scene,
                _boxes(self.seen, clip),
            ),
            files.preview,
            self._counted(
                self._sound(heard, stereo, wavs), f"drawing {files.preview.name}", length_s
            ),
            layout=stereo,
            rate_hz=self.asked.rate_hz,
            length_s=length_s,
        )
        return (files.video, files.preview)

    def _sound(
        self, heard: Heard, layout: Layout, wavs: Mapping[str, Path]
    ) -> Iterator[NDArray[np.float32]]:
        """Return the sound of the clip in a layout, with its own mixed in where that was asked."""
        keeps = self.made.keep_sound and self.clip.has_sound
        if self.made.keep_sound and not self.clip.has_sound:
            warnings.warn(f"{self.clip.path.name} has no sound of its own to keep", stacklevel=2)
        if layout.name in wavs and not keeps:
            return wav_blocks(wavs[layout.name])
        rendering = heard.render(
            layout.name,
            renderer=self.renderer if layout is self.layout else None,
            loudness_lufs=self.loudness_lufs,
            rate_hz=self.asked.rate_hz,
            progress=self.progress,
        ).rendering
        if keeps:
            rendering = self._with_own(rendering)
        return rendering.blocks()

    def _with_own(self, rendering: Rendering) -> Rendering:
        own = own_layout_for(rendering.layout)
        return mixed(
            rendering,
            lambda: own_sound(
                self.clip,
                layout=own,
                rate_hz=rendering.rate_hz,
                longest_s=rendering.samples / rendering.rate_hz,
            ),
            own,
            loudness_lufs=self.loudness_lufs,
        )

    def _counted(
        self, blocks: Iterator[NDArray[np.float32]], stage: str, length_s: float
    ) -> Iterator[NDArray[np.float32]]:
        total = max(1, round(length_s * self.asked.rate_hz))
        return counted(blocks, total, lambda part: self.progress(stage, part))


def _scale(seen: Watched, clip: Clip) -> float:
    looked = seen.shots[0].look_px[0] if seen.shots else clip.width_px
    return clip.width_px / max(1, looked)


def _boxes(seen: Watched, clip: Clip) -> dict[str, Boxes]:
    """Return where in the clip's pixels each tracked source was seen."""
    scale = _scale(seen, clip)
    return {
        key: Boxes(
            np.array([one.time_s for one in track.seen]),
            np.array([one.box_px for one in track.seen]) * scale,
        )
        for key, track in seen.tracks.items()
    }


def _strip(watcher: Watcher) -> list[tuple[float, NDArray[np.uint8]]]:
    """Return up to four frames spread over the clip, none of them its very first or last."""
    stills = watcher.stills
    if len(stills) <= 4:
        return stills
    at = (np.arange(4) + 0.5) / 4 * len(stills)
    return [stills[int(i)] for i in at]
