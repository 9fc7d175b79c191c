"""Train the built-in model on the built-in world.

    earwitness world build world
    python training/atlas/train_builtin.py world runs/builtin
    python training/atlas/train_builtin.py world runs/no-metadata --without metadata

Besides Sat2Sound's own losses it has two lessons (lessons.py): which prototypes, by name, a place
has and has not, and how near other words are to these. Sounds are dear to embed and words are
cheap: of each batch only the first rows are heard.

Writes checkpoints, ``log.csv`` and ``config.json`` into the run's folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from lessons import Lessons, labels
from torch import Tensor, nn
from worlddata import Rows, read

from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.config import Config
from earwitness.atlas.sat2sound.losses import contrastive_loss, unit
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.sat2sound.training import Trainer, TrainingPlan

ABLATIONS = ("metadata", "image-captions", "codebook", "lessons")
FIGURES = ("loss", "pairs", "prototypes", "words", "rate", "gradient")


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


def make_model(without: str | None, seed: int, alpha: float = 0.0) -> Sat2Sound:
    torch.manual_seed(seed)
    # Metadata are dropped by `known` below, month and hour together.
    config = replace(Config.builtin(), droprate=0.0, pseudo_alpha=alpha)
    if without == "metadata":
        config = replace(config, parts=())
    if without == "image-captions":
        config = replace(config, caption_weight=0.0)
    model = Sat2Sound(config)
    if without == "codebook":
        model.fdt = Mean(model.fdt)
    return model


def known(rng: np.random.Generator, count: int) -> dict[str, Tensor]:
    """Draw which metadata are known: a map often has no date, a photograph no place."""
    place, date, month, hour = rng.random((4, count))
    dated = date > 0.35
    valid = {"latlong": place > 0.15, "month": dated & (month > 0.1), "time": dated & (hour > 0.1)}
    return {f"{name}_valid": torch.from_numpy(there) for name, there in valid.items()}


def rows_of(step: int, count: int, size: int, seed: int) -> np.ndarray:
    """Return the numbers of the rows of a step."""
    each = count // size
    order = np.random.default_rng([seed, step // each]).permutation(count)
    return order[(step % each) * size : (step % each + 1) * size]


def batches(rows: Rows, size: int, seed: int) -> Callable[[int], Batch]:
    def batch(step: int) -> Batch:
        part = rows_of(step, len(rows.lat), size, seed)
        rng = np.random.default_rng([seed, 1, step])
        made = rows.batch(part)
        flips = torch.from_numpy(rng.random((2, size)) < 0.5)
        images = made.images
        images = torch.where(flips[0][:, None, None, None], images.flip(3), images)
        images = torch.where(flips[1][:, None, None, None], images.flip(2), images)
        shift = torch.from_numpy(rng.normal(0, 0.1, (size, 3, 1, 1)).astype(np.float32))
        metadata = replace(made.metadata, **known(rng, size))
        return replace(made, images=images + shift, metadata=metadata)

    return batch


class Lesson(nn.Module):
    """Scale and offset of the prototypes' logits; learnt, and of no use afterwards."""

    def __init__(self, share: np.ndarray) -> None:
        super().__init__()
        share = share.clip(1e-3, 0.5)
        self.scale = nn.Parameter(torch.tensor(2.3))
        self.offset = nn.Parameter(torch.from_numpy(np.log(share / (1 - share))).float() - 2.0)


