"""What the command line shows: a progress line and tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from earwitness.scene import Scene, frame
from earwitness.verbs.progress import Progress as Tell


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints words as they are, without markup or colouring of numbers."""
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=False)


@contextlib.contextmanager
def progress_line(quiet: bool) -> Iterator[Tell]:
    """Show one line of progress on standard error, where that is a terminal."""
    out = console(stderr=True)
    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=quiet or not out.is_terminal,
    )
    with shown:
        task = shown.add_task("starting", total=1.0)

        def tell(stage: str, done: float) -> None:
            shown.update(task, description=stage, completed=done)

        yield tell


def source_table(scene: Scene) -> Table:
    """Return a table of a scene's sources and bed, as people read it."""
    table = Table(show_edge=False, pad_edge=False)
    for title, justify in (
        ("name", "left"),
        ("concept", "left"),
        ("azimuth", "right"),
        ("direction", "left"),
        ("distance", "right"),
        ("spread", "right"),
        ("level at 1 m", "right"),
        ("sure", "right"),
    ):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for source in scene.sources:
        table.add_row(
            source.name,
            source.concept,
            f"{source.azimuth_deg:+.0f}°",
            frame.in_words(source.azimuth_deg, source.elevation_deg),
            f"{source.distance_m:.3g} m",
            f"{source.spread_deg:.0f}°" if source.kind == "area" else "point",
            f"{source.level_db:.0f} dB",
            f"{source.region.score:.0%}" if source.region else "asked",
        )
    for bed in scene.bed:
        table.add_row(
            bed.name, bed.concept, "", "all around", "", "bed", f"{bed.level_db:.0f} dB*", ""
        )
    if scene.bed:
        table.caption = "* at the listener"
        table.caption_justify = "left"
    return table
