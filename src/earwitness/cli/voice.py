"""``earwitness voice``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.table import Table

from earwitness.cli.console import console, progress_line
from earwitness.cli.options import model_options, model_settings
from earwitness.errors import OptionError


@click.command(
    epilog="""\b
Examples
  earwitness voice "heavy rain on a tin roof with distant thunder" -o rain.wav --duration 30
  earwitness voice "three dogs barking far away, no traffic" -o dogs.wav
  earwitness voice --list
  earwitness voice --sheet sheet.png
"""
)
@click.argument("words", nargs=-1)
@click.option("--out", "-o", type=click.Path(path_type=Path), help="A .wav or .flac file.")
@click.option(
    "--duration", "-d", type=float, default=10.0, show_default=True, help="Length, seconds."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same samples.")
@click.option("--rate", type=int, default=48000, show_default=True, help="Sampling rate, Hz.")
@click.option("--voice", "who", default="synth", show_default=True, metavar="NAME")
@model_options
@click.option("--list", "listed", is_flag=True, help="Show every concept with its controls.")
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="PNG",
    help="Draw a spectrogram of every concept.",
)
def voice(
    words: tuple[str, ...],
    out: Path | None,
    duration: float,
    seed: int,
    rate: int,
    who: str,
    listed: bool,
    sheet: Path | None,
    **more: Any,
) -> None:
    """Turn WORDS into a mono sound, without a picture."""
    from earwitness.cli.main import quiet

    if listed:
        _print_list()
        return
    if sheet is not None:
        from earwitness.draw.sheet import sheet as draw_sheet

        with progress_line(quiet()) as tell:
            draw_sheet(sheet, seed=seed, progress=tell)
        if not quiet():
            console().print(f"written: {sheet}", soft_wrap=True)
        return
    if not words:
        raise OptionError('no words; give some, such as "light rain", or --list or --sheet')
    if out is None:
        raise OptionError("no file to write; give one with -o, such as -o rain.wav")
    from earwitness.verbs.speaking import speak

    settings = model_settings(more)
    with progress_line(quiet()) as tell:
        said = speak(
            " ".join(words),
            out,
            duration_s=duration,
            seed=seed,
            rate_hz=rate,
            voice=who,
            settings=settings,
            progress=tell,
        )
    if not quiet():
        console().print(f"{said}\nwritten: {out}", soft_wrap=True)
        if settings.shelf.report():
            console().print(settings.shelf.report(), soft_wrap=True)


def _print_list() -> None:
    from earwitness.voice.registry import table

    shown = Table(show_edge=False, pad_edge=False)
    for title in ("concept", "family", "sounds like", "controls"):
        shown.add_column(title, overflow="fold")
    count = 0
    for row in table():
        controls = "; ".join(
            f"{c.name} {c.low:g}…{c.high:g} ({c.default:g}{' ' + c.unit if c.unit else ''})"
            for c in row.controls
        )
        shown.add_row(row.concept, row.family, row.label, controls)
        count += 1
    console().print(shown)
    console().print(f"\n{count} concepts")
