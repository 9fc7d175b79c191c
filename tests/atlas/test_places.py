"""From patches on a map to sources around a listener: geometry, rules, words, a made tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from earwitness.atlas.cover.model import cover
from earwitness.atlas.place.areas import areas
from earwitness.atlas.place.compose import compose, stretches, water_kind
from earwitness.atlas.place.mix import rules
from earwitness.atlas.place.moment import moment
from earwitness.atlas.place.wishes import steered, time_in
from earwitness.errors import OptionError
from earwitness.scene import Bed, Source, frame
from earwitness.voice.phrases import understand


def apart(a_deg, b_deg):
    """Return the angle between two bearings."""
    return abs((a_deg - b_deg + 180.0) % 360.0 - 180.0)


def disc(bearing_deg, away_m, radius_m, *, cells=64, patch_m=8.0):
    """Return a grid that holds a disc somewhere around the middle."""
    at = (np.arange(cells) - (cells - 1) / 2) * patch_m
    east, south = np.meshgrid(at, at)
    x, y = away_m * np.sin(np.radians(bearing_deg)), away_m * np.cos(np.radians(bearing_deg))
    return (np.hypot(east - x, -south - y) < radius_m).astype(float)


@given(bearing=st.floats(0, 360), away=st.floats(60, 180))
@settings(max_examples=40, deadline=None)
def test_a_disc_is_heard_from_where_it_is(bearing, away):
    (found,) = areas("water", disc(bearing, away, 30.0), 8.0)
    assert apart(found.bearing_deg, bearing) < 6.0
    assert found.distance_m == pytest.approx(away, rel=0.15)
    true_width = 2 * np.degrees(np.arcsin(30.0 / away))
    assert 0.5 * true_width < found.spread_deg < 2.0 * true_width + 8.0


def test_what_surrounds_the_listener_is_all_around():
    (found,) = areas("trees", np.ones((40, 40)), 8.0)
    assert found.spread_deg == 360.0


def test_a_ring_is_all_around_and_a_gap_in_the_wood_is_not():
    ring = 1.0 - disc(0.0, 0.0, 100.0)
    assert areas("trees", ring, 8.0)[0].spread_deg == 360.0
    half = np.zeros((64, 64))
    half[:, 40:] = 1.0
    (found,) = areas("trees", half, 8.0)
    assert apart(found.bearing_deg, 90.0) < 4.0
    assert 90.0 < found.spread_deg < 200.0


def test_twice_the_distance_is_six_decibels_less():
    near, far = (areas("water", disc(45.0, d, 20.0), 8.0)[0] for d in (80.0, 160.0))
    assert near.gain_db - far.gain_db == pytest.approx(6.0, abs=0.7)


def test_a_map_turned_by_a_quarter_turns_what_is_heard():
    field = disc(20.0, 120.0, 40.0) + disc(200.0, 60.0, 15.0)
    first, turned = areas("water", field, 8.0), areas("water", np.rot90(field), 8.0)
    for a, b in zip(first, turned, strict=True):
        assert apart(a.bearing_deg - 90.0, b.bearing_deg) < 1e-6
        assert (a.distance_m, a.gain_db) == pytest.approx((b.distance_m, b.gain_db))


def test_a_finer_grid_gives_the_same_area():
    field = disc(70.0, 100.0, 40.0, cells=64, patch_m=8.0)
    (a,) = areas("water", field, 8.0)
    (b,) = areas("water", np.kron(field, np.ones((2, 2))), 4.0)
    assert apart(a.bearing_deg, b.bearing_deg) < 1.0
    assert a.gain_db == pytest.approx(b.gain_db, abs=0.3)
    assert a.area_m2 == pytest.approx(b.area_m2)


@pytest.mark.parametrize(
    ("shape", "sea", "kind"),
    [
        ((slice(28, 36), slice(0, 64)), 0.0, "river"),
        ((slice(0, 64), slice(0, 6)), 0.0, "river"),
        ((slice(20, 40), slice(20, 40)), 0.0, "lake"),
        ((slice(0, 30), slice(0, 64)), 0.5, "sea"),
        ((slice(0, 30), slice(0, 64)), 0.0, "lake"),
        ((slice(20, 40), slice(20, 40)), 0.5, "lake"),  # a pond by the sea
    ],
)
def test_water_is_told_by_its_shape_and_the_coast(shape, sea, kind):
    field = np.zeros((64, 64))
    field[shape] = 1.0
    (found,) = areas("water", field, 8.0)
    assert water_kind(found, sea, (64 * 8.0) ** 2) == kind


def test_sources_stand_at_true_metres_and_below_the_ears_or_above():
    found = areas("water", disc(45.0, 150.0, 40.0), 8.0)
    at = moment(47.0, "2026-05-14", 12)
    heard = compose(found, at, 47.0, map_m2=2.6e5, rng=np.random.default_rng(0))
    lake = next(s for s in heard.sources if s.concept == "lake-lapping")
    assert apart(lake.azimuth_deg, -45.0) < 4.0
    assert lake.positions[0][3] == pytest.approx(-1.7)
    assert lake.distance_m == pytest.approx(found[0].distance_m, rel=0.01)
    turned = compose(found, at, 47.0, map_m2=2.6e5, heading_deg=90.0, rng=np.random.default_rng(0))
    same = next(s for s in turned.sources if s.concept == "lake-lapping")
    assert apart(same.azimuth_deg, lake.azimuth_deg + 90.0) < 1e-3


def test_the_level_at_the_listener_does_not_depend_on_how_a_stretch_is_cut():
    whole = disc(45.0, 150.0, 40.0)
    (found,) = areas("water", whole, 8.0)
    at = moment(47.0, None, None)
    heard = compose([found], at, 47.0, map_m2=2.6e5, rng=np.random.default_rng(0))
    lake = next(s for s in heard.sources if s.concept == "lake-lapping")
    received = lake.level_db - 20 * np.log10(lake.distance_m)
    assert received == pytest.approx(58.0 + found.gain_db, abs=0.05)


def concepts_at(kinds, day, hour, lat=47.0, weather=()):
    field = np.zeros((64, 64))
    found = []
    for number, kind in enumerate(kinds):
        field[:] = 0
        field[:, 12 * number : 12 * number + 12] = 1.0
        found += areas(kind, field.copy(), 8.0)
    heard = compose(
        found, moment(lat, day, hour), lat, map_m2=2.6e5, weather=weather,
        rng=np.random.default_rng(1),
    )  # fmt: skip
    return {part.concept for part in heard.sources} | {part.concept for part in heard.beds}


def test_night_and_day_summer_and_winter_sound_different():
    ground = ("trees", "grass", "buildings", "road")
    noon, night = (concepts_at(ground, "2026-07-10", hour) for hour in (12, 23.5))
    winter = concepts_at(ground, "2026-01-10", 12)
    dawn = concepts_at(ground, "2026-05-10", 5.0)
    assert {"songbird", "grasshoppers", "crowd"} <= noon
    assert {"owl", "crickets", "ventilation"} <= night
    assert not {"songbird", "grasshoppers", "crowd", "skylark"} & night
    assert "crow" in winter
    assert not {"grasshoppers", "crickets", "cicadas"} & winter
    assert "dawn-chorus" in dawn
    assert "wind-trees" in noon & night & winter


def test_seasons_are_the_other_way_round_in_the_south():
    for day, sign in (("2026-01-10", 1), ("2026-07-10", -1)):
        assert np.sign(moment(-40.0, day, 12).summer) == sign
        assert np.sign(moment(40.0, day, 12).summer) == -sign


def test_heavy_rain_silences_the_birds():
    dry = concepts_at(("trees",), "2026-05-10", 10)
    wet = concepts_at(("trees",), "2026-05-10", 10, weather=("rain-heavy",))
    assert "songbird" in dry - wet


@pytest.mark.parametrize(("day", "hour"), [("2026-13-01", 3), ("soon", 3), (None, 25), (None, -1)])
def test_a_moment_that_is_none_is_refused(day, hour):
    with pytest.raises(OptionError):
        moment(0.0, day, hour)


def test_the_sun_stands_where_astronomy_says():
    # NOAA's solar calculator, local solar noon.
    assert moment(40.0, "2026-06-21", 12).sun_deg == pytest.approx(73.4, abs=0.7)
    assert moment(0.0, "2026-03-20", 12).sun_deg == pytest.approx(90.0, abs=1.5)
    assert moment(80.0, "2026-12-21", 12).sun_deg == pytest.approx(-13.4, abs=0.7)
    assert moment(70.0, "2026-06-21", 0).sun_deg > 0


def test_every_rule_can_sound():
    assert len({(rule.of, rule.concept) for rule in rules()}) > 25
    for rule in rules():
        assert understand(rule.words).wishes, rule.words


def test_words_of_time_and_season_are_taken_out():
    assert time_in("a quiet summer night", 40.0).hour == 23.0
    assert time_in("a quiet summer night", 40.0).day == "2025-07-10"
    assert time_in("summer", -40.0).day == "2025-01-10"
    assert time_in("at dawn in winter", 40.0).rest == ""
    assert time_in("heavy rain, at night", 40.0).rest == "heavy rain"


def test_wishes_add_strengthen_and_take_away():
    road = Source("traffic-1", "traffic", "traffic", "area", positions=((0, 50, 0, 0),))
    rng = np.random.default_rng(0)
    phrase = understand("heavy rain, a church bell, no traffic")
    sources, beds = steered(
        [road], [Bed("wind-1", "wind", "wind")], phrase.wishes, phrase.refused, rng=rng
    )
    assert [s.concept for s in sources] == ["church-bells"]
    assert {b.concept for b in beds} == {"wind", "rain-heavy"}
    again, _ = steered([road], [], understand("traffic").wishes, (), rng=rng)
    assert again[0].level_db > road.level_db


def made_tile(size=512, ground_m=0.5, seed=4):
    """A meadow with a river in the north-east and a road in the south; and where both truly are."""
    rng = np.random.default_rng(seed)

    def noise(grain):
        field = ndimage.gaussian_filter(rng.standard_normal((size, size)), grain)
        return field / field.std()

    at = (np.arange(size) - (size - 1) / 2) * ground_m
    east, south = np.meshgrid(at, at)
    north = -south
    fine = 1 + 0.05 * noise(0.7) + 0.05 * noise(14)
    pixels = np.array([92.0, 122.0, 58.0]) * fine[..., None]
    # The river's middle line runs from the north-west corner's side to the south-east's, 75 m off.
    river = np.abs((east + north) / np.sqrt(2) - 75.0) < 14.0
    pixels[river] = (np.array([30.0, 58.0, 70.0]) * (1 + 0.02 * noise(0.8))[..., None])[river]
    road = np.abs(north + 60.0) < 4.5
    grey = np.array([118.0, 117.0, 116.0]) * (1 + 0.03 * noise(0.7))[..., None]
    pixels[road] = grey[road]
    marks = (np.abs(north + 60.0) < 0.3) & (east % 9 < 4)
    pixels[marks] = 225
    return np.clip(pixels, 0, 255).astype(np.uint8), river, road, east, north


def true_bearing(where, east, north):
    """Return from where most of the sound of a painted region comes: weighted by 1/d²."""
    weight = where / (east**2 + north**2 + 1.7**2)
    return np.degrees(np.arctan2((weight * east).sum(), (weight * north).sum())) % 360


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_river_to_the_north_east_and_a_road_to_the_south_are_heard_from_there(seed):
    pixels, river, road, east, north = made_tile(seed=seed)
    found = stretches(cover(pixels, 0.5), np.ones(pixels.shape[:2], bool))
    heard = compose(
        found, moment(47.0, "2026-05-14", 9), 47.0, map_m2=256.0**2, rng=np.random.default_rng(0)
    )
    for concept, where, bearing in (("river", river, 45.0), ("traffic", road, 180.0)):
        truth = true_bearing(where, east, north)
        assert apart(truth, bearing) < 3.0
        source = next(s for s in heard.sources if s.concept == concept)
        assert apart(-source.azimuth_deg, truth) < 10.0
        assert frame.in_words(source.azimuth_deg) == (
            "ahead to the right" if concept == "river" else "behind"
        )
        nearest = 61.0 if concept == "river" else 55.5
        assert nearest * 0.8 < source.distance_m < nearest * 2.2


GROUNDS = {"meadow": (92, 122, 58), "straw": (170, 150, 105), "dark": (50, 80, 40)}
WATERS = {"murky": (30, 58, 70), "blue": (40, 90, 160), "pale": (110, 150, 190), "map": (0, 0, 255)}
ROADS = {"asphalt": (118, 117, 116), "dark": (70, 70, 72), "pale": (180, 178, 170)}


def plain_tile(ground, water, road, river_deg, road_deg, *, rough, seed, size=512, ground_m=0.5):
    """Bands of any colour and direction, flat or grained; and where both truly are."""
    rng = np.random.default_rng(seed)
    at = (np.arange(size) - (size - 1) / 2) * ground_m
    east, south = np.meshgrid(at, at)
    held = []
    pixels = np.broadcast_to(np.array(ground, float), (size, size, 3)).copy()
    for colour, bearing, away, half in (
        (water, river_deg, 75.0, 14.0),
        (road, road_deg, 60.0, 4.5),
    ):
        turn = np.radians(bearing)
        where = np.abs(east * np.sin(turn) - south * np.cos(turn) - away) < half
        pixels[where] = colour
        held.append(true_bearing(where, east, -south))
    grain = ndimage.gaussian_filter(rng.standard_normal((size, size)), 0.7)
    pixels *= (1 + rough * 0.04 * grain / grain.std())[..., None]
    return np.clip(pixels, 0, 255).astype(np.uint8), held


def test_most_rivers_and_roads_of_other_colours_and_directions_are_heard_from_there():
    """Nobody knows which colours come: of 24 made tiles, drawn otherwise than those learnt from."""
    right = {"river": 0, "road": 0}
    for number in range(24):
        ground, water, road = (
            list(colours.values())[number // step % len(colours)]
            for colours, step in ((GROUNDS, 1), (WATERS, 3), (ROADS, 2))
        )
        turns = 45 + 67 * number, 180 + 40 * number
        pixels, held = plain_tile(ground, water, road, *turns, rough=number % 2, seed=number)
        found = stretches(cover(pixels, 0.5), np.ones(pixels.shape[:2], bool))
        for name, kind, truth in (("river", "water", held[0]), ("road", "road", held[1])):
            right[name] += any(
                apart(area.bearing_deg, truth) < 10.0 for area in found if area.kind == kind
            )
    assert right["river"] >= 22
    assert right["road"] >= 22
