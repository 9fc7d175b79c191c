"""``imagine``: words become a scene around the listener, with nothing to look at."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from earwitness import __version__
from earwitness.atlas.place.wishes import steered
from earwitness.errors import VoiceError
from earwitness.look.balance import balanced
from earwitness.media import check_replaceable, folder_beside, write_scene
from earwitness.scene import Scene
from earwitness.verbs.heard import Heard, make_voice
from earwitness.verbs.options import Options
from earwitness.verbs.progress import Progress, Shown, silent, unshown
from earwitness.verbs.voicing import voice_scene
from earwitness.voice.phrases import understand


def imagine(
    words: str,
    *,
    out: str | os.PathLike[str] | None = None,
    duration_s: float = 10.0,
    seed: int = 0,
    voice: str = "synth",
    progress: Progress = silent,
    shown: Shown = unshown,
) -> Heard:
    """Make a scene of what words name.

    Directions are drawn at random, for words seldom say them; distances are those the words give,
    or usual ones.

    Parameters
    ----------
    words
        Such as "a dog barking, light rain, distant thunder".
    out
        Folder to write: ``scene.json`` and the stems. None writes nothing that stays.
    duration_s, seed, voice
        As in :class:`~earwitness.verbs.options.Options`.
    progress
        Told of each stage.
    shown
        Called with the scene before it is voiced.

    Returns
    -------
    Heard

    Raises
    ------
    VoiceError
        If the words name no known sound.

    Examples
    --------
    >>> heard = imagine("a dog barking", duration_s=0.5)
    >>> [source.concept for source in heard.scene.sources]
    ['dog']
    """
    chosen = Options(duration_s=duration_s, seed=seed, voice=voice)
    phrase = understand(words)
    rng = np.random.default_rng(seed)
    sources, beds = steered((), (), phrase.wishes, phrase.refused, rng=rng)
    if not sources and not beds:
        raise VoiceError(f"{words!r} asks for nothing that sounds; name something, such as 'a dog'")
    evened, behind = balanced(sources[::-1], beds)
    scene = Scene(
        evened,
        behind,
        duration_s=duration_s,
        seed=seed,
        origin={"kind": "words", "prompt": words, "voice": voice, "version": __version__},
    )
    speaker = make_voice(chosen.voice)
    if out is not None:
        check_replaceable(Path(out))
    shown(scene, None)

    def voiced(folder: Path) -> Scene:
        made = voice_scene(scene, folder, speaker, rate_hz=chosen.rate_hz, progress=progress)
        write_scene(folder, made)
        return made

    if out is None:
        keeper = tempfile.TemporaryDirectory(prefix="earwitness-")
        return Heard(voiced(Path(keeper.name)), Path(keeper.name), keeper)
    with folder_beside(out) as made:
        scene = voiced(made)
    return Heard(scene, Path(out))
