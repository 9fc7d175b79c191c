"""From regions, names and distances to a scene; with parts told what to say, and the real ones."""

from dataclasses import dataclass

import numpy as np
import pytest

from earwitness.errors import LookError
from earwitness.look.balance import RANGE_DB, at_listener_db, balanced
from earwitness.look.compose import compose
from earwitness.look.contract import Distance, Found, Name, Picture
from earwitness.look.distance import BuiltinDepth
from earwitness.look.geometry import Pinhole
from earwitness.look.naming import BuiltinNamer
from earwitness.look.regions import BuiltinSegmenter
from earwitness.scene import Bed, Source, concepts, from_json, to_json

HEIGHT, WIDTH = 300, 400


@dataclass
class Fake:
    """A segmenter, namer and depth that say what they are told."""

    rows: list

    def segment(self, picture):
        found = []
        for x0, y0, x1, y1, what, *_ in self.rows:
            mask = np.zeros(picture.pixels.shape[:2], bool)
            mask[y0:y1, x0:x1] = True
            mask[y0, x0:x1] = np.arange(x1 - x0) % 2 == 0
            found.append(Found(mask, what, 0.9))
        return found

    def name(self, picture, found):
        return [Name(row[5], row[6], 0.8) for row in self.rows]

    def distance(self, picture, found, names, *, focal_px):
        return [Distance(row[7], 1.5) for row in self.rows]


def composed(rows, *, size=(HEIGHT, WIDTH), colour=90, **options):
    fake = Fake(rows)
    picture = Picture(np.full((*size, 3), colour, np.uint8), name="made.png")
    return compose(picture, segmenter=fake, namer=fake, depth=fake, **options)


DOG = (40, 200, 90, 260, "thing", "dog", "a dog barking", 5.0)
LAKE = (0, 150, 400, 300, "stuff", "lake-lapping", "water lapping", 30.0)
PHONE = (300, 100, 330, 130, "thing", None, "", 2.0)


def people(count, gap=12):
    return [
        (
            10 + i * (20 + gap),
            150,
            30 + i * (20 + gap),
            200,
            "thing",
            "speech",
            "a person talking",
            8.0,
        )
        for i in range(count)
    ]


@dataclass
class Wish:
    concept: str
    words: str


def test_a_source_stands_where_its_region_is_seen():
    scene = composed([DOG, LAKE, PHONE], fov_deg=60)
    dog, lake = scene.sources
    assert (dog.id, dog.concept, dog.kind, dog.name) == ("dog-1", "dog", "point", "a dog barking")
    camera = Pinhole(WIDTH, HEIGHT, WIDTH / 2 / np.tan(np.radians(30)))
    azimuth, elevation = camera.angles(65, 230)
    assert dog.azimuth_deg == pytest.approx(float(azimuth), abs=0.2)
    assert dog.elevation_deg == pytest.approx(float(elevation), abs=0.2)
    assert dog.distance_m == pytest.approx(5.0, rel=1e-5)
    assert dog.region.box_px == (40, 200, 90, 260)
    assert lake.kind == "area" and lake.spread_deg == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("region", ["box", "polygon"])
@pytest.mark.parametrize("fov", [None, 20, 120])
@pytest.mark.parametrize("size", [(300, 400), (900, 1600), (3000, 2200)])
def test_every_azimuth_lies_within_its_regions_edges(region, fov, size):
    rng = np.random.default_rng(5)
    rows = []
    for concept in ("dog", "horse", "car", "piano", "wind-trees", "drums", "owl"):
        x0, y0 = rng.integers(0, 180, 2)
        w, h = rng.integers(5, 90, 2)
        rows.append((x0, y0, x0 + w, y0 + h, "thing", concept, concept, float(rng.uniform(1, 90))))
    scene = composed(rows, size=size, fov_deg=fov, region=region)
    assert len(scene.sources) == 7
    focal = size[1] / 2 / np.tan(np.radians(scene.origin["fov_deg"] / 2))
    camera = Pinhole(size[1], size[0], focal)
    for source in scene.sources:
        left, right = camera.edges_deg(source.region.box_px)
        assert right - 1e-2 <= source.azimuth_deg <= left + 1e-2
        assert 3 <= len(source.region.polygon_px) <= 12


