"""A stem as it streams: segments, the liveliest stretch of short ones, clean ends, blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from earwitness.voice import level, segments
from earwitness.voice.contract import STEM_LUFS, Request

Samples = NDArray[np.float64]

_BLOCK = 1 << 16


def liveliest(samples: Samples, wanted: int, rate_hz: int) -> Samples:
    """Return the stretch in which most happens, begun where it is quiet.

    Parameters
    ----------
    samples
        Shape ``(n,)``, n at least ``wanted``.
    wanted
        Samples to keep.
    rate_hz
        Sampling rate.

    Examples
    --------
    >>> one_blow = np.zeros(10000)
    >>> one_blow[6500:7000] = 1.0
    >>> stretch = liveliest(one_blow, 2000, 1000)
    >>> len(stretch), bool(stretch.sum() >= 400), float(stretch[0])
    (2000, True, 0.0)
    """
    if len(samples) == wanted:
        return samples
    step = max(1, rate_hz // 20)
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    starts = np.arange(0, len(samples) - wanted + 1, step)
    inside = energy[starts + wanted] - energy[starts]
    edge = min(step, wanted)
    first = energy[starts + edge] - energy[starts]
    good = inside >= 0.8 * inside.max()
    start = int(starts[good][np.argmin(first[good])])
    return samples[start : start + wanted]


def stream(
    request: Request, render: segments.Render, *, shortest_s: float = 0.0
) -> Iterator[NDArray[np.float32]]:
    """Yield a stem of the length asked for, at its nominal loudness, with clean ends.

    Parameters
    ----------
    request
        For length, rate and seed.
    render
        ``render(index, samples)`` makes a segment at :data:`STEM_LUFS`.
    shortest_s
        A shorter request is rendered this long, and its liveliest stretch is kept.

    Yields
    ------
    ndarray of float32, one-dimensional
        In all ``request.samples`` samples; no more than three segments are held at a time.
    """
    rate_hz = request.rate_hz
    shortest = round(shortest_s * rate_hz)

    def segment(index: int, samples: int) -> Samples:
        made = render(index, max(samples, shortest))
        if len(made) > samples:
            cut = liveliest(made, samples, rate_hz)
            # The cut may begin amid a wave: its own high-pass starts settled there.
            made = level.at_loudness(level.without_dc(cut, rate_hz), rate_hz, STEM_LUFS)
        return made

    start = True
    held: Samples | None = None
    for samples in segments.overlapped(request.samples, rate_hz, request.seed, segment):
        if held is not None:
            yield from _blocks(level.fade_ends(held, rate_hz, start=start, end=False))
            start = False
        held = samples
    if held is not None:
        finished = level.fade_ends(held, rate_hz, start=start, end=True)
        yield from _blocks(level.centred(finished, rate_hz) if start else finished)


def _blocks(samples: Samples) -> Iterator[NDArray[np.float32]]:
    # Overlapping two segments can add their peaks: bend once more.
    finished = level.limited(samples).astype(np.float32)
    for i in range(0, len(finished), _BLOCK):
        yield finished[i : i + _BLOCK]