class BuiltinTrainer(Trainer):
    """The trainer of one process, with the lessons and with fewer sounds than places."""

    def __init__(
        self, *given: object, heard: int, lessons: Lessons | None, labels: np.ndarray, size: int
    ) -> None:
        model: Sat2Sound = given[0]  # type: ignore[assignment]
        self.heard, self.lessons, self.labels, self.size = heard, lessons, labels, size
        # Inside the model, so that the optimiser and checkpoints have it.
        model.lesson = Lesson(labels.mean(0))
        super().__init__(*given)  # type: ignore[arg-type]

    def taught(self, image: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return the losses of both lessons."""
        lessons, model = self.lessons, self.model
        assert lessons is not None
        lesson: Lesson = model.lesson  # type: ignore[assignment]
        part = rows_of(self.step, len(self.labels), self.size, self.plan.seed)
        there = torch.from_numpy(self.labels[part]).float()
        names = torch.stack([unit(model.embed_text(*lessons.one_of_each(rng))) for _ in range(2)])
        scale = lesson.scale.exp()
        logits = scale * (unit(image) @ names.transpose(1, 2)) + lesson.offset
        named = F.binary_cross_entropy_with_logits(logits, there.expand_as(logits))
        states, mask, share = lessons.draw(64, rng)
        words = unit(model.embed_text(states, mask))
        # A word's likeness to the prototypes shall be the sentence encoder's.
        guess = F.log_softmax(scale * words @ F.normalize(names.mean(0), dim=1).T, dim=1)
        return named, F.kl_div(guess, share, reduction="batchmean")

    def take_step(self) -> dict[str, float]:
        """Learn from one batch."""
        model, plan = self.model.train(), self.plan
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate(self.step)
        batch, heard = self.batches(self.step), self.heard
        torch.manual_seed(plan.seed * 1_000_003 + self.step)
        image = model.embed_image(batch.images, ground_m=batch.ground_m, metadata=batch.metadata)
        audio = model.embed_audio(batch.mel[:heard])
        words = model.embed_text(batch.audio_words, batch.audio_mask)
        scales, alpha = model.scales(), model.config.pseudo_alpha

        def pair(left: Tensor, right: Tensor, scale: str) -> Tensor:
            return contrastive_loss(scales[scale].exp() * unit(left) @ unit(right).T, alpha)

        some, said = image[:heard], words[:heard]
        pairs = (pair(some, audio, "ia") + pair(image, words, "it") + pair(audio, said, "at")) / 3
        pairs = pairs + pair(some, audio + said, "i_at")
        if model.config.caption_weight:
            assert batch.image_words is not None
            seen = model.embed_text(batch.image_words, batch.image_mask)
            pairs = pairs + model.config.caption_weight * pair(image, seen, "fdt")
        named = told = torch.zeros(())
        if self.lessons is not None:
            named, told = self.taught(image, np.random.default_rng([plan.seed, 2, self.step]))
        loss = pairs + NAMED * named + TOLD * told
        if not bool(torch.isfinite(loss.detach())):
            raise SystemExit(f"the loss of step {self.step} is not a number")
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        self.optimiser.step()
        self.step += 1
        self._average()
        return {
            "loss": float(loss.detach()),
            "pairs": float(pairs.detach()),
            "prototypes": float(named.detach()),
            "words": float(told.detach()),
            "rate": plan.rate(self.step - 1),
            "gradient": float(norm),
        }


NAMED, TOLD = 20.0, 2.0
"""Weights of the lessons beside the pairs."""


def parser() -> argparse.ArgumentParser:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--steps", type=int, default=900)
    given.add_argument("--batch", type=int, default=128)
    given.add_argument("--heard", type=int, default=48, help="rows of a batch that are heard")
    given.add_argument("--rate", type=float, default=1.5e-3)
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--without", choices=ABLATIONS)
    given.add_argument("--start", type=Path, help="a finished run whose weights to begin with")
    given.add_argument("--alpha", type=float, default=0.0, help="weight of the pseudo-positives")
    return given


def learn(asked: argparse.Namespace, rows: Rows, lessons: Lessons, there: np.ndarray) -> None:
    """Train one model."""
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
    trainer = BuiltinTrainer(
        model, batches(rows, asked.batch, asked.seed), plan, asked.out,
        heard=asked.heard, lessons=None if asked.without == "lessons" else lessons,
        labels=there, size=asked.batch,
    )  # fmt: skip
    began, worked = time.monotonic(), time.process_time()
    written = asked.out / "log.csv"
    before = [] if not trainer.step else list(csv.reader(written.open()))[1 : trainer.step + 1]
    if before:  # a run that was cut off: its time counts too
        worked -= float(before[-1][1])
    with written.open("w", newline="") as opened:
        log = csv.writer(opened)
        log.writerows([["step", "processor s", *FIGURES], *before])

        def tell(step: int, figures: dict[str, float]) -> None:
            took = time.process_time() - worked
            log.writerow([step, f"{took:.1f}", *(f"{figures[k]:.5g}" for k in FIGURES)])
            opened.flush()
            if step % 20 == 0:
                told = ", ".join(f"{k} {figures[k]:.3f}" for k in FIGURES[:4])
                print(
                    f"step {step} of {plan.steps}: {told}; {took / 60:.1f} min of processor, "
                    f"{(time.monotonic() - began) / 60:.1f} min here",
                    flush=True,
                )

        trainer.run(tell)
    weights = {k: v for k, v in trainer.averaged.items() if not k.startswith("lesson.")}
    torch.save(weights, asked.out / "weights.pt")
    words = {
        "without": asked.without,
        "start": None if asked.start is None else asked.start.name,
        "parameters": count,
        "steps": asked.steps,
        "batch": asked.batch,
        "heard": asked.heard,
        "alpha": asked.alpha,
        "threads": asked.threads,
        "processor minutes": (time.process_time() - worked) / 60,
        "model": model.config.as_dict(),
    }
    (asked.out / "config.json").write_text(json.dumps(words, indent=2) + "\n")


def main() -> None:
    asked = parser().parse_args()
    torch.set_num_threads(asked.threads)
    born = time.monotonic()
    rows = read(asked.world, "train")
    lessons, there = Lessons.open(asked.world), labels(rows)
    print(f"{len(rows.lat)} rows read in {time.monotonic() - born:.0f} s", flush=True)
    learn(asked, rows, lessons, there)


if __name__ == "__main__":
    main()
