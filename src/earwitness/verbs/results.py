"""The page of results: HTML, Markdown and CSV of what ``evaluate`` found."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Sequence
from pathlib import Path

from earwitness import __version__
from earwitness.draw.space import draw_space
from earwitness.errors import OutputError
from earwitness.measure.acoustics import FIELDS
from earwitness.measure.space import SpaceReport
from earwitness.measure.table1 import COLUMNS
from earwitness.media import beside, folder_beside
from earwitness.scene.frame import angles
from earwitness.verbs.measuring import Pair, SceneFigures, SetFigures, mean_columns

Row = Sequence[str]
Table = tuple[str, Row, Sequence[Row], str]
"""Title, heads, rows, what to know when reading it."""

OWN_FILES = frozenset({"index.html", "results.md", "results.csv", "space.png"})

_SPACE_NOTE = (
    "Angle between where a source is seen and where it is heard. Chance is the mean angle of a "
    "direction that knows nothing of the scene. In one plane (5.1) the azimuth counts, in "
    "binaural the angle to the side. Side rank and distance rank are Spearman's: 1 is the right "
    "order, 0 none."
)
_PAPER_NOTE = (
    "As the published code of SEE-2-SOUND computes them, defects included: equal files have "
    "mfcc_dtw near 0.0001 and swass 0.8; rhythm is NaN without onsets, and so is every mean "
    "with it."
)
_MENDED_NOTE = (
    "1 is equal; delay and level are found and taken out first. Not comparable with the paper's."
)


def number(value: float, digits: int = 3) -> str:
    """Return a figure as it is shown; a dash where there is none.

    Examples
    --------
    >>> number(0.12345), number(float("nan")), number(0.0000683), number(12.0, 1)
    ('0.123', '–', '6.83e-05', '12.0')
    """
    if not math.isfinite(value):
        return "–"
    if digits > 2 and 0 < abs(value) < 10.0**-digits:
        return f"{value:.{digits}g}"
    return f"{value:.{digits}f}"


def degrees(value: float, digits: int = 1) -> str:
    """Return an angle as it is shown; a dash where there is none.

    Examples
    --------
    >>> degrees(12.34), degrees(float("nan"))
    ('12.3°', '–')
    """
    return f"{value:.{digits}f}°" if math.isfinite(value) else "–"


def space_summary(reports: Sequence[SpaceReport]) -> Table:
    """Return one row for each layout."""
    heads = ("layout", "how", "sources heard", "mean error", "median", "worst", "chance")
    rows = [
        (
            r.layout,
            r.how,
            f"{r.heard}/{len(r.sources)}",
            *(degrees(v) for v in (r.mean_deg, r.median_deg, r.worst_deg, r.chance_deg)),
            number(r.side_rank, 2),
            number(r.distance_rank, 2),
        )
        for r in reports
    ]
    return "Space", (*heads, "side rank", "distance rank"), rows, _SPACE_NOTE


def source_rows(report: SpaceReport, scene: str = "") -> list[Row]:
    """Return one row for each source of a report."""
    rows: list[Row] = []
    for s in report.sources:
        seen, heard = (angles(v) for v in (s.seen, s.heard))
        there = any(s.heard)
        rows.append(
            (
                *([scene] if scene else []),
                s.name,
                report.layout,
                f"{float(seen[0]):+.0f}°",
                f"{float(heard[0]):+.0f}°" if there else "not heard",
                degrees(s.error_deg),
                degrees(s.chance_deg, 0),
                f"{number(s.distance_m, 1)} m",
                f"{s.part:.0%}",
            )
        )
    return rows


_SOURCE_HEADS = ("source", "layout", "seen at", "heard at", "error", "chance", "distance", "used")


def pair_tables(pairs: Sequence[Pair]) -> list[Table]:
    """Return the paper's columns and the mended ones, with means where there are several pairs."""
    paper_rows: list[Row] = [
        (p.name, *(number(getattr(p.paper, c), 4) for c in COLUMNS)) for p in pairs
    ]
    mended_rows: list[Row] = [
        (p.name, *(number(getattr(p.mended, f)) if p.mended else "–" for f in FIELDS))
        for p in pairs
    ]
    if len(pairs) > 1:
        paper, mended = mean_columns(pairs)
        paper_rows.append(("mean", *(number(paper[c], 4) for c in COLUMNS)))
        mended_rows.append(("mean", *(number(mended[f]) for f in FIELDS)))
    return [
        ("Table 1 of the paper", ("pair", *COLUMNS), paper_rows, _PAPER_NOTE),
        ("The same, mended", ("pair", *FIELDS), mended_rows, _MENDED_NOTE),
    ]


