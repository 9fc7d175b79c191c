"""Pictures of every kind come in upright, 8-bit RGB; what is no picture is told in one line."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, features

from earwitness.errors import MediaError
from earwitness.media import read_picture
from earwitness.media.pictures import Window

RED, BLUE = (200, 30, 20), (20, 40, 210)


def two_halves(width=64, height=48):
    """Left half red, right half blue."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2], pixels[:, width // 2 :] = RED, BLUE
    return pixels


def near(pixel, colour, within=14):
    return np.abs(np.asarray(pixel, int) - colour).max() <= within


AVIF = pytest.param(
    "avif", marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", "bmp", "gif", AVIF])
def test_every_format_gives_the_same_picture(tmp_path, suffix):
    file = tmp_path / f"halves.{suffix}"
    Image.fromarray(two_halves()).save(file)
    picture = read_picture(file)
    assert (picture.width_px, picture.height_px) == (64, 48)
    assert near(picture.pixels[24, 10], RED)
    assert near(picture.pixels[24, 54], BLUE)


@pytest.mark.parametrize("mode", ["L", "P", "1", "CMYK", "RGBA", "LA", "YCbCr", "I", "F"])
def test_every_mode_becomes_rgb(tmp_path, mode):
    file = tmp_path / ("modes.png" if mode in ("L", "P", "1", "RGBA", "LA") else "modes.tiff")
    pixels = two_halves() // 4
    pixels[:, 32:] += 190
    Image.fromarray(pixels).convert(mode).save(file)
    seen = read_picture(file).pixels
    assert seen.dtype == np.uint8
    assert seen.shape == (48, 64, 3)
    assert seen[:, 40:].mean() > seen[:, :24].mean() + 100


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_sixteen_bits_keep_their_brightness(tmp_path, suffix):
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    Image.fromarray(np.tile(ramp, (32, 1))).save(tmp_path / f"deep.{suffix}")
    row = read_picture(tmp_path / f"deep.{suffix}").pixels[0, :, 0].astype(int)
    assert np.abs(row - np.arange(256)).max() <= 1


def test_transparency_is_laid_over_light_paper(tmp_path):
    Image.new("RGBA", (32, 32), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert near(read_picture(tmp_path / "clear.png").pixels[5, 5], (200, 200, 200), 1)


def test_palette_transparency_is_seen_too(tmp_path):
    image = Image.new("P", (32, 32), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(tmp_path / "clear.gif", transparency=1)
    assert near(read_picture(tmp_path / "clear.gif").pixels[5, 5], (200, 200, 200), 1)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, (0, 0)), (2, (0, -1)), (3, (-1, -1)), (4, (-1, 0)), (6, (0, -1)), (8, (-1, 0))],
)
def test_exif_orientation_is_applied(tmp_path, orientation, corner):
    pixels = np.full((40, 60, 3), 255, np.uint8)
    pixels[:16, :16] = RED
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    picture = read_picture(tmp_path / "turned.jpg")
    assert (picture.height_px, picture.width_px) == ((40, 60) if orientation < 5 else (60, 40))
    y, x = (4 if c == 0 else -5 for c in corner)
    assert near(picture.pixels[y, x], RED)


def test_the_focal_length_is_read(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 28
    Image.fromarray(two_halves()).save(tmp_path / "lens.jpg", exif=exif)
    assert read_picture(tmp_path / "lens.jpg").focal_35mm == 28.0


def test_an_animated_picture_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, BLUE)]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    assert near(read_picture(tmp_path / "two.gif").pixels[10, 10], RED)


