"""Levels of a scene: everything named is audible.

A jet is a hundred thousand times as strong as a bee. In a photograph both were meant to be
noticed; so at the listener nothing is more than :data:`RANGE_DB` below the loudest. What is quieter
is raised, what would hurt (:data:`LOUDEST_DB`) is lowered. The scene's ``level_db`` hold the result
and can be edited; nothing is balanced again when it is rendered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from earwitness.scene import Bed, Source

RANGE_DB = 18.0
"""Levels of sources at the listener lie within this."""

BED_RANGE_DB = (-30.0, -12.0)
"""A bed lies within these, relative to the loudest source: there, but behind."""

LOUDEST_DB = 90.0
NEAREST_M = 1.0


def at_listener_db(source: Source) -> float:
    """Return a source's level at the listener, dB re 20 µPa, by its distance alone.

    Examples
    --------
    >>> at_listener_db(Source("a", "a", "dog", level_db=90, positions=((0, 10, 0, 0),)))
    70.0
    """
    nearest = min(float(np.linalg.norm(row[1:])) for row in source.positions)
    return source.level_db - 20.0 * float(np.log10(max(nearest, NEAREST_M)))


def balanced(
    sources: Sequence[Source], beds: Sequence[Bed]
) -> tuple[tuple[Source, ...], tuple[Bed, ...]]:
    """Return sources and beds with levels at which all of them can be heard.

    Parameters
    ----------
    sources, beds
        With the levels of their concepts.

    Returns
    -------
    sources, beds
        The same, ``level_db`` changed where it had to be.
    """
    if not sources:
        return tuple(sources), tuple(beds)
    levels = np.minimum([at_listener_db(source) for source in sources], LOUDEST_DB)
    loudest = float(levels.max())
    levels = np.maximum(levels, loudest - RANGE_DB)
    evened = tuple(
        replace(source, level_db=round(source.level_db + float(level) - at_listener_db(source), 2))
        for source, level in zip(sources, levels)
    )
    low, high = loudest + BED_RANGE_DB[0], loudest + BED_RANGE_DB[1]
    behind = tuple(
        replace(bed, level_db=round(float(np.clip(bed.level_db, low, high)), 2)) for bed in beds
    )
    return evened, behind
