"""The pairs of one split, each checked; what is bad is counted and named."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.dataset.reading import BadRowError, Pair, decode
from earwitness.atlas.dataset.rows import Columns, DatasetError, find_columns, make_row
from earwitness.atlas.dataset.sources import Source, known_split, open_source
from earwitness.atlas.telling import Progress, silent
from earwitness.errors import OptionError
from earwitness.tables import read_number

CHECKED_FIRST = 20_000
"""Sets of at most so many rows are checked whole before anything is learnt from them."""

_KEPT_BYTES = min(2 << 30, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 8)
"""Decoded rows are kept up to an eighth of the machine's memory."""

_SHOWN = 5


class Pairs:
    """Decoded rows by number.

    Parameters
    ----------
    source
        Where rows come from.
    imagery
        Which images, where there are several kinds; their scale.
    split
        Which rows: ``train``, ``val``, ``test``, or None for all. A set that tells no splits is
        divided by places: cells of 1°, one in ten for ``val`` and one in ten for ``test``.
    skip_bad
        Pass bad rows over instead of refusing the set; :attr:`bad` names them.
    name
        For messages.

    Attributes
    ----------
    bad
        Key → reason, of the rows found bad so far.
    """

    def __init__(
        self,
        source: Source,
        *,
        imagery: str = "sentinel",
        split: str | None = None,
        skip_bad: bool = False,
        name: str = "the data set",
    ) -> None:
        self.source, self.imagery, self.skip_bad, self.name = source, imagery, skip_bad, name
        self.columns: Columns = find_columns(source.columns, imagery, name)
        self.bad: dict[str, str] = {}
        self._kept: dict[int, Pair] = {}
        self._kept_bytes = 0
        self._side: int | None = None
        if not len(source):
            raise DatasetError(f"{name} has no rows")
        self.numbers = self._rows_of(split)
        source.choose([*self.columns.all, *(["split"] if "split" in source.columns else [])])
        if not len(self.numbers):
            raise DatasetError(f"{name} has {len(source)} rows, none of the split {split!r}")

    def _rows_of(self, split: str | None) -> NDArray[np.int64]:
        every = np.arange(len(self.source))
        if split is None:
            return every
        told = [known_split(word) for word in self.source.splits()]
        if any(told):
            return every[[word == split for word in told]]
        chosen = []
        place = [self.columns.names[name] for name in ("lat", "lon")]
        self.source.choose(place)
        for number in every:
            try:
                held = self.source.row(int(number))
            except (ValueError, OverflowError, TypeError):
                held = {}  # said when it is read whole
            lat, lon = (held.get(name) for name in place)
            chosen.append(split_of_cell(lat, lon) == split)
        return every[chosen]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Pair:
        """Return a pair.

        Raises
        ------
        BadRowError
            If its row is spoilt.
        """
        number = int(self.numbers[index])
        if number in self._kept:
            return self._kept[number]
        try:
            held = self.source.row(number)
            row = make_row(held, self.columns, number)
        except (ValueError, OverflowError, TypeError) as error:
            raise BadRowError(self._key(number), str(error)) from error
        pair = decode(row)
        if self._side is None:
            self._side = len(pair.pixels)
        elif len(pair.pixels) != self._side:
            raise BadRowError(
                pair.key,
                f"its image has {len(pair.pixels)} px; those before it have {self._side} px",
            )
        if self._kept_bytes < _KEPT_BYTES:
            self._kept[number] = pair
            self._kept_bytes += pair.bytes
        return pair

    def _key(self, number: int) -> str:
        try:
            held = self.source.row(number)
        except (ValueError, OverflowError, TypeError):
            return str(number)
        return str(held.get(self.columns.names.get("key", "")) or number)

    def check(self, progress: Progress = silent) -> None:
        """Decode every row of a small set; drop the bad ones, or refuse them.

        Raises
        ------
        DatasetError
            If rows are bad and ``skip_bad`` was not asked for, or none is good.
        """
        if len(self) > CHECKED_FIRST:
            return
        good = []
        for index in range(len(self)):
            try:
                self[index]
                good.append(index)
            except BadRowError as error:
                self.bad[error.key] = error.reason
            if index % 50 == 0:
                progress(f"checking {self.name}", index / len(self))
        if self.bad and not self.skip_bad:
            raise DatasetError(
                f"{len(self.bad)} of the {len(self)} rows of {self.name} are bad: {self.told()}. "
                f"Mend them, or leave them out with --skip-bad"
            )
        if not good:
            raise DatasetError(f"no row of {self.name} is good: {self.told()}")
        self.numbers = self.numbers[good]

    def told(self) -> str:
        """Name the bad rows, the first few with their reasons."""
        shown = [f"{key!r}: {reason}" for key, reason in list(self.bad.items())[:_SHOWN]]
        more = len(self.bad) - len(shown)
        return "; ".join(shown) + (f"; and {more} more" if more > 0 else "")

    def next_good(self, index: int) -> Pair:
        """Return a pair, or where that is bad and may be skipped, the next good one."""
        for step in range(len(self)):
            try:
                return self[(index + step) % len(self)]
            except BadRowError as error:
                if not self.skip_bad:
                    raise DatasetError(
                        f"{self.name} has a bad row: {error}. Mend it, or leave such rows out "
                        f"with --skip-bad"
                    ) from error
                self.bad[error.key] = error.reason
        raise DatasetError(f"no row of {self.name} is good: {self.told()}")

    def __iter__(self) -> Iterator[Pair]:
        """Yield the good pairs, in order."""
        for index in range(len(self)):
            try:
                pair = self[index]
            except BadRowError as error:
                if not self.skip_bad:
                    raise DatasetError(
                        f"{self.name} has a bad row: {error}. Leave such rows out with --skip-bad"
                    ) from error
                self.bad[error.key] = error.reason
                continue
            yield pair


def split_of_cell(lat_deg: object, lon_deg: object) -> str:
    """Return the split of a place: all places of a cell of 1° are in the same one.

    Examples
    --------
    >>> split_of_cell(48.2, 16.4) == split_of_cell("48.9", "16,1")
    True
    """
    try:
        lat, lon = (int(np.floor(read_number(str(value)))) for value in (lat_deg, lon_deg))
        drawn = int(np.random.default_rng([7, lat * 360 + lon + 100_000]).integers(10))
    except (ValueError, OverflowError):  # no place on Earth; it is said when the row is read
        return "train"
    return {0: "test", 1: "val"}.get(drawn, "train")


def open_pairs(
    where: Path | str,
    *,
    split: str | None = None,
    imagery: str = "sentinel",
    skip_bad: bool = False,
    progress: Progress = silent,
) -> Pairs:
    """Open a data set.

    Parameters
    ----------
    where
        ``hf:OWNER/NAME``, a folder of Parquet or tar shards, or a CSV.
    split, imagery, skip_bad
        As in :class:`Pairs`.
    progress
        Told how far the check is.

    Returns
    -------
    Pairs
        Checked, when it has at most :data:`CHECKED_FIRST` rows.

    Raises
    ------
    DatasetError
        If it cannot be read, lacks a column, or has bad rows.
    """
    if split is not None and known_split(split) != split:
        raise OptionError(f"no split is called {split!r}; choose train, val or test")
    text = str(where)
    if text.startswith("hf:"):
        from earwitness.atlas.dataset.hub import open_hub

        source = open_hub(text.removeprefix("hf:"), split, progress)
    else:
        source = open_source(where)
    pairs = Pairs(source, imagery=imagery, split=split, skip_bad=skip_bad, name=text)
    pairs.check(progress)
    return pairs
