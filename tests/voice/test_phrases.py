"""Open words are understood, or refused with what is nearest."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from earwitness.errors import VoiceError
from earwitness.scene import concepts
from earwitness.voice.lexicon import lexicon, stem
from earwitness.voice.model import Control, Model
from earwitness.voice.phrases import Wish, nearest, understand
from earwitness.voice.steering import controls, moved

HERE = Path(__file__).parent


def heard(text: str) -> list[str]:
    return [wish.concept for wish in understand(text).wishes]


def only(text: str) -> Wish:
    wishes = understand(text).wishes
    assert len(wishes) == 1, wishes
    return wishes[0]


@pytest.mark.parametrize("key", concepts())
def test_every_concept_is_understood_by_its_own_label(key: str) -> None:
    assert key in heard(concepts()[key].label)


@pytest.mark.parametrize("key", concepts())
def test_every_concept_has_a_choice_of_words(key: str) -> None:
    assert sum(concept == key for concept in lexicon().spoken.values()) >= 7


def test_words_are_eight_a_concept_on_average() -> None:
    assert len(lexicon().spoken) / len(concepts()) >= 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("birds over a brook, a far motorway", ["songbird", "stream", "motorway"]),
        ("heavy rain on a tin roof with distant thunder", ["rain-roof", "thunder-far"]),
        ("A creek; puppies & church bells", ["stream", "dog", "church-bells"]),
        ("hounds barking", ["dog"]),
        ("barking", ["dog"]),
        ("a rill", ["stream"]),
        ("a washing machine", ["washing-machine"]),
        ("wind through the trees", ["wind-trees"]),
        ("walking in the snow", ["footsteps-snow"]),
        ("crunching gravel under boots", ["footsteps-gravel", "footsteps"]),
        ("a car drives past", ["car-pass"]),
        ("the car is idling", ["car"]),
        ("horses gallop", ["hooves"]),
        ("a horse neighs", ["horse"]),
        ("a rooster crows", ["rooster"]),
        ("a crow", ["crow"]),
        ("a woodpecker drumming", ["woodpecker"]),
        ("a train passes, blowing its horn", ["train"]),
        ("someone is typing while a clock ticks", ["typing", "clock"]),
        ("waves on a pebble beach", ["surf-shingle"]),
        ("a plane flies overhead", ["jet"]),
        ("Sea‑gulls at the CAFÉ", ["gull", "cafe"]),
        ("a forest", ["songbird", "wind-trees"]),
        ("dogs in a forest", ["dog"]),
        ("people laughing", ["laughter"]),
        ("a man talks", ["speech"]),
        ("two men", ["speech"]),
        ("a bell and a fire alarm", ["church-bells", "siren"]),
    ],
)
def test_phrase_names_these_sounds_in_this_order(text: str, expected: list[str]) -> None:
    assert heard(text) == expected


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("three dogs", "count", 3),
        ("a pack of wolves", "count", 6),
        ("a flock of sheep", "count", 12),
        ("14 geese", "count", 14),
        ("a dog", "count", None),
        ("a man knocks four times", "count", None),
        ("a dog 20 metres away", "distance_m", 20.0),
        ("a dog, 2 km away", "distance_m", 2000.0),
        ("a dog in the distance", "distance_m", 200.0),
        ("a distant dog", "distance_m", 200.0),
        ("crickets at 30 °C", "temperature_c", 30.0),
        ("crickets at 86 °F", "temperature_c", 30.0),
        ("crickets on a cold night", "temperature_c", 2.0),
        ("crickets at night", "time_of_day", "night"),
        ("rain on a tin roof", "material", "metal"),
        ("footsteps on wood", "material", "wood"),
        ("wind at 36 km/h", "quantities", ((10.0, "m/s"),)),
        ("a flute at 440 Hz", "quantities", ((440.0, "Hz"),)),
    ],
)
def test_phrase_says_how(text: str, name: str, value: object) -> None:
    found = getattr(only(text), name)
    assert found == (pytest.approx(value) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    ("less", "more", "name"),
    [
        ("gentle wind", "roaring wind", "strength"),
        ("faint music", "loud music", "strength"),
        ("not loud footsteps", "loud footsteps", "strength"),
        ("slow footsteps", "fast footsteps", "tempo"),
        ("a small dog", "a huge dog", "size"),
        ("a deep bell", "a shrill bell", "pitch"),
    ],
)
def test_opposite_words_go_opposite_ways(less: str, more: str, name: str) -> None:
    assert getattr(only(less), name) < 0 < getattr(only(more), name)


def test_what_is_said_of_one_sound_is_not_said_of_another() -> None:
    dog, bell = understand("three loud dogs and a distant bell").wishes
    assert (dog.count, dog.distance_m) == (3, None)
    assert (bell.count, bell.distance_m, bell.strength) == (None, 200.0, 0.0)


@pytest.mark.parametrize(
    ("text", "expected", "refused"),
    [
        ("birds, no traffic", ["songbird"], {"traffic"}),
        ("a street without traffic or people", None, {"traffic", "speech"}),
        ("wind, not raining", ["wind"], {"rain-light"}),
        ("without birds and dogs, a stream", ["stream"], {"songbird", "dog"}),
        ("no dogs and a cat", ["cat"], {"dog"}),
    ],
)
def test_negation_takes_away(text: str, expected: list[str] | None, refused: set[str]) -> None:
    phrase = understand(text)
    found = [w.concept for w in phrase.wishes]
    assert refused <= set(phrase.refused)
    assert not set(found) & set(phrase.refused)
    if expected is not None:
        assert found == expected


def test_negation_alone_would_be_silence() -> None:
    with pytest.raises(VoiceError, match="silence"):
        understand("no traffic")


def test_unknown_words_are_refused_with_the_nearest() -> None:
    with pytest.raises(VoiceError, match=r"no sound is known for 'thundr'.*thunder.*--list"):
        understand("thundr")
    assert "accordion" in nearest("acordeon")


@pytest.mark.parametrize(
    "text", ["quantum flux", "42", "loud", "far away", "…", "日本", "the of and"]
)
def test_words_that_name_no_sound_are_never_noise(text: str) -> None:
    with pytest.raises(VoiceError, match="no sound is known"):
        understand(text)


@pytest.mark.parametrize("text", ["dog " * 3000, "a" * 100000, "#0 #7 rain", "rain, " * 2000])
def test_odd_text_ends_in_an_answer_or_a_plain_error(text: str) -> None:
    try:
        assert understand(text).wishes
    except VoiceError as error:
        assert "no sound is known" in str(error)


@pytest.mark.parametrize(
    "forms",
    [
        "bark barks barking barked",
        "wolf wolves",
        "ride rides riding",
        "whistle whistles whistling whistled",
        "fly flies flying",
        "purr purring purrs",
        "church churches",
        "goose geese",
        "trot trotting trots trotted",
        "type typing types typed",
    ],
)
def test_inflections_share_a_stem(forms: str) -> None:
    assert len({stem(word) for word in forms.split()}) == 1


def test_captions_of_others_are_understood_or_refused() -> None:
    captions = Path(HERE.parents[1], "benchmarks", "captions.toml")
    rows = tomllib.loads(captions.read_text("utf-8"))["caption"]
    assert len(rows) == 50
    understood = 0
    for row in rows:
        try:
            understand(row["text"])
            understood += 1
        except VoiceError:
            assert row["now"] == "refused", row["text"]
    assert understood >= 49


def model_with(*names: str) -> Model:
    made = tuple(Control(name, "", 1.0, 9.0, 3.0, "") for name in names)
    return Model("wind", made, "", lambda samples, rate, rng, settings: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("control", "wish", "higher"),
    [
        ("wind_m_s", Wish("wind", "", strength=0.5), True),
        ("rain_mm_h", Wish("wind", "", strength=-0.5), False),
        ("rate_per_s", Wish("wind", "", tempo=0.5), True),
        ("interval_s", Wish("wind", "", tempo=0.5), False),
        ("pitch_hz", Wish("wind", "", size=0.5), False),
        ("pitch_hz", Wish("wind", "", pitch=0.5), True),
        ("count", Wish("wind", "", count=7), True),
        ("temperature_c", Wish("wind", "", temperature_c=8.0), True),
    ],
)
def test_wishes_move_controls_by_their_names(control: str, wish: Wish, higher: bool) -> None:
    value = controls(model_with(control), wish)[control]
    assert (value > 3.0) == higher and value != 3.0


def test_nothing_said_leaves_every_control_as_usual() -> None:
    names = ("wind_m_s", "rate_per_s", "count", "pitch_hz")
    assert set(controls(model_with(*names), Wish("wind", "")).values()) == {3.0}


def test_controls_stay_in_their_range() -> None:
    assert controls(model_with("count"), Wish("wind", "", count=1000))["count"] == 9.0
    control = Control("x", "", 2.0, 200.0, 20.0, "")
    assert [moved(control, a) for a in (-2.0, 0.0, 2.0)] == pytest.approx([2.0, 20.0, 200.0])
