"""What can be left out of a training, to see what it is good for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from earwitness.errors import OptionError

if TYPE_CHECKING:
    from earwitness.atlas.sat2sound.config import Config
    from earwitness.atlas.sat2sound.training import TrainingPlan

PARTS = ("metadata", "image-captions", "codebook", "pseudo-positives", "lessons")
"""Place, month, hour and labels; the image captions' loss; the codebook, for which queries are
averaged; the loss's pseudo-positives; the lessons beside the pairs."""


def leave_out(
    names: Collection[str], config: Config | None, plan: TrainingPlan
) -> tuple[Config | None, TrainingPlan]:
    """Return a configuration and a plan without some of their parts.

    Parameters
    ----------
    names
        Out of :data:`PARTS`.
    config
        None when the model is a checkpoint's, which stays as it is.
    plan
        How it is trained.

    Raises
    ------
    OptionError
        If there is no such part, or it is not there to be left out.

    Examples
    --------
    >>> from earwitness.verbs.training import config_named, plan_named
    >>> leave_out(["lessons"], config_named("builtin"), plan_named("builtin"))  # doctest: +SKIP
    """
    if unknown := sorted(set(names) - set(PARTS)):
        raise OptionError(f"{unknown[0]!r} cannot be left out; choose from {', '.join(PARTS)}")
    if config is None and (fixed := sorted(set(names) - {"lessons"})):
        raise OptionError(f"{fixed[0]} is the checkpoint's that is started from; leave out either")
    there = {"lessons": plan.lessons}
    if config is not None:
        there |= {
            "metadata": bool(config.parts), "image-captions": bool(config.caption_weight),
            "codebook": config.codebook, "pseudo-positives": bool(config.pseudo_alpha),
        }  # fmt: skip
    if absent := [name for name in names if not there[name]]:
        raise OptionError(f"this training has no {absent[0]} to leave out")
    if "lessons" in names:
        plan = replace(plan, prototypes=0.0, free_words=0.0, surveyed=0)
    if config is None:
        return None, plan
    if "metadata" in names:
        config = replace(config, parts=())
    if "image-captions" in names:
        config = replace(config, caption_weight=0.0)
    if "codebook" in names:
        config = replace(config, codebook=False)
    if "pseudo-positives" in names:
        config = replace(config, pseudo_alpha=0.0)
    return config, plan
