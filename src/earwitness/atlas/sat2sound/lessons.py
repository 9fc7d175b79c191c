"""Two lessons beside the pairs: what a place has, by name, and how near other words are to that.

*Prototypes*: the embedding of a place is compared with that of a phrase of each prototype, and
learns from labels which of them it has. *Free words*: a word's likeness to the prototypes learns
to be what the text encoder has it for, so that words nobody taught keep their meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from earwitness.atlas.sat2sound.losses import unit
from earwitness.atlas.texts import KeptStates
from earwitness.atlas.world.lessons import NEAR, Names

if TYPE_CHECKING:
    from earwitness.atlas.sat2sound.model import Sat2Sound

WORDS = 64
"""Free words of a step."""


class Lessons(nn.Module):
    """Both lessons; its weights are learnt with the model's and are of no use afterwards.

    Parameters
    ----------
    names
        Phrases and free words.
    states
        Who knows their states.
    share : array, shape (prototypes,)
        How many rows have each, about: where the learning begins.
    """

    def __init__(self, names: Names, states: KeptStates, share: NDArray[np.floating]) -> None:
        super().__init__()
        self.names, self.states = names, states
        held = np.clip(share, 1e-3, 0.5)
        self.scale = nn.Parameter(torch.tensor(2.3))
        self.offset = nn.Parameter(torch.from_numpy(np.log(held / (1 - held))).float() - 2.0)

    def forward(
        self, model: Sat2Sound, image: Tensor, labels: Tensor, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return the losses of both.

        Parameters
        ----------
        model
            Who embeds words.
        image : tensor, shape (N, D)
            Embeddings of places.
        labels : tensor, shape (N, prototypes)
            1 at what a place has.
        rng
            Draws phrases and words.

        Returns
        -------
        named, told : tensor, shape ()
        """
        where = image.device
        drawn = [self._one_of_each(rng) for _ in range(2)]
        names = torch.stack([unit(self._embed(model, phrases, where)) for phrases in drawn])
        scale = self.scale.exp()
        logits = scale * (unit(image) @ names.transpose(1, 2)) + self.offset
        named = F.binary_cross_entropy_with_logits(logits, labels.expand_as(logits))
        count = min(WORDS, int((self.names.chance > 0).sum()))
        some = rng.choice(len(self.names.words), count, replace=False, p=self.names.chance)
        nearness = torch.from_numpy(self.names.nearness[some]).to(where)
        words = unit(self._embed(model, [self.names.words[n] for n in some], where))
        guess = F.log_softmax(scale * words @ F.normalize(names.mean(0), dim=1).T, dim=1)
        told = F.kl_div(guess, torch.softmax(nearness / NEAR, dim=1), reduction="batchmean")
        return named, told

    def _one_of_each(self, rng: np.random.Generator) -> list[str]:
        """Draw a phrase of each prototype."""
        order = rng.permutation(len(self.names.owner))
        _, first = np.unique(self.names.owner[order], return_index=True)
        return [self.names.phrases[number] for number in order[first]]

    def _embed(self, model: Sat2Sound, texts: list[str], where: torch.device) -> Tensor:
        states, mask = self.states.padded(texts)
        return model.embed_text(
            torch.from_numpy(states).to(where), torch.from_numpy(mask).to(where)
        )
