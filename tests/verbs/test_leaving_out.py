"""What a training may go without, and what it is told when there is nothing to leave out."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from earwitness.errors import OptionError  # noqa: E402
from earwitness.verbs.leaving_out import PARTS, leave_out  # noqa: E402
from earwitness.verbs.training import config_named, plan_named  # noqa: E402


def test_each_part_goes_alone() -> None:
    whole, plan = config_named("published"), plan_named("builtin")
    found = {}
    for part in PARTS:
        config, left = leave_out([part], whole, plan)
        assert config is not None
        found[part] = (
            not config.parts,
            not config.caption_weight,
            not config.codebook,
            not config.pseudo_alpha,
            not left.lessons,
        )
    assert [gone.index(True) for gone in found.values()] == [0, 1, 2, 3, 4]
    assert all(sum(gone) == 1 for gone in found.values())


@pytest.mark.parametrize(
    ("name", "told"), [("sounds", "choose from metadata"), ("pseudo-positives", "no pseudo")]
)
def test_what_is_not_there_cannot_be_left_out(name: str, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        leave_out([name], config_named("builtin"), plan_named("builtin"))


def test_a_checkpoint_keeps_what_it_was_made_with() -> None:
    with pytest.raises(OptionError, match="codebook is the checkpoint's"):
        leave_out(["codebook"], None, plan_named("builtin"))
    config, plan = leave_out(["lessons"], None, plan_named("builtin"))
    assert config is None and not plan.lessons
