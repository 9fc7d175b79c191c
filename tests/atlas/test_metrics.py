"""Retrieval figures, against the published code's outputs and against counting by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from earwitness.atlas import metrics
from earwitness.errors import OptionError


@pytest.fixture(scope="module")
def held(golden: Path) -> dict[str, np.ndarray]:
    path = golden / "sat2sound" / "f_metrics.npz"
    if not path.is_file():
        pytest.skip("the outputs of the published system (../shared/golden/sat2sound) are not here")
    with np.load(path) as made:
        return dict(made)


@pytest.mark.parametrize("count", [30, 50, 997])
@pytest.mark.parametrize("setting", metrics.SETTINGS)
def test_published_settings(held: dict[str, np.ndarray], count: int, setting: str) -> None:
    given = [held[f"in::n{count}.{name}"] for name in ("sat", "audio", "text")]
    for way, pair in metrics.pair_up(*given, setting).items():
        wanted = f"out::n{count}.{setting}.{way}."
        np.testing.assert_array_equal(metrics.ranks(*pair), held[wanted + "ranks"])
        found = metrics.published_figures(*pair, normalised=True)
        key = str(held[wanted + "key"])
        assert found[key] == pytest.approx(held[wanted + "recall"], abs=1e-12)
        assert found["Median Rank"] == held[wanted + "median"]


@pytest.mark.parametrize("count", [30, 50, 997])
def test_published_figures_normalise(held: dict[str, np.ndarray], count: int) -> None:
    sat, audio = held[f"in::n{count}.sat"], held[f"in::n{count}.audio"]
    found = metrics.published_figures(sat, audio, k=7)
    assert found["R@7"] == pytest.approx(held[f"out::n{count}.unnormalized_k7.recall"])
    assert found["Median Rank"] == held[f"out::n{count}.unnormalized_k7.median"]


def test_published_ties(held: dict[str, np.ndarray]) -> None:
    left, right = held["in::ties.sat"], held["in::ties.audio"]
    for way, pair in {"I2S": (left, right), "S2I": (right, left)}.items():
        np.testing.assert_array_equal(metrics.ranks(*pair), held[f"out::ties.{way}.ranks"])
        found = metrics.published_figures(*pair, k=4, normalised=True)
        assert found["R@4"] == pytest.approx(held[f"out::ties.{way}.recall"])
        assert found["Median Rank"] == held[f"out::ties.{way}.median"]
    same = held["in::constant"]
    assert metrics.published_figures(same, same, k=3) == {"R@3": 0.0, "Median Rank": 3.0}
    same = held["in::identity"]
    for k, share in ((1, 0.0), (2, 1.0)):
        assert metrics.published_figures(same, same, k=k)[f"R@{k}"] == share


@pytest.mark.parametrize("table", [0, 1 << 27], ids=["asked twice", "one table"])
def test_both_ways_at_once_are_the_two_ways(
    held: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch, table: int
) -> None:
    monkeypatch.setattr(metrics, "_TABLE", table)
    left, right = held["in::ties.sat"], held["in::ties.audio"]
    there, back = metrics.ranks_both_ways(left, right)
    np.testing.assert_array_equal(there, held["out::ties.I2S.ranks"])
    np.testing.assert_array_equal(back, held["out::ties.S2I.ranks"])
    rng = np.random.default_rng(0)  # whole numbers: many ties, products exact
    left, right = rng.integers(-2, 3, (2, 301, 5))
    scores = left @ right.T
    for found, rows in zip(metrics.ranks_both_ways(left, right), (scores, scores.T)):
        wanted = [rankdata(-row)[place] for place, row in enumerate(rows)]
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("block", [1, 70, 1 << 22])
def test_ranks_by_sorting(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(metrics, "_BLOCK", block)
    rng = np.random.default_rng(0)
    # Small whole numbers: their products are exact, and many are equal.
    left, right = rng.integers(-2, 3, (2, 60, 4)).astype(np.float32)
    wanted = [rankdata(-(right @ row))[i] for i, row in enumerate(left)]
    np.testing.assert_array_equal(metrics.ranks(left, right), wanted)


def test_recall_counts_its_last_place() -> None:
    ranks = metrics.ranks(np.eye(10), np.eye(10))
    assert metrics.recall(ranks, 1) == 1.0
    assert metrics.recall(ranks, 1, published=True) == 0.0


def test_summary_counts_and_its_intervals_hold_the_figure() -> None:
    ranks = np.random.default_rng(1).integers(1, 201, 200).astype(float)
    found = metrics.summarise(ranks, resamples=400, seed=5)
    assert found["R@5"].value == np.mean(ranks <= 5)
    assert found["R@10%"].value == np.mean(ranks <= 20)
    assert found["median"].value == np.median(ranks)
    assert found["mean"].value == pytest.approx(ranks.mean())
    for figure in found.values():
        assert figure.low <= figure.value <= figure.high
    # The width is that of the known spread of a mean.
    wide = found["mean"].high - found["mean"].low
    assert wide == pytest.approx(2 * 1.96 * ranks.std() / np.sqrt(200), rel=0.15)
    assert found == metrics.summarise(ranks, resamples=400, seed=5)
    assert found != metrics.summarise(ranks, resamples=400, seed=6)


def test_bootstrap_median_is_that_of_drawn_ranks() -> None:
    ranks = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    found = metrics.summarise(ranks, resamples=1, seed=7)["median"]
    drawn = np.sort(ranks)[np.random.default_rng(7).integers(0, 6, 6)]
    assert found.low == found.high == np.median(drawn)


def test_both_ways_and_captions_help() -> None:
    rng = np.random.default_rng(3)
    place = rng.standard_normal((80, 16))
    sound, caption = (place + 3 * rng.standard_normal((80, 16)) for _ in range(2))
    alone = metrics.evaluate(place, sound, resamples=0)
    joined = metrics.evaluate(place, sound, caption, setting="audio", resamples=0)
    for way in ("I2S", "S2I"):
        assert joined[way]["mean"].value < alone[way]["mean"].value


def test_bad_input_is_refused() -> None:
    good = np.ones((3, 2))
    for bad, message in (
        (np.full((3, 2), np.nan), "not numbers, or too large, in 3 rows"),
        (np.ones((4, 2)), "give pairs"),
        (np.ones(3), "give \\(items, width\\)"),
        (np.ones((0, 2)), "at least one item"),
    ):
        with pytest.raises(OptionError, match=message):
            metrics.ranks(good, bad)
    with pytest.raises(OptionError, match="no setting is called 'both'"):
        metrics.pair_up(good, good, good, "both")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="needs embeddings of audio captions"):
        metrics.pair_up(good, good, None, "query")
