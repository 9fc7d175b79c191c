"""Where rows come from: Parquet shards, tar shards (WebDataset), a CSV with files beside it."""

from __future__ import annotations

import contextlib
import io
import json
import math
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.lib.format as npy
from numpy.typing import NDArray

from earwitness.atlas.dataset.rows import SPLITS, DatasetError
from earwitness.atlas.logmel import MELS
from earwitness.extras import require
from earwitness.tables import read_table

_LARGEST_FILE = 256 << 20
_TABLES = (".csv", ".tsv")
_IMAGES, _SOUNDS = (
    (".png", ".jpg", ".jpeg", ".webp"),
    (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac"),
)


class Source(Protocol):
    """Rows by number, as the data set holds them."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of the columns."""
        ...

    def __len__(self) -> int: ...

    def splits(self) -> Sequence[str | None]:
        """Return the split of each row, None where the data set does not tell."""
        ...

    def choose(self, columns: Sequence[str]) -> None:
        """Read these columns only, from now on."""
        ...

    def row(self, number: int) -> Mapping[str, Any]:
        """Return one row."""
        ...


def split_in_name(name: str) -> str | None:
    """Return the split that a file's name begins with or its folder is called.

    Examples
    --------
    >>> split_in_name("train-00000-of-00004.parquet"), split_in_name("validation/0.parquet")
    ('train', 'val')
    """
    for part in name.replace("\\", "/").split("/"):
        for word in ("train", "validation", "val", "test"):
            if part == word or part.startswith((word + "-", word + "_", word + ".")):
                return "val" if word == "validation" else word
    return None


class ParquetSource:
    """A folder of Parquet shards, or one."""

    def __init__(self, files: Sequence[Path], root: Path) -> None:
        require("pyarrow", what="reading Parquet", extra="train")
        import pyarrow.parquet as parquet
        from pyarrow import ArrowInvalid

        self._files, self._root = list(files), root
        self._starts, self._groups = [0], []
        shared: list[str] = []
        for file in self._files:
            try:
                opened = parquet.ParquetFile(file)
            except (ArrowInvalid, OSError) as error:
                raise DatasetError(
                    f"{file.name} is no whole Parquet file ({str(error).splitlines()[0][:120]}); "
                    f"fetch or write it again"
                ) from error
            names = list(opened.schema_arrow.names)
            if shared and set(names) != set(shared):
                raise DatasetError(
                    f"{file.name} has other columns ({', '.join(sorted(names))}) than "
                    f"{self._files[0].name} ({', '.join(sorted(shared))}); give shards of one set"
                )
            shared = shared or names
            for group in range(opened.metadata.num_row_groups):
                rows = opened.metadata.row_group(group).num_rows
                self._groups.append((file, group))
                self._starts.append(self._starts[-1] + rows)
            opened.close()
        self.columns: list[str] = shared
        self._chosen: list[str] | None = None
        self._held: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return self._starts[-1]

    def splits(self) -> list[str | None]:
        """Return the split of each row, by its column, else by its file's name."""
        import pyarrow.parquet as parquet

        made: list[str | None] = []
        if "split" in self.columns:
            for file in self._files:
                read = parquet.read_table(file, columns=["split"]).column("split").to_pylist()
                made += [None if word is None else str(word) for word in read]
            return made
        for (file, _), start, end in zip(self._groups, self._starts, self._starts[1:]):
            named = split_in_name(str(file.relative_to(self._root)))
            made += [named] * (end - start)
        return made

    def choose(self, columns: Sequence[str]) -> None:
        """Read these columns only."""
        self._chosen, self._held = [c for c in columns if c in self.columns], (-1, None)

    def row(self, number: int) -> Mapping[str, Any]:
        """Return one row; the row group it is in stays in memory for the next."""
        import pyarrow.parquet as parquet

        group = int(np.searchsorted(self._starts, number, side="right")) - 1
        if self._held[0] != group:
            file, inside = self._groups[group]
            with parquet.ParquetFile(file) as opened:
                self._held = (group, opened.read_row_group(inside, columns=self._chosen))
        table, at = self._held[1], number - self._starts[group]
        return {name: _value(table.column(name)[at]) for name in table.column_names}


def _value(scalar: Any) -> Any:
    """Return a scalar of pyarrow as Python has it; long nested lists of numbers as an array."""
    if not scalar.is_valid:
        return None
    values, lengths = getattr(scalar, "values", None), []
    if values is None or isinstance(scalar.type, type(None)):
        return scalar.as_py()
    while hasattr(values, "flatten") and str(values.type).startswith(("list", "large_list", "fix")):
        lengths.append(len(values))
        if len(values.value_lengths().unique()) > 1:
            return scalar.as_py()  # not all of one shape, which whoever asked for it must say
        values = values.flatten()
    if lengths and str(values.type) in ("float", "double", "halffloat"):
        flat = values.to_numpy(zero_copy_only=False)
        if flat.size % MELS or flat.size == lengths[0] * MELS:
            return flat
        return flat.reshape(lengths[0], -1, MELS)
    return scalar.as_py()


class TarSource:
    """Tar shards as WebDataset has them: files of one stem are a row.

    Image and sound are found by their endings, ``.json`` holds the other columns, ``.mel`` or
    ``.mel.npy`` a spectrogram. Nothing is unpacked to the disk.
    """

    def __init__(self, files: Sequence[Path], root: Path) -> None:
        self._rows: list[tuple[Path, str, dict[str, tuple[int, int]]]] = []
        self._split: list[str | None] = []
        found: set[str] = {"key"}
        for file in files:
            rows: dict[str, dict[str, tuple[int, int]]] = {}
            try:
                with tarfile.open(file, "r:") as opened:
                    for member in opened:
                        if not member.isfile():
                            continue
                        folder, _, name = member.name.rpartition("/")
                        if name.startswith("."):  # what a Mac adds, such as ._0001.png
                            continue
                        stem, dot, ending = name.partition(".")
                        if member.size > _LARGEST_FILE:
                            raise DatasetError(
                                f"{member.name} in {file.name} has {member.size >> 20} MB; at most "
                                f"{_LARGEST_FILE >> 20} are allowed"
                            )
                        parts = rows.setdefault(f"{folder}/{stem}".lstrip("/"), {})
                        parts[(dot + ending).lower()] = (member.offset_data, member.size)
            except (tarfile.TarError, OSError, EOFError) as error:
                raise DatasetError(
                    f"{file.name} is no whole tar file ({error}); fetch or write it again "
                    f"(compressed ones must be unpacked first)"
                ) from error
            for stem, parts in rows.items():
                self._rows.append((file, stem, parts))
                self._split.append(split_in_name(str(file.relative_to(root))))
        self._chosen: set[str] | None = None
        for number in range(min(len(self._rows), 5)):
            found |= {column for e in self._rows[number][2] if (column := _column_of(e))}
            with contextlib.suppress(ValueError):  # it is named when it is read as a row
                found |= set(self._words(number))
        self.columns: list[str] = sorted(found)

    def __len__(self) -> int:
        return len(self._rows)

    def splits(self) -> list[str | None]:
        """Return the split of each row, by its JSON, else by its shard's name."""
        if "split" not in self.columns:
            return list(self._split)
        made: list[str | None] = []
        for number, named in enumerate(self._split):
            try:
                told = self._words(number).get("split")
            except ValueError:
                told = "train"  # where it is named as a bad row
            made.append(str(told) if told else named)
        return made

    def choose(self, columns: Sequence[str]) -> None:
        """Read these columns only."""
        self._chosen = set(columns)

    def _wanted(self, column: str) -> bool:
        return self._chosen is None or column in self._chosen

    def _bytes(self, file: Path, where: tuple[int, int]) -> bytes:
        with file.open("rb") as opened:
            opened.seek(where[0])
            return opened.read(where[1])

    def _words(self, number: int) -> dict[str, Any]:
        file, _, parts = self._rows[number]
        if ".json" not in parts:
            return {}
        try:
            held = json.loads(self._bytes(file, parts[".json"]))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"its JSON cannot be read ({error})") from error
        if not isinstance(held, dict):
            raise ValueError("its JSON is no object")
        return held

    def row(self, number: int) -> Mapping[str, Any]:
        """Return one row."""
        file, stem, parts = self._rows[number]
        made: dict[str, Any] = {"key": stem, **self._words(number)}
        for ending, where in parts.items():
            column = _column_of(ending)
            if column is None or not self._wanted(column):
                continue
            held = self._bytes(file, where)
            if ending == ".mel.npy":
                made[column] = _array(held)
            else:
                made[column] = held.decode("utf-8", "replace") if ending == ".txt" else held
        return made


