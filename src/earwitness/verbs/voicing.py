"""Give every source and bed of a scene its stem."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from earwitness.look.watching import Follow
from earwitness.media import STEMS, write_flac
from earwitness.scene import Bed, Scene, Source
from earwitness.verbs.progress import Progress, counted, silent
from earwitness.voice.contract import Request, Voice, Voiced
from earwitness.voice.follow import followed

_SHORTEST_S = 0.05
_SILENCE = 1 << 16
_LONGEST_TOGETHER_S = 900.0

_Item = TypeVar("_Item", Source, Bed)


def seed_of(scene_seed: int, identifier: str) -> int:
    """Return the seed of one stem: it depends on the scene's seed and the id alone.

    So one stem can be made again without touching the others.
    """
    state = np.random.SeedSequence([scene_seed, zlib.crc32(identifier.encode())])
    return int(state.generate_state(1, np.uint64)[0] >> 1)


def _crop(pixels: NDArray[np.uint8] | None, item: Source | Bed) -> NDArray[np.uint8] | None:
    if pixels is None or not isinstance(item, Source) or item.region is None:
        return None
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(v) for v in item.region.box_px)
    part = pixels[max(0, y0) : min(height, max(y1, y0 + 1)), max(0, x0) : min(width, x1)]
    return part if part.size else None


def sounding(item: Source | Bed, duration_s: float) -> tuple[float, float]:
    """Return from when to when something sounds, by its gain.

    In a long clip most things are there for a while only; they are voiced for that while.

    Examples
    --------
    >>> sounding(Bed("a", "a", "wind", gain=((2.0, 0.0), (3.0, 1.0), (5.0, 1.0), (6.0, 0.0))), 60.0)
    (2.0, 6.0)
    """
    on = [i for i, row in enumerate(item.gain) if row[1] > 0.0]
    if not on:
        return 0.0, duration_s
    start = 0.0 if on[0] == 0 else item.gain[on[0] - 1][0]
    end = duration_s if on[-1] == len(item.gain) - 1 else item.gain[on[-1] + 1][0]
    start = float(np.clip(start, 0.0, duration_s))
    end = float(np.clip(end, 0.0, duration_s))
    return (start, end) if end - start >= _SHORTEST_S else (0.0, duration_s)


def between_silence(
    blocks: Iterable[NDArray[np.float32]], before: int, total: int
) -> Iterator[NDArray[np.float32]]:
    """Yield blocks with silence before and after them, ``total`` samples in all.

    Examples
    --------
    >>> np.concatenate(list(between_silence([np.ones(2, np.float32)], 1, 5))).tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    done = 0
    while done < before:
        step = min(_SILENCE, before - done)
        yield np.zeros(step, np.float32)
        done += step
    for block in blocks:
        part = block[: total - done]
        if len(part):
            yield part
            done += len(part)
    while done < total:
        step = min(_SILENCE, total - done)
        yield np.zeros(step, np.float32)
        done += step


def _request(
    scene: Scene, item: Source | Bed, rate_hz: int, pixels: NDArray[np.uint8] | None
) -> Request:
    start_s, end_s = sounding(item, scene.duration_s)
    return Request(
        words=item.name,
        concept=item.concept,
        duration_s=end_s - start_s,
        rate_hz=rate_hz,
        seed=seed_of(scene.seed, item.id),
        pixels=_crop(pixels, item),
        prompt=str(scene.origin.get("prompt", "")),
    )


def _answers(voice: Voice, requests: Sequence[Request], progress: Progress) -> Iterator[Voiced]:
    """Yield what a voice answers: all at once where it can and it fits into memory."""
    together = getattr(voice, "voice_many", None)
    if together is None or sum(one.duration_s for one in requests) > _LONGEST_TOGETHER_S:
        for request in requests:
            yield voice.voice(request)
        return
    if hasattr(voice, "watch"):
        voice.watch = lambda part: progress("generating", part)
    try:
        progress("generating", 0.0)
        yield from together(requests)
    finally:
        if hasattr(voice, "watch"):
            voice.watch = None


def voice_scene(
    scene: Scene,
    folder: Path,
    voice: Voice,
    *,
    rate_hz: int = 48000,
    pixels: NDArray[np.uint8] | None = None,
    follows: Mapping[str, Follow] | None = None,
    progress: Progress = silent,
) -> Scene:
    """Make the stems that a scene lacks.

    Parameters
    ----------
    scene
        Sources and beds whose ``stem`` is None are voiced; the others are left alone.
    folder
        The scene's folder; stems go into its ``stems``.
    voice
        Who makes the sounds.
    rate_hz
        Rate of the stems.
    pixels
        The picture, for voices that look.
    follows
        By id, the visible motion that a sound is to follow.
    progress
        Told after each part.

    Returns
    -------
    Scene
        The same with every stem set.

    Raises
    ------
    VoiceError
        If a name cannot be voiced.
    OutputError
        If a stem cannot be written.
    """
    (folder / STEMS).mkdir(exist_ok=True)
    lacking = [item for item in scene.parts if item.stem is None]
    made: dict[str, Source | Bed] = {}
    requests = [_request(scene, item, rate_hz, pixels) for item in lacking]
    answers = _answers(voice, requests, progress)

    for number, item in enumerate(lacking):
        stage = f"voicing {item.name}"

        def tell(part: float, number: int = number, stage: str = stage) -> None:
            progress(stage, (number + part) / len(lacking))

        tell(0.0)
        start_s, _ = sounding(item, scene.duration_s)
        request, voiced = requests[number], next(answers)
        blocks: Iterable[NDArray[np.float32]] = voiced.blocks
        motion = (follows or {}).get(item.id)
        if motion is not None:
            blocks = followed(
                blocks,
                rate_hz,
                onsets_s=[at - start_s for at in motion.onsets_s],
                times_s=motion.times_s - start_s,
                activity=motion.activity,
                rng=np.random.default_rng(request.seed),
            )
        total = max(1, round(scene.duration_s * rate_hz))
        whole = between_silence(blocks, round(start_s * rate_hz), total)
        stem = f"{STEMS}/{item.id}.flac"
        write_flac(folder / stem, counted(whole, total, tell), rate_hz=rate_hz)
        made[item.id] = dataclasses.replace(item, stem=stem, credits=voiced.credits)

    def kept(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        return tuple(made.get(item.id, item) for item in items)  # type: ignore[misc]

    return dataclasses.replace(scene, sources=kept(scene.sources), bed=kept(scene.bed))
