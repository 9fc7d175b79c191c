"""Files that people have, read into rows of a gallery: sounds, captions, tables of both."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from earwitness.atlas.gallery.shelves import LARGEST_SOUND, Caption, Recording
from earwitness.errors import MediaError, VoiceError
from earwitness.extras import load
from earwitness.scene import Credit, Sound
from earwitness.tables import read_number, read_table
from earwitness.voice.recordings import SUFFIXES, read, scan
from earwitness.voice.recordings import Recording as Named

READ_HZ = 32_000
"""Rate at which sounds are read to be embedded."""

_LONGEST_CSV = 64 << 20

_OTHER_NAMES = {
    "audio": "file", "path": "file", "filename": "file", "file_name": "file", "caption": "text",
    "audio_caption": "text", "latitude": "lat", "longitude": "lon", "time": "date",
    "date_recorded": "date", "license": "licence",
}  # fmt: skip
"""Columns as data sets and others call them → as a gallery's tables do."""


def read_sound(path: str | os.PathLike[str]) -> Sound:
    """Return a file of sound as mono at 32 kHz.

    Raises
    ------
    MediaError
        If it cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        raise MediaError(f"there is no sound {file}; give a WAV, FLAC, OGG or MP3 file")
    try:
        mono = read(
            Named(file, file.stem, Credit(file.stem or "sound", "unknown", "unknown")), READ_HZ
        )
    except VoiceError as error:
        raise MediaError(str(error)) from error
    return Sound(np.asarray(mono, np.float32)[None], READ_HZ)


@dataclass
class Gathered:
    """What was found in files: captions, and recordings that are read when called for."""

    captions: list[Caption] = field(default_factory=list)
    recordings: list[Callable[[], Recording]] = field(default_factory=list)


def gather(paths: list[Path]) -> Gathered:
    """Read captions and recordings from files and folders.

    Parameters
    ----------
    paths
        Sound files; folders of them (see :func:`earwitness.voice.recordings.scan` for the CSV that
        may say more of them); ``.txt``, one caption a line; ``.csv`` with a column ``text``, or
        ``file``, and if wanted ``lat``, ``lon``, ``date``, ``title``, ``author``, ``licence``,
        ``source``, ``url`` (columns of data sets are known by their own names too);
        ``.parquet``, a shard of a data set with the columns ``audio`` (encoded bytes, or null),
        ``audio_caption``, ``lat``, ``lon``, ``date``, ``audio_source`` and ``caption_source``, of
        which any may be absent.

    Raises
    ------
    MediaError
        If a file is of no known kind, or cannot be read.
    """
    found = Gathered()
    for path in paths:
        suffix = path.suffix.lower()
        if path.is_dir():
            try:
                for named in scan(path):
                    found.recordings.append(_later(named.path, named.words, named.credit))
            except VoiceError as error:
                raise MediaError(str(error)) from error
        elif not path.is_file():
            raise MediaError(f"there is no file {path}")
        elif suffix in SUFFIXES:
            found.recordings.append(_later(path, path.stem, None))
        elif suffix == ".txt":
            lines = _text(path).splitlines()
            found.captions += [Caption(s, path.name) for s in map(str.strip, lines) if s]
        elif suffix in (".csv", ".tsv"):
            _table(path, found)
        elif suffix == ".parquet":
            _shard(path, found)
        else:
            raise MediaError(
                f"{path} is of no kind that a gallery takes; give sounds, folders of sounds, .txt "
                f"(a caption a line), .csv (columns text or file, lat, lon, …) or .parquet"
            )
    return found


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LONGEST_CSV:
            raise MediaError(f"{path} is larger than {_LONGEST_CSV >> 20} MB; split it")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise MediaError(f"{path} is not UTF-8 text; save it as UTF-8") from None


def _degrees(path: Path, line: int, row: dict[str, str], name: str, most: float) -> float | None:
    held = row.get(name, "").strip()
    if not held:
        return None
    try:
        value = read_number(held)
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        raise MediaError(
            f"{path}, line {line}: {name} is {held!r}; expected degrees from -{most:g} to {most:g}"
        )
    return value


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        _, rows = read_table(path, _LONGEST_CSV)
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read as a table: {error}") from error
    for line, row in rows:
        # Of a column and another name of it, that which holds something goes before.
        held = {name.strip().lower(): value for name, value in row.items() if value}
        others = {_OTHER_NAMES[name]: value for name, value in held.items() if name in _OTHER_NAMES}
        yield line, others | held


def _table(path: Path, found: Gathered) -> None:
    root = path.resolve().parent
    for line, row in _rows(path):
        lat = _degrees(path, line, row, "lat", 90)
        lon = _degrees(path, line, row, "lon", 180)
        words = row.get("text", "").strip()
        licence = row.get("licence") or "unknown"
        if row.get("file"):
            file = (root / row["file"]).resolve()
            # A table may come from others: it names files beside it and no others.
            if not file.is_relative_to(root):
                raise MediaError(f"{path}, line {line}: {row['file']!r} is not beside the table")
            credit = Credit(
                title=row.get("title") or words or file.stem,
                author=row.get("author") or "unknown",
                licence=licence,
                url=row.get("url", ""),
            )
            found.recordings.append(
                _later(file, credit.title, credit, lat, lon, row.get("date") or None)
            )
        if words:
            found.captions.append(Caption(words, row.get("source") or path.name, licence, lat, lon))
        elif not row.get("file"):
            raise MediaError(f"{path}, line {line}: neither 'text' nor 'file' holds anything")


_SHARD = ("audio_caption", "lat", "lon", "date", "audio_source", "caption_source")
_KINDS = {b"fLaC": ".flac", b"RIFF": ".wav", b"OggS": ".ogg"}


def _shard(path: Path, found: Gathered) -> None:
    """Read the rows of a shard but for the sounds, which are read when called for."""
    parquet: Any = load("pyarrow.parquet", "atlas", "reading a shard")
    arrow: Any = load("pyarrow", "atlas", "reading a shard")
    try:
        file = parquet.ParquetFile(path)
        held = [name for name in _SHARD if name in file.schema_arrow.names]
        sounds = "audio" in file.schema_arrow.names
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=held).to_pylist()
            there = [True] * len(rows)
            if sounds:
                column = file.read_row_group(group, columns=["audio"]).column("audio")
                there = column.is_valid().to_pylist()
            for number, row in enumerate(rows):
                _shard_row(path, group, number, row, sounds and there[number], found)
    except (arrow.ArrowException, OSError) as error:
        raise MediaError(f"{path} cannot be read as Parquet: {error}") from error


def _shard_row(
    path: Path, group: int, number: int, row: dict[str, Any], sound: bool, found: Gathered
) -> None:
    words = str(row.get("audio_caption") or "").strip()
    lat, lon = row.get("lat"), row.get("lon")
    if words:
        source = str(row.get("caption_source") or path.name)
        found.captions.append(Caption(words, source, "unknown", lat, lon))
    if sound:

        def read_one() -> Recording:
            parquet: Any = load("pyarrow.parquet", "atlas", "reading a shard")
            column = parquet.ParquetFile(path).read_row_group(group, columns=["audio"])
            data = bytes(column.column("audio")[number].as_py())
            made = Recording(
                title=words or path.stem,
                sound=data,
                suffix=_KINDS.get(data[:4], ".mp3"),
                duration_s=0.0,
                author=str(row.get("audio_source") or "unknown"),
                lat_deg=lat,
                lon_deg=lon,
                date=None if row.get("date") is None else str(row["date"]),
            )
            return dataclasses.replace(made, duration_s=sound_of(made).duration_s)

        found.recordings.append(read_one)


def _later(
    path: Path,
    title: str,
    credit: Credit | None,
    lat_deg: float | None = None,
    lon_deg: float | None = None,
    date: str | None = None,
) -> Callable[[], Recording]:
    if not path.is_file():
        raise MediaError(f"there is no sound {path}; give a WAV, FLAC, OGG or MP3 file")
    if path.stat().st_size > LARGEST_SOUND:
        raise MediaError(
            f"{path} is larger than {LARGEST_SOUND >> 20} MB; a gallery keeps sounds whole, so cut "
            f"it, or save it as FLAC or OGG"
        )
    return functools.partial(_recording, path, title, credit, lat_deg, lon_deg, date)


def _recording(
    path: Path,
    title: str,
    credit: Credit | None,
    lat_deg: float | None,
    lon_deg: float | None,
    date: str | None,
) -> Recording:
    return Recording(
        title=title,
        sound=path.read_bytes(),
        suffix=path.suffix.lower(),
        duration_s=_seconds(path),
        author=credit.author if credit else "unknown",
        licence=credit.licence if credit else "unknown",
        url=credit.url if credit else "",
        lat_deg=lat_deg,
        lon_deg=lon_deg,
        date=date,
    )


def _seconds(path: Path) -> float:
    import soundfile

    try:
        return float(soundfile.info(str(path)).duration)
    except (RuntimeError, OSError):
        sound = read_sound(path)
        return sound.duration_s


def sound_of(recording: Recording) -> Sound:
    """Return a recording's samples, mono at 32 kHz.

    Raises
    ------
    MediaError
        If it cannot be decoded.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"sound{recording.suffix}"
        file.write_bytes(recording.sound)
        try:
            return read_sound(file)
        except MediaError as error:
            # Where it lies for a moment tells nobody anything.
            why = str(error).replace(str(file), repr(recording.title))
            raise MediaError(f"a sound of the gallery: {why}") from None
