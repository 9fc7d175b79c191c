"""What a job is called in an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{24}$")]
