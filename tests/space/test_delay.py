"""A moving source against the closed form of its sound."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.scene import Listener
from earwitness.scene.frame import SPEED_OF_SOUND_M_S as C
from earwitness.space.delay import MovingVoice
from earwitness.space.path import Path
from earwitness.space.stems import ArrayStem, Tape

RATE = 48000
SECONDS = 4.0


def straight(time):
    return np.stack([5 + 0 * time, -40 + 20 * time, 0 * time], axis=1)


def circle(time):
    return np.stack([12 + 8 * np.cos(2.5 * time), 8 * np.sin(2.5 * time), 0 * time], axis=1)


def heard(rows, stem, chunk=24576, real_delay=False):
    voice = MovingVoice(Path(rows, Listener()), tape := Tape(stem), RATE, real_delay=real_delay)
    parts = []
    for start in range(0, round(SECONDS * RATE), chunk):
        part, _, oldest = voice.hear(start, min(chunk, round(SECONDS * RATE) - start), 256)
        tape.forget(oldest)
        parts.append(part)
    return np.concatenate(parts).astype(np.float64)


def tone(hz):
    return np.sin(2 * np.pi * hz * np.arange(round((SECONDS + 1) * RATE)) / RATE)


def closed_form(place, hz):
    """Emission times by fixed-point iteration in double precision, sample by sample."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    first = np.linalg.norm(place(np.zeros(1)))
    emitted = time.copy()
    for _ in range(50):
        emitted = time + (first - np.linalg.norm(place(emitted), axis=1)) / C
    return np.sin(2 * np.pi * hz * emitted) / np.linalg.norm(place(emitted), axis=1)


def snr_db(found, wanted):
    inner = slice(500, -500)
    error = found[inner] - wanted[inner]
    return 10 * np.log10(np.sum(wanted[inner] ** 2) / np.sum(error**2))


def keyframes(place, hz):
    time = np.arange(0, SECONDS + 1, 1 / hz)
    return np.column_stack([time, place(time)])


@pytest.mark.parametrize(
    ("rows", "place", "least_db"),
    [
        (((0, 5, -40, 0), (6, 5, 80, 0)), straight, 90),
        (keyframes(straight, 30), straight, 90),
        (keyframes(circle, 30), circle, 85),
    ],
    ids=["two rows", "straight, 30 keyframes a second", "circle, 30 keyframes a second"],
)
def test_20_metres_a_second_at_2_khz(rows, place, least_db):
    assert snr_db(heard(rows, ArrayStem(tone(2000))), closed_form(place, 2000)) > least_db


def test_the_result_does_not_depend_on_the_chunks():
    rows = keyframes(circle, 30)
    whole = heard(rows, ArrayStem(tone(2000)), chunk=10**6)
    np.testing.assert_array_equal(whole, heard(rows, ArrayStem(tone(2000)), chunk=4096))


def test_a_real_delay_is_the_distance_over_the_speed_of_sound():
    click = np.zeros(RATE)
    click[1000] = 1.0
    rows = ((0, 34.3, 0, 0), (1000, 34.3, 1e-3, 0))
    found = heard(rows, ArrayStem(click), real_delay=True)
    assert abs(np.argmax(np.abs(found)) - 5800) <= 1
    assert np.argmax(np.abs(heard(rows, ArrayStem(click)))) == 1000


@pytest.mark.parametrize("speed", [300.0, 400.0, 5000.0])
def test_faster_than_sound_stays_finite_and_in_order(speed):
    rows = ((0, 1, 300, 0), (600 / speed, 1, -300, 0))
    found = heard(rows, ArrayStem(np.ones(RATE * 6)))
    assert np.isfinite(found).all()
    assert np.abs(found).max() < 2.1
