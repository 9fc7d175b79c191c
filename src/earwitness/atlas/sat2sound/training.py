"""Training: large contrastive batches on small machines, the same result after a kill.

Each step takes one *global* batch. Its embeddings are made chunk by chunk without gradients, the
loss of all pairs gives the gradient at the embeddings, and each chunk is embedded again to carry
it to the weights (GradCache): memory grows with the chunk, not with the batch. Lessons
(:mod:`~earwitness.atlas.sat2sound.lessons`) may be learnt beside the pairs, and sounds, which are
dear to embed, of the first rows of a batch alone. Processes share a batch by rows and exchange
embeddings and gradients. All that is random is drawn from the seed and
the step's number, so a run that goes on from its last checkpoint gives the very same weights.

Source: Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup"
(RepL4NLP 2021).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from earwitness.atlas.sat2sound import checkpoint
from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.config import Config
from earwitness.atlas.sat2sound.lessons import Lessons
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.sat2sound.processes import gather, together
from earwitness.atlas.sat2sound.variation import Variation
from earwitness.errors import EarwitnessError, OptionError, WeightsError

LAST, AVERAGED, PLAN = "last.pt", "averaged.pt", "plan.json"


class TrainingError(EarwitnessError):
    """A training that cannot go on."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How long and how fast a model learns.

    Parameters
    ----------
    steps
        Batches in all.
    learning_rate, weight_decay
        Of AdamW, at its highest. Only matrices decay; norms, biases and scales do not.
    warm_up
        Steps in which the rate rises linearly; then it falls as a cosine to a hundredth.
    chunk
        Pairs embedded at a time in one process.
    clip
        Largest norm of the gradient, 0 for any.
    averaging
        Decay of the running average of weights (EMA), 0 for none.
    seed
        Of everything random.
    save_every
        Steps between checkpoints, 0 for one at the end only.
    precision
        ``fp32`` or ``bf16`` (towers in bfloat16, codebook and loss in float32).
    heard
        Rows of a batch whose sounds are embedded, the first ones; 0 for all.
    prototypes, free_words
        Weights of the two lessons beside the pairs, 0 for none.
    surveyed
        Places, besides those of the pairs, that prototypes are learnt from, by who makes lessons.
    variation
        How batches are varied, by who makes them.
    """

    steps: int = 1000
    learning_rate: float = 5e-4
    weight_decay: float = 0.1
    warm_up: int = 100
    chunk: int = 16
    clip: float = 1.0
    averaging: float = 0.999
    seed: int = 0
    save_every: int = 100
    precision: str = "fp32"
    heard: int = 0
    prototypes: float = 0.0
    free_words: float = 0.0
    surveyed: int = 0
    variation: Variation = field(default_factory=Variation)

    def __post_init__(self) -> None:
        for name in ("steps", "chunk"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} is {getattr(self, name)}; give a whole number above 0")
        if self.precision not in ("fp32", "bf16"):
            raise OptionError(f"precision is {self.precision!r}; choose fp32 or bf16")
        if not 0 <= self.averaging < 1:
            raise OptionError(f"averaging is {self.averaging}; give a number from 0 to below 1")
        if self.surveyed < 0:
            raise OptionError(f"surveyed is {self.surveyed}; give a number of places, or 0")
        if self.heard < 0 or self.heard == 1:
            raise OptionError(f"heard is {self.heard}; give at least 2 rows, or 0 for all")

    @property
    def lessons(self) -> bool:
        """Whether there are lessons beside the pairs."""
        return bool(self.prototypes or self.free_words)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0.

        Examples
        --------
        >>> plan = TrainingPlan(steps=100, warm_up=10, learning_rate=1.0)
        >>> plan.rate(0), plan.rate(9), round(plan.rate(99), 3)
        (0.1, 1.0, 0.01)
        """
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        share = (step - self.warm_up) / max(self.steps - 1 - self.warm_up, 1)
        fall = 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
        return self.learning_rate * (0.01 + 0.99 * fall)


