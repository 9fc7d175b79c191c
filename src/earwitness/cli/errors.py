"""Turn exceptions into one clean line and an exit code."""

from __future__ import annotations

import errno
import sys
import traceback
import warnings

import click

from earwitness.errors import EarwitnessError

FAILED = 1
INTERRUPTED = 130


def explain(error: BaseException) -> str:
    """Return one line that says what went wrong and what to do."""
    if isinstance(error, EarwitnessError):
        return str(error)
    if isinstance(error, click.ClickException):
        context = getattr(error, "ctx", None)
        hint = f"; see: {context.command_path} --help" if context is not None else ""
        return error.format_message().rstrip(".") + hint
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return "the disk is full; make room, or choose another place with --out"
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}"
    if isinstance(error, MemoryError):
        return "there is not enough memory; make the picture smaller or the duration shorter"
    name = type(error).__name__
    return f"a defect in earwitness ({name}: {error}); run again with --debug and report it"


def report(error: BaseException, *, debug: bool) -> int:
    """Print an error as one line on standard error and return the exit code."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        print("earwitness: stopped; nothing half-written was left", file=sys.stderr)
        return INTERRUPTED
    if debug:
        traceback.print_exception(error)
    line = " ".join(explain(error).split())
    print(f"earwitness: error: {line}", file=sys.stderr)
    return FAILED


def show_warnings_once() -> None:
    """Print each warning as one line, and each only once."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: object = None,
        line: str | None = None,
    ) -> None:
        del category, filename, lineno, file, line
        print(f"earwitness: note: {' '.join(str(message).split())}", file=sys.stderr)

    warnings.simplefilter("once")
    warnings.showwarning = show
