"""Foundation models at their real size with made-up weights: seconds and memory of each part.

    python -m benchmarks.bench_foundation sam2-tiny
    python -m benchmarks.bench_foundation clip --batch 1 --precision bf16
    python -m benchmarks.bench_foundation all

Each stage is in a process of its own, so that the peak is its own: a folder is written as its
publisher writes it (:mod:`benchmarks.full_size`), read through the package's loader and run by the
package's own part on a photo. Real weights are not needed: neither time nor memory depends on
their values. Seconds are the process's CPU time on one thread, the better of two runs, so that a
busy machine counts little; reading the weights is told beside it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from earwitness.models.device import peak_memory_bytes
from earwitness.models.settings import Settings

PHOTO = Path(__file__).parent.parent / "examples" / "stream.jpg"

Run = Callable[[], Any]


def _photo() -> Any:
    image = Image.open(PHOTO).convert("RGB")
    image.thumbnail((1024, 1024))
    return np.asarray(image)


def _eight() -> list[Any]:
    """Return eight parts of the photo, as regions are cut out of one."""
    pixels = _photo()
    return [np.ascontiguousarray(pixels[40 * i : 40 * i + 300, 60 * i : 60 * i + 400])
            for i in range(8)]  # fmt: skip


def _sam(entry: str, points: int) -> Callable[[Path, Settings], Run]:
    def build(folder: Path, settings: Settings) -> Run:
        from earwitness.look.foundation.sam import Sam2Segmenter, SamSegmenter

        kind = Sam2Segmenter if entry.startswith("sam2") else SamSegmenter
        part = kind(folder, entry=entry, points=points, settings=settings)
        return lambda: part.masks(_photo())

    return build


def _mask2former(folder: Path, settings: Settings) -> Run:
    from earwitness.look.contract import Picture
    from earwitness.look.foundation.mask2former import Mask2FormerSegmenter

    part = Mask2FormerSegmenter(folder, settings=settings)
    return lambda: part.segment(Picture(_photo()))


def _tracker(folder: Path, settings: Settings) -> Run:
    from earwitness.look.contract import Picture
    from earwitness.look.foundation.tracker import Sam2Tracker

    part = Sam2Tracker(folder, settings=settings)
    picture = Picture(_photo())
    mask = np.zeros(picture.pixels.shape[:2], bool)
    mask[200:400, 300:500] = True
    part.begin(picture, [mask])
    return lambda: part.step(picture)


def _depth(entry: str) -> Callable[[Path, Settings], Run]:
    def build(folder: Path, settings: Settings) -> Run:
        from earwitness.look.foundation.depth import DepthAnything

        part = DepthAnything(folder, entry=entry, settings=settings)
        return lambda: part.raw(_photo())

    return build


def _namer(entry: str) -> Callable[[Path, Settings], Run]:
    def build(folder: Path, settings: Settings) -> Run:
        from earwitness.look.foundation.clip import ClipNamer

        part = ClipNamer(folder, entry=entry, settings=settings)
        return lambda: part.images(_eight())

    return build


def _speaker(entry: str) -> Callable[[Path, Settings], Run]:
    def build(folder: Path, settings: Settings) -> Run:
        from earwitness.look.foundation.words import BlipNamer, ListeningNamer

        part = (
            BlipNamer(folder, settings=settings)
            if entry == "blip"
            else ListeningNamer(folder, entry=entry, settings=settings)
        )
        return lambda: part.say(_eight()[: part.settings.batch])

    return build


def _clap(folder: Path, settings: Settings) -> Run:
    from earwitness.voice.diffusion.clap import ClapRanker

    ranker = ClapRanker(Settings(ranker=str(folder)))
    sound = np.random.default_rng(0).standard_normal(480_000).astype(np.float32)
    return lambda: ranker.sounds([sound], 48_000)


def _asks(count: int, seconds: float) -> list[Any]:
    from earwitness.voice.contract import Request
    from earwitness.voice.generated import Ask

    return [
        Ask(Request("a dog", "dog", pixels=_photo()), seed, seconds) for seed in range(count)
    ]  # fmt: skip


def _codi(folder: Path, settings: Settings) -> Run:
    from earwitness.voice.codi.voice import CodiVoice

    part = CodiVoice(folder, settings=settings)
    return lambda: part.generate(_asks(settings.batch, 10.0))


def _stable_audio(folder: Path, settings: Settings) -> Run:
    from earwitness.voice.diffusion.stable_audio import StableAudioVoice

    part = StableAudioVoice(folder, settings=settings)
    return lambda: part.generate(_asks(settings.batch, 10.0))


def _tangoflux(folder: Path, settings: Settings) -> Run:
    from earwitness.voice.diffusion.tangoflux import TangoFluxVoice

    part = TangoFluxVoice(folder, settings=settings)
    return lambda: part.generate(_asks(settings.batch, 10.0))


# Name → what is measured, its maker in full_size, the part, how many at a time.
STAGES: dict[str, tuple[str, str, Callable[[Path, Settings], Run], int]] = {
    "sam2-tiny": ("SAM 2.1 tiny, 16 × 16 points", "sam2_tiny", _sam("sam2-tiny", 16), 1),
    "sam-vit-huge": ("SAM ViT-H, 16 × 16 points", "sam_huge", _sam("sam-vit-huge", 16), 1),
    "sam2-video": ("SAM 2.1 tiny, one thing into the next frame", "sam2_tiny", _tracker, 1),
    "mask2former": ("Mask2Former Swin-L", "mask2former", _mask2former, 1),
    "depth-small": ("Depth Anything V2 Small", "depth_small", _depth("depth-anything-v2"), 1),
    "depth-large": ("Depth Anything ViT-L", "depth_large", _depth("depth-anything-v1"), 1),
    "clip": ("CLIP ViT-L/14, 8 regions", "clip_large", _namer("clip"), 8),
    "siglip": ("SigLIP base, 8 regions", "siglip_base", _namer("siglip"), 8),
    "blip": ("BLIP base, 24 tokens for each region", "blip_base", _speaker("blip"), 4),
    "smolvlm": ("SmolVLM 256M, 24 tokens for each region", "smolvlm", _speaker("smolvlm"), 1),
    "clap": ("CLAP HTSAT, one sound of 10 s", "clap", _clap, 1),
    "codi": ("CoDi, one step and decoding of 10.2 s", "codi", _codi, 1),
    "stable-audio": ("Stable Audio Open, one step and 10 s", "stable_audio", _stable_audio, 1),
    "tangoflux": ("TangoFlux, one step and 10 s", "tangoflux", _tangoflux, 1),
}

# What `all` measures: each alone, then in a batch against one by one, and in half precision.
ALL: tuple[tuple[str, int | None, str], ...] = (
    *((name, None, "fp32") for name in STAGES),
    ("clip", 1, "fp32"),
    ("blip", 1, "fp32"),
    ("codi", 3, "fp32"),
    ("depth-small", None, "bf16"),
    ("clip", None, "bf16"),
    ("codi", None, "bf16"),
)


def _stage(name: str, batch: int | None, precision: str, folder: Path) -> None:
    """Print a row of the table for one stage whose folder is there."""
    title, _, build, usual = STAGES[name]
    import torch

    torch.set_num_threads(1)
    settings = Settings(batch=batch or usual, precision=precision, steps=1)
    begun = time.process_time()
    run = build(folder, settings)
    run()
    first = time.process_time() - begun
    times = []
    for _ in range(2):
        begun = time.process_time()
        run()
        times.append(time.process_time() - begun)
    count = settings.batch
    peak = peak_memory_bytes(settings.place)
    print(
        f"| {title} | {settings.place} | {precision} | {count} | {min(times):.1f} | "
        f"{first - min(times):.1f} | {peak / 1e9:.1f} |",
        flush=True,
    )


def measure(name: str, batch: int | None, precision: str) -> None:
    """Write the model of a stage and measure it in a process that has not seen it."""
    import torch

    from benchmarks import full_size

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / name
        getattr(full_size, STAGES[name][1])(folder, torch.float32)
        told = [sys.executable, "-m", __spec__.name, name, "--folder", str(folder)]
        told += ["--precision", precision, *(["--batch", str(batch)] if batch else [])]
        if subprocess.run(told, env={**os.environ, "TRANSFORMERS_VERBOSITY": "error"}).returncode:
            raise SystemExit(f"{name} failed")


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=[*STAGES, "all"])
    parser.add_argument("--batch", type=int, help="regions or sounds at a time")
    parser.add_argument("--precision", choices=("fp32", "fp16", "bf16"), default="fp32")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.folder is not None:
        _stage(given.stage, given.batch, given.precision, given.folder)
        return
    print("| part | on | precision | at a time | seconds | reading it, s | peak, GB |")
    print("|---|---|---|---|---|---|---|", flush=True)
    if given.stage == "all":
        for name, batch, precision in ALL:
            measure(name, batch, precision)
    else:
        measure(given.stage, given.batch, given.precision)


if __name__ == "__main__":
    main()
