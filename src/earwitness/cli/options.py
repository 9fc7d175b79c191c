"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from earwitness.scene import layouts

F = TypeVar("F", bound=Callable[..., Any])

LAYOUTS_HELP = ", ".join(layout.title for layout in layouts())


def several(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return one decorator that adds several options, in the order given."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


class Loudness(click.ParamType["float | None"]):
    """A loudness in LUFS, or ``none`` for the scene's own levels."""

    name = "LUFS|none"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        """Return the number, or None."""
        if value is None or isinstance(value, float):
            return value
        if str(value).strip().lower() == "none":
            return None
        try:
            return float(value)
        except ValueError:
            self.fail(f"{value!r} is no loudness; give LUFS such as -23, or none", param, ctx)


rendering_options = several(
    click.option(
        "--renderer",
        metavar="NAME",
        help="panning (loudspeakers), propagation (delay and 1/d from each source to each "
        "loudspeaker), ambisonics, binaural, or one that a plug-in adds. Default: what suits the "
        "layout.",
    ),
    click.option(
        "--loudness",
        type=Loudness(),
        default="-23",
        show_default=True,
        help="Integrated loudness (ITU-R BS.1770); none keeps the scene's own levels. The true "
        "peak stays below -1 dBTP either way.",
    ),
    click.option("--rate", type=int, metavar="HZ", help="Sampling rate.  [default: 48000]"),
    click.option(
        "--adm",
        is_flag=True,
        help="Write adm.wav too: each source an object, for ADM renderers (ITU-R BS.2076).",
    ),
)

clip_options = several(
    click.option(
        "--projection",
        type=click.Choice(["auto", "flat", "equirect"]),
        default="auto",
        show_default=True,
        help="How the picture shows the world: flat, or equirect for a 360° panorama or clip; "
        "auto goes by what the file says.",
    ),
    click.option(
        "--video",
        type=click.Path(path_type=Path),
        help="Clips: the clip with its new sound, .mp4, .mov or .mkv.  "
        "[default: PICTURE.heard.mp4; .mkv where MP4 cannot hold the picture as it is]",
    ),
    click.option(
        "--video-layout",
        metavar="NAME",
        help="Clips: layout of its sound track.  [default: 5.1; foa for 360°]",
    ),
    click.option(
        "--codec",
        type=click.Choice(["aac", "opus", "flac", "alac", "ac3", "pcm"]),
        default="aac",
        show_default=True,
        help="Clips: codec of its sound track.",
    ),
    click.option(
        "--keep-sound/--no-keep-sound",
        default=False,
        show_default=True,
        help="Clips: mix the clip's own sound in, as loud as the scene, or leave it out.",
    ),
    click.option(
        "--preview",
        is_flag=True,
        help="Clips: write PICTURE.preview.mp4, which shows what is heard where.",
    ),
    click.option(
        "--looks",
        "looks_per_s",
        type=float,
        default=3.0,
        show_default=True,
        metavar="N",
        help="Clips: most frames a second in which things are looked for. Motion is followed in "
        "all of them, whatever the number.",
    ),
    click.option(
        "--resume/--no-resume",
        default=True,
        show_default=True,
        help="Clips: use and keep what was seen in earlier runs.",
    ),
)

model_options = several(
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="Models: where they run.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "fp16", "bf16"]),
        default="fp32",
        show_default=True,
        help="Models: number format; half needs half the memory.",
    ),
    click.option(
        "--low-memory",
        is_flag=True,
        help="Models: keep one in memory at a time, and load it again when it is needed again.",
    ),
    click.option(
        "--batch",
        type=int,
        default=4,
        show_default=True,
        metavar="N",
        help="Models: regions named, or sounds generated, at a time.",
    ),
    click.option("--steps", type=int, metavar="N", help="Models: diffusion steps."),
    click.option(
        "--guidance", type=float, metavar="X", help="Models: how strictly the words are followed."
    ),
    click.option(
        "--negative",
        metavar="WORDS",
        help='Models: what sounds shall not be like.  [default: "music, speech" for ambience]',
    ),
    click.option(
        "--candidates",
        type=int,
        default=1,
        show_default=True,
        metavar="N",
        help="Models: sounds generated for each, of which CLAP picks the one that fits best.",
    ),
)


def model_settings(options: dict[str, Any]) -> Any:
    """Take the options of :data:`model_options` out of a command's and return them as settings."""
    from earwitness.models.settings import Settings

    names = [
        "device",
        "precision",
        "low_memory",
        "batch",
        "steps",
        "guidance",
        "negative",
        "candidates",
    ]
    return Settings(**{name: options.pop(name) for name in names})
