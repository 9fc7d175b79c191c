"""What a thing does is told by its motion."""

import numpy as np
import pytest

from earwitness.look.manner import manner, speed_m_s, stands
from earwitness.look.tracks import Seen, Track, path


def track(concept, words, *, turn_deg=0.0, distance=6.0, seconds=4.0, shake_deg=0.1):
    rng = np.random.default_rng(0)
    at = np.arange(0, seconds, 0.33)
    return Track(
        [
            Seen(
                float(t), float(turn_deg * t + rng.normal(0, shake_deg)), -3.0, 6.0, 8.0, distance,
                concept, words, 0.8, (0.0, 0.0, 1.0, 1.0),
            )
            for t in at
        ]
    )  # fmt: skip


def heard(concept, words, *, activity=0.0, **motion):
    one = track(concept, words, **motion)
    return manner(one, path(one), np.full(100, activity))


def test_a_still_dog_pants_and_a_lively_one_barks():
    still = heard("dog", "a dog barking", activity=0.005)
    lively = heard("dog", "a dog barking", activity=0.2)
    assert still.words == "a dog panting"
    assert still.change_db < -25
    assert lively.words == "a dog barking"
    assert lively.follows and not still.follows


@pytest.mark.parametrize("concept", ["car", "truck", "bicycle"])
def test_what_is_parked_is_silent_and_what_drives_is_heard(concept):
    assert heard(concept, f"a {concept}") is None
    assert heard(concept, f"a {concept}", turn_deg=8.0).concept == concept


@pytest.mark.parametrize(
    ("turn", "words"), [(12, "slow horse hooves"), (40, "horse hooves"), (85, "fast horse hooves")]
)
def test_a_horse_that_goes_is_heard_by_its_gait(turn, words):
    # At 6 m, 12° a second is 1.3 m/s, 40° is 4.2 m/s, 85° is 8.9 m/s.
    one = track("horse", "a horse neighing", turn_deg=float(turn), seconds=1.8)
    rows = path(one, stiffness_s=0.1)
    assert manner(one, rows, np.full(10, 0.2)).words == words


def test_a_horse_that_stands_neighs():
    assert heard("horse", "a horse neighing", activity=0.01).concept == "horse"


def test_one_who_stands_makes_no_steps():
    assert heard("footsteps", "footsteps").concept == "speech"
    assert heard("footsteps", "footsteps", turn_deg=9.0).concept == "footsteps"


def test_speech_is_not_cut_to_the_movement_of_a_hand():
    assert not heard("speech", "a person talking", activity=0.3).follows


def test_a_shaking_box_is_no_motion():
    assert stands(track("car", "a car", shake_deg=0.4))
    assert speed_m_s(path(track("car", "a car", shake_deg=0.4))) < 0.05
