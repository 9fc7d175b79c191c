"""Go on with the text side alone: places and sounds stay where they are, words find theirs.

    python training/atlas/tune_words.py world runs/builtin runs/tuned

Places and sounds are embedded once, so this takes a minute or two. Writes a run like the first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from lessons import Lessons, labels
from torch import Tensor
from train_builtin import Lesson, known, make_model
from worlddata import read

from earwitness.atlas.sat2sound.losses import contrastive_loss, unit

STEPS, SIZE, RATE, WORDS = 300, 128, 5e-4, 192


@torch.no_grad()
def embedded(model, rows, rng) -> tuple[Tensor, Tensor]:
    """Embed every place, with some metadata unknown as in training, and every sound."""
    places, sounds = [], []
    for first in range(0, len(rows.lat), 256):
        part = np.arange(first, min(first + 256, len(rows.lat)))
        held = rows.batch(part)
        metadata = held.metadata.__class__(
            **{k: getattr(held.metadata, k) for k in ("latlong", "month", "time")},
            **known(rng, len(part)),
        )
        places.append(model.embed_image(held.images, ground_m=held.ground_m, metadata=metadata))
        sounds.append(model.embed_audio(held.mel))
    return unit(torch.cat(places)), unit(torch.cat(sounds))


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("world", type=Path)
    given.add_argument("start", type=Path)
    given.add_argument("out", type=Path)
    given.add_argument("--steps", type=int, default=STEPS)
    given.add_argument("--weight", type=float, default=4.0, help="of the words' nearness")
    asked = given.parse_args()
    torch.set_num_threads(1)
    worked = time.process_time()
    rng = np.random.default_rng(7)
    torch.manual_seed(7)
    told = json.loads((asked.start / "config.json").read_text())
    model = make_model(None, 0)
    model.load_state_dict(torch.load(asked.start / "weights.pt", weights_only=True))
    model.eval()
    rows = read(asked.world, "train")
    there = torch.from_numpy(labels(rows)).float()
    lessons, lesson = Lessons.open(asked.world), Lesson(there.numpy().mean(0))
    image, audio = embedded(model, rows, rng)
    print(f"embedded after {(time.process_time() - worked) / 60:.1f} min", flush=True)
    learning = [*model.fdt.txt_query_model.parameters(), *lesson.parameters()]
    optimiser = torch.optim.AdamW(learning, lr=RATE, weight_decay=0.05)
    scales = {name: scale.detach().exp() for name, scale in model.scales().items()}
    averaged = {k: v.clone() for k, v in model.fdt.txt_query_model.state_dict().items()}
    for step in range(asked.steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + np.cos(np.pi * step / asked.steps)) + 1e-6
        part = rng.choice(len(rows.lat), SIZE, replace=False)
        words = unit(model.embed_text(*rows.audio.take(part)))
        seen = unit(model.embed_text(*rows.image.take(part)))
        i, a = image[part], audio[part]
        pairs = (
            contrastive_loss(scales["it"] * i @ words.T)
            + contrastive_loss(scales["at"] * a @ words.T)
            + contrastive_loss(scales["fdt"] * i @ seen.T)
        )
        names = torch.stack([unit(model.embed_text(*lessons.one_of_each(rng))) for _ in range(2)])
        logits = lesson.scale.exp() * (i @ names.transpose(1, 2)) + lesson.offset
        named = F.binary_cross_entropy_with_logits(logits, there[part].expand_as(logits))
        states, mask, share = lessons.draw(WORDS, rng)
        guess = lesson.scale.exp() * unit(model.embed_text(states, mask))
        guess = F.log_softmax(guess @ F.normalize(names.mean(0), dim=1).T, dim=1)
        near = F.kl_div(guess, share, reduction="batchmean")
        loss = pairs + 20 * named + asked.weight * near
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(learning, 1.0)
        optimiser.step()
        for name, value in model.fdt.txt_query_model.state_dict().items():
            averaged[name].lerp_(value, 0.03)
        if step % 20 == 19:
            print(
                f"step {step + 1}: pairs {float(pairs.detach()):.3f}, prototypes "
                f"{float(named.detach()):.3f}, words {float(near.detach()):.3f}, "
                f"{(time.process_time() - worked) / 60:.1f} min",
                flush=True,
            )
    model.fdt.txt_query_model.load_state_dict(averaged)
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.save(model.state_dict(), asked.out / "weights.pt")
    told["tuned"] = {"steps": asked.steps, "minutes": (time.process_time() - worked) / 60}
    (asked.out / "config.json").write_text(json.dumps(told, indent=2) + "\n")
    if (asked.start / "log.csv").exists():
        shutil.copy(asked.start / "log.csv", asked.out / "log.csv")


if __name__ == "__main__":
    main()
