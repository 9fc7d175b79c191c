"""The measures of Table 1 with their defects mended, for any pair of sounds.

Each score is 1 for equal sounds and falls towards 0; each means the same for one second and for an
hour; none becomes NaN because of another. Before anything is compared, the delay between the sounds
is found and taken out, and their difference in level is told and taken out: a copy that is later
and fainter is the same sound, at a known delay and level.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import next_fast_len
from scipy.signal import resample_poly
from scipy.spatial.distance import cdist

from earwitness.errors import OptionError
from earwitness.measure.chroma import RATE_HZ, chroma
from earwitness.measure.intelligibility import TOO_SHORT, stoi
from earwitness.measure.onsets import onsets
from earwitness.measure.spectra import HOP, contrast, magnitude, mfcc
from earwitness.measure.table1 import crossing_rate
from earwitness.scene import Sound

Array = NDArray[np.float64]

LATEST_S = 2.0
"""Largest delay that is looked for."""
ONSET_S = 0.05
"""How near an onset must lie to count as the same one (as in MIREX)."""
LONGEST_S = 120.0
"""Longer sounds are compared over their first two minutes."""
_WARP_FRAMES = 1000
_STEP_DB = 6.0  # root-mean-square of MFCC per coefficient at which timbre is 1/2


@dataclass(frozen=True)
class Acoustics:
    """How alike two sounds are; NaN marks a score that does not apply to the pair.

    Parameters
    ----------
    timbre
        Dynamic time warping over *frames* of MFCC 1 to 12 (the level, MFCC 0, left out),
        normalised by the length of the way: ``1 / (1 + d / 6 dB)``.
    zcr
        ``1 − |z1 − z2| / max(z1, z2)``.
    rhythm
        F-measure of onsets within 50 ms. 1 where neither has any, 0 where one has none.
    chroma
        Correlation of the pitch classes in each frame, weighted by how loud it is, 0 where
        uncorrelated.
    spectral_contrast
        ``1 − Σ|c1 − c2| / Σ(|c1| + |c2|)`` over bands and frames that are not silent.
    intelligibility
        STOI, 0 to 1; NaN where less than 0.4 s sounds.
    image
        Overlap of the powers of the channels, for two sounds of one layout; else NaN.
    overall
        Mean of the scores that apply.
    delay_s
        By how much the second sound is later.
    level_db
        By how much the second sound is louder.
    """

    timbre: float
    zcr: float
    rhythm: float
    chroma: float
    spectral_contrast: float
    intelligibility: float
    image: float
    overall: float
    delay_s: float
    level_db: float


SCORES = ("timbre", "zcr", "rhythm", "chroma", "spectral_contrast", "intelligibility", "image")
FIELDS = tuple(field.name for field in dataclasses.fields(Acoustics))


def _at_rate(samples: ArrayLike, rate_hz: int) -> Array:
    shared = math.gcd(RATE_HZ, rate_hz)
    wave = np.asarray(samples, dtype=np.float64)
    if rate_hz == RATE_HZ:
        return wave
    return np.asarray(resample_poly(wave, RATE_HZ // shared, rate_hz // shared, axis=-1))


def _mono(samples: Array, sound: Sound) -> Array:
    """Return the mean of all full-range channels; W alone of ambisonics."""
    layout = sound.channels
    if layout.kind == "ambisonics":
        return np.asarray(samples[0])
    full = [i for i in range(len(samples)) if i not in layout.lfe]
    return np.asarray(samples[full].mean(axis=0))


def delay(first: ArrayLike, second: ArrayLike, rate_hz: int) -> float:
    """Return by how many seconds the second sound is later: the peak of the cross-correlation.

    Parameters
    ----------
    first, second
        Mono, shape ``(samples,)``.
    rate_hz
        Sampling rate of both.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal(8000)
    >>> delay(noise, np.concatenate([np.zeros(100), noise]), 8000)
    0.0125
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    most = min(int(LATEST_S * rate_hz), max(len(a), len(b)) - 1)
    size = next_fast_len(max(len(a), len(b)) + most + 1, real=True)
    cross = np.fft.rfft(b, size) * np.fft.rfft(a, size).conj()
    line = np.fft.irfft(cross, size)
    around = np.concatenate([line[-most:] if most else line[:0], line[: most + 1]])
    if not np.any(around > 0):
        return 0.0
    return float((int(np.argmax(around)) - most) / rate_hz)


