"""Small scenes that the tests of the renderers share."""

from __future__ import annotations

import numpy as np

from earwitness.scene import Air, Scene, Source, layout_named
from earwitness.space.stems import ArrayStem

RATE = 48000
CLEAR = Air(temperature_c=20, humidity_percent=70)


def noise(samples: int, seed: int = 0, top_hz: float | None = None) -> np.ndarray:
    """White noise at about -30 dB, low-passed when asked."""
    made = 0.03 * np.random.default_rng(seed).standard_normal(samples)
    if top_hz is not None:
        spectrum = np.fft.rfft(made)
        frequency = np.fft.rfftfreq(samples, 1 / RATE)
        made = np.fft.irfft(spectrum * (frequency < top_hz), samples)
    return made.astype(np.float32)


def source(name: str, *place: float, **more) -> Source:
    """A source of 90 dB, whose nominal stem comes out as it is from 1 m."""
    rows = more.pop("positions", ((0.0, *place),))
    return Source(name, name, "dog", positions=rows, level_db=more.pop("level_db", 90.0), **more)


def stems_of(sounds: dict[str, np.ndarray]) -> dict[str, ArrayStem]:
    return {name: ArrayStem(sound) for name, sound in sounds.items()}


def channels(renderer, scene: Scene, sounds: dict[str, np.ndarray], layout: str, rate=RATE):
    """All samples of a render, as float64."""
    blocks = list(
        renderer.render(scene, stems_of(sounds), layout=layout_named(layout), rate_hz=rate)
    )
    return np.concatenate(blocks, axis=1).astype(np.float64)


def energy_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(np.square(samples)) + 1e-30))
