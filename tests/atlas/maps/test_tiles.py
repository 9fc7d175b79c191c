"""Maps from a local file and from a tile server on loopback, and what goes wrong with these."""

from __future__ import annotations

import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from colours import Colours
from PIL import Image

from earwitness.atlas.marble import marble
from earwitness.errors import EarwitnessError, MapError
from earwitness.verbs.mapping import map_region

for _name in ("lancedb", "pyarrow", "rasterio", "h3", "mpl_toolkits.basemap_data"):
    pytest.importorskip(_name, reason=f"{_name} comes with the extra [atlas]")
rasterio = pytest.importorskip("rasterio")

_SPEC = importlib.util.spec_from_file_location(
    "map_tile_servers", Path(__file__).parents[1] / "servers.py"
)
servers = importlib.util.module_from_spec(_SPEC)
sys.modules["map_tile_servers"] = servers
_SPEC.loader.exec_module(servers)

ALPS = (5.0, 43.0, 9.0, 47.0)


def mapped(tiles: str, region=ALPS, ground_m=1500.0, **options):
    return map_region(
        region,
        ["the sea", "ice", "a forest"],
        tiles=tiles,
        step_deg=0.5,
        embedder=Colours(ground_m=ground_m),
        workers=1,
        allow_private=True,
        **options,
    )


def tile_png(zoom: int, x: int, y: int) -> bytes:
    """Return a Web Mercator tile cut from the Blue Marble: real imagery at its own places."""
    earth = marble()
    world = 256 * 2**zoom
    px = (np.arange(256) + 0.5 + 256 * x) / world
    py = (np.arange(256) + 0.5 + 256 * y) / world
    lon = px * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * py))))
    rows = np.clip(((90 - lat) * 15).astype(int), 0, 2699)
    pixels = earth[rows[:, None], ((lon + 180) * 15).astype(int) % 5400]
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def server():
    with servers.serving() as made:

        def tile(handler) -> None:
            zoom, x, y = (int(p.partition(".")[0]) for p in handler.path.strip("/").split("/"))
            servers.body(handler, 200, "image/png", tile_png(zoom, x, y))

        made.fallback = tile
        yield made


def test_a_tile_server_gives_the_map_that_the_same_imagery_gives(server) -> None:
    tiles = server.url + "/{z}/{x}/{y}.png"
    served = mapped(tiles, ground_m=7412.0).values
    here = mapped("builtin", ground_m=7412.0).values
    assert np.isfinite(served).all()
    for band, own in zip(served, here, strict=True):
        # Degrees narrow to the north in the built-in crops, kilometres do not: nearly the same.
        assert np.corrcoef(band.ravel(), own.ravel())[0, 1] > 0.9
    asked = sum(server.asked.values())
    mapped(tiles, ground_m=7412.0)
    assert sum(server.asked.values()) == asked  # the second map asks no tile


def test_a_geotiff_is_mapped_where_it_is_and_nowhere_else(tmp_path) -> None:
    earth = marble()
    file = tmp_path / "alps.tif"
    west, south, east, north = 5.0, 43.0, 9.0, 47.0
    part = earth[int((90 - north) * 15) : int((90 - south) * 15), int((180 + west) * 15) :][:, :60]
    with rasterio.open(
        file, "w", driver="GTiff", count=3, dtype="uint8", width=60, height=60, crs="EPSG:4326",
        transform=rasterio.transform.from_bounds(west, south, east, north, 60, 60),
    ) as out:  # fmt: skip
        out.write(np.moveaxis(part, 2, 0))
    made = mapped(str(file), region=(3.0, 43.0, 9.0, 47.0))
    assert np.isnan(made.values[:, :, :3]).all()
    assert np.isfinite(made.values[:, 1:-1, 5:-1]).all()
    with pytest.raises(MapError, match="no imagery"):
        mapped(str(file), region=(100.0, 0.0, 104.0, 4.0))


@pytest.mark.parametrize("fault", ["500", "text"])
def test_a_failing_server_is_one_clear_error_and_the_map_goes_on(server, fault, tmp_path) -> None:
    good, seen = server.fallback, 0

    def faulty(handler) -> None:
        nonlocal seen
        seen += 1
        if seen <= 3:
            good(handler)
        elif fault == "500":
            servers.body(handler, 500, "text/plain", b"broken")
        else:
            servers.body(handler, 200, "text/html", b"<p>log in</p>")

    server.fallback = faulty
    tiles = server.url + "/{z}/{x}/{y}.png"
    with pytest.raises(EarwitnessError):
        mapped(tiles, out=tmp_path / "a.tif")
    assert not [p for p in tmp_path.iterdir() if p.is_file()]
    server.fallback = good
    assert np.isfinite(mapped(tiles).values).all()


def test_a_private_address_needs_to_be_allowed(server) -> None:
    with pytest.raises(EarwitnessError, match="private"):
        map_region(
            ALPS,
            ["the sea"],
            tiles=server.url + "/{z}/{x}/{y}.png",
            step_deg=2.0,
            embedder=Colours(),
            workers=1,
        )


def test_imagery_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(EarwitnessError, match=r"absent\.tif"):
        mapped("absent.tif")
    with pytest.raises(EarwitnessError):
        mapped("No.SuchProvider")
