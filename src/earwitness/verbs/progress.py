"""How a long verb tells how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from earwitness.scene import Scene

Progress = Callable[[str, float], None]
"""Called with a stage in words ("voicing a dog barking") and the part that is done, 0 to 1."""


Shown = Callable[[Scene, "NDArray[np.uint8] | None"], None]
"""Called once with a scene as soon as it is seen, before it sounds, and the picture it was seen in
(uint8 ``(h, w, 3)``; None where it was a clip)."""


def unshown(scene: Scene, pixels: NDArray[np.uint8] | None) -> None:
    """Show nobody."""


def silent(stage: str, done: float) -> None:
    """Tell nobody."""


def counted(
    blocks: Iterable[NDArray[np.float32]], total: int, tell: Callable[[float], None]
) -> Iterator[NDArray[np.float32]]:
    """Pass blocks of samples on and tell what part of ``total`` samples has gone by."""
    done, told = 0, 0.0
    for block in blocks:
        yield block
        done += block.shape[-1]
        part = done / max(1, total)
        if part - told >= 0.01:
            told = part
            tell(min(part, 1.0))
    tell(1.0)