class Trainer:
    """A model in training.

    Parameters
    ----------
    model
        The model; all its weights learn.
    batches
        Step number → the global batch of that step. The same number must always give the same
        batch, in every process: that is what makes resuming exact.
    plan
        How.
    folder
        Where checkpoints go; None for nowhere. If it holds one, training goes on from there.
    lessons
        What is learnt beside the pairs, when the plan weighs it; batches then have labels.

    Examples
    --------
    >>> Trainer(model, batches, TrainingPlan(steps=500), "runs/first").run()  # doctest: +SKIP
    """

    def __init__(
        self,
        model: Sat2Sound,
        batches: Callable[[int], Batch],
        plan: TrainingPlan,
        folder: Path | str | None = None,
        lessons: Lessons | None = None,
    ) -> None:
        if plan.lessons != (lessons is not None):
            raise OptionError(
                f"the plan weighs prototypes {plan.prototypes:g} and free words "
                f"{plan.free_words:g}; give lessons when either is above 0, and only then"
            )
        self.model, self.batches, self.plan, self.lessons = model, batches, plan, lessons
        self.rank, self.world = together()
        self.folder = None if folder is None else Path(folder)
        self.step = 0
        learnt = [*model.parameters(), *(lessons.parameters() if lessons else ())]
        self.learning = learning = [p for p in learnt if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": [p for p in learning if p.ndim > 1], "weight_decay": plan.weight_decay},
                {"params": [p for p in learning if p.ndim <= 1], "weight_decay": 0.0},
            ],
            betas=(0.9, 0.98),
        )
        held = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        self.averaged: dict[str, Tensor] = held if plan.averaging else {}
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            if (self.folder / LAST).exists():
                self._resume(self.folder / LAST)
            elif self.rank == 0:
                words = {"plan": asdict(plan), "model": model.config.as_dict()}
                (self.folder / PLAN).write_text(json.dumps(words, indent=2) + "\n")

    def run(self, on_step: Callable[[int, dict[str, float]], None] | None = None) -> None:
        """Train to the plan's end.

        Parameters
        ----------
        on_step
            Called after each step with its number and the figures of :meth:`take_step`.
        """
        while self.step < self.plan.steps:
            figures = self.take_step()
            # Told before it is kept: after a kill in between, the step is taken and told again.
            if on_step is not None:
                on_step(self.step, figures)
            every = self.plan.save_every
            if self.step == self.plan.steps or (every and self.step % every == 0):
                self.save()

    def take_step(self) -> dict[str, float]:
        """Learn from one batch.

        Returns
        -------
        dict
            ``loss``, its parts ``multimodal`` and ``caption``, ``rate`` and ``gradient`` (its norm
            before clipping); with lessons ``prototypes`` and ``free words``, before their weights.

        Raises
        ------
        TrainingError
            If the loss is not a number.
        """
        plan, model = self.plan, self.model
        model.train()
        for group in self.optimiser.param_groups:
            group["lr"] = plan.rate(self.step)
        chance = torch.Generator().manual_seed(plan.seed * 1_000_003 + self.step)
        batch = self.batches(self.step).with_dropped(model.config.droprate, chance)
        mine, heard, order, which = self._share(batch)
        self.optimiser.zero_grad(set_to_none=True)
        starts = range(0, len(mine), plan.chunk)
        chunks = [slice(start, start + plan.chunk) for start in starts]

        once = len(chunks) == 1  # then nothing need be embedded twice
        with torch.set_grad_enabled(once):
            made = [
                self._embed(mine.rows(part), number, heard - part.start)
                for number, part in enumerate(chunks)
            ]
        leaves = [
            None if column[0] is None
            else torch.cat([t for t in column if t is not None]).detach().requires_grad_()
            for column in zip(*made)
        ]  # fmt: skip
        gathered = [None if t is None else gather(t, self.rank, self.world) for t in leaves]
        image, audio, words, seen = gathered
        assert image is not None and audio is not None and words is not None
        losses = model.loss(image, audio, words, seen, which)
        taught, told = self._teach(image, None if batch.labels is None else batch.labels[order])
        total = losses.total + taught
        if not bool(torch.isfinite(total.detach())):
            raise TrainingError(
                f"the loss of step {self.step} is not a number; lower the learning rate "
                f"({plan.learning_rate}) or go on from the last checkpoint with another seed"
            )
        torch.autograd.backward(total)
        for parameter in self.learning:
            if parameter.grad is not None and self.world > 1:
                # Of scales and lessons every process has the whole gradient; the sum below counts
                # it again.
                parameter.grad /= self.world
        for number, part in enumerate(chunks):
            again = (
                made[number] if once else self._embed(mine.rows(part), number, heard - part.start)
            )
            pairs = [
                (tensor, leaf.grad[part])
                for tensor, leaf in zip(again, leaves)
                if tensor is not None and leaf is not None and leaf.grad is not None
            ]
            torch.autograd.backward([t for t, _ in pairs], [g for _, g in pairs])
        self._sum_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.learning, plan.clip or math.inf)
        self.optimiser.step()
        self.step += 1
        self._average()
        return {
            "loss": float(total.detach()),
            "multimodal": float(losses.multimodal.detach()),
            "caption": float(losses.caption.detach()),
            **told,
            "rate": plan.rate(self.step - 1),
            "gradient": float(norm),
        }

    def _teach(self, image: Tensor, labels: Tensor | None) -> tuple[Tensor, dict[str, float]]:
        """Return the lessons' part of the loss, and their figures."""
        if self.lessons is None:
            return image.new_zeros(()), {}
        if labels is None:
            raise OptionError(f"the batch of step {self.step} has no labels for the lessons")
        rng = np.random.default_rng([self.plan.seed, 4, self.step])
        # The same dropout in every process and however the batch is cut.
        torch.manual_seed(self.plan.seed * 1_000_003 + self.step)
        named, free = self.lessons(self.model, image, labels.to(image.device), rng)
        loss = self.plan.prototypes * named + self.plan.free_words * free
        return loss, {"prototypes": float(named.detach()), "free words": float(free.detach())}

    def _share(self, batch: Batch) -> tuple[Batch, int, Tensor, Tensor | None]:
        """Cut a batch for the processes, each with its part of the rows that are heard first.

        Returns
        -------
        mine
            This process's rows.
        heard
            How many of them are heard, the first ones.
        order
            Rows of the batch in the order in which all processes' embeddings come together.
        which
            Places in that order of the rows that are heard; None for all.
        """
        if len(batch) < 2:
            raise OptionError(
                f"the batch of step {self.step} has {len(batch)} row; learning by contrast needs "
                f"at least 2: give more data or a larger batch"
            )
        if len(batch) % self.world:
            raise OptionError(
                f"a batch of {len(batch)} pairs cannot be shared by {self.world} processes evenly; "
                f"choose a multiple"
            )
        heard = min(self.plan.heard or len(batch), len(batch))
        if heard % self.world:
            raise OptionError(
                f"{heard} rows that are heard cannot be shared by {self.world} processes evenly; "
                f"choose a multiple"
            )
        first = torch.arange(heard).view(self.world, -1)
        rest = torch.arange(heard, len(batch)).view(self.world, -1)
        order = torch.cat([first, rest], dim=1)
        where = next(self.model.parameters()).device
        mine = batch.rows(order[self.rank]).each(lambda held: held.to(where))
        flat = order.flatten()
        which = None if heard == len(batch) else torch.nonzero(flat < heard)[:, 0].to(where)
        return mine, first.shape[1], flat, which

    def _embed(self, batch: Batch, number: int, heard: int) -> tuple[Tensor | None, ...]:
        """Embed a chunk, of its sounds the first ``heard``.

        The same chunk of the same step always draws the same dropout.
        """
        place = (self.step * self.world + self.rank) * 65_537 + number
        torch.manual_seed(self.plan.seed * 1_000_003 + place)
        model = self.model
        with torch.autocast(
            batch.images.device.type, torch.bfloat16, enabled=self.plan.precision == "bf16"
        ):
            image = model.embed_image(
                batch.images, ground_m=batch.ground_m, metadata=batch.metadata
            )
            audio = model.embed_audio(batch.mel[:heard]) if heard > 0 else None
            words = model.embed_text(batch.audio_words, batch.audio_mask)
            seen = None
            if batch.image_words is not None and model.config.caption_weight:
                seen = model.embed_text(batch.image_words, batch.image_mask)
        return image, audio, words, seen

    def _sum_gradients(self) -> None:
        if self.world == 1:
            return
        for parameter in self.learning:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)

    def _average(self) -> None:
        if not self.averaged:
            return
        # A young average must not remember the random start for long.
        keep = min(self.plan.averaging, self.step / (self.step + 9))
        for name, tensor in self.model.state_dict().items():
            old = self.averaged[name]
            if old.is_floating_point():
                old.lerp_(tensor.detach(), 1 - keep)
            else:
                old.copy_(tensor)

    def save(self) -> None:
        """Write the state to go on from, and the averaged weights as a model of their own."""
        if self.folder is None or self.rank:
            return
        part = self.folder / (LAST + ".part")
        torch.save(
            {
                "step": self.step,
                "plan": asdict(self.plan),
                "state_dict": self.model.state_dict(),
                "averaged": self.averaged,
                "optimiser": self.optimiser.state_dict(),
                "lessons": {} if self.lessons is None else self.lessons.state_dict(),
                "earwitness": self.model.config.as_dict(),
            },
            part,
        )
        part.replace(self.folder / LAST)  # a kill leaves the old one or the new one, whole
        self._save_averaged(self.folder)

    def _save_averaged(self, folder: Path) -> None:
        if self.averaged:
            checkpoint.save(folder / AVERAGED, self.averaged, self.model.config)

    def _resume(self, path: Path) -> None:
        held: Any = checkpoint.unpickle(path)
        try:
            planned, step = dict(held["plan"]), int(held["step"])
            model, averaged, optimiser = held["state_dict"], held["averaged"], held["optimiser"]
            made = Config.from_dict(held["earwitness"])
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"{path} is no training state: it has no {error}") from error
        same, now = {"save_every", "chunk"}, asdict(self.plan)
        changed = {
            name: (value, now.get(name))
            for name, value in planned.items()
            if name not in same and value != now.get(name)
        }
        model_now = self.model.config.as_dict()
        changed |= {
            name: (value, model_now[name])
            for name, value in made.as_dict().items()
            if value != model_now[name]
        }
        if changed:
            told = ", ".join(f"{name} {old} → {new}" for name, (old, new) in changed.items())
            raise OptionError(
                f"{path.parent} holds a run with another plan ({told}); go on with that plan, or "
                f"give another folder"
            )
        checkpoint.fill(self.model, model, strict=True, left_out=())
        try:
            if self.lessons is not None:
                self.lessons.load_state_dict(held["lessons"])
            self.optimiser.load_state_dict(optimiser)
            self.averaged = {name: tensor.clone() for name, tensor in averaged.items()}
        except (KeyError, AttributeError, RuntimeError, ValueError) as error:
            raise WeightsError(f"{path} is no whole training state: {error}") from error
        if not 0 < step <= self.plan.steps:
            raise WeightsError(f"{path} says that it is of step {step} of {self.plan.steps}")
        self.step = step
        if step == self.plan.steps and self.rank == 0:
            self._save_averaged(path.parent)  # it may have been killed before that
