"""``earwitness train``."""

from __future__ import annotations

from pathlib import Path

import click

from earwitness.cli.console import console, progress_line
from earwitness.verbs.leaving_out import PARTS


@click.command(
    epilog="""\b
Examples
  earwitness train --data builtin-world --out runs/first
  earwitness train --data builtin-world --steps 300 --without metadata --out runs/no-metadata
  earwitness train --data hf:MVRL/GeoSound --imagery bingmap --text flan-t5-large \\
      --size published --batch 128 --chunk 16 --precision bf16 --out runs/geosound
  earwitness train --data shards/ --out runs/mine --skip-bad
  accelerate launch --num_processes 2 -m earwitness train --data shards/ --out runs/two

Stopped runs go on: give the same command again. Watch one with
  tensorboard --logdir runs/
"""
)
@click.option(
    "--data",
    required=True,
    metavar="WHAT",
    help="builtin-world, hf:OWNER/NAME, a folder of Parquet or WebDataset tar shards, or a CSV.",
)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), required=True, help="Folder of the run."
)
@click.option(
    "--size", "sizes", type=click.Choice(["builtin", "small", "published"]),
    help="The model in the package (2 million parameters, Blue Marble), or 5 or 166 million.  "
    "[default: builtin for builtin-world, else small]",
)  # fmt: skip
@click.option(
    "--steps", type=int, help="Batches in all.  [default: 1000; 1500 with the size builtin]"
)
@click.option(
    "--batch", type=int, help="Pairs in a batch.  [default: 64; 128 with the size builtin]"
)
@click.option(
    "--chunk", type=int,
    help="Pairs embedded at a time: less takes less memory, the result is the same.  "
    "[default: 16; 128 with the size builtin]",
)  # fmt: skip
@click.option(
    "--heard", type=int, metavar="ROWS",
    help="Rows of a batch whose sounds are embedded, 0 for all.  [default: 0; 48 with the size "
    "builtin]",
)  # fmt: skip
@click.option(
    "--lr", "rate", type=float,
    help="Learning rate.  [default: 5e-4; 1.5e-3 with the size builtin]",
)  # fmt: skip
@click.option(
    "--pseudo-positives", "alpha", type=float, metavar="WEIGHT",
    help="Of pairs that look as much alike as the true ones.  [default: 0.1; 0 with the size "
    "builtin]",
)  # fmt: skip
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(PARTS),
    help="Leave this out, for comparison; may be given several times.",
)
@click.option(
    "--warm-up", type=int,
    help="Steps of rising rate.  [default: 100; 50 with the size builtin]",
)  # fmt: skip
@click.option(
    "--text", metavar="NAME",
    help="Text encoder: builtin (in the package), minilm, flan-t5-large (published models), or "
    "words (random vectors).  [default: builtin with the size builtin, else minilm]",
)  # fmt: skip
@click.option(
    "--imagery", type=click.Choice(["sentinel", "bingmap", "googleEarth"]), default="sentinel",
    show_default=True, help="Whose images, and so their scale.",
)  # fmt: skip
@click.option(
    "--start", type=click.Path(path_type=Path), help="Checkpoint to start from.", metavar="FILE"
)
@click.option("--precision", type=click.Choice(["fp32", "bf16"]), default="fp32", show_default=True)
@click.option(
    "--averaging", type=float,
    help="Decay of the EMA.  [default: 0.999; 0.98 with the size builtin]",
)  # fmt: skip
@click.option("--save-every", type=int, default=100, show_default=True, metavar="STEPS")
@click.option(
    "--validate-every", type=int, default=100, show_default=True, metavar="STEPS",
    help="0 for never. The three best by recall are kept.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same weights.")
@click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|mps")
@click.option("--skip-bad", is_flag=True, help="Leave bad rows out (they are counted and named).")
def train(
    data: str, out: Path, sizes: str | None, steps: int | None, batch: int | None,
    chunk: int | None, heard: int | None, rate: float | None, alpha: float | None,
    without: tuple[str, ...], warm_up: int | None, text: str | None, imagery: str,
    start: Path | None, precision: str, averaging: float | None, save_every: int,
    validate_every: int, seed: int, device: str, skip_bad: bool,
) -> None:  # fmt: skip
    """Train Sat2Sound: places, sounds and words in one space.

    On builtin-world this is the recipe of the model in the package, which has lessons besides: what
    the rules say a place has, by name, and how near other words are to that.
    """
    from earwitness.cli.main import quiet
    from earwitness.extras import require
    from earwitness.verbs.training import named_for, plan_named
    from earwitness.verbs.training import train as learn
    from earwitness.verbs.world import is_world

    require("torch", what="training", extra="train")
    plan = plan_named(
        sizes or named_for(data), lessons=is_world(data), steps=steps, learning_rate=rate,
        warm_up=warm_up, chunk=chunk, averaging=averaging, seed=seed, save_every=save_every,
        precision=precision, heard=heard,
    )  # fmt: skip
    with progress_line(quiet()) as tell:
        done = learn(
            data, out, plan=plan, sizes=sizes, batch=batch, text=text, imagery=imagery,
            start=start, device=device, validate_every=validate_every, skip_bad=skip_bad,
            pseudo_positives=alpha, without=without, progress=tell,
        )  # fmt: skip
    if quiet():
        return
    shown = console()
    if done.skipped:
        shown.print(f"{len(done.skipped)} bad rows left out:")
        for key, reason in list(done.skipped.items())[:20]:
            shown.print(f"  {key}: {reason}")
    for name, recall in done.best:
        shown.print(f"{name}: image→sound R@10% {recall:.3f}")
    shown.print(f"written: {done.folder}", soft_wrap=True)
