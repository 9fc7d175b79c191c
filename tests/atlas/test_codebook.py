"""The codebook: blocks change nothing, padding reaches nothing, memory stays small."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from earwitness.atlas.sat2sound import codebook, largest  # noqa: E402
from earwitness.atlas.sat2sound.codebook import Codebook  # noqa: E402
from earwitness.atlas.sat2sound.config import Sizes  # noqa: E402
from earwitness.atlas.sat2sound.sparsemax import sparsemax  # noqa: E402
from earwitness.errors import OptionError  # noqa: E402

SIZES = replace(
    Sizes.small(), width=16, text_width=12, swin_width=3, swin_heads=(1, 1, 1, 1), codes=150,
    code_width=20,
)  # fmt: skip


def book(temperature: float = 1.0, *, published: bool = False, seed: int = 0) -> Codebook:
    torch.manual_seed(seed)
    return Codebook(SIZES, published=published, temperature=temperature).double()


def tokens(rows: int = 5, many: int = 7, seed: int = 1) -> Any:
    made = torch.Generator().manual_seed(seed)
    return torch.randn(rows, many, 12, generator=made, dtype=torch.float64)


MASK = torch.tensor([[1] * 7, [1] * 5 + [0] * 2, [1] + [0] * 6, [0, 1] * 3 + [0], [0] * 7])


@pytest.mark.parametrize("published", [False, True])
@pytest.mark.parametrize("temperature", [0.05, 1.0, 1000.0])
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "padded"])
def test_blocks_give_values_and_gradients_of_the_plain_table(
    monkeypatch: pytest.MonkeyPatch, published: bool, temperature: float, mask: Any
) -> None:
    monkeypatch.setattr(largest, "_BLOCK", {"cpu": 1})
    monkeypatch.setattr(codebook, "_chunks", lambda _, like: [slice(0, 3), slice(3, len(like))])
    monkeypatch.setattr(codebook, "_PIECE", {"cpu": 5})
    made = torch.Generator().manual_seed(2)
    pull = torch.randn(5, 20, generator=made, dtype=torch.float64)
    push = torch.randn(5, 150, generator=made, dtype=torch.float64)
    found = []
    for way in ("forward", "plain"):
        layer, given = book(temperature, published=published), tokens().requires_grad_()
        embedding, attention = getattr(layer, way)(given, "text", mask)
        ((embedding * pull).sum() + (attention * push).sum()).backward()
        gradients = {n: p.grad for n, p in layer.named_parameters() if p.grad is not None}
        found.append([embedding, attention, given.grad, *gradients.values()])
        assert len(gradients) == 9
    for ours, plain in zip(*found):
        torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
@pytest.mark.parametrize("mask", [None, MASK[:4]], ids=["whole", "padded"])
def test_what_is_found_roughly_first_is_what_the_whole_table_holds(
    monkeypatch: pytest.MonkeyPatch, zero: bool, scale: float, mask: Any
) -> None:
    monkeypatch.setattr(largest, "is_rough", lambda *_: True)
    monkeypatch.setattr(largest, "_ROUGH_BLOCK", 64 * 28)
    made = torch.Generator().manual_seed(3)
    asked = torch.randn(4, 7, 20, generator=made) * scale * torch.rand(4, 7, 1, generator=made)
    asked[1, 3] = asked[1, 2]  # of equal tokens the first one counts
    asked[2, 5] = asked[2, 1] * (1 + 1e-5)  # rounding to bfloat16 makes these two equal
    codes = torch.randn(150, 20, generator=made) / scale
    table = asked.double() @ codes.double().T
    if mask is not None:
        gone = ~mask.bool()[..., None]
        table = table.masked_fill(gone, 0.0 if zero else -torch.inf)
    best, who = torch.empty(4, 150), torch.empty(4, 150, dtype=torch.int32)
    rough = largest._Rough(asked, None if mask is None else mask.bool(), zero)
    norms = largest._norms(codes)
    assert rough.write(codes, norms, best, who)  # not by way of the whole table
    best, who = torch.empty(4, 150), torch.empty(4, 150, dtype=torch.int32)
    finder = largest.Largest(codes, 28)
    finder.write(asked, None if mask is None else mask.bool(), zero, best, who)
    torch.testing.assert_close(best, table.amax(1).float(), rtol=1e-5, atol=1e-6)
    assert torch.equal(who.long(), table.max(1).indices)


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, 0.0])
def test_numbers_that_cannot_be_bounded_and_crowds_are_computed_whole(
    monkeypatch: pytest.MonkeyPatch, odd: float
) -> None:
    monkeypatch.setattr(largest, "is_rough", lambda *_: True)
    made = torch.Generator().manual_seed(4)
    asked, codes = torch.randn(2, 40, 8, generator=made), torch.randn(70, 8, generator=made)
    asked[1] = odd
    best, who = torch.empty(2, 70), torch.empty(2, 70, dtype=torch.int32)
    largest.Largest(codes, 80).write(asked, None, False, best, who)
    table = asked @ codes.T
    torch.testing.assert_close(best, table.amax(1), equal_nan=True)
    assert torch.equal(who[0].long(), table[0].max(0).indices)


def test_gradients_asked_for_twice_are_the_plain_ones_both_times() -> None:
    # Tokens as wide as codes: their gradients take the place of what was kept for them.
    torch.manual_seed(0)
    layer = Codebook(replace(SIZES, text_width=20), temperature=1.0).double()
    made = torch.Generator().manual_seed(5)
    given = torch.randn(5, 7, 20, generator=made, dtype=torch.float64).requires_grad_()
    pull = torch.randn(5, 20, generator=made, dtype=torch.float64)
    learnt = [given, layer.space_dict, *layer.txt_query_model.parameters()]
    plain = torch.autograd.grad((layer.plain(given, "text")[0] * pull).sum(), learnt)
    total = (layer(given, "text")[0] * pull).sum()
    for _ in range(2):
        for ours, wanted in zip(torch.autograd.grad(total, learnt, retain_graph=True), plain):
            torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)


def test_weights_of_codes_that_somebody_overwrites_do_not_change_gradients() -> None:
    layer, given = book(0.05), tokens().requires_grad_()
    wanted = torch.autograd.grad(layer(given, "text", MASK)[0].square().sum(), given)[0]
    embedding, attention = layer(given, "text", MASK)
    with torch.no_grad():
        attention.zero_()
    found = torch.autograd.grad(embedding.square().sum(), given)[0]
    torch.testing.assert_close(found, wanted)


def test_what_a_forward_keeps_for_gradients_goes_with_its_results() -> None:
    embedding, attention = book()(tokens().requires_grad_(), "text")
    kept = weakref.ref(attention)
    del embedding, attention
    assert kept() is None


def test_weights_of_codes_are_a_sparse_mixture() -> None:
    _, attention = book(0.05)(tokens(), "text")
    assert float(attention.detach().min()) == 0.0
    torch.testing.assert_close(attention.sum(1), torch.ones(5, dtype=torch.float64))
    assert int((attention > 0).sum(1).max()) < 50


def test_padding_does_not_reach_an_embedding_but_did_as_published() -> None:
    short = tokens()[:1, :4]
    for published in (False, True):
        layer = book(1000.0, published=published)
        alone, _ = layer(short, "text", torch.ones(1, 4))
        padded = torch.cat([short, 5 * tokens(1, 3, seed=9)], dim=1)
        within, _ = layer(padded, "text", torch.tensor([[1, 1, 1, 1, 0, 0, 0]]))
        assert torch.allclose(alone, within, atol=1e-12) is not published


def test_nothing_but_padding_mixes_all_codes_evenly() -> None:
    layer = book()
    _, attention = layer(tokens(1), "text", torch.zeros(1, 7))
    torch.testing.assert_close(attention, torch.full_like(attention, 1 / 150))


def test_tokens_in_another_order_give_the_same_embedding() -> None:
    layer, given = book(), tokens()
    order = torch.randperm(7)
    torch.testing.assert_close(
        layer(given, "text", MASK)[0], layer(given[:, order], "text", MASK[:, order])[0]
    )


def test_a_code_outside_the_support_moves_nothing() -> None:
    """The gradient at codes reaches the mixture's codes alone."""
    layer = book(0.05)
    embedding, attention = layer(tokens(), "text")
    embedding.sum().backward()
    silent = (attention == 0).all(dim=0)
    assert silent.any()
    assert float(layer.space_dict.grad[silent].abs().max()) == 0.0
    assert float(layer.space_dict.grad[~silent].abs().min()) > 0.0


