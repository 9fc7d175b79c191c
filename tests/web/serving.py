"""A service in a process of its own, as people start it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass
class Served:
    """A service that runs."""

    url: str
    process: subprocess.Popen[str]
    data: Path


@contextlib.contextmanager
def serving(data: Path, *options: str) -> Iterator[Served]:
    """Run ``earwitness serve`` on a free port."""
    command = [sys.executable, "-c", "from earwitness.cli.main import run; run()", "serve"]
    command += ["--port", "0", "--no-open", "--data", str(data), *options]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "listens at" in line, "the service did not start"
        yield Served(line.split()[-1], process, data)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
