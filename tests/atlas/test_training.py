"""Training: chunks, processes, averages, and going on after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from earwitness.atlas.sat2sound.batch import Batch  # noqa: E402
from earwitness.atlas.sat2sound.config import Config, Sizes  # noqa: E402
from earwitness.atlas.sat2sound.fusion import Metadata  # noqa: E402
from earwitness.atlas.sat2sound.lessons import Fieldwork, Lessons  # noqa: E402
from earwitness.atlas.sat2sound.losses import total_loss  # noqa: E402
from earwitness.atlas.sat2sound.model import Sat2Sound  # noqa: E402
from earwitness.atlas.sat2sound.training import Trainer, TrainingPlan  # noqa: E402
from earwitness.atlas.sat2sound.variation import Variation  # noqa: E402
from earwitness.atlas.texts import KeptStates, WordHashes  # noqa: E402
from earwitness.atlas.world.lessons import Names  # noqa: E402
from earwitness.atlas.world.survey import Survey  # noqa: E402
from earwitness.errors import EarwitnessError, OptionError, WeightsError  # noqa: E402

TINY = Sizes(
    vit_width=16, vit_depth=1, vit_heads=2, width=16, fusion_feedforward=16, swin_width=4,
    swin_depths=(1, 1, 1, 1), swin_heads=(1, 1, 1, 1), text_width=8, codes=24, code_width=16,
)  # fmt: skip
PLAN = TrainingPlan(steps=4, warm_up=2, chunk=4, learning_rate=1e-2, save_every=1, averaging=0.9)


def batch(step: int, rows: int = 4) -> Batch:
    made = torch.Generator().manual_seed(step)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=made)

    mask = torch.ones(rows, 5)
    mask[:, 3:] = (normal(rows, 1) > 0).float()
    return Batch(
        images=normal(rows, 3, 224, 224),
        ground_m=torch.full((rows,), 10.0),
        mel=normal(rows, 1, 1024, 64) * 10 - 40,
        audio_words=normal(rows, 5, 8),
        audio_mask=mask,
        image_words=normal(rows, 5, 8),
        image_mask=mask,
        metadata=Metadata(
            latlong=normal(rows, 4), month=normal(rows, 2), asource=torch.arange(rows) % 4
        ),
    )


def model(**changes: object) -> Sat2Sound:
    torch.manual_seed(0)
    plain = {"dropout": 0.0, "drop_path": 0.0, "spec_augment": False}
    return Sat2Sound(Config(sizes=TINY, **{**plain, **changes}))  # type: ignore[arg-type]


LESSONS = {"prototypes": 5.0, "free_words": 1.0, "heard": 2}


def surveyed() -> Survey:
    rng = np.random.default_rng(1)
    return Survey(
        rng.integers(0, 256, (5, 16, 16, 3), np.uint8), rng.uniform(-80, 80, 5),
        rng.uniform(-180, 180, 5), rng.integers(1, 13, 5), rng.integers(0, 24, 5),
        np.full((5, 2), 0.9, np.float32), np.full((5, 2), 0.2, np.float32),
    )  # fmt: skip


def lessons(places: int = 3) -> Lessons:
    """Two prototypes of two phrases, five free words, some of five surveyed places a step."""
    names = Names(
        ("a river", "a brook", "a street", "a road"), np.array([0, 0, 1, 1]),
        ("boat", "lorry", "bridge", "fish", "van"),
        np.random.default_rng(0).normal(0, 0.1, (5, 2)).astype(np.float32), np.full(5, 0.2),
    )  # fmt: skip
    field = Fieldwork(surveyed(), Variation(flips=True, place=0.3, date=0.5), places=places)
    return Lessons(names, KeptStates(WordHashes(8)), np.array([0.3, 0.5]), field)


def labelled(step: int, rows: int = 4) -> Batch:
    made = torch.Generator().manual_seed(step)
    return replace(batch(step, rows), labels=(torch.rand(rows, 2, generator=made) < 0.5).float())


def trained(plan: TrainingPlan, folder: Path | None = None, **changes: object) -> Trainer:
    trainer = Trainer(model(**changes), batch, plan, folder)
    trainer.run()
    return trainer


def test_every_part_that_can_learn_does() -> None:
    before = model().state_dict()
    after = trained(PLAN).model
    still = {n for n, p in after.named_parameters() if torch.equal(p, before[n])}
    # Hours and caption sources are not in this data; of the last audio block only the values are
    # read, so its mixing and its MLP never learn.
    idle = ("time_fc", "caption_source", "layers.3.blocks.0.mlp", "layers.3.blocks.0.attn.relative")
    assert not [n for n in still if not any(word in n for word in idle)]


@pytest.mark.parametrize("taught", [False, True])
def test_chunks_give_the_gradients_of_the_whole_batch(taught: bool) -> None:
    held = []
    plan = replace(PLAN, clip=0.0, **(LESSONS if taught else {}))
    for chunk in (4, 3, 1):
        beside = lessons() if taught else None
        trainer = Trainer(
            model(temperature=5.0), labelled, replace(plan, chunk=chunk), None, beside
        )
        trainer.take_step()
        learnt = [*trainer.model.named_parameters(), *(beside.named_parameters() if beside else ())]
        held.append({name: p.grad for name, p in learnt if p.grad is not None})
    for other in held[1:]:
        assert other.keys() == held[0].keys()
        for name, gradient in held[0].items():
            largest = float(gradient.abs().max())
            torch.testing.assert_close(
                gradient, other[name], rtol=0, atol=1e-3 * largest + 1e-8, msg=name
            )


def test_chunks_with_dropout_are_embedded_twice_alike() -> None:
    """With the second embedding's dropout drawn anew, the gradient would be of another function."""
    trainer = Trainer(model(dropout=0.5, drop_path=0.3, spec_augment=True), batch, PLAN)
    trainer.model.train()
    with torch.no_grad():
        first = trainer._embed(batch(0), 3, 4)
    torch.rand(7)
    with torch.no_grad():
        assert not torch.allclose(first[0], trainer._embed(batch(0), 4, 4)[0], rtol=1e-3)
    for a, b in zip(first, trainer._embed(batch(0), 3, 4)):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_loss_falls_on_a_batch_seen_again_and_again() -> None:
    plan = replace(PLAN, steps=25, learning_rate=3e-3)
    losses: list[float] = []
    Trainer(model(droprate=0.0, temperature=5.0), lambda _: batch(0), plan).run(
        lambda _, figures: losses.append(figures["loss"])
    )
    assert losses[-1] < 0.7 * losses[0]


