"""Two lessons beside the pairs: what a place has, by name, and how near other words are to that.

*Prototypes*: the embedding of a place is compared with that of a phrase of each prototype, and
learns how likely it has them, of the places of the pairs and of others that were only surveyed.
*Free words*: a word's likeness to the prototypes learns to be what the text encoder has it for, so
that words nobody taught keep their meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor, nn

from earwitness.atlas.dataset.reading import to_input
from earwitness.atlas.metadata import encode_hour, encode_month, encode_place
from earwitness.atlas.sat2sound.config import GROUND_M
from earwitness.atlas.sat2sound.fusion import Metadata
from earwitness.atlas.sat2sound.losses import unit
from earwitness.atlas.sat2sound.processes import gather, together
from earwitness.atlas.sat2sound.variation import Variation
from earwitness.atlas.texts import KeptStates
from earwitness.atlas.world.lessons import NEAR, Names

if TYPE_CHECKING:
    from earwitness.atlas.sat2sound.model import Sat2Sound
    from earwitness.atlas.world.survey import Survey

WORDS = 128
"""Free words of a step."""

PLACES = 128
"""Surveyed places of a step."""


@dataclass(frozen=True, slots=True)
class Fieldwork:
    """Surveyed places as tensors: some of them in each step, varied like batches.

    Parameters
    ----------
    survey
        The places.
    variation
        Flips, tint, and how often place and date are unknown. Month and hour go together: what is
        likely in a month at any hour is not surveyed.
    places
        Of a step.
    """

    survey: Survey
    variation: Variation
    places: int = PLACES

    def draw(
        self, model: Sat2Sound, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor, Metadata, Tensor]:
        """Return images, ground distances, metadata and likelihoods of some places.

        Parameters
        ----------
        model
            Whose inputs they shall be.
        rng
            Draws which, and varies them.
        """
        held = self.survey
        some = rng.choice(len(held), min(self.places, len(held)), replace=False)
        config = model.config
        side = config.sizes.image_px
        images = torch.from_numpy(np.stack([to_input(held.pixels[n], side) for n in some]))
        images = self.variation.of_images(images, rng)
        place, date = rng.random((2, len(some)))
        dated = torch.from_numpy(date > self.variation.date)
        known = Metadata(
            latlong=torch.from_numpy(encode_place(held.lat_deg[some], held.lon_deg[some])),
            month=torch.from_numpy(encode_month(held.month[some])),
            time=torch.from_numpy(encode_hour(held.hour[some])),
            latlong_valid=torch.from_numpy(place > self.variation.place),
            month_valid=dated,
            time_valid=dated,
        )
        likely = np.where(dated[:, None], held.dated[some], held.whenever[some])
        ground_m = torch.full((len(some),), GROUND_M[config.imagery])
        return images, ground_m, known, torch.from_numpy(likely)


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
    fieldwork
        Other places to learn the prototypes from; None for the pairs' alone.
    """

    def __init__(
        self,
        names: Names,
        states: KeptStates,
        share: NDArray[np.floating],
        fieldwork: Fieldwork | None = None,
    ) -> None:
        super().__init__()
        self.names, self.states, self.fieldwork = names, states, fieldwork
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
            How likely a place has each, 0 to 1.
        rng
            Draws phrases, words and surveyed places.

        Returns
        -------
        named, told : tensor, shape ()
        """
        where = image.device
        drawn = [self._one_of_each(rng) for _ in range(2)]
        names = torch.stack([unit(self._embed(model, phrases, where)) for phrases in drawn])
        scale = self.scale.exp()
        if self.fieldwork is not None:
            seen, likely = self._look_around(model, self.fieldwork, rng)
            image, labels = torch.cat([image, seen]), torch.cat([labels, likely.to(where)])
        logits = scale * (unit(image) @ names.transpose(1, 2)) + self.offset
        named = F.binary_cross_entropy_with_logits(logits, labels.expand_as(logits))
        count = min(WORDS, int((self.names.chance > 0).sum()))
        some = rng.choice(len(self.names.words), count, replace=False, p=self.names.chance)
        nearness = torch.from_numpy(self.names.nearness[some]).to(where)
        words = unit(self._embed(model, [self.names.words[n] for n in some], where))
        guess = F.log_softmax(scale * words @ F.normalize(names.mean(0), dim=1).T, dim=1)
        told = F.kl_div(guess, torch.softmax(nearness / NEAR, dim=1), reduction="batchmean")
        return named, told

    @staticmethod
    def _look_around(
        model: Sat2Sound, fieldwork: Fieldwork, rng: np.random.Generator
    ) -> tuple[Tensor, Tensor]:
        """Return embeddings of surveyed places and their likelihoods, each process its share."""
        pixels, ground_m, known, likely = fieldwork.draw(model, rng)
        rank, world = together()
        if len(pixels) % world:  # no even shares: all look at all
            rank, world = 0, 1
        part = slice(rank * len(pixels) // world, (rank + 1) * len(pixels) // world)
        where = next(model.parameters()).device
        seen = model.embed_image(
            pixels[part].to(where), ground_m=ground_m[part].to(where),
            metadata=known.each(lambda held: held[part].to(where)),
        )  # fmt: skip
        if world > 1 and seen.requires_grad:
            # What a lesson gives the weights is averaged over processes; this is one's own alone.
            seen.register_hook(lambda grad: grad * world)
        return gather(seen, rank, world), likely

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
