"""Files of weights that are archives: none may unpack to more than it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

from earwitness.errors import WeightsError


def check_packed(path: Path) -> None:
    """Refuse an archive that is compressed or grows when unpacked; pass over other files.

    PyTorch's own are never compressed, and are read into memory whole: a few megabytes could
    become gigabytes there.

    Parameters
    ----------
    path
        ``.pt``, ``.pth`` or ``.ckpt``.

    Raises
    ------
    WeightsError
        If it would grow, or is cut short.

    Examples
    --------
    >>> check_packed(Path(__file__))  # no archive at all
    """
    if not zipfile.is_zipfile(path):
        return
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as packed:
            members = packed.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise WeightsError(
            f"{path.name} ({size} bytes) cannot be read as a checkpoint: it is cut short or is "
            f"another kind of file. Fetch it again and compare its size"
        ) from error
    unpacked = sum(member.file_size for member in members)
    stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
    if not stored or unpacked > size:
        raise WeightsError(
            f"{path.name} ({size} bytes) would unpack to {unpacked} bytes; a checkpoint is not "
            f"compressed. Ask whoever made it for a safetensors file"
        )