SCRIPT = """
    import sys, time
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    sys.path.insert(0, {tests!r})
    from dataclasses import replace
    from test_training import LESSONS, PLAN, Trainer, labelled, lessons, model
    slow = len(sys.argv) > 2
    plan = replace(PLAN, **LESSONS)
    trainer = Trainer(model(dropout=0.2), labelled, plan, sys.argv[1], lessons())
    def wait(step, figures):
        print(step, flush=True)
        if slow and step == 2:
            time.sleep(60)
    trainer.run(wait)
"""


def test_killed_and_resumed_gives_the_same_weights(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT.format(tests=str(Path(__file__).parent))))
    subprocess.run([sys.executable, script, tmp_path / "whole"], check=True, stdout=subprocess.PIPE)
    victim = subprocess.Popen(
        [sys.executable, script, tmp_path / "cut", "slowly"], stdout=subprocess.PIPE
    )
    assert victim.stdout is not None
    assert [victim.stdout.readline() for _ in range(2)] == [b"1\n", b"2\n"]
    victim.send_signal(signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    victim.stdout.close()
    done = subprocess.run(
        [sys.executable, script, tmp_path / "cut"], check=True, stdout=subprocess.PIPE
    )
    assert done.stdout.split() == [b"2", b"3", b"4"]  # the second was told, not yet kept
    whole, cut = (torch.load(tmp_path / n / "last.pt", weights_only=True) for n in ("whole", "cut"))
    for part in ("state_dict", "averaged"):
        for name, tensor in whole[part].items():
            assert torch.equal(tensor, cut[part][name]), name
    for name, tensor in whole["lessons"].items():
        assert torch.equal(tensor, cut["lessons"][name]), name
    for key, state in whole["optimiser"]["state"].items():
        for name, tensor in state.items():
            assert torch.equal(tensor, cut["optimiser"]["state"][key][name])


def two_processes(rank: int, places: int, file: str, out: str) -> None:
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{file}", rank=rank, world_size=2
    )
    losses: list[float] = []
    plan = replace(PLAN, chunk=1, learning_rate=5e-4, **LESSONS)
    trainer = Trainer(model(), labelled, plan, None, lessons(places))
    trainer.run(lambda _, figures: losses.append(figures["loss"]))
    torch.save({"losses": losses, "state": trainer.model.state_dict()}, f"{out}.{rank}")
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize("places", [3, 4], ids=["all look at all", "each looks at its share"])
def test_two_processes_train_as_one(tmp_path: Path, places: int) -> None:
    losses: list[float] = []
    plan = replace(PLAN, learning_rate=5e-4, **LESSONS)
    alone = Trainer(model(), labelled, plan, None, lessons(places))
    alone.run(lambda _, figures: losses.append(figures["loss"]))
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_training import two_processes\n"
        f"two_processes(int(sys.argv[1]), {places}, {str(tmp_path / 'meet')!r}, "
        f"{str(tmp_path / 'out')!r})"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(rank)]) for rank in (0, 1)]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    both = [torch.load(f"{tmp_path / 'out'}.{rank}", weights_only=True) for rank in (0, 1)]
    for held in both:
        assert held["losses"] == pytest.approx(losses, rel=1e-4)
    for name, tensor in both[0]["state"].items():
        assert torch.equal(tensor, both[1]["state"][name]), name
        torch.testing.assert_close(tensor, alone.model.state_dict()[name], rtol=1e-3, atol=2e-4)


