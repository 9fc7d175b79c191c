"""The map as a Cloud Optimised GeoTIFF, one named band for each query."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.errors import OutputError
from earwitness.extras import load
from earwitness.media.output import beside, reason

CRS = "EPSG:4326"
_BLOCK = 256


@contextlib.contextmanager
def _gdal_explained(path: Path, most_bytes: int) -> Iterator[None]:
    """Tell what GDAL says of a file of at most so many bytes as one error.

    On a disk without room GDAL's TIFF library writes a line of its own to the error stream, past
    every handler. So where room is short, that stream is put aside for as long.
    """
    rasterio = load("rasterio", "atlas", "a map")
    # Some errors of GDAL come as they are.
    told = (rasterio.errors.RasterioError, load("rasterio._err", "atlas", "a map").CPLE_BaseError)
    with contextlib.ExitStack() as stack:
        free = shutil.disk_usage(path.parent).free
        if free < most_bytes:
            stack.enter_context(_stderr_aside())
        try:
            yield
        except told as error:
            left = shutil.disk_usage(path.parent).free
            why = "the disk is full" if free < most_bytes else reason(error)
            raise OutputError(
                f"{path} cannot be written: {why}; {left / 1e6:.1f} MB are free there"
            ) from error


@contextlib.contextmanager
def _stderr_aside() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def write_raster(
    path: str | os.PathLike[str],
    values: NDArray[np.float32] | NDArray[np.uint8],
    names: Sequence[str],
    bounds: tuple[float, float, float, float],
    *,
    tags: Mapping[str, str] | None = None,
    units: str = "cosine similarity",
    colours: Sequence[tuple[int, int, int]] | None = None,
) -> None:
    """Write values as a Cloud Optimised GeoTIFF, whole or not at all.

    Parameters
    ----------
    path
        The file.
    values
        Shape ``(bands, rows, columns)``, north at the top. No data is NaN, or 255 for kinds.
    names
        Each band's description, as QGIS shows it.
    bounds
        West, south, east, north, degrees, EPSG:4326; east may exceed 180.
    tags
        What the file says of itself.
    units
        What the values are.
    colours
        Of kinds 0, 1, …, where the values are kinds.

    Raises
    ------
    OutputError
        If the file cannot be written.
    PluginError
        If the extra ``[atlas]`` is not installed.
    """
    rasterio: Any = load("rasterio", "atlas", "a map")
    gdal: Any = load("rasterio.shutil", "atlas", "a map")
    final = Path(path)
    bands, rows, columns = values.shape
    west, south, east, north = bounds
    kinds = values.dtype == np.uint8
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "dtype": values.dtype.name,
        "count": bands,
        "height": rows,
        "width": columns,
        "crs": CRS,
        "transform": rasterio.Affine(
            (east - west) / columns, 0.0, west, 0.0, -(north - south) / rows, north
        ),
        "nodata": 255 if kinds else float("nan"),
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "compress": "deflate",
        "bigtiff": "if_safer",
        "interleave": "band",
    }
    with (
        beside(final) as made,
        tempfile.TemporaryDirectory(prefix=f".{final.stem[:40]}-", dir=made.parent) as scratch,
        _gdal_explained(final, 3 * values.nbytes + (1 << 20)),
        rasterio.Env(GDAL_CACHEMAX=64),
    ):
        plain = Path(scratch) / "plain.tif"
        with rasterio.open(plain, "w", **profile) as file:
            for first in range(0, rows, _BLOCK):
                end = min(rows, first + _BLOCK)
                window = rasterio.windows.Window(0, first, columns, end - first)
                file.write(np.asarray(values[:, first:end]), window=window)
            for band, name in enumerate(names, start=1):
                file.set_band_description(band, name)
                file.set_band_unit(band, units)
                if colours:
                    table = {k: (*colour, 255) for k, colour in enumerate(colours)}
                    file.write_colormap(band, {**table, 255: (0, 0, 0, 0)})
            file.update_tags(**dict(tags or {}))
        # GDAL's own driver lays the file out as the format asks.
        gdal.copy(
            plain,
            made,
            driver="COG",
            compress="deflate",
            predictor="yes",
            blocksize=_BLOCK,
            overview_resampling="mode" if kinds else "average",
            bigtiff="if_safer",
        )
        _check(rasterio, made, values.shape)


def _check(rasterio: Any, path: Path, shape: tuple[int, ...]) -> None:
    """Read the last block back: GDAL does not tell of a disk that filled while closing."""
    with rasterio.open(path) as file:
        if (file.count, file.height, file.width) != shape:
            raise OutputError(f"{path.name} could not be written to its end; is the disk full?")
        window = rasterio.windows.Window(max(0, shape[2] - 1), max(0, shape[1] - 1), 1, 1)
        file.read(shape[0], window=window)