def _level_db(samples: Array) -> float:
    return float(10 * np.log10(max(float(np.mean(samples**2)), 1e-20)))


def warp_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean cost of the best warping of one row of frames onto another.

    Parameters
    ----------
    first, second
        Features, shape ``(coefficients, frames)``.

    Returns
    -------
    float
        Root-mean-square difference of a coefficient along the way. A step that advances both counts
        twice, so every way has the same length (Sakoe and Chiba 1978, symmetric form).

    Examples
    --------
    >>> warp_distance([[0.0, 0, 1, 1]], [[0.0, 1, 1, 1]])
    0.0
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    cost = cdist(a.T, b.T) / np.sqrt(a.shape[0])
    rows, columns = cost.shape
    # Along anti-diagonals every value depends on the two before: whole diagonals at once.
    older, old = np.full(rows + 1, np.inf), np.full(rows + 1, np.inf)
    for k in range(rows + columns - 1):
        i = np.arange(max(0, k - columns + 1), min(rows, k + 1))
        here = cost[i, k - i]
        now = np.full(rows + 1, np.inf)
        if k == 0:
            now[1] = 2 * here[0]
        else:
            # Place i + 1 holds row i; old is the diagonal before, older the one before that.
            now[i + 1] = np.minimum(np.minimum(old[i], old[i + 1]) + here, older[i] + 2 * here)
        older, old = old, now
    return float(old[rows] / (rows + columns))


