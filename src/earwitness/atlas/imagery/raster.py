"""Georeferenced pictures: GeoTIFF and its cloud-optimised kind, any CRS, any bands, any depth."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.fetching import Fetcher
from earwitness.atlas.imagery.contract import Imagery, View
from earwitness.atlas.imagery.remote import RemoteBytes
from earwitness.errors import MediaError, OptionError, PlaceError
from earwitness.extras import load
from earwitness.media.pictures import check_file, largest_px

DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\0\0\0\x0cjP  ": "JP2OpenJPEG",
}
"""GDAL drivers by how their files begin: those that read one file and nothing else. (A VRT, for
one, may name any other file.)"""

MOST_BANDS = 64
_METRES_PER_DEGREE = 111_195.0


def parse_bands(text: str | None) -> tuple[int, ...] | None:
    """Return the band numbers that ``"4,3,2"`` names: red, green, blue, or one for grey.

    Examples
    --------
    >>> parse_bands("4,3,2")
    (4, 3, 2)
    """
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if len(words) not in (1, 3) or not all(word.isdigit() and int(word) >= 1 for word in words):
        raise OptionError(f"bands {text!r}; give three numbers from 1 such as 4,3,2, or one")
    return tuple(int(word) for word in words)


@contextlib.contextmanager
def gdal() -> Iterator[Any]:
    """Give rasterio in an environment in which GDAL reads what it is given and nothing beside it.

    No sidecar files, no look into folders, no network of GDAL's own, bounded memory.
    """
    rasterio = load("rasterio", "atlas", "georeferenced imagery")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.Env(
            GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR",
            CPL_VSIL_CURL_ALLOWED_EXTENSIONS=".none",
            GDAL_PAM_ENABLED="NO",
            GDAL_CACHEMAX=128 * 1024 * 1024,
        ):
            yield rasterio


class RasterFile:
    """A georeferenced file as a source of imagery.

    Parameters
    ----------
    path
        The file.
    bands
        Red, green and blue (or one for grey), counted from 1; None takes what the file says, else
        the first three.
    opener
        The bytes of a file that is not on this disk.
    name, attribution
        For what is drawn.
    scale
        Values that become black and white; None: 8-bit values as they are, others from the 1st to
        the 99th percentile of what is seen.
    """

    def __init__(
        self,
        path: str,
        *,
        bands: Sequence[int] | None = None,
        opener: RemoteBytes | None = None,
        name: str | None = None,
        attribution: str = "",
        scale: tuple[float, float] | None = None,
    ) -> None:
        self._driver = "GTiff"
        if opener is None:
            check_file(Path(path), "picture")
            self._driver = _driver(Path(path))
        self.path, self.bands, self.opener = path, bands, opener
        self.name = name or Path(path).name
        self.attribution, self.scale = attribution, scale

    @contextlib.contextmanager
    def _open(self) -> Iterator[Any]:
        with gdal() as rasterio:
            # An absolute path cannot be taken for one of GDAL's own file systems (/vsicurl/…),
            # and check_file has seen that it is a file.
            where = self.path if self.opener is not None else str(Path(self.path).resolve())
            more = {"opener": self.opener} if self.opener is not None else {}
            try:
                with rasterio.open(where, driver=self._driver, **more) as file:
                    yield file
            except rasterio.errors.RasterioError as error:
                if self.opener is not None and self.opener.trouble is not None:
                    raise self.opener.trouble from None
                raise MediaError(
                    f"{self.name} cannot be read: {error}; it may be damaged"
                ) from error

    @property
    def finest_m(self) -> float:
        """Metres per pixel, about."""
        with self._open() as file:
            return self._resolution_m(file)

    def middle(self) -> tuple[float, float]:
        """Return latitude and longitude of the middle of the file.

        Raises
        ------
        MediaError
            If the file does not say where it is, or that is nowhere.
        """
        with self._open() as file:
            self._check(file)
            from rasterio.warp import transform

            a, b, c, d, e, f = tuple(file.transform)[:6]
            x = a * file.width / 2 + b * file.height / 2 + c
            y = d * file.width / 2 + e * file.height / 2 + f
            try:
                (lon,), (lat,) = transform(file.crs, "EPSG:4326", [x], [y])
            except Exception as error:
                if not type(error).__name__.startswith("CPLE_"):  # GDAL's, without a public name
                    raise
                lon = lat = math.nan
            if not (abs(lat) <= 90.0 and math.isfinite(lon)):
                raise MediaError(
                    f"{self.name} says that its middle lies at {x:g}, {y:g} of {file.crs}, which "
                    f"is nowhere on Earth; mend its georeference, or give its metres per pixel "
                    f"with --ground"
                )
            return float(lat), float(lon)

    def reach_m(self) -> float:
        """Return half of the shorter side, metres, about."""
        with self._open() as file:
            return float(self._resolution_m(file) * min(file.width, file.height) / 2.0)

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return a square, warped to true metres around its middle."""
        del fetcher
        with self._open() as file:
            self._check(file)
            from rasterio import Affine
            from rasterio.enums import Resampling
            from rasterio.vrt import WarpedVRT

            bands = self._bands(file)
            native = self._resolution_m(file)
            size, radius = view.size_px, view.size_px * view.ground_m / 2.0
            local = (
                f"+proj=aeqd +lat_0={view.lat_deg!r} +lon_0={view.lon_deg!r} +datum=WGS84 +units=m"
            )
            shrinking = view.ground_m > native * 1.5
            with WarpedVRT(
                file,
                crs=local,
                transform=Affine(view.ground_m, 0.0, -radius, 0.0, -view.ground_m, radius),
                width=size,
                height=size,
                resampling=Resampling.average if shrinking else Resampling.bilinear,
                add_alpha=file.nodata is None and "alpha" not in _colours(file),
            ) as warped:
                values = warped.read(bands).astype(np.float64)
                seen = warped.dataset_mask() > 127
        seen &= np.isfinite(values).all(axis=0)
        pixels = to_8bit(values, seen, file_is_8bit=file.dtypes[0] == "uint8", scale=self.scale)
        return Imagery(pixels, seen, view, native, self.name, self.attribution)

    def _check(self, file: Any) -> None:
        if file.crs is None:
            raise MediaError(
                f"{self.name} does not say where on Earth it is (it has no CRS); give a "
                f"georeferenced file, or its metres per pixel with --ground to take it as north up "
                f"with the listener in the middle"
            )
        if file.count > MOST_BANDS:
            raise MediaError(f"{self.name} has {file.count} bands; at most {MOST_BANDS} are read")
        blocks = [height * width for height, width in file.block_shapes]
        if max(blocks) > largest_px():
            raise MediaError(
                f"{self.name} is stored in blocks of {max(blocks)} pixels; at most {largest_px()} "
                f"are read. Write it in tiles (rio cogeo create)"
            )

    def _bands(self, file: Any) -> list[int]:
        if self.bands is not None:
            if max(self.bands) > file.count:
                raise OptionError(
                    f"band {max(self.bands)} of {self.name}, which has {file.count}; choose from "
                    f"1 to {file.count}"
                )
            return list(self.bands)
        told = {colour.name: i + 1 for i, colour in reversed(list(enumerate(file.colorinterp)))}
        if {"red", "green", "blue"} <= set(told):
            return [told["red"], told["green"], told["blue"]]
        return [1, 2, 3] if file.count >= 3 else [1]

    def _resolution_m(self, file: Any) -> float:
        a, b, _, d, e, _ = tuple(file.transform)[:6]
        across = math.sqrt(abs(a * e - b * d))
        if file.crs is not None and file.crs.is_geographic:
            lat = min(abs(file.transform.f), 89.0)
            return float(across * _METRES_PER_DEGREE * math.sqrt(math.cos(math.radians(lat))))
        factor = file.crs.linear_units_factor[1] if file.crs is not None else 1.0
        return float(across * factor)


