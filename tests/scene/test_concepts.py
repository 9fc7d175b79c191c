"""The vocabulary."""

from earwitness.scene import concepts
from earwitness.scene.concepts import FAMILIES


def test_there_are_at_least_a_hundred_concepts_in_every_family():
    families = [concept.family for concept in concepts().values()]
    assert len(families) >= 100
    assert {family: families.count(family) >= 10 for family in FAMILIES} == dict.fromkeys(
        FAMILIES, True
    )


def test_labels_tell_concepts_apart():
    labels = [concept.label for concept in concepts().values()]
    assert len(set(labels)) == len(labels)


def test_things_of_which_there_is_one_have_a_size_or_are_heard_only():
    unsized = {c.key for c in concepts().values() if c.kind == "point" and c.size_m == 0}
    assert unsized == {"thunder-near", "drips"}
