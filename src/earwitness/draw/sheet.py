"""A sheet of spectrograms: every sound that the synthesiser knows, on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import signal

from earwitness.errors import OutputError
from earwitness.media.output import beside
from earwitness.scene import concepts
from earwitness.voice.contract import Request, Voice
from earwitness.voice.registry import models
from earwitness.voice.synthesiser import Synthesiser

FAMILY_COLOURS = {
    "geophony": (126, 184, 218),
    "biophony": (139, 195, 110),
    "anthropophony": (236, 160, 88),
    "music": (200, 150, 214),
}
LOWEST_HZ, HIGHEST_HZ = 40.0, 20000.0
RANGE_DB = 70.0

_ANCHORS = np.array(
    [
        (0.000, 0, 0, 8),
        (0.125, 26, 17, 62),
        (0.250, 78, 22, 112),
        (0.375, 130, 38, 126),
        (0.500, 182, 54, 118),
        (0.625, 228, 82, 100),
        (0.750, 250, 128, 96),
        (0.875, 254, 184, 130),
        (1.000, 252, 250, 204),
    ]
)
"""Dark to light through violet and orange, its lightness a straight line (CIELAB L* 0 to 97)."""

_INK, _PAPER, _FAINT = (236, 236, 232), (22, 22, 26), (120, 120, 124)


def colours(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the colours of values from 0 (darkest) to 1 (lightest).

    Parameters
    ----------
    share
        Any shape; values outside are clipped.

    Returns
    -------
    ndarray of uint8, shape ``(..., 3)``

    Examples
    --------
    >>> colours(np.array([0.0, 1.0])).tolist()
    [[0, 0, 8], [252, 250, 204]]
    """
    clipped = np.clip(share, 0.0, 1.0)
    channels = [np.interp(clipped, _ANCHORS[:, 0], _ANCHORS[:, c]) for c in (1, 2, 3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def spectrogram_db(
    samples: NDArray[np.floating], rate_hz: int, *, bins: int = 96, frames: int = 220
) -> NDArray[np.float64]:
    """Return a spectrogram on a logarithmic axis of frequency.

    Parameters
    ----------
    samples
        Mono, shape ``(n,)``.
    rate_hz
        Sampling rate.
    bins, frames
        Rows (from 40 Hz to 20 kHz) and columns of what comes back.

    Returns
    -------
    ndarray, shape ``(bins, frames)``
        dB re its loudest cell, the lowest frequency first.
    """
    length = 2048
    padded = np.pad(np.asarray(samples, dtype=np.float64), length // 2)
    hop = max(1, (len(padded) - length) // max(1, 2 * frames))
    axis_hz, _, cells = signal.spectrogram(
        padded, rate_hz, "hann", length, length - hop, scaling="spectrum", detrend=False
    )
    edges = np.geomspace(LOWEST_HZ, min(HIGHEST_HZ, rate_hz / 2), bins + 1)
    centres = np.sqrt(edges[1:] * edges[:-1])
    rows = np.empty((bins, cells.shape[1]))
    for i in range(bins):
        inside = (axis_hz >= edges[i]) & (axis_hz < edges[i + 1])
        if inside.any():
            rows[i] = cells[inside].mean(axis=0)
        else:  # below 200 Hz a row is narrower than a bin: the nearest two are mixed
            place = np.interp(centres[i], axis_hz, np.arange(len(axis_hz)))
            low = int(place)
            part = place - low
            rows[i] = (1 - part) * cells[low] + part * cells[min(low + 1, len(cells) - 1)]
    columns = np.linspace(0, rows.shape[1], frames + 1).astype(int)
    # The loudest of each column, so that a click of a clock is seen at any width.
    grid = np.maximum.reduceat(rows, np.minimum(columns[:-1], rows.shape[1] - 1), axis=1)
    level = 10 * np.log10(np.maximum(grid, 1e-20))
    return np.asarray(level - level.max())


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def sheet(
    path: str | Path,
    *,
    only: Sequence[str] | None = None,
    duration_s: float = 6.0,
    rate_hz: int = 48000,
    seed: int = 0,
    columns: int = 8,
    voice: Voice | None = None,
    progress: Callable[[str, float], None] = lambda stage, done: None,
) -> Path:
    """Draw a sheet of spectrograms and write it.

    Parameters
    ----------
    path
        Where to write: ``.png``, ``.jpg`` or ``.webp``.
    only
        Concepts to draw; None for all that have a model, in the vocabulary's order.
    duration_s, rate_hz, seed
        Of each sound.
    columns
        Pictures side by side.
    voice
        Whose sounds; None for the synthesiser.
    progress
        Told before each sound.

    Returns
    -------
    Path
        Where it was written.

    Raises
    ------
    OutputError
        If it cannot be written, or ends in something else.
    VoiceError
        If one of the concepts cannot sound.
    """
    file = Path(path)
    kind = _kind(file)  # told before the work is done
    speaker = voice if voice is not None else Synthesiser()
    keys = list(only) if only is not None else list(models())
    wide, high, head, gap, title = 220, 96, 20, 8, 46
    rows = -(-len(keys) // columns)
    page = Image.new(
        "RGB",
        (columns * (wide + gap) + gap, title + rows * (high + head + gap) + gap),
        _PAPER,
    )
    pen = ImageDraw.Draw(page)
    pen.text((gap, 6), f"earwitness: {len(keys)} sounds", _INK, _font(18))
    pen.text(
        (gap, 27),
        f"{duration_s:g} s each, {LOWEST_HZ:g} Hz to {HIGHEST_HZ / 1000:g} kHz (log), "
        f"{RANGE_DB:g} dB",
        _FAINT,
        _font(12),
    )
    at = 460
    for family, colour in FAMILY_COLOURS.items():
        pen.rectangle((at, 14, at + 12, 26), colour)
        pen.text((at + 18, 12), family, _INK, _font(13))
        at += 140
    for i, key in enumerate(keys):
        progress(f"voicing {key}", i / len(keys))
        concept = concepts()[key]
        request = Request(concept.label, key, duration_s, rate_hz, seed)
        samples = np.concatenate(list(speaker.voice(request).blocks))
        level = spectrogram_db(samples, rate_hz, bins=high, frames=wide)
        picture = Image.fromarray(colours(1 + level[::-1] / RANGE_DB))
        x = gap + (i % columns) * (wide + gap)
        y = title + (i // columns) * (high + head + gap)
        pen.rectangle((x, y + 2, x + 5, y + head - 4), FAMILY_COLOURS[concept.family])
        pen.text((x + 11, y + 2), key, _INK, _font(13))
        page.paste(picture, (x, y + head))
    with beside(file) as made:
        page.save(made, **kind)
    return file


_KINDS: Mapping[str, dict[str, Any]] = {
    ".png": {"format": "PNG", "optimize": True},
    ".jpg": {"format": "JPEG", "quality": 85, "optimize": True},
    ".jpeg": {"format": "JPEG", "quality": 85, "optimize": True},
    ".webp": {"format": "WEBP", "quality": 85},
}


def _kind(path: Path) -> dict[str, Any]:
    """Return how a picture is written, by how its file's name ends."""
    if path.suffix.lower() not in _KINDS:
        raise OutputError(f"{path} ends in {path.suffix!r}; write one of {', '.join(_KINDS)}")
    return _KINDS[path.suffix.lower()]
