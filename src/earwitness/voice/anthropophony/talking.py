"""What people say without words: syllables, phrases and turns, as tracks of a throat.

Vowels after Peterson and Barney (1952); 4 to 5 syllables a second in phrases with pauses between
(Greenberg et al., 2003: the modulation spectrum of speech peaks at 4 Hz); pitch falls along
a phrase and rises on its stresses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earwitness.voice.anthropophony.throat import HOP_S, Track, frames_of
from earwitness.voice.model import Samples

# F1, F2, F3 of i ɪ ɛ æ ɑ ɔ ʊ u ʌ ɝ: Peterson & Barney (1952), table II
VOWELS_HZ = {
    "man": np.array(
        [
            [270, 2290, 3010], [390, 1990, 2550], [530, 1840, 2480], [660, 1720, 2410],
            [730, 1090, 2440], [570, 840, 2410], [440, 1020, 2240], [300, 870, 2240],
            [640, 1190, 2390], [490, 1350, 1690],
        ], dtype=np.float64,
    ),
    "woman": np.array(
        [
            [310, 2790, 3310], [430, 2480, 3070], [610, 2330, 2990], [860, 2050, 2850],
            [850, 1220, 2810], [590, 920, 2710], [470, 1160, 2680], [370, 950, 2670],
            [760, 1400, 2780], [500, 1640, 1960],
        ], dtype=np.float64,
    ),
    "child": np.array(
        [
            [370, 3200, 3730], [530, 2730, 3600], [690, 2610, 3570], [1010, 2320, 3320],
            [1030, 1370, 3170], [680, 1060, 3180], [560, 1410, 3310], [430, 1170, 3260],
            [850, 1590, 3360], [560, 1820, 2160],
        ], dtype=np.float64,
    ),
}  # fmt: skip

OFTEN = np.array([0.10, 0.16, 0.12, 0.08, 0.09, 0.08, 0.06, 0.07, 0.16, 0.08])
"""How often each vowel comes, roughly as in English and German running speech."""

PITCH_HZ = {"man": 115.0, "woman": 210.0, "child": 300.0}
UPPER_HZ = {"man": (3500.0, 4500.0), "woman": (4100.0, 5100.0), "child": (4700.0, 5900.0)}

# consonants: kind, seconds, and F1 F2 F3 of a man's locus or the centre of the noise
STOPS = ((900.0, 0.8, 700.0), (4200.0, 1.5, 1800.0), (1900.0, 2.5, 2000.0))
HISSES = ((6300.0, 2.2, 1.0), (3000.0, 1.6, 1.0), (5000.0, 0.5, 0.28), (5500.0, 0.6, 0.22))
SONORANTS = ((250.0, 1100.0, 2200.0), (250.0, 1600.0, 2500.0), (360.0, 1100.0, 2600.0),
             (320.0, 1200.0, 1600.0), (300.0, 700.0, 2200.0), (280.0, 2200.0, 2900.0))  # fmt: skip


@dataclass(frozen=True)
class Talker:
    """Somebody.

    Parameters
    ----------
    kind
        ``man``, ``woman`` or ``child``.
    pitch_hz
        Usual fundamental frequency.
    size
        Length of the vocal tract against the kind's mean.
    lively
        Pitch range in octaves, about.
    syllables_per_s
        Speed of talking.
    pause_s
        Mean rest between phrases.
    """

    kind: str
    pitch_hz: float
    size: float = 1.0
    lively: float = 0.35
    syllables_per_s: float = 4.6
    pause_s: float = 0.5

    def vowels(self) -> NDArray[np.float64]:
        """Return the five formants of the ten vowels, shape ``(10, 5)``."""
        upper = np.tile(UPPER_HZ[self.kind], (10, 1))
        return np.hstack([VOWELS_HZ[self.kind], upper]) / self.size


def somebody(rng: np.random.Generator, pitch_hz: float = 0.0, **manner: float) -> Talker:
    """Return a talker by chance; of the pitch given, if one is.

    Parameters
    ----------
    rng
        Chance.
    pitch_hz
        0: a man or a woman.
    manner
        Further fields of :class:`Talker`.
    """
    if pitch_hz <= 0:
        kind = "man" if rng.random() < 0.5 else "woman"
        pitch_hz = PITCH_HZ[kind] * float(np.exp(0.13 * rng.standard_normal()))
    else:
        kind = "man" if pitch_hz < 155 else "woman" if pitch_hz < 260 else "child"
    return Talker(kind, pitch_hz, float(np.clip(1 + 0.05 * rng.standard_normal(), 0.88, 1.12)),
                  **manner)  # fmt: skip


def talk(duration_s: float, rng: np.random.Generator, who: Talker) -> Track:
    """Return somebody talking on and on.

    Parameters
    ----------
    duration_s
        How long.
    rng
        Chance.
    who
        The talker.
    """
    frames = frames_of(duration_s)
    vowels = who.vowels()
    scale = vowels[:, 1].mean() / 1429.0
    track = Track.silent(frames, vowels[8], who.pitch_hz)
    octaves = np.zeros(frames)
    clock = -rng.random() * 0.5
    while clock < duration_s:
        count = int(rng.integers(3, 15))
        pace = who.syllables_per_s * float(np.exp(0.12 * rng.standard_normal()))
        rise = 0.25 if rng.random() < 0.25 else -0.15
        begin = clock
        stress = int(rng.integers(2, 4))
        for k in range(count):
            last = k == count - 1
            length = float(np.exp(0.28 * rng.standard_normal())) / pace * (1.6 if last else 1.0)
            strong = 1.0 if k % stress == 0 else 0.8
            vowel = vowels[rng.choice(10, p=OFTEN)]
            if strong < 1:
                vowel = 0.65 * vowel + 0.35 * vowels[8]
            _syllable(track, rng, clock, length, vowel, strong * (1 - 0.35 * k / count), scale)
            middle = slice(max(0, int(clock / HOP_S)), max(0, int((clock + length) / HOP_S)))
            along = k / max(1, count - 1)
            octaves[middle] = who.lively * (
                0.4 - 0.8 * along + (0.5 if strong == 1 else 0.0) * rng.random()
                + (rise * 2 if last else 0.0) + 0.12 * rng.standard_normal()
            )  # fmt: skip
            clock += length
        after = int(clock / HOP_S)
        octaves[max(0, int(begin / HOP_S) - 8) : max(0, int(begin / HOP_S))] = who.lively * 0.4
        octaves[max(0, after) :] = 0
        clock += float(who.pause_s * rng.gamma(2.0, 0.5))
    track.pitch_hz = who.pitch_hz * 2.0 ** smooth(octaves, 11)
    return blended(track)


def _syllable(
    track: Track, rng: np.random.Generator, start_s: float, length_s: float,
    vowel: NDArray[np.float64], level: float, scale: float,
) -> None:  # fmt: skip
    """Write consonant, vowel and perhaps a consonant into the track."""
    onset = length_s * rng.uniform(0.25, 0.42)
    coda = length_s * 0.25 if rng.random() < 0.35 else 0.0
    _consonant(track, rng, start_s, onset, scale, level)
    a = max(0, int((start_s + onset) / HOP_S))
    b = max(0, int((start_s + length_s - coda) / HOP_S))
    track.voiced[a:b] = level
    track.breath[a:b] = 0.04 * level
    track.formants_hz[a:b] = vowel
    if coda:
        _consonant(track, rng, start_s + length_s - coda, coda, scale, level * 0.7)


def _consonant(
    track: Track, rng: np.random.Generator, start_s: float, length_s: float, scale: float,
    level: float,
) -> None:  # fmt: skip
    a, b = max(0, int(start_s / HOP_S)), max(0, int((start_s + length_s) / HOP_S))
    if b <= a:
        return
    draw = rng.random()
    if draw < 0.42:  # stop: silence, burst, breath
        centre, q, locus = STOPS[rng.integers(3)]
        voiced = rng.random() < 0.45
        track.voiced[a:b] = 0.12 * level if voiced else 0.0
        track.formants_hz[a:b, :2] = 250.0 * scale, locus * scale
        burst = max(a, b - (1 if voiced else 5))
        track.hiss[burst : burst + 1] = 0.5 * level
        track.hiss[burst + 1 : b] = 0.12 * level
        track.breath[burst:b] = 0.0 if voiced else 0.5 * level
        track.hiss_hz[burst:b], track.hiss_q[burst:b] = centre * scale, q
    elif draw < 0.66:  # fricative
        centre, q, loud = HISSES[rng.choice(4, p=[0.45, 0.2, 0.2, 0.15])]
        track.hiss[a:b] = 0.42 * loud * level
        track.hiss_hz[a:b], track.hiss_q[a:b] = centre * min(scale, 1.2), q
        track.voiced[a:b] = 0.15 * level if rng.random() < 0.35 else 0.0
    elif draw < 0.94:  # nasal, liquid or glide
        formants = SONORANTS[rng.integers(len(SONORANTS))]
        track.voiced[a:b] = 0.25 * level
        track.formants_hz[a:b, :3] = np.array(formants) * scale
    else:  # h
        track.breath[a:b] = 0.5 * level


def smooth(x: Samples, frames: int) -> Samples:
    """Return a moving mean over ``frames``, the ends held."""
    padded = np.pad(x, (frames // 2, frames - 1 - frames // 2), mode="edge")
    return np.asarray(np.convolve(padded, np.ones(frames) / frames, mode="valid"), dtype=np.float64)


def blended(track: Track) -> Track:
    """Return the track with gestures that run into each other, as tongues do (about 50 ms)."""
    for k in range(track.formants_hz.shape[1]):
        track.formants_hz[:, k] = smooth(track.formants_hz[:, k], 7)
    track.voiced = smooth(track.voiced, 4)
    track.breath = smooth(track.breath, 3)
    track.hiss = smooth(track.hiss, 2)
    return track


def calls(
    duration_s: float, rng: np.random.Generator, who: Talker, starts_s: Samples, lengths_s: Samples,
    octaves: NDArray[np.float64], vowels: NDArray[np.int64], levels: Samples,
    breath_before_s: float = 0.0,
) -> Track:  # fmt: skip
    """Return single voiced calls at given times, each with a rise and fall of pitch.

    Parameters
    ----------
    duration_s, rng, who
        As for :func:`talk`.
    starts_s, lengths_s, levels
        Of each call.
    octaves
        Shape ``(calls, 3)``: pitch at its start, middle and end, octaves above the talker's.
    vowels
        Index of each call's vowel.
    breath_before_s
        An "h" of this length goes before each.
    """
    frames = frames_of(duration_s)
    table = who.vowels()
    track = Track.silent(frames, table[8], who.pitch_hz)
    height = np.zeros(frames)
    for start, length, curve, vowel, level in zip(
        starts_s, lengths_s, octaves, vowels, levels, strict=True
    ):
        h = max(0, int((start - breath_before_s) / HOP_S))
        a, b = max(0, int(start / HOP_S)), min(frames, int((start + length) / HOP_S))
        if a >= frames or b <= a:
            continue
        span = np.linspace(0, 1, b - a)
        track.voiced[a:b] = level * np.sqrt(np.sin(np.pi * np.clip(span * 0.96 + 0.03, 0, 1)))
        track.breath[a:b] = 0.1 * level
        track.breath[h:a] = 0.8 * level
        height[h:b] = curve[0]
        height[a:b] = np.interp(span, [0, 0.4, 1], curve)
        track.formants_hz[h:b] = table[vowel]
    track.pitch_hz = who.pitch_hz * 2.0 ** smooth(height, 4)
    return blended(track)
