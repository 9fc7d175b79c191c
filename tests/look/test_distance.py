"""Distances of synthetic scenes whose geometry is known."""

import numpy as np
import pytest

from earwitness.look.contract import Distance, Found, Name, Picture
from earwitness.look.distance import (
    CAMERA_M,
    BuiltinDepth,
    Horizon,
    by_ground,
    by_size,
    horizon,
    weighted_median,
)
from earwitness.look.eyes import Stuff
from earwitness.look.labels import kinds
from earwitness.look.sight import sight_of

NAMES = ("sky", "water", "grass", "trees", "ground", "road", "building", "thing")
FOCAL = 800.0
WIDTH, HEIGHT = 1000, 750


def grid(rows):
    """Stuff of the given name in each row of a grid."""
    probability = np.full((len(NAMES), len(rows), 20), 0.01, np.float32)
    for i, name in enumerate(rows):
        probability[NAMES.index(name), i] = 1 - 0.01 * (len(NAMES) - 1)
    return Stuff(NAMES, probability)


def person_at(metres, across=0.0):
    """The box of someone 1.7 m tall who stands that far away; the horizon is the middle row."""
    foot = HEIGHT / 2 + FOCAL * CAMERA_M / metres
    head = HEIGHT / 2 + FOCAL * (CAMERA_M - 1.7) / metres
    middle = WIDTH / 2 + FOCAL * across / metres
    half = FOCAL * 0.25 / metres
    return (middle - half, head, middle + half, foot)


@pytest.mark.parametrize("metres", [4.0, 7.0, 15.0, 40.0])
def test_size_and_ground_recover_the_distance(metres):
    box = person_at(metres)
    sized = by_size(box, kinds()["person"], focal_px=FOCAL, height_px=HEIGHT, width_px=WIDTH)
    ground = by_ground(box[3], Horizon(HEIGHT / 2, 1.0), focal_px=FOCAL)
    assert sized.metres == pytest.approx(metres)
    assert ground.metres == pytest.approx(metres)
    assert weighted_median([sized, ground, Distance(8.0, 5.0)]).metres == pytest.approx(metres)


def test_a_foot_at_or_above_the_horizon_says_nothing():
    assert by_ground(300, Horizon(375, 10), focal_px=FOCAL) is None
    assert by_ground(375, Horizon(375, 10), focal_px=FOCAL) is None


def test_the_ground_says_less_the_nearer_the_horizon():
    line = Horizon(375, 20)
    factors = [by_ground(y, line, focal_px=FOCAL).factor for y in (700, 500, 420, 400)]
    assert factors == sorted(factors) and factors[0] < factors[-1]


def test_a_box_cut_by_the_edge_is_believed_less_and_never_farther_than_its_height_says():
    whole = by_size(
        (400, 100, 500, 600), kinds()["person"], focal_px=FOCAL, height_px=750, width_px=1000
    )
    cut = by_size(
        (300, 100, 700, 750), kinds()["person"], focal_px=FOCAL, height_px=750, width_px=1000
    )
    assert cut.factor > whole.factor
    assert cut.metres <= FOCAL * 1.7 / 650


def test_an_animal_lying_down_is_not_far_away():
    cat = kinds()["cat"]
    lying = by_size((100, 300, 300, 340), cat, focal_px=FOCAL, height_px=750, width_px=1000)
    assert lying.metres == pytest.approx(FOCAL * cat.length_m / 200)


def test_the_median_leaves_out_who_is_alone():
    agreed = weighted_median([Distance(5, 1.4), Distance(5.2, 1.5), Distance(300, 1.6)])
    assert agreed.metres < 6
    assert agreed.factor > weighted_median([Distance(5, 1.4), Distance(5.2, 1.5)]).factor


def test_the_median_does_not_depend_on_the_order():
    some = [Distance(3, 1.5), Distance(9, 2), Distance(30, 1.3), Distance(4, 3)]
    assert weighted_median(some) == weighted_median(some[::-1])


@pytest.mark.parametrize("edge", [4, 8, 12, 16])
def test_sky_on_water_is_the_horizon(edge):
    line = horizon(grid(["sky"] * edge + ["water"] * (20 - edge)), 600)
    assert line.row_px == pytest.approx(600 * edge / 20)
    assert line.sigma_px < 20


def test_without_sky_or_ground_the_horizon_is_the_middle_and_uncertain():
    line = horizon(grid(["thing"] * 20), 600)
    assert line.row_px == 300 and line.sigma_px > 50


def test_sky_below_the_middle_lowers_the_horizon():
    assert horizon(grid(["sky"] * 15 + ["grass"] * 5), 600).row_px == pytest.approx(450)


@pytest.fixture
def shore():
    """A picture whose eyes are told: sky above, water below."""
    picture = Picture(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    sight_of(picture).stuff = grid(["sky"] * 10 + ["water"] * 10)
    return picture


def mask_of(box):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[round(box[1]) : round(box[3]), round(box[0]) : round(box[2])] = True
    return mask


@pytest.mark.parametrize("metres", [5.0, 12.0, 30.0])
def test_the_builtin_depth_recovers_people_on_a_plane(shore, metres):
    found = [Found(mask_of(person_at(metres)), "thing", 0.9, "person")]
    (told,) = BuiltinDepth().distance(
        shore, found, [Name("speech", "a person talking", 0.9)], focal_px=FOCAL
    )
    assert told.metres == pytest.approx(metres, rel=0.06)
    assert told.factor > 1


def test_water_is_as_far_as_the_middle_of_what_is_seen_of_it(shore):
    top = HEIGHT / 2 + FOCAL * CAMERA_M / 100
    bottom = HEIGHT / 2 + FOCAL * CAMERA_M / 10
    found = [Found(mask_of((0, top, WIDTH, bottom)), "stuff", 0.9, "water")]
    (told,) = BuiltinDepth().distance(
        shore, found, [Name("lake-lapping", "water", 0.9)], focal_px=FOCAL
    )
    assert told.metres == pytest.approx(np.sqrt(10 * 100), rel=0.1)


def test_every_distance_is_within_what_sounds_are_heard_at(shore):
    found = [
        Found(mask_of((0, 0, WIDTH, HEIGHT)), "thing", 0.5, "person"),
        Found(mask_of((500, 300, 501, 301)), "thing", 0.5, "bird"),
        Found(mask_of((0, 0, 10, 10)), "stuff", 0.5, "trees"),
    ]
    names = [Name("bees", "a bee humming", 0.5), Name("ship-horn", "a ship's horn", 0.5)]
    names += [Name("no-such-concept", "something", 0.5)]
    told = BuiltinDepth().distance(shore, found, names, focal_px=FOCAL)
    assert all(0.5 <= one.metres <= 5000 and one.factor >= 1 for one in told)
