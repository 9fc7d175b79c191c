"""Retrieval by a checkpoint on a split: tables with intervals, per zoom, concept and metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from earwitness.atlas import metrics
from earwitness.atlas.dataset import open_pairs
from earwitness.atlas.retrieval import Embedded, by_concept, parts_left_out, retrieval_table
from earwitness.errors import OptionError
from earwitness.extras import require
from earwitness.media.output import beside
from earwitness.verbs.progress import Progress, silent
from earwitness.verbs.world import data_named

if TYPE_CHECKING:
    from earwitness.atlas.metrics import Figure

Table = dict[str, dict[str, "Figure"]]


@dataclass(frozen=True, slots=True)
class RetrievalReport:
    """Figures of one checkpoint on one split.

    Parameters
    ----------
    count
        Pairs; of the last zoom, where rows have their own.
    tables
        Title (one for each zoom) → row → figure.
    concepts
        Title → concept → rows, R@10 % both ways.
    ablations
        Kinds of metadata → R@10 % both ways.
    skipped
        Bad rows passed over.
    """

    count: int
    tables: dict[str, Table]
    concepts: dict[str, dict[str, tuple[int, float, float]]] = field(default_factory=dict)
    ablations: dict[str, tuple[float, float]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""

        def plain(table: Table) -> dict[str, Any]:
            return {
                row: {name: [f.value, f.low, f.high] for name, f in figures.items()}
                for row, figures in table.items()
            }

        return {
            "pairs": self.count,
            "tables": {title: plain(table) for title, table in self.tables.items()},
            "concepts": self.concepts,
            "ablations": self.ablations,
            "skipped": self.skipped,
        }


def evaluate_retrieval(
    checkpoint: Path | str,
    data: Path | str,
    *,
    split: str = "test",
    imagery: str | None = None,
    zooms: Sequence[int] = (),
    concepts: bool = False,
    ablate: bool = False,
    published: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    text: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    out: Path | str | None = None,
    progress: Progress = silent,
) -> RetrievalReport:
    """Evaluate a checkpoint.

    Parameters
    ----------
    checkpoint
        Published or ours, or ``builtin`` for the model in the package.
    data, split, imagery, skip_bad
        As in :func:`earwitness.atlas.dataset.open_pairs`.
    zooms
        Of images that can be cut; by default each image's first.
    concepts, ablate
        Whether to look at each concept, and at each kind of metadata left out.
    published, resamples, seed
        As in :func:`earwitness.atlas.metrics.summarise`.
    text
        Text encoder, by default the model's own.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    out
        JSON file.
    progress
        Told how far it is.

    Returns
    -------
    RetrievalReport
    """
    source: _Builtin | _Checkpoint = (
        _Builtin(data, imagery, split, skip_bad, zooms, progress)
        if str(checkpoint) == "builtin"
        else _Checkpoint(checkpoint, data, imagery, split, skip_bad, text, device, progress)
    )
    pairs = source.pairs
    if len(pairs) < 2:
        raise OptionError(f"the split {split} has {len(pairs)} row; retrieval needs at least 2")
    report = RetrievalReport(0, {})
    held: Any = None
    try:
        for zoom in zooms or (None,):
            held = source.embed(zoom)
            title = f"{split}, zoom {zoom}" if zoom else str(split)
            if len(held) < 2:
                raise OptionError(f"{title}: 1 good row; retrieval needs at least 2")
            report.tables[title] = retrieval_table(
                held, published=published, resamples=resamples, seed=seed
            )
            if concepts:
                report.concepts[title] = by_concept(held, published=published)
        if ablate and source.parts:
            report.ablations["all"] = _both(held.image, held.audio, published)
            for name, parts in parts_left_out(source.parts).items():
                seen = source.embed(zooms[-1] if zooms else None, parts)
                report.ablations[name] = _both(seen.image, held.audio, published)
    finally:
        source.close()
    made = RetrievalReport(
        len(held), report.tables, report.concepts, report.ablations, dict(pairs.bad)
    )
    if out is not None:
        with beside(out) as file:
            file.write_text(json.dumps(made.as_dict(), indent=1, ensure_ascii=False) + "\n")
    return made


class _Builtin:
    """Pairs embedded by the model in the package."""

    def __init__(
        self, data: Path | str, imagery: str | None, split: str, skip_bad: bool,
        zooms: Sequence[int], progress: Progress,
    ) -> None:  # fmt: skip
        from earwitness.atlas.builtin.pairs import PARTS

        if zooms:
            raise OptionError("the built-in model knows one zoom; leave --zoom out")
        self.parts, self._progress = PARTS, progress
        self.pairs = open_pairs(
            data_named(data, progress), split=split, imagery=imagery or "sentinel",
            skip_bad=skip_bad, progress=progress,
        )  # fmt: skip

    def embed(self, zoom: int | None, parts: tuple[str, ...] | None = None) -> Embedded:
        """Embed all pairs, or with some parts alone, their images."""
        from earwitness.atlas.builtin.pairs import embed_builtin

        read = self.parts if parts is None else parts
        return embed_builtin(
            self.pairs, parts=read, images_only=parts is not None, progress=self._progress
        )

    def close(self) -> None:
        """Do nothing."""


class _Checkpoint:
    """Pairs embedded by a checkpoint."""

    def __init__(
        self, checkpoint: Path | str, data: Path | str, imagery: str | None, split: str,
        skip_bad: bool, text: str | None, device: str, progress: Progress,
    ) -> None:  # fmt: skip
        require("torch", what="evaluating a checkpoint", extra="train")
        from earwitness.atlas.sat2sound.model import Sat2Sound
        from earwitness.atlas.texts import KeptStates, load_text_encoder
        from earwitness.models.device import choose_device
        from earwitness.verbs.training import states_file

        self._where, self._path, self._progress = choose_device(device), checkpoint, progress
        self._model = Sat2Sound.load(checkpoint).to(self._where)
        config = self._model.config
        self.parts = config.parts
        self.pairs = open_pairs(
            data_named(data, progress), split=split, imagery=imagery or config.imagery,
            skip_bad=skip_bad, progress=progress,
        )  # fmt: skip
        encoder = load_text_encoder(
            text or config.text_encoder, device=self._where, width=config.sizes.text_width
        )
        self._words = KeptStates(encoder, states_file(encoder.name))

    def embed(self, zoom: int | None, parts: tuple[str, ...] | None = None) -> Embedded:
        """Embed all pairs, or with some parts alone, their images.

        Our own models are told less; of published ones the parts are taken out, as there.
        """
        from earwitness.atlas.sat2sound.embedded import embed_pairs
        from earwitness.atlas.sat2sound.model import Sat2Sound

        model = self._model
        if parts is not None and model.config.published:
            heads = model.config.sizes.vit_heads
            model = Sat2Sound.load(self._path, parts=parts, vit_heads=heads).to(self._where)
        return embed_pairs(
            model, self.pairs, self._words, zoom=zoom, images_only=parts is not None, known=parts,
            progress=self._progress,
        )  # fmt: skip

    def close(self) -> None:
        """Close the states of captions."""
        self._words.close()


def _both(image: Any, audio: Any, published: bool) -> tuple[float, float]:
    limit = 0.1 * len(image)
    made = [
        metrics.recall(metrics.ranks(*pair), limit, published=published)
        for pair in metrics.pair_up(image, audio, None, "none").values()
    ]
    return made[0], made[1]


def neighbours(
    checkpoint: Path | str,
    data: Path | str,
    out: Path | str,
    *,
    split: str = "test",
    codes: int = 12,
    chosen: Sequence[int] = (),
    text: str | None = None,
    device: str = "auto",
    skip_bad: bool = False,
    progress: Progress = silent,
) -> int:
    """Write a page of what codes fire on, and return how many there are.

    Parameters
    ----------
    checkpoint, data, split, text, device, skip_bad, progress
        As in :func:`evaluate_retrieval`.
    out
        HTML file.
    codes, chosen
        How many, or which.
    """
    require("torch", what="evaluating a checkpoint", extra="train")
    from earwitness.atlas.sat2sound.model import Sat2Sound
    from earwitness.atlas.sat2sound.neighbours import find_neighbours
    from earwitness.atlas.texts import KeptStates, load_text_encoder
    from earwitness.draw.neighbours import neighbours_page
    from earwitness.models.device import choose_device
    from earwitness.verbs.training import states_file

    if str(checkpoint) == "builtin":
        raise OptionError(
            "the model in the package does not tell its codes; give a checkpoint, such as the "
            "averaged.pt of a run (docs/images/codebook.jpg shows that of the package's own run)"
        )
    where = choose_device(device)
    model = Sat2Sound.load(checkpoint).to(where)
    if not model.config.codebook:
        raise OptionError(
            f"{checkpoint} was trained without a codebook; there are no codes to show"
        )
    if codes < 1:
        raise OptionError(f"codes is {codes}; give how many to show, 1 or more")
    there = model.config.sizes.codes
    if wrong := [code for code in chosen if not 0 <= code < there]:
        raise OptionError(f"there is no code {wrong[0]}; the codebook has 0 to {there - 1}")
    pairs = open_pairs(
        data_named(data, progress),
        split=split,
        imagery=model.config.imagery,
        skip_bad=skip_bad,
        progress=progress,
    )
    encoder = load_text_encoder(
        text or model.config.text_encoder, device=where, width=model.config.sizes.text_width
    )
    words = KeptStates(encoder, states_file(encoder.name))
    found = find_neighbours(model, pairs, words, codes=codes, chosen=chosen, progress=progress)
    title = f"{Path(checkpoint).name} on {split} of {Path(data).name}"
    with beside(out) as file:
        file.write_text(neighbours_page(found, title=title, count=len(pairs)), "utf-8")
    words.close()
    return len(found)
