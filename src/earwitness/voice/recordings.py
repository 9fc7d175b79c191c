"""A folder of recordings: what is in it, and their samples.

The one module of this room that opens sound files: the library is a voice made of files, and
everything else here is maths. It reads below its folder and nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from earwitness.errors import VoiceError
from earwitness.scene import Credit
from earwitness.tables import read_table
from earwitness.voice.lexicon import word_set

SUFFIXES = word_set(".wav .wave .flac .ogg .oga .opus .mp3 .aif .aiff .m4a .aac .w64")
MOST_FILES = 200_000
LONGEST_READ_S = 600.0
"""Of a longer recording, this much is used."""

LARGEST_BYTES = 4 << 30
# Containers that hold their own data, and nothing that could make FFmpeg open something else.
_SAFE = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,ogg,mp3,flac,wav,aiff,caf",
    "protocol_whitelist": "cache",
}
_CSV_NAMES = ("library.csv", "index.csv", "metadata.csv")
_UCS = re.compile(r"^([A-Z]{2,6})([A-Z][a-z0-9A-Z]{0,10})?_([^_]+)_([^_]+)_([^_]+)")
_UCS_CATEGORIES = {
    "AIR": "air",
    "ALRM": "alarm",
    "AMB": "ambience",
    "ANML": "animal",
    "AERO": "aircraft",
    "BELL": "bell",
    "BIRD": "bird",
    "BOAT": "boat",
    "CLOCK": "clock",
    "CRWD": "crowd",
    "DOOR": "door",
    "DRLL": "drill",
    "EXPL": "explosion",
    "FEET": "footsteps",
    "FIRE": "fire",
    "FWKS": "fireworks",
    "GEO": "geothermal",
    "GUN": "gunshot",
    "HORN": "horn",
    "HUM": "hum",
    "ICE": "ice",
    "MACH": "machine",
    "MOTR": "motor",
    "MUSC": "music",
    "RAIN": "rain",
    "ROCK": "rocks",
    "SIRN": "siren",
    "SNOW": "snow",
    "THUN": "thunder",
    "TOOL": "tool",
    "TRN": "train",
    "VEH": "vehicle",
    "VOX": "voice",
    "WATR": "water",
    "WIND": "wind",
    "WTHR": "weather",
}


@dataclass(frozen=True)
class Recording:
    """One file of the library.

    Parameters
    ----------
    path
        Absolute.
    words
        What it is, in words: from the CSV, its UCS name, or its folder and file name.
    credit
        Who made it and under which licence; "unknown" where nobody says.
    """

    path: Path
    words: str
    credit: Credit


def words_of_name(name: str) -> tuple[str, str]:
    """Return the words in a file name, and its creator by the Universal Category System.

    Parameters
    ----------
    name
        File name without suffix.

    Returns
    -------
    words, author
        ``author`` is empty where the name is not a UCS name.

    Examples
    --------
    >>> words_of_name("RAINGlas_Light rain on window_JD_HOME")
    ('rain glas Light rain on window', 'JD')
    >>> words_of_name("distantThunder-rolling_02")
    ('distant Thunder rolling', '')
    """
    author = ""
    ucs = _UCS.match(name)
    if ucs:
        category, sub, title, author = ucs[1], ucs[2] or "", ucs[3], ucs[4]
        head = _UCS_CATEGORIES.get(category, category.lower())
        name = f"{head} {sub.lower()} {title}"
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W\d_]+", name)), author


def _text(value: str | None) -> str:
    # What stands in a file ends in scene.json and on terminals: no control characters.
    return " ".join("".join(c if c.isprintable() else " " for c in value or "").split())[:300]


def _table(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of the folder's CSV by file path (POSIX, relative)."""
    for name in _CSV_NAMES:
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(folder):
            break
    else:
        return {}
    try:
        _, rows = read_table(path)
    except (OSError, ValueError) as error:
        raise VoiceError(f"{path} cannot be read as a table: {error}") from error
    found: dict[str, dict[str, str]] = {}
    for _, held in rows:
        row = {_text(name).casefold(): _text(value) for name, value in held.items()}
        file = row.get("file") or row.get("filename") or row.get("path")
        if file is None:
            raise VoiceError(
                f"{path} has no column 'file'; its columns may be file, words (or tags), "
                "licence, author, title, url"
            )
        found[Path(file).as_posix()] = row
    return found


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            if path.suffix.casefold() in SUFFIXES and not name.startswith("."):
                yield path


