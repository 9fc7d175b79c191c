"""Things keep their identity, are named by vote, and move smoothly."""

from dataclasses import replace

import numpy as np
import pytest

from earwitness.look.tracks import Seen, Track, follow, path, smooth
from earwitness.scene import frame


def seen(time, azimuth, concept="dog", width=8.0, distance=5.0, score=0.8, elevation=-5.0):
    box = (0.0, 0.0, 10.0, 10.0)
    words = f"a {concept}"
    return Seen(time, azimuth, elevation, width, width, distance, concept, words, score, box)


def times(count=20, step=0.25):
    return [i * step for i in range(count)]


def test_a_thing_that_crosses_is_one_track():
    tracks = follow([(t, [seen(t, 30 - 15 * t)]) for t in times()])
    assert len(tracks) == 1
    assert len(tracks[0].seen) == 20


def test_two_that_cross_each_other_keep_their_identity():
    frames = [(t, [seen(t, 20 - 10 * t), seen(t, -28 + 10 * t)]) for t in times()]
    tracks = follow(frames)
    assert len(tracks) == 2
    for track in tracks:
        turns = np.diff([one.azimuth_deg for one in track.seen])
        assert np.all(turns > 0) or np.all(turns < 0)


def test_identity_is_kept_through_a_short_occlusion():
    frames = [(t, [] if 1.5 <= t <= 2.4 else [seen(t, 20 - 8 * t)]) for t in times()]
    assert len(follow(frames)) == 1


def test_after_a_long_absence_it_is_another():
    frames = [(t, [] if 1.0 <= t <= 3.5 else [seen(t, 20)]) for t in times()]
    assert len(follow(frames)) == 2


def test_the_name_is_settled_by_vote():
    names = ["dog", "cat", "dog", "dog", "sheep", "dog"] * 3
    frames = [(t, [seen(t, 5.0, name)]) for t, name in zip(times(18), names, strict=True)]
    (track,) = follow(frames)
    assert track.name == ("dog", "a dog")


def test_a_flash_is_an_error_of_the_look():
    frames = [(t, [seen(t, 5.0)] + ([seen(t, -40, "cat")] if t == 2.0 else [])) for t in times()]
    assert [track.name[0] for track in follow(frames)] == ["dog"]


def test_a_shot_of_one_frame_shows_what_it_shows():
    assert len(follow([(0.0, [seen(0.0, 5.0)])])) == 1
    assert follow([]) == []


def test_a_thing_that_walks_behind_the_listener_passes_the_seam():
    frames = [(t, [seen(t, float(frame.wrap_deg(165 + 8 * t)))]) for t in times()]
    (track,) = follow(frames)
    rows = np.array(path(track))
    azimuth = np.degrees(np.unwrap(np.arctan2(rows[:, 2], rows[:, 1])))
    assert np.all(np.diff(azimuth) > 0)
    assert azimuth[-1] - azimuth[0] == pytest.approx(8 * 4.75, abs=0.5)


def test_a_straight_path_is_kept_and_its_noise_is_not():
    rng = np.random.default_rng(2)
    track = Track([])
    for t in times(40, 0.2):
        place = np.array([10.0, 8 - 2 * t, 0.0])
        azimuth, elevation, distance = (float(v) for v in frame.angles(place))
        track.seen.append(
            seen(
                t,
                azimuth + rng.normal(0, 0.7),
                distance=distance * np.exp(rng.normal(0, 0.1)),
                width=float(np.degrees(2 * np.arctan(0.4 / distance)) * np.exp(rng.normal(0, 0.1))),
                elevation=elevation,
            )
        )
    rows = np.array(path(track))
    truth = np.stack([np.full(len(rows), 10.0), 8 - 2 * rows[:, 0], np.zeros(len(rows))], 1)
    assert np.median(frame.angle_between_deg(rows[:, 1:], truth)) < 0.6
    far, true_far = np.linalg.norm(rows[:, 1:], axis=1), np.linalg.norm(truth, axis=1)
    assert np.median(np.abs(far / true_far - 1)) < 0.06
    assert np.all(np.diff(rows[:, 0]) > 0)