def _driver(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    for magic, driver in DRIVERS.items():
        if head.startswith(magic):
            return driver
    raise MediaError(
        f"{path.name} is no GeoTIFF and no JPEG 2000; give one, or give the metres per pixel of a "
        f"plain picture with --ground"
    )


def _colours(file: Any) -> list[str]:
    return [str(colour.name) for colour in file.colorinterp]


def to_8bit(
    values: NDArray[np.float64],
    seen: NDArray[np.bool_],
    *,
    file_is_8bit: bool,
    scale: tuple[float, float] | None = None,
) -> NDArray[np.uint8]:
    """Return bands ``(1 or 3, n, n)`` as 8-bit RGB ``(n, n, 3)``, black where nothing is seen.

    All bands are stretched alike, so that the colours stay what they are.
    """
    if scale is None and not file_is_8bit and seen.any():
        low, high = np.percentile(values[:, seen], [1.0, 99.0])
        scale = (float(low), float(max(high, low + 1e-12)))
    if scale is not None:
        values = (values - scale[0]) / (scale[1] - scale[0]) * 255.0
    values = np.where(seen, np.nan_to_num(values), 0.0)
    pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    if len(pixels) == 1:
        pixels = np.repeat(pixels, 3, axis=0)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))


class PlainPicture:
    """A picture from above that does not say where it is: north up, the listener in the middle.

    Parameters
    ----------
    path
        A picture file.
    ground_m
        Metres per pixel.
    """

    def __init__(self, path: str, ground_m: float) -> None:
        from earwitness.media import read_picture

        if not 0.01 <= ground_m <= 10_000.0:
            raise OptionError(f"{ground_m:g} metres per pixel; give 0.01 to 10000, such as 0.5")
        self.name = Path(path).name
        self._pixels = read_picture(path).pixels
        self._ground_m = ground_m

    @property
    def finest_m(self) -> float:
        """Metres per pixel."""
        return self._ground_m

    def reach_m(self) -> float:
        """Return half of the shorter side, metres."""
        return float(self._ground_m * min(self._pixels.shape[:2]) / 2.0)

    def view(self, view: View, fetcher: Fetcher | None) -> Imagery:
        """Return the square around the picture's middle."""
        del fetcher
        from PIL import Image

        height, width = self._pixels.shape[:2]
        half = view.radius_m / self._ground_m
        n = view.size_px
        box = (width / 2 - half, height / 2 - half, width / 2 + half, height / 2 + half)
        if box[0] < -0.5 or box[1] < -0.5:
            raise PlaceError(
                f"{self.name} reaches {self.reach_m():.0f} m from its middle and the radius is "
                f"{view.radius_m:g} m; give a smaller --radius"
            )
        box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height))
        sized = Image.fromarray(self._pixels).resize((n, n), Image.Resampling.BICUBIC, box=box)
        seen = np.ones((n, n), np.bool_)
        return Imagery(np.asarray(sized, np.uint8), seen, view, self._ground_m, self.name, "")
