"""Train the built-in model on the built-in world.

    earwitness world build world
    python training/atlas/train_builtin.py world runs/builtin --steps 500
    python training/atlas/train_builtin.py world runs/no-metadata --steps 500 --without metadata

Writes checkpoints, ``log.csv`` and ``config.json`` into the run's folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from worlddata import Rows, read

from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.config import Config, Sizes
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.sat2sound.training import Trainer, TrainingPlan

ABLATIONS = ("metadata", "image-captions", "codebook", "pseudo-positives")


class Mean(nn.Module):
    """In place of the codebook: each modality's queries, averaged. For the ablation only."""

    def __init__(self, book: nn.Module) -> None:
        super().__init__()
        self.img_query_model = book.img_query_model
        self.txt_query_model = book.txt_query_model
        self.audio_query_model = book.audio_query_model

    def forward(
        self, tokens: Tensor, modality: str, keep: Tensor | None = None
    ) -> tuple[Tensor, None]:
        """Average the queries of the tokens kept."""
        model = {
            "image": self.img_query_model,
            "text": self.txt_query_model,
            "audio": self.audio_query_model,
        }[modality]
        asked = model(tokens)
        if keep is None:
            return asked.mean(dim=1), None
        kept = keep.to(asked.dtype)[..., None]
        return (asked * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1), None


def make_model(without: str | None, seed: int, alpha: float = 0.1) -> Sat2Sound:
    torch.manual_seed(seed)
    config = Config(
        sizes=Sizes.builtin(),
        parts=("latlong", "month", "time"),
        imagery="marble",
        droprate=0.25,
        temperature=12.0,
        dropout=0.05,
        drop_path=0.0,
        level_free=True,
        pseudo_alpha=alpha,
    )
    if without == "metadata":
        config = replace(config, parts=())
    if without == "image-captions":
        config = replace(config, caption_weight=0.0)
    if without == "pseudo-positives":
        config = replace(config, pseudo_alpha=0.0)
    model = Sat2Sound(config)
    if without == "codebook":
        model.fdt = Mean(model.fdt)
    return model


def batches(rows: Rows, size: int, seed: int):
    def batch(step: int) -> Batch:
        each = len(rows.lat) // size
        order = np.random.default_rng([seed, step // each]).permutation(len(rows.lat))
        part = order[(step % each) * size : (step % each + 1) * size]
        rng = np.random.default_rng([seed, 1, step])
        made = rows.batch(part)
        flips = torch.from_numpy(rng.random((2, size)) < 0.5)
        images = made.images
        images = torch.where(flips[0][:, None, None, None], images.flip(3), images)
        images = torch.where(flips[1][:, None, None, None], images.flip(2), images)
        shift = torch.from_numpy(rng.normal(0, 0.1, (size, 3, 1, 1)).astype(np.float32))
        return replace(made, images=images + shift)

    return batch


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--steps", type=int, default=500)
    given.add_argument("--batch", type=int, default=128)
    given.add_argument("--rate", type=float, default=1e-3)
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--without", choices=ABLATIONS)
    given.add_argument("--start", type=Path, help="a finished run whose weights to begin with")
    given.add_argument("--alpha", type=float, default=0.1, help="weight of the pseudo-positives")
    asked = given.parse_args()
    torch.set_num_threads(asked.threads)
    began = time.monotonic()
    rows = read(asked.world, "train")
    print(f"{len(rows.lat)} rows read in {time.monotonic() - began:.0f} s", flush=True)
    model = make_model(asked.without, asked.seed, asked.alpha)
    model.audio_encoder.htsat.fit_bands(rows.batch(np.arange(512)).mel)
    if asked.start is not None:
        model.load_state_dict(torch.load(asked.start / "weights.pt", weights_only=True))
    count = sum(p.numel() for p in model.parameters())
    plan = TrainingPlan(
        steps=asked.steps,
        learning_rate=asked.rate,
        weight_decay=0.05,
        warm_up=min(50, asked.steps // 8),
        chunk=asked.batch,
        averaging=0.98,
        seed=asked.seed,
        save_every=100,
    )
    trainer = Trainer(model, batches(rows, asked.batch, asked.seed), plan, asked.out)
    began = time.monotonic()
    with (asked.out / "log.csv").open("w", newline="") as opened:
        log = csv.writer(opened)
        log.writerow(["step", "seconds", "loss", "multimodal", "caption", "rate", "gradient"])

        def tell(step: int, figures: dict[str, float]) -> None:
            took = time.monotonic() - began
            log.writerow(
                [
                    step,
                    f"{took:.1f}",
                    *(
                        f"{figures[k]:.5g}"
                        for k in ("loss", "multimodal", "caption", "rate", "gradient")
                    ),
                ]
            )
            opened.flush()
            if step % 10 == 0:
                print(
                    f"step {step} of {plan.steps}: loss {figures['loss']:.3f}, {took / 60:.1f} min",
                    flush=True,
                )

        trainer.run(tell)
    torch.save(trainer.averaged, asked.out / "weights.pt")
    words = {
        "without": asked.without,
        "start": None if asked.start is None else asked.start.name,
        "parameters": count,
        "batch": asked.batch,
        "minutes": (time.monotonic() - began) / 60,
        "model": model.config.as_dict(),
    }
    (asked.out / "config.json").write_text(json.dumps(words, indent=2) + "\n")


if __name__ == "__main__":
    main()
