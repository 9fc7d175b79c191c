"""Overlap and fusion of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.look.eyes.boxes import Boxes, agreed, joined, overlap, suppressed, with_far, within


def boxes(*rows: tuple[float, float, float, float, float, int]) -> Boxes:
    table = np.array(rows, float).reshape(-1, 6)
    return Boxes(table[:, :4], table[:, 4], table[:, 5].astype(np.intp))


NONE = boxes()
CAT = (0.0, 0.0, 10.0, 10.0, 0.8, 15)


def test_overlap_is_symmetric_and_one_with_itself() -> None:
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 50, (20, 2))
    many = np.hstack([low, low + rng.uniform(1, 50, (20, 2))])
    for i in range(20):
        iou = overlap(many[i], many)
        assert iou[i] == pytest.approx(1)
        assert (iou >= 0).all() and (iou <= 1 + 1e-9).all()
        assert iou[3] == pytest.approx(overlap(many[3], many)[i])


def test_a_part_lies_within_the_whole() -> None:
    part, whole = np.array([2.0, 2, 4, 4]), np.array([[0.0, 0, 10, 10]])
    assert within(part, whole)[0] == pytest.approx(1)
    assert within(whole[0], part[None])[0] == pytest.approx(0.04)


def test_suppression_keeps_the_strongest_of_each_class() -> None:
    found = suppressed(boxes((1, 0, 10, 10, 0.5, 15), CAT, (0, 0, 10, 10, 0.6, 16)))
    assert found.score.tolist() == [0.8, 0.6]
    assert len(suppressed(found, other=0.7)) == 1


def test_two_that_agree_share_a_box_and_a_score() -> None:
    found = agreed(boxes(CAT), boxes((2, 0, 12, 10, 0.4, 15)))
    assert len(found) == 1
    assert found.score[0] == pytest.approx(0.6)
    assert found.corners[0].tolist() == pytest.approx([2 / 3, 0, 10 + 2 / 3, 10])


def test_agreement_does_not_depend_on_who_is_first() -> None:
    one, two = boxes(CAT, (30, 30, 50, 50, 0.7, 0)), boxes((1, 0, 11, 10, 0.6, 15))
    a, b = agreed(one, two), agreed(two, one)
    np.testing.assert_allclose(a.score, b.score)
    np.testing.assert_allclose(a.corners, b.corners)


def test_one_alone_keeps_half() -> None:
    assert agreed(boxes(CAT), NONE).score.tolist() == [0.4]
    assert agreed(NONE, boxes(CAT)).score.tolist() == [0.4]
    assert len(agreed(NONE, NONE)) == 0


def test_a_closer_look_adds_only_what_is_small_and_new() -> None:
    near = boxes((0, 0, 100, 100, 0.9, 0))
    far = boxes(
        (10, 10, 20, 20, 0.6, 0),  # a part of what was found
        (200, 0, 210, 20, 0.5, 0),  # new
        (200, 100, 300, 200, 0.7, 2),  # too big to be trusted from close by
    )
    found = with_far(near, far, 30)
    assert found.score.tolist() == [0.9, 0.5]
    assert with_far(NONE, far, 30).score.tolist() == [0.6, 0.5]


def test_joining_keeps_the_order() -> None:
    assert joined([boxes(CAT), NONE, boxes((0, 0, 1, 1, 0.1, 3))]).kind.tolist() == [15, 3]
