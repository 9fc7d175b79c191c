"""A small data set made on the spot: colours of images and pitches of sounds belong together."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

NAMES = ("humming", "whistling", "hissing", "rumbling")
PITCHES = (300.0, 3000.0, 8000.0, 80.0)
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (120, 120, 20))


def png(colour: Any, side: int = 32, mode: str = "RGB") -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (side, side), tuple(colour)).convert(mode).save(made, "PNG")
    return made.getvalue()


def flac(pitch: float, seed: int, seconds: float = 1.0, level: float = 0.3) -> bytes:
    rng = np.random.default_rng(seed)
    times = np.arange(int(16000 * seconds)) / 16000
    wave = level * (np.sin(2 * np.pi * pitch * times) + 0.1 * rng.standard_normal(len(times)))
    made = io.BytesIO()
    soundfile.write(made, wave.astype(np.float32), 16000, format="FLAC")
    return made.getvalue()


def row(number: int, **changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    kind = number % len(NAMES)
    colour = np.clip(np.array(COLOURS[kind]) + rng.integers(-20, 20, 3), 0, 255)
    made = {
        "key": f"row-{number}",
        "image": png([int(c) for c in colour]),
        "audio": flac(PITCHES[kind], number),
        "mel": None,
        "audio_caption": f"something {NAMES[kind]}",
        "image_caption": f"a place where something is {NAMES[kind]}",
        "lat": float(rng.uniform(-80, 80)),
        "lon": float(rng.uniform(-180, 180)),
        "date": f"2020-{number % 12 + 1:02d}-03 {number % 24:02d}:10:00",
        "audio_source": "aporee",
        "caption_source": "meta",
        "zoom": 1,
        "split": "val" if number % 4 == 3 and number >= 12 else "train",
        "concepts": [NAMES[kind]],
    }
    return made | changes


def write_parquet(folder: Path, rows: list[dict[str, Any]], shards: int = 2) -> Path:
    import pyarrow as arrow
    import pyarrow.parquet as parquet

    folder.mkdir(parents=True, exist_ok=True)
    for shard in range(shards):
        some = rows[shard::shards]
        parquet.write_table(arrow.Table.from_pylist(some), folder / f"part-{shard}.parquet")
    return folder