def test_large_pictures_have_regions_in_their_own_pixels():
    scene = composed([DOG], size=(2250, 3000))
    factor = 3000 / 1024
    assert scene.sources[0].region.box_px == pytest.approx([v * factor for v in DOG[:4]])
    assert scene.origin["width_px"] == 3000


def test_the_polygons_centre_may_give_another_direction():
    class Triangle(Fake):
        def segment(self, picture):
            y, x = np.mgrid[:HEIGHT, :WIDTH]
            return [Found((x > 100) & (y < 200) & (x < 300) & (y > x - 100), "thing", 1.0)]

    scenes = {}
    for region in ("box", "polygon"):
        fake = Triangle([DOG])
        picture = Picture(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        scenes[region] = compose(picture, segmenter=fake, namer=fake, depth=fake, region=region)
    box, polygon = (scenes[r].sources[0].azimuth_deg for r in ("box", "polygon"))
    assert polygon > box + 2  # more of the triangle lies on the left


@pytest.mark.parametrize(
    ("count", "name", "kind"),
    [
        (1, "a person talking", "point"),
        (2, "two people talking", "area"),
        (4, "four people talking", "area"),
        (5, "a crowd murmuring", "area"),
        (9, "a crowd murmuring", "area"),
    ],
)
def test_people_who_stand_together_are_heard_together(count, name, kind):
    (source,) = composed(people(count)).sources
    assert (source.name, source.kind) == (name, kind)
    assert source.region.box_px[0] == 10


def test_people_far_apart_talk_alone():
    assert len(composed(people(2, gap=250)).sources) == 2


def test_many_cars_are_traffic_and_the_near_one_is_heard_alone():
    far = [(i * 40, 100, i * 40 + 20, 110, "thing", "car", "a car", 60.0) for i in range(6)]
    near = (100, 150, 250, 250, "thing", "car", "a car", 6.0)
    names = sorted(s.concept for s in composed([*far, near]).sources)
    assert names == ["car", "traffic"]


def test_one_region_told_twice_is_heard_once():
    again = (42, 202, 88, 262, "thing", "wolf", "a wolf howling", 5.0)
    assert len(composed([DOG, again]).sources) == 1


def test_there_are_at_most_as_many_sources_as_asked_for():
    keys = ["dog", "cat", "cow", "sheep", "pig", "horse", "goat", "owl", "hen", "car", "piano"]
    rows = [(5 + i * 35, 9, 35 + i * 35, 60, "thing", k, k, 9.0) for i, k in enumerate(keys)]
    assert len(composed(rows).sources) == 8
    assert len(composed(rows, most=3).sources) == 3
    assert len(composed(rows, most=64).sources) == 11


def test_there_is_always_a_bed():
    scene = composed([])
    assert not scene.sources and len(scene.bed) == 1
    assert from_json(to_json(scene)) == scene


def test_everything_named_is_audible():
    rows = [
        (10, 10, 60, 60, "thing", "jet", "a jet", 30.0),
        (100, 10, 160, 60, "thing", "bees", "a bee", 20.0),
        LAKE,
    ]
    scene = composed(rows)
    levels = [at_listener_db(source) for source in scene.sources]
    assert max(levels) - min(levels) <= RANGE_DB + 0.05
    assert all(bed.level_db < max(levels) for bed in scene.bed)


def test_levels_that_are_near_each_other_are_left_alone():
    dog = Source("a", "a", "dog", level_db=80, positions=((0, 2, 0, 0),))
    cat = Source("b", "b", "cat", level_db=75, positions=((0, 0, 3, 0),))
    (first, second), (bed,) = balanced([dog, cat], [Bed("c", "c", "wind", level_db=50)])
    assert (first.level_db, second.level_db, bed.level_db) == (80, 75, 50)


def test_a_wish_renames_what_is_seen():
    (source,) = composed([DOG], wishes=[Wish("dog", "an old dog growling")]).sources
    assert (source.name, source.region.box_px[0]) == ("an old dog growling", 40)


def test_a_wish_may_correct_what_is_seen():
    (source,) = composed([DOG], wishes=[Wish("wolf", "a wolf")]).sources
    assert (source.concept, source.name, source.id) == ("wolf", "a wolf", "wolf-1")


def test_a_wish_for_the_very_thing_goes_before_its_like():
    wolf = (200, 200, 260, 270, "thing", "wolf", "a wolf howling", 9.0)
    scene = composed([DOG, wolf], wishes=[Wish("wolf", "the wolf"), Wish("dog", "the dog")])
    assert {s.name: s.region.box_px[0] for s in scene.sources} == {"the wolf": 200, "the dog": 40}


def test_a_wish_that_is_not_seen_is_put_outside_the_picture():
    scene = composed([DOG], wishes=[Wish("church-bells", "bells")], fov_deg=60, seed=3)
    (bells,) = [s for s in scene.sources if s.concept == "church-bells"]
    assert bells.region is None and abs(bells.azimuth_deg) > 30
    again = composed([DOG], wishes=[Wish("church-bells", "bells")], fov_deg=60, seed=3)
    other = composed([DOG], wishes=[Wish("church-bells", "bells")], fov_deg=60, seed=4)
    assert scene == again and scene.sources != other.sources


def test_weather_joins_the_bed():
    scene = composed([DOG], wishes=[Wish("rain-light", "light rain")])
    assert ("rain-light", "light rain") in [(b.concept, b.name) for b in scene.bed]
    assert len(scene.bed) == 2


def test_what_is_refused_is_not_heard():
    car = (10, 10, 90, 60, "thing", "car", "a car", 9.0)
    scene = composed([DOG, car], refused=["traffic"])
    assert [s.concept for s in scene.sources] == ["dog"]
    assert not {"traffic", "traffic-far"} & {b.concept for b in scene.bed}
    silent = composed([], refused=[b.concept for b in composed([]).bed])
    assert len(silent.bed) == 1


def test_unseen_wishes_are_never_crowded_out():
    rows = [(5 + i * 35, 9, 35 + i * 35, 60, "thing", k, k, 9.0) for i, k in enumerate(concepts())][
        :9
    ]
    scene = composed(rows, most=2, wishes=[Wish("church-bells", "bells")])
    assert len(scene.sources) == 2 and any(s.concept == "church-bells" for s in scene.sources)


def test_parts_that_break_their_contract_are_told():
    class Short(Fake):
        def name(self, picture, found):
            return []

    picture = Picture(np.zeros((50, 50, 3), np.uint8))
    good = Fake([(1, 1, 9, 9, "thing", "dog", "dog", 1.0)])
    with pytest.raises(LookError, match="Short gave 0 answers for 1 regions"):
        compose(picture, segmenter=good, namer=Short([]), depth=good)

    class Wrong(Fake):
        def segment(self, picture):
            return [Found(np.ones((3, 3), bool), "thing", 1.0)]

    with pytest.raises(LookError, match="mask of shape"):
        compose(picture, segmenter=Wrong([]), namer=good, depth=good)


def test_a_picture_too_small_to_see_in_is_told():
    with pytest.raises(LookError, match="12 × 300 px"):
        composed([], size=(300, 12))


def noise(height, width):
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((240, 320, 3), np.uint8),
        np.full((16, 16, 3), 255, np.uint8),
        noise(20, 20),
        noise(400, 300),
        np.repeat(noise(200, 300)[..., :1], 3, axis=2),
        np.full((600, 4000, 3), (120, 170, 230), np.uint8),
    ],
    ids=["black", "white", "tiny", "noise", "grey", "panorama"],
)
def test_the_builtin_look_makes_a_scene_of_anything(pixels):
    parts = {"segmenter": BuiltinSegmenter(), "namer": BuiltinNamer(), "depth": BuiltinDepth()}
    scene = compose(Picture(pixels), **parts)
    assert scene.bed and len(scene.sources) <= 8
    assert all(item.concept in concepts() for item in scene.parts)
    assert from_json(to_json(scene)) == scene
    assert compose(Picture(pixels.copy()), **parts) == scene
