"""Pictures, sounds and words to a table of embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from earwitness.errors import MediaError, OptionError
from earwitness.extras import require
from earwitness.media.output import beside
from earwitness.media.pictures import read_picture
from earwitness.media.sounds import decode
from earwitness.scene.sound import Sound
from earwitness.verbs.progress import Progress, silent

ENDINGS = (".parquet", ".csv", ".npz")


def embed(
    checkpoint: Path | str,
    out: Path | str,
    *,
    images: Sequence[Path] = (),
    sounds: Sequence[Path] = (),
    texts: Sequence[str] = (),
    lat_deg: float | None = None,
    lon_deg: float | None = None,
    month: int | None = None,
    hour: float | None = None,
    text_encoder: str | None = None,
    device: str = "auto",
    progress: Progress = silent,
) -> int:
    """Embed some things and write a table: kind, what, embedding (of unit length).

    Parameters
    ----------
    checkpoint
        A file, or ``builtin``.
    out
        ``.parquet``, ``.csv`` or ``.npz``.
    images, sounds, texts
        Files and words. Of an image the square in its middle is used.
    lat_deg, lon_deg, month, hour
        Of all images, where known.
    text_encoder, device
        As in :class:`earwitness.atlas.sat2sound.embedder.CheckpointEmbedder`.
    progress
        Told how far it is.

    Returns
    -------
    int
        Rows written.
    """
    target = Path(out)
    if target.suffix not in ENDINGS:
        raise OptionError(f"{target.name} ends in none of {', '.join(ENDINGS)}; choose one")
    if not (images or sounds or texts):
        raise OptionError("nothing to embed; give --image, --audio or --text")
    if not all(text.strip() for text in texts):
        raise OptionError("a text is empty; give words with --text")
    embedder = _load(checkpoint, text_encoder, device)
    kinds: list[str] = []
    names: list[str] = []
    made = []
    if images:
        progress("looking", 0.1)
        side = embedder.image_px
        pixels = [_square(read_picture(path).pixels, side) for path in images]
        made.append(
            embedder.images(
                np.stack(pixels), lat_deg=lat_deg, lon_deg=lon_deg, month=month, hour=hour
            )
        )
        kinds, names = kinds + ["image"] * len(images), names + [str(path) for path in images]
    if sounds:
        progress("listening", 0.4)
        made.append(embedder.sounds([_read_sound(path) for path in sounds]))
        kinds, names = kinds + ["audio"] * len(sounds), names + [str(path) for path in sounds]
    if texts:
        progress("reading", 0.7)
        made.append(embedder.texts(list(texts)))
        kinds, names = kinds + ["text"] * len(texts), names + list(texts)
    values = np.concatenate(made)
    _write(target, kinds, names, values)
    return len(values)


def _load(checkpoint: Path | str, text: str | None, device: str) -> Any:
    if str(checkpoint) == "builtin":
        return import_module("earwitness.atlas.embedders").load_embedder("builtin")
    require("torch", what="embedding by a checkpoint", extra="train")
    from earwitness.atlas.sat2sound.embedder import CheckpointEmbedder

    return CheckpointEmbedder(checkpoint, text=text, device=device)


def _square(pixels: Any, side: int) -> Any:
    least = min(pixels.shape[:2])
    top, left = ((n - least) // 2 for n in pixels.shape[:2])
    cut = Image.fromarray(pixels[top : top + least, left : left + least])
    return np.asarray(cut.resize((side, side), Image.Resampling.BICUBIC))


def _read_sound(path: Path) -> Sound:
    held, rate = decode(path, 11.0)
    if not held.size or not np.isfinite(held).all():
        raise MediaError(f"{path} is empty, or holds values that are not numbers (NaN)")
    if float(np.abs(held).max()) < 1e-5:
        raise MediaError(f"{path} is silent in its first ten seconds; give a sound")
    return Sound(held.mean(axis=0)[None].astype(np.float32), rate, "mono")


def _write(target: Path, kinds: list[str], names: list[str], values: Any) -> None:
    with beside(target) as made:
        if target.suffix == ".npz":
            np.savez(made, kind=np.array(kinds), what=np.array(names), embedding=values)
        elif target.suffix == ".csv":
            import csv

            with made.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["kind", "what", *(f"e{n}" for n in range(values.shape[1]))])
                for kind, name, row in zip(kinds, names, values):
                    writer.writerow([kind, name, *(f"{v:.7g}" for v in row)])
        else:
            require("pyarrow", what="writing Parquet", extra="train")
            import pyarrow as arrow
            import pyarrow.parquet as parquet

            width = values.shape[1]
            flat = arrow.array(values.ravel(), arrow.float32())
            lists = arrow.FixedSizeListArray.from_arrays(flat, width)
            table = arrow.table({"kind": kinds, "what": names, "embedding": lists})
            parquet.write_table(table, made)
