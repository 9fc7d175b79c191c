"""How true clips are heard, and what they cost.

    python -m benchmarks.bench_clips [truth] [panorama] [copy CLIP ...] [long]

truth     clips rendered from known paths: errors of direction, distance, sound and Doppler shift
panorama  four photographed things set into a sphere, turned round to several places
copy      clips of yours: is the picture copied untouched, do picture and sound start together
long      ten minutes of 1080p made by repeating a clip (--clip): memory and seconds of work

Figures are processor seconds of one core unless said otherwise.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import truth_clips
from benchmarks.clip_measures import figures, picture_md5, probe
from benchmarks.truth_panorama import panorama
from earwitness.scene import frame
from earwitness.verbs.listening import listen
from earwitness.verbs.watching import LOOKS_PER_S

MEGABYTE = 1024.0
TURNS = (0.0, 13.0, 31.0, 52.0, 77.0, 95.0, 120.0, 160.0, 205.0, 230.0, 290.0, 320.0)


def truth() -> None:
    print("clip, azimuth median / worst, distance trend, sound median / worst, Doppler, tracks")
    things = {"dog": (truth_clips.dog(), truth_clips.DOG_M)}
    try:
        things["motorcycle"] = (truth_clips.motorcycle(), 1.2)
    except ImportError:
        print("the motorcycle needs scikit-image; left out")
    paths = {
        "still camera": (truth_clips.crossing, {}),
        "panning camera": (truth_clips.receding, {"yaw_deg": truth_clips.pan}),
    }
    for thing, (image, height) in things.items():
        # A larger thing flies farther off, so that it fills the picture as much.
        far = height / truth_clips.DOG_M
        for camera, (path, how) in paths.items():
            with tempfile.TemporaryDirectory() as name:
                clip = Path(name) / "truth.mp4"
                told = truth_clips.render_clip(
                    clip,
                    thing=image,
                    world=truth_clips.stream(),
                    where=lambda t, path=path, far=far: path(t) * far,
                    height_m=height,
                    **how,
                )
                scene = listen(clip, resume=False).scene
            try:
                found = figures(scene, told, thing)
            except ValueError:
                print(f"{thing}, {camera}: not found")
                continue
            print(
                f"{thing}, {camera}: {found.azimuth_median_deg:.2f}° / "
                f"{found.azimuth_worst_deg:.1f}°, {100 * found.rising:.0f} %, "
                f"{found.sound_median_deg:.2f}° / {found.sound_worst_deg:.1f}°, "
                f"{100 * found.doppler_worst:.2f} %, {found.tracks}"
            )


def sphere() -> None:
    print("panorama turned by: errors of azimuth of four things, one of them across the seam")
    dog, motorcycle = truth_clips.dog(), truth_clips.motorcycle()
    for turn in TURNS:
        where = {"dog": (20.0, 110.0), "motorcycle": (-75.0, 178.0)}
        where = {
            key: tuple(float(frame.wrap_deg(a + turn)) for a in angles)
            for key, angles in where.items()
        }
        things = [(dog, a) for a in where["dog"]] + [(motorcycle, a) for a in where["motorcycle"]]
        with tempfile.TemporaryDirectory() as name:
            file = Path(name) / "pano.jpg"
            panorama(things).save(file, quality=92)
            scene = listen(file, projection="equirect", duration_s=0.5).scene
        errors = []
        for concept, angles in where.items():
            found = [one.azimuth_deg for one in scene.sources if one.concept == concept]
            for azimuth in angles:
                away = [abs(float(frame.wrap_deg(a - azimuth))) for a in found]
                errors.append(f"{min(away):.1f}°" if away else "missed")
        extra = sum(s.kind == "point" for s in scene.sources) - 4
        print(f"{turn:+.0f}°: {', '.join(errors)}; other points: {extra}")


def copy(clips: list[Path]) -> None:
    print("clip: picture untouched, start of picture / sound (s), lag of the track behind the WAV")
    for clip in clips:
        with tempfile.TemporaryDirectory() as name:
            heard = listen(clip, out=Path(name) / "a.scene", looks_per_s=0.5, resume=False)
            (video,) = heard.files
            same = picture_md5(video) == picture_md5(clip)
            starts = probe(video, "stream=codec_type,start_time")
            subprocess.run(
                ["ffmpeg", "-v", "error", "-i", video, "-map", "0:a", f"{name}/track.wav"],
                check=True,
            )
            wav = soundfile.read(f"{name}/a.scene/5.1.wav")[0].sum(axis=1)
            track = soundfile.read(f"{name}/track.wav")[0].sum(axis=1)
            size = 1 << int(np.ceil(np.log2(2 * max(len(wav), len(track)))))
            both = np.fft.irfft(np.conj(np.fft.rfft(wav, size)) * np.fft.rfft(track, size))
            lag = int(np.argmax(both))
            lag = lag if lag < size // 2 else lag - size
        print(f"{clip.name} → {video.name}: {same}, {starts}, {lag} samples", flush=True)


def long(clip: Path | None, looks: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        short, whole = f"{name}/short.mp4", f"{name}/long.mp4"
        source = ["-i", str(clip)] if clip else ["-f", "lavfi", "-i", "testsrc2=r=25:d=10"]
        subprocess.run(
            ["ffmpeg", "-v", "error", *source, "-an", "-vf", "scale=1920:1080", "-c:v", "libx264",
             "-preset", "ultrafast", "-crf", "30", "-t", "10", short],
            check=True,
        )  # fmt: skip
        subprocess.run(
            ["ffmpeg", "-v", "error", "-stream_loop", "59", "-i", short, "-c", "copy", whole],
            check=True,
        )
        seconds = float(probe(Path(whole), "format=duration")[0])
        stages: dict[str, float] = {}
        last = ["", time.process_time(), time.monotonic()]

        def tell(stage: str, done: float) -> None:
            now = time.process_time()
            stages[str(last[0])] = stages.get(str(last[0]), 0.0) + now - float(last[1])
            last[0], last[1] = stage.split()[0], now
            if time.monotonic() - float(last[2]) > 30:
                last[2] = time.monotonic()
                print(f"  {stage} {100 * done:.0f} %, {_peak():.0f} MB", flush=True)

        scene = listen(
            whole, out=f"{name}/long.scene", looks_per_s=looks, resume=False, progress=tell
        ).scene
    print(f"{seconds:.0f} s of 1920 x 1080, at most {looks:g} looks a second:")
    print(f"  {scene.origin['looks']} looks in {scene.origin['shots']} shots, "
          f"{len(scene.sources)} sources, peak memory {_peak():.0f} MB")  # fmt: skip
    for stage, cost in stages.items():
        if cost > 1.0:
            print(f"  {stage}: {cost / seconds:.2f} s of work for each second of clip")
    print(f"  in all: {sum(stages.values()) / seconds:.2f} s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["truth", "panorama", "copy", "long"], nargs="?")
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--clip", type=Path, help="what is repeated for ten minutes")
    parser.add_argument(
        "--looks", type=float, default=LOOKS_PER_S, help="most looks a second in the long clip"
    )
    given = parser.parse_args()
    if given.what in ("truth", None):
        truth()
    if given.what in ("panorama", None):
        sphere()
    if given.what == "copy":
        copy(given.clips)
    if given.what in ("long", None):
        long(given.clip, given.looks)


if __name__ == "__main__":
    main()
