"""Train the built-in model's image side on concepts and nothing else.

    python training/atlas/concepts_only.py world --steps 900

How much there is to tell, to compare the built-in model with. The same network, with a linear layer
in place of words, learns from surveyed places of train cells how likely each concept is there
whenever somebody records. Prints the mean average precision on held-out cells, by both kinds of
label, as ``evaluate_builtin.py`` does for models that know sounds and words.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from evaluate_builtin import Rows, concept_map, images
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from earwitness.atlas.embedders import load_embedder
from earwitness.atlas.sat2sound import checkpoint
from earwitness.atlas.sat2sound.config import Config
from earwitness.atlas.sat2sound.lessons import Fieldwork
from earwitness.atlas.sat2sound.losses import unit
from earwitness.atlas.sat2sound.model import Sat2Sound
from earwitness.atlas.sat2sound.variation import Variation
from earwitness.atlas.world.layers import ground
from earwitness.atlas.world.rules import PRESENT, at_best
from earwitness.atlas.world.survey import survey
from earwitness.atlas.world.table import names

SCALE = 20.0
"""Of cosines, so that a linear layer's weights of ordinary size tell apart."""


class Telling(nn.Module):
    """The model and, in place of words, a linear layer from embeddings to concepts."""

    def __init__(self, share: Tensor) -> None:
        super().__init__()
        self.model = Sat2Sound(Config.builtin())
        self.head = nn.Linear(self.model.config.sizes.code_width, len(share))
        with torch.no_grad():
            self.head.bias.copy_(torch.logit(share.clamp(1e-3, 0.5)))


def evaluate(told: Telling, worlds: dict[str, Rows]) -> dict[str, float]:
    """Return the mean average precisions, knowing image and place."""
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.pt"
        checkpoint.save(path, told.model.state_dict(), told.model.config)
        embedder = load_embedder(str(path))
    for split, rows in worlds.items():
        seen = torch.from_numpy(images(embedder, rows, ("lat", "lon")))
        with torch.no_grad():
            scores = told.head(SCALE * seen).numpy()
        may = at_best(ground(rows.lat, rows.lon)) > PRESENT
        for kind, labels in (("drawn", rows.drawn), ("may", may)):
            found = concept_map(scores, labels).values()
            figures[f"{split}, {kind}"] = round(float(np.mean(list(found))), 3)
    return figures


def main() -> None:
    given = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    given.add_argument("world", type=Path)
    given.add_argument("--steps", type=int, default=900)
    given.add_argument("--places", type=int, default=60_000, help="surveyed, of train cells")
    given.add_argument("--batch", type=int, default=256)
    given.add_argument("--rate", type=float, default=1.5e-3)
    given.add_argument("--tint", type=float, default=0.03)
    given.add_argument("--seed", type=int, default=0)
    asked = given.parse_args()
    worlds = {split: Rows(asked.world, split) for split in ("val", "test")}
    field = Fieldwork(
        survey(asked.places, seed=asked.seed),
        Variation(flips=True, tint=asked.tint, date=1.0),
        asked.batch,
    )
    torch.manual_seed(asked.seed)
    rng = np.random.default_rng(asked.seed)
    told = Telling(torch.from_numpy(field.survey.whenever[:, : len(names())].mean(axis=0)))
    averaged = AveragedModel(told, multi_avg_fn=get_ema_multi_avg_fn(0.98))
    optimiser = torch.optim.AdamW(told.parameters(), asked.rate, weight_decay=0.1)
    rates = OneCycleLR(optimiser, asked.rate, total_steps=asked.steps, pct_start=0.05)
    for step in range(1, asked.steps + 1):
        pixels, ground_m, known, likely = field.draw(told.model, rng)
        seen = unit(told.model.embed_image(pixels, ground_m=ground_m, metadata=known))
        loss = F.binary_cross_entropy_with_logits(
            told.head(SCALE * seen), likely[:, : len(names())]
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(told.parameters(), 1.0)
        optimiser.step()
        rates.step()
        averaged.update_parameters(told)
        if step % 100 == 0 or step == asked.steps:
            print(f"step {step}, loss {loss.item():.4f}", flush=True)
    print(evaluate(averaged.module, worlds))


if __name__ == "__main__":
    main()
