"""Training of Sat2Sound: data, text states, the trainer, what is watched, what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earwitness.atlas.dataset import Pairs, open_pairs
from earwitness.errors import OptionError, OutputError
from earwitness.extras import require
from earwitness.media.output import beside
from earwitness.verbs.leaving_out import leave_out
from earwitness.verbs.progress import Progress, silent
from earwitness.verbs.world import data_named, is_world

if TYPE_CHECKING:
    from earwitness.atlas.sat2sound.config import Config
    from earwitness.atlas.sat2sound.lessons import Fieldwork, Lessons
    from earwitness.atlas.sat2sound.model import Sat2Sound
    from earwitness.atlas.sat2sound.training import TrainingPlan
    from earwitness.atlas.texts import KeptStates

RUN, LOG, BEST = "run.json", "log.jsonl", "best.json"
KEPT = 3
_LABELLED = 2000
SIZES = ("builtin", "small", "published")
BUILTIN_STEPS = 1500
WATCHED = "I2S R@10%"

OnStep = Callable[[int, dict[str, float]], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left.

    Parameters
    ----------
    folder
        Of the run.
    best
        Checkpoints with their recall, the best first.
    skipped
        Bad rows that were passed over: key → reason.
    """

    folder: Path
    best: tuple[tuple[str, float], ...]
    skipped: dict[str, str]


def config_named(name: str, imagery: str = "sentinel") -> Config:
    """Return a configuration by name.

    ``builtin`` is that of the model in the package (2 M parameters, Blue Marble), ``small`` has 5 M
    and ``published`` 166 M.
    """
    from earwitness.atlas.sat2sound.config import Config, Sizes

    if name not in SIZES:
        raise OptionError(f"no size is called {name!r}; choose from {', '.join(SIZES)}")
    if name == "builtin":
        return Config.builtin()
    sizes = Sizes.small() if name == "small" else Sizes()
    return Config(sizes=sizes, imagery=imagery, temperature=20.0)


def named_for(data: Path | str) -> str:
    """Return the name of the configuration that suits a data set."""
    return "builtin" if is_world(data) else "small"


