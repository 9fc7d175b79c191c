"""``earwitness evaluate retrieval``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from earwitness.cli.console import console, progress_line


@click.command(
    epilog="""\b
Examples
  earwitness evaluate retrieval --checkpoint builtin --data builtin-world
  earwitness evaluate retrieval --checkpoint runs/first/averaged.pt --data builtin-world
  earwitness evaluate retrieval --checkpoint bingmap_withmeta.ckpt --data hf:MVRL/GeoSound \\
      --imagery bingmap --zoom 1 --zoom 3 --zoom 5 --published --out figures.json
"""
)
@click.option("--checkpoint", required=True, metavar="FILE|builtin")
@click.option("--data", required=True, metavar="WHAT", help="As in earwitness train.")
@click.option(
    "--split", type=click.Choice(["train", "val", "test"]), default="test", show_default=True
)
@click.option(
    "--imagery",
    type=click.Choice(["sentinel", "bingmap", "googleEarth"]),
    help="[default: what the model was trained on]",
)
@click.option(
    "--zoom",
    "zooms",
    type=int,
    multiple=True,
    help="Tiles across: images are cut to it, or where they cannot be, those that have it are "
    "taken; may be given several times.",
)
@click.option("--concepts", is_flag=True, help="Also R@10% of the rows with each concept.")
@click.option("--ablate", is_flag=True, help="Also with each kind of metadata left out.")
@click.option(
    "--published",
    is_flag=True,
    help="Count ranks as the published code does (below k, so that R@1 is 0).",
)
@click.option(
    "--resamples",
    type=int,
    default=1000,
    show_default=True,
    help="Bootstrap draws behind the intervals of 95 %.",
)
@click.option("--text", metavar="NAME", help="Text encoder.  [default: the model's own]")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out (they are counted).")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="JSON file of all figures.")
def retrieval(
    checkpoint: str, data: str, split: str, imagery: str | None, zooms: tuple[int, ...],
    concepts: bool, ablate: bool, published: bool, resamples: int, text: str | None, device: str,
    skip_bad: bool, out: Path | None,
) -> None:  # fmt: skip
    """Rank the true partner of every image, sound and caption among all of a split.

    The three settings are those of the paper: none (image and sound), audio (the caption is added
    to the sound), query (the caption is added to whatever is asked).
    """
    from earwitness.cli.main import quiet
    from earwitness.verbs.evaluating import evaluate_retrieval

    with progress_line(quiet()) as tell:
        report = evaluate_retrieval(
            checkpoint, data, split=split, imagery=imagery, zooms=zooms, concepts=concepts,
            ablate=ablate, published=published, resamples=resamples, text=text, device=device,
            skip_bad=skip_bad, out=out, progress=tell,
        )  # fmt: skip
    if quiet():
        return
    shown = console()
    for title, table in report.tables.items():
        shown.print(f"\n{title}: {report.count} pairs, chance R@10% 0.1")
        drawn = Table(show_edge=False, pad_edge=False)
        columns = list(next(iter(table.values())))
        for name in ("", *columns):
            drawn.add_column(name, justify="left" if not name else "right")
        for name, figures in table.items():
            drawn.add_row(name, *(str(figures[column]) for column in columns))
        shown.print(drawn)
    for title, rows in report.concepts.items():
        shown.print(f"\n{title}: R@10% of rows with a concept (image→sound, sound→image)")
        for name, (count, there, back) in rows.items():
            shown.print(f"  {name:32} {count:6d}  {there:.3f}  {back:.3f}")
    if report.ablations:
        shown.print("\nkinds of metadata: image→sound and sound→image R@10%")
        for name, (there, back) in report.ablations.items():
            shown.print(f"  {name:32} {there:.3f}  {back:.3f}")
    if report.skipped:
        shown.print(f"\n{len(report.skipped)} bad rows left out: {', '.join(report.skipped)[:300]}")
    if out is not None:
        shown.print(f"written: {out}", soft_wrap=True)
