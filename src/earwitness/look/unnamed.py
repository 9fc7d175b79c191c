"""A namer that names nothing: every region sounds as its picture makes a voice sound.

SEE-2-SOUND has no names; its voice is shown each region. So this goes with voices that look.
"""

from __future__ import annotations

from collections.abc import Sequence

from earwitness.look.contract import UNNAMED, Found, Name, Picture


class PictureNamer:
    """Every region is a source without a name."""

    def name(self, picture: Picture, found: Sequence[Found]) -> Sequence[Name]:
        """Return that each region sounds, as sure as the segmenter is of it."""
        return [Name(UNNAMED, "what is seen here", one.score) for one in found]
