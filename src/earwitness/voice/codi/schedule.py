"""The noise schedule and the time steps of DDIM, for any number of steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OptionError

TRAINED_STEPS = 1000
"""Noise levels that the model was trained on."""

_FIRST_BETA, _LAST_BETA = 0.00085, 0.012

Spacing = Literal["published", "exact"]


@cache
def betas() -> NDArray[np.float64]:
    """Return the variance added at each level, shape ``(1000,)``.

    Linear in the standard deviation, which the published configuration calls "linear".
    """
    table = np.linspace(_FIRST_BETA**0.5, _LAST_BETA**0.5, TRAINED_STEPS) ** 2
    table.flags.writeable = False
    return table


@cache
def alphas_cumprod() -> NDArray[np.float32]:
    """Return what is left of the signal's power at each level, shape ``(1000,)``.

    Examples
    --------
    >>> [round(float(alphas_cumprod()[i]), 5) for i in (0, 999)]
    [0.99915, 0.00466]
    """
    table = np.cumprod(1.0 - betas()).astype(np.float32)
    table.flags.writeable = False
    return table


@dataclass(frozen=True, eq=False)
class Schedule:
    """The levels that DDIM visits, from the least noise to the most.

    Parameters
    ----------
    timesteps
        int64, shape ``(n,)``, ascending: what the UNet is told.
    alphas
        float32, shape ``(n,)``: signal power at each.
    alphas_prev
        float32, shape ``(n,)``: signal power at the level that each step goes to.
    """

    timesteps: NDArray[np.int64]
    alphas: NDArray[np.float32]
    alphas_prev: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.timesteps)


def schedule(steps: int, *, spacing: Spacing = "published") -> Schedule:
    """Return the levels for a number of steps.

    Parameters
    ----------
    steps
        1 to 1000.
    spacing
        ``published``: every ``1000 // steps``-th level, one above the multiple; the count is then
        ``ceil(1000 / (1000 // steps))``, which is ``steps`` only where it divides 1000 (7 gives
        8, 450 gives 500). The published program fails for 3, 9, 27, 251 to 333 and others, for
        which the last level would be 1000; here that is 999, the noisiest there is. ``exact``:
        as many steps as asked for, evenly spread; the same where ``steps`` divides 1000 and is
        at most 500.

    Returns
    -------
    Schedule
        The last step goes to level 0, not to no noise at all, as in the published program.

    Raises
    ------
    OptionError
        If ``steps`` is not a whole number from 1 to 1000, or the spacing is unknown.

    Examples
    --------
    >>> schedule(4).timesteps.tolist()
    [1, 251, 501, 751]
    >>> schedule(3).timesteps.tolist(), len(schedule(7)), len(schedule(7, spacing="exact"))
    ([1, 334, 667, 999], 8, 7)
    """
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer):
        raise OptionError(f"{steps!r} diffusion steps; give a whole number from 1 to 1000")
    if not 1 <= steps <= TRAINED_STEPS:
        raise OptionError(
            f"{steps} diffusion steps; choose from 1 to {TRAINED_STEPS} (the model was trained on "
            f"{TRAINED_STEPS} levels of noise), such as 100"
        )
    if spacing == "published":
        levels = np.arange(0, TRAINED_STEPS, TRAINED_STEPS // steps, dtype=np.int64)
    elif spacing == "exact":
        levels = np.arange(steps, dtype=np.int64) * TRAINED_STEPS // steps
    else:
        raise OptionError(f"spacing {spacing!r}; choose published or exact")
    table = alphas_cumprod()
    # One above, and no level beyond the last: a step to the level where one is already is none.
    timesteps = np.minimum(levels + 1, TRAINED_STEPS - 1)
    if len(timesteps) > 1 and timesteps[-1] == timesteps[-2]:
        timesteps = np.concatenate([[0], timesteps[:-1]]) if spacing == "exact" else timesteps[:-1]
    alphas = table[timesteps]
    return Schedule(timesteps, alphas, np.concatenate([table[:1], alphas[:-1]]))
