"""A page of what a codebook's entries fire on, in one HTML file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_SIDE = 160
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1010px;margin:2em auto;padding:0 1em;color:#222}
section{border-top:1px solid #ccc;padding:1em 0}h2{margin:0 0 .3em}
.row{display:flex;flex-wrap:wrap;gap:8px;margin:.4em 0}figure{margin:0;width:160px}
figcaption{font-size:12px;color:#555;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
img{display:block;width:160px;height:160px;image-rendering:auto}ul{margin:.3em 0;padding-left:1.2em}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}figcaption{color:#aaa}}
"""


def _uri(picture: Image.Image) -> str:
    made = io.BytesIO()
    picture.save(made, "PNG")
    return "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()


def _place(pair: Any, row: int, column: int, side: int) -> Image.Image:
    """Draw an image with a frame round one of its side × side patches."""
    made = Image.fromarray(pair.pixels).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    step = _SIDE / side
    box = [column * step, row * step, (column + 1) * step, (row + 1) * step]
    pen = ImageDraw.Draw(made)
    pen.rectangle([box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2], outline=(0, 0, 0), width=1)
    pen.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=(255, 230, 0), width=2)
    return made


def _sound(pair: Any, token: int, moments: int) -> Image.Image:
    """Draw a spectrogram, low below, with a bar under the moment of a token."""
    mel = pair.mels[0].astype(np.float32)
    low, high = np.percentile(mel, [5, 99.5])
    grey = np.clip((mel - low) / max(high - low, 1e-3), 0, 1).T[::-1]
    colour = np.stack([grey**0.7, grey**1.2, 0.35 + 0.3 * grey], axis=-1)
    drawn = Image.fromarray((255 * np.clip(colour, 0, 1)).astype(np.uint8))
    made = drawn.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    start = token / moments * _SIDE
    ImageDraw.Draw(made).rectangle(
        [start, _SIDE - 5, start + _SIDE / moments, _SIDE], fill=(255, 230, 0)
    )
    return made


def _figure(picture: Image.Image, words: str) -> str:
    told = escape(words)
    return f'<figure><img src="{_uri(picture)}" alt="{told}"><figcaption title="{told}">{told}</figcaption></figure>'  # noqa: E501


def neighbours_page(found: Sequence[Any], *, title: str, count: int) -> str:
    """Return the page.

    Parameters
    ----------
    found
        From :func:`earwitness.atlas.sat2sound.neighbours.find_neighbours`.
    title
        Model and data.
    count
        Rows of the data.
    """
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(title)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
        f"<h1>What codes fire on</h1><p>{escape(title)}; {count} rows. Of each code, the images, "
        f"sounds and captions that mix in most of it. The frame is the patch, and the bar the "
        f"moment, that the code answers to most.</p>"
    ]
    for one in found:
        told = ", ".join(
            f"{escape(name)} ({number} of {len(one.images) + len(one.sounds)}; {share:.0%} of all)"
            for name, number, share in one.concepts
        )
        parts.append(f"<section><h2>Code {one.code}</h2>" + (f"<p>{told}</p>" if told else ""))
        images = [
            _figure(_place(p, r, c, one.side), ", ".join(p.concepts) or p.key)
            for p, r, c in one.images
        ]
        sounds = [
            _figure(_sound(p, t, one.moments), ", ".join(p.concepts) or p.key)
            for p, t in one.sounds
        ]
        parts.append(
            f"<div class=row>{''.join(images)}</div><div class=row>{''.join(sounds)}</div>"
        )
        lines = "".join(f"<li>{escape(text)}</li>" for text in one.captions)
        parts.append(f"<ul>{lines}</ul></section>")
    return "\n".join(parts) + "</html>\n"
