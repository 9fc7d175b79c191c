"""The benchmark on real recordings: what its features hear, and that it runs on any folder."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("sklearn", reason="the benchmark needs scikit-learn")
ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.real_recordings import run  # noqa: E402
from benchmarks.real_recordings.features import (  # noqa: E402
    BANDS,
    RATE_HZ,
    filterbank,
    statistics,
    windows,
    worn,
)

from earwitness.voice.contract import Request  # noqa: E402
from earwitness.voice.registry import models  # noqa: E402
from earwitness.voice.synthesiser import Synthesiser  # noqa: E402


def test_features_do_not_hear_the_level() -> None:
    noise = np.random.default_rng(0).standard_normal(2 * RATE_HZ)
    assert np.allclose(statistics(noise), statistics(0.01 * noise), atol=1e-6)


@pytest.mark.parametrize("tone_hz", [200.0, 1000.0, 5000.0])
def test_a_tone_is_in_its_band(tone_hz: float) -> None:
    tone = np.sin(2 * np.pi * tone_hz * np.arange(RATE_HZ) / RATE_HZ)
    axis = np.fft.rfftfreq(1024, 1 / RATE_HZ)
    expected = filterbank()[:, np.abs(axis - tone_hz).argmin()].argmax()
    assert abs(int(statistics(tone)[:BANDS].argmax()) - int(expected)) <= 1


def test_windows_cover_what_sounds_and_leave_silence() -> None:
    samples = np.zeros(20 * RATE_HZ)
    samples[: 5 * RATE_HZ] = np.random.default_rng(1).standard_normal(5 * RATE_HZ)
    assert 1 <= len(windows(samples)) <= 3
    assert len(windows(samples[:RATE_HZ])) == 1


def test_wear_is_finite_and_of_chance() -> None:
    noise = np.random.default_rng(2).standard_normal(3 * RATE_HZ)
    ways = [worn(noise, np.random.default_rng(seed)) for seed in range(20)]
    assert all(np.isfinite(w).all() and len(w) > 0.4 * RATE_HZ for w in ways)
    assert len({len(w) for w in ways}) > 5


def test_benchmark_names_our_own_sounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {key: models()[key] for key in ("rain-heavy", "piano", "crow", "siren")}
    monkeypatch.setattr(run, "models", lambda: few)
    rows = ["file,concept"]
    for key in few:
        blocks = Synthesiser().voice(Request("", key, 6.0, RATE_HZ, seed=99)).blocks
        soundfile.write(tmp_path / f"{key}.wav", np.concatenate(list(blocks)), RATE_HZ)
        rows.append(f"{key}.wav,{key}")
    rows += ["gone.wav,crow", "crow.wav,no-such-concept"]
    truth = tmp_path / "truth.csv"
    truth.write_text("\n".join(rows), "utf-8")
    monkeypatch.setattr(
        sys, "argv", ["run", str(tmp_path), str(truth), "--clips", "3", "--wears", "3"]
    )
    run.main()
    said = capsys.readouterr().out
    assert said.count("skipped") == 2
    (forest,) = (line for line in said.split("### Forest")[1].splitlines() if "| all |" in line)
    assert float(forest.split("|")[3].strip(" %")) >= 75.0
