"""``earwitness models``."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.table import Table

from earwitness.cli.console import console
from earwitness.cli.main import Group
from earwitness.errors import WeightsError


@click.group(
    cls=Group,
    epilog="""\b
Examples
  earwitness models list
  earwitness models fetch sam2-tiny depth-anything-v2 smolvlm stable-audio
  earwitness models verify
  earwitness models convert codi downloads/CoDi converted/codi
\b
Where weights are
  EARWITNESS_MODELS names the folder, by default ~/.cache/earwitness/models; models.toml in it
  can give a name another folder, hub id or revision:  [sam2-tiny]  folder = "/data/sam2"
""",
)
def models() -> None:
    """Weights of foundation models: list, fetch, verify, licences, convert.

    Nothing is ever downloaded but by `earwitness models fetch`.
    """


@models.command("list")
@click.option("--here", is_flag=True, help="Only those whose weights are on this machine.")
def list_(here: bool) -> None:
    """Show every model: role, size, licence, and where its weights are."""
    from earwitness.models.resolve import store_root
    from earwitness.models.store import listing

    shown = Table(show_edge=False, pad_edge=False)
    for title in ("name", "role", "MB", "licence", "commerce", "where", "revision"):
        shown.add_column(title, overflow="fold")
    for row in listing():
        if here and row.folder is None:
            continue
        entry = row.entry
        shown.add_row(
            entry.name,
            entry.role,
            str(entry.size_mb),
            entry.licence,
            entry.commercial,
            str(row.folder) if row.folder is not None else "-",
            (row.revision or entry.revision or "newest")[:12],
        )
    console().print(shown)
    console().print(f"\nfetched into {store_root()}", soft_wrap=True)


@models.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--revision", metavar="SHA", help="A commit of the hub, 40 hexadecimal digits.")
@click.option("--yes", "-y", is_flag=True, help="Accept licences without being asked.")
def fetch(names: tuple[str, ...], revision: str | None, yes: bool) -> None:
    """Fetch weights and check them against the hub's hashes.

    A licence that forbids or restricts commerce is shown, and asked about, before anything is
    downloaded. What was broken off goes on where it was.
    """
    from earwitness.cli.main import quiet
    from earwitness.models.store import fetch as get

    def say(line: str) -> None:
        if not quiet():
            console().print(line, soft_wrap=True)

    def agree(line: str) -> bool:
        del line  # it was just shown
        if yes:
            return True
        if not sys.stdin.isatty():
            raise WeightsError(
                "the licence must be accepted, and nobody can be asked here; read it and add --yes"
            )
        return bool(click.confirm("Fetch it?"))

    for name in names:
        get(name, say=say, agree=agree, revision=revision)


@models.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Compare weights with what was fetched; without NAMES all that are here."""
    from earwitness.models.store import listing
    from earwitness.models.store import verify as check

    chosen = names or tuple(row.entry.name for row in listing() if row.folder is not None)
    if not chosen:
        console().print("no weights are here; earwitness models fetch NAME")
        return
    wrong = 0
    for name in chosen:
        lines = check(name)
        wrong += bool(lines)
        for line in lines or ("whole and unchanged",):
            console().print(f"{name}: {line}", soft_wrap=True)
    if wrong:
        raise WeightsError(f"{wrong} of {len(chosen)} are not as they were fetched, see above")


@models.command()
def licences() -> None:
    """Show the licence of every model's weights, as its page tells."""
    from earwitness.models.store import licences as table

    shown = Table(show_edge=False, pad_edge=False)
    for title in ("name", "licence", "commercial use"):
        shown.add_column(title, overflow="fold")
    for row in table():
        shown.add_row(*row)
    console().print(shown)


@models.command()
@click.argument("name", type=click.Choice(["codi"]))
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
def convert(name: str, source: Path, out: Path) -> None:
    """Convert published .pth files to safetensors: a sixth of the size, quick and safe to read.

    SOURCE is the folder with CoDi_encoders.pth and CoDi_audio_diffuser_m.pth; nothing but tensors
    is read of them.
    """
    from earwitness.extras import require
    from earwitness.models.resolve import resolve

    place = resolve(source, name)
    require("torch", "transformers", "safetensors", "ftfy", what="converting CoDi")
    from earwitness.media import folder_beside
    from earwitness.voice.codi.pipeline import Codi

    with folder_beside(out) as made:
        Codi.load(place, device="cpu").save(made)
    console().print(f"written: {out}", soft_wrap=True)
