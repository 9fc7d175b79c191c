"""Models in memory: each loaded when it is first used, and in little memory one at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any, TypeVar

from earwitness.models.device import peak_memory_bytes

T = TypeVar("T")


class Shelf:
    """The models that are in memory.

    Parameters
    ----------
    one_at_a_time
        Whether all others are let go before one is loaded.

    Examples
    --------
    >>> shelf = Shelf(one_at_a_time=True)
    >>> shelf.get("a", lambda: "first"), shelf.get("b", lambda: "second"), shelf.held
    ('first', 'second', ('b',))
    """

    def __init__(self, *, one_at_a_time: bool = False) -> None:
        self.one_at_a_time = one_at_a_time
        self._models: dict[str, Any] = {}
        self._used: dict[str, str] = {}

    @property
    def held(self) -> tuple[str, ...]:
        """Which are in memory now."""
        return tuple(self._models)

    def get(self, key: str, load: Callable[[], T], *, device: str = "cpu") -> T:
        """Return a model, loading it if it is not in memory.

        Parameters
        ----------
        key
            What it is; two parts that give the same key share one model.
        load
            Makes it.
        device
            Where it runs, for :meth:`report`.
        """
        if key not in self._models:
            if self.one_at_a_time and self._models:
                self.clear()
            self._used[key] = device
            self._models[key] = load()
        found: T = self._models[key]
        return found

    def clear(self) -> None:
        """Let go of every model."""
        self._models.clear()
        gc.collect()  # modules and their hooks hold each other
        if any(device.startswith("cuda") for device in self._used.values()):
            import torch

            torch.cuda.empty_cache()

    def report(self) -> str:
        """Return one line about what was used and the most memory; empty if nothing was.

        Examples
        --------
        >>> Shelf().report()
        ''
        """
        if not self._used:
            return ""
        lines = []
        for device in dict.fromkeys(self._used.values()):
            peak = peak_memory_bytes(device) / 1e9
            lines.append(f"{peak:.2f} GB on {device}")
        where = " and ".join(lines)
        return f"models used: {', '.join(self._used)}; peak memory {where}"
