"""Where models run, and what they need of the machine."""

from __future__ import annotations

from typing import Literal, get_args

from earwitness.errors import OptionError
from earwitness.extras import require

Device = Literal["auto", "cpu", "cuda", "mps"]


def choose_device(wanted: str = "auto") -> str:
    """Return the device that models run on.

    Parameters
    ----------
    wanted
        ``auto`` takes CUDA, else MPS, else the CPU; the others are taken at their word.

    Raises
    ------
    OptionError
        If it is unknown, or PyTorch does not see it here.
    PluginError
        If PyTorch is not installed.
    """
    if wanted not in get_args(Device):
        raise OptionError(f"device {wanted!r}; choose {', '.join(get_args(Device))}")
    require("torch", what=f"running a model on {wanted}")
    import torch

    seen = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next((name for name, there in seen.items() if there), "cpu")
    if not seen.get(wanted, True):
        raise OptionError(
            f"device {wanted}: PyTorch {torch.__version__} sees none here; choose auto or cpu"
        )
    return wanted


def peak_memory_bytes(device: str) -> int:
    """Return the most memory that was in use so far, bytes.

    Parameters
    ----------
    device
        ``cuda``: what PyTorch allocated on it. Others: the resident memory of this process, where
        the system tells; else 0.
    """
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    try:
        import resource
        import sys
    except ImportError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(most if sys.platform == "darwin" else most * 1024)