def scan(folder: Path) -> tuple[Recording, ...]:
    """Return the recordings of a folder and its sub-folders.

    Parameters
    ----------
    folder
        Any folder. ``library.csv``, ``index.csv`` or ``metadata.csv`` in it may say more of its
        files, by the columns ``file``, ``words`` (or ``tags``), ``licence``, ``author``,
        ``title`` and ``url``.

    Returns
    -------
    tuple of Recording
        In the order of their paths.

    Raises
    ------
    VoiceError
        If there is no such folder, or no recording in it.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise VoiceError(f"the library {folder} is not a folder; give a folder of recordings")
    table = _table(folder)
    found: list[Recording] = []
    for path in _files(folder):
        # A link may lead out of the folder: what it leads to is not part of the library.
        if not path.resolve().is_relative_to(folder) or not path.is_file():
            continue
        if len(found) >= MOST_FILES:
            raise VoiceError(f"the library {folder} has more than {MOST_FILES} recordings")
        local = path.relative_to(folder)
        row = table.get(local.as_posix(), {})
        above = " ".join(words_of_name(part)[0] for part in local.parts[:-1])
        named, author = words_of_name(path.stem)
        said = row.get("words") or row.get("tags") or row.get("concept")
        words = _text(said or (named if len(named) > 2 else f"{above} {named}")) or "unnamed"
        credit = Credit(
            title=row.get("title") or _text(path.stem) or "unnamed",
            author=row.get("author") or _text(author) or "unknown",
            licence=row.get("licence") or row.get("license") or "unknown",
            url=row.get("url", ""),
        )
        found.append(Recording(path, words, credit))
    if not found:
        raise VoiceError(
            f"the library {folder} holds no recordings; put WAV, FLAC, OGG or MP3 files in it, "
            "named after what is heard"
        )
    return tuple(found)


def read(recording: Recording, rate_hz: int) -> NDArray[np.float64]:
    """Return a recording as mono at a rate.

    Parameters
    ----------
    recording
        From :func:`scan`.
    rate_hz
        Rate to resample to.

    Returns
    -------
    ndarray, shape ``(samples,)``
        The mean of its channels; the first ten minutes of what is longer.

    Raises
    ------
    VoiceError
        If the file cannot be decoded, is empty or too large.
    """
    path = recording.path
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise VoiceError(f"{path} is larger than {LARGEST_BYTES >> 30} GiB")
        try:
            with soundfile.SoundFile(path) as file:
                own_hz = int(file.samplerate)
                frames = file.read(int(LONGEST_READ_S * own_hz), dtype="float64", always_2d=True)
            mono = np.asarray(frames).mean(axis=1)
        except soundfile.LibsndfileError:
            mono, own_hz = _decode(path)
    except (OSError, ValueError) as error:
        raise VoiceError(f"{path} cannot be read as sound: {error}") from error
    if len(mono) < 16 or not np.isfinite(mono).all() or not np.abs(mono).max() > 0:
        raise VoiceError(f"{path} holds no sound: it is empty, or silent all through")
    if own_hz != rate_hz:
        ratio = Fraction(rate_hz, own_hz).limit_denominator(4096)
        mono = signal.resample_poly(mono, ratio.numerator, ratio.denominator)
    return np.asarray(mono, dtype=np.float64)


def _decode(path: Path) -> tuple[NDArray[np.float64], int]:
    """Decode what libsndfile does not know (AAC, M4A) with PyAV."""
    import av

    blocks: list[NDArray[np.float64]] = []
    try:
        with (
            path.open("rb") as file,
            av.open(file, mode="r", metadata_errors="ignore", options=dict(_SAFE)) as container,
        ):
            stream = container.streams.audio[0]
            own_hz = int(stream.rate)
            to_mono = av.AudioResampler(format="flt", layout="mono", rate=own_hz)
            left = int(LONGEST_READ_S * own_hz)
            for frame in container.decode(stream):
                for mono in to_mono.resample(frame):
                    blocks.append(mono.to_ndarray()[0].astype(np.float64)[:left])
                    left -= len(blocks[-1])
                if left <= 0:
                    break
    except (av.error.FFmpegError, IndexError) as error:
        raise VoiceError(f"{path} cannot be read as sound: {error}") from error
    return np.concatenate(blocks) if blocks else np.zeros(0), own_hz
