"""How right and how fast moving sources are: the sound of a tone that passes, in closed form.

``python benchmarks/bench_moving.py`` prints the signal-to-noise ratio against emission times
solved in double precision for every sample, and the speed of one moving source.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from earwitness.scene import Listener, Scene, Source, layout_named
from earwitness.scene.frame import SPEED_OF_SOUND_M_S
from earwitness.space.binaural import BinauralRenderer
from earwitness.space.contract import Renderer
from earwitness.space.delay import MovingVoice
from earwitness.space.panning import PanningRenderer
from earwitness.space.path import Path
from earwitness.space.propagation import PropagationRenderer
from earwitness.space.stems import ArrayStem, Tape

RATE = 48000
SECONDS = 4.0
Place = Callable[[np.ndarray], np.ndarray]


def straight(t: np.ndarray) -> np.ndarray:
    """20 m/s, passing at 5 m."""
    return np.stack([5 + 0 * t, -40 + 20 * t, 0 * t], axis=1)


def circle(t: np.ndarray) -> np.ndarray:
    """20 m/s on a circle of 8 m radius, from 4 to 20 m away."""
    return np.stack([12 + 8 * np.cos(2.5 * t), 8 * np.sin(2.5 * t), 0 * t], axis=1)


def snr_db(rows: np.ndarray, place: Place, hz: float) -> float:
    count = round(SECONDS * RATE)
    t = np.arange(count) / RATE
    first = np.linalg.norm(place(np.zeros(1)))
    emitted = t.copy()
    for _ in range(60):
        emitted = t + (first - np.linalg.norm(place(emitted), axis=1)) / SPEED_OF_SOUND_M_S
    wanted = np.sin(2 * np.pi * hz * emitted) / np.linalg.norm(place(emitted), axis=1)
    stem = ArrayStem(np.sin(2 * np.pi * hz * np.arange(round((SECONDS + 1) * RATE)) / RATE))
    voice = MovingVoice(Path(rows, Listener()), Tape(stem), RATE, real_delay=False)
    found, _, _ = voice.hear(0, count, 256)
    inner = slice(500, -500)
    return float(10 * np.log10(np.sum(wanted[inner] ** 2) / np.sum((found - wanted)[inner] ** 2)))


def speed(renderer: Renderer, layout: str) -> float:
    rows = ((0.0, 5.0, -60.0, 0.0), (10.0, 5.0, 60.0, 0.0))
    scene = Scene((Source("a", "a", "car", positions=rows),), duration_s=10)
    sound = np.random.default_rng(0).standard_normal(11 * RATE, dtype=np.float32)
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        for _ in renderer.render(
            scene, {"a": ArrayStem(sound)}, layout=layout_named(layout), rate_hz=RATE
        ):
            pass
        best = min(best, time.perf_counter() - start)
    return 10 / best


def main() -> None:
    print("A tone from a source at 20 m/s, signal-to-noise ratio in dB against closed form")
    print(f"{'':44s}{'500 Hz':>8s}{'2 kHz':>8s}{'8 kHz':>8s}")
    cases: list[tuple[str, np.ndarray, Place]] = [
        ("straight line, two rows", np.array([(0, 5, -40, 0), (6, 5, 80, 0)]), straight)
    ]
    for hz in (10, 30, 60):
        t = np.arange(0, SECONDS + 1, 1 / hz)
        cases.append(
            (f"straight line, {hz} rows a second", np.column_stack([t, straight(t)]), straight)
        )
        cases.append(
            (f"circle of 8 m, {hz} rows a second", np.column_stack([t, circle(t)]), circle)
        )
    for name, rows, place in cases:
        figures = "".join(f"{snr_db(rows, place, hz):8.1f}" for hz in (500, 2000, 8000))
        print(f"{name:44s}{figures}")
    print("One moving source with air, times real time")
    for renderer, layout in (
        (PanningRenderer(), "7.1.4"),
        (BinauralRenderer(), "binaural"),
        (PropagationRenderer(), "5.1"),
    ):
        print(f"{type(renderer).__name__ + ', ' + layout:44s}{speed(renderer, layout):8.0f}")


if __name__ == "__main__":
    main()
