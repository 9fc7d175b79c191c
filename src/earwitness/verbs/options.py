"""How to listen: the options that pictures and clips share."""

from __future__ import annotations

import dataclasses

from earwitness.errors import OptionError
from earwitness.models.settings import Settings
from earwitness.scene import LARGEST_SEED, LONGEST_S
from earwitness.verbs.heard import DEFAULT_RATE_HZ, check_rate

DEFAULT_LAYOUTS = ("5.1", "binaural")
STILL_S = 10.0
"""Length of the scene of a picture that does not move."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to listen. Every default is what most people want.

    Parameters
    ----------
    duration_s
        Length of the scene, seconds; None is 10 s for a picture, and all of a clip.
    sources
        Most sources (in a clip: at one time); None decides by what is seen.
    prompt
        Words that add to or steer what is seen.
    fov_deg
        Horizontal angle of view of the picture; None takes EXIF's focal length, else 60°.
    seed
        What every random choice is drawn from.
    voice
        Who makes the sounds: the name of a voice, or ``library:FOLDER``.
    look
        Who looks: ``builtin``, or parts such as ``segmenter+depth``.
    name
        Who names; None is the look's own.
    region
        ``box`` (axis-aligned, as the paper found best) or ``polygon`` (minimal enclosing).
    rate_hz
        Sampling rate.
    track
        Clips: who follows what was found from frame to frame; None finds it anew in each look.
    models
        How the parts that are foundation models are run.

    Raises
    ------
    OptionError
        If one is outside what is allowed.
    """

    duration_s: float | None = None
    sources: int | None = None
    prompt: str | None = None
    fov_deg: float | None = None
    seed: int = 0
    voice: str = "synth"
    look: str = "builtin"
    name: str | None = None
    region: str = "box"
    rate_hz: int = DEFAULT_RATE_HZ
    track: str | None = None
    models: Settings = dataclasses.field(default_factory=Settings)

    def __post_init__(self) -> None:
        length_s = self.duration_s
        if length_s is not None and not 0.1 <= length_s <= LONGEST_S:  # NaN fails this too
            raise OptionError(f"duration {length_s:g} s; choose from 0.1 to {LONGEST_S:g} seconds")
        if self.sources is not None and not 1 <= self.sources <= 64:
            raise OptionError(f"{self.sources} sources; choose from 1 to 64")
        if self.fov_deg is not None and not 5.0 <= self.fov_deg <= 170.0:
            raise OptionError(
                f"field of view {self.fov_deg:g}°; choose from 5 to 170 degrees, such as 60"
            )
        if not 0 <= self.seed <= LARGEST_SEED:
            raise OptionError(f"seed {self.seed}; choose a whole number from 0 to {LARGEST_SEED}")
        if self.region not in ("box", "polygon"):
            raise OptionError(f"region {self.region!r}; choose box or polygon")
        check_rate(self.rate_hz)

    @property
    def still_s(self) -> float:
        """Length of the scene of a picture that does not move."""
        return STILL_S if self.duration_s is None else self.duration_s
