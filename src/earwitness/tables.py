"""Tables that people wrote with a spreadsheet: CSV with whatever divides its columns."""

from __future__ import annotations

import codecs
import csv
import re
from pathlib import Path

Row = dict[str, str | None]


def read_table(
    path: Path, most_bytes: int | None = None
) -> tuple[list[str], list[tuple[int, Row]]]:
    """Read a table whose first line names its columns.

    Parameters
    ----------
    path
        UTF-8, or UTF-16 as Excel writes its "Unicode text". Commas, semicolons or tabs divide
        the columns: whichever the first line has most of.
    most_bytes
        Refuse a larger file.

    Returns
    -------
    names
        Of the columns.
    rows
        The line that each row ends at, and its values by column; None where a line is too short.

    Raises
    ------
    ValueError
        If it is too large, no text, or no table.
    OSError
        If it cannot be opened.
    """
    if most_bytes is not None and path.stat().st_size > most_bytes:
        raise ValueError(f"it is larger than {most_bytes >> 20} MB; split it")
    with path.open("rb") as begun:
        wide = begun.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    try:
        with path.open(encoding="utf-16" if wide else "utf-8-sig", newline="") as text:
            first = text.readline()
            text.seek(0)
            reader = csv.DictReader(text, delimiter=max(",;\t", key=first.count))
            # What a line has beyond the first one's columns has no name.
            rows = [
                (reader.line_num, {name: value for name, value in row.items() if name is not None})
                for row in reader
            ]
            return list(reader.fieldnames or []), rows
    except UnicodeError as error:
        raise ValueError(f"it is not UTF-8 text; save it as UTF-8 ({error})") from error
    except csv.Error as error:
        raise ValueError(f"it is no table: {error}") from error


def read_number(text: str) -> float:
    """Read a number with a point or, as many countries write it, a comma before its fraction.

    Raises
    ------
    ValueError
        If it is no number.

    Examples
    --------
    >>> read_number("48.1"), read_number(" -48,1 ")
    (48.1, -48.1)
    """
    return float(re.sub(r"^(\s*[+-]?\d*),(\d+\s*)$", r"\1.\2", text))
