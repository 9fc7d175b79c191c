"""The measures of SEE-2-SOUND's Table 1, as its published code computes them, defects and all.

Five columns of one pair of sounds and their weighted sum. What is odd about them is kept, because
figures are compared with the paper's; :mod:`~earwitness.measure.acoustics` has them mended.

- ``mfcc_dtw`` warps the *coefficients* against each other, not the frames, and averages the whole
  matrix of accumulated costs: identical sounds score about 1e-4, and longer ones less.
- ``rhythm`` asks onsets to fall on the same 512-sample hop; it is NaN where one has no onset.
- ``spectral_contrast`` divides by the largest value of all, so little moves it.
- ``swass`` uses five of its six weights: its largest value is 0.8.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.signal import lfilter
from scipy.spatial.distance import cdist

from earwitness.errors import OptionError
from earwitness.measure.chroma import chroma
from earwitness.measure.intelligibility import stoi
from earwitness.measure.onsets import onsets
from earwitness.measure.resampling import resample
from earwitness.measure.spectra import HOP, contrast, mfcc
from earwitness.scene import Sound

LOW_HZ, HIGH_HZ, SPEECH_HZ = 22050, 44100, 16000
WEIGHTS = {
    "zcr": 0.2,
    "rhythm": 0.2,
    "chroma": 0.2,
    "spectral_contrast": 0.1,
    "perceptual": 0.1,
}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Table1:
    """The paper's columns for one pair; every one is higher for more alike.

    Parameters
    ----------
    mfcc_dtw, zcr, rhythm, chroma, spectral_contrast, perceptual, swass
        See the module. ``rhythm`` and with it ``swass`` may be NaN.
    """

    mfcc_dtw: float
    zcr: float
    rhythm: float
    chroma: float
    spectral_contrast: float
    perceptual: float
    swass: float


COLUMNS = tuple(field.name for field in dataclasses.fields(Table1))


def mixed(sound: Sound, rate_hz: int) -> NDArray[np.float32]:
    """Return the plain mean of all channels (LFE, heights, all) at a rate, as the paper read it."""
    mono = sound.samples.mean(axis=0, dtype=np.float32)
    return resample(mono, sound.rate_hz, rate_hz)


def emphasised(samples: ArrayLike) -> NDArray[np.float32]:
    """Return ``y[n] − 0.97 y[n−1]``, the first sample being ``3 y[0] − y[1]``."""
    wave = np.asarray(samples, dtype=np.float32)
    taps = np.array([1.0, -0.97], dtype=np.float32)
    made, _ = lfilter(taps, np.ones(1, np.float32), wave, zi=2 * wave[:1] - wave[1:2])
    return np.asarray(made, dtype=np.float32)


def accumulated(cost: ArrayLike) -> Array:
    """Return the accumulated costs of dynamic time warping with equal steps, shape as ``cost``."""
    total = np.array(cost, dtype=np.float64)
    total[0] = np.cumsum(total[0])
    total[:, 0] = np.cumsum(total[:, 0])
    for i in range(1, total.shape[0]):
        for j in range(1, total.shape[1]):
            total[i, j] += min(total[i - 1, j - 1], total[i, j - 1], total[i - 1, j])
    return total


def warped(first: ArrayLike, second: ArrayLike) -> Array:
    """Return the accumulated costs between the coefficients of two sounds at 22.05 kHz.

    Parameters
    ----------
    first, second
        Mono at 22.05 kHz; the shorter one is followed by silence.

    Returns
    -------
    ndarray, shape ``(13, 13)``
    """
    a, b = emphasised(first), emphasised(second)
    length = max(len(a), len(b))
    a, b = np.pad(a, (0, length - len(a))), np.pad(b, (0, length - len(b)))
    return accumulated(cdist(mfcc(a, LOW_HZ), mfcc(b, LOW_HZ)))


def crossing_rate(samples: ArrayLike) -> float:
    """Return the part of steps at which the sign changes; an exact zero counts going in and out."""
    sign = np.sign(np.asarray(samples))
    return float(np.mean(sign[1:] != sign[:-1])) if len(sign) > 1 else 0.0


def _onset_samples(samples: NDArray[np.float32]) -> NDArray[np.intp]:
    times_s = onsets(samples, HIGH_HZ) * HOP / float(HIGH_HZ)
    return np.array([int(t * HIGH_HZ) for t in times_s], dtype=np.intp)


def _rhythm(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    shortest = min(len(first), len(second))
    a, b = np.zeros(shortest), np.zeros(shortest)
    # The original looks at the whole of the first and at the beginning of the second.
    for mark, wave in ((a, first), (b, second[:shortest])):
        places = _onset_samples(wave)
        mark[places[places < shortest]] = 1.0
    if not a.any() or not b.any():
        return float("nan")
    return float((np.corrcoef(a, b)[0, 1] + 1) / 2)


def _alike(a: Array, b: Array, scale: float) -> float:
    count = min(a.shape[1], b.shape[1])
    if scale == 0:
        return 1.0
    return float(1 - np.abs(a[:, :count] - b[:, :count]).mean() / scale)


def table1(original: Sound, compared: Sound) -> Table1:
    """Return the paper's scores of a pair.

    Parameters
    ----------
    original, compared
        Sounds of any rate and layout; the order matters for STOI and onsets.

    Returns
    -------
    Table1

    Raises
    ------
    OptionError
        If one is shorter than 0.1 s.

    Notes
    -----
    Dagli, Prakash, Wu and Khosravani, "SEE-2-SOUND", arXiv 2406.06612, §5.1, after its
    ``evaluation.py`` and ``audio_similarity.py`` with librosa 0.9.2.

    Examples
    --------
    >>> noise = Sound(np.random.default_rng(0).uniform(-0.3, 0.3, (1, 32000)), 16000)
    >>> score = table1(noise, noise)
    >>> score.mfcc_dtw < 0.001, round(score.chroma, 6), round(score.swass, 6)
    (True, 1.0, 0.8)
    """
    for sound in (original, compared):
        if sound.duration_s < 0.1:
            raise OptionError(f"a sound of {sound.duration_s:g} s; give at least 0.1 s")
    low = [mixed(sound, LOW_HZ) for sound in (original, compared)]
    a, b = (mixed(sound, HIGH_HZ) for sound in (original, compared))
    shortest = min(len(a), len(b))
    speech = [resample(wave[:shortest], HIGH_HZ, SPEECH_HZ) for wave in (a, b)]
    c1, c2 = contrast(a, HIGH_HZ), contrast(b, HIGH_HZ)
    largest = float(max(np.abs(c1).max(), np.abs(c2).max()))
    scores = {
        "zcr": 1 - abs(crossing_rate(a) - crossing_rate(b)),
        "rhythm": _rhythm(a, b),
        "chroma": _alike(chroma(a), chroma(b), 1.0),
        "spectral_contrast": _alike(c1, c2, largest),
        "perceptual": (stoi(speech[0], speech[1], SPEECH_HZ) + 1) / 2,
    }
    return Table1(
        mfcc_dtw=float(1 / (1 + warped(*low).mean())),
        **scores,
        swass=sum(weight * scores[name] for name, weight in WEIGHTS.items()),
    )
