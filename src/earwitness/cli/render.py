"""``earwitness render``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from earwitness.cli.console import console, progress_line
from earwitness.cli.options import (
    LAYOUTS_HELP,
    model_options,
    model_settings,
    rendering_options,
)


@click.command(
    epilog="""\b
Examples
  earwitness render photo.scene --layout 7.1.4
  earwitness render photo.scene --layout binaural --out headphones.wav
  earwitness render photo.scene --layout 5.1 --renderer propagation --loudness none
"""
)
@click.argument("scene", type=click.Path(path_type=Path))
@click.option(
    "--layout",
    "-l",
    "layouts",
    multiple=True,
    metavar="NAME",
    help=f"May be given several times: {LAYOUTS_HELP}.  [default: 5.1]",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder, or for one layout a .wav or .flac file.  [default: the scene's folder]",
)
@click.option(
    "--subtype",
    type=click.Choice(["pcm16", "pcm24", "float"]),
    default="pcm24",
    show_default=True,
    help="Samples of the WAV.",
)
@click.option(
    "--voice",
    default="synth",
    show_default=True,
    metavar="NAME",
    help="Who voices sources whose stem is null in scene.json.",
)
@model_options
@rendering_options
def render(
    scene: Path,
    layouts: tuple[str, ...],
    out: Path | None,
    subtype: str,
    voice: str,
    renderer: str | None,
    loudness: float | None,
    rate: int | None,
    adm: bool,
    **more: Any,
) -> None:
    """Render a SCENE's folder again, for other layouts or after edits by hand.

    To hear a source with another name, change its name and concept in scene.json and set its
    stem to null: it is voiced anew.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.rendering import render as again

    with progress_line(quiet()) as tell:
        again(
            scene,
            layouts=layouts or ("5.1",),
            out=out,
            renderer=renderer,
            loudness_lufs=loudness,
            rate_hz=rate,
            subtype=subtype,  # type: ignore[arg-type]
            adm=adm,
            voice=voice,
            models=model_settings(more),
            progress=tell,
        )
    if not quiet():
        console().print(f"written: {out if out is not None else scene}", soft_wrap=True)
