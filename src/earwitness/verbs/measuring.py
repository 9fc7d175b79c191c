"""``evaluate``: figures of a scene, of a pair of sounds, of a set."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness import plugins
from earwitness.errors import MediaError, OptionError
from earwitness.measure.acoustics import FIELDS, Acoustics, acoustics
from earwitness.measure.directions import Method
from earwitness.measure.distribution import BUILTIN, builtin_embedding, frechet, gaussian_kl
from earwitness.measure.guide import Guide
from earwitness.measure.space import SourceError, SpaceReport, judge_alone, judge_mix, merge
from earwitness.measure.table1 import COLUMNS, Table1, table1
from earwitness.media import read_picture
from earwitness.media.sounds import SUFFIXES, read_sound
from earwitness.scene import Scene, Sound, Source, layout_named
from earwitness.space.distance import amplitude, attenuation
from earwitness.space.render import renderer_for
from earwitness.verbs.heard import Heard
from earwitness.verbs.progress import Progress, silent

if TYPE_CHECKING:
    from earwitness.measure.alignment import Clap, ClipPicture
    from earwitness.measure.wav2clip import Wav2Clip

LONGEST_S = 30.0
"""Of a scene, so much is listened to."""
DEFAULT_LAYOUTS = ("foa", "5.1", "binaural")


@dataclasses.dataclass(frozen=True)
class Pair:
    """One pair of sounds, measured.

    Parameters
    ----------
    name
        Of the pair.
    paper
        The columns of Table 1.
    mended
        The same with their defects mended; None where one sound is silent.
    """

    name: str
    paper: Table1
    mended: Acoustics | None


@dataclasses.dataclass(frozen=True)
class SceneFigures:
    """What was found of a scene.

    Parameters
    ----------
    name
        Of its folder.
    space
        One report for each layout.
    guided
        The scene-guided pair, where a picture was given.
    guide
        The guide's name; empty without one.
    agreement
        Scores of sound against picture or words, by name.
    """

    name: str
    space: tuple[SpaceReport, ...]
    guided: Pair | None = None
    guide: str = ""
    agreement: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class SetFigures:
    """What was found of a set.

    Parameters
    ----------
    name
        Of the folder.
    scenes
        Each scene; empty for a set of sounds.
    space
        All sources of all scenes together, one report for each layout.
    pairs
        Each pair of sounds; empty for a set of scenes.
    distances
        Distances between the two sets, by name.
    """

    name: str
    scenes: tuple[SceneFigures, ...] = ()
    space: tuple[SpaceReport, ...] = ()
    pairs: tuple[Pair, ...] = ()
    distances: Mapping[str, float] = dataclasses.field(default_factory=dict)


def compare(first: Sound, second: Sound, name: str = "") -> Pair:
    """Return the figures of a pair of sounds, the first being the original."""
    silence = [not np.any(np.abs(sound.samples) > 1e-7) for sound in (first, second)]
    return Pair(name, table1(first, second), None if any(silence) else acoustics(first, second))


def evaluate_acoustics(
    first: str | os.PathLike[str],
    second: str | os.PathLike[str],
    *,
    layout: str | None = None,
    progress: Progress = silent,
) -> Pair:
    """Compare two sound files.

    Parameters
    ----------
    first, second
        The original, and what is compared with it.
    layout
        Of both, where their names and channels do not tell.
    progress
        Told while it works.

    Returns
    -------
    Pair

    Raises
    ------
    MediaError, OptionError
        If a file cannot be read or is too short.
    """
    progress("reading", 0.0)
    original, compared = read_sound(first, layout), read_sound(second, layout)
    progress("comparing", 0.3)
    made = compare(original, compared, f"{Path(first).name} / {Path(second).name}")
    progress("done", 1.0)
    return made


def _stem(heard: Heard, source: Source, rate_hz: int, samples: int) -> NDArray[np.float32]:
    reader = heard.stems(rate_hz)[source.id]
    parts, total = [], 0
    while total < samples:
        part = reader.read(min(65536, samples - total))
        if len(part) == 0:
            break
        parts.append(part)
        total += len(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def space_alone(
    heard: Heard,
    layout: str,
    *,
    renderer: str | None = None,
    method: Method = "beam",
    progress: Progress = silent,
) -> SpaceReport:
    """Return where each source of a scene is heard when it is rendered by itself.

    Parameters
    ----------
    heard
        A voiced scene.
    layout
        To render.
    renderer
        Any, by name; None is the one that suits the layout.
    method
        For loudspeakers.
    progress
        Told while it works.
    """
    scene, chosen = heard.scene, layout_named(layout)
    rows: list[SourceError] = []
    for i, source in enumerate(scene.sources):
        progress(f"listening to {source.name} in {chosen.title}", i / len(scene.sources))
        alone = dataclasses.replace(
            scene, sources=(source,), bed=(), duration_s=min(scene.duration_s, LONGEST_S)
        )
        # Straight from the renderer: a limiter would make loud sources look farther away.
        blocks = renderer_for(chosen, renderer).render(
            alone,
            {source.id: heard.stems(heard.rate_hz)[source.id]},
            layout=chosen,
            rate_hz=heard.rate_hz,
        )
        sound = Sound(np.concatenate(list(blocks), axis=1), heard.rate_hz, chosen.name)
        rows.append(judge_alone(alone, source, sound, method=method))
    return SpaceReport(chosen.title, "alone", tuple(rows))


def space_in_file(heard: Heard, sound: Sound, *, method: Method = "beam") -> SpaceReport:
    """Return where each source is heard in a finished sound of the scene.

    The sound must have been rendered from this scene, whole and without a delay of its own, by
    whatever renderer: the stems tell which source a bin of time and frequency belongs to.
    """
    scene = heard.scene
    count = min(sound.samples.shape[1], int(LONGEST_S * sound.rate_hz))
    cut = Sound(sound.samples[:, :count], sound.rate_hz, sound.layout)
    arriving = [
        _stem(heard, source, sound.rate_hz, count)
        * amplitude(source.level_db)
        * float(attenuation(source.distance_m))
        for source in scene.sources
    ]
    return judge_mix(scene, cut, arriving, method=method)


def make_guide(name: str) -> Guide:
    """Return a guide by name; ``avitar:PATH`` gives AViTAR its weights."""
    kind, _, argument = name.partition(":")
    made: Guide = plugins.make("guide", kind, *([argument] if argument else []))
    return made


def guided_pair(sound: Sound, picture: str | os.PathLike[str], guide: Guide) -> Pair:
    """Return the figures of a sound against itself as a guide would have it in the picture."""
    pixels = read_picture(picture).pixels
    return compare(sound, guide.match(pixels, sound), f"{Path(picture).name}, {guide.name}")


def evaluate_scene(
    folder: str | os.PathLike[str],
    *,
    layouts: Sequence[str] = DEFAULT_LAYOUTS,
    renderer: str | None = None,
    sound: str | os.PathLike[str] | None = None,
    layout: str | None = None,
    method: Method = "beam",
    picture: str | os.PathLike[str] | None = None,
    guide: str = "builtin",
    clap: str | None = None,
    clip: str | None = None,
    wav2clip: str | None = None,
    progress: Progress = silent,
) -> SceneFigures:
    """Measure a scene: where its sources are heard, and how well it fits a picture.

    Parameters
    ----------
    folder
        A voiced scene.
    layouts
        To render each source in, by itself.
    renderer
        Any, by name; for the layouts that it can make.
    sound
        Instead of rendering: a finished file of the scene, in which sources are told apart by time
        and frequency.
    layout
        Of that file, where its name and channels do not tell.
    method
        For loudspeakers: ``beam`` or ``energy``.
    picture
        For the scene-guided protocol, and for CLIP.
    guide
        Its guide.
    clap
        Name or folder of CLAP's weights: the sources' words against their stems.
    clip, wav2clip
        Folders of CLIP's (ViT-B/32) and Wav2CLIP's weights: the picture against the sound.
    progress
        Told while it works.

    Returns
    -------
    SceneFigures

    Raises
    ------
    EarwitnessError
        If the scene, a file, an option or weights are wrong.
    """
    heard = Heard.open(folder)
    scene = heard.scene
    silent_ones = [source.id for source in scene.parts if source.stem is None]
    if silent_ones:
        raise OptionError(
            f"{folder} is not voiced ({silent_ones[0]} has no stem); "
            f"run: earwitness render {folder}"
        )
    if (clip is None) != (wav2clip is None) or (clip is not None and picture is None):
        raise OptionError("the CLIP score needs --clip, --wav2clip and --picture together")
    guiding = make_guide(guide) if picture is not None else None
    # Weights that are not here are told at once, not after a minute of rendering.
    clap_model = _load_clap(heard, clap) if clap is not None else None
    clip_models = _load_clip(clip, wav2clip) if clip is not None and wav2clip is not None else None
    if sound is not None:
        progress("listening to the file", 0.1)
        reports: tuple[SpaceReport, ...] = (
            space_in_file(heard, read_sound(sound, layout), method=method),
        )
    else:
        reports = tuple(
            space_alone(heard, name, renderer=renderer, method=method, progress=progress)
            for name in dict.fromkeys(layouts)
        )
    pair = None
    if picture is not None and guiding is not None:
        progress("asking the guide", 0.5)
        whole = read_sound(sound, layout) if sound is not None else _short(heard, scene)
        pair = guided_pair(whole, picture, guiding)
    agreement: dict[str, float] = {}
    if clap_model is not None:
        progress("asking CLAP", 0.7)
        agreement["CLAP score"] = _clap(heard, clap_model)
    if clip_models is not None and picture is not None:
        progress("asking CLIP", 0.8)
        from earwitness.measure.alignment import clip_score

        whole = read_sound(sound, layout) if sound is not None else _short(heard, scene)
        agreement["CLIP score"] = clip_score(*clip_models, read_picture(picture).pixels, whole)
    progress("done", 1.0)
    name = Path(folder).resolve().name
    return SceneFigures(name, reports, pair, guiding.name if guiding else "", agreement)


def _short(heard: Heard, scene: Scene) -> Sound:
    """Return the scene in 5.1, at most :data:`LONGEST_S` of it."""
    cut = dataclasses.replace(scene, duration_s=min(scene.duration_s, LONGEST_S))
    short = Heard(cut, heard.folder)
    return short.render("5.1").sound


def _load_clap(heard: Heard, weights: str) -> Clap:
    if not heard.scene.sources:
        raise OptionError(f"{heard.folder} has no sources whose words CLAP could be asked for")
    from earwitness.measure.alignment import Clap

    return Clap.load(weights)


def _load_clip(clip: str, wav2clip: str) -> tuple[ClipPicture, Wav2Clip]:
    from earwitness.extras import require
    from earwitness.measure.alignment import ClipPicture

    require("torch", "transformers", what="the CLIP score")
    from earwitness.measure.wav2clip import Wav2Clip

    return ClipPicture.load(clip), Wav2Clip.load(wav2clip)


def _clap(heard: Heard, model: Clap) -> float:
    from earwitness.measure.alignment import agreement

    rate = heard.rate_hz
    samples = int(min(heard.scene.duration_s, LONGEST_S) * rate)
    sounds = [Sound(_stem(heard, s, rate, samples)[None], rate) for s in heard.scene.sources]
    words = [source.name for source in heard.scene.sources]
    return float(np.mean(agreement(model.sounds(sounds), model.texts(words))))


def _sounds_in(folder: Path) -> list[Path]:
    found = sorted(f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in SUFFIXES)
    if not found:
        raise MediaError(f"{folder} holds no sound files ({', '.join(SUFFIXES[:4])}, …)")
    return found


def scenes_in(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the scenes that are a folder's subfolders, sorted by name."""
    return sorted(f.parent for f in Path(folder).glob("*/scene.json") if f.is_file())


