"""The sheet shows where in time and pitch a sound lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earwitness.draw.sheet import HIGHEST_HZ, LOWEST_HZ, colours, sheet, spectrogram_db
from earwitness.errors import OutputError
from earwitness.voice.contract import Request, Voiced


class Tone:
    """A voice of one tone."""

    def voice(self, request: Request) -> Voiced:
        def blocks() -> Iterator[np.ndarray]:
            t = np.arange(request.samples) / request.rate_hz
            yield np.sin(2 * np.pi * 1000 * t).astype(np.float32)

        return Voiced(blocks(), "x", "x")


@pytest.mark.parametrize("tone_hz", [100.0, 1000.0, 8000.0])
def test_a_tone_is_a_line_at_its_pitch(tone_hz: float) -> None:
    t = np.arange(48000) / 48000
    picture = spectrogram_db(np.sin(2 * np.pi * tone_hz * t), 48000, bins=96, frames=50)
    row = picture.mean(axis=1).argmax()
    expected = 96 * np.log(tone_hz / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ)
    assert abs(row + 0.5 - expected) < 2.5


def test_a_click_is_a_line_at_its_moment() -> None:
    samples = np.zeros(48000)
    samples[36000] = 1.0
    assert spectrogram_db(samples, 48000, frames=100).mean(axis=0).argmax() == pytest.approx(
        75, abs=2
    )


def test_lightness_grows_with_level() -> None:
    ladder = colours(np.linspace(0, 1, 50)).astype(float)
    linear = np.where(
        ladder / 255 <= 0.04045, ladder / 255 / 12.92, ((ladder / 255 + 0.055) / 1.055) ** 2.4
    )
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(np.maximum(luminance, 0.008856)) - 16
    assert (np.diff(luminance) > 0).all()
    assert np.abs(lightness - np.linspace(0, 97, 50)).max() < 8


def test_sheet_is_a_picture_of_all_that_was_asked(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "sheet.png", only=["dog", "piano", "wind"], duration_s=0.5, rate_hz=16000,
        columns=2, voice=Tone(),
    )  # fmt: skip
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert picture.width > 2 * 220 and picture.height > 2 * 96
    assert [p.name for p in tmp_path.iterdir()] == ["sheet.png"]


def test_sheet_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "nowhere").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match=r"nowhere.*cannot be written"):
        sheet(tmp_path / "nowhere" / "sheet.png", only=["dog"], duration_s=0.2, voice=Tone())


@pytest.mark.parametrize(
    ("name", "kind"), [("s.png", "PNG"), ("s.jpg", "JPEG"), ("s.webp", "WEBP")]
)
def test_a_sheet_is_the_kind_of_file_that_its_name_says(
    tmp_path: Path, name: str, kind: str
) -> None:
    written = sheet(tmp_path / name, only=["wind"], duration_s=0.5, voice=Tone())
    with Image.open(written) as picture:
        assert picture.format == kind


def test_a_sheet_of_another_kind_is_refused_before_anything_sounds(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.gif.*\.png"):
        sheet(tmp_path / "s.gif", only=["wind"], voice=None)
