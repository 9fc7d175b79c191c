"""Retrieval figures: ranks with ties, recall, and how sure they are; NumPy alone.

The rank of the true item is its average rank among equals in descending similarity. Nothing of size
N × N is held: similarities are made a block of queries at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError

Setting = Literal["none", "audio", "query"]
SETTINGS: tuple[Setting, ...] = ("none", "audio", "query")

_BLOCK = 1 << 22
"""Similarities held at a time (16 MB)."""

_MARKS = 1 << 19
"""Marks of what is above or equal that are made at a time: they stay in the processor's cache."""

_TABLE = 1 << 27
"""Similarities that are held all together where that saves making them twice (512 MB)."""


def _embeddings(values: ArrayLike, what: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows and their lengths (N, 1), once both are known to be sound."""
    held = np.ascontiguousarray(values, dtype=np.float32)
    if held.ndim != 2 or held.shape[0] < 1 or held.shape[1] < 1:
        raise OptionError(f"{what} has shape {held.shape}; give (items, width), at least one item")
    with np.errstate(over="ignore", invalid="ignore"):
        length: NDArray[np.float32] = np.sqrt(np.einsum("nd,nd->n", held, held))[:, None]
    wrong = np.flatnonzero(~np.isfinite(length[:, 0]))
    if len(wrong):
        raise OptionError(
            f"{what} holds values that are not numbers, or too large, in {len(wrong)} rows, the "
            f"first is {wrong[0]}; leave those out"
        )
    return held, length


def normalise(values: ArrayLike) -> NDArray[np.float32]:
    """Scale rows (N, D) to length 1; rows of zeros stay.

    Examples
    --------
    >>> normalise([[3, 4], [0, 0]]).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    held, length = _embeddings(values, "the array")
    made: NDArray[np.float32] = np.divide(held, np.maximum(length, np.float32(1e-12)))
    return made


def ranks(queries: ArrayLike, gallery: ArrayLike) -> NDArray[np.float64]:
    """Return the rank of each query's true item, the one in the same row of the gallery.

    Parameters
    ----------
    queries, gallery : array, shape (N, D)
        Embeddings; similarity is their product, so normalise them first for the cosine.

    Returns
    -------
    array, shape (N,), float64
        1 is best. Among items of equal similarity, the middle of their ranks.

    Raises
    ------
    OptionError
        If the shapes differ, or a value is not a number.

    Examples
    --------
    >>> ranks(np.eye(3), np.eye(3)).tolist()
    [1.0, 1.0, 1.0]
    >>> ranks(np.ones((5, 2)), np.ones((5, 2))).tolist()
    [3.0, 3.0, 3.0, 3.0, 3.0]
    """
    asked, held = _embeddings(queries, "the queries")[0], _embeddings(gallery, "the gallery")[0]
    if asked.shape != held.shape:
        raise OptionError(
            f"the queries have shape {asked.shape} and the gallery {held.shape}; give pairs: "
            f"row i of one belongs to row i of the other"
        )
    count = len(held)
    step = max(1, min(count, _BLOCK // count))
    made = np.empty(count)
    scores = np.empty((step, count), np.float32)
    for start in range(0, count, step):
        block = scores[: min(step, count - start)]
        np.matmul(asked[start : start + step], held.T, out=block)
        true = np.ascontiguousarray(np.diagonal(block, start))
        made[start : start + step] = _along_rows(block, true)
    return made


def _along_rows(scores: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the middle rank of each row's true score among the row's."""
    made = np.empty(len(scores))
    step = max(1, _MARKS // scores.shape[1])
    mark = np.empty((step, scores.shape[1]), np.bool_)
    for start in range(0, len(scores), step):
        block, place = scores[start : start + step], slice(start, start + step)
        some, score = mark[: len(block)], true[place, None]
        # Counting the marks of one row is much quicker than counting along an axis.
        above = [np.count_nonzero(row) for row in np.greater(block, score, out=some)]
        equal = [np.count_nonzero(row) for row in np.equal(block, score, out=some)]
        made[place] = np.array(above) + 0.5 * (np.array(equal) + 1)
    return made


def _along_columns(scores: NDArray[np.float32], true: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the same of each column, read row by row."""
    above, equal = np.zeros((2, scores.shape[1]), np.int64)
    step = 128  # so many marks can be counted in a byte, and stay in the cache
    mark = np.empty((step, scores.shape[1]), np.bool_)
    for start in range(0, len(scores), step):
        block = scores[start : start + step]
        some = mark[: len(block)]
        above += np.add.reduce(np.greater(block, true, out=some), axis=0, dtype=np.uint8)
        equal += np.add.reduce(np.equal(block, true, out=some), axis=0, dtype=np.uint8)
    made: NDArray[np.float64] = above + 0.5 * (equal + 1)
    return made


def ranks_both_ways(
    left: ArrayLike, right: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ranks of ``right`` asked by ``left``, and of ``left`` asked by ``right``.

    What :func:`ranks` returns for each way; where the table of similarities is not large, it is
    made once for both.

    Examples
    --------
    >>> [held.tolist() for held in ranks_both_ways([[1.0, 0], [1, 1]], [[1.0, 0], [2, 0]])]
    [[2.0, 1.0], [1.5, 1.5]]
    """
    seen, heard = _embeddings(left, "the queries")[0], _embeddings(right, "the gallery")[0]
    if seen.shape != heard.shape or len(seen) ** 2 > _TABLE:
        return ranks(seen, heard), ranks(heard, seen)
    scores = seen @ heard.T
    true = np.diagonal(scores).copy()
    return _along_rows(scores, true), _along_columns(scores, true)


def recall(held: ArrayLike, k: float, *, published: bool = False) -> float:
    """Return the share of ranks within the first ``k``.

    Parameters
    ----------
    held : array, shape (N,)
        Ranks.
    k
        How many answers are looked at; need not be whole.
    published
        Count ranks below k only, as the published code does, so that R@1 is always 0 and R@10 %
        of ten items means the best nine tenths of one. By default a rank of k counts.

    Returns
    -------
    float

    Examples
    --------
    >>> recall([1, 2, 5], 2), recall([1, 2, 5], 2, published=True)
    (0.6666666666666666, 0.3333333333333333)
    """
    found = np.asarray(held, dtype=np.float64)
    return float(np.mean(found < k if published else found <= k))


def recall_key(k: float) -> str:
    """Return the name of a recall: ``R@200``, ``R@99.7``.

    Examples
    --------
    >>> recall_key(200.0), recall_key(99.7)
    ('R@200', 'R@99.7')
    """
    return f"R@{int(k) if k == int(k) else k}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the interval that holds it in 95 % of resamplings."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Show value and interval."""
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]"


def summarise(
    held: ArrayLike, *, published: bool = False, resamples: int = 1000, seed: int = 0
) -> dict[str, Figure]:
    """Return recalls, median and mean rank, each with a bootstrap interval.

    Parameters
    ----------
    held : array, shape (N,)
        Ranks.
    published
        See :func:`recall`.
    resamples
        Draws of N ranks with replacement.
    seed
        Of those draws.

    Returns
    -------
    dict
        ``R@1``, ``R@5``, ``R@10``, ``R@10%``, ``median``, ``mean`` → :class:`Figure`.

    Examples
    --------
    >>> summarise(np.ones(20))["R@10%"].value
    1.0
    """
    found = np.sort(np.asarray(held, dtype=np.float64))
    count = len(found)
    limits = {"R@1": 1.0, "R@5": 5.0, "R@10": 10.0, "R@10%": 0.1 * count}
    # Draws need not be made rank by rank: how often each rank is drawn is enough, and ranks within
    # a limit are the first ones of the sorted row.
    rng = np.random.default_rng(seed)
    draws: dict[str, list[float]] = {name: [] for name in (*limits, "median", "mean")}
    first = {
        name: int(np.searchsorted(found, k, side="left" if published else "right"))
        for name, k in limits.items()
    }
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, count, count), minlength=count)
        upto = np.concatenate([[0], np.cumsum(times)])
        for name, end in first.items():
            draws[name].append(upto[end] / count)
        middle = np.searchsorted(upto[1:], [(count - 1) // 2, count // 2], side="right")
        draws["median"].append(float(found[middle].mean()))
        draws["mean"].append(float(times @ found) / count)
    values = {name: end / count for name, end in first.items()}
    values |= {"median": float(np.median(found)), "mean": float(found.mean())}
    made = {}
    for name, value in values.items():
        low, high = np.quantile(draws[name], [0.025, 0.975]) if resamples else (value, value)
        made[name] = Figure(value, float(low), float(high))
    return made


def pair_up(
    image: ArrayLike, audio: ArrayLike, caption: ArrayLike | None, setting: Setting
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return what is asked and what is searched, both ways, in a published setting.

    Parameters
    ----------
    image, audio : array, shape (N, D)
        Embeddings.
    caption : array, shape (N, D), or None
        Of the audio captions; needed but for ``none``.
    setting
        ``none``: images and sounds. ``audio``: the caption is added to the sound, asked or
        searched. ``query``: it is added to whatever is asked.

    Returns
    -------
    dict
        ``I2S`` (image → sound) and ``S2I`` → (queries, gallery).
    """
    if setting not in SETTINGS:
        raise OptionError(f"no setting is called {setting!r}; choose from {', '.join(SETTINGS)}")
    seen, heard = normalise(image), normalise(audio)
    if setting == "none":
        return {"I2S": (seen, heard), "S2I": (heard, seen)}
    if caption is None:
        raise OptionError(f"the setting {setting!r} needs embeddings of audio captions")
    words = normalise(caption)
    joined = normalise(heard + words)
    if setting == "audio":
        return {"I2S": (seen, joined), "S2I": (joined, seen)}
    return {"I2S": (normalise(seen + words), heard), "S2I": (joined, seen)}


def evaluate(
    image: ArrayLike,
    audio: ArrayLike,
    caption: ArrayLike | None = None,
    *,
    setting: Setting = "none",
    published: bool = False,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, dict[str, Figure]]:
    """Return the figures of :func:`summarise` both ways.

    Parameters
    ----------
    image, audio, caption, setting
        As in :func:`pair_up`.
    published, resamples, seed
        As in :func:`summarise`.

    Returns
    -------
    dict
        ``I2S`` and ``S2I`` → figures.

    Examples
    --------
    >>> evaluate(np.eye(8), np.eye(8))["I2S"]["median"].value
    1.0
    """
    pairs = pair_up(image, audio, caption, setting)
    found: Iterable[NDArray[np.float64]]
    if setting == "query":  # what is searched is not what is asked from the other side
        found = (ranks(*pair) for pair in pairs.values())
    else:
        found = ranks_both_ways(*pairs["I2S"])
    return {
        way: summarise(held, published=published, resamples=resamples, seed=seed)
        for way, held in zip(pairs, found)
    }


def published_figures(
    queries: ArrayLike, gallery: ArrayLike, *, k: float | None = None, normalised: bool = False
) -> Mapping[str, float]:
    """Return recall and median rank under the names and by the rules of the published code.

    Parameters
    ----------
    queries, gallery : array, shape (N, D)
        Embeddings.
    k
        By default a tenth of N, not rounded.
    normalised
        Whether rows already have length 1.

    Returns
    -------
    dict
        ``R@k`` under its own name and ``Median Rank``.

    Examples
    --------
    >>> dict(published_figures(np.eye(10), np.eye(10), k=2))
    {'R@2': 1.0, 'Median Rank': 1.0}
    """
    if not normalised:
        queries, gallery = normalise(queries), normalise(gallery)
    found = ranks(queries, gallery)
    at = 10 / 100 * len(found) if k is None else float(k)
    return {
        recall_key(at): recall(found, at, published=True),
        "Median Rank": float(np.median(found)),
    }
