"""A panorama whose truth is known: photographed things set into a sphere at given azimuths."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from benchmarks.truth_clips import stream

WIDTH, HEIGHT = 2048, 1024


def surroundings() -> NDArray[np.uint8]:
    """Return an equirectangular picture without a seam, out of ``examples/stream.jpg``."""
    photo = np.asarray(stream().resize((WIDTH // 2, 680)))
    ring = np.concatenate([photo, photo[:, ::-1]], axis=1)
    edge = (HEIGHT - 680) // 2
    return np.concatenate([ring[:edge][::-1], ring, ring[-edge:][::-1]])


def put(
    sphere: NDArray[np.uint8],
    thing: Image.Image,
    azimuth_deg: float,
    elevation_deg: float,
    width_deg: float,
) -> None:
    """Set a flat RGBA cut-out into an equirectangular picture, facing its middle."""
    height, width = sphere.shape[:2]
    row, column = np.mgrid[0:height, 0:width] + 0.5
    turn, rise = np.radians(180 - column * 360 / width), np.radians(90 - row * 180 / height)
    rays = np.stack(
        [np.cos(rise) * np.cos(turn), np.cos(rise) * np.sin(turn), np.sin(rise)], axis=-1
    )
    a, e = np.radians(azimuth_deg), np.radians(elevation_deg)
    ahead = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    left = np.array([-np.sin(a), np.cos(a), 0.0])
    depth = rays @ ahead
    seen = depth > 0.1
    depth = np.where(seen, depth, 1.0)
    span = 2 * np.tan(np.radians(width_deg / 2))
    tall = span * thing.height / thing.width
    x = (0.5 - (rays @ left) / depth / span) * thing.width
    y = (0.5 - (rays @ np.cross(ahead, left)) / depth / tall) * thing.height
    seen &= (x > 0) & (x < thing.width - 1) & (y > 0) & (y < thing.height - 1)
    pixels = np.asarray(thing, float)
    red, green, blue, alpha = (
        ndimage.map_coordinates(pixels[..., k], [y[seen], x[seen]], order=1) for k in range(4)
    )
    for k, colour in enumerate((red, green, blue)):
        behind = sphere[..., k][seen]
        sphere[..., k][seen] = (behind + (colour - behind) * alpha / 255).astype(np.uint8)


def panorama(
    things: list[tuple[Image.Image, float]], *, elevation_deg: float = -5.0
) -> Image.Image:
    """Return a panorama with things at azimuths, the wide ones 34° wide, the others 24°."""
    sphere = surroundings().copy()
    for thing, azimuth in things:
        wide = thing.width > 1.2 * thing.height
        put(sphere, thing, azimuth, elevation_deg, 34.0 if wide else 24.0)
    return Image.fromarray(sphere)


GPANO = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description "
    b"xmlns:GPano='http://ns.google.com/photos/1.0/panorama/'>"
    b"<GPano:ProjectionType>equirectangular</GPano:ProjectionType>"
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
"""What a 360° camera writes into its pictures."""
