"""Two sets of sounds as two clouds of points: how far apart the clouds lie.

The Fréchet distance between Gaussians fitted to embeddings (Kilgour and others, "Fréchet audio
distance", Interspeech 2019) and the Kullback–Leibler divergence between the same Gaussians. Figures
depend on the embedding alone, so its name is part of every figure. The **built-in embedding** is 26
numbers for each second: mean and deviation of 13 mel-frequency cepstral coefficients at 22.05 kHz.
It is *not* VGGish or PANNs, and its distance is not a published FAD; it orders sets that were
measured with it, no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from earwitness.errors import OptionError
from earwitness.measure.spectra import HOP, mfcc
from earwitness.measure.table1 import LOW_HZ, mixed
from earwitness.scene import Sound

Array = NDArray[np.float64]

BUILTIN = "builtin-mfcc26"
_SHRINK = 1e-3  # of the mean variance, added to each: a cloud of few points is flat


def builtin_embedding(sound: Sound) -> Array:
    """Return one row of 26 numbers for each second of a sound, shape ``(seconds, 26)``.

    Examples
    --------
    >>> builtin_embedding(Sound(np.zeros((1, 48000)), 16000)).shape
    (3, 26)
    """
    cepstrum = mfcc(mixed(sound, LOW_HZ), LOW_HZ)
    width = LOW_HZ // HOP
    count = max(1, round(cepstrum.shape[1] / width))
    parts = np.array_split(cepstrum, count, axis=1)
    return np.array([np.concatenate([p.mean(axis=1), p.std(axis=1)]) for p in parts])


def _cloud(rows: ArrayLike) -> tuple[Array, Array]:
    points = np.asarray(rows, dtype=np.float64)
    if points.ndim != 2 or len(points) < 2 or not np.isfinite(points).all():
        raise OptionError(
            f"a set of embeddings of shape {points.shape}; give two rows or more, all finite"
        )
    return points.mean(axis=0), np.atleast_2d(np.cov(points, rowvar=False))


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Array, Array, Array, Array]:
    (m1, c1), (m2, c2) = _cloud(first), _cloud(second)
    if m1.shape != m2.shape:
        raise OptionError(f"embeddings of {len(m1)} and {len(m2)} numbers; use one embedding")
    return m1, c1, m2, c2


def frechet(first: ArrayLike, second: ArrayLike) -> float:
    """Return the squared Fréchet distance between Gaussians fitted to two sets.

    Parameters
    ----------
    first, second
        Embeddings, shapes ``(n, d)`` and ``(m, d)``.

    Returns
    -------
    float
        ``|m1 − m2|² + tr(C1 + C2 − 2 (C1 C2)^½)``, 0 for equal sets.

    Raises
    ------
    OptionError
        If a set has fewer than 2 rows, or the sizes differ.

    Examples
    --------
    >>> draw = np.random.default_rng(0).standard_normal((100, 3))
    >>> round(frechet(draw, draw + [3.0, 0, 0]), 6)
    9.0
    """
    m1, c1, m2, c2 = _pair(first, second)
    # By symmetric matrices alone: few sounds make singular ones, of which sqrtm is not sure.
    size, towards = np.linalg.eigh(c1)
    half = (towards * np.sqrt(np.maximum(size, 0.0))) @ towards.T
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ c2 @ half), 0.0)).sum()
    value = float(np.sum((m1 - m2) ** 2) + np.trace(c1) + np.trace(c2) - 2 * root)
    return max(0.0, value)


def gaussian_kl(first: ArrayLike, second: ArrayLike) -> float:
    """Return ``KL(first ‖ second)`` between Gaussians fitted to two sets, nats.

    A thousandth of the mean variance is added to every direction of both, so that sets of few
    sounds, which are flat, do not give infinity.

    Examples
    --------
    >>> draw = np.random.default_rng(0).standard_normal((5000, 2))
    >>> round(gaussian_kl(draw, draw), 6), round(gaussian_kl(draw, draw + [2.0, 0.0]), 1)
    (0.0, 2.0)
    """
    m1, c1, m2, c2 = _pair(first, second)
    size = len(m1)
    shrink = max(_SHRINK * 0.5 * float(np.trace(c1) + np.trace(c2)) / size, 1e-12)
    c1, c2 = c1 + shrink * np.eye(size), c2 + shrink * np.eye(size)
    gap = m2 - m1
    inside = np.trace(np.linalg.solve(c2, c1)) + gap @ np.linalg.solve(c2, gap) - size
    sizes = np.linalg.slogdet(c2)[1] - np.linalg.slogdet(c1)[1]
    return max(0.0, float(0.5 * (inside + sizes)))


def paired_kl(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean ``KL(first ‖ second)`` of paired rows of probabilities, nats.

    Parameters
    ----------
    first, second
        Probabilities over the same classes, shape ``(pairs, classes)``.

    Examples
    --------
    >>> round(paired_kl([[1.0, 0.0]], [[0.5, 0.5]]), 4)
    0.6931
    """
    p, q = (np.clip(np.asarray(v, dtype=np.float64), 1e-12, None) for v in (first, second))
    if p.shape != q.shape or p.ndim != 2:
        raise OptionError(f"probabilities of shapes {p.shape} and {q.shape}; give equal tables")
    p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
    return float(np.mean(np.sum(p * np.log(p / q), axis=1)))
