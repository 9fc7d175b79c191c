"""The table of labels, and how detector and classifier are weighed against each other."""

import numpy as np
import pytest

from earwitness.look.contract import Found, Name, Picture
from earwitness.look.eyes import COCO_CLASSES, IMAGENET_CLASSES
from earwitness.look.labels import indices, kinds, masses
from earwitness.look.naming import BuiltinNamer, kind_of, settled, weigh
from earwitness.look.sight import grown, shrunk, sight_of
from earwitness.look.surroundings import bed
from earwitness.scene import concepts


def test_every_label_of_the_detector_has_a_kind():
    assert set(COCO_CLASSES) == set().union(*(kind.coco for kind in kinds().values()))


def test_every_concept_named_is_in_the_vocabulary():
    named = {kind.concept for kind in kinds().values()} - {None}
    named |= {kind.group.concept for kind in kinds().values() if kind.group}
    assert named <= set(concepts())


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("tabby", "cat"),
        ("Pekinese", "dog"),
        ("cock", "rooster"),
        ("Arabian camel", "camel"),
        ("steam locomotive", "steam-train"),
        ("violin", "violin"),
        ("gorilla", "monkey"),
        ("church", "church"),
        ("hog", "pig"),
        ("grey whale", "whale"),
        ("minivan", "car"),
        ("goose", "goose"),
        ("bee", "bee"),
        ("porcupine", "silent-animal"),
    ],
)
def test_classes_stand_for_what_they_are(label, kind):
    index = next(i for i, n in enumerate(IMAGENET_CLASSES) if n.split(",")[0] == label)
    probabilities = np.zeros(1000, np.float32)
    probabilities[index] = 1
    own, _ = masses(probabilities)
    assert list(kinds())[int(own.argmax())] == kind and own.sum() == pytest.approx(1)


def test_probability_is_shared_out_and_never_made():
    own, _ = masses(np.full(1000, 0.001, np.float32))
    assert own.sum() <= 1.0001 and (own >= 0).all()


def weighed(hint, score, **seen):
    own = np.array([seen.get(key.replace("-", "_"), 0.0) for key in kinds()])
    by_kind, none = weigh(hint, score, own, np.zeros_like(own))
    assert sum(by_kind.values()) + none == pytest.approx(1)
    best = max(by_kind, key=by_kind.get)
    return best if by_kind[best] > none else None


@pytest.mark.parametrize(
    ("hint", "score", "seen", "kind"),
    [
        ("dog", 0.8, {"dog": 0.7}, "dog"),
        ("cat", 0.42, {"dog": 0.9}, "dog"),
        ("sheep", 0.62, {"camel": 0.91}, "camel"),
        ("bear", 0.4, {"silent_animal": 0.97}, "silent-animal"),
        ("person", 0.8, {}, "person"),
        ("person", 0.7, {"dog": 0.2}, "person"),
        ("person", 0.2, {}, None),
        ("bird", 0.6, {"owl": 0.5}, "owl"),
        ("cow", 0.2, {"cow": 0.02}, None),
        ("", 1.0, {"piano": 0.8}, "piano"),
        ("", 1.0, {"piano": 0.3}, None),
    ],
)
def test_detector_and_classifier_correct_each_other(hint, score, seen, kind):
    assert weighed(hint, score, **seen) == kind


def test_more_of_a_label_never_makes_it_less_likely():
    own = np.zeros(len(kinds()))
    told = [weigh("person", s, own, own)[0]["person"] for s in (0.2, 0.4, 0.6, 0.9)]
    assert told == sorted(told)


def region(x0, x1, what="thing"):
    mask = np.zeros((40, 100), bool)
    mask[10:30, x0:x1] = True
    return Found(mask, what, 0.9)


def test_of_two_names_for_one_place_the_surer_stands():
    found = [region(10, 40), region(12, 41), region(60, 90)]
    names = [Name("dog", "", 0.5), Name("cat", "", 0.7), Name("dog", "", 0.4)]
    assert settled(found, names) == [1, 2]


def test_a_person_before_a_drum_is_not_a_drum():
    found = [region(10, 40), region(12, 41)]
    assert settled(found, [Name("speech", "", 0.5), Name("drums", "", 0.7)]) == [1, 0]


def test_what_is_silent_is_left_out():
    assert settled([region(1, 9)], [Name(None, "", 0.9)]) == []


def test_names_lead_back_to_their_kind():
    for kind in kinds().values():
        if kind.concept is not None:
            assert kind_of(Name(kind.concept, kind.one, 1.0)).concept == kind.concept


def test_whole_numbers_from_text():
    assert indices("") == () and indices("5") == (5,) and indices("1-3 9") == (1, 2, 3, 9)


def test_a_grid_grown_and_shrunk_again_is_the_same_where_it_is_flat():
    mask = np.zeros((60, 90), bool)
    mask[:30] = True
    small = shrunk(mask, 6, 9)
    assert small[:3].min() == pytest.approx(1) and small[3:].max() == pytest.approx(0)
    assert (grown(small, 60, 90) > 0.5).mean() == pytest.approx(mask.mean(), abs=0.02)
    assert shrunk(mask, 7, 5).mean() == pytest.approx(0.5, abs=1e-5)


def test_a_picture_is_looked_at_once():
    picture = Picture(np.full((60, 80, 3), 128, np.uint8))
    assert sight_of(picture) is sight_of(picture)
    assert sight_of(picture).stuff is sight_of(picture).stuff


class Place:
    """The eyes' word for a place."""

    def __init__(self, brightness=120.0, **covered):
        self.covered, self.brightness = covered, brightness
        self.whole = np.zeros(1000, np.float32)


@pytest.mark.parametrize(
    ("place", "heard", "concept"),
    [
        (Place(sky=0.4, building=0.5), set(), "traffic-far"),
        (Place(trees=0.7, grass=0.2), set(), "dawn-chorus"),
        (Place(brightness=20, trees=0.7), set(), "wind"),
        (Place(trees=0.7), {"monkey"}, "tropical-forest"),
        (Place(snow=0.5, sky=0.4), set(), "wind-polar"),
        (Place(mountain=0.4, sky=0.4), set(), "wind-mountain"),
        (Place(indoor=0.7, thing=0.3), set(), "ventilation"),
        (Place(sky=0.9), {"car"}, "traffic-far"),
        (Place(water=0.6, sky=0.3), {"ship-horn"}, "harbour"),
        (Place(thing=1.0), {"dolphin"}, "underwater"),
        (Place(), set(), "wind"),
    ],
)
def test_the_bed_suits_the_place(place, heard, concept):
    assert [key for key, _ in bed(place, frozenset(heard))] == [concept]


def test_the_namer_answers_for_each_region_in_order():
    picture = Picture(np.full((40, 100, 3), 90, np.uint8))
    found = [region(0, 100, "stuff"), region(10, 40)]
    assert len(BuiltinNamer().name(picture, found)) == 2