def plan_named(name: str, *, lessons: bool = True, **given: Any) -> TrainingPlan:
    """Return the plan that suits a configuration; what is given and not None goes before.

    That of ``builtin`` is what the model in the package was trained by, with its ``lessons``, which
    only the built-in world can give.
    """
    from earwitness.atlas.sat2sound.training import TrainingPlan
    from earwitness.atlas.sat2sound.variation import Variation

    suits: dict[str, Any] = {}
    if name == "builtin":
        # A map often has no date, a photograph no place. Sounds are dear to embed, words cheap.
        varied = Variation(flips=True, tint=0.1, place=0.15, date=0.35, month=0.1, hour=0.1)
        steps = given.get("steps") or BUILTIN_STEPS
        suits = {
            "steps": steps, "learning_rate": 1.5e-3, "weight_decay": 0.05,
            "warm_up": min(50, steps // 8), "chunk": 128, "averaging": 0.98, "heard": 48,
            "variation": varied,
        }  # fmt: skip
        if lessons:
            suits |= {"prototypes": 20.0, "free_words": 3.0, "surveyed": 60_000}
    return TrainingPlan(**suits | {n: v for n, v in given.items() if v is not None})


def batch_named(name: str) -> int:
    """Return how many pairs a batch of a configuration has."""
    return 128 if name == "builtin" else 64


def _process() -> tuple[int, str]:
    """Join the other processes, where there are any; return our number and our device."""
    require("accelerate", "tensorboard", what="training", extra="train")
    from accelerate import PartialState

    state = PartialState()
    return int(state.process_index), str(state.device)


def train(
    data: Path | str,
    out: Path | str,
    *,
    plan: TrainingPlan | None = None,
    config: Config | None = None,
    sizes: str | None = None,
    batch: int | None = None,
    text: str | None = None,
    imagery: str = "sentinel",
    start: Path | str | None = None,
    device: str = "auto",
    validate_every: int = 100,
    validation_rows: int = 1000,
    skip_bad: bool = False,
    pseudo_positives: float | None = None,
    without: Collection[str] = (),
    states_at: Path | None = None,
    progress: Progress = silent,
    on_step: OnStep | None = None,
) -> Trained:
    """Train a model, or go on with a training that was cut off.

    Parameters
    ----------
    data
        As in :func:`earwitness.atlas.dataset.open_pairs`.
    out
        Folder of the run. If it holds one with the same plan, it goes on from its last checkpoint
        and ends with the same weights as if it had not been stopped.
    plan
        Steps, rates, seed; by default what suits the sizes.
    config
        Sizes and habits in full; else ``sizes`` names them.
    sizes
        ``builtin``, ``small`` or ``published``; by default ``builtin`` for the built-in world and
        ``small`` for other data.
    batch
        Pairs of a step, over all processes; by default what suits the sizes.
    text
        Text encoder: ``builtin``, ``minilm``, ``flan-t5-large`` or ``words``; by default the
        package's own with the sizes ``builtin``, else ``minilm``.
    imagery
        ``sentinel``, ``bingmap`` or ``googleEarth``.
    start
        A checkpoint to start from instead of random weights.
    device
        ``auto``, ``cpu``, ``cuda`` or ``mps``.
    validate_every, validation_rows
        Steps between looks at the split ``val``, and at most how many of its rows; 0 for never.
    skip_bad
        Pass bad rows over; they are named in what comes back.
    pseudo_positives
        Their weight in the loss, instead of the configuration's.
    without
        Left out for comparison; see :data:`earwitness.verbs.leaving_out.PARTS`.
    states_at
        Where states of captions are kept; by default in the cache, by encoder.
    progress, on_step
        Told how far it is; told each step's figures.

    Returns
    -------
    Trained

    Raises
    ------
    EarwitnessError
        If data, options or a checkpoint are not what they should be.
    """
    require("torch", what="training", extra="train")
    import torch

    from earwitness.atlas.dataset.batches import Batches
    from earwitness.atlas.sat2sound.model import Sat2Sound
    from earwitness.atlas.sat2sound.training import Trainer
    from earwitness.atlas.texts import KeptStates, load_text_encoder
    from earwitness.models.device import choose_device

    rank, found = _process()
    where = found if device == "auto" else choose_device(device)
    named, sizes = sizes, sizes or named_for(data)
    text = text or ("builtin" if sizes == "builtin" and config is None else "minilm")
    folder, batch = Path(out), batch or batch_named(sizes)
    if start is None:
        config = config or config_named(sizes, imagery)
        if pseudo_positives is not None:
            config = replace(config, pseudo_alpha=pseudo_positives)
    elif pseudo_positives is not None:
        raise OptionError("the weight of pseudo-positives is the checkpoint's that is started from")
    plan = plan or plan_named(sizes, lessons=is_world(data))
    config, plan = leave_out(without, config if start is None else None, plan)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; give a folder with --out")
    data = data_named(data, progress)
    pairs = open_pairs(data, split="train", imagery=imagery, skip_bad=skip_bad, progress=progress)
    told_of = {"data": str(data), "rows": len(pairs), "batch": batch, "text": text}
    _check_run(folder, told_of)
    looked_at = _validation(data, imagery, skip_bad, validate_every)
    encoder = load_text_encoder(text, device=where if where != "mps" else "cpu")
    words = KeptStates(encoder, states_at or states_file(encoder.name))
    torch.manual_seed(plan.seed)
    if start is not None:
        model = _started_from(start, named)
    else:
        assert config is not None
        config = replace(
            config, text_encoder=text, sizes=replace(config.sizes, text_width=encoder.width)
        )
        model = Sat2Sound(config)
    if model.config.sizes.text_width != encoder.width:
        raise OptionError(
            f"the model reads text states of width {model.config.sizes.text_width}, {text} gives "
            f"{encoder.width}; choose --text {model.config.text_encoder}"
        )
    labels = _labels(pairs, progress) if plan.lessons else None
    batches = Batches(
        pairs, model.config, words, size=batch, seed=plan.seed, variation=plan.variation,
        labels=labels,
    )  # fmt: skip
    if start is None:
        some = [batches.make(step).mel for step in range(min(4, batches.each_round))]
        model.audio_encoder.htsat.fit_bands(torch.cat(some))
    model.to(where)
    lessons = None
    if labels is not None:
        lessons = _lessons(labels, words, _fieldwork(plan, progress), progress).to(where)
    if rank == 0:
        _keep_run(folder, model, plan, **told_of, imagery=imagery)
    trainer = Trainer(model, batches, plan, folder, lessons)
    watch = _Watch(trainer, looked_at, words, folder if rank == 0 else None)

    def told(step: int, figures: dict[str, float]) -> None:
        if validate_every and (step % validate_every == 0 or step == plan.steps):
            figures |= watch.look(step, validation_rows)
        watch.write(step, figures)
        progress(_line(step, plan.steps, figures, watch.last), step / plan.steps)
        if on_step is not None:
            on_step(step, figures)

    threads = torch.get_num_threads()
    if where == "cpu":  # of two, batches being made beside take one; sharing both is slower
        torch.set_num_threads(max(1, threads - 1))
    try:
        trainer.run(told)
    finally:
        torch.set_num_threads(threads)
        batches.close()
        words.close()
        watch.close()
    return Trained(folder, tuple(watch.best), dict(pairs.bad))


def _labels(pairs: Pairs, progress: Progress) -> dict[str, NDArray[np.float32]]:
    """Return by key how likely each row has each prototype."""
    from earwitness.atlas.world.lessons import labels

    known: dict[str, NDArray[np.float32]] = {}
    rows = iter(pairs)
    while block := list(islice(rows, _LABELLED)):
        known |= {row.key: held for row, held in zip(block, labels(block))}
        progress("reading what the rules say", len(known) / len(pairs))
    return known


def _fieldwork(plan: TrainingPlan, progress: Progress) -> Fieldwork | None:
    from earwitness.atlas.sat2sound.lessons import Fieldwork
    from earwitness.atlas.world.survey import survey

    if not plan.surveyed:
        return None
    return Fieldwork(survey(plan.surveyed, seed=plan.seed, progress=progress), plan.variation)


def _lessons(
    labels: dict[str, NDArray[np.float32]],
    words: KeptStates,
    fieldwork: Fieldwork | None,
    progress: Progress,
) -> Lessons:
    from earwitness.atlas.builtin.wordpieces import vocabulary
    from earwitness.atlas.sat2sound.lessons import Lessons
    from earwitness.atlas.world.lessons import names_for

    share = np.mean(list(labels.values()), axis=0)
    return Lessons(names_for(words, vocabulary(), progress), words, share, fieldwork)


def _validation(data: Path | str, imagery: str, skip_bad: bool, every: int) -> Pairs | None:
    from earwitness.atlas.dataset import DatasetError

    if not every:
        return None
    try:
        return open_pairs(data, split="val", imagery=imagery, skip_bad=skip_bad)
    except DatasetError as error:
        if "none of the split" in str(error):
            return None  # a set of training rows alone is not wrong
        raise


def states_file(name: str) -> Path:
    """Return where a text encoder's states are kept."""
    from earwitness.media.memory import cache_folder

    return cache_folder() / "text-states" / f"{name.replace(':', '-')}.sqlite"


def _started_from(start: Path | str, named: str | None) -> Sat2Sound:
    """Load the model to start from; ``named`` are the sizes that were asked for, if any were."""
    from earwitness.atlas.sat2sound.model import Sat2Sound

    if str(start) == "builtin":
        raise OptionError(
            "the model in the package is made for ONNX Runtime and cannot be trained on; start "
            "from a checkpoint, such as the averaged.pt of a run"
        )
    model = Sat2Sound.load(start)
    if named is not None:
        asked = config_named(named, "sentinel").sizes
        if replace(model.config.sizes, text_width=asked.text_width) != asked:
            raise OptionError(
                f"{start} has other sizes than {named}; leave --size out to train it as it is"
            )
    return model


def _check_run(folder: Path, now: dict[str, Any]) -> None:
    """Refuse to go on with a run on other data or with other batches."""
    from earwitness.atlas.sat2sound.training import LAST

    if not (folder / LAST).exists():
        return
    try:
        held = json.loads((folder / RUN).read_text("utf-8"))
        before = {name: held[name] for name in now if name in held}
    except (OSError, ValueError, TypeError):
        return  # somebody's tidying; the plan and the model are compared with the checkpoint's
    changed = [
        f"{name} {was} → {now[name]}"
        for name, was in before.items()
        # The folder of the data may have moved.
        if (
            Path(str(was)).name != Path(str(now[name])).name if name == "data" else was != now[name]
        )
    ]
    if changed:
        raise OptionError(
            f"{folder} holds a run with another plan ({', '.join(changed)}); go on with that plan, "
            f"or give another folder"
        )


def _keep_run(folder: Path, model: Sat2Sound, plan: TrainingPlan, **told: Any) -> None:
    """Write how a run was started, once."""
    import torch

    from earwitness import __version__
    from earwitness.atlas.sat2sound.training import LAST

    folder.mkdir(parents=True, exist_ok=True)
    if (folder / RUN).exists() and (folder / LAST).exists():
        return
    held = {
        "earwitness": __version__, "torch": torch.__version__, **told, "plan": asdict(plan),
        "parameters": sum(p.numel() for p in model.parameters()), "model": model.config.as_dict(),
    }  # fmt: skip
    with beside(folder / RUN) as made:
        made.write_text(json.dumps(held, indent=2) + "\n")


def _line(step: int, steps: int, figures: dict[str, float], last: dict[str, float]) -> str:
    shown = f"step {step}/{steps}  loss {figures['loss']:.3f}"
    if WATCHED in last:
        shown += f"  R@10% {last[WATCHED]:.2f}/{last['S2I R@10%']:.2f}"
    return shown


class _Watch:
    """Looks at the validation split, keeps the best weights, writes what TensorBoard shows."""

    def __init__(self, trainer: Any, pairs: Pairs | None, words: Any, folder: Path | None) -> None:
        self.trainer, self.pairs, self.words, self.folder = trainer, pairs, words, folder
        self.last: dict[str, float] = {}
        self.best: list[tuple[str, float]] = []
        self._board: Any = None
        if folder is None:
            return
        if (folder / BEST).exists() and trainer.step:
            try:
                held = json.loads((folder / BEST).read_text())
                # What came after the checkpoint gone on from will come again.
                self.best = [(n, r) for n, r, at in held if at <= trainer.step]
            except (ValueError, TypeError) as error:
                raise OutputError(f"{folder / BEST} cannot be read; remove it") from error
        _forget_after(folder / LOG, trainer.step)
        from torch.utils.tensorboard import SummaryWriter

        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=trainer.step)

    def look(self, step: int, rows: int) -> dict[str, float]:
        """Return recalls on the validation split, of the averaged weights where there are any."""
        if self.folder is None or self.pairs is None or len(self.pairs) < 2:
            return {}
        from earwitness.atlas.retrieval import recalls
        from earwitness.atlas.sat2sound import checkpoint
        from earwitness.atlas.sat2sound.embedded import embed_pairs
        from earwitness.atlas.sat2sound.model import Sat2Sound

        now = self.trainer.averaged or self.trainer.model.state_dict()
        where = next(self.trainer.model.parameters()).device
        import torch

        with torch.random.fork_rng(devices=[]):
            model = Sat2Sound(self.trainer.model.config)
        model.load_state_dict(now)
        some = _First(self.pairs, rows)
        self.last = recalls(embed_pairs(model.to(where), some, self.words, size=32))  # type: ignore[arg-type]
        name = f"step-{step:06d}.safetensors"
        worst = min((r for _, r in self.best), default=-1.0)
        if len(self.best) < KEPT or self.last[WATCHED] > worst:
            checkpoint.save(self.folder / name, now, self.trainer.model.config)
            ranked = [(n, r) for n, r in self.best if n != name] + [(name, self.last[WATCHED])]
            ranked.sort(key=lambda pair: -pair[1])
            self.best, gone = ranked[:KEPT], ranked[KEPT:]
            for old, _ in gone:
                (self.folder / old).unlink(missing_ok=True)
            steps = {n: int(n.removeprefix("step-").partition(".")[0]) for n, _ in self.best}
            with beside(self.folder / BEST) as made:
                made.write_text(json.dumps([[n, r, steps[n]] for n, r in self.best]) + "\n")
        return dict(self.last)

    def write(self, step: int, figures: dict[str, float]) -> None:
        """Write a step's figures."""
        if self.folder is None:
            return
        with (self.folder / LOG).open("a") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items():
            self._board.add_scalar(name.replace("%", "pc").replace(" ", "_"), value, step)

    def close(self) -> None:
        """Finish the files."""
        if self._board is not None:
            self._board.close()


class _First:
    """The first rows of a split."""

    def __init__(self, pairs: Pairs, count: int) -> None:
        self._pairs, self._count, self.name = pairs, count, pairs.name

    def __len__(self) -> int:
        return min(self._count, len(self._pairs))

    def __iter__(self) -> Any:
        for index, pair in enumerate(self._pairs):
            if index >= self._count:
                return
            yield pair


def _forget_after(log: Path, step: int) -> None:
    """Drop lines of steps that are going to be taken again."""
    if not log.exists():
        return
    kept: list[str] = []
    for line in log.read_text().splitlines():
        try:
            if int(json.loads(line)["step"]) <= step:
                kept.append(line)
        except (ValueError, KeyError):
            continue  # the last line, when a kill cut it
    with beside(log) as made:
        made.write_text("".join(line + "\n" for line in kept))


def read_log(folder: Path) -> Sequence[dict[str, float]]:
    """Return the figures of every step of a run."""
    return [json.loads(line) for line in (folder / LOG).read_text().splitlines()]