def test_of_rows_not_heard_the_sounds_do_not_matter() -> None:
    def deaf(step: int) -> Batch:
        made = labelled(step)
        mel = made.mel.clone()
        mel[2:] = 0
        return replace(made, mel=mel)

    plan = replace(PLAN, **LESSONS)
    losses = []
    for given in (labelled, deaf):
        losses.append(Trainer(model(), given, plan, None, lessons()).take_step()["loss"])
    assert losses[0] == losses[1]


def test_the_loss_of_all_rows_heard_is_that_without_saying_so() -> None:
    made = torch.Generator().manual_seed(0)
    image, audio, words = (torch.randn(6, 8, generator=made) for _ in range(3))
    scales = model().scales()
    plain = total_loss(image, audio, words, None, scales).total
    named = total_loss(image, audio, words, None, scales, heard=torch.arange(6)).total
    torch.testing.assert_close(plain, named)
    first = total_loss(image, audio[:3], words, None, scales, heard=torch.arange(3))
    assert not torch.isclose(first.total, plain)


def test_prototypes_are_learnt() -> None:
    plan = replace(PLAN, steps=30, learning_rate=1e-2, **LESSONS)
    found: list[dict[str, float]] = []
    beside = lessons()
    beside.fieldwork = None
    trainer = Trainer(
        model(temperature=5.0, droprate=0.0), lambda _: labelled(0), plan, None, beside
    )
    trainer.run(lambda _, figures: found.append(figures))
    assert found[-1]["prototypes"] < 0.8 * found[0]["prototypes"]


def test_free_words_come_to_lie_where_the_text_encoder_has_them() -> None:
    """Each is told to lie near the prototype that it was farther from before."""
    learner, beside = model(temperature=5.0), lessons()

    def nearest() -> list[int]:
        states, mask = beside.states.padded([*beside.names.phrases, *beside.names.words])
        with torch.no_grad():
            made = learner.embed_text(torch.from_numpy(states), torch.from_numpy(mask))
        made = torch.nn.functional.normalize(made, dim=1)
        names = torch.stack([made[:2].mean(0), made[2:4].mean(0)])
        return (made[4:] @ names.T).argmax(1).tolist()

    wanted = [1 - number for number in nearest()]
    beside.names.nearness[:] = np.eye(2)[wanted]
    plan = replace(PLAN, steps=60, learning_rate=1e-2, prototypes=0.0, free_words=5.0, heard=2)
    Trainer(learner, labelled, plan, None, beside).run()
    learner.eval()
    assert nearest() == wanted


def test_surveyed_places_have_a_date_and_its_chances_or_neither() -> None:
    field = Fieldwork(surveyed(), Variation(place=0.5, date=0.5), places=5)
    images, ground_m, known, likely = field.draw(model(), np.random.default_rng(0))
    assert images.shape == (5, 3, 224, 224) and ground_m.tolist() == [10.0] * 5
    dated = known.valid("month")
    assert dated is not None and 0 < int(dated.sum()) < 5
    assert torch.equal(dated, known.valid("time"))
    assert torch.equal(likely[:, 0] > 0.5, dated)
    placed = known.valid("latlong")
    assert placed is not None and 0 < int(placed.sum()) < 5