def png_header(width, height):
    """A PNG that says it is huge, and holds next to nothing."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg():
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    return stream.getvalue()


BAD = {
    "nothing there": (None, "there is no file"),
    "a 0-byte file": (b"", "empty"),
    "a text file": (b"Dear diary, today I went to the sea.\n" * 20, "not a picture"),
    "a script for ghostscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a pic"),
    "a truncated JPEG": (jpeg()[: len(jpeg()) // 2], "cut short"),
    "a JPEG of a header": (jpeg()[:160], "cut short|not a picture"),
    "a bomb of 50,000 x 50,000": (png_header(50000, 50000), "larger than|at most"),
    "a bomb of 2^31 pixels wide": (png_header(2**31 - 1, 2**31 - 1), "larger|at most|cut short"),
    "a PNG that lies": (png_header(3000, 3000), "cut short"),
    "a picture of 3 x 3": (png_header(3, 3), "nothing can be seen"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_picture_gets_one_clear_line(tmp_path, kind):
    data, words = BAD[kind]
    file = tmp_path / "photo.jpg"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(MediaError, match=words) as caught:
        read_picture(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(MediaError, match="is a folder"):
        read_picture(tmp_path)


def test_the_limit_can_be_set(tmp_path, monkeypatch):
    Image.fromarray(two_halves()).save(tmp_path / "a.png")
    monkeypatch.setenv("EARWITNESS_MAX_PIXELS", "1000")
    with pytest.raises(MediaError, match="at most 1000 pixels"):
        read_picture(tmp_path / "a.png")


@pytest.mark.parametrize("seed", range(30))
def test_damaged_files_are_read_or_refused_but_never_worse(tmp_path, seed):
    rng = np.random.default_rng(seed)
    stream = io.BytesIO()
    kind = ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"][seed % 6]
    Image.fromarray(two_halves()).save(stream, kind)
    data = bytearray(stream.getvalue())
    for place in rng.integers(0, len(data), 12):
        data[place] = int(rng.integers(0, 256))
    file = tmp_path / "damaged"
    file.write_bytes(bytes(data))
    try:
        picture = read_picture(file)
    except MediaError:
        return
    assert picture.pixels.ndim == 3


def packet(full, size, at, *, tags=False):
    """What Google's camera writes of a panorama, as attributes or as elements."""
    names = (
        "FullPanoWidthPixels", "FullPanoHeightPixels", "CroppedAreaImageWidthPixels",
        "CroppedAreaImageHeightPixels", "CroppedAreaLeftPixels", "CroppedAreaTopPixels",
    )  # fmt: skip
    told = dict(zip(names, (*full, *size, *at), strict=True))
    kind = "<GPano:ProjectionType>equirectangular</GPano:ProjectionType>"
    if tags:
        words = "".join(f"<GPano:{k}>{v}</GPano:{k}>" for k, v in told.items())
        return f"<rdf:Description>{kind}{words}</rdf:Description>".encode()
    words = " ".join(f'GPano:{k}="{v}"' for k, v in told.items())
    return f"<rdf:Description {words}>{kind}</rdf:Description>".encode()


@pytest.mark.parametrize("tags", [False, True])
def test_a_panorama_tells_which_part_of_the_sphere_it_shows(tmp_path, tags):
    said = packet((3600, 1800), (1800, 900), (450, 300), tags=tags)
    Image.fromarray(two_halves()).save(tmp_path / "part.jpg", xmp=said)
    picture = read_picture(tmp_path / "part.jpg")
    assert picture.equirect
    # It was made smaller since: what is told are parts of the whole.
    assert picture.window == Window(135.0, 60.0, 180.0)


@pytest.mark.parametrize(
    "said",
    [
        packet((3600, 1800), (3600, 1800), (0, 0)),  # all of it
        packet((0, 0), (64, 48), (0, 0)),
        packet((3600, 1800), (3600, 1800), (10, 0)),  # more than there is
        packet((3600, 1800), (0, 900), (0, 0)),
        packet((3600, 1800), (1800, 900), (-5, 0)),
        b"GPano:ProjectionType equirectangular GPano:FullPanoWidthPixels='3600'",
    ],
)
def test_a_part_that_cannot_be_is_not_believed(tmp_path, said):
    Image.fromarray(two_halves()).save(tmp_path / "part.jpg", xmp=said)
    picture = read_picture(tmp_path / "part.jpg")
    assert picture.equirect
    assert picture.window is None


def test_an_address_is_told_from_a_path_that_is_wrong():
    with pytest.raises(MediaError, match="is an address; files alone are read"):
        read_picture("https://example.org/a.jpg")
    with pytest.raises(MediaError, match="there is no file"):
        read_picture("c:/a.jpg")
