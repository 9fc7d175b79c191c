"""A panorama is heard all the way round, the seam included."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import truth_clips
from benchmarks.truth_panorama import GPANO, panorama

from earwitness.scene import frame
from earwitness.verbs.heard import Heard
from earwitness.verbs.listening import listen

pytest.importorskip("skimage", reason="one of the things is scikit-image's motorcycle")

WHERE = {"dog": (20.0, 110.0), "motorcycle": (-75.0, 178.0)}


@pytest.fixture(scope="module")
def heard(tmp_path_factory):
    dog, motorcycle = truth_clips.dog(), truth_clips.motorcycle()
    things = [(dog, a) for a in WHERE["dog"]] + [(motorcycle, a) for a in WHERE["motorcycle"]]
    file = tmp_path_factory.mktemp("pano") / "pano.jpg"
    panorama(things).save(file, quality=92, xmp=GPANO)
    return listen(file, duration_s=0.5)


def test_the_file_says_that_it_is_a_panorama(heard):
    assert heard.scene.origin["kind"] == "panorama"


@pytest.mark.parametrize("concept", sorted(WHERE))
def test_four_marked_things_are_heard_where_they_are(heard, concept):
    found = [one.azimuth_deg for one in heard.scene.sources if one.concept == concept]
    assert len(found) == len(WHERE[concept])
    for azimuth in WHERE[concept]:
        assert min(abs(float(frame.wrap_deg(a - azimuth))) for a in found) < 5.0


def test_a_region_across_the_seam_goes_on_past_the_edge(heard):
    behind = [s for s in heard.scene.sources if abs(s.azimuth_deg) > 170 and s.kind == "point"]
    assert len(behind) == 1
    box = behind[0].region.box_px
    assert box[0] < 2048 < box[2]


def test_ambisonics_put_it_behind(heard):
    behind = next(s for s in heard.scene.sources if abs(s.azimuth_deg) > 170)
    alone = Heard(replace(heard.scene, sources=(behind,), bed=()), heard.folder)
    w, y, _, x = alone.render("foa", loudness_lufs=None).sound.samples.astype(float)
    azimuth = np.degrees(np.arctan2(np.mean(w * y), np.mean(w * x)))
    assert abs(float(frame.wrap_deg(azimuth - behind.azimuth_deg))) < 5.0
