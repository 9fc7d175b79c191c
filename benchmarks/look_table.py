"""What the look finds in real photographs, measured against ``look_truth.toml``.

    python -m benchmarks.look_table PHOTOS [--write docs/photos.md]

PHOTOS is a folder with a folder for each package, unpacked; ``python -m training.look.photos
PHOTOS`` makes it. No picture is shipped: each has the licence told in its package.

The main thing counts as *found* when a source's region overlaps its box with an intersection over
union of at least 0.5, or the middle of a source's region lies inside its box; as *named* when such
a source has one of the right concepts. *Precision* is the part of all sources (things and stuff)
whose concept is right for something in the picture.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earwitness.look.compose import compose
from earwitness.look.distance import BuiltinDepth
from earwitness.look.geometry import Box, centre, overlap
from earwitness.look.naming import BuiltinNamer
from earwitness.look.regions import BuiltinSegmenter
from earwitness.media import read_picture
from earwitness.scene import Scene, Source

TRUTH = Path(__file__).with_name("look_truth.toml")


@dataclass(frozen=True)
class Result:
    """One photograph and what was made of it."""

    truth: dict[str, Any]
    scene: Scene
    seconds: float

    @property
    def box(self) -> Box | None:
        """The main thing's box in pixels."""
        if "box" not in self.truth:
            return None
        x0, y0, x1, y1 = (v / 100 for v in self.truth["box"])
        wide, high = self.scene.origin["width_px"], self.scene.origin["height_px"]
        return (x0 * wide, y0 * high, x1 * wide, y1 * high)

    @property
    def there(self) -> list[Source]:
        """Sources at the main thing."""
        return [s for s in self.scene.sources if self.box and _at(s, self.box)]

    @property
    def named(self) -> bool:
        """Whether the main thing has a right name."""
        return any(source.concept in self.truth["main"] for source in self.there)

    def right(self, source: Source) -> bool:
        """Whether a source is right to be in this picture."""
        return source.concept in (*self.truth["main"], *self.truth.get("also", ()))


def _at(source: Source, box: Box) -> bool:
    if source.region is None:
        return False
    seen = source.region.box_px
    x, y = centre(seen)
    held = box[0] <= x <= box[2] and box[1] <= y <= box[3]
    return held or overlap(seen, box) >= 0.5


def file_of(photos: Path, row: dict[str, Any]) -> Path:
    """Where a photograph of the truth lies."""
    if "/" in row["package"]:  # a repository, not a package
        return photos / "_github" / row["package"].split("/")[-1] / Path(row["file"]).name
    return photos / row["package"] / row["file"]


def look(photos: Path, rows: Sequence[dict[str, Any]]) -> list[Result]:
    """Look at every photograph that is there."""
    parts: dict[str, Any] = {
        "segmenter": BuiltinSegmenter(),
        "namer": BuiltinNamer(),
        "depth": BuiltinDepth(),
    }
    results = []
    for row in rows:
        path = file_of(photos, row)
        if path.exists():
            picture = read_picture(path)
            began = time.perf_counter()
            scene = compose(picture, **parts)
            results.append(Result(row, scene, time.perf_counter() - began))
    return results


def figures(results: Sequence[Result]) -> dict[str, str]:
    """The figures of some results."""
    with_main = [r for r in results if r.truth["main"]]
    sources = [(r, s) for r in results for s in r.scene.sources]
    people = [r for r in with_main if "speech" in r.truth["main"]]
    right = sum(r.right(s) for r, s in sources)
    return {
        "photographs": str(len(results)),
        "with a main thing": str(len(with_main)),
        "found": f"{sum(bool(r.there) for r in with_main)}",
        "found and named": f"{sum(r.named for r in with_main)}",
        "people found": f"{sum(r.named for r in people)} of {len(people)}",
        "sources": str(len(sources)),
        "precision": f"{right / max(1, len(sources)):.2f}",
    }


def short(row: dict[str, Any]) -> str:
    """Return a photograph's name for tables."""
    path = Path(row["file"])
    return path.parts[-4] if path.stem == "2560x1600" else path.name


def line(result: Result) -> str:
    """One photograph in one line."""
    row = result.truth
    verdict = "found" if result.there else "MISS"
    verdict = "-" if not row["main"] else "named" if result.named else verdict
    heard = "; ".join(
        f"{'' if result.right(s) else '✗ '}{s.name} {s.region.score if s.region else 0:.2f} "
        f"{s.azimuth_deg:+.0f}° {s.distance_m:.1f} m"
        for s in result.scene.sources
    )
    beds = ", ".join(b.concept for b in result.scene.bed)
    return f"{row['half']} {verdict:5} {short(row)[:28]:28} {row['main'][:2]}: {heard} | {beds}"


def main() -> None:
    """Look at all photographs and print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--half", choices=("a", "b"))
    args = parser.parse_args()
    rows = tomllib.loads(TRUTH.read_text("utf-8"))["photo"]
    results = look(args.photos, [r for r in rows if args.half in (None, r["half"])])
    for result in results:
        print(line(result))
    for half in ("a", "b"):
        mine = [r for r in results if r.truth["half"] == half]
        if mine:
            print(half, figures(mine))
    if results:
        print(f"median {sorted(r.seconds for r in results)[len(results) // 2]:.2f} s a photograph")
    if args.write:
        from benchmarks.look_page import page

        args.write.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
