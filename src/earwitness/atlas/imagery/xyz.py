"""Tiles from a server: XYZ and WMTS, by a provider's name or by a template."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.atlas.fetching import Fetcher
from earwitness.atlas.imagery.contract import Imagery, View
from earwitness.atlas.imagery.ground import (
    MERCATOR_EDGE_DEG,
    TILE_PX,
    ground_resolution_m,
    mercator_px,
    zoom_for,
)
from earwitness.errors import FetchError, OptionError, PlaceError
from earwitness.extras import load

MOST_TILES = 256
DEFAULT_MAX_ZOOM = 19
_LARGEST_TILE_PX = 1024
_LARGEST_TILE_BYTES = 4 * 1024 * 1024
_WORKERS = 4

_ALIASES = {
    "TileMatrix": "z", "TileCol": "x", "TileRow": "y",
    "tilematrix": "z", "tilecol": "x", "tilerow": "y",
    "level": "z", "col": "x", "row": "y",
}  # fmt: skip


@dataclass(frozen=True)
class Template:
    """A link with places for zoom, column and row.

    Parameters
    ----------
    text
        With ``{z}``, ``{x}`` and ``{y}`` (or ``{-y}``, counted from the south), WMTS's
        ``{TileMatrix}``, ``{TileCol}`` and ``{TileRow}`` in a Web Mercator matrix set, or ``{q}``
        (Bing's quadkey); ``{s}`` takes ``a``, ``{r}`` nothing.
    attribution
        Who is to be named.
    most_zoom
        Finest zoom asked for.
    name
        For messages.

    Raises
    ------
    OptionError
        If a place is missing or not known.

    Examples
    --------
    >>> Template("https://a.example/{TileMatrix}/{TileRow}/{TileCol}.jpg").url(3, 1, 2)
    'https://a.example/3/2/1.jpg'
    """

    text: str
    attribution: str = ""
    most_zoom: int = DEFAULT_MAX_ZOOM
    name: str = ""

    def __post_init__(self) -> None:
        text = re.sub(r"\{(\w+)\}", lambda m: "{" + _ALIASES.get(m[1], m[1]) + "}", self.text)
        held = set(re.findall(r"\{([^{}]*)\}", text))
        unknown = held - {"z", "x", "y", "-y", "s", "r", "q"}
        if unknown or not (({"z", "x"} <= held and held & {"y", "-y"}) or "q" in held):
            raise OptionError(
                f"the template {self.text[:100]!r} "
                + (f"holds {{{min(unknown)}}}; " if unknown else "lacks a place for the tile; ")
                + "give {z}, {x} and {y}, or WMTS's {TileMatrix}, {TileCol} and {TileRow}"
            )
        object.__setattr__(self, "text", text)
        if not self.name:
            host = re.sub(r"^https?://([^/:?]+).*$", r"\1", self.text)
            object.__setattr__(self, "name", host)

    def url(self, zoom: int, x: int, y: int) -> str:
        """Return the link of a tile."""
        values = {
            "z": zoom, "x": x, "y": y, "-y": 2**zoom - 1 - y, "s": "a", "r": "",
            "q": quadkey(zoom, x, y),
        }  # fmt: skip
        return re.sub(r"\{([^{}]*)\}", lambda m: str(values[m[1]]), self.text)


def quadkey(zoom: int, x: int, y: int) -> str:
    """Return Bing's name of a tile.

    Examples
    --------
    >>> quadkey(3, 3, 5)
    '213'
    """
    return "".join(str((x >> bit & 1) + 2 * (y >> bit & 1)) for bit in range(zoom - 1, -1, -1))


def provider(name: str) -> Template:
    """Return the template of a provider that xyzservices knows by name.

    Parameters
    ----------
    name
        Such as ``Esri.WorldImagery``; case, dots and spaces do not matter.

    Raises
    ------
    OptionError
        If none has that name, or it needs a key.
    """
    providers = load("xyzservices", "atlas", "tiles by a provider's name").providers
    try:
        found = providers.query_name(name)
    except ValueError:
        import difflib

        near = difflib.get_close_matches(name, list(providers.flatten()), n=3, cutoff=0.4)
        raise OptionError(
            f"no tiles are called {name!r}; "
            + (f"near are {', '.join(near)}. " if near else "")
            + "Give builtin, sentinel-2, a name such as Esri.WorldImagery, or a link with {z}, {x} "
            "and {y}"
        ) from None
    if found.requires_token():
        raise OptionError(
            f"{found.name} needs a key; give its link with the key in it instead: "
            f"https://…{{z}}/{{x}}/{{y}}…"
        )
    link = found.build_url(x="{x}", y="{y}", z="{z}")
    return Template(
        link,
        attribution=str(found.get("attribution", "")),
        most_zoom=min(int(found.get("max_zoom", DEFAULT_MAX_ZOOM)), DEFAULT_MAX_ZOOM),
        name=found.name,
    )


class TileServer:
    """A tile server as a source of imagery.

    Parameters
    ----------
    where
        A template, or a provider's name.
    """

    def __init__(self, where: str) -> None:
        self.template = Template(where) if "{" in where else provider(where)

    @property
    def finest_m(self) -> float:
        """Metres per pixel at the equator at the finest zoom."""
        return ground_resolution_m(self.template.most_zoom, 0.0)

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return a square; at places without fine tiles a coarser zoom is taken."""
        if fetcher is None:
            raise FetchError(
                f"{self.template.name} is on the network, which is not to be used here"
            )
        if abs(view.lat_deg) > MERCATOR_EDGE_DEG:
            raise PlaceError(
                f"latitude {view.lat_deg:g} is beyond Web Mercator's edge at "
                f"{MERCATOR_EDGE_DEG:.2f}; {self.template.name} has no tiles there. "
                f"Use --tiles builtin"
            )
        first = zoom_for(view.ground_m, view.lat_deg, most=self.template.most_zoom)
        while _tiles_across(view, first) ** 2 > MOST_TILES:
            first -= 1
        for zoom in range(first, max(-1, first - 6), -1):
            pixels, seen, found = self._mosaic(view, zoom, fetcher)
            if found:
                return Imagery(
                    pixels,
                    seen,
                    view,
                    ground_resolution_m(zoom, view.lat_deg),
                    f"{self.template.name}, zoom {zoom}",
                    self.template.attribution,
                )
        raise PlaceError(
            f"{self.template.name} has no tile at {view.lat_deg:.4f}, {view.lon_deg:.4f} from zoom "
            f"{first} to {max(0, first - 5)}; choose another place or other --tiles"
        )

    def _mosaic(
        self, view: View, zoom: int, fetcher: Fetcher
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_], int]:
        # Mercator is conformal: over a few kilometres one scale serves the whole square.
        x, y = mercator_px(view.lat_deg, view.lon_deg, zoom)
        half = view.radius_m / ground_resolution_m(zoom, view.lat_deg)
        left, top = int((x - half) // TILE_PX), int((y - half) // TILE_PX)
        right, bottom = int((x + half) // TILE_PX), int((y + half) // TILE_PX)
        count = 2**zoom
        wanted = [
            (column, row)
            for row in range(top, bottom + 1)
            if 0 <= row < count
            for column in range(left, right + 1)
        ]
        shape = ((bottom - top + 1) * TILE_PX, (right - left + 1) * TILE_PX)
        mosaic = np.zeros((*shape, 4), np.uint8)
        found = 0
        with ThreadPoolExecutor(_WORKERS) as pool:
            tiles = pool.map(
                lambda at: _tile(self.template.url(zoom, at[0] % count, at[1]), fetcher), wanted
            )
            for (column, row), tile in zip(wanted, tiles):
                if tile is not None:
                    found += 1
                    down, across = (row - top) * TILE_PX, (column - left) * TILE_PX
                    mosaic[down : down + TILE_PX, across : across + TILE_PX] = tile
        box = (
            x - half - left * TILE_PX,
            y - half - top * TILE_PX,
            x + half - left * TILE_PX,
            y + half - top * TILE_PX,
        )
        size = (view.size_px, view.size_px)
        sized = Image.fromarray(mosaic).resize(size, Image.Resampling.BICUBIC, box=box)
        out = np.asarray(sized, np.uint8)
        seen = out[..., 3] > 127
        return np.where(seen[..., None], out[..., :3], 0).astype(np.uint8), seen, found


def _tiles_across(view: View, zoom: int) -> int:
    return int(2.0 * view.radius_m / ground_resolution_m(zoom, view.lat_deg) / TILE_PX) + 2


def _tile(url: str, fetcher: Fetcher) -> NDArray[np.uint8] | None:
    """Return a tile as RGBA, 256 px, or None where the server has none."""
    held: list[NDArray[np.uint8]] = []
    accept: Callable[[bytes], None] = lambda body: held.append(decode_tile(body))  # noqa: E731
    try:
        fetcher.get(url, largest_bytes=_LARGEST_TILE_BYTES, accept=accept)
    except FetchError as error:
        if error.status in (204, 404, 410):
            return None
        raise
    return held[-1]


def decode_tile(body: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a tile as RGBA, 256 × 256.

    Raises
    ------
    FetchError
        If it is no whole picture of a size that tiles have.
    """
    try:
        with Image.open(io.BytesIO(body), formats=("PNG", "JPEG", "WEBP")) as image:
            if max(image.size) > _LARGEST_TILE_PX:
                raise FetchError(
                    f"a tile of {image.size[0]} × {image.size[1]} px; at most "
                    f"{_LARGEST_TILE_PX} px are taken. Check the template"
                )
            whole = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FetchError(
            f"a tile is no whole picture: {error}; try again later", passing=True
        ) from error
    if whole.size != (TILE_PX, TILE_PX):
        whole = whole.resize((TILE_PX, TILE_PX), Image.Resampling.BOX)
    return np.asarray(whole, np.uint8)
