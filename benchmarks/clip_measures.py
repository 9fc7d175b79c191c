"""How far the sound of a clip is from the truth: direction, distance, Doppler shift, start."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from benchmarks.truth_clips import Truth
from earwitness.scene import Scene, Source, layout_named
from earwitness.space.render import render_scene

Array = NDArray[np.float64]
RATE_HZ = 48000
SPEED_M_S = 343.0


class Samples:
    """A stem out of an array."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples, self._at = samples, 0

    def read(self, count: int) -> NDArray[np.float32]:
        """Return the next samples."""
        part = self._samples[self._at : self._at + count]
        self._at += len(part)
        return part


@dataclass(frozen=True)
class TrackFigures:
    """How well the main track of a clip follows the truth."""

    azimuth_median_deg: float
    azimuth_worst_deg: float
    rising: float
    """Part of the half-second steps in which the distance changes the way that the truth does."""
    sound_median_deg: float
    sound_worst_deg: float
    doppler_worst: float
    """Greatest error of the Doppler factor, as a part."""
    tracks: int


def main_track(scene: Scene, concept: str) -> Source:
    """Return the longest moving source of a concept."""
    moving = [one for one in scene.sources if one.concept == concept and one.moves]
    return max(moving, key=lambda one: one.positions[-1][0] - one.positions[0][0])


def alone(scene: Scene, source: Source) -> Scene:
    """Return a scene with one source alone, sounding all the time."""
    return replace(scene, sources=(replace(source, gain=(), stem="x.flac"),), bed=())


def emitted(truth: Truth, at_s: Array) -> Array:
    """Return when that left the thing which is heard at given times.

    The first sound is heard without delay, as in a scene whose start the picture sets.
    """
    fine = np.arange(0, truth.times_s[-1], 0.001)
    distance = np.interp(fine, truth.times_s, truth.distance_m)
    heard = fine + (distance - distance[0]) / SPEED_M_S
    return np.asarray(np.interp(at_s, heard, fine))


def sound_azimuth(scene: Scene, source: Source) -> tuple[Array, Array]:
    """Return times and azimuth of the intensity vector in a first-order render, every 50 ms."""
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.05, round(scene.duration_s * RATE_HZ)).astype(np.float32)
    made = render_scene(
        alone(scene, source),
        lambda: {source.id: Samples(noise)},
        layout=layout_named("foa"),
        rate_hz=RATE_HZ,
        loudness_lufs=None,
    )
    w, y, _, x = made.sound().samples.astype(np.float64)
    step = RATE_HZ // 20
    count = len(w) // step

    def mean(a: Array) -> Array:
        return a[: count * step].reshape(count, step).mean(axis=1)

    azimuth = np.degrees(np.arctan2(mean(w * y), mean(w * x)))
    return (np.arange(count) + 0.5) / 20, azimuth


def doppler(scene: Scene, source: Source, tone_hz: float = 1000.0) -> tuple[Array, Array]:
    """Return times and the factor by which a tone of the source is shifted, every 50 ms."""
    at = np.arange(round(scene.duration_s * RATE_HZ)) / RATE_HZ
    tone = (0.1 * np.sin(2 * np.pi * tone_hz * at)).astype(np.float32)
    made = render_scene(
        alone(scene, source),
        lambda: {source.id: Samples(tone)},
        layout=layout_named("mono"),
        rate_hz=RATE_HZ,
        loudness_lufs=None,
    )
    phase = np.unwrap(np.angle(signal.hilbert(made.sound().samples[0].astype(np.float64))))
    step = RATE_HZ // 20
    turned = np.diff(phase[::step])
    return (np.arange(len(turned)) + 0.5) / 20, turned / (2 * np.pi * tone_hz / 20)


def figures(scene: Scene, truth: Truth, concept: str = "dog") -> TrackFigures:
    """Return how far a clip's main track, and its sound, are from the truth."""
    source = main_track(scene, concept)
    rows = source.trajectory
    azimuth = np.degrees(np.arctan2(rows[:, 2], rows[:, 1]))
    error = np.abs(azimuth - np.interp(rows[:, 0], truth.times_s, truth.azimuth_deg))
    halves = np.arange(rows[0, 0], rows[-1, 0], 0.5)
    far = np.interp(halves, rows[:, 0], np.linalg.norm(rows[:, 1:], axis=1))
    true_far = np.interp(halves, truth.times_s, truth.distance_m)
    clear = np.abs(np.diff(true_far)) > 0.005 * true_far[:-1]
    rising = np.sign(np.diff(far))[clear] == np.sign(np.diff(true_far))[clear]

    def inside(at: Array) -> NDArray[np.bool_]:
        return (at > rows[0, 0] + 0.2) & (at < rows[-1, 0] - 0.2)

    at, heard = sound_azimuth(scene, source)
    left = emitted(truth, at)
    off = np.abs(heard - np.interp(left, truth.times_s, truth.azimuth_deg))[inside(at)]
    when, factor = doppler(scene, source)
    true_factor = np.gradient(emitted(truth, when), when)
    wrong = np.abs(factor / true_factor - 1)[inside(when)]
    return TrackFigures(
        float(np.median(error)),
        float(error.max()),
        float(rising.mean()),
        float(np.median(off)),
        float(off.max()),
        float(wrong.max()),
        sum(one.concept == concept for one in scene.sources),
    )


def picture_md5(path: Path) -> str:
    """Return the MD5 of a file's video packets as FFmpeg copies them."""
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-i",
        str(path),
        "-map",
        "0:v:0",
        "-c",
        "copy",
        "-f",
        "md5",
        "-",
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def probe(path: Path, entries: str) -> list[str]:
    """Return what ffprobe says of a file's streams, a line for each."""
    command = ["ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