def _pooled(frames: Array) -> Array:
    width = -(-frames.shape[1] // _WARP_FRAMES)
    if width == 1:
        return frames
    count = frames.shape[1] // width
    return np.asarray(frames[:, : count * width].reshape(len(frames), count, width).mean(axis=2))


def onset_match(first: ArrayLike, second: ArrayLike, *, within: float = ONSET_S) -> float:
    """Return the F-measure of two rows of onset times, each matched at most once.

    Examples
    --------
    >>> onset_match([0.0, 1.0], [0.02, 1.5])
    0.5
    """
    a, b = np.sort(np.asarray(first, dtype=float)), np.sort(np.asarray(second, dtype=float))
    if len(a) == 0 or len(b) == 0:
        return float(len(a) == len(b))
    i = j = hits = 0
    while i < len(a) and j < len(b):
        if abs(a[i] - b[j]) <= within:
            hits, i, j = hits + 1, i + 1, j + 1
        elif a[i] < b[j]:
            i += 1
        else:
            j += 1
    return 2 * hits / (len(a) + len(b))


def _chroma_match(a: Array, b: Array, weight: Array) -> float:
    c1, c2 = chroma(a), chroma(b)
    count = min(c1.shape[1], c2.shape[1], len(weight))
    c1, c2 = (c[:, :count] - c[:, :count].mean(axis=0) for c in (c1, c2))
    sizes = np.linalg.norm(c1, axis=0) * np.linalg.norm(c2, axis=0)
    used = weight[:count] * (sizes > 1e-9)
    if used.sum() <= 0:
        return float("nan")
    match = np.sum(c1 * c2, axis=0) / np.maximum(sizes, 1e-12)
    return float(np.clip(np.sum(used * match) / used.sum(), 0.0, 1.0))


def _contrast_match(a: Array, b: Array, weight: Array) -> float:
    c1, c2 = contrast(a, RATE_HZ), contrast(b, RATE_HZ)
    count = min(c1.shape[1], c2.shape[1], len(weight))
    sounds = weight[:count] > 1e-6 * weight[:count].max(initial=0.0)
    c1, c2 = c1[:, :count][:, sounds], c2[:, :count][:, sounds]
    whole = float(np.abs(c1).sum() + np.abs(c2).sum())
    return 1.0 - float(np.abs(c1 - c2).sum()) / whole if whole > 0 else float("nan")


def _image_match(a: Array, b: Array, first: Sound, second: Sound) -> float:
    if first.channels != second.channels or len(a) < 2:
        return float("nan")
    powers = [np.mean(part**2, axis=1) for part in (a, b)]
    if min(power.sum() for power in powers) <= 0:
        return float("nan")
    return float(np.minimum(*(power / power.sum() for power in powers)).sum())


def acoustics(first: Sound, second: Sound) -> Acoustics:
    """Return how alike two sounds are.

    Parameters
    ----------
    first, second
        Sounds of any rate, length and layout.

    Returns
    -------
    Acoustics

    Raises
    ------
    OptionError
        If one is shorter than 0.1 s, or one is silent and the other is not.

    Examples
    --------
    >>> noise = Sound(np.random.default_rng(0).uniform(-0.3, 0.3, (1, 16000)), 16000)
    >>> later = Sound(np.pad(0.5 * noise.samples, ((0, 0), (160, 0))), 16000)
    >>> found = acoustics(noise, later)
    >>> round(found.overall, 2), round(found.delay_s, 4), round(found.level_db, 1)
    (1.0, 0.01, -6.0)
    """
    for sound in (first, second):
        if sound.duration_s < 0.1:
            raise OptionError(f"a sound of {sound.duration_s:g} s; give at least 0.1 s")
    parts = [
        _at_rate(sound.samples[:, : int(LONGEST_S * sound.rate_hz)], sound.rate_hz)
        for sound in (first, second)
    ]
    wide = [_mono(part, sound) for part, sound in zip(parts, (first, second))]
    silent = [not np.any(np.abs(wave) > 1e-7) for wave in wide]
    if any(silent):
        which = (
            "both sounds are" if all(silent) else f"the {('first', 'second')[silent[1]]} sound is"
        )
        raise OptionError(f"{which} silent: there is nothing to compare")
    late = delay(wide[0], wide[1], RATE_HZ)
    shift = round(late * RATE_HZ)
    starts = (max(0, -shift), max(0, shift))
    count = min(len(wave) - start for wave, start in zip(wide, starts))
    if count < int(0.1 * RATE_HZ):
        late, starts = 0.0, (0, 0)
        count = min(len(wave) for wave in wide)
    a, b = (wave[start : start + count] for wave, start in zip(wide, starts))
    heard = [part[:, start : start + count] for part, start in zip(parts, starts)]
    level = _level_db(b) - _level_db(a)
    # One level for both, so that floors in decibels lie at the same place.
    a, b = (wave * 10 ** ((-20 - _level_db(wave)) / 20) for wave in (a, b))
    rates = [crossing_rate(wave) for wave in (a, b)]
    times = [onsets(wave, RATE_HZ) * HOP / RATE_HZ for wave in (a, b)]
    cepstra = [_pooled(mfcc(wave, RATE_HZ)[1:]) for wave in (a, b)]
    weight = np.sqrt(np.prod([(magnitude(wave) ** 2).sum(axis=0) for wave in (a, b)], axis=0))
    spoken = stoi(a, b, RATE_HZ)
    scores = {
        "timbre": 1 / (1 + warp_distance(*cepstra) / _STEP_DB),
        "zcr": 1 - abs(rates[0] - rates[1]) / max(*rates) if max(rates) > 0 else 1.0,
        "rhythm": onset_match(*times),
        "chroma": _chroma_match(a, b, weight),
        "spectral_contrast": _contrast_match(a, b, weight),
        "intelligibility": float("nan") if spoken == TOO_SHORT else float(np.clip(spoken, 0, 1)),
        "image": _image_match(heard[0], heard[1], first, second),
    }
    known = [value for value in scores.values() if np.isfinite(value)]
    return Acoustics(**scores, overall=float(np.mean(known)), delay_s=late, level_db=level)
