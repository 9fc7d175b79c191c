"""What a safetensors file says that it holds, read and checked without loading it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earwitness.errors import WeightsError

_LARGEST_HEADER = 100_000_000


@dataclass(frozen=True)
class Held:
    """One tensor in a file: its kind and its shape."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> Mapping[str, Held]:
    """Return every tensor's kind and shape by its key.

    Parameters
    ----------
    path
        A ``.safetensors`` file.

    Raises
    ------
    WeightsError
        If it is shorter than its header says (a download that broke off), or no such file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or not 2 <= length <= min(_LARGEST_HEADER, max(0, size - 8)):
                raise _broken(path, size, "its header does not fit into it")
            table = json.loads(file.read(length))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error}") from None
    except ValueError:  # no UTF-8, or no JSON
        raise _broken(path, size, "its header is no JSON") from None
    return _checked(path, size - 8 - length, table)


def _checked(path: Path, data: int, table: Any) -> dict[str, Held]:
    held: dict[str, Held] = {}
    most = 0
    try:
        for key, row in table.items():
            if key == "__metadata__":
                continue
            begin, end = (int(v) for v in row["data_offsets"])
            if not 0 <= begin <= end:
                raise ValueError
            most = max(most, end)
            held[key] = Held(str(row["dtype"]), tuple(int(n) for n in row["shape"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise _broken(path, data, "its header is no table of tensors") from None
    if most != data:
        raise _broken(path, data, f"{most} bytes of tensors were announced, {data} are there")
    return held


def _broken(path: Path, size: int, why: str) -> WeightsError:
    return WeightsError(
        f"{path} ({size} bytes) is truncated or no safetensors file: {why}. Fetch it again"
    )