def scene_tables(figures: SceneFigures) -> list[Table]:
    """Return the tables of a scene."""
    made = [space_summary(figures.space)]
    rows = [row for report in figures.space for row in source_rows(report)]
    made.append(("Sources", _SOURCE_HEADS, rows, "Azimuths; left is positive."))
    if figures.guided is not None:
        made += [
            (f"Scene-guided by {figures.guide!r}: {title}", heads, rows, note)
            for title, heads, rows, note in pair_tables([figures.guided])
        ]
    if figures.agreement:
        scores = [(name, number(value, 4)) for name, value in figures.agreement.items()]
        note = "Cosine of embeddings, −1 to 1; figures of different weights do not compare."
        made.append(("Agreement", ("score", "value"), scores, note))
    return made


def set_tables(figures: SetFigures) -> list[Table]:
    """Return the tables of a set."""
    made: list[Table] = []
    if figures.scenes:
        made.append(space_summary(figures.space))
        rows = [
            (scene.name, *row) for scene in figures.scenes for row in space_summary(scene.space)[2]
        ]
        made.append(("Scenes", ("scene", *made[0][1]), rows, ""))
        sources = [
            row
            for scene in figures.scenes
            for report in scene.space
            for row in source_rows(report, scene.name)
        ]
        made.append(("Sources", ("scene", *_SOURCE_HEADS), sources, "Azimuths; left is positive."))
    if figures.pairs:
        made += pair_tables(figures.pairs)
    if figures.distances:
        rows = [(name, number(value, 4)) for name, value in figures.distances.items()]
        note = "The built-in embedding is not VGGish: this is no published FAD (docs/measures.md)."
        made.append(("Distance between the sets", ("measure", "value"), rows, note))
    return made


def markdown(title: str, tables: Sequence[Table]) -> str:
    """Return tables as Markdown.

    Examples
    --------
    >>> print(markdown("T", [("A", ("x",), [("1",)], "")]))
    # T
    <BLANKLINE>
    ## A
    <BLANKLINE>
    | x |
    |---|
    | 1 |
    <BLANKLINE>
    """
    parts = [f"# {title}", ""]
    for name, heads, rows, note in tables:
        parts += [f"## {name}", "", "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
        parts += ["| " + " | ".join(c.replace("|", "\\|") for c in row) + " |" for row in rows]
        parts += ["", *([note, ""] if note else [])]
    return "\n".join(parts)


_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
  color: #1b1f24; background: #fff }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid #d8dee4 }
th:first-child, td:first-child { text-align: left }
.wide { overflow-x: auto }
p.note { color: #57606a; max-width: 50rem }
img { max-width: 100%; height: auto }
@media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 }
  th, td { border-color: #30363d } p.note { color: #8b949e } }
"""


def page(title: str, tables: Sequence[Table], picture: str | None = None) -> str:
    """Return tables as one HTML page that needs nothing from the network."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
    ]
    if picture:
        about = "Seen and heard directions of every source, from above"
        parts.append(f'<p><img src="{html.escape(picture)}" alt="{about}"></p>')
    for name, heads, rows, note in tables:
        cells = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows
        )
        parts.append(f"<h2>{html.escape(name)}</h2>")
        parts.append(f'<div class="wide"><table><tr>{cells}</tr>{body}</table></div>')
        if note:
            parts.append(f'<p class="note">{html.escape(note)}</p>')
    parts.append(f'<p class="note">earwitness {__version__}</p></body></html>')
    return "\n".join(parts)


