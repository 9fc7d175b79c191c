"""A row decoded: pixels, spectrograms, place and time; what is spoilt is said, not guessed."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from earwitness.atlas import logmel
from earwitness.atlas.dataset.rows import TILE_PX, Row
from earwitness.atlas.metadata import AUDIO_SOURCES, CAPTION_SOURCES, When, encode_label, read_date
from earwitness.errors import EarwitnessError, MediaError, OptionError

CROPS = 5
"""Crops of 10 s of a sound that is longer."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_LARGEST_PX = 40_000_000
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


class BadRowError(EarwitnessError):
    """A row that cannot be learnt from; ``key`` names it and ``reason`` says why."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"row {key!r}: {reason}")


@dataclass(frozen=True, eq=False, slots=True)
class Pair:
    """A decoded row.

    Parameters
    ----------
    key
        Its name.
    pixels : array, shape (side, side, 3), uint8
        RGB.
    mels : array, shape (crops, T, 64), float16
        Log-mel spectrograms.
    audio_caption, image_captions
        Words; those of the image by zoom.
    lat_deg, lon_deg, when, asource, tsource
        What is known.
    zoom, ground_m, concepts, date
        As in :class:`~earwitness.atlas.dataset.rows.Row`.
    """

    key: str
    pixels: NDArray[np.uint8]
    mels: NDArray[np.float16]
    audio_caption: str
    image_captions: Mapping[int, str]
    lat_deg: float | None
    lon_deg: float | None
    when: When
    asource: int
    tsource: int
    zoom: int | None
    ground_m: float | None
    concepts: tuple[str, ...]
    date: str | None = None

    @property
    def bytes(self) -> int:
        """Memory it takes, about."""
        return int(self.pixels.nbytes + self.mels.nbytes + 1000)


def _told(error: Exception) -> str:
    """Return what an error says, without the name of the bytes in memory."""
    return re.sub(r" ?<_io\.BytesIO[^>]*>", "", str(error))[:100]


def read_image(encoded: bytes) -> NDArray[np.uint8]:
    """Decode a satellite image.

    Raises
    ------
    ValueError
        If it is no PNG, JPEG or WebP, not square, or not of three channels.
    """
    try:
        with Image.open(io.BytesIO(encoded), formats=_FORMATS) as picture:
            if picture.width * picture.height > _LARGEST_PX:
                raise ValueError(f"its image has {picture.width} × {picture.height} pixels")
            if picture.mode != "RGB":
                raise ValueError(
                    f"its image has the channels {picture.mode} ({len(picture.getbands())}); "
                    f"expected is RGB, 8 bits each"
                )
            made = np.asarray(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"its image cannot be read ({_told(error)})") from error
    if made.shape[0] != made.shape[1]:
        raise ValueError(
            f"its image has {made.shape[1]} × {made.shape[0]} pixels; it must be square"
        )
    return made


def read_sound(encoded: bytes) -> NDArray[np.float16]:
    """Decode a sound to log-mel spectrograms of up to five crops, shape (crops, 1001, 64).

    Raises
    ------
    ValueError
        If it cannot be read, is silent, or holds values that are not numbers.
    """
    crops, rate, total = _crops(encoded)
    if not 1000 <= rate <= 768_000 or total < rate // 100:
        raise ValueError(f"its sound has {total} samples at {rate} Hz; too short, or an odd rate")
    made = []
    for crop in crops:
        if crop.size == 0:
            continue
        try:
            wave = logmel.prepare(crop, rate)
        except MediaError as error:
            raise ValueError(f"its sound is spoilt: {error}") from error
        if float(np.abs(wave).max()) > _SILENT:
            made.append(logmel.log_mel(wave)[0])
    if not made:
        raise ValueError("its sound is silent")
    return np.stack(made).astype(np.float16)


def _crops(encoded: bytes) -> tuple[list[NDArray[np.float32]], int, int]:
    """Return up to five crops (channels, samples) of a sound, its rate, and its samples."""
    import soundfile

    crops = []
    try:
        with soundfile.SoundFile(io.BytesIO(encoded)) as file:
            rate, total = int(file.samplerate), int(file.frames)
            for start in _starts(total, rate):
                file.seek(start)
                part = file.read(logmel.SECONDS * rate, dtype="float32", always_2d=True)
                crops.append(part.T)
        return crops, rate, total
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        unread = f"its sound cannot be read ({_told(error)})"
    import av.error  # seldom needed, and slow to import

    from earwitness.media.sounds import decode_by_ffmpeg

    try:
        whole, rate = decode_by_ffmpeg(io.BytesIO(encoded), _LONGEST_S)
    except (av.error.FFmpegError, IndexError, MediaError, ValueError) as error:
        raise ValueError(unread) from error
    total = whole.shape[1]
    starts = _starts(total, rate)
    return [whole[:, at : at + logmel.SECONDS * rate] for at in starts], rate, total


def _starts(total: int, rate: int) -> list[int]:
    """Return where the crops of a sound of so many samples begin."""
    last = total - logmel.SECONDS * rate
    return [int(at) for at in np.linspace(0, last, CROPS)] if last > 0 else [0]


_LONGEST_S = 600.0
"""Of sounds that FFmpeg decodes, which are decoded whole."""

_SILENT = 1e-5


def check_mel(mels: NDArray[np.floating]) -> NDArray[np.float16]:
    """Check ready-made spectrograms, shape (crops, T, 64).

    Raises
    ------
    ValueError
        If one is too long or short, holds what is no number, or is the same everywhere (silence,
        or the zeros that some data sets put where nothing could be made).
    """
    if not 16 <= mels.shape[1] <= 1024:
        raise ValueError(f"its mel has {mels.shape[1]} frames; allowed are 16 to 1024")
    held = mels.astype(np.float32)
    if not np.isfinite(held).all():
        raise ValueError("its mel holds values that are not numbers (NaN or infinity)")
    sounding = held.reshape(len(held), -1).max(axis=1) - held.reshape(len(held), -1).min(axis=1)
    kept = mels[sounding > 1e-3]
    if not len(kept):
        raise ValueError("its mel is the same everywhere: the sound is silent")
    return np.asarray(kept, np.float16)


def decode(row: Row) -> Pair:
    """Decode a row.

    Raises
    ------
    BadRowError
        If anything in it is spoilt.
    """
    try:
        pixels = read_image(row.image)
        if row.mel is not None:
            mels = check_mel(row.mel)
        else:
            mels = read_sound(row.audio or b"")
        when = read_date(row.date)
        if row.audio_source == "freesound":
            when = When(when.month, None)  # the hour of its upload, not of the sound
        asource = encode_label(row.audio_source, AUDIO_SOURCES)
        tsource = encode_label(row.caption_source, CAPTION_SOURCES)
    except (ValueError, OptionError) as error:
        raise BadRowError(row.key, str(error)) from error
    return Pair(
        row.key, pixels, mels, row.audio_caption, row.image_captions, row.lat_deg, row.lon_deg,
        when, asource, tsource, row.zoom, row.ground_m, row.concepts, row.date,
    )  # fmt: skip


def crop_to_zoom(pixels: NDArray[np.uint8], imagery: str, zoom: int) -> NDArray[np.uint8]:
    """Cut ``zoom`` tiles out of the middle of a large published image.

    Raises
    ------
    OptionError
        If the image is smaller.
    """
    side = TILE_PX[imagery] * zoom
    if side > len(pixels):
        raise OptionError(
            f"an image of {len(pixels)} px is too small for zoom {zoom} of {imagery}, which needs "
            f"{side} px; choose a smaller zoom"
        )
    start = round((len(pixels) - side) / 2)
    return pixels[start : start + side, start : start + side]


def to_input(pixels: NDArray[np.uint8], side: int = 224) -> NDArray[np.float32]:
    """Scale to the model's size (bicubic, antialiased) and normalise: float32, (3, side, side).

    Examples
    --------
    >>> to_input(np.zeros((16, 16, 3), np.uint8)).shape
    (3, 224, 224)
    """
    held = pixels
    if held.shape[:2] != (side, side):
        scaled = Image.fromarray(held).resize((side, side), Image.Resampling.BICUBIC)
        held = np.asarray(scaled)
    made = (held.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
    return np.ascontiguousarray(made.transpose(2, 0, 1), np.float32)
