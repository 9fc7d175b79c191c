"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
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
