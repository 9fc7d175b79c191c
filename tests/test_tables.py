"""Tables as spreadsheets of all countries write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.tables import read_number, read_table

ROWS = [("file", "words", "lat"), ("a.wav", 'rain, "hard"\nand wind', "1,5"), ("b.wav", "é鳥", "2")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_same_rows_come_back(tmp_path: Path, between: str, encoding: str, ending: str) -> None:
    quoted = [['"' + v.replace('"', '""') + '"' for v in row] for row in ROWS]
    text = ending.join(between.join(row) for row in quoted) + ending
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    names, rows = read_table(tmp_path / "t.csv")
    assert names == list(ROWS[0])
    assert [tuple(row.values()) for _, row in rows] == ROWS[1:]


def test_lines_too_short_and_too_long_keep_what_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1\n1,2,3,4\n")
    assert read_table(tmp_path / "t.csv")[1] == [
        (2, {"a": "1", "b": None}), (3, {"a": "1", "b": "2"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a,b\n\xff\xfe\xfa", "not UTF-8 text; save it as UTF-8"),
        (b"a,b\n" + b"x" * 200_000, "no table: field larger"),
    ],
)
def test_what_is_no_table_is_said(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=told):
        read_table(tmp_path / "t.csv")
    with pytest.raises(ValueError, match="larger than 0 MB"):
        read_table(tmp_path / "t.csv", most_bytes=3)


@pytest.mark.parametrize(
    ("text", "value"), [("48.1", 48.1), ("-48,25", -48.25), (" ,5", 0.5), ("1e3", 1000.0)]
)
def test_a_fraction_may_follow_a_comma(text: str, value: float) -> None:
    assert read_number(text) == value


@pytest.mark.parametrize("text", ["1,2,3", "1,000.5", "48,", "north", ""])
def test_what_is_not_surely_a_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="could not convert"):
        read_number(text)