def test_measured_growth_steadies_the_distance():
    rng = np.random.default_rng(4)
    track, box = Track([]), None
    for i, t in enumerate(times(24, 0.25)):
        distance = 8.0 - 0.9 * t
        size = float(np.degrees(2 * np.arctan(0.4 / distance)) * np.exp(rng.normal(0, 0.15)))
        one = seen(t, 5.0, distance=distance * np.exp(rng.normal(0, 0.3)), width=size)
        here = (float(i), 0.0, 10.0 + i, 10.0)
        grew = float(np.log((distance + 0.9 * 0.25) / distance)) + rng.normal(0, 0.01)
        track.seen.append(replace(one, box_px=here, grew=((box, grew),) if box is not None else ()))
        box = here
    rows = np.array(path(track))
    far = np.linalg.norm(rows[:, 1:], axis=1)
    ratio = far / (8.0 - 0.9 * rows[:, 0])
    assert np.all(np.diff(far) < 0)
    assert ratio.max() / ratio.min() < 1.12


def test_smoothing_keeps_lines_at_uneven_times():
    t = np.sort(np.random.default_rng(0).uniform(0, 10, 50))
    line = 3 * t - 2
    assert np.allclose(smooth(t, line, np.ones(50), 2.0), line, atol=1e-6)


def test_smoothing_takes_noise_and_leaves_motion():
    t = np.sort(np.random.default_rng(0).uniform(0, 10, 80))
    slow = np.sin(0.6 * t)
    noise = np.random.default_rng(1).normal(0, 0.1, 80)
    left = smooth(t, slow + noise, np.ones(80), 1.0) - slow
    assert np.std(left) < 0.5 * np.std(noise)


def nameless(time, azimuth, label="dog", width=8.0):
    return replace(seen(time, azimuth, width=width), concept="", words=label, distance_m=0.0)


def test_one_who_walks_past_a_bicycle_does_not_become_one():
    frames = [
        (t, [seen(t, 20 - 10 * t, "speech")] if t < 2 else [seen(t, 0.0, "bicycle")])
        for t in times()
    ]
    names = [{one.concept for one in track.seen} for track in follow(frames)]
    assert names == [{"speech"}, {"bicycle"}]


def test_what_has_no_name_follows_a_thing_and_says_neither_its_name_nor_its_distance():
    every = [
        seen(t, 20 - 10 * t, "bear" if i == 0 else "dog")
        if i % 3 == 0
        else nameless(t, 20 - 10 * t)
        for i, t in enumerate(times())
    ]
    (track,) = follow([(one.time_s, [one]) for one in every])
    assert len(track.seen) == len(every)
    assert track.name[0] == "dog"
    rows = np.array(path(track))
    assert np.linalg.norm(rows[:, 1:], axis=1) == pytest.approx(5.0, rel=0.01)
    azimuth = np.degrees(np.arctan2(rows[:, 2], rows[:, 1]))
    assert azimuth == pytest.approx(20 - 10 * rows[:, 0], abs=0.1)


def test_what_never_has_a_name_is_nothing():
    assert follow([(t, [nameless(t, 5.0)]) for t in times()]) == []


@pytest.mark.parametrize(("side", "sign"), [("l", 1), ("r", -1)])
def test_a_thing_that_leaves_the_frame_is_heard_where_it_is_not_where_its_rest_is(side, sign):
    """The frame's edge lies at ±30°; of the thing, 8° wide, ever less is within."""
    every = []
    for t in times():
        middle = 10.0 + 5 * t
        edge = min(30.0, middle + 4)
        low = middle - 4
        rest = seen(t, sign * (edge + low) / 2)
        part = replace(rest, width_deg=edge - low, cut=side if middle + 4 > 30 else "")
        if edge - low > 1:
            every.append(part)
    (track,) = follow([(one.time_s, [one]) for one in every])
    rows = np.array(path(track))
    azimuth = sign * np.degrees(np.arctan2(rows[:, 2], rows[:, 1]))
    assert azimuth == pytest.approx(10.0 + 5 * rows[:, 0], abs=0.8)
