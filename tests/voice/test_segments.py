"""Long sounds are made of segments that differ, join without a gap, and keep their power."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.voice import level
from earwitness.voice.contract import STEM_LUFS, Request
from earwitness.voice.segments import LONGEST_S, OVERLAP_S, lengths, overlapped
from earwitness.voice.stem import liveliest, stream

RATE = 1000


@pytest.mark.parametrize("seconds", [0.1, 10, 45, 46, 60, 120, 1000, 3601.5])
@pytest.mark.parametrize("seed", [0, 7])
def test_lengths_add_up_to_the_whole(seconds: float, seed: int) -> None:
    total = round(seconds * RATE)
    parts = list(lengths(total, RATE, seed))
    assert sum(parts) - (len(parts) - 1) * round(OVERLAP_S * RATE) == total
    if len(parts) > 1:
        assert min(parts) >= 10 * RATE
        assert max(parts) <= (LONGEST_S + 10) * RATE
        assert len(set(parts)) >= 0.95 * len(parts), "lengths that repeat are a beat"


def test_overlapping_keeps_the_power_of_noise() -> None:
    def noise(index: int, samples: int) -> np.ndarray:
        return np.random.default_rng(index).standard_normal(samples)

    whole = np.concatenate(list(overlapped(300 * RATE, RATE, 3, noise)))
    power = (whole.reshape(-1, RATE) ** 2).mean(axis=1)
    assert len(whole) == 300 * RATE
    assert np.abs(10 * np.log10(power)).max() < 1.0


def test_segments_are_asked_for_one_at_a_time() -> None:
    asked: list[int] = []

    def quiet(index: int, samples: int) -> np.ndarray:
        asked.append(index)
        return np.ones(samples)

    blocks = overlapped(3600 * RATE, RATE, 0, quiet)
    next(blocks)
    assert asked == [0]
    next(blocks)
    assert asked == [0, 1]


def test_a_longer_request_begins_as_the_shorter() -> None:
    short, long = (list(lengths(s * RATE, RATE, 5)) for s in (300, 900))
    assert long[: len(short) - 2] == short[:-2]


def test_stretch_with_the_event_is_kept() -> None:
    samples = np.zeros(10 * RATE)
    samples[7300:7400] = 1.0
    assert liveliest(samples, 2 * RATE, RATE).sum() == 100


def test_short_stem_of_rare_events_has_one() -> None:
    def one_event(index: int, samples: int) -> np.ndarray:
        made = np.zeros(samples)
        at = samples * 3 // 4
        made[at : at + 800] = np.sin(np.arange(800))
        return level.at_loudness(made, 16000, STEM_LUFS)

    request = Request("x", duration_s=2.0, rate_hz=16000)
    stem = np.concatenate(list(stream(request, one_event, shortest_s=10.0)))
    assert len(stem) == 32000
    assert level.loudness(stem.astype(float), 16000) == pytest.approx(STEM_LUFS, abs=1.0)
