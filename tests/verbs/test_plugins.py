"""Another package can add a part, chosen by its name, through an entry point."""

import sys

import numpy as np
import pytest

from earwitness import listen, plugins
from earwitness.errors import PluginError


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed package that offers a segmenter, a namer, a depth, a voice and a renderer."""
    (tmp_path / "thirdparty.py").write_text(
        """
import numpy as np
from earwitness.look.contract import Distance, Found, Name
from earwitness.voice.contract import Voiced

class Segmenter:
    def segment(self, picture):
        mask = np.zeros(picture.pixels.shape[:2], bool)
        mask[10:30, 40:60] = True
        return [Found(mask, "thing", 0.9)]

class Namer:
    def name(self, picture, found):
        return [Name("church-bells", "the bells of a third party", 0.8) for _ in found]

class Depth:
    def distance(self, picture, found, names, *, focal_px):
        return [Distance(7.0, 1.1) for _ in found]

class Voice:
    def voice(self, request):
        sine = np.sin(np.arange(request.samples) * 0.05).astype(np.float32) * 0.1
        return Voiced(iter([sine]), "church-bells", "a sine")

class Tracker:
    def begin(self, picture, masks):
        self.masks = masks

    def step(self, picture):
        return self.masks

class Tiles:
    pass

class Renderer:
    def lays_out(self, layout):
        return layout.title == "mono"

    def render(self, scene, stems, *, layout, rate_hz):
        yield np.full((1, round(scene.duration_s * rate_hz)), 0.25, np.float32)

class Guide:
    name = "thirdparty"

    def match(self, pixels, sound):
        return sound

class Tiles:
    pass

"""
    )
    info = tmp_path / "thirdparty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: thirdparty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\nthird = thirdparty:{role.capitalize()}\n\n"
            for role, group in plugins.GROUPS.items()
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("thirdparty", None)


@pytest.mark.usefixtures("plugin")
def test_every_role_takes_a_part_of_another_package(tmp_path):
    from PIL import Image

    Image.new("RGB", (100, 50), (90, 140, 90)).save(tmp_path / "a.png")
    heard = listen(
        tmp_path / "a.png", look="third+third", name="third", voice="third", duration_s=0.5
    )
    (source,) = heard.scene.sources
    assert source.name == "the bells of a third party"
    assert source.distance_m == pytest.approx(7.0, rel=1e-3)
    assert source.azimuth_deg == pytest.approx(0.0, abs=1.0)
    sound = heard.render("mono", renderer="third", loudness_lufs=None).sound
    assert np.allclose(sound.samples, sound.samples[0, 0])


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("role", sorted(plugins.GROUPS))
def test_a_part_is_found_by_its_name(role):
    assert "third" in plugins.names(role)
    assert type(plugins.make(role, "third")).__name__.lower() == role


@pytest.mark.parametrize("role", sorted(plugins.GROUPS))
def test_an_unknown_part_is_told_with_those_that_exist(role):
    with pytest.raises(PluginError, match=rf"no {role} is called 'nobody'; there is \w+"):
        plugins.make(role, "nobody")


def test_a_part_that_cannot_be_imported_is_told(plugin, tmp_path, monkeypatch):
    (tmp_path / "thirdparty.py").write_text("import a_module_that_is_not_there\n")
    with pytest.raises(PluginError, match=r"needs a module that is not installed.*a_module"):
        plugins.make("voice", "third")
