"""Give every source and bed of a scene its stem."""

from __future__ import annotations

import dataclasses
import zlib
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from earwitness.media import STEMS, write_flac
from earwitness.scene import Bed, Scene, Source
from earwitness.verbs.progress import Progress, counted, silent
from earwitness.voice.contract import Request, Voice

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


def voice_scene(
    scene: Scene,
    folder: Path,
    voice: Voice,
    *,
    rate_hz: int = 48000,
    pixels: NDArray[np.uint8] | None = None,
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

    for number, item in enumerate(lacking):
        stage = f"voicing {item.name}"

        def tell(part: float, number: int = number, stage: str = stage) -> None:
            progress(stage, (number + part) / len(lacking))

        tell(0.0)
        request = Request(
            words=item.name,
            concept=item.concept,
            duration_s=scene.duration_s,
            rate_hz=rate_hz,
            seed=seed_of(scene.seed, item.id),
            pixels=_crop(pixels, item),
        )
        voiced = voice.voice(request)
        stem = f"{STEMS}/{item.id}.flac"
        write_flac(folder / stem, counted(voiced.blocks, request.samples, tell), rate_hz=rate_hz)
        made[item.id] = dataclasses.replace(item, stem=stem, credits=voiced.credits)

    def kept(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
        return tuple(made.get(item.id, item) for item in items)  # type: ignore[misc]

    return dataclasses.replace(scene, sources=kept(scene.sources), bed=kept(scene.bed))