def evaluate_set(
    folder: str | os.PathLike[str],
    *,
    against: str | os.PathLike[str] | None = None,
    layouts: Sequence[str] = DEFAULT_LAYOUTS,
    renderer: str | None = None,
    method: Method = "beam",
    clap: str | None = None,
    progress: Progress = silent,
) -> SetFigures:
    """Measure a folder: of scenes, or of sounds against another folder of sounds.

    Parameters
    ----------
    folder
        Of scene folders; or, with ``against``, of sound files.
    against
        A folder of originals. As in the paper's protocol both are sorted by name and paired.
    layouts, renderer, method
        As in :func:`evaluate_scene`.
    clap
        Weights of CLAP: its embedding too, for the distances between the sets.
    progress
        Told while it works.

    Returns
    -------
    SetFigures

    Raises
    ------
    MediaError
        If there is nothing to measure, or the numbers of files differ.
    """
    place = Path(folder)
    for one in (place, *([Path(against)] if against is not None else [])):
        if not one.is_dir():
            raise MediaError(f"{one} is no folder; give a folder of scenes, or of sounds")
    if against is not None:
        return _sets(place, Path(against), clap, progress)
    scenes = scenes_in(place)
    if not scenes:
        raise MediaError(
            f"{place} holds no scene folders; give a folder of them, or --against FOLDER to "
            f"compare sound files"
        )
    rows = []
    for i, scene in enumerate(scenes):
        progress(f"scene {i + 1} of {len(scenes)}", i / len(scenes))
        rows.append(evaluate_scene(scene, layouts=layouts, renderer=renderer, method=method))
    together = tuple(merge([row.space[k] for row in rows]) for k in range(len(rows[0].space)))
    progress("done", 1.0)
    return SetFigures(place.resolve().name, scenes=tuple(rows), space=together)


