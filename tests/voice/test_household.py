"""Sounds of bodies and households, measured on what is rendered."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from earwitness.voice.phrases import understand
from earwitness.voice.registry import model_of

RATE = 24000


def render(concept: str, seconds: float, rate: int = RATE, seed: int = 1, **wanted: float):
    model = model_of(concept)
    rng = np.random.default_rng(seed)
    return model.function(round(seconds * rate), rate, rng, model.settings(wanted))


def envelope(x: np.ndarray, rate: int = RATE, to_hz: int = 100) -> np.ndarray:
    hop = rate // to_hz
    return np.sqrt(np.mean(x[: len(x) // hop * hop].reshape(-1, hop) ** 2, axis=1))


def strongest_period_s(env: np.ndarray, low_s: float, high_s: float, to_hz: int = 100) -> float:
    env = env - env.mean()
    like = np.correlate(env, env, "full")[len(env) - 1 :]
    first, last = int(low_s * to_hz), int(high_s * to_hz) + 1
    return (first + int(np.argmax(like[first:last]))) / to_hz


@pytest.mark.parametrize("rate_per_min", [10.0, 15.0, 20.0])
def test_snores_come_with_the_breath(rate_per_min: float) -> None:
    env = envelope(render("snoring", 60.0, 12000, rate_per_min=rate_per_min), 12000)
    assert strongest_period_s(env, 2.0, 8.0) == pytest.approx(60 / rate_per_min, rel=0.12)


@pytest.mark.parametrize("pitch_hz", [50.0, 100.0])
def test_the_palate_flutters_at_its_pitch(pitch_hz: float) -> None:
    x = render("snoring", 30.0, 12000, pitch_hz=pitch_hz)
    env = envelope(
        signal.sosfilt(signal.butter(2, 400, "high", fs=12000, output="sos"), x), 12000, 1000
    )
    period = strongest_period_s(env, 0.6 / pitch_hz, 1.6 / pitch_hz, 1000)
    assert 1 / period == pytest.approx(pitch_hz, rel=0.2)


def test_a_cough_is_a_burst_of_less_than_half_a_second() -> None:
    env = envelope(render("coughing", 60.0))
    loud = env > 0.15 * env.max()
    edges = np.diff(np.concatenate([[0], loud.astype(int), [0]]))
    lengths = (np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)) / 100
    assert len(lengths) > 10
    assert 0.05 < np.median(lengths) < 0.5


@pytest.mark.parametrize("pitch_hz", [800.0, 1500.0])
def test_a_whistle_is_nearly_a_sine_within_an_octave_of_its_lowest_note(pitch_hz: float) -> None:
    x = render("whistling", 12.0, 48000, pitch_hz=pitch_hz)
    hz, _, power = signal.spectrogram(x, 48000, nperseg=2048)
    loud = power[:, power.sum(axis=0) > 0.5 * np.median(power.sum(axis=0))]
    peaks = hz[np.argmax(loud, axis=0)]
    assert np.percentile(peaks, 5) > 0.9 * pitch_hz and np.percentile(peaks, 95) < 2.15 * pitch_hz
    around = np.abs(hz[:, None] - peaks) < 120
    assert np.median((loud * around).sum(axis=0) / loud.sum(axis=0)) > 0.9


def test_crumpling_has_clicks_of_all_sizes_by_a_power_law() -> None:
    x = render("paper", 20.0, 48000, activity=0.2)
    pieces = np.sort(np.sum(x[: len(x) // 96 * 96].reshape(-1, 96) ** 2, axis=1))[::-1]
    rank = np.arange(20, 1000)
    slope = np.polyfit(np.log(pieces[rank]), np.log(rank), 1)[0]
    # the number of clicks above an energy E goes with E^-(1.6 - 1), somewhat steeper where they
    # fall together
    assert -1.0 < slope < -0.3


@pytest.mark.parametrize("rate_per_s", [6.0, 12.0])
def test_the_needle_strikes_as_often_as_asked(rate_per_s: float) -> None:
    x = render("sewing-machine", 20.0, rate_per_s=rate_per_s)
    env = envelope(x, RATE, 400)
    period = strongest_period_s(env, 0.7 / rate_per_s, 1.35 / rate_per_s, 400)
    assert 1 / period == pytest.approx(rate_per_s, rel=0.12)


@pytest.mark.parametrize("concept", ["spray", "frying", "tap"])
def test_jets_and_fat_hiss_more_than_they_rumble(concept: str) -> None:
    hz, density = signal.welch(render(concept, 6.0, 48000), 48000, nperseg=4096)
    assert density[hz > 2000].sum() > 3 * density[hz < 400].sum()


def test_a_flush_is_followed_by_the_hiss_of_filling() -> None:
    x = render("toilet-flush", 24.0, 48000, interval_s=60.0)
    env = envelope(x, 48000, 10)
    start = int(np.argmax(env > 0.3 * env.max()))
    rush, filling = env[start : start + 30].max(), np.median(env[start + 70 : start + 90])
    assert 0.02 * rush < filling < 0.5 * rush


@pytest.mark.parametrize(
    ("phrase", "concepts"),
    [
        ("a man snoring loudly", ["snoring"]),
        ("a woman sneezes", ["coughing"]),
        ("someone whistling a tune", ["whistling"]),
        ("water running from a faucet", ["tap"]),
        ("a toilet flushes", ["toilet-flush"]),
        ("bacon frying in a pan", ["frying"]),
        ("paper being crumpled", ["paper"]),
        ("a sewing machine operating rapidly", ["sewing-machine"]),
        ("a bird whistling", ["songbird"]),
        ("a train whistle blows", ["steam-train"]),
        ("leaves rustle", ["wind-trees"]),
        ("white water rapids", ["river"]),
    ],
)
def test_words_of_bodies_and_households(phrase: str, concepts: list[str]) -> None:
    assert [wish.concept for wish in understand(phrase).wishes] == concepts
