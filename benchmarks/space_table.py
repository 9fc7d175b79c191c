"""What is seen against what is heard, on random scenes: the published geometry and ours.

``python -m benchmarks.space_table`` makes 100 random photographs' worth of sources (3 each: a
pixel, a distance), renders each source alone through each renderer and writes the table of
``docs/measures.md`` between its markers. The truth is the pixel's direction through a pinhole of
60° and the distance; it is computed here, apart from the package.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from benchmarks.published_geometry import RATE_HZ, places, render
from earwitness.look.geometry import Pinhole, focal_px
from earwitness.measure.space import SourceError, SpaceReport, error_of, judge_alone, merge
from earwitness.scene import Scene, Sound, Source, layout_named
from earwitness.scene.frame import xyz
from earwitness.space.render import render_scene
from earwitness.space.stems import ArrayStem

PAGE = Path(__file__).parents[1] / "docs" / "measures.md"
SIZE_PX, FOV_DEG = (640, 480), 60.0
THEIR_SAMPLES = 163872
OURS = (
    ("foa", "ambisonics"),
    ("hoa3", "ambisonics"),
    ("5.1", "panning"),
    ("5.1", "propagation"),
    ("7.1.4", "panning"),
    ("binaural", "binaural"),
)


def seen(pixels: np.ndarray, metres: np.ndarray) -> np.ndarray:
    """Return where things are, metres in the listener's frame, by the tangent of the pixel."""
    reach = SIZE_PX[0] / 2 / np.tan(np.radians(FOV_DEG / 2))
    ray = np.column_stack(
        [
            np.full(len(pixels), reach),
            SIZE_PX[0] / 2 - pixels[:, 0],
            SIZE_PX[1] / 2 - pixels[:, 1],
        ]
    )
    return ray / np.linalg.norm(ray, axis=1, keepdims=True) * metres[:, None]


def _scene(at: np.ndarray) -> Scene:
    sources = tuple(
        Source(f"s{i}", f"source {i}", "dog", positions=((0.0, *map(float, place)),), level_db=80)
        for i, place in enumerate(at)
    )
    return Scene(sources, duration_s=0.5)


def _ours(at: np.ndarray, stems: list[np.ndarray], layout: str, name: str) -> list[Sound]:
    heard = []
    for place, stem in zip(at, stems):
        alone = _scene(place[None])
        made = render_scene(
            alone,
            lambda stem=stem: {"s0": ArrayStem(stem)},
            layout=layout_named(layout),
            renderer=name,
            rate_hz=RATE_HZ,
            loudness_lufs=None,
        )
        heard.append(made.sound())
    return heard


def _guessed(source: Source, guess: np.ndarray, layout: str) -> SourceError:
    """Return the error of a direction that no sound was needed for."""
    at = np.array(source.positions[0][1:])
    error, full, chance = error_of(at, guess, layout_named(layout))
    distance = float(np.linalg.norm(at))
    towards = tuple(float(v) for v in at / distance)
    return SourceError(
        source.id, source.name, towards, tuple(guess), error, full, chance, distance, 0.0
    )


def measure(scenes: int, seed: int) -> list[tuple[str, str, SpaceReport]]:
    """Return rows of renderer, layout, report."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, str], list[SpaceReport]] = {}
    for _ in range(scenes):
        pixels = rng.uniform([20, 20], np.array(SIZE_PX) - 20, (3, 2))
        metres = np.exp(rng.uniform(np.log(2.0), np.log(60.0), 3))
        stems = [rng.standard_normal(RATE_HZ // 2).astype(np.float32) * 0.05 for _ in range(3)]
        truth = _scene(seen(pixels, metres))
        # Their depth: disparity normalised over the picture, which spans 2 m to 60 m.
        disparity = (1 / metres - 1 / 60.0) / (1 / 2.0 - 1 / 60.0) * 255.0
        # Their sounds last 10.24 s; sound is a second on its way, so short ones would be cut away.
        long = [rng.standard_normal(THEIR_SAMPLES) * 0.05 for _ in range(3)]
        theirs = render(places(pixels, disparity, SIZE_PX), long, SIZE_PX)
        for method in ("beam", "energy"):
            rows = tuple(
                judge_alone(
                    truth, source, Sound(wave.astype(np.float32), RATE_HZ, "5.1"), method=method
                )
                for source, wave in zip(truth.sources, theirs)
            )
            found.setdefault(("published geometry", f"5.1, {method}"), []).append(
                SpaceReport("5.1", "alone", rows)
            )
        camera = Pinhole(SIZE_PX[0], SIZE_PX[1], focal_px(*SIZE_PX, fov_deg=FOV_DEG))
        angle = [camera.angles(float(x), float(y)) for x, y in pixels]
        ours = np.stack([xyz(a, e, m) for (a, e), m in zip(angle, metres)])
        for layout, name in OURS:
            methods = ("beam", "energy") if layout == "5.1" else ("beam",)
            sounds = _ours(ours, stems, layout, name)
            for method in methods:
                rows = tuple(
                    judge_alone(truth, source, sound, method=method)
                    for source, sound in zip(truth.sources, sounds)
                )
                label = f"{layout}, {method}" if layout == "5.1" else layout
                found.setdefault((f"earwitness {name}", label), []).append(
                    SpaceReport(layout, "alone", rows)
                )
        elsewhere = seen(rng.uniform([0, 0], SIZE_PX, (3, 2)), np.ones(3))
        for who, guesses in (
            ("everything straight ahead", np.tile([1.0, 0.0, 0.0], (3, 1))),
            ("anywhere in the picture", elsewhere),
        ):
            for layout in ("foa", "5.1"):
                rows = tuple(
                    _guessed(source, guess, layout) for source, guess in zip(truth.sources, guesses)
                )
                found.setdefault((who, layout), []).append(SpaceReport(layout, "alone", rows))
    return [(who, label, merge(reports)) for (who, label), reports in found.items()]


def table(rows: list[tuple[str, str, SpaceReport]]) -> str:
    lines = [
        "| renderer | layout, method | mean error | median | worst | in 3-D | chance | "
        "side rank | distance rank |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for who, label, report in rows:
        side, rank = (
            "–" if np.isnan(value) else f"{value:+.2f}"
            for value in (report.side_rank, report.distance_rank)
        )
        full = np.nanmean([source.full_deg for source in report.sources])
        lines.append(
            f"| {who} | {label} | {report.mean_deg:.1f}° | {report.median_deg:.1f}° | "
            f"{report.worst_deg:.1f}° | {full:.1f}° | {report.chance_deg:.0f}° | {side} | {rank} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--print-only", action="store_true", help="leave docs/measures.md as it is")
    chosen = parser.parse_args()
    made = table(measure(chosen.scenes, chosen.seed))
    print(made)
    if not chosen.print_only:
        text = PAGE.read_text(encoding="utf-8")
        new = re.sub(
            r"(<!-- space:begin -->\n).*?(<!-- space:end -->)",
            lambda found: f"{found[1]}\n{made}\n\n{found[2]}",
            text,
            flags=re.S,
        )
        PAGE.write_text(new, encoding="utf-8")


if __name__ == "__main__":
    main()