def _array(held: bytes) -> NDArray[Any]:
    """Read a ``.npy`` file that is no larger than it says."""
    stream = io.BytesIO(held)
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, kind = read(stream)
        if math.prod(shape) * kind.itemsize > len(held):
            raise ValueError(f"{shape} of {kind} in {len(held)} bytes")
        stream.seek(0)
        return npy.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"its .npy file cannot be read ({str(error)[:100]})") from error


def _column_of(ending: str) -> str | None:
    """Return the column that a file of a tar shard holds, None where it is no matter."""
    last = "." + ending.rpartition(".")[2]
    if last in _IMAGES:
        return "image"
    if last in _SOUNDS:
        return "audio"
    return {".mel": "mel", ".mel.npy": "mel", ".txt": "audio_caption"}.get(ending)


class CsvSource:
    """A CSV with the columns image and audio as paths of files beside or below it.

    Commas, semicolons or tabs may divide it, as spreadsheets of different countries write them.
    """

    def __init__(self, file: Path) -> None:
        self._folder = file.resolve().parent
        try:
            self.columns, rows = read_table(file)
        except (OSError, ValueError) as error:
            raise DatasetError(f"{file.name} cannot be read as a table: {error}") from error
        self._rows = [row for _, row in rows]
        self._chosen: set[str] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def splits(self) -> list[str | None]:
        """Return the column ``split``."""
        return [row.get("split") or None for row in self._rows]

    def choose(self, columns: Sequence[str]) -> None:
        """Read files of these columns only; the table itself is in memory."""
        self._chosen = set(columns)

    def _file(self, name: str) -> bytes:
        if "\0" in name:
            raise ValueError(f"its file {name!r} has no name that a file can have")
        path = (self._folder / name).resolve()
        if not path.exists():  # written on Windows
            path = (self._folder / name.replace("\\", "/")).resolve()
        if not path.is_relative_to(self._folder):
            raise ValueError(f"its file {name!r} is outside the folder of the CSV")
        if not path.is_file():
            raise ValueError(f"there is no file {name!r}")
        if path.stat().st_size > _LARGEST_FILE:
            raise ValueError(f"its file {name!r} has more than {_LARGEST_FILE >> 20} MB")
        return path.read_bytes()

    def row(self, number: int) -> Mapping[str, Any]:
        """Return one row with its files read."""
        made: dict[str, Any] = {"key": str(number), **self._rows[number]}
        for name in ("image", "audio"):
            if made.get(name) and (self._chosen is None or name in self._chosen):
                made[name] = self._file(str(made[name]))
        if "mel" in made:
            made.pop("mel")
        return made


