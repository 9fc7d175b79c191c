"""The built-in world as a folder of Parquet shards, with its card."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from earwitness.atlas.marble import crops
from earwitness.atlas.world.bank import Bank
from earwitness.atlas.world.captions import captions, present
from earwitness.atlas.world.layers import ground
from earwitness.atlas.world.places import CROP_PX, sample_hours, sample_places, split_of
from earwitness.atlas.world.rules import heard, mixture
from earwitness.atlas.world.table import names
from earwitness.errors import OptionError
from earwitness.extras import require

SHARD_ROWS = 2000

_GROUP_ROWS = 64
"""Rows of a row group, the least that is read: training takes rows in any order."""

CARD = """# The built-in world

{rows} recordings that nobody made: {split}. Seed {seed}.

* **Images**: Blue Marble (NASA), 16 × 16 pixels round each place, 119 km from north to south. Real.
* **Places**: real; on land by area, on shores, at towns, at sea. Splits are whole 10° cells.
* **Dates**: months drawn evenly, hours mostly by day, as people record. Local solar time.
* **Which sounds**: rules over MODIS land cover, Köppen–Geiger climate, sea, towns, airports,
  relief, month and hour. **The labels are rules.** What a model learns here is what the rules
  say; a map made with it shows that the software works, not what the Earth sounds like.
* **Sounds**: made by the synthesiser, mixed as log-mel power. Clips in val and test never
  sound in train.
* **Captions**: templates. An audio caption names at most the three strongest sounds; an image
  caption names what the ground looks like and what one would expect to hear.
* **Not in it**: rivers, railways, music, speech, single animals, any culture's own sounds.
"""


@dataclass(frozen=True)
class WorldPlan:
    """How large a world is.

    Parameters
    ----------
    rows
        Recordings in all.
    seed
        Of places, dates, mixtures and words.
    """

    rows: int = 48_000
    seed: int = 0

    def __post_init__(self) -> None:
        if not 100 <= self.rows <= 1_000_000:
            raise OptionError(f"rows is {self.rows}; allowed is 100 to 1000000")


def _png(pixels: Any) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, "PNG")
    return held.getvalue()


def rows_of(plan: WorldPlan, bank: Bank, split: str) -> Iterator[dict[str, Any]]:
    """Yield the columns of each shard of a split.

    Parameters
    ----------
    plan, bank
        How many rows, and the sounds.
    split
        ``train``, ``val`` or ``test``.
    """
    rng = np.random.default_rng(plan.seed)
    lat, lon = sample_places(plan.rows, rng)
    month, hour = rng.integers(1, 13, plan.rows), sample_hours(plan.rows, rng)
    mine = np.flatnonzero(split_of(lat, lon) == split)
    for first in range(0, len(mine), SHARD_ROWS):
        part = mine[first : first + SHARD_ROWS]
        chance = np.random.default_rng([plan.seed, len(split), first])
        around = ground(lat[part], lon[part])
        ruled = mixture(around, month[part], hour[part])
        caught = heard(ruled, chance)
        mels = bank.mix(caught, bank.choose(len(part), chance, training=split == "train"), chance)
        audio, image = captions(caught, around, chance)
        named = names()
        yield {
            "key": [f"world-{i:06d}" for i in part],
            "image": [_png(p) for p in crops(lat[part], lon[part], CROP_PX)],
            "audio": [None] * len(part),
            "mel": [m.astype(np.float16).tobytes() for m in mels],
            "audio_caption": audio,
            "image_caption": image,
            "lat": lat[part].astype(np.float32),
            "lon": lon[part].astype(np.float32),
            "date": [f"2019-{m:02d}-15T{h:02d}:00:00" for m, h in zip(month[part], hour[part])],
            "audio_source": [None] * len(part),
            "caption_source": [None] * len(part),
            "zoom": np.ones(len(part), np.float32),
            "split": [split] * len(part),
            "concepts": [[named[i] for i in there] for there in present(caught)],
            "weights": list(caught.astype(np.float32)),
        }


def build(
    out: Path, bank: Bank, plan: WorldPlan, tell: Callable[[str, float], None]
) -> dict[str, int]:
    """Write the world.

    Parameters
    ----------
    out
        A folder; made if it is not there.
    bank
        The sounds.
    plan
        How large.
    tell
        Called with a stage and the share done.

    Returns
    -------
    dict
        Rows of each split.
    """
    require("pyarrow", what="writing data sets", extra="world")
    import pyarrow as pa
    import pyarrow.parquet as pq

    out.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        [("key", pa.string()), ("image", pa.binary()), ("audio", pa.binary()), ("mel", pa.binary()),
         ("audio_caption", pa.string()), ("image_caption", pa.string()), ("lat", pa.float32()),
         ("lon", pa.float32()), ("date", pa.string()), ("audio_source", pa.string()),
         ("caption_source", pa.string()), ("zoom", pa.float32()), ("split", pa.string()),
         ("concepts", pa.list_(pa.string())), ("weights", pa.list_(pa.float32()))]
    )  # fmt: skip
    counts, done = {}, 0
    for split in ("train", "val", "test"):
        counts[split] = 0
        for number, columns in enumerate(rows_of(plan, bank, split)):
            path = out / f"{split}-{number:04d}.parquet"
            part = path.with_suffix(".part")
            pq.write_table(
                pa.table(columns, schema=schema),
                part,
                compression="zstd",
                row_group_size=_GROUP_ROWS,
            )
            part.replace(path)
            counts[split] += len(columns["key"])
            done += len(columns["key"])
            tell(f"writing {split}", done / plan.rows)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    card = CARD.format(rows=sum(counts.values()), split=told, seed=plan.seed)
    (out / "README.md").write_text(card, "utf-8")
    (out / "world.json").write_text(
        json.dumps({"rows": counts, "seed": plan.seed, "concepts": names()}, indent=2) + "\n"
    )
    return counts
