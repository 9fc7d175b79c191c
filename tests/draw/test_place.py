"""The map of a place: where things are marked, and whom the picture is owed to."""

from __future__ import annotations

import numpy as np
import pytest

from earwitness.draw.canvas import colour
from earwitness.draw.place import draw_place
from earwitness.scene import Bed, Scene, Source, frame

GROUND = np.full((128, 128, 3), 60, np.uint8)


def drawn(scene, *, attribution="", heading_deg=0.0):
    heats = {"water": np.eye(8, dtype=np.float32)}
    canvas = draw_place(
        scene, GROUND, heats, [], radius_m=100.0, title="somewhere", attribution=attribution,
        heading_deg=heading_deg,
    )  # fmt: skip
    return np.asarray(canvas.image())


def bell(bearing_deg, metres=60.0):
    place = frame.xyz(-bearing_deg, 0.0, metres)
    return Source("bell-1", "bell", "church-bells", positions=((0.0, *(float(v) for v in place)),))


def marked(bearing_deg, heading_deg=0.0):
    """Return the bearing at which the source's dot stands on the tile, by its colour."""
    scene = Scene((bell(bearing_deg),), ())
    image = drawn(scene, heading_deg=heading_deg)[50 : 50 + 760, 16 : 16 + 760].astype(int)
    y, x = np.nonzero(np.abs(image - np.array(colour(0))).sum(axis=2) < 12)
    reach = np.hypot(x - 380, y - 380)
    ring = np.abs(reach - 380 * 0.78) < 7
    angle = np.arctan2(x[ring] - 380, 380 - y[ring])
    return float(np.degrees(np.angle(np.exp(1j * angle).mean()))) % 360


@pytest.mark.parametrize("bearing", [40, 100, 225, 300])
def test_a_source_is_marked_at_its_bearing_with_north_up(bearing):
    assert abs((marked(bearing) - bearing + 180) % 360 - 180) < 4


def test_a_listener_who_has_turned_still_sees_the_map_with_north_up():
    # In the scene's frame it is 30° to the right; looking east that is a bearing of 120°.
    assert abs(marked(30, heading_deg=90.0) - 120) < 4


def test_whom_the_picture_is_owed_to_stands_on_it():
    scene = Scene((), (Bed("wind-1", "wind", "wind"),))
    without, plain, marked_up = (
        drawn(scene, attribution=words)
        for words in ("", "© A & B", "<a href='https://a.example'>&copy; A & B</a>")
    )
    corner = np.s_[780:812, 500:780]
    assert (without[corner] != plain[corner]).any()
    assert (plain == marked_up).all()
    assert (without[50:700, 20:700] == plain[50:700, 20:700]).all()


def test_a_very_long_attribution_stays_on_the_picture():
    scene = Scene((), (Bed("wind-1", "wind", "wind"),))
    image = drawn(scene, attribution="owed to many people, " * 60)
    assert image.shape[1] == 1280
