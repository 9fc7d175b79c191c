"""Loudspeaker layouts, ambisonics and binaural: names, channels, directions, file order.

The table of loudspeakers is a data file (``layouts.toml``), checked when it is first read.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from earwitness.errors import LayoutError

Kind = Literal["loudspeakers", "ambisonics", "binaural"]

HIGHEST_ORDER = 7
"""Highest ambisonic order offered."""


@dataclass(frozen=True)
class Channel:
    """One channel of a layout.

    Parameters
    ----------
    label
        BS.2051 label (``M+030``), ``ACN0`` … for ambisonics, ``left``/``right`` for binaural.
    short
        FFmpeg's name of the same channel (``FL``), or the label again.
    azimuth_deg, elevation_deg
        Direction of the loudspeaker; zeros where there is none.
    lfe
        Whether it is a low-frequency effects channel.
    """

    label: str
    short: str
    azimuth_deg: float = 0.0
    elevation_deg: float = 0.0
    lfe: bool = False


@dataclass(frozen=True)
class Layout:
    """A named set of channels in the order in which files hold them.

    Parameters
    ----------
    name
        BS.2051 name (``0+5+0``), ``hoa3`` or ``binaural``.
    aliases
        Everyday names (``5.1``); the first one is shown to people.
    kind
        What the channels are.
    channels
        In WAV/FFmpeg order (loudspeakers) or ACN order with SN3D weights (ambisonics: AmbiX).
    mask
        The ``dwChannelMask`` of WAVE_FORMAT_EXTENSIBLE; 0 where no mask applies.
    """

    name: str
    aliases: tuple[str, ...]
    kind: Kind
    channels: tuple[Channel, ...]
    mask: int

    @property
    def title(self) -> str:
        """The everyday name, as used in file names."""
        return self.aliases[0] if self.aliases else self.name

    @property
    def order(self) -> int:
        """Ambisonic order; 0 for other kinds."""
        return round(len(self.channels) ** 0.5) - 1 if self.kind == "ambisonics" else 0

    @property
    def lfe(self) -> tuple[int, ...]:
        """Indices of the low-frequency effects channels."""
        return tuple(i for i, channel in enumerate(self.channels) if channel.lfe)


def _ambisonics(order: int) -> Layout:
    channels = tuple(Channel(f"ACN{i}", f"ACN{i}") for i in range((order + 1) ** 2))
    aliases = ("foa", "hoa1", "ambix") if order == 1 else (f"hoa{order}",)
    return Layout(f"ambix{order}", aliases, "ambisonics", channels, 0)


@cache
def layouts() -> tuple[Layout, ...]:
    """Return every layout, loudspeakers first, then ambisonics, then binaural."""
    text = files(__package__).joinpath("layouts.toml").read_text("utf-8")
    found = []
    for row in tomllib.loads(text)["layout"]:
        channels = tuple(
            Channel(label, short, float(azimuth), float(elevation), label.startswith("LFE"))
            for label, short, azimuth, elevation in row["channels"]
        )
        if int(row["mask"]).bit_count() != len(channels):
            raise LayoutError(f"layouts.toml: the mask of {row['name']} does not fit its channels")
        found.append(
            Layout(row["name"], tuple(row["aliases"]), "loudspeakers", channels, row["mask"])
        )
    found += [_ambisonics(order) for order in range(1, HIGHEST_ORDER + 1)]
    ears = (Channel("left", "FL", 90.0), Channel("right", "FR", -90.0))
    found.append(Layout("binaural", (), "binaural", ears, 0x3))
    return tuple(found)


def layout_named(name: str) -> Layout:
    """Return the layout of a BS.2051 name or an everyday name.

    Parameters
    ----------
    name
        Such as ``0+5+0``, ``5.1``, ``foa``, ``hoa3``, ``binaural``; case does not matter.

    Raises
    ------
    LayoutError
        If there is none of that name.

    Examples
    --------
    >>> [channel.short for channel in layout_named("7.1").channels]
    ['FL', 'FR', 'FC', 'LFE', 'BL', 'BR', 'SL', 'SR']
    """
    wanted = str(name).strip().lower()
    for layout in layouts():
        if wanted == layout.name or wanted in layout.aliases:
            return layout
    known = ", ".join(layout.title for layout in layouts())
    raise LayoutError(f"no layout is called {name!r}; choose one of {known}")
