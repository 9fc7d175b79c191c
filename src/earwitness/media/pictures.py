"""Still pictures: files of many kinds in, upright 8-bit RGB out.

The size is read from the header and checked before anything is decoded, and only the formats
named in :data:`FORMATS` are tried, so that a file cannot reach a decoder that nobody meant.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features

from earwitness.errors import MediaError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""Pillow's names of the formats that are read (JPEG takes in MPO, a camera's JPEG with further
pictures in it). AVIF joins them where Pillow was built with it, HEIC when pillow-heif is installed.
"""

LARGEST_PX = 150_000_000
"""Most pixels that are decoded, unless ``EARWITNESS_MAX_PIXELS`` says otherwise."""

SMALLEST_PX = 16
"""Fewest pixels on a side in which anything could be seen."""

_BACKGROUND = 200  # what shows through transparent pixels: a light grey, like paper


@dataclass(frozen=True)
class Window:
    """The part of the sphere that an equirectangular picture shows.

    Parameters
    ----------
    left_deg
        Azimuth of its left edge; of a picture all the way round 180°.
    top_deg
        Elevation of its upper edge.
    width_deg
        How wide it is, more than 0 and at most 360°.
    """

    left_deg: float
    top_deg: float
    width_deg: float


@dataclass(frozen=True, eq=False)
class Picture:
    """A still picture, upright, 8-bit RGB.

    Parameters
    ----------
    pixels
        uint8, shape ``(height, width, 3)``.
    focal_35mm
        Focal length as for 35 mm film (36 mm wide), mm, when the file says so.
    name
        The file's name without its folder, for messages and ``origin``.
    equirect
        Whether the file says that it is an equirectangular panorama (XMP GPano).
    window
        Which part of the sphere that panorama shows, when the file says that it is not all round.
    """

    pixels: NDArray[np.uint8]
    focal_35mm: float | None = None
    name: str = "picture"
    equirect: bool = False
    window: Window | None = None

    @property
    def height_px(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def width_px(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])


def largest_px() -> int:
    """Return the most pixels that are decoded."""
    wanted = os.environ.get("EARWITNESS_MAX_PIXELS", "")
    return int(wanted) if wanted.isdigit() and int(wanted) > 0 else LARGEST_PX


def formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats that are read here."""
    known = (*FORMATS, "AVIF") if features.check("avif") else FORMATS
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return known
    register_heif_opener()
    return (*known, "HEIF")


def check_file(path: Path, what: str) -> None:
    """Check that a path is a file with something in it.

    Parameters
    ----------
    path
        The file.
    what
        What was expected, for the message ("picture").

    Raises
    ------
    MediaError
        If there is nothing there, a folder, nothing in it, or no permission to read it.
    """
    try:
        if path.is_dir():
            raise MediaError(f"{path} is a folder; give the path of a {what} file")
        if not path.exists():
            if re.match("[a-z]{2,}:/", str(path)):
                raise MediaError(f"{path} is an address; files alone are read: fetch it first")
            raise MediaError(f"there is no file {path}; check the path")
        if not path.is_file():
            raise MediaError(f"{path} is not a regular file; give the path of a {what} file")
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty (0 bytes); it holds no {what}")
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be opened: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


def _focal_35mm(image: Image.Image) -> float | None:
    """Return EXIF's focal length for 35 mm film, when it is there and plausible."""
    try:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        focal = float(details.get(ExifTags.Base.FocalLengthIn35mmFilm) or 0.0)
    except (ValueError, TypeError, ZeroDivisionError, SyntaxError, KeyError, OSError, struct.error):
        return None
    return focal if 4.0 <= focal <= 3000.0 else None


def _about(image: Image.Image) -> bytes:
    """Return what XMP says of a picture.

    The few words that matter are looked for as they are written, so that no XML from a stranger
    is parsed.
    """
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode("utf-8", "ignore") if isinstance(packet, str) else bytes(packet)


def _says_equirect(about: bytes) -> bool:
    """Return whether XMP says that the picture is an equirectangular panorama."""
    return b"GPano:ProjectionType" in about and b"equirectangular" in about.lower()


