"""Propagation against pyroomacoustics, and against arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import CLEAR, RATE, channels, noise, source

from earwitness.errors import OptionError
from earwitness.scene import Scene, layout_named
from earwitness.space.air import FARTHEST_M
from earwitness.space.propagation import PropagationRenderer, loudspeakers

LAYOUT = "5.1"
PLACES = [(6.0, 2.0, 0.3), (-3.0, 5.0, 0.0), (8.0, -4.0, 1.0)]
MAINS = [0, 1, 2, 4, 5]


def test_it_is_pyroomacoustics_without_reflections():
    pra = pytest.importorskip("pyroomacoustics", reason="pip install pyroomacoustics (extra dev)")
    shift = np.array([20.0, 20.0, 20.0])
    sounds = [noise(RATE // 2, i, top_hz=15000) for i in range(len(PLACES))]
    room = pra.ShoeBox([40, 40, 40], fs=RATE, max_order=0, air_absorption=False)
    previous = pra.constants.get("rir_hpf_enable")
    pra.constants.set("rir_hpf_enable", False)
    try:
        for place, sound in zip(PLACES, sounds, strict=True):
            room.add_source(shift + place, signal=sound.astype(np.float64))
        ears = loudspeakers(layout_named(LAYOUT), 2.0)[MAINS]
        room.add_microphone_array((shift + ears).T)
        room.simulate()
    finally:
        pra.constants.set("rir_hpf_enable", previous)
    latency = pra.constants.get("frac_delay_length") // 2
    wanted = room.mic_array.signals[:, latency:]
    scene = Scene(
        tuple(source(f"s{i}", *place) for i, place in enumerate(PLACES)),
        duration_s=0.5,
    )
    stems = {f"s{i}": sound for i, sound in enumerate(sounds)}
    found = channels(PropagationRenderer(air=False), scene, stems, LAYOUT)[MAINS]
    inner = slice(2000, RATE // 2 - 200)
    error = np.sum((found - wanted[:, : found.shape[1]])[:, inner] ** 2)
    assert 10 * np.log10(error / np.sum(wanted[:, inner] ** 2)) < -50


@pytest.mark.parametrize("radius_m", [1.0, 2.0, 5.0])
def test_a_tone_arrives_late_and_weak_by_its_distance(radius_m):
    hz = 1000.0
    time = np.arange(RATE) / RATE
    place = np.array([9.0, -3.0, 2.0])
    scene = Scene((source("a", *place),), duration_s=1)
    found = channels(
        PropagationRenderer(radius_m=radius_m, air=False),
        scene,
        {"a": np.sin(2 * np.pi * hz * time)},
        LAYOUT,
    )
    far = np.linalg.norm(loudspeakers(layout_named(LAYOUT), radius_m) - place, axis=1)
    for i in MAINS:
        wanted = np.sin(2 * np.pi * hz * (time - far[i] / 343.0)) / far[i]
        inner = slice(3000, -500)
        error = found[i, inner] - wanted[inner]
        assert np.sqrt(np.mean(error**2) / np.mean(wanted[inner] ** 2)) < 1e-3


def test_nothing_is_heard_before_it_can_arrive():
    sound = np.ones(RATE, np.float32)
    scene = Scene((source("a", 102.9, 0, 0),), duration_s=0.5, air=CLEAR)
    found = channels(PropagationRenderer(), scene, {"a": sound}, LAYOUT)
    first = round((102.9 - 2.0) / 343.0 * RATE)
    assert np.abs(found[MAINS, : first - 600]).max() < 1e-6 * np.abs(found).max()
    assert np.abs(found[2, first + 600 :]).min() > 0.009


def test_a_source_out_of_earshot_is_silent_so_far():
    scene = Scene((source("a", 50 * FARTHEST_M, 0, 0),), duration_s=0.1)
    found = channels(PropagationRenderer(), scene, {"a": noise(RATE)}, LAYOUT)
    assert not found.any()


def test_the_radius_is_checked():
    for radius_m in (0.0, -1.0, 50.0):
        with pytest.raises(OptionError, match="loudspeakers"):
            PropagationRenderer(radius_m=radius_m)