def test_what_is_surveyed_is_learnt() -> None:
    """Who cannot tell the places apart reaches no less than the entropy of their mean."""
    learner, beside = model(temperature=5.0).eval(), lessons()
    chances = np.array([[0.95, 0.05]] * 2 + [[0.05, 0.95]] * 3, np.float32)
    known = replace(surveyed(), dated=chances, whenever=chances)
    beside.fieldwork = Fieldwork(known, Variation(), places=5)
    optimiser = torch.optim.Adam([*learner.parameters(), *beside.parameters()], lr=3e-3)
    nobody, nothing = torch.zeros(0, 16), torch.zeros(0, 2)
    found = []
    for step in range(100):
        named, _ = beside(learner, nobody, nothing, np.random.default_rng(step))
        optimiser.zero_grad()
        named.backward()
        optimiser.step()
        found.append(float(named.detach()))

    def entropy(chance: float) -> float:
        return float(-(chance * np.log(chance) + (1 - chance) * np.log(1 - chance)))

    blind, sure = entropy(float(chances[:, 0].mean())), entropy(0.95)
    assert np.mean(found[-10:]) < sure + 0.5 * (blind - sure)


def test_variation_makes_unknown_what_it_says_and_no_more() -> None:
    whole = batch(0, rows=400)
    made = Variation(place=0.25, date=0.5).of(whole, np.random.default_rng(0))
    place, month = made.metadata.valid("latlong"), made.metadata.valid("month")
    assert place is not None and 0.65 < float(place.float().mean()) < 0.85
    assert month is not None and 0.4 < float(month.float().mean()) < 0.6
    assert torch.equal(made.images, whole.images)
    assert Variation().of(whole, np.random.default_rng(0)) is whole
    turned = Variation(flips=True).of(whole, np.random.default_rng(0)).images
    ways = [whole.images, whole.images.flip(3), whole.images.flip(2), whole.images.flip(2, 3)]
    same = torch.stack([(turned == way).flatten(1).all(dim=1) for way in ways])
    assert bool((same.sum(dim=0) == 1).all()) and bool((same.sum(dim=1) > 60).all())


def test_dropping_does_not_depend_on_how_the_batch_is_cut() -> None:
    whole = batch(3, rows=8).with_dropped(0.5, torch.Generator().manual_seed(1))
    valid = whole.metadata.valid("latlong")
    assert valid is not None and int(valid.sum()) == 4
    half = whole.rows(slice(0, 4)).metadata
    assert torch.equal(half.valid("latlong"), valid[:4])
    assert int((whole.metadata.asource < 0).sum()) == 4


def test_averages_are_saved_as_a_model(tmp_path: Path) -> None:
    trainer = trained(PLAN, tmp_path)
    loaded = Sat2Sound.load(tmp_path / "averaged.pt")
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, trainer.averaged[name])


def test_bf16_trains_near_fp32() -> None:
    losses: dict[str, list[float]] = {"fp32": [], "bf16": []}
    for precision, held in losses.items():
        trainer = Trainer(model(), batch, replace(PLAN, steps=1, precision=precision))
        trainer.run(lambda _, figures, held=held: held.append(figures["loss"]))
    assert losses["bf16"] == pytest.approx(losses["fp32"], rel=0.05)
    assert losses["bf16"] != losses["fp32"]


def test_bad_data_and_plans_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="has 1 row"):
        Trainer(model(), lambda step: batch(step, 1), PLAN).run()
    good = batch(0)
    spoiled = good.mel.clone()
    spoiled[2, 0, 0, 0] = torch.nan
    with pytest.raises(OptionError, match="mel holds values that are not numbers, first in row 2"):
        replace(good, mel=spoiled)
    with pytest.raises(OptionError, match="3 rows and images has 4"):
        replace(good, ground_m=good.ground_m[:3])
    with pytest.raises(EarwitnessError, match="precision is 'fp8'"):
        TrainingPlan(precision="fp8")
    with pytest.raises(OptionError, match="heard is 1"):
        TrainingPlan(heard=1)
    with pytest.raises(OptionError, match="surveyed is -1"):
        TrainingPlan(surveyed=-1)
    with pytest.raises(OptionError, match="weighs prototypes 5"):
        Trainer(model(), batch, replace(PLAN, **LESSONS))
    with pytest.raises(OptionError, match="no labels for the lessons"):
        Trainer(model(), batch, replace(PLAN, **LESSONS), None, lessons()).run()
    with pytest.raises(OptionError, match="place is 2"):
        Variation(place=2)
    trained(replace(PLAN, steps=1), tmp_path)
    with pytest.raises(OptionError, match="steps 1 → 4"):
        Trainer(model(), batch, PLAN, tmp_path)
    with pytest.raises(OptionError, match="codebook True → False"):
        Trainer(model(codebook=False), batch, replace(PLAN, steps=1), tmp_path)
    (tmp_path / "last.pt").write_bytes((tmp_path / "last.pt").read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cut short"):
        Trainer(model(), batch, replace(PLAN, steps=1), tmp_path)
