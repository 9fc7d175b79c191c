"""What the instruments play: short seeded improvisations in phrases, and chords below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from earwitness.voice import dsp
from earwitness.voice.model import Samples

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
}
_RHYTHMS = (  # beats of a bar of four
    (1, 1, 1, 1),
    (1, 0.5, 0.5, 1, 1),
    (1.5, 0.5, 1, 1),
    (2, 1, 1),
    (0.5, 0.5, 1, 0.5, 0.5, 1),
    (1, 1, 2),
    (1.5, 0.5, 1.5, 0.5),
    (0.5, 0.5, 0.5, 0.5, 1, 1),
)
_PROGRESSIONS = ((0, 3, 4, 0), (0, 5, 3, 4), (0, 3, 0, 4), (0, 5, 1, 4), (0, 2, 3, 4), (0, 4, 5, 3))


@dataclass(frozen=True)
class Note:
    """One note: when, how long (s), its pitch (Hz), and how strongly (0 to 1)."""

    start_s: float
    duration_s: float
    pitch_hz: float
    velocity: float


@dataclass(frozen=True)
class Key:
    """A tonic and a scale on it.

    Examples
    --------
    >>> Key(220.0, SCALES["major"]).pitch_hz(7)
    440.0
    """

    tonic_hz: float
    scale: tuple[int, ...]

    def pitch_hz(self, degree: int) -> float:
        """Return the pitch of a degree of the scale, 0 the tonic; equal temperament."""
        octave, step = divmod(degree, len(self.scale))
        return float(self.tonic_hz * 2 ** (octave + self.scale[step] / 12))


def draw_key(rng: np.random.Generator, pitch_hz: float, *names: str) -> Key:
    """Return a key near a pitch (within two semitones), in one of the named scales."""
    chosen = names or ("major", "minor", "dorian", "pentatonic")
    shift = int(rng.integers(-2, 3))
    return Key(pitch_hz * 2 ** (shift / 12), SCALES[chosen[int(rng.integers(len(chosen)))]])


def melody(
    rng: np.random.Generator,
    duration_s: float,
    tempo_bpm: float,
    key: Key,
    *,
    lowest: int = -2,
    highest: int = 10,
    legato: float = 0.95,
    rests: float = 0.6,
    slower: float = 1.0,
) -> list[Note]:
    """Return a tune: phrases of a motif, its answer, and a close, with breath between.

    Parameters
    ----------
    lowest, highest
        Degrees of the scale that it keeps within.
    legato
        Sounding share of a note's time.
    rests
        Chance of a breath after a phrase.
    slower
        Beats per written beat.
    """
    beat = 60.0 / tempo_bpm * slower
    notes: list[Note] = []
    at = float(rng.uniform(0, 0.3)) * beat
    degree = int(rng.integers(0, 5))
    while at < duration_s:
        motif = [
            (
                _RHYTHMS[int(rng.integers(len(_RHYTHMS)))],
                rng.choice([-2, -1, -1, 1, 1, 2, 3, -3], 8),
            )
            for _ in range(2)
        ]
        form = (0, 1, 0, 2) if rng.uniform() < 0.6 else (0, 0, 1, 2)
        for part in form:
            bold = float(rng.uniform(0.6, 1.1))
            rhythm: tuple[float, ...] = motif[min(part, 1)][0]
            steps = motif[min(part, 1)][1]
            if part == 2:  # the close: falls to the tonic or its fifth and stays
                rhythm = (1, 1, 2) if rng.uniform() < 0.5 else (4,)
            for i, beats in enumerate(rhythm):
                if part == 2 and i == len(rhythm) - 1:
                    degree = int(rng.choice([0, 0, len(key.scale)]))
                elif not (part == 0 and i == 0):
                    degree += int(steps[i % len(steps)])
                    if degree > highest or degree < lowest:
                        degree -= 2 * int(steps[i % len(steps)])
                degree = int(np.clip(degree, lowest, highest))
                accent = 0.72 if i == 0 else 0.55
                strength = accent + 0.12 * np.sin(np.pi * (i + 1) / len(rhythm))
                notes.append(
                    Note(
                        max(0.0, at + float(rng.normal(0, 0.007))),
                        beats * beat * legato,
                        key.pitch_hz(degree),
                        float(np.clip(bold * strength + rng.normal(0, 0.07), 0.12, 1.0)),
                    )
                )
                at += beats * beat
                if at >= duration_s:
                    return notes
        if rng.uniform() < rests:
            at += beat * float(rng.choice([1, 2]))
    return notes


def chords(
    rng: np.random.Generator, duration_s: float, bar_s: float, key: Key
) -> list[tuple[float, list[int]]]:
    """Return a chord for every bar: its start and three degrees of the scale."""
    progression = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))]
    third, fifth = (2, 4) if len(key.scale) == 7 else (2, 3)
    bars = int(np.ceil(duration_s / bar_s)) + 1
    return [
        (k * bar_s, [root, root + third, root + fifth])
        for k, root in ((k, progression[k % 4] % len(key.scale)) for k in range(bars))
    ]


def play(
    samples: int,
    rate_hz: int,
    notes: list[Note],
    tone: Callable[[Note, int], Samples],
    *,
    ring_s: float,
) -> Samples:
    """Return the notes, each made by ``tone(note, length)``, with ``ring_s`` after its end."""
    out = np.zeros(samples)
    for note in notes:
        start = round(note.start_s * rate_hz)
        length = min(samples - start, round((note.duration_s + ring_s) * rate_hz))
        if length > 16:
            dsp.place(out, tone(note, length), start)
    return out


def in_room(
    dry: Samples, rate_hz: int, rng: np.random.Generator, *, t60_s: float = 0.6, wet: float = 0.22
) -> Samples:
    """Return an instrument where it is usually heard: a small room answers, and is never silent."""
    answer = dsp.reverberation(dry, rate_hz, rng, t60_s, damping_hz=3000.0)
    floor = dsp.coloured(len(dry), rate_hz, rng, -5.0, low_hz=40, high_hz=8000)
    return np.asarray(dry + wet * answer + 0.0015 * float(np.std(dry)) * floor)


def line(
    samples: int,
    rate_hz: int,
    rng: np.random.Generator,
    notes: list[Note],
    *,
    glide_s: float,
    attack_s: float,
    release_s: float,
    vibrato_hz: float = 5.5,
    vibrato_cents: float = 20.0,
) -> tuple[Samples, Samples]:
    """Return how one voice sings the notes: its pitch in Hz and its level, at every sample.

    Parameters
    ----------
    glide_s
        Time to get from one pitch to the next.
    attack_s, release_s
        Of each note.
    vibrato_hz, vibrato_cents
        Rate and half-width of the vibrato, which grows within each note (violins 5–6 Hz and
        15–25 cents: Fletcher & Sanders 1967).
    """
    control_hz = 400.0
    count = int(np.ceil(samples / rate_hz * control_hz)) + 2
    t = np.arange(count) / control_hz
    pitch = np.full(count, np.log2(notes[0].pitch_hz if notes else 220.0))
    level, depth = np.zeros(count), np.zeros(count)
    for note in notes:
        i = int(note.start_s * control_hz)
        end = note.start_s + note.duration_s
        pitch[i:] = np.log2(note.pitch_hz)
        window = slice(i, min(count, int((end + release_s) * control_hz) + 1))
        x = t[window] - note.start_s
        up = np.clip(x / attack_s, 0, 1)
        down = np.clip((note.duration_s + release_s - x) / release_s, 0, 1)
        swell = 1 + 0.12 * np.sin(np.pi * np.clip(x / note.duration_s, 0, 1))
        shape = note.velocity * np.sin(0.5 * np.pi * up) ** 2 * np.sin(0.5 * np.pi * down) ** 2
        level[window] = np.maximum(level[window], shape * swell)
        depth[i:] = 0.0
        depth[window] = np.clip((x - 0.12) / 0.3, 0, 1)
    smooth = max(1, round(glide_s * control_hz))
    kernel = np.hanning(smooth + 2)[1:-1]
    pitch = np.convolve(np.pad(pitch, smooth, "edge"), kernel / kernel.sum(), "same")[
        smooth : smooth + count
    ]
    wobble = np.cumsum(vibrato_hz * np.exp(0.08 * dsp.slow(count, control_hz, rng, 0.7)))
    cents = vibrato_cents * depth * np.sin(2 * np.pi * wobble / control_hz)
    cents += 3.0 * dsp.slow(count, control_hz, rng, 6.0)
    at = np.arange(samples) * (control_hz / rate_hz)
    fine = np.interp(at, np.arange(count), 2 ** (pitch + cents / 1200))
    return fine, np.interp(at, np.arange(count), level)
