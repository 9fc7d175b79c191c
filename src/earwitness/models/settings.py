"""How models are run: where, how exactly, how many at a time, how they generate."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from earwitness.errors import OptionError
from earwitness.models.device import Device, choose_device
from earwitness.models.shelf import Shelf

Precision = Literal["fp32", "fp16", "bf16"]

AMBIENCE_WITHOUT = "music, speech"
"""What ambience is steered away from unless something else is asked for."""


@dataclass(frozen=True)
class Settings:
    """How the parts that are foundation models are run. None leaves it to each model.

    Parameters
    ----------
    device
        ``auto`` (CUDA, else MPS, else the CPU), ``cpu``, ``cuda`` or ``mps``.
    precision
        Of the weights and the arithmetic: ``fp32``, ``fp16`` or ``bf16``.
    low_memory
        Whether only one model is in memory at a time; each is loaded again when needed again.
    batch
        Regions that are named, or sounds that are generated, at a time.
    steps
        Diffusion steps.
    guidance
        How strongly what is asked for is followed; 1 is no guidance.
    negative
        What a sound shall not be like; None keeps music and speech out of ambience, an empty
        text nothing.
    candidates
        Sounds that are generated for each, of which CLAP picks the one that fits its words best.
    ranker
        Name or folder of CLAP's weights, for more than one candidate.
    shelf
        Where loaded models are kept; parts made with the same settings share it.

    Raises
    ------
    OptionError
        If one is outside what is allowed.

    Examples
    --------
    >>> Settings(precision="half")
    Traceback (most recent call last):
    ...
    earwitness.errors.OptionError: precision 'half'; choose fp32, fp16, bf16
    """

    device: str = "auto"
    precision: str = "fp32"
    low_memory: bool = False
    batch: int = 4
    steps: int | None = None
    guidance: float | None = None
    negative: str | None = None
    candidates: int = 1
    ranker: str = "clap"
    shelf: Shelf = field(default_factory=Shelf, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.device not in get_args(Device):
            raise OptionError(f"device {self.device!r}; choose {', '.join(get_args(Device))}")
        if self.precision not in get_args(Precision):
            raise OptionError(
                f"precision {self.precision!r}; choose {', '.join(get_args(Precision))}"
            )
        for name, value, most in (
            ("batch", self.batch, 256),
            ("steps", self.steps, 1000),
            ("candidates", self.candidates, 16),
        ):
            if value is not None and not 1 <= value <= most:
                raise OptionError(f"{name} {value}; choose from 1 to {most}")
        if self.guidance is not None and not (
            math.isfinite(self.guidance) and 0 <= self.guidance <= 100
        ):
            raise OptionError(f"guidance {self.guidance}; choose from 0 to 100, such as 7")
        self.shelf.one_at_a_time = self.low_memory

    @property
    def generates(self) -> dict[str, Any]:
        """What was asked of a voice that generates, by name; for voices that do not."""
        asked = {"steps": self.steps, "guidance": self.guidance, "negative": self.negative}
        if self.candidates != 1:
            asked["candidates"] = self.candidates
        return {name: value for name, value in asked.items() if value is not None}

    @property
    def place(self) -> str:
        """The device, chosen."""
        return choose_device(self.device)

    @property
    def dtype(self) -> Any:
        """The number format, as PyTorch names it."""
        import torch

        return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[
            self.precision
        ]

    def faster(self) -> AbstractContextManager[Any]:
        """Return the context in which half precision is computed; nothing for single."""
        if self.precision == "fp32":
            return nullcontext()
        import torch

        half: AbstractContextManager[Any] = torch.autocast(self.place, dtype=self.dtype)
        return half
