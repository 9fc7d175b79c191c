"""How much a thing has grown is read from its pixels, wherever its boxes lie."""

import numpy as np
import pytest
from scipy import ndimage

from earwitness.look.growth import growth, paired


@pytest.fixture(scope="module")
def texture():
    rough = np.random.default_rng(3).uniform(0, 255, (60, 60))
    return ndimage.zoom(ndimage.gaussian_filter(rough, 1.5) * 2.5, 2, order=1)


def frame_with(texture, size, middle):
    """A grey frame on which the texture lies, ``size`` times as large, around a point."""
    y, x = np.mgrid[0:220, 0:400].astype(float)
    half = texture.shape[0] / 2
    row, column = (y - middle[1]) / size + half, (x - middle[0]) / size + half
    seen = ndimage.map_coordinates(texture, [row, column], order=1, mode="constant", cval=-1)
    return np.where(seen < 0, 90.0, seen)


@pytest.mark.parametrize("off", [(0, 0), (9, -12), (-20, 16)])
@pytest.mark.parametrize("factor", [0.93, 1.0, 1.08])
def test_growth_is_found_though_the_later_box_lies_beside_the_thing(texture, off, factor):
    before = frame_with(texture, 0.6, (150, 110))
    now = frame_with(texture, 0.6 * factor, (210, 105))
    half = 30 * 0.6 * 2
    its = (150 - half, 110 - half, 150 + half, 110 + half)
    box = (210 + off[0] - half, 105 + off[1] - half, 210 + off[0] + half, 105 + off[1] + half)
    value = growth(before, its, now, box, surer_before=True)
    assert value == pytest.approx(np.log(factor), abs=0.01)


def test_what_is_not_there_any_more_has_not_grown(texture):
    before = frame_with(texture, 0.6, (150, 110))
    now = np.random.default_rng(9).uniform(0, 255, before.shape)
    box = (114.0, 74.0, 186.0, 146.0)
    assert growth(before, box, now, box, surer_before=True) is None


def test_a_crowd_is_not_compared_each_with_each():
    boxes = [(10.0 * i, 50.0, 10.0 * i + 12, 80.0) for i in range(30)]
    assert len(paired(boxes, boxes)) <= 30
