"""What a worker does for each kind of job: the verbs, on files in the job's folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earwitness.errors import EarwitnessError, MediaError
from earwitness.media import beside, folder_beside, write_scene
from earwitness.scene import Scene, to_json
from earwitness.web import scene_zip
from earwitness.web.worker import Tell

if TYPE_CHECKING:  # the verbs load much; the service itself needs none of it
    from earwitness.verbs.heard import Heard

INPUT, PICTURE, SEEN, SCENE, MAP = "input", "picture.jpg", "seen.json", "scene", "map"
_SHOWN_PX = 1600

Answer = dict[str, Any]


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the scene in a job's folder."""
    with (folder / "lock").open("w") as stream:
        with contextlib.suppress(ImportError):
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def save_picture(folder: Path, pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Write the picture as the page shows it, made anew so that nothing of the upload is served.

    Parameters
    ----------
    folder
        The job's.
    pixels
        uint8 ``(h, w, 3)``.

    Returns
    -------
    width, height
        Of the picture before it was made smaller: what regions are measured in.
    """
    height, width = pixels.shape[:2]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((_SHOWN_PX, _SHOWN_PX))
    with beside(folder / PICTURE) as made:
        image.save(made, "JPEG", quality=85)
    with beside(folder / "picture.json") as made:
        made.write_text(json.dumps({"width_px": width, "height_px": height}))
    return width, height


def check(tell: Tell, *, folder: str, name: str, longest_s: float) -> Answer:
    """Look into an upload: decode a picture whole, a clip's beginning; make the shown picture."""
    del tell
    from earwitness.media import read_picture
    from earwitness.media.clips import frames, is_clip, read_clip

    place = Path(folder)
    file = place / INPUT
    try:
        if not is_clip(file):
            picture = read_picture(file)
            width, height = save_picture(place, picture.pixels)
            return {"what": "photo", "width_px": width, "height_px": height, "length_s": None}
        clip = read_clip(file)
        if clip.duration_s is not None and clip.duration_s > longest_s:
            raise MediaError(
                f"{name} lasts {clip.duration_s:.0f} s; at most {longest_s:g} s are taken here. "
                f"Cut it shorter"
            )
        first = next(iter(frames(clip)), None)
        if first is None:
            raise MediaError(f"{name} holds no frame that can be read; export it again")
        width, height = save_picture(place, first.rgb())
    except EarwitnessError as error:
        raise MediaError(str(error).replace(str(file), name)) from None
    return {"what": "clip", "width_px": width, "height_px": height, "length_s": clip.duration_s}


def unpack(tell: Tell, *, folder: str, name: str, most_bytes: int, longest_s: float) -> Answer:
    """Take a scene's zip apart and check all of it."""
    del tell
    place = Path(folder)
    scene = scene_zip.unpack(
        place / INPUT, place / SCENE, name=name, most_bytes=most_bytes, longest_s=longest_s
    )
    size = None
    picture = place / SCENE / PICTURE
    if picture.is_file():
        from earwitness.media import read_picture

        try:
            pixels = read_picture(picture).pixels
        except MediaError as error:
            raise MediaError(f"picture.jpg in {name} cannot be read: {error}") from None
        picture.unlink()
        size = save_picture(place, pixels)
        wanted = [scene.origin.get(key) for key in ("width_px", "height_px")]
        if all(isinstance(v, int | float) and v > 0 for v in wanted):
            with beside(place / "picture.json") as made:
                made.write_text(json.dumps({"width_px": wanted[0], "height_px": wanted[1]}))
    return {"sources": len(scene.sources), "picture": size is not None}


def _shower(folder: Path, tell: Tell) -> Callable[[Scene, NDArray[np.uint8] | None], None]:
    def shown(scene: Scene, pixels: NDArray[np.uint8] | None) -> None:
        if pixels is not None:
            save_picture(folder, pixels)
        with beside(folder / SEEN) as made:
            made.write_text(to_json(scene), "utf-8")
        tell("seen", None)

    return shown


def _kept(heard: Heard, folder: Path) -> Answer:
    """Bring a scene from where it was made into the job's folder, as a whole."""
    with folder_beside(folder / SCENE) as made:
        shutil.copytree(heard.folder, made, dirs_exist_ok=True)
    return {"sources": len(heard.scene.sources)}


def _progress(tell: Tell) -> Callable[[str, float], None]:
    return lambda stage, done: tell("progress", (stage, float(done)))


def listen(tell: Tell, *, folder: str, name: str, own: str = "", **options: Any) -> Answer:
    """Hear the upload."""
    del own
    from earwitness.verbs.heard import Heard
    from earwitness.verbs.listening import listen as hear

    place = Path(folder)
    given = {key: value for key, value in options.items() if value is not None}
    try:
        heard = hear(
            place / INPUT, progress=_progress(tell), shown=_shower(place, tell), resume=False,
            **given,
        )  # fmt: skip
    except EarwitnessError as error:
        raise EarwitnessError(str(error).replace(str(place / INPUT), name)) from None
    named = dataclasses.replace(heard.scene, origin={**heard.scene.origin, "name": name})
    write_scene(heard.folder, named)
    return _kept(Heard(named, heard.folder), place)


def words(tell: Tell, *, folder: str, words: str, own: str = "", **options: Any) -> Answer:
    """Hear words."""
    del own
    from earwitness.verbs.imagining import imagine

    place = Path(folder)
    given = {key: value for key, value in options.items() if value is not None}
    heard = imagine(words, progress=_progress(tell), shown=_shower(place, tell), **given)
    return _kept(heard, place)


def visit(tell: Tell, *, folder: str, where: Any, own: str = "", **options: Any) -> Answer:
    """Hear a place."""
    del own
    from earwitness.verbs.visiting import visit as go

    place = Path(folder)
    given = {key: value for key, value in options.items() if value is not None}
    there = where if isinstance(where, str) else (float(where[0]), float(where[1]))
    heard = go(there, progress=_progress(tell), shown=_shower(place, tell), **given)
    return _kept(heard, place)


def map_(
    tell: Tell, *, folder: str, region: list[float], queries: list[str], own: str = "",
    **options: Any,
) -> Answer:  # fmt: skip
    """Map a region."""
    del own
    from earwitness.verbs.mapping import map_region
    from earwitness.web.layers import write_layers

    west, south, east, north = region
    given = {key: value for key, value in options.items() if value is not None}
    mapped = map_region(
        (west, south, east, north), queries, workers=1, progress=_progress(tell), **given
    )
    with folder_beside(Path(folder) / MAP) as made:
        write_layers(mapped, made)
    return {"bands": len(mapped.names)}


def voice(tell: Tell, *, folder: str, own: str) -> Answer:
    """Make the stems that are missing, aside; put them in when they are whole."""
    from earwitness.media import STEMS, read_scene
    from earwitness.verbs.heard import Heard, make_voice
    from earwitness.verbs.voicing import voice_scene

    place = Path(folder)
    scene, kept = read_scene(place / SCENE)
    lacking = {item.id: item for item in scene.parts if item.stem is None}
    part = dataclasses.replace(
        scene,
        sources=tuple(s for s in scene.sources if s.id in lacking),
        bed=tuple(b for b in scene.bed if b.id in lacking),
    )
    pixels = None
    if (place / PICTURE).is_file() and scene.origin.get("kind") != "clip":
        from earwitness.media import read_picture

        pixels = read_picture(place / PICTURE).pixels
    aside = Path(own)
    rate_hz = Heard(scene, kept).rate_hz
    made = voice_scene(
        part, aside, make_voice("synth"), rate_hz=rate_hz, pixels=pixels, progress=_progress(tell)
    )
    voiced = {item.id: item for item in made.parts}
    with locked(place):
        now, _ = read_scene(place / SCENE)  # it may have been edited meanwhile
        (kept / STEMS).mkdir(exist_ok=True)

        def filled(item: Any) -> Any:
            new = voiced.get(item.id)
            if (
                new is None
                or new.stem is None
                or item.stem
                or (new.name, new.concept) != (item.name, item.concept)
            ):
                return item
            (aside / new.stem).replace(kept / new.stem)
            return dataclasses.replace(item, stem=new.stem, credits=new.credits)

        write_scene(
            kept,
            dataclasses.replace(
                now,
                sources=tuple(filled(s) for s in now.sources),
                bed=tuple(filled(b) for b in now.bed),
            ),
        )
    return {"voiced": sorted(voiced)}


def download(tell: Tell, *, folder: str, what: str, own: str) -> Answer:
    """Make one file to take away: a layout, ADM, the stems, the clip, or the whole scene."""
    from earwitness.scene import layout_named
    from earwitness.verbs.heard import Heard
    from earwitness.verbs.rendering import ADM_FILE, write_adm

    place, into, progress = Path(folder), Path(own), _progress(tell)
    if what in ("scene", "stems"):
        with locked(place):
            name = f"{what}.zip"
            picture = place / PICTURE
            scene_zip.pack(
                place / SCENE,
                into / name,
                picture if picture.is_file() else None,
                stems_only=what == "stems",
            )
        return {"files": [name]}
    heard = Heard.open(place / SCENE)
    if what == "adm":
        write_adm(heard, into / ADM_FILE, progress=progress)
        return {"files": [ADM_FILE]}
    if what == "clip":
        return {"files": [_clip(heard, place / INPUT, into, progress)]}
    name = f"{layout_named(what).title}.wav"
    heard.render(what, progress=progress).write(into / name, progress=progress)
    return {"files": [name]}


def _clip(heard: Heard, file: Path, into: Path, progress: Callable[[str, float], None]) -> str:
    from earwitness.media.clips import read_clip
    from earwitness.media.mux import suffix_for, write_under_picture

    clip = read_clip(file)
    round_picture = heard.scene.origin.get("projection") == "equirect"
    rendered = heard.render("foa" if round_picture else "5.1", progress=progress)
    progress("writing the clip", 0.9)
    name = f"clip{suffix_for(clip) or '.mp4'}"
    write_under_picture(
        clip, into / name, rendered.rendering.blocks(), layout=rendered.layout,
        rate_hz=heard.rate_hz, length_s=heard.scene.duration_s, sphere=round_picture,
        longest_s=None if clip.animated else heard.scene.duration_s,
    )  # fmt: skip
    return name


def _within(task: Callable[..., Answer]) -> Callable[..., Answer]:
    """Let temporary files of a task lie in its job's folder, so that they go with it."""

    def run(tell: Tell, **arguments: Any) -> Answer:
        scratch = tempfile.mkdtemp(prefix="scratch-", dir=arguments["folder"])
        tempfile.tempdir = scratch
        os.environ["TMPDIR"] = scratch
        try:
            return task(tell, **arguments)
        finally:
            tempfile.tempdir = None
            os.environ.pop("TMPDIR", None)
            shutil.rmtree(scratch, ignore_errors=True)

    return run


TASKS: dict[str, Callable[..., Answer]] = {
    "check": check,
    "unpack": unpack,
    "listen": _within(listen),
    "words": _within(words),
    "visit": _within(visit),
    "map": _within(map_),
    "voice": _within(voice),
    "download": _within(download),
}
