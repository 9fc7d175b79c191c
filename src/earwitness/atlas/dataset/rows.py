"""A row of a data set, whoever named its columns."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.logmel import MELS
from earwitness.errors import EarwitnessError
from earwitness.tables import read_number

SPLITS = ("train", "val", "test")
ZOOMS = (1, 3, 5)
TILE_PX = {"sentinel": 256, "bingmap": 300, "googleEarth": 256}
"""Imagery → side of the square of the published images that is cut out at zoom 1."""


class DatasetError(EarwitnessError):
    """A data set that cannot be read, or lacks something."""


@dataclass(frozen=True, eq=False, slots=True)
class Row:
    """What a data set tells of one place; nothing is decoded yet.

    Parameters
    ----------
    key
        Its name.
    image
        Encoded satellite image.
    audio
        Encoded sound, or None when ``mel`` is there.
    mel : array, shape (crops, T, 64), or None
        Log-mel spectrograms.
    audio_caption, image_captions
        What is heard; and by zoom what the image makes one expect.
    lat_deg, lon_deg, date, audio_source, caption_source
        None where not known.
    zoom
        How many tiles the image spans, when it is used whole; None when the data set's images are
        cut to a zoom first (:data:`ZOOMS`).
    ground_m
        Metres on the ground per pixel, when the row tells.
    concepts
        Names of sounds known to be in it.
    """

    key: str
    image: bytes
    audio: bytes | None
    mel: NDArray[np.floating] | None
    audio_caption: str
    image_captions: Mapping[int, str]
    lat_deg: float | None = None
    lon_deg: float | None = None
    date: str | None = None
    audio_source: str | None = None
    caption_source: str | None = None
    zoom: int | None = 1
    ground_m: float | None = None
    concepts: tuple[str, ...] = ()


_OTHER_NAMES = {
    "sample_id": "key", "__key__": "key", "caption": "audio_caption", "latitude": "lat",
    "longitude": "lon", "time": "date", "date_recorded": "date", "source": "audio_source",
    "audio_caption_source": "caption_source", "mel_features": "mel",
}  # fmt: skip
_NEEDED = ("image", "audio_caption", "lat", "lon")
_PUBLISHED_IMAGES = {
    "bingmap": "bingmap_image", "sentinel": "sentinel_image", "googleEarth": "googleearth_image",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of a data set is what.

    Parameters
    ----------
    names
        What we call it → what the data set calls it.
    captions
        Zoom → column of the image's caption.
    published
        Whether the images are the large ones of GeoSound or SoundingEarth, cut to a zoom by us.
    """

    names: Mapping[str, str]
    captions: Mapping[int, str]
    published: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(dict.fromkeys([*self.names.values(), *self.captions.values()]))


def find_columns(there: Collection[str], imagery: str, where: str) -> Columns:
    """Tell what the columns of a data set are.

    Parameters
    ----------
    there
        Their names.
    imagery
        Which images to take where a data set holds several kinds.
    where
        The data set, for messages.

    Raises
    ------
    DatasetError
        Naming every column that lacks.

    Examples
    --------
    >>> held = {"sample_id", "image", "audio", "caption", "lat", "lon", "time"}
    >>> find_columns(held, "sentinel", "here").names["date"]
    'time'
    """
    names = {ours: theirs for theirs, ours in _OTHER_NAMES.items() if theirs in there}
    known = {
        "key", "image", "audio", "mel", "audio_caption", "image_caption", "lat", "lon", "date",
        "audio_source", "caption_source", "zoom", "split", "concepts", "ground_m",
    }  # fmt: skip
    names |= {name: name for name in known if name in there}
    captions: dict[int, str] = {}
    published = not {"image"} & set(there) and bool(set(_PUBLISHED_IMAGES.values()) & set(there))
    if published:
        column = _PUBLISHED_IMAGES[imagery]
        if column not in there:
            others = [kind for kind, name in _PUBLISHED_IMAGES.items() if name in there]
            raise DatasetError(
                f"{where} holds no {imagery} images; it holds {', '.join(others)}: choose with "
                f"--imagery"
            )
        names["image"] = column
        for zoom in ZOOMS:
            told = f"llava_caption_{imagery.lower()}_zl{zoom}"
            if told in there:
                captions[zoom] = told
    elif "image_caption" in names:
        captions[0] = names["image_caption"]
    lacking = [name for name in _NEEDED if name not in names]
    if "audio" not in names and "mel" not in names:
        lacking.append("audio (or mel)")
    if lacking:
        raise DatasetError(
            f"{where} has no column {', '.join(lacking)}; it has "
            f"{', '.join(sorted(there)) or 'none'}. See docs/sat2sound.md for the columns"
        )
    return Columns(names, captions, published)


