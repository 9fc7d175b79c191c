"""Sounds follow motion: events fall on onsets, textures swell, and stillness changes nothing."""

import numpy as np
import pytest

from earwitness.voice.follow import events, follow

RATE = 48000


def barks(count=5, seconds=6.0, seed=0):
    """Short decaying bursts at random times."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(int(seconds * RATE), np.float32)
    for i in range(count):
        start = int((0.2 + i * seconds / count) * RATE)
        burst = rng.normal(0, 1, RATE // 6) * np.exp(-np.arange(RATE // 6) / (0.04 * RATE))
        sound[start : start + len(burst)] += 0.3 * burst
    return sound


def rush(seconds=6.0):
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def motion(seconds=6.0, where=lambda t: np.ones_like(t)):
    times = np.arange(0, seconds, 1 / 25)
    return times, where(times)


def test_events_are_counted():
    assert len(events(barks(5), RATE)) == 5
    assert events(rush(), RATE) == []
    assert events(np.zeros(RATE, np.float32), RATE) == []


def test_events_fall_on_the_onsets_of_motion():
    onsets = [0.5, 1.9, 2.6, 4.4]
    times, active = motion()
    heard = follow(
        barks(),
        RATE,
        onsets_s=onsets,
        times_s=times,
        activity=active,
        rng=np.random.default_rng(0),
    )
    attacks = [event.attack / RATE for event in events(heard, RATE)]
    assert len(attacks) == len(onsets)
    assert np.abs(np.array(attacks) - onsets).max() < 1 / 50  # half a frame


def test_a_texture_swells_with_the_motion_and_does_not_stop():
    times, active = motion(where=lambda t: (t > 3).astype(float))
    heard = follow(
        rush(), RATE, onsets_s=[3.0], times_s=times, activity=active, rng=np.random.default_rng(0)
    )
    still, moving = (np.std(heard[int(a * RATE) : int(b * RATE)]) for a, b in ((0, 2.5), (3.5, 6)))
    assert moving / still == pytest.approx(1 / 0.3, rel=0.05)


@pytest.mark.parametrize("sound", [barks(), rush()])
def test_without_motion_the_sound_is_itself(sound):
    times, active = motion(where=np.zeros_like)
    heard = follow(
        sound, RATE, onsets_s=[], times_s=times, activity=active, rng=np.random.default_rng(0)
    )
    assert np.array_equal(heard, sound)


def test_the_same_seed_gives_the_same_samples():
    times, active = motion()
    made = [
        follow(
            barks(),
            RATE,
            onsets_s=[1.0, 2.0, 3.0],
            times_s=times,
            activity=active,
            rng=np.random.default_rng(seed),
        )
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
