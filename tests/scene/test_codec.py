"""scene.json: what is written is read back, and what is wrong is told by its field."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earwitness.errors import SceneError
from earwitness.scene import (
    Air,
    Bed,
    Credit,
    Listener,
    Region,
    Scene,
    Source,
    from_json,
    to_json,
)

SCENE = Scene(
    sources=(
        Source(
            "dog-1",
            "a dog barking",
            "dog",
            level_db=85,
            positions=((0, 4, 1, 0), (1.5, 3, -1, 0.25)),
            region=Region((10, 20, 110.5, 220), ((10, 20), (110.5, 20), (60, 220)), 0.9),
            stem="stems/dog-1.flac",
            gain=((0, 0), (0.5, 1), (9, 0.25)),
            credits=(Credit("Dog", "A. Person", "CC0", "https://example.org/1"),),
        ),
        Source("river", "a river", "river", kind="area", spread_deg=75),
    ),
    bed=(Bed("wind", "wind", "wind", 40),),
    duration_s=12.5,
    seed=7,
    listener=Listener((0, 1, 0), 30),
    air=Air(10, 70, 100),
    origin={"kind": "picture", "name": "été.jpg", "size_px": [640, 480], "fov_deg": 60.0},
)

finite = st.floats(-1e5, 1e5)
names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    str.strip
)


def test_a_scene_written_and_read_is_equal():
    assert from_json(to_json(SCENE)) == SCENE


@given(
    names,
    st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5),
    st.floats(0, 360),
    st.integers(0, 2**63 - 1),
)
def test_any_scene_written_and_read_is_equal(name, places, spread, seed):
    rows = tuple((float(i), *place) for i, place in enumerate(places))
    scene = Scene(sources=(Source("a", name, "dog", positions=rows, spread_deg=spread),), seed=seed)
    assert from_json(to_json(scene)) == scene


def test_the_text_is_made_for_people():
    lines = to_json(SCENE).splitlines()
    assert lines[1] == '  "schema": "earwitness.scene/1",'
    assert max(map(len, lines)) < 120
    assert any("[1.5, 3.0, -1.0, 0.25]" in line for line in lines)


def _broken(change):
    table = json.loads(to_json(SCENE))
    change(table)
    return json.dumps(table)


def _set(*path_and_value):
    *path, last, value = path_and_value

    def change(table):
        for key in path:
            table = table[key]
        table[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_set("duration_s", -1), "duration_s"),
        (_set("duration_s", "long"), "duration_s"),
        (_set("duration_s", True), "duration_s"),
        (_set("seed", 1.5), "seed"),
        (_set("seed", -3), "seed"),
        (_set("schema", "earwitness.scene/2"), "schema"),
        (_set("sources", 0, "positions", 0, 1, float("nan")), r"positions\[0\]\[1\] holds NaN;"),
        (_set("sources", 0, "positions", 0, 1, float("inf")), r"holds Infinity;"),
        (_set("sources", 0, "positions", 1, 0, 0), r"sources\[0\].positions\[1\]\[0\]"),
        (_set("sources", 0, "positions", 0, [0, 1, 2]), r"sources\[0\].positions\[0\]"),
        (_set("sources", 0, "positions", []), r"sources\[0\].positions"),
        (_set("sources", 0, "positions", 0, 3, "up"), r"sources\[0\].positions\[0\]\[3\]"),
        (_set("sources", 0, "spread", 20), r"sources\[0\].spread"),
        (_set("sources", 1, "spread_deg", 400), r"sources\[1\].spread_deg"),
        (_set("sources", 0, "kind", "line"), r"sources\[0\].kind"),
        (_set("sources", 0, "id", "river"), r"sources\[1\].id"),
        (_set("sources", 0, "id", "../x"), r"sources\[0\].id"),
        (_set("sources", 0, "name", ""), r"sources\[0\].name"),
        (_set("sources", 0, "stem", "../../etc/passwd"), r"sources\[0\].stem"),
        (_set("sources", 0, "stem", "/etc/passwd"), r"sources\[0\].stem"),
        (_set("sources", 0, "stem", "C:\\x.wav"), r"sources\[0\].stem"),
        (_set("sources", 0, "region", "box_px", [5, 5, 5, 9]), r"sources\[0\].region.box_px"),
        (_set("sources", 0, "region", "score", 2), r"sources\[0\].region.score"),
        (_set("sources", 0, "credits", 0, "licence", ""), r"sources\[0\].credits\[0\].licence"),
        (_set("sources", 0, "gain", 1, [0, 1]), r"sources\[0\].gain\[1\]\[0\]"),
        (_set("sources", 0, "gain", 1, [0.5, -1]), r"sources\[0\].gain\[1\]\[1\]"),
        (_set("sources", {}), "sources"),
        (_set("sources", 0, 3), r"sources\[0\]"),
        (_set("bed", 0, "level_db", None), r"bed\[0\].level_db"),
        (_set("listener", "yaw_deg", "left"), r"listener.yaw_deg"),
        (_set("air", "humidity_percent", 0), r"air.humidity_percent"),
        (_set("origin", "deep", {"a": {"b": {"c": {"d": {"e": 1}}}}}), r"origin.deep"),
    ],
)
def test_a_slip_of_the_hand_is_told_by_its_field(change, field):
    with pytest.raises(SceneError, match=f"{field}.*(holds|allowed)"):
        from_json(_broken(change))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"schema": 3}', "[" * 100000, '{"schema": "a", "schema": "b"}'],
)
def test_what_is_no_scene_is_refused(text):
    with pytest.raises(SceneError):
        from_json(text)


def test_a_missing_field_is_named():
    with pytest.raises(SceneError, match=r"sources\[0\].name"):
        from_json('{"schema": "earwitness.scene/1", "sources": [{"id": "a", "concept": "dog"}]}')


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SCENE.duration_s = 3  # type: ignore[misc]