def _absent(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _encoded(value: Any, what: str) -> bytes | None:
    """Return bytes; the hub's data sets hold them beside a path."""
    if isinstance(value, Mapping):
        value = value.get("bytes")
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        return bytes(value) if value else None
    if _absent(value):
        return None
    raise ValueError(f"its {what} is a {type(value).__name__}, not the bytes of a file")


def _mels(value: Any) -> NDArray[np.floating] | None:
    if _absent_array(value):
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        held: NDArray[np.floating] = np.frombuffer(value, np.float16)
    else:
        try:
            held = np.asarray(value, np.float32)
        except ValueError:
            raise ValueError("its mel is no table of numbers: not all of one length") from None
    if held.size == 0 or held.size % MELS or (held.ndim > 1 and held.shape[-1] != MELS):
        raise ValueError(f"its mel has {held.size} values, not rows of {MELS}")
    if held.ndim < 3:
        return held.reshape(1, -1, MELS)
    return held.reshape(-1, *held.shape[-2:])


def _absent_array(value: Any) -> bool:
    return value is None or (isinstance(value, bytes | str) and not value)


def _number(value: Any, what: str, most: float) -> float | None:
    if _absent(value):
        return None
    try:
        number = read_number(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"its {what} is {value!r}, not a number") from None
    if math.isnan(number):  # as some tables spell what is not known
        return None
    if not -most <= number <= most:
        raise ValueError(f"its {what} is {number:g}, outside -{most:g} to {most:g}")
    return number


def _names(value: Any) -> tuple[str, ...]:
    if _absent_array(value):
        return ()
    held = value.split(";") if isinstance(value, str) else value
    return tuple(str(name).strip() for name in held if str(name).strip())


def make_row(held: Mapping[str, Any], columns: Columns, number: int) -> Row:
    """Return a row from a data set's own values.

    Raises
    ------
    ValueError
        Saying what is wrong, without naming the row.
    """

    def value(name: str) -> Any:
        return held.get(columns.names[name]) if name in columns.names else None

    def words(name: str) -> str | None:
        found = value(name)
        return None if _absent(found) else str(found).strip()

    image, mel = _encoded(value("image"), "image"), _mels(value("mel"))
    # Beside a spectrogram nobody needs the sound, of which some sets have the path alone.
    audio = None if mel is not None else _encoded(value("audio"), "audio")
    if image is None:
        raise ValueError("it has no image")
    if audio is None and mel is None:
        raise ValueError("it has neither audio nor mel")
    caption = words("audio_caption")
    if not caption:
        raise ValueError("it has no audio caption")
    zoom: int | None = None
    if not columns.published:
        given = _number(value("zoom"), "zoom", 1000)
        zoom = 1 if given is None else int(given)
        if zoom < 1 or (given is not None and zoom != given):
            raise ValueError(f"its zoom is {given:g}; allowed is a whole number from 1 on")
    told = {at: str(held.get(name) or "").strip() for at, name in columns.captions.items()}
    if zoom is not None:
        told = dict.fromkeys([zoom] * bool(told), "".join(told.values()))
    ground = _number(value("ground_m"), "ground_m", 1e6)
    if ground is not None and ground <= 0:
        raise ValueError(f"its ground_m is {ground:g}; allowed are metres per pixel above 0")
    return Row(
        key=str(value("key") or number),
        image=image,
        audio=audio,
        mel=mel,
        audio_caption=caption,
        image_captions={at: text for at, text in told.items() if text},
        lat_deg=_number(value("lat"), "latitude", 90),
        lon_deg=_number(value("lon"), "longitude", 180),
        date=words("date"),
        audio_source=words("audio_source"),
        caption_source=words("caption_source"),
        zoom=zoom,
        ground_m=ground,
        concepts=_names(value("concepts")),
    )
