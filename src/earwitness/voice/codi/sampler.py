"""DDIM: from noise to a latent, guided by a condition."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from earwitness.voice.codi.schedule import Schedule

Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``predict(x, timesteps, context) -> noise``: the UNet."""

Watch = Callable[[int, Tensor, Tensor], None]
"""``watch(step, x, x0)``: told after each step what there is and where it is going."""


def guided(predict: Predict, x: Tensor, timestep: int, context: Tensor, scale: float) -> Tensor:
    """Return the predicted noise, pushed away from what no condition would give.

    Classifier-free guidance (Ho and Salimans, 2022): ``e_u + scale (e_c - e_u)``.

    Parameters
    ----------
    predict
        The UNet.
    x
        Shape ``(n, …)``.
    timestep
        The noise level that ``x`` is at.
    context
        Shape ``(2 n, 1, size)``: unconditional first, then conditional.
    scale
        1 uses the condition alone and costs half.
    """
    count = len(x)
    if scale == 1.0:
        return predict(x, torch.full((count,), timestep, device=x.device), context[count:])
    steps = torch.full((2 * count,), timestep, device=x.device)
    without, with_it = predict(torch.cat([x, x]), steps, context).chunk(2)
    return without + scale * (with_it - without)


def ddim(
    predict: Predict,
    noise: Tensor,
    context: Tensor,
    levels: Schedule,
    *,
    scale: float = 7.5,
    watch: Watch | None = None,
) -> Tensor:
    """Return the latents that noise becomes (Song, Meng and Ermon, 2021, with eta 0).

    Parameters
    ----------
    predict
        The UNet.
    noise
        Standard normal, shape ``(n, …)``.
    context
        Shape ``(2 n, 1, size)``: unconditional first, then conditional.
    levels
        From :func:`~earwitness.voice.codi.schedule.schedule`.
    scale
        Guidance.
    watch
        Told after each step.

    Returns
    -------
    Tensor, as ``noise``
        What is estimated on the way is not clipped, as in the published program.
    """
    x = noise.float()
    for number, i in enumerate(range(len(levels) - 1, -1, -1)):
        # 0-dimensional tensors keep the arithmetic in float32, where Python's floats would not.
        alpha = torch.tensor(levels.alphas[i], device=x.device)
        alpha_prev = torch.tensor(levels.alphas_prev[i], device=x.device)
        found = guided(predict, x, int(levels.timesteps[i]), context, scale).float()
        x0 = (x - (1 - alpha).sqrt() * found) / alpha.sqrt()
        x = alpha_prev.sqrt() * x0 + (1 - alpha_prev).sqrt() * found
        if watch is not None:
            watch(number, x, x0)
    return x