def _sets(folder: Path, against: Path, clap: str | None, progress: Progress) -> SetFigures:
    made, originals = _sounds_in(folder), _sounds_in(against)
    if len(made) != len(originals):
        raise MediaError(
            f"{folder} holds {len(made)} sounds and {against} {len(originals)}; the protocol pairs "
            f"them by name, so the numbers must agree"
        )
    model = None
    if clap is not None:
        from earwitness.measure.alignment import Clap

        model = Clap.load(clap)
    pairs: list[Pair] = []
    clouds: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    claps: tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]] = ([], [])
    for i, (one, original) in enumerate(zip(made, originals)):
        progress(f"pair {i + 1} of {len(made)}", i / len(made))
        sounds = (read_sound(original), read_sound(one))
        pairs.append(compare(*sounds, name=one.name))
        for k, sound in enumerate(sounds):
            clouds[k].append(builtin_embedding(sound))
            if model is not None:
                claps[k].append(model.sounds([sound]))
    distances: dict[str, float] = {}
    for name, cloud in ((BUILTIN, clouds), ("clap", claps)):
        first, second = (np.concatenate(rows) if rows else np.zeros((0, 1)) for rows in cloud)
        if min(len(first), len(second)) >= 2:
            distances[f"Fréchet distance ({name})"] = frechet(first, second)
            distances[f"KL of Gaussians ({name})"] = gaussian_kl(first, second)
    if model is not None:
        from earwitness.measure.alignment import concept_probabilities
        from earwitness.measure.distribution import paired_kl

        chances = [concept_probabilities(model, np.concatenate(rows)) for rows in claps]
        distances["KL of concepts (clap)"] = paired_kl(chances[0], chances[1])
    progress("done", 1.0)
    return SetFigures(folder.resolve().name, pairs=tuple(pairs), distances=distances)


def mean_columns(pairs: Sequence[Pair]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean of each column: the paper's, which NaN poisons, and the mended."""
    paper = {c: float(np.mean([getattr(p.paper, c) for p in pairs])) for c in COLUMNS}
    mended: dict[str, float] = {}
    for field in FIELDS:
        values = [getattr(p.mended, field) for p in pairs if p.mended is not None]
        known = [value for value in values if np.isfinite(value)]
        mended[field] = float(np.mean(known)) if known else float("nan")
    return paper, mended