def _window(about: bytes) -> Window | None:
    """Return the part of the sphere that XMP says a panorama shows, if it says so and it can be.

    Source: Google's photo sphere metadata (GPano).
    """

    def number(name: bytes) -> float:
        found = re.search(rb"GPano:%s\s*(?:=\s*[\"']|>)\s*(\d{1,7})" % name, about)
        return float(found[1]) if found else math.nan

    wide, high = number(b"CroppedAreaImageWidthPixels"), number(b"CroppedAreaImageHeightPixels")
    left, top = number(b"CroppedAreaLeftPixels"), number(b"CroppedAreaTopPixels")
    full_wide, full_high = number(b"FullPanoWidthPixels"), number(b"FullPanoHeightPixels")
    fits = 0 < wide <= full_wide - left and 0 < high <= full_high - top  # not with NaN
    if not fits or (wide, high) == (full_wide, full_high):
        return None
    per_px = 360.0 / full_wide
    return Window(180.0 - left * per_px, 90.0 - 180.0 * top / full_high, wide * per_px)


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Return any Pillow mode as 8-bit RGB."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, dtype=np.float64)
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
        if image.mode == "F" and (low < 0.0 or high > 255.0):
            values = (values - low) * (255.0 / max(high - low, 1e-12))
        elif high > 255.0:
            values = values * (255.0 / 65535.0)
        grey = np.clip(values, 0.0, 255.0).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "P" and "transparency" not in image.info:
        image = image.convert("RGB")
    elif image.mode in ("P", "LA", "La", "PA", "RGBa", "RGBA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        paper = Image.new("RGBA", layered.size, (_BACKGROUND,) * 3 + (255,))
        image = Image.alpha_composite(paper, layered).convert("RGB")
    elif image.mode != "RGB":
        image = image.convert("RGB")
    return np.array(image, dtype=np.uint8)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a still picture; of a file with several, the first.

    Parameters
    ----------
    path
        JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF; HEIC when ``pillow-heif`` is installed.

    Returns
    -------
    Picture
        Upright (EXIF orientation applied), 8-bit RGB, transparency laid over light grey.

    Raises
    ------
    MediaError
        If there is no such file, it is no picture, is cut short, or is too large or too small.
    """
    file = Path(path)
    check_file(file, "picture")
    allowed = largest_px()
    try:
        with file.open("rb") as stream, _no_bomb_warning(), _open(stream) as image:
            width, height = image.size
            if width * height > allowed:
                raise MediaError(
                    f"{file} is {width} x {height} pixels; at most {allowed} pixels in all are "
                    f"decoded. Make it smaller, or raise EARWITNESS_MAX_PIXELS"
                )
            if min(width, height) < SMALLEST_PX:
                raise MediaError(
                    f"{file} is {width} x {height} pixels; nothing can be seen in fewer than "
                    f"{SMALLEST_PX} on a side"
                )
            focal = _focal_35mm(image)
            about = _about(image)
            equirect = _says_equirect(about)
            image.load()
            with contextlib.suppress(ValueError, TypeError, KeyError, SyntaxError, struct.error):
                image = _upright(image)
            window = _window(about) if equirect else None
            return Picture(to_rgb(image), focal, file.name, equirect, window)
    except UnidentifiedImageError:
        raise MediaError(
            f"{file} is not a picture that can be read; give one of {', '.join(formats())}"
            f"{_heic_hint(file)}"
        ) from None
    except Image.DecompressionBombError:
        raise MediaError(
            f"{file} says it is larger than any picture that is decoded "
            f"({allowed} pixels); make it smaller"
        ) from None
    except MediaError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError) as error:
        raise MediaError(
            f"{file} cannot be read to its end: {_reason(error)}. It may be cut short or damaged; "
            f"fetch or export it again"
        ) from error
    except MemoryError:
        raise MediaError(f"{file} needs more memory than there is; make it smaller") from None


def _open(stream: Any) -> Image.Image:
    return Image.open(stream, formats=list(formats()))


def _upright(image: Image.Image) -> Image.Image:
    return ImageOps.exif_transpose(image)


@contextlib.contextmanager
def _no_bomb_warning() -> Any:
    # Our own limit is checked right after the header is read, with a clear error.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
        yield


_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1")


def _heic_hint(file: Path) -> str:
    with file.open("rb") as stream:
        head = stream.read(12)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS and "HEIF" not in formats():
        return "; for HEIC install the extra, pip install 'earwitness[heic]', or save it as JPEG"
    return ""
