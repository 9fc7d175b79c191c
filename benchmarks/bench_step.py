"""A whole training step of the 5 M model: ours beside the published way of taking it, in one run.

Both embed the same batch (images, sounds, both kinds of captions, place and month), take the loss,
carry it back and let AdamW step. The published way holds the codebook's whole table of scores
(see bench_codebook.py) and knows no chunks; everything else is the same modules.

    python benchmarks/bench_step.py --batch 32
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time

import torch
from torch import Tensor

from bench_codebook import published_sparsemax
from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.codebook import Codebook
from earwitness.atlas.sat2sound.config import Config, Sizes
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.sat2sound.training import Trainer, TrainingPlan


class PublishedCodebook(Codebook):
    """All scores at once, as published."""

    def forward(
        self, tokens: Tensor, modality: str, keep: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Queries, all scores, scaling, mask, temperature, maximum, sparsemax, mixture."""
        asked = self.queries(modality)(tokens)
        scores = asked @ self.space_dict.unsqueeze(0).transpose(2, 1)
        scores = scores / self.space_dict.shape[1] ** 0.5
        if keep is not None and modality == "text":
            scores = scores * keep.to(scores.dtype).unsqueeze(-1)
        weights = published_sparsemax((scores / self.temperature).max(1)[0])
        return weights @ self.space_dict, weights


def make_batch(rows: int) -> Batch:
    chance = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=chance)

    mask = (torch.arange(20) < torch.randint(6, 21, (rows, 1), generator=chance)).float()
    return Batch(
        images=normal(rows, 3, 224, 224), ground_m=torch.full((rows,), 10.0),
        mel=normal(rows, 1, 1001, 64) * 10 - 40, audio_words=normal(rows, 20, 384),
        audio_mask=mask, image_words=normal(rows, 20, 384), image_mask=mask,
        metadata=Metadata(latlong=normal(rows, 4), month=normal(rows, 2)),
    )  # fmt: skip


def make(way: str, options: argparse.Namespace) -> Trainer:
    torch.manual_seed(0)
    sizes = Sizes.small()
    model = Sat2Sound(Config(sizes=sizes, published=True, droprate=0.0, combined=True))
    if way == "published":
        book = PublishedCodebook(sizes, published=True)
        book.load_state_dict(model.fdt.state_dict())
        model.fdt = book
    chunk = options.chunk if way == "ours" else options.batch
    plan = TrainingPlan(steps=1000, chunk=chunk, averaging=0.0)
    batch = make_batch(options.batch)
    return Trainer(model, lambda _: batch, plan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--chunk", type=int, help="ours, in chunks (GradCache)  [default: batch]")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory", choices=["ours", "published"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.chunk = options.chunk or options.batch
    if options.memory:
        make(options.memory, options).take_step()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    trainers = {way: make(way, options) for way in ("published", "ours")}
    count = sum(p.numel() for p in trainers["ours"].model.parameters())
    print(f"batch {options.batch}, {count / 1e6:.1f} M parameters, chunk {options.chunk}")
    taken: dict[str, list[tuple[float, float]]] = {way: [] for way in trainers}
    losses: dict[str, list[float]] = {way: [] for way in trainers}
    for _ in range(options.repeats):
        for way, trainer in trainers.items():
            start, used = time.perf_counter(), time.process_time()
            losses[way].append(trainer.take_step()["loss"])
            taken[way].append((time.perf_counter() - start, time.process_time() - used))
    figures = {}
    for way, held in taken.items():
        wall, used = (statistics.median(column) for column in zip(*held))
        command = [sys.executable, __file__, *sys.argv[1:], "--memory", way]
        peak = int(subprocess.run(command, check=True, capture_output=True).stdout) / 2**20
        figures[way] = (wall, used, peak)
        print(f"{way:>9}: {wall:.3f} s ({used:.3f} s of processor), process peak {peak:.2f} GiB, "
              f"losses {', '.join(f'{v:.4f}' for v in losses[way])}")  # fmt: skip
    a, b = figures["published"], figures["ours"]
    print(f"ratio: {a[0] / b[0]:.2f}× faster ({a[1] / b[1]:.2f}× in processor time), "
          f"{a[2] / b[2]:.2f}× less memory")  # fmt: skip


if __name__ == "__main__":
    main()
