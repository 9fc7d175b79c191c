"""``voice``: words become a mono sound file."""

from __future__ import annotations

import os
from pathlib import Path

from earwitness.errors import OptionError, OutputError
from earwitness.media import beside, write_flac, write_wav
from earwitness.models.settings import Settings
from earwitness.scene import LARGEST_SEED, layout_named
from earwitness.verbs.heard import check_rate, make_voice
from earwitness.verbs.progress import Progress, counted, silent
from earwitness.voice.contract import Request


def speak(
    words: str,
    out: str | os.PathLike[str],
    *,
    duration_s: float = 10.0,
    seed: int = 0,
    rate_hz: int = 48000,
    voice: str = "synth",
    settings: Settings | None = None,
    progress: Progress = silent,
) -> str:
    """Write what words sound like into a file.

    Parameters
    ----------
    words
        Such as "heavy rain on a tin roof with distant thunder".
    out
        A ``.wav`` (24-bit) or ``.flac`` file.
    duration_s, seed, rate_hz
        As in :class:`~earwitness.voice.contract.Request`.
    voice
        Who makes it.
    settings
        How models are run.
    progress
        Told while it works.

    Returns
    -------
    str
        What was understood and made, in words.

    Raises
    ------
    VoiceError
        If the words name no known sound.
    """
    file = Path(out)
    if file.suffix.lower() not in (".wav", ".flac"):
        raise OutputError(f"{file} ends in {file.suffix!r}; write a .wav or a .flac")
    if not 0 <= seed <= LARGEST_SEED:
        raise OptionError(f"seed {seed}; choose a whole number from 0 to {LARGEST_SEED}")
    request = Request(words=words, duration_s=duration_s, rate_hz=check_rate(rate_hz), seed=seed)
    voiced = make_voice(voice, settings).voice(request)
    blocks = counted(
        voiced.blocks, request.samples, lambda part: progress(f"voicing {words}", part)
    )
    if file.suffix.lower() == ".flac":
        with beside(file) as made:
            write_flac(made, blocks, rate_hz=rate_hz, name=str(file))
    else:
        mono = layout_named("mono")
        write_wav(file, (block[None] for block in blocks), layout=mono, rate_hz=rate_hz)
    return voiced.said