def open_source(where: Path | str) -> Source:
    """Open a folder of Parquet or tar shards, one of them, or a CSV.

    Raises
    ------
    DatasetError
        If there is no such thing, or it is not whole.
    """
    path = Path(where).expanduser()
    if path.suffix.lower() in _TABLES and path.is_file():
        return CsvSource(path)
    if path.is_file() and path.suffix.lower() == ".parquet":
        return ParquetSource([path], path.parent)
    if path.is_file() and path.suffix.lower() == ".tar":
        return TarSource([path], path.parent)
    if path.is_dir():
        for ending, kind in ((".parquet", ParquetSource), (".tar", TarSource)):
            files = sorted(f for f in path.rglob(f"*{ending}") if not f.name.startswith("."))
            if files:
                return kind(files, path)
        tables = sorted(f for f in path.iterdir() if f.suffix.lower() in _TABLES)
        if len(tables) == 1:
            return CsvSource(tables[0])
        raise DatasetError(
            f"{path} holds neither .parquet nor .tar shards nor one CSV; give such a folder"
        )
    found = f"{path} is no data set" if path.exists() else f"there is no data set {path}"
    raise DatasetError(
        f"{found}; give builtin-world, hf:NAME, a folder of Parquet or tar shards, or a CSV"
    )


def known_split(name: str | None) -> str | None:
    """Return the name of a split as we have it: ``validation`` is ``val``."""
    if name is None:
        return None
    name = name.strip().lower()
    word = {"training": "train", "validation": "val", "valid": "val", "dev": "val"}.get(name, name)
    return word if word in SPLITS else None
