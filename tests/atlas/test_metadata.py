"""Metadata and spectrograms, without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import numpy as np
import pytest

from earwitness.atlas import logmel, metadata
from earwitness.atlas.metadata import When
from earwitness.errors import MediaError, OptionError


def apart(codes: np.ndarray) -> float:
    """Return the smallest distance between two codes."""
    between = np.linalg.norm(codes[:, None] - codes[None], axis=-1)
    return float(between[~np.eye(len(codes), dtype=bool)].min())


def test_our_hours_and_poles_differ_where_the_published_coincide() -> None:
    hours = np.arange(24)
    assert apart(metadata.encode_hour(hours)) > 0.2
    assert apart(metadata.encode_hour(hours, published=True)) < 1e-6
    lats = np.linspace(-90, 90, 19)
    assert apart(metadata.encode_place(lats, 0.0)) > 0.1
    assert apart(metadata.encode_place(lats, 0.0, published=True)) < 1e-6


def test_neighbours_in_time_and_place_are_near() -> None:
    for codes in (
        metadata.encode_hour([23.99, 0.0]),
        metadata.encode_month([12, 12]),
        metadata.encode_place([10, 10], [180, -180]),
    ):
        assert np.linalg.norm(codes[0] - codes[1]) < 0.01


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2012-05-13 18:30:00", When(5, 18)),
        ("2012-05-13T18:30:00Z", When(5, 18)),
        ("2012:05:13 06:05", When(5, 6)),
        ("13 May 2012 6:30pm", When(5, 18)),
        ("May 13, 2012 12:10 AM", When(5, 0)),
        ("October 2, 2019 12pm and more", When(10, 12)),
        ("Tue, 02 Oct 2019 07:00:00 GMT+2", When(10, 7)),
        ("5/13/2012", When(5, None)),
        ("13/5/2012", When(5, None)),
        ("2012-05", When(5, None)),
        ("2012-13-40 18:30", When()),
        ("2012-05-13 25:00", When()),
        ("some day", When()),
        ("", When()),
        (None, When()),
    ],
)
def test_dates(text: str | None, wanted: When) -> None:
    assert metadata.read_date(text) == wanted


@pytest.mark.parametrize(
    "form",
    [
        "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %I:%M %p", "%B %d, %Y %I:%M%p EST",
        "%a %b %d %Y %H:%M:%S GMT-0500 (CDT)", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%y %I:%M %p",
        "%Y%m%dT%H%M%S", "%Y%m%d%H%M%S", "%H:%M %d %B %Y", "%d %b %Y %H:%M:%S.%f",
    ],
)  # fmt: skip
def test_our_own_reading_of_whole_dates_is_what_was_written(form: str) -> None:
    rng = np.random.default_rng(5)
    edges = [(1, 1, 0), (12, 31, 23), (2, 28, 12), (6, 30, 0)]
    drawn = [tuple(int(n) for n in rng.integers([1, 13, 0], [13, 29, 24])) for _ in range(40)]
    for month, day, hour in [*edges, *drawn]:
        text = datetime(2012, month, day, hour, 5, 9, 31).strftime(form)
        assert metadata.read_date(text) == When(month, hour), text
        assert metadata.read_date(text, published=True) == When(month, hour), text


def test_published_dates_are_cut_after_the_first_am_even_of_america() -> None:
    pytest.importorskip("dateutil", reason="the published reading is dateutil's")
    text = "2000-10-25 13:54:42 America/New_York"
    assert metadata.read_date(text) == When(10, 13)
    assert metadata.read_date(text, published=True) == When()


def test_published_dates_without_a_clock_are_midnight() -> None:
    assert metadata.read_date("13 May 2012", published=True) == When(5, 0)
    assert metadata.read_date("nonsense", published=True) == When()


@pytest.mark.parametrize(
    "call",
    [
        lambda: metadata.encode_place(91, 0),
        lambda: metadata.encode_place(0, np.nan),
        lambda: metadata.encode_hour(25),
        lambda: metadata.encode_month([1, 0]),
        lambda: metadata.encode_label("radio", metadata.AUDIO_SOURCES),
    ],
)
def test_wrong_metadata_are_refused(call) -> None:
    with pytest.raises(OptionError):
        call()


def test_a_tone_stands_in_its_band() -> None:
    times = np.arange(320_000) / 32_000
    mel = logmel.log_mel(0.5 * np.sin(2 * np.pi * 1000 * times))[0]
    assert mel.shape == (1001, 64)
    centres = (np.arange(513) * 31.25) @ logmel.mel_filters() / logmel.mel_filters().sum(0)
    band = int(mel[500].argmax())
    assert abs(centres[band] - 1000) < 60
    # Half the amplitude is 6.02 dB less.
    half = logmel.log_mel(0.25 * np.sin(2 * np.pi * 1000 * times))[0]
    assert mel[500, band] - half[500, band] == pytest.approx(6.0206, abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8000, 22050, 44100, 48000, 96000, 44099])
def test_a_tone_keeps_its_pitch_and_level_at_another_rate(rate_hz: int) -> None:
    times = np.arange(2 * rate_hz) / rate_hz
    made = logmel.prepare(np.sin(2 * np.pi * 1000 * times), rate_hz)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(64_000) / 32_000)
    np.testing.assert_allclose(made[500:63_500], wanted[500:63_500], atol=2e-3)
    assert not made[64_000:].any()


@pytest.mark.parametrize(("down", "up"), [(3, 2), (441, 320), (1, 2), (7, 5)])
def test_resampling_is_the_windowed_sum_it_says(down: int, up: int) -> None:
    sound = np.random.default_rng(1).standard_normal(50).astype(np.float32)
    edge = 0.99 * min(down, up)
    made = logmel.resampled(sound, down, up)
    assert len(made) == -(-50 * up // down)
    for place, value in enumerate(made):
        # Time in units of the reduced rates: sample n is at n / down, output m at m / up.
        apart = (np.arange(50) / down - place / up) * edge
        kernel = np.where(np.abs(apart) < 6, np.sinc(apart) * np.cos(np.pi * apart / 12) ** 2, 0)
        assert value == pytest.approx(edge / down * float(kernel @ sound), abs=2e-5)


def test_crops_and_bad_sounds() -> None:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((2, 96_000)).astype(np.float32)
    made = logmel.prepare(sound, 32_000)
    np.testing.assert_allclose(made[:96_000], sound.mean(0), atol=1e-6)
    assert not made[96_000:].any()
    assert len(logmel.prepare(sound, 44_100, start_s=0.5)) == 320_000
    sound[1, 7] = np.nan
    with pytest.raises(MediaError, match="1 samples that are not numbers"):
        logmel.prepare(sound, 32_000)
    with pytest.raises(MediaError, match="no samples"):
        logmel.prepare(np.zeros((1, 0)), 32_000)
    with pytest.raises(MediaError, match="more than 512 samples"):
        logmel.log_mel(np.zeros(512))


def test_pytorch_is_not_imported() -> None:
    code = (
        "import sys, earwitness, earwitness.atlas, earwitness.atlas.metrics, "
        "earwitness.atlas.logmel, earwitness.atlas.metadata, earwitness.atlas.sat2sound; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