def csv_text(figures: SceneFigures | SetFigures | Pair) -> str:
    """Return every figure as rows of item, layout, measure, value: unrounded, for programs."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("item", "layout", "measure", "value"))

    def put(item: str, layout: str, measure: str, value: float) -> None:
        writer.writerow((item, layout, measure, "" if not math.isfinite(value) else repr(value)))

    def put_pair(pair: Pair) -> None:
        for column in COLUMNS:
            put(pair.name, "", f"table1.{column}", getattr(pair.paper, column))
        for field in FIELDS if pair.mended else ():
            put(pair.name, "", f"mended.{field}", getattr(pair.mended, field))

    def put_space(item: str, report: SpaceReport) -> None:
        for name in ("mean_deg", "median_deg", "worst_deg", "chance_deg"):
            put(item, report.layout, f"space.{name}", getattr(report, name))
        put(item, report.layout, "space.side_rank", report.side_rank)
        put(item, report.layout, "space.distance_rank", report.distance_rank)

    def put_scene(scene: SceneFigures) -> None:
        for report in scene.space:
            put_space(scene.name, report)
            for source in report.sources:
                item = f"{scene.name}/{source.id}"
                for name in (
                    "error_deg",
                    "full_deg",
                    "chance_deg",
                    "distance_m",
                    "lost_db",
                    "part",
                ):
                    put(item, report.layout, f"source.{name}", getattr(source, name))
        if scene.guided is not None:
            put_pair(scene.guided)
        for name, value in scene.agreement.items():
            put(scene.name, "", name, value)

    if isinstance(figures, Pair):
        put_pair(figures)
    elif isinstance(figures, SceneFigures):
        put_scene(figures)
    else:
        for report in figures.space:
            put_space(figures.name, report)
        for scene in figures.scenes:
            put_scene(scene)
        for pair in figures.pairs:
            put_pair(pair)
        for name, value in figures.distances.items():
            put(figures.name, "", name, value)
    return out.getvalue()


def tables_of(figures: SceneFigures | SetFigures | Pair) -> tuple[str, list[Table]]:
    """Return the title and the tables of any figures."""
    if isinstance(figures, Pair):
        return f"Acoustics of {figures.name}", pair_tables([figures])
    if isinstance(figures, SceneFigures):
        return f"The scene {figures.name}", scene_tables(figures)
    return f"The set {figures.name}", set_tables(figures)


def write_results(figures: SceneFigures | SetFigures | Pair, out: Path) -> None:
    """Write the results: a folder with a page, or a single ``.csv``, ``.md`` or ``.html`` file.

    Parameters
    ----------
    figures
        What was found.
    out
        A folder (``index.html``, ``results.md``, ``results.csv`` and, for scenes, ``space.png``),
        or a file by its ending.

    Raises
    ------
    OutputError
        If it cannot be written, or the folder holds something else.
    """
    title, tables = tables_of(figures)
    texts = {
        ".csv": lambda: csv_text(figures),
        ".md": lambda: markdown(title, tables),
        ".html": lambda: page(title, tables),
    }
    if out.suffix.lower() in texts and not out.is_dir():
        with beside(out) as made:
            made.write_text(texts[out.suffix.lower()](), encoding="utf-8")
        return
    if out.is_dir():
        strange = sorted({item.name for item in out.iterdir()} - OWN_FILES)
        if strange:
            raise OutputError(
                f"{out} holds something that is no page of results ({strange[0]}); choose another "
                f"folder with --out"
            )
    with folder_beside(out) as folder:
        picture = None
        space = () if isinstance(figures, Pair) else figures.space
        if space:
            picture = "space.png"
            draw_space(space).save(folder / picture)
        (folder / "index.html").write_text(page(title, tables, picture), encoding="utf-8")
        (folder / "results.md").write_text(markdown(title, tables), encoding="utf-8")
        (folder / "results.csv").write_text(csv_text(figures), encoding="utf-8")
