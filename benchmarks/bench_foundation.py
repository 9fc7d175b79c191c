"""Foundation models at their real size with random weights: seconds and peak memory of one stage.

    python -m benchmarks.bench_foundation sam2-tiny
    python -m benchmarks.bench_foundation all

Real weights are not needed: time and memory do not depend on their values. Each stage runs in a
process of its own, so that the peak is its own. Shapes are the published ones; where a
configuration is the default of transformers or diffusers, that is used.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_PIXELS = np.random.default_rng(0).integers(0, 256, (768, 1024, 3)).astype(np.uint8)


def _sam2_tiny() -> Callable[[], Any]:
    import torch
    from transformers import Sam2Config, Sam2Model

    from earwitness.look.foundation.part import normalised

    model = Sam2Model(Sam2Config()).eval()
    values = torch.from_numpy(normalised(_PIXELS, (1024, 1024)))
    points = torch.rand(1, 64, 1, 2) * 1024

    def run() -> Any:
        embedded = model.get_image_embeddings(values)
        return model(image_embeddings=embedded, input_points=points, multimask_output=True)

    return run


def _depth() -> Callable[[], Any]:
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation

    # The default configuration is that of the small model.
    model = DepthAnythingForDepthEstimation(DepthAnythingConfig()).eval()
    values = torch.rand(1, 3, 518, 686)
    return lambda: model(pixel_values=values)


def _clip(batch: int) -> Callable[[], Any]:
    import torch
    from transformers import CLIPConfig, CLIPModel

    model = CLIPModel(CLIPConfig()).eval()  # ViT-B/32
    values = torch.rand(8, 3, 224, 224)
    return lambda: [
        model.get_image_features(pixel_values=values[i : i + batch]) for i in range(0, 8, batch)
    ]


def _clap() -> Callable[[], Any]:
    import torch
    from transformers import ClapConfig, ClapModel

    model = ClapModel(ClapConfig()).eval()
    heard = torch.rand(1, 1, 1001, 64)
    return lambda: model.get_audio_features(input_features=heard)


def _stable_audio_step() -> Callable[[], Any]:
    import torch
    from diffusers import StableAudioDiTModel

    model = StableAudioDiTModel().eval()
    given = {
        "hidden_states": torch.randn(2, 64, 1024),
        "timestep": torch.tensor([0.5]),
        "encoder_hidden_states": torch.randn(2, 130, 768),
        "global_hidden_states": torch.randn(2, 1, 1536),
    }
    return lambda: model(**given)


STAGES: dict[str, tuple[str, Callable[[], Callable[[], Any]]]] = {
    "sam2-tiny": ("SAM 2.1 tiny: one picture, 64 points", _sam2_tiny),
    "depth-small": ("Depth Anything V2 Small: one picture, 518 x 686", _depth),
    "clip-one": ("CLIP ViT-B/32: 8 regions one by one", lambda: _clip(1)),
    "clip-batch": ("CLIP ViT-B/32: 8 regions in a batch", lambda: _clip(8)),
    "clap": ("CLAP HTSAT: one sound of 10 s", _clap),
    "stable-audio": ("Stable Audio Open: one step with guidance", _stable_audio_step),
}


def measure(name: str) -> None:
    """Print a row of the table for one stage."""
    import torch

    title, build = STAGES[name]
    run = build()
    with torch.inference_mode():
        run()
        times = []
        for _ in range(2):
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"| {title} | {min(times):.2f} s | {peak:.2f} GB |", flush=True)


def main() -> None:
    """Measure what the command line names, each stage in a process of its own."""
    names = sys.argv[1:]
    if names == ["all"]:
        print("| stage | seconds | peak memory of the process |\n|---|---|---|", flush=True)
        for name in STAGES:
            subprocess.run([sys.executable, "-m", __spec__.name, name], check=True)
    elif len(names) == 1 and names[0] in STAGES:
        measure(names[0])
    else:
        raise SystemExit(f"give one of {', '.join(STAGES)}, or all")


if __name__ == "__main__":
    main()
