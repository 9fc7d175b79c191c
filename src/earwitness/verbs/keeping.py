"""``gallery``: add captions and recordings, build what makes asking fast, say what is there."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.gallery import Caption, Gallery, Recording
from earwitness.atlas.gallery.reading import gather, sound_of
from earwitness.atlas.gallery.search import build_index, indexed
from earwitness.atlas.gallery.shelves import Shelf, fill
from earwitness.errors import MediaError, OptionError, VoiceError
from earwitness.verbs.progress import Progress, silent

if TYPE_CHECKING:
    from earwitness.atlas.contract import Embedder

_NATURE = ("geophony", "biophony")
_NOT_THERE = frozenset(("underwater", "drips", "fly", "cat"))
_PEOPLE = frozenset(
    [
        "crowd",
        "children",
        "footsteps",
        "footsteps-gravel",
        "footsteps-snow",
        "bicycle",
        "car-pass",
        "traffic",
        "traffic-far",
        "motorway",
        "motorcycle",
        "bus",
        "truck",
        "tractor",
        "siren",
        "horn",
        "train",
        "steam-train",
        "tram",
        "railway-crossing",
        "jet",
        "propeller-plane",
        "helicopter",
        "motor-boat",
        "ship-horn",
        "harbour",
        "sailing-rig",
        "construction",
        "chainsaw",
        "factory",
        "wind-turbine",
        "windmill",
        "church-bells",
    ]
)
"""Of what people make, what a place is known by."""

_VOICED_S = 6.0
_VOICED_HZ = 32_000


@dataclass(frozen=True)
class Added:
    """How many captions and recordings were new, how many were there, and what is bad and why."""

    captions: int
    recordings: int
    known: int
    bad: tuple[str, ...] = ()


@dataclass(frozen=True)
class Held:
    """One line of what a gallery holds.

    Parameters
    ----------
    what
        In words.
    rows
        How many.
    embedder
        Whose embeddings.
    indexed
        Whether there is an index; without one every row is looked at.
    """

    what: str
    rows: int
    embedder: str
    indexed: bool


def _model(embedder: str | Embedder) -> Embedder:
    if not isinstance(embedder, str):
        return embedder
    from earwitness.atlas.embedders import load_embedder

    return load_embedder(embedder)


def add_to_gallery(
    gallery: str | os.PathLike[str],
    paths: Sequence[str | os.PathLike[str]] = (),
    *,
    captions: Sequence[str] = (),
    embedder: str | Embedder = "builtin",
    skip_bad: bool = False,
    progress: Progress = silent,
) -> Added:
    """Add captions and recordings to a gallery, made if absent.

    Parameters
    ----------
    gallery
        The folder, or an address of object storage.
    paths
        Sounds, folders of sounds, ``.txt`` and ``.csv``; see
        :func:`earwitness.atlas.gallery.reading.gather`.
    captions
        More captions.
    embedder
        ``builtin``, a checkpoint, or an embedder: the same for all that is in a gallery.
    skip_bad
        Leave recordings out that cannot be read; they are named in what comes back.
    progress
        Told how far it is.

    Returns
    -------
    Added
        What is there already is not embedded again: a run that was stopped goes on.
    """
    found = gather([Path(path) for path in paths])
    found.captions += [Caption(text, "by hand") for text in captions]
    if not found.captions and not found.recordings:
        raise OptionError("nothing to add; give sounds, folders, .txt or .csv files")
    model = _model(embedder)
    held = Gallery(gallery, create=True)
    total = len(found.captions) + len(found.recordings)

    def tell(seen: int, before: int = 0) -> None:
        progress("embedding", (before + seen) / total)

    bad: list[str] = []

    def recordings() -> Iterator[Recording]:
        for load in found.recordings:
            try:
                recording = load()
                if skip_bad:
                    sound_of(recording)  # else what is bad beyond its header ends the work
            except (MediaError, VoiceError) as error:
                if not skip_bad:
                    raise
                bad.append(str(error))
            else:
                yield recording

    new_captions = fill(
        Shelf(held, Caption),
        found.captions,
        lambda rows: model.texts([row.text for row in rows]),
        model,
        tell=tell,
    )
    new_recordings = fill(
        Shelf(held, Recording),
        recordings(),
        lambda rows: model.sounds([sound_of(row) for row in rows]),
        model,
        batch=8,
        tell=lambda seen: tell(seen, len(found.captions)),
    )
    known = total - new_captions - new_recordings - len(bad)
    return Added(new_captions, new_recordings, known, tuple(bad))


def outdoor_captions() -> list[Caption]:
    """Return what the built-in voice can say of the world outdoors, one caption a concept."""
    from earwitness.voice.registry import table

    return [
        Caption(row.label, "earwitness", "Apache-2.0")
        for row in table()
        if (row.family in _NATURE and row.concept not in _NOT_THERE) or row.concept in _PEOPLE
    ]


def fill_captions(held: Gallery, model: Embedder, *, progress: Progress = silent) -> int:
    """Add :func:`outdoor_captions` to a gallery; return how many were new."""
    progress("embedding captions", 0.0)
    return fill(
        Shelf(held, Caption),
        outdoor_captions(),
        lambda rows: model.texts([row.text for row in rows]),
        model,
    )


def voiced_sounds(seed: int = 0) -> Iterator[Recording]:
    """Yield a sound of the built-in voice for each outdoor concept, six seconds of FLAC."""
    import soundfile

    from earwitness.verbs.heard import make_voice
    from earwitness.voice.contract import Request

    voice = make_voice("synth")
    for caption in outdoor_captions():
        request = Request(words=caption.text, duration_s=_VOICED_S, rate_hz=_VOICED_HZ, seed=seed)
        samples: NDArray[np.float32] = np.concatenate(list(voice.voice(request).blocks))
        file = io.BytesIO()
        soundfile.write(file, samples, _VOICED_HZ, format="FLAC", subtype="PCM_16")
        yield Recording(
            caption.text,
            file.getvalue(),
            ".flac",
            _VOICED_S,
            author="earwitness, the built-in voice",
            licence="Apache-2.0",
        )


def build_gallery(
    gallery: str | os.PathLike[str],
    *,
    region: str | None = None,
    step_deg: float | None = None,
    date: str | None = None,
    hour: float | None = None,
    tiles: str = "builtin",
    embedder: str | Embedder = "builtin",
    engine: str = "local",
    workers: int | None = None,
    builtin: bool = False,
    allow_private: bool = False,
    progress: Progress = silent,
) -> list[Held]:
    """Build what makes a gallery answer fast: embeddings of a region, and indices.

    Parameters
    ----------
    gallery
        The folder; made if absent.
    region
        ``W,S,E,N`` or ``world``: embed its imagery. None embeds none.
    step_deg, date, hour, tiles, embedder, engine, workers, allow_private
        As in :func:`earwitness.verbs.mapping.map_region`.
    builtin
        Add also the captions of the built-in voice's outdoor sounds, and these sounds.
    progress
        Told how far it is.

    Returns
    -------
    list of Held
        What the gallery holds now.
    """
    from earwitness.atlas.gallery.layers import layers
    from earwitness.atlas.maps.asking import check_hour, month_of
    from earwitness.atlas.maps.grid import Grid, Region
    from earwitness.atlas.maps.scoring import complete
    from earwitness.atlas.maps.work import Job

    grid = None if region is None else Grid.covering(Region.parse(region), step_deg)
    hour = check_hour(hour)
    iso, month = month_of(date)
    held = Gallery(gallery, create=builtin or region is not None)
    if builtin:
        model = _model(embedder)
        fill_captions(held, model, progress=progress)
        count = len(outdoor_captions())
        fill(
            Shelf(held, Recording),
            voiced_sounds(),
            lambda rows: model.sounds([sound_of(row) for row in rows]),
            model,
            batch=8,
            tell=lambda seen: progress("voicing and embedding sounds", seen / count),
        )
    if grid is not None:
        job = Job(tiles, embedder, grid.parallels, iso, month, hour, allow_private=allow_private)
        complete(held, job, grid, engine=engine, workers=workers, progress=progress)
    tables = [table for _, table in layers(held)]
    shelves = [Shelf(held, Caption).rows, Shelf(held, Recording).rows]
    tables += [table for table in shelves if table is not None]
    for k, table in enumerate(tables):
        progress("indexing", k / len(tables))
        build_index(table, held.where)
    return gallery_info(gallery)


def gallery_info(gallery: str | os.PathLike[str]) -> list[Held]:
    """Return what a gallery holds, a line for each table."""
    from earwitness.atlas.gallery.layers import layers
    from earwitness.atlas.maps.page import clock

    held = Gallery(gallery)
    lines: list[Held] = []
    captions, recordings = Shelf(held, Caption), Shelf(held, Recording)
    for name, rows, count, embedder in (
        ("captions", captions.rows, captions.count(), captions.embedder),
        ("recordings", recordings.rows, recordings.count(), recordings.embedder),
    ):
        if rows is not None:
            lines.append(Held(name, count, embedder or "", indexed(rows)))
    for layer, table in layers(held):
        words = [layer.imagery, f"{180 / layer.parallels:g}°"]
        words += [f"month {layer.month}"] if layer.month else []
        words += (
            [clock(layer.hour) + (" UTC" if layer.utc else "")] if layer.hour is not None else []
        )
        what = "places: " + ", ".join(words)
        lines.append(Held(what, int(table.count_rows()), layer.embedder, indexed(table)))
    return lines
