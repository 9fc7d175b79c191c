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


def test_a_part_of_the_sphere_is_heard_where_it_is(tmp_path):
    whole = panorama([(truth_clips.dog(), 110.0), (truth_clips.motorcycle(), 20.0)])
    width, height = whole.size
    # From azimuth 160° to -10°, as a telephone takes it.
    left, right = round((180 - 160) / 360 * width), round((180 + 10) / 360 * width)
    top, bottom = height // 4, height - height // 4
    words = {
        "FullPanoWidthPixels": width, "FullPanoHeightPixels": height,
        "CroppedAreaImageWidthPixels": right - left, "CroppedAreaImageHeightPixels": bottom - top,
        "CroppedAreaLeftPixels": left, "CroppedAreaTopPixels": top,
    }  # fmt: skip
    said = "".join(f"<GPano:{k}>{v}</GPano:{k}>" for k, v in words.items())
    part = whole.crop((left, top, right, bottom))
    part.save(tmp_path / "part.jpg", quality=92, xmp=GPANO + said.encode())
    scene = listen(tmp_path / "part.jpg", duration_s=0.5).scene
    assert scene.origin["fov_deg"] == pytest.approx(170.0, abs=0.5)
    for concept, azimuth in (("dog", 110.0), ("motorcycle", 20.0)):
        found = [one for one in scene.sources if one.concept == concept]
        assert len(found) == 1
        assert abs(found[0].azimuth_deg - azimuth) < 5.0
        x0, _, x1, _ = found[0].region.box_px
        assert (x0 + x1) / 2 == pytest.approx((160 - azimuth) / 360 * width, abs=20)
