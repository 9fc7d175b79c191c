"""``world build``: the built-in world, from packages and the synthesiser alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.logmel import MELS, RATE_HZ, SECONDS
from earwitness.atlas.world.bank import FRAMES, Bank, make_clip
from earwitness.atlas.world.build import WorldPlan, build
from earwitness.atlas.world.table import names
from earwitness.errors import OptionError, OutputError
from earwitness.media.memory import cache_folder
from earwitness.verbs.progress import Progress, silent

BANK = "bank.npz"
BUILTIN = "builtin-world"
"""What the built-in world is called where a data set is asked for."""
HELD_OUT = 8


def _voiced(concept: str, words: str, seed: int) -> NDArray[np.float32]:
    from earwitness.voice.contract import Request
    from earwitness.voice.synthesiser import Synthesiser

    asked = Request(words, concept=concept, duration_s=SECONDS, rate_hz=RATE_HZ, seed=seed)
    return np.concatenate(list(Synthesiser().voice(asked).blocks))


def _job(job: tuple[str, int], seed: int) -> NDArray[np.float16]:
    return make_clip(_voiced, job[0], job[1], seed)


def make_bank(
    clips: int, *, seed: int = 0, processes: int | None = None, progress: Progress = silent
) -> Bank:
    """Synthesise the clips of every concept.

    Parameters
    ----------
    clips
        Of each concept, at least 10; eight of them are kept out of training.
    seed
        Same seed, same clips.
    processes
        How many at once; the number of processors when not given.
    progress
        Told after each clip.
    """
    if not HELD_OUT + 2 <= clips <= 1000:
        raise OptionError(f"clips is {clips}; allowed is {HELD_OUT + 2} to 1000")
    jobs = [(concept, index) for concept in names() for index in range(clips)]
    count = processes or os.cpu_count() or 1
    made = []

    def gather(done: Iterable[NDArray[np.float16]]) -> None:
        for clip in done:
            made.append(clip)
            progress(f"voicing {jobs[len(made) - 1][0]}", len(made) / len(jobs))

    job = partial(_job, seed=seed)
    if count == 1:
        gather(map(job, jobs))
    else:
        with ProcessPoolExecutor(count) as pool:
            gather(pool.map(job, jobs, chunksize=2))
    return Bank(np.stack(made).reshape(len(names()), clips, FRAMES, MELS), HELD_OUT)


def build_world(
    out: Path | str,
    *,
    rows: int = 48_000,
    clips: int = 36,
    seed: int = 0,
    processes: int | None = None,
    progress: Progress = silent,
) -> dict[str, int]:
    """Build the built-in world in a folder.

    Parameters
    ----------
    out
        A folder that is not there yet or holds an unfinished world; a bank of clips found in it is
        used again.
    rows
        Recordings in all.
    clips
        Clips of each concept.
    seed
        Of everything random.
    processes
        For the synthesiser.
    progress
        Told how far it is.

    Returns
    -------
    dict
        Rows of each split.

    Raises
    ------
    OutputError
        If the folder holds a finished world.
    PluginError
        If the extra ``[world]`` is missing.
    """
    folder = Path(out)
    if (folder / "world.json").exists():
        raise OutputError(f"{folder} holds a world already; give another folder or remove it")
    from earwitness.atlas.world.layers import layers

    plan = WorldPlan(rows, seed)
    layers()  # what is missing is said before minutes go by
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / BANK
    if kept.exists():
        bank = Bank.load(kept)
    else:
        bank = make_bank(clips, seed=seed, processes=processes, progress=progress)
        part = kept.with_name("bank.part.npz")
        bank.save(part)
        part.replace(kept)
    return build(folder, bank, plan, progress)


def is_world(name: Path | str) -> bool:
    """Tell whether a data set is the built-in world, by its name or as a folder that was built."""
    return str(name) == BUILTIN or (Path(name) / "world.json").is_file()


def data_named(name: Path | str, progress: Progress = silent) -> Path | str:
    """Return a data set's place, building the built-in world in the cache when it is asked for.

    Parameters
    ----------
    name
        ``builtin-world``, or what :func:`earwitness.atlas.dataset.open_pairs` takes.
    progress
        Told while it is built (some minutes, once).
    """
    if str(name) != BUILTIN:
        return name
    folder = cache_folder() / BUILTIN
    if not (folder / "world.json").exists():
        build_world(folder, progress=progress)
    return folder
