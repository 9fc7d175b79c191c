"""Sources of imagery by what a user writes for ``--tiles`` or ``--image``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from earwitness import plugins
from earwitness.atlas.imagery.contract import TileSource
from earwitness.errors import OptionError


def open_tiles(words: str) -> TileSource:
    """Return a source of imagery.

    Parameters
    ----------
    words
        ``builtin``; ``sentinel-2`` (or ``sentinel-2:CATALOGUE``); a provider's name
        (``Esri.WorldImagery``); a link with ``{z}``, ``{x}`` and ``{y}``; or ``NAME:ARGUMENT`` of
        a source that a package adds; or the path of a GeoTIFF.

    Raises
    ------
    OptionError, PluginError
        If there is no such source.

    Examples
    --------
    >>> open_tiles("https://tiles.example/{z}/{x}/{y}.png").template.name
    'tiles.example'
    """
    text = words.strip()
    if not text:
        raise OptionError("no tiles are named; give builtin, or see earwitness visit --help")
    source: TileSource
    if "{" in text and text.startswith(("http://", "https://")):
        source = plugins.make("tiles", "xyz", text)
        return source
    if Path(text).suffix.lower() in (".tif", ".tiff", ".jp2"):
        source = plugins.make("tiles", "file", text)
        return source
    kind, colon, argument = text.partition(":")
    if kind in plugins.names("tiles"):
        source = plugins.make("tiles", kind, *([argument] if colon else []))
        return source
    if text.startswith(("http://", "https://")):
        raise OptionError(
            f"{text[:100]} has no places for the tile; give a link with {{z}}, {{x}} and {{y}}"
        )
    source = plugins.make("tiles", "xyz", text)
    return source


def open_image(
    path: str, *, ground_m: float | None = None, bands: Sequence[int] | None = None
) -> TileSource:
    """Return a local picture as a source of imagery.

    Parameters
    ----------
    path
        A GeoTIFF or another georeferenced file; any picture where ``ground_m`` is given.
    ground_m
        Metres per pixel of a picture that does not say where it is.
    bands
        Red, green and blue of a georeferenced file.
    """
    if ground_m is not None:
        from earwitness.atlas.imagery.raster import PlainPicture

        return PlainPicture(path, ground_m)
    from earwitness.atlas.imagery.raster import RasterFile

    return RasterFile(path, bands=bands)
