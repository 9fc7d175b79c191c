"""Writing without leaving anything half-written: write beside, then rename."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from earwitness.errors import OutputError


def reason(error: BaseException) -> str:
    """Return what an operating system error says, without its number and path."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


@contextlib.contextmanager
def beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it onto ``path`` when all went well.

    Parameters
    ----------
    path
        The file to make. What stands there already stays until the new one is whole.

    Yields
    ------
    Path
        Where to write. It keeps the suffix of ``path``.

    Raises
    ------
    OutputError
        If the file cannot be written there, or the disk is full.
    """
    final = Path(path)
    if final.is_dir():
        raise OutputError(f"{final} is a folder; give the path of a file to write")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{final.stem[:40]}-", suffix=final.suffix, dir=final.parent
        )
    except OSError as error:
        raise OutputError(
            f"{final} cannot be written: {reason(error)}. Choose another place with --out"
        ) from error
    os.close(handle)
    made = Path(name)
    try:
        yield made
        # mkstemp makes files that only their owner may read; what is written is for sharing.
        made.chmod(0o666 & ~_umask())
        made.replace(final)
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {reason(error)}") from error
    finally:
        made.unlink(missing_ok=True)


@contextlib.contextmanager
def all_beside(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder inside a folder; its files move up into it when all went well.

    Parameters
    ----------
    folder
        Where the files are to stand, all of them or none. It is made if absent.

    Yields
    ------
    Path
        The folder to fill with files.

    Raises
    ------
    OutputError
        If they cannot be written there, or the disk is full.
    """
    final = Path(folder)
    try:
        final.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".earwitness-", dir=final))
    except OSError as error:
        raise OutputError(
            f"{final} cannot be written: {reason(error)}. Choose another place with --out"
        ) from error
    try:
        yield made
        for file in sorted(made.iterdir()):
            if (final / file.name).is_dir():
                raise OutputError(
                    f"{final / file.name} is a folder; give the path of a file to write"
                )
        for file in sorted(made.iterdir()):
            file.replace(final / file.name)
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {reason(error)}") from error
    except OutputError as error:
        raise OutputError(str(error).replace(str(made), str(final))) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextlib.contextmanager
def folder_beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside ``path``; it takes the place of ``path`` when all went well.

    Parameters
    ----------
    path
        The folder to make. A folder that stands there is replaced as a whole, at the end.

    Yields
    ------
    Path
        The folder to fill.

    Raises
    ------
    OutputError
        If it cannot be written there, or the disk is full.
    """
    final = Path(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{final.name[:40]}-", dir=final.parent))
    except OSError as error:
        raise OutputError(
            f"{final} cannot be written: {reason(error)}. Choose another place with --out"
        ) from error
    old = made.with_name(made.name + "-old")
    try:
        yield made
        made.chmod(0o777 & ~_umask())
        if final.exists():
            final.replace(old)
        try:
            made.replace(final)
        except OSError:
            if old.exists():
                old.replace(final)
            raise
    except OSError as error:
        raise OutputError(f"{final} cannot be written: {reason(error)}") from error
    except OutputError as error:
        # What was written for a while has a name that nobody gave.
        raise OutputError(str(error).replace(str(made), str(final))) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
