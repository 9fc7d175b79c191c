"""The eyes on made pictures: shapes, sums, limits, odd sizes, the same answer twice."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import numpy as np
import pytest

from earwitness.errors import MediaError
from earwitness.look import eyes
from earwitness.look.eyes.picture import checked, letterboxed, resized

SIZES = [(1, 1), (1, 700), (20, 3000), (3000, 20), (33, 65), (480, 640)]
VERBS = [eyes.detect, eyes.stuff, eyes.classify, eyes.features]


def noise(height: int, width: int, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def landscape(height: int = 480, width: int = 640) -> np.ndarray:
    """Blue above, rough green below."""
    rng = np.random.default_rng(5)
    out = np.empty((height, width, 3), np.uint8)
    out[:] = (120, 170, 235)
    half = height // 2
    green = np.array([60, 130, 35]) + rng.integers(-35, 36, (height - half, width, 1))
    out[half:] = np.clip(green, 0, 255)
    return out


@pytest.mark.parametrize("size", SIZES)
def test_stuff_covers_the_picture_and_sums_to_one(size: tuple[int, int]) -> None:
    found = eyes.stuff(noise(*size))
    kinds, rows, columns = found.probability.shape
    assert kinds == len(found.names) == len(set(found.names))
    assert rows >= 2 and columns >= 2 and max(rows, columns) == 32
    assert found.probability.dtype == np.float32
    assert found.probability.min() >= 0
    np.testing.assert_allclose(found.probability.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_detections_lie_within_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    found = eyes.detect(noise(*size), threshold=0.1)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    for one in found:
        x0, y0, x1, y1 = one.box_px
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        assert one.label in eyes.COCO_CLASSES and 0.1 <= one.score <= 1


@pytest.mark.parametrize("size", SIZES)
def test_class_probabilities_sum_to_one(size: tuple[int, int]) -> None:
    odds = eyes.classify(noise(*size))
    assert odds.shape == (len(eyes.IMAGENET_CLASSES),) and odds.dtype == np.float32
    assert odds.min() >= 0 and odds.sum() == pytest.approx(1, abs=1e-5)


def test_features_share_one_picture() -> None:
    seen = eyes.features(noise(300, 500), side=256)
    grids = [seen.stride8, seen.stride16, seen.stride32]
    assert [g.shape for g in grids] == [(40, 20, 32), (112, 10, 16), (320, 5, 8)]
    assert all(np.isfinite(g).all() for g in grids)


@pytest.mark.parametrize("value", [0, 255])
def test_a_flat_picture_holds_no_thing(value: int) -> None:
    flat = np.full((360, 640, 3), value, np.uint8)
    assert eyes.detect(flat) == ()
    assert np.isfinite(eyes.classify(flat)).all()
    assert np.isfinite(eyes.stuff(flat).probability).all()


def test_sky_is_above_grass() -> None:
    found = eyes.stuff(landscape())
    rows = found.probability.shape[1]
    sky, grass = found.of("sky"), found.of("grass")
    assert sky[: rows // 2].mean() > 0.6 > 0.2 > sky[rows // 2 + 2 :].mean()
    assert grass[rows // 2 + 2 :].mean() > grass[: rows // 2 - 2].mean()


def test_an_unknown_kind_of_stuff_is_an_error() -> None:
    with pytest.raises(ValueError):
        eyes.stuff(landscape()).of("lava")


@pytest.mark.parametrize("verb", VERBS)
def test_same_pixels_same_answer_and_untouched(verb) -> None:  # type: ignore[no-untyped-def]
    pixels = noise(200, 300)
    before = pixels.copy()
    one, two = verb(pixels), verb(pixels)
    for name in ("probability", "stride16"):
        if hasattr(one, name):
            one, two = getattr(one, name), getattr(two, name)
    np.testing.assert_array_equal(pixels, before)
    assert np.array_equal(one, two) if isinstance(one, np.ndarray) else one == two


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 10, 3), np.float32),
    ],
    ids=["grey", "alpha", "empty", "float"],
)
def test_other_pixels_are_refused(verb, bad: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MediaError, match="expected uint8"):
        verb(bad)


def test_pixels_need_not_be_contiguous() -> None:
    whole = landscape()
    part = whole[::2, ::-2]
    copy = np.ascontiguousarray(part)
    np.testing.assert_array_equal(eyes.stuff(part).probability, eyes.stuff(copy).probability)
    assert eyes.detect(part, threshold=0.1) == eyes.detect(copy, threshold=0.1)


def test_letterboxing_keeps_the_shape() -> None:
    image, (x, y) = letterboxed(noise(300, 400), 512)
    assert image.shape == (384, 512, 3) and x == y == 512 / 400
    tall, _ = letterboxed(noise(300, 401), 512)
    assert tall.shape == (384, 512, 3) and not tall[383:].any()


def test_resizing_a_flat_picture_leaves_it_flat() -> None:
    flat = np.full((50, 70, 3), 200, np.uint8)
    np.testing.assert_array_equal(resized(flat, 31, 97), np.full((97, 31, 3), 200, np.float32))
    assert checked(flat) is flat


def test_nothing_loads_when_the_eyes_are_imported() -> None:
    code = "import sys, earwitness.look.eyes as e; sys.exit('onnxruntime' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_names_are_in_the_networks_order() -> None:
    assert len(eyes.COCO_CLASSES) == 80 and eyes.COCO_CLASSES[0] == "person"
    assert len(eyes.IMAGENET_CLASSES) == 1000
    assert eyes.IMAGENET_CLASSES[281].startswith("tabby")


def test_all_weights_together_stay_small() -> None:
    folder = files("earwitness.look.eyes")
    held = [f for f in folder.iterdir() if f.name.endswith((".onnx", ".npz"))]
    assert len(held) == 3
    assert sum(len(f.read_bytes()) for f in held) <= 15e6
