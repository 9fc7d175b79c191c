"""Looking with foundation models: the real code on tiny ones, the job with forced answers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="foundation models need the extra [hub]")
pytest.importorskip("transformers", reason="foundation models need the extra [hub]")

import tiny  # noqa: E402

from earwitness import plugins  # noqa: E402
from earwitness.errors import WeightsError  # noqa: E402
from earwitness.look.contract import FREE, Found, Name, Picture  # noqa: E402
from earwitness.look.foundation import anchors as anchors_module  # noqa: E402
from earwitness.look.foundation import depth as depth_module  # noqa: E402
from earwitness.look.foundation.anchors import Anchor, ground_anchors, tied  # noqa: E402
from earwitness.look.foundation.clip import ClipNamer  # noqa: E402
from earwitness.look.foundation.depth import DepthAnything, slant  # noqa: E402
from earwitness.look.foundation.mask2former import Mask2FormerSegmenter  # noqa: E402
from earwitness.look.foundation.sam import Sam2Segmenter, SamSegmenter  # noqa: E402
from earwitness.look.foundation.tracker import Sam2Tracker  # noqa: E402
from earwitness.look.foundation.visible import Sight  # noqa: E402
from earwitness.look.foundation.words import BlipNamer, ListeningNamer  # noqa: E402
from earwitness.look.outlines import box_of  # noqa: E402
from earwitness.models.settings import Settings  # noqa: E402

HEIGHT, WIDTH = 60, 90
PIXELS = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
PICTURE = Picture(PIXELS)
REGION = np.zeros((HEIGHT, WIDTH), bool)
REGION[15:45, 30:75] = True
FOUND = [Found(REGION, "thing", 0.9), Found(~REGION, "stuff", 0.8, "water")]


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    root, made = tmp_path_factory.mktemp("tiny"), {}

    def folder(name: str) -> Path:
        if name not in made:
            made[name] = tiny.save(name, root / name)
        return made[name]

    return folder


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


# --- segmenters ---


@pytest.mark.parametrize(("kind", "name"), [(SamSegmenter, "sam"), (Sam2Segmenter, "sam2")])
def test_masks_of_known_logits_become_that_region(folders, monkeypatch, kind, name):
    part = kind(folders(name), points=3)
    model = part._model()
    # What the model answers for every point: the region, sure; noise, of low quality; nothing.
    _, side, seen = part._prepared(PIXELS, model)
    fine = 64
    rows = np.linspace(0, HEIGHT, round(fine * seen[0] / side), endpoint=False).astype(int)
    columns = np.linspace(0, WIDTH, round(fine * seen[1] / side), endpoint=False).astype(int)
    logits = np.full((3, fine, fine), -9.0, np.float32)
    logits[0, : len(rows), : len(columns)] = np.where(REGION[np.ix_(rows, columns)], 9.0, -9.0)
    logits[1] = 9.0
    logits[2] = 0.1
    asked = []

    def answer(self, **given):
        count = given["input_points"].shape[1]
        asked.append(given["input_points"][0, :, 0].numpy())
        return SimpleNamespace(
            pred_masks=torch.from_numpy(logits).expand(1, count, 3, fine, fine),
            iou_scores=torch.tensor([0.95, 0.1, 0.99]).expand(1, count, 3),
        )

    monkeypatch.setattr(type(model), "forward", answer)
    masks, scores = part.masks(PIXELS)
    assert len(masks) == 1, "doubles, unsure and unstable masks are left out"
    assert iou(masks[0], REGION) > 0.9
    assert scores == [pytest.approx(0.95)]
    points = np.concatenate(asked)
    assert len(points) == 9
    assert points.min() > 0
    assert (points.max(axis=0) < [seen[1], seen[0]]).all()
    assert part.segment(PICTURE)[0].mask.shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["sam", "sam2"])
def test_sam_runs_on_what_was_saved(folders, monkeypatch, name, precision):
    part = plugins.made("segmenter", f"{name}:{folders(name)}", Settings(precision=precision))
    part.points, part.least_iou = 2, -10.0
    monkeypatch.setattr("earwitness.look.foundation.sam._STABLE", -1.0)
    for found in part.segment(PICTURE):
        assert found.mask.shape == (HEIGHT, WIDTH)
    assert (
        name.upper()[:3] in part.settings.shelf.report() or "Segment" in part.settings.shelf.held[0]
    )


def test_panoptic_queries_become_labelled_regions(folders, monkeypatch):
    part = Mask2FormerSegmenter(folders("mask2former"))
    model = part._model()
    assert isinstance(part.segment(PICTURE), list)  # the real path, with its random weights
    small = REGION[::3, ::3]
    masks = torch.full((1, 5, *small.shape), -9.0)
    masks[0, 0] = torch.from_numpy(np.where(small, 9.0, -9.0))
    masks[0, 1] = -masks[0, 0]
    labels = torch.full((1, 5, 4), -9.0)
    labels[0, 0, 0] = labels[0, 1, 1] = 9.0
    labels[0, 2:, 3] = 9.0
    monkeypatch.setattr(
        type(model),
        "forward",
        lambda self, **given: SimpleNamespace(
            class_queries_logits=labels, masks_queries_logits=masks
        ),
    )
    found = {one.hint: one for one in part.segment(PICTURE)}
    assert set(found) == {"dog", "water"}
    assert (found["dog"].what, found["water"].what) == ("thing", "stuff")
    assert iou(found["dog"].mask, REGION) > 0.9
    assert iou(found["water"].mask, ~REGION) > 0.9


# --- the tracker ---


def test_the_tracker_gives_the_first_frame_s_masks_back_and_says_when_they_are_gone(
    folders, monkeypatch
):
    part = Sam2Tracker(folders("sam2"))
    part.begin(PICTURE, [REGION, ~REGION])
    assert len(part.step(PICTURE)) == 2
    model = part._model()
    where = torch.full((2, 1, 30, 45), -9.0)
    where[0, 0, :, 20:] = 9.0
    answer = SimpleNamespace(pred_masks=where, object_score_logits=torch.tensor([5.0, -5.0]))
    monkeypatch.setattr(type(model), "forward", lambda self, **given: answer)
    there, gone = part.step(PICTURE)
    assert gone is None
    assert box_of(there) == (40.0, 0.0, 90.0, 60.0)


def test_what_is_followed_is_not_found_anew_until_it_is_time_or_the_shot_changes():
    from earwitness.look.followed import FollowingSegmenter

    class Finds:
        count = 0

        def segment(self, picture):
            self.count += 1
            return [Found(REGION, "thing", 0.9, "dog")]

    class Moves:
        def begin(self, picture, masks):
            self.masks = list(masks)

        def step(self, picture):
            self.masks = [np.roll(m, 1, axis=1) for m in self.masks]
            return self.masks

    finds = Finds()
    part = FollowingSegmenter(finds, Moves(), every=4)
    lefts = [box_of(part.segment(PICTURE)[0].mask)[0] for _ in range(5)]
    assert lefts == [30.0, 31.0, 32.0, 33.0, 30.0]
    assert finds.count == 2
    part.segment(Picture(255 - np.zeros_like(PIXELS)))
    assert finds.count == 3


# --- depth ---

FOCAL = 80.0


def scene_depth() -> np.ndarray:
    """Ground seen from 1.6 m, the horizon in the middle, a wall of 4 m with a thing in it."""
    rows = np.arange(HEIGHT) + 0.5 - HEIGHT / 2
    depth = np.where(rows > 0, FOCAL * 1.6 / np.maximum(rows, 0.3), 300.0)
    return np.broadcast_to(depth[:, None], (HEIGHT, WIDTH)).copy()


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (40.0, 3.0), (0.05, -0.2)])
def test_relative_depth_is_tied_to_metres_by_the_ground_and_a_known_size(scale, offset):
    depth = scene_depth()
    depth[10:20, 40:60] = 6.0
    flat = np.zeros((HEIGHT, WIDTH), bool)
    flat[HEIGHT // 2 :] = True
    thing = np.zeros_like(flat)
    thing[10:20, 40:60] = True
    anchors = ground_anchors(flat, HEIGHT / 2, FOCAL)
    anchors.append(Anchor(thing, 1 / 6.0, 0.3 / 6.0))
    metres, factor = tied(scale / depth + offset, anchors)
    near = depth < 40
    assert np.abs(np.log(metres[near] / depth[near])).max() < np.log(1.15)
    assert factor < 1.5


def test_one_wrong_anchor_does_not_decide():
    depth = scene_depth()
    flat = np.zeros((HEIGHT, WIDTH), bool)
    flat[HEIGHT // 2 :] = True
    wrong = np.zeros_like(flat)
    wrong[50:55, 10:20] = True
    anchors = [*ground_anchors(flat, HEIGHT / 2, FOCAL), Anchor(wrong, 1 / 200.0, 0.3 / 200.0)]
    metres, _ = tied(7.0 / depth + 1.0, anchors)
    near = (depth < 20) & flat
    assert np.median(np.abs(np.log(metres[near] / depth[near]))) < np.log(1.3)


def test_a_metric_map_becomes_those_metres_along_the_ray(folders, monkeypatch):
    part = plugins.made("depth", f"depth-anything-v2-metric-outdoor:{folders('depth-metric')}")
    raw, metric = part.raw(PIXELS)
    assert metric
    assert raw.shape == (HEIGHT, WIDTH)
    depth = np.where(REGION, 7.0, 20.0).astype(np.float32)
    monkeypatch.setattr(part, "raw", lambda pixels: (depth, True))
    far = part.distance(PICTURE, FOUND, [Name("dog", "", 1.0)] * 2, focal_px=FOCAL)
    ray = slant(HEIGHT, WIDTH, FOCAL)
    assert far[0].metres == pytest.approx(7.0 * float(np.median(ray[REGION])), rel=0.02)
    assert far[1].metres > 20.0


def test_relative_depth_runs_on_what_was_saved_and_uses_the_anchors(folders, monkeypatch):
    part = DepthAnything(folders("depth-anything"))
    raw, metric = part.raw(PIXELS)
    assert not metric
    assert np.isfinite(raw).all()
    monkeypatch.setattr(part, "raw", lambda pixels: (3.0 / scene_depth() + 1, False))
    flat = np.zeros((HEIGHT, WIDTH), bool)
    flat[HEIGHT // 2 :] = True
    monkeypatch.setattr(
        depth_module, "anchors_of", lambda *a, **k: ground_anchors(flat, HEIGHT / 2, FOCAL)
    )
    strip = np.zeros_like(flat)
    strip[50, 45] = True
    (far,) = part.distance(
        PICTURE, [Found(strip, "thing", 1.0)], [Name(None, "", 1)], focal_px=FOCAL
    )
    assert far.metres == pytest.approx(FOCAL * 1.6 / 20.5, rel=0.15)


def test_anchors_are_found_in_a_picture():
    found = [Found(REGION, "thing", 0.9, "dog")]
    anchors = anchors_module.anchors_of(
        PICTURE, found, [Name("dog", "a dog barking", 0.9)], focal_px=FOCAL
    )
    assert any(np.array_equal(one.mask, REGION) for one in anchors)


# --- names ---


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_the_words_nearest_to_a_region_are_its_name(folders, monkeypatch, name):
    part = plugins.made("namer", f"{name}:{folders(name)}", Settings(batch=2))
    given = part.name(PICTURE, FOUND)
    assert len(given) == 2
    vectors = np.eye(4, 16, dtype=np.float32)
    things = (
        Sight("a dog", "dog", "a dog barking"), Sight("a wall", None, ""),
        Sight("the sea", "sea-waves", "sea waves"), Sight("waves", "sea-waves", "sea waves"),
    )  # fmt: skip
    monkeypatch.setattr("earwitness.look.foundation.clip.sights", lambda: things)
    monkeypatch.setattr(part, "_words", lambda compared: vectors)
    seen = np.stack([vectors[0], vectors[2]])
    monkeypatch.setattr(part, "images", lambda pictures: seen)
    dog, sea = part.name(PICTURE, FOUND)
    assert (dog.concept, sea.concept) == ("dog", "sea-waves")
    monkeypatch.setattr(part, "images", lambda pictures: np.stack([vectors[1]] * 2))
    assert [one.concept for one in part.name(PICTURE, FOUND)] == [None, None]


def test_regions_in_a_batch_get_what_they_get_one_by_one(folders):
    crops = [PIXELS[:30], PIXELS[20:50, :40], PIXELS[:, 50:]]
    together = ClipNamer(folders("clip"), settings=Settings(batch=3)).images(crops)
    alone = ClipNamer(folders("clip"), settings=Settings(batch=1)).images(crops)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def speakers(folders):
    return {
        "blip": BlipNamer(folders("blip")),
        "smolvlm": ListeningNamer(folders("smolvlm"), entry="smolvlm"),
        "llava": ListeningNamer(folders("llava"), entry="llava"),
    }


@pytest.mark.parametrize("name", ["blip", "smolvlm", "llava"])
def test_models_that_speak_are_shown_each_region_and_their_words_are_its_name(
    folders, monkeypatch, name
):
    part = speakers(folders)[name]
    assert len(part.say([PIXELS, PIXELS[:40]])) == 2
    answers = [("The sound of a dog barking.\nIndeed.", 0.8), ("Nothing.", 0.9)]
    monkeypatch.setattr(part, "_answers", lambda images: answers[: len(images)])
    dog, silent = part.name(PICTURE, FOUND)
    assert (dog.concept, dog.words) == (FREE, "a dog barking")
    assert silent.concept is None


def test_another_model_s_folder_is_refused_at_once(folders):
    with pytest.raises(WeightsError, match="another model"):
        SamSegmenter(folders("clip"))
    with pytest.raises(WeightsError, match="another model"):
        plugins.made("depth", f"depth-anything-v2:{folders('sam')}")
    with pytest.raises(WeightsError, match="no folder"):
        plugins.made("namer", "clip:/nowhere/at/all")


def test_one_at_a_time_in_little_memory(folders):
    settings = Settings(low_memory=True)
    SamSegmenter(folders("sam"), settings=settings)._model()
    ClipNamer(folders("clip"), settings=settings)._model()
    assert len(settings.shelf.held) == 1
    assert "peak memory" in settings.shelf.report()
