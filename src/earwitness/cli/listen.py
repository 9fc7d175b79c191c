"""``earwitness listen``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from earwitness.cli.console import console, progress_line, source_table
from earwitness.cli.options import (
    LAYOUTS_HELP,
    clip_options,
    model_options,
    model_settings,
    rendering_options,
)


@click.command(
    epilog="""\b
Examples
  earwitness listen photo.jpg
  earwitness listen photo.jpg --out heard/ --layout 7.1.4 --layout hoa3
  earwitness listen photo.jpg --prompt "light rain, distant thunder" --duration 60
  earwitness listen clip.mp4                    clip.heard.mp4 and clip.scene/
  earwitness listen clip.mp4 --keep-sound --preview
  earwitness listen anim.gif --duration 5
  earwitness listen pano.jpg --projection equirect
  earwitness listen photo.jpg --look sam2+depth-anything-v2 --name smolvlm --voice stable-audio
  earwitness listen photo.jpg --look sam2:weights/sam2 --voice codi:weights/codi --device cuda
  earwitness listen photo.jpg --preset see-2-sound
\b
A model's weights are those that `earwitness models fetch` has fetched, or NAME:FOLDER.
"""
)
@click.argument("picture", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    help="Folder to write.  [default: PICTURE's name with .scene, in the current folder]",
)
@click.option(
    "--layout",
    "-l",
    "layouts",
    multiple=True,
    metavar="NAME",
    help=f"Layout to render; may be given several times: {LAYOUTS_HELP}.  "
    "[default: 5.1 and binaural]",
)
@click.option(
    "--duration",
    "-d",
    type=float,
    metavar="SECONDS",
    help="Length.  [default: 10 for a picture, all of a clip]",
)
@click.option(
    "--sources",
    type=int,
    metavar="N",
    help="Most sources, in a clip at one time.  [default: decided by what is seen]",
)
@click.option(
    "--prompt",
    "-p",
    metavar="WORDS",
    help='Words that add to or steer what is seen: "light rain, distant thunder, no traffic".',
)
@click.option(
    "--fov",
    type=float,
    metavar="DEGREES",
    help="Horizontal angle of view.  [default: from EXIF, else 60]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same samples.")
@click.option(
    "--voice",
    metavar="NAME",
    help="Who makes the sounds: synth, library:FOLDER (your recordings), a model (codi, audioldm2, "
    "stable-audio, tangoflux), or a plug-in's.  [default: synth]",
)
@click.option(
    "--look",
    metavar="NAME",
    help="Who looks: a segmenter (sam, sam2, mask2former), or SEGMENTER+DEPTH "
    "(depth-anything-v2, …-metric-outdoor, …).  [default: builtin]",
)
@click.option(
    "--name",
    metavar="NAME",
    help="Who names what is seen: clip, siglip, blip, smolvlm, llava.  [default: builtin]",
)
@click.option("--track", metavar="NAME", help="Clips: who follows what was found: sam2.")
@click.option(
    "--preset",
    type=click.Choice(["see-2-sound"]),
    help="Where nothing else is said, the choices of that paper: SAM ViT-H, Depth Anything ViT-L, "
    "CoDi with 500 steps shown each region, 3 sources, direct propagation to 5.1.",
)
@click.option(
    "--region",
    type=click.Choice(["box", "polygon"]),
    default="box",
    show_default=True,
    help="Direction from the axis-aligned box or from the minimal enclosing polygon.",
)
@clip_options
@model_options
@rendering_options
def listen(
    picture: Path,
    out: Path | None,
    layouts: tuple[str, ...],
    duration: float | None,
    sources: int | None,
    prompt: str | None,
    fov: float | None,
    seed: int,
    voice: str | None,
    look: str | None,
    name: str | None,
    track: str | None,
    preset: str | None,
    region: str,
    renderer: str | None,
    loudness: float | None,
    rate: int | None,
    adm: bool,
    **more: Any,
) -> None:
    """Hear a PICTURE, a panorama or a clip: each thing from where it is.

    Writes a folder with scene.json, a FLAC stem for each source, a WAV for each layout and
    scene.png, a picture of what was heard. Of a clip (a video, or an animated GIF, WebP, PNG or
    AVIF) it also writes PICTURE.heard.mp4 beside the folder: the same picture with a 5.1 sound
    track, in which what moves is heard moving.

    Long work can be stopped with Ctrl-C; it goes on where it was when it is started again.
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.listening import listen as hear

    folder = out if out is not None else Path(picture.name).with_suffix(".scene")
    settings = model_settings(more)
    with progress_line(quiet()) as tell:
        heard = hear(
            picture,
            out=folder,
            layouts=layouts or None,
            renderer=renderer,
            loudness_lufs=loudness,
            adm=adm,
            progress=tell,
            duration_s=duration,
            sources=sources,
            prompt=prompt,
            fov_deg=fov,
            seed=seed,
            voice=voice,
            look=look,
            name=name,
            track=track,
            preset=preset,
            models=settings,
            region=region,
            rate_hz=rate if rate is not None else 48000,
            **more,
        )
    if not quiet():
        out_console = console()
        out_console.print(source_table(heard.scene, out_console.width))
        out_console.print(f"\n{heard.words}\n")
        for written in (folder, *heard.files):
            out_console.print(f"written: {written}", soft_wrap=True)
        if settings.shelf.report():
            out_console.print(settings.shelf.report(), soft_wrap=True)
