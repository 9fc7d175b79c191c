"""A scene of far and faint things is brought to loudness like any other."""

import numpy as np
import pytest

from earwitness.scene import Scene, Source, layout_named
from earwitness.space.render import render_scene
from earwitness.space.stems import ArrayStem


def rendered(level_db, distance_m):
    sound = np.random.default_rng(0).normal(0, 0.03, 96000).astype(np.float32)
    source = Source(
        "a", "a far thing", "stream", level_db=level_db, positions=((0, distance_m, 0, 0),)
    )
    return render_scene(
        Scene(sources=(source,), duration_s=2.0),
        lambda: {"a": ArrayStem(sound)},
        layout=layout_named("5.1"),
    )


@pytest.mark.parametrize(("level_db", "distance_m"), [(110, 1), (60, 50), (20, 400), (-40, 2000)])
def test_every_scene_reaches_the_target(level_db, distance_m):
    assert rendered(level_db, distance_m).loudness_lufs == pytest.approx(-23.0, abs=0.1)
