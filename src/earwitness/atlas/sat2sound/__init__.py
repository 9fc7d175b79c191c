"""Sat2Sound: one space for satellite images with place and date, sounds, and words.

Importing this package loads nothing heavy; the first use of a name below imports PyTorch, which
the extra ``[train]`` installs. Without it, ``Sat2Sound.load("builtin")`` alone works: the small
model in the package, run by ONNX Runtime.

Source: Khanal, Sastry, Dhakal, Ahmad, Jacobs, "Sat2Sound: A Unified Framework for Zero-Shot
Soundscape Mapping" (arXiv 2505.13777). Written anew from a description of the published system.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from earwitness.errors import PluginError

_HOMES = {
    "Sat2Sound": "model",
    "Sizes": "config",
    "Config": "config",
    "Metadata": "fusion",
    "Codebook": "codebook",
    "sparsemax": "sparsemax",
    "contrastive_loss": "losses",
    "total_loss": "losses",
    "to_safetensors": "checkpoint",
    "convert": "checkpoint",
    "Trainer": "training",
    "TrainingPlan": "training",
    "Batch": "batch",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if name == "Sat2Sound":
            return import_module(f"{__name__}.without").Sat2Sound
        raise PluginError(
            f"{name} needs the module {error.name!r}, which is not installed. "
            f"Install the extra that carries it: pip install 'earwitness[train]'"
        ) from error
