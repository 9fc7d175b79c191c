"""Clips whose truth is known: what crosses the screen is heard crossing the room."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import clip_measures, truth_clips

from earwitness.verbs.listening import listen


@pytest.mark.parametrize(
    ("path", "yaw"),
    [(truth_clips.crossing, None), (truth_clips.receding, truth_clips.pan)],
    ids=["still camera", "panning camera"],
)
def test_a_thing_on_a_known_path_is_heard_along_it(tmp_path, path, yaw):
    clip = tmp_path / "truth.mp4"
    truth = truth_clips.render_clip(
        clip,
        thing=truth_clips.dog(),
        world=truth_clips.stream(),
        where=path,
        height_m=truth_clips.DOG_M,
        **({"yaw_deg": yaw} if yaw else {}),
    )
    heard = listen(clip, looks_per_s=2.0, resume=False, sources=3)
    found = clip_measures.figures(heard.scene, truth)
    assert found.azimuth_median_deg < 3.0
    assert found.rising == 1.0
    assert found.sound_median_deg < 5.0
    assert found.doppler_worst < 0.01


def test_the_measures_see_an_error():
    """The oracle itself: a scene that is the truth is right, one turned by 10° is off by 10°."""
    from earwitness.scene import Scene, Source

    at = np.arange(0, 4, 0.1)
    places = truth_clips.crossing(at)
    truth = truth_clips.Truth(at, places, places, np.zeros_like(at))
    turn = np.radians(10.0)
    turned = places @ np.array(
        [[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    for rows, off in ((places, 0.0), (turned, 10.0)):
        table = tuple((float(t), *map(float, row)) for t, row in zip(at, rows, strict=True))
        scene = Scene((Source("dog-1", "a dog", "dog", positions=table),), duration_s=4.0)
        found = clip_measures.figures(scene, truth)
        assert found.azimuth_median_deg == pytest.approx(off, abs=0.1)
        assert found.sound_median_deg == pytest.approx(off, abs=1.0)
        assert found.doppler_worst < 0.001
        assert found.rising == 1.0