def test_heat_maps_choose_codes() -> None:
    layer = book()
    every = layer.token_scores(tokens(), "text")
    assert torch.allclose(
        every[..., [3, 9]], layer.token_scores(tokens(), "text", codes=torch.tensor([3, 9]))
    )


def test_gradients_that_reach_nothing_and_tokens_that_are_equal() -> None:
    """Of equal tokens the first one is the one that learns, as in PyTorch's own maximum."""
    found = []
    for way in ("forward", "plain"):
        layer, given = book(0.5), tokens(2)
        given[:, 3] = given[:, 1]
        given[1] = given[1, :1]
        given.requires_grad_()
        embedding, _ = getattr(layer, way)(given, "text")
        (embedding[0] * torch.arange(20.0)).sum().backward()
        found.append(given.grad)
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)
    assert float(found[0][0, 3].abs().max()) == 0.0
    assert float(found[0][1].abs().max()) == 0.0
    layer, given = book(0.5), tokens(2).requires_grad_()
    embedding, _ = layer(given, "text")
    (0.0 * embedding.sum()).backward()
    assert float(given.grad.abs().max()) == 0.0


@pytest.mark.parametrize("frozen", [(), ("space_dict",), ("q_map",), ("q_map.0", "q_map.3")])
def test_what_does_not_learn_gets_no_gradient(frozen: tuple[str, ...]) -> None:
    found = []
    for way in ("forward", "plain"):
        layer = book(0.5)
        for name, parameter in layer.named_parameters():
            parameter.requires_grad_(not any(word in name for word in frozen))
        embedding, _ = getattr(layer, way)(tokens(), "text", MASK)
        (embedding**2).sum().backward()
        found.append({n: p.grad for n, p in layer.named_parameters() if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(gradient, found[1][name], rtol=1e-9, atol=1e-12)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(OptionError, match=r"mask has shape \(5, 6\)"):
        book()(tokens(), "text", torch.ones(5, 6))
    with pytest.raises(OptionError, match="no modality is called 'smell'"):
        book()(tokens(), "smell")
    with pytest.raises(OptionError, match="at least one token"):
        book()(tokens(many=0), "text")


def by_sort(scores: Any) -> Any:
    """Sparsemax as its paper writes it."""
    ordered = torch.sort(scores, descending=True).values
    places = torch.arange(1, len(scores) + 1, dtype=scores.dtype)
    inside = 1 + places * ordered > ordered.cumsum(0)
    count = int(inside.sum())
    return torch.clamp(scores - (ordered[:count].sum() - 1) / count, min=0)


@pytest.mark.parametrize("scale", [1e-4, 0.01, 1.0, 100.0])
@pytest.mark.parametrize("count", [1, 2, 17, 2048, 5000])
def test_sparsemax_is_that_of_its_paper(scale: float, count: int) -> None:
    made = torch.Generator().manual_seed(count)
    scores = scale * torch.randn(40, count, generator=made, dtype=torch.float64) + 3
    for row, projected in zip(scores, sparsemax(scores)):
        torch.testing.assert_close(projected, by_sort(row), rtol=1e-9, atol=1e-12)


def test_sparsemax_gradient_by_differences() -> None:
    scores = torch.randn(3, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    assert torch.autograd.gradcheck(sparsemax, (scores.requires_grad_(),))


def test_sparsemax_ends_on_values_that_rounding_makes_awkward() -> None:
    scores = torch.full((2, 16000), 0.1) + torch.arange(16000) * 1e-9
    torch.testing.assert_close(sparsemax(scores).sum(1), torch.ones(2), rtol=1e-4, atol=0)
