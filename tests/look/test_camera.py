"""The camera is followed through pans, tilts and zooms, past things that move; cuts are seen."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from scipy.spatial.transform import Rotation

from earwitness.look.camera import Camera

EXAMPLES = Path(__file__).parents[2] / "examples"
WIDTH, HEIGHT, FOCAL = 192, 108, 166.0


@pytest.fixture(scope="module", params=["stream.jpg", "dogs.jpg"])
def world(request):
    """A real photograph, wide, as the world that a virtual camera looks at."""
    image = Image.open(EXAMPLES / request.param).convert("L").resize((900, 560))
    return np.asarray(image, float)


def look(world, yaw, pitch=0.0, zoom=1.0, thing_at=None, seed=0):
    """What a camera sees that is turned by yaw and pitch, with a little noise."""
    v, u = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)
    x, y = (u - (WIDTH - 1) / 2) / (FOCAL * zoom), (v - (HEIGHT - 1) / 2) / (FOCAL * zoom)
    turned = Rotation.from_euler("YX", [yaw, pitch], degrees=True).as_matrix()
    rays = np.stack([x, y, np.ones_like(x)], -1) @ turned.T
    row = rays[..., 1] / rays[..., 2] * 420 + world.shape[0] / 2
    column = rays[..., 0] / rays[..., 2] * 420 + world.shape[1] / 2
    seen = ndimage.map_coordinates(world, [row, column], order=1, mode="reflect")
    rng = np.random.default_rng(seed)
    if thing_at is not None:
        thing = ndimage.zoom(np.random.default_rng(5).uniform(20, 235, (5, 5)), 6, order=1)
        seen[40:70, thing_at : thing_at + 30] = thing
    seen = seen + rng.normal(0, 2, seen.shape)
    return np.clip(seen, 0, 255).astype(np.uint8), turned


def error_deg(view, first, now):
    return np.degrees(Rotation.from_matrix(view.turned.T @ (first.T @ now)).magnitude())


@pytest.mark.parametrize("frames", [12, 40])
def test_a_pan_is_followed_past_a_thing_that_moves(world, frames):
    camera, first, cuts = Camera(FOCAL), None, 0
    for i in range(frames):
        at = i / (frames - 1)
        grey, turned = look(world, -14 + 28 * at, 2 * np.sin(5 * at), 1.0, int(10 + 130 * at), i)
        first = turned if first is None else first
        view = camera.add(grey)
        cuts += view.cut
        assert error_deg(view, first, turned) < 1.0
    assert cuts == 1


def test_a_zoom_turns_nothing(world):
    camera, view = Camera(FOCAL), None
    for i in range(12):
        view = camera.add(look(world, 0, zoom=1 + i / 40, seed=i)[0])
        assert np.degrees(Rotation.from_matrix(view.turned).magnitude()) < 0.3
    assert view.zoom == pytest.approx(1 + 11 / 40, rel=0.02)


def test_a_still_camera_stands_still(world):
    camera = Camera(FOCAL)
    for i in range(10):
        view = camera.add(look(world, 3, thing_at=20 + 10 * i, seed=i)[0])
    assert np.degrees(Rotation.from_matrix(view.turned).magnitude()) < 0.15


def test_a_cut_is_seen_and_only_the_cut():
    stream, dogs = (
        np.asarray(Image.open(EXAMPLES / name).convert("L").resize((900, 560)), float)
        for name in ("stream.jpg", "dogs.jpg")
    )
    camera = Camera(FOCAL)
    frames = [look(stream, i, seed=i)[0] for i in range(6)]
    frames += [look(dogs, -i, seed=i)[0] for i in range(6)]
    assert [i for i, grey in enumerate(frames) if camera.add(grey).cut] == [0, 6]


def test_a_flat_picture_is_no_trouble():
    camera = Camera(FOCAL)
    flat = np.full((HEIGHT, WIDTH), 90, np.uint8)
    for _ in range(3):
        view = camera.add(flat)
    assert not view.cut
    assert np.isfinite(view.turned).all()


def test_a_thing_that_comes_nearer_is_no_zoom(world):
    """It grows in the middle of the picture while the camera pans."""
    rng = np.random.default_rng(4)
    texture = ndimage.zoom(rng.uniform(20, 235, (12, 12)), 8, order=1)
    camera, first, view = Camera(FOCAL), None, None
    for i in range(40):
        grey, turned = look(world, -8 + 0.4 * i, seed=i)
        first = turned if first is None else first
        side = 30 + i // 2
        card = ndimage.zoom(texture, side / texture.shape[0], order=1)
        top, left = (HEIGHT - card.shape[0]) // 2, (WIDTH - card.shape[1]) // 2
        grey[top : top + card.shape[0], left : left + card.shape[1]] = np.clip(card, 0, 255)
        view = camera.add(grey)
        assert error_deg(view, first, turned) < 0.5
    assert view.zoom == pytest.approx(1.0, abs=0.01)
