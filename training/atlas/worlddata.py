"""The built-in world's shards as arrays, and batches of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image

from earwitness.atlas.builtin.words import WIDTH, word_states
from earwitness.atlas.marble import GROUND_M
from earwitness.atlas.metadata import encode_hour, encode_month, encode_place, read_date
from earwitness.atlas.sat2sound.batch import Batch
from earwitness.atlas.sat2sound.fusion import Metadata

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)


@dataclass
class States:
    """Text states of unique captions, one after the other, and which row has which."""

    flat: np.ndarray
    start: np.ndarray
    length: np.ndarray
    which: np.ndarray

    def take(self, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return padded states and mask of some rows."""
        ids = self.which[rows]
        wide = int(self.length[ids].max())
        states = np.zeros((len(rows), wide, WIDTH), np.float32)
        mask = np.zeros((len(rows), wide), bool)
        for place, number in enumerate(ids):
            begin, count = self.start[number], self.length[number]
            states[place, :count] = self.flat[begin : begin + count]
            mask[place, :count] = True
        return torch.from_numpy(states), torch.from_numpy(mask)


def encode(texts: list[str]) -> States:
    unique, which = np.unique(texts, return_inverse=True)
    by_length = np.argsort([len(t) for t in unique], kind="stable")
    length = np.zeros(len(unique), int)
    parts: list[np.ndarray | None] = [None] * len(unique)
    for first in range(0, len(unique), 64):
        part = by_length[first : first + 64]
        states, mask = word_states([str(unique[i]) for i in part])
        for place, number in enumerate(part):
            length[number] = mask[place].sum()
            parts[number] = states[place, : length[number]].astype(np.float16)
    flat = np.concatenate([p for p in parts if p is not None])
    return States(flat, np.concatenate([[0], np.cumsum(length)[:-1]]), length, which)


@dataclass
class Rows:
    """A split."""

    images: np.ndarray
    mels: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    month: np.ndarray
    hour: np.ndarray
    weights: np.ndarray
    audio_captions: list[str]
    image_captions: list[str]
    audio: States
    image: States

    def metadata(
        self, rows: np.ndarray, parts: tuple[str, ...] = ("latlong", "month", "time")
    ) -> Metadata:
        """Return what is known of some rows, in the kinds asked for."""
        return Metadata(
            latlong=torch.from_numpy(encode_place(self.lat[rows], self.lon[rows]))
            if "latlong" in parts
            else None,
            month=torch.from_numpy(encode_month(self.month[rows])) if "month" in parts else None,
            time=torch.from_numpy(encode_hour(self.hour[rows])) if "time" in parts else None,
        )

    def batch(self, rows: np.ndarray) -> Batch:
        """Return some rows as a batch."""
        pixels = (self.images[rows].astype(np.float32) / 255 - MEAN) / SPREAD
        words, mask = self.audio.take(rows)
        seen, seen_mask = self.image.take(rows)
        return Batch(
            images=torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))),
            ground_m=torch.full((len(rows),), GROUND_M),
            mel=torch.from_numpy(self.mels[rows].astype(np.float32))[:, None],
            audio_words=words,
            audio_mask=mask,
            image_words=seen,
            image_mask=seen_mask,
            metadata=self.metadata(rows),
        )


def read(world: Path, split: str) -> Rows:
    held = [pq.read_table(p).to_pydict() for p in sorted(world.glob(f"{split}-*.parquet"))]
    all_ = {k: [v for part in held for v in part[k]] for k in held[0]}
    del held
    when = [read_date(d) for d in all_["date"]]
    cache = world / f"states-{split}.npz"
    states = []
    for kind in ("audio_caption", "image_caption"):
        stored = cache.with_name(f"{kind}-{cache.name}")
        if stored.exists():
            with np.load(stored) as f:
                states.append(States(f["flat"], f["start"], f["length"], f["which"]))
            continue
        made = encode(all_[kind])
        np.savez(stored, flat=made.flat, start=made.start, length=made.length, which=made.which)
        states.append(made)
    return Rows(
        images=np.stack([np.asarray(Image.open(io.BytesIO(b))) for b in all_["image"]]),
        mels=np.stack([np.frombuffer(b, np.float16).reshape(-1, 64) for b in all_["mel"]]),
        lat=np.array(all_["lat"]),
        lon=np.array(all_["lon"]),
        month=np.array([w.month for w in when]),
        hour=np.array([w.hour for w in when]),
        weights=np.array(all_["weights"], np.float32),
        audio_captions=all_["audio_caption"],
        image_captions=all_["image_caption"],
        audio=states[0],
        image=states[1],
    )
