"""What the command line shows: a progress line and tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from earwitness.scene import Scene, frame
from earwitness.verbs.progress import Progress as Tell


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints words as they are, without markup or colouring of numbers."""
    made = Console(stderr=stderr, highlight=False, markup=False, soft_wrap=False)
    if not made.is_terminal:
        made.width = max(made.width, _PIPED)  # a file or a pipe has no right edge
    return made


_PIPED = 120


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
        last = 0.0

        def tell(stage: str, done: float) -> None:
            nonlocal last
            if done < last:  # another stage: its pace says nothing of the one before
                shown.reset(task, description=stage)
            last = done
            shown.update(task, description=stage, completed=done)

        yield tell


_NARROW = 100
"""Below so many columns the concept is left out."""


def source_table(scene: Scene, width: int = _NARROW) -> Table:
    """Return a table of a scene's sources and bed, as people read it.

    Parameters
    ----------
    scene
        What was heard.
    width
        Columns of the terminal.
    """
    table = Table(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    table.add_column("name", overflow="ellipsis", ratio=1, no_wrap=True)
    wide = width >= _NARROW
    if wide:
        table.add_column("concept", no_wrap=True)
    table.add_column("azimuth", justify="right", no_wrap=True)
    table.add_column("direction", no_wrap=True)
    table.add_column("distance", justify="right", no_wrap=True)
    if wide:
        table.add_column("spread", justify="right", no_wrap=True)
    table.add_column("level", justify="right", no_wrap=True)
    table.add_column("sure", justify="right", no_wrap=True)

    def row(name: str, concept: str, where: tuple[str, str, str], spread: str, *rest: str) -> None:
        table.add_row(
            name, *([concept] if wide else []), *where, *([spread] if wide else []), *rest
        )

    for source in scene.sources:
        row(
            source.name,
            source.concept,
            (
                f"{source.azimuth_deg:+.0f}°",
                frame.in_words(source.azimuth_deg, source.elevation_deg),
                f"{source.distance_m:.3g} m",
            ),
            f"{source.spread_deg:.0f}°" if source.kind == "area" else "point",
            f"{source.level_db:.0f} dB",
            f"{source.region.score:.0%}" if source.region else "asked",
        )
    for bed in scene.bed:
        row(bed.name, bed.concept, ("", "all around", ""), "bed", f"{bed.level_db:.0f} dB*", "")
    table.caption = "level at 1 m" + ("; * at the listener" if scene.bed else "")
    table.caption_justify = "left"
    return table
